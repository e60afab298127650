"""A visitor of the demo: runs `make run`, opens the page and tries each line that it prints, and ends it with Ctrl-C.

Knows the standard library only.  Ends with 0 and one line where all of it worked; else what did not is said.
"""

import base64
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

READY_WITHIN = 1200.0
"""Seconds, with Debian's packages and Python's on the way."""
LINE_WITHIN = 60.0
END_WITHIN = 60.0
HEEDED_WITHIN = 10.0
LAST = "Ctrl-C ends it all."
LOGIN = base64.b64encode(b"demo:demo").decode()


class Wrong(Exception):
    """What a visitor would complain about."""


def started() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["make", "run"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def read_to_the_end_of_the_guide(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    impatience = threading.Timer(READY_WITHIN, os.killpg, (process.pid, signal.SIGKILL))
    impatience.start()
    text = ""
    for line in process.stdout:
        text += line
        sys.stdout.write(line)
        if LAST in line:
            impatience.cancel()
            return text
    impatience.cancel()
    raise Wrong(f"it ended, or said nothing for {READY_WITHIN:.0f} s, before it was ready")


def open_page(text: str) -> int:
    """The page that it says to open; answers how many there are."""
    for url in re.findall(r"^Open +(\S+)", text, re.MULTILINE):
        asked = urllib.request.Request(url, headers={"Authorization": f"Basic {LOGIN}"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=LINE_WITHIN) as answer:
            if b"<html" not in answer.read().lower():
                raise Wrong(f"{url} is no page")
        return 1
    return 0


def try_line(line: str, folder: str) -> None:
    """What it writes goes elsewhere; and again for a while, for a job heeds between two of its steps."""
    deadline, line = time.monotonic() + HEEDED_WITHIN, line.replace("-o archive.zip", f"-o {folder}/archive.zip")
    while complaint := complaint_of(line):
        if time.monotonic() > deadline:
            raise Wrong(f"{line}\n{complaint}")
        time.sleep(0.5)


def complaint_of(line: str) -> str:
    """Nothing where the line does what it is there for."""
    tried = subprocess.run(line, shell=True, capture_output=True, timeout=LINE_WITHIN, check=False)  # noqa: S602
    answered = tried.stdout.strip() or "-o " in line
    if tried.returncode == 0 and answered and b'"HttpError"' not in tried.stdout:
        return ""
    return f"{tried.returncode}: {(tried.stdout + tried.stderr).decode(errors='replace')[:500]}"


def try_lines(text: str) -> int:
    lines = re.findall(r"^  ([^#\s].*)$", text.partition("\nTry\n")[2], re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        for line in lines:
            try_line(line, folder)
    return len(lines)


def end(process: "subprocess.Popen[str]", there_before: set[str]) -> None:
    os.killpg(process.pid, signal.SIGINT)
    told, _ = process.communicate(timeout=END_WITHIN)
    sys.stdout.write(told)
    if left := folders() - there_before:
        raise Wrong(f"it left {left}")
    if left := [name for name in running() if "jobindex" in name or "rthanc" in name]:
        raise Wrong(f"it left {left}")


def folders() -> set[str]:
    """The temporary ones of clusters."""
    return {str(path) for path in Path(tempfile.gettempdir()).glob("jobindex-*")}


def running() -> list[str]:
    """The command lines of all processes but this one."""
    places = [place for place in Path("/proc").glob("[0-9]*") if place.name != str(os.getpid())]
    return [line for place in places if (line := _command_line(place))]


def _command_line(place: Path) -> str:
    try:
        return (place / "cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""


def main() -> None:
    there_before, process = folders(), started()
    try:
        text = read_to_the_end_of_the_guide(process)
        tried = open_page(text) + try_lines(text)
        end(process, there_before)
    except (Wrong, OSError, subprocess.TimeoutExpired) as wrong:
        sys.exit(f"{wrong}")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    sys.stdout.write(f"{tried} things tried\n")


if __name__ == "__main__":
    main()
