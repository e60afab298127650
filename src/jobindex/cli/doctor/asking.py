"""A question to an HTTP server that is not Orthanc."""

from dataclasses import dataclass, field

import aiohttp

from jobindex.cli.doctor.failures import reason

LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back; status 0 where nothing did, and why."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    why: str = ""


async def ask(session: aiohttp.ClientSession, url: str) -> Heard:
    """GET, without credentials, following nothing; header names in lower case."""
    try:
        async with session.get(url, allow_redirects=False) as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Heard(answer.status, headers, await answer.content.read(LARGEST))
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return Heard(why=reason(error))
