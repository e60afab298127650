"""Command-line check: an address to look at is one of HTTP, else the command ends with a sentence on its option."""

from collections.abc import Iterable
from urllib.parse import urlsplit

import typer

from jobindex.cli.environment import WRONG_SETTINGS

EXAMPLES = {"--url": "http://127.0.0.1:8001", "--front": "https://orthanc.example.org"}
MAX_SHOWN = 60
"""Characters of a wrong address that are repeated."""


def check_addresses(given: Iterable[tuple[str, str]]) -> None:
    """The end of the command unless each option's address can be asked."""
    wrong = [_sentence(option, address) for option, address in given if not is_address(address)]
    for sentence in wrong:
        typer.echo(sentence, err=True)
    if wrong:
        raise typer.Exit(WRONG_SETTINGS)


def is_address(text: str) -> bool:
    """Whether it is `http://` or `https://`, a host and perhaps a port; without a login, a query or a fragment."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - ValueError where it is none
    except ValueError:
        return False
    plain = not set("?#@ \t\r\n") & set(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain


def _sentence(option: str, address: str) -> str:
    """What stands before an @ may be a password, and is not repeated."""
    shown = address.rpartition("@")[2][:MAX_SHOWN]
    return (
        f'{option} is "{shown}", which is no address: it begins with http:// or https://, then host[:port], no login;'
        f" for example {EXAMPLES[option]}"
    )
