"""What stands in for curl where that is not installed: as much of it as the lines need that the demo prints."""

import argparse
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path

PATIENCE = 60.0  # seconds
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the network's proxy knows no demo of ours


def request(arguments: argparse.Namespace) -> urllib.request.Request:
    body = arguments.data.encode() if arguments.data is not None else None
    if body is None and arguments.method == "POST":
        body = b""
    sent = urllib.request.Request(arguments.url, data=body, method=arguments.method)  # noqa: S310 - the caller's own URL
    if arguments.user:
        sent.add_header("Authorization", f"Basic {b64encode(arguments.user.encode()).decode()}")
    return sent


def main() -> None:
    """The answer's body, whatever its status, as curl has it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-s", action="store_true", help="say nothing of the progress")
    parser.add_argument("-u", dest="user", metavar="NAME:PASSWORD")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-d", dest="data")
    parser.add_argument("-o", dest="output", type=Path, metavar="FILE")
    parser.add_argument("url")
    arguments = parser.parse_args()
    try:
        with DIRECT.open(request(arguments), timeout=PATIENCE) as answer:
            body = answer.read()
    except urllib.error.HTTPError as refusal:
        body = refusal.read()
    except OSError as error:
        sys.exit(f"{arguments.url} can't be reached: {error}")
    if arguments.output:
        arguments.output.write_bytes(body)
    else:
        sys.stdout.buffer.write(body)


if __name__ == "__main__":
    main()
