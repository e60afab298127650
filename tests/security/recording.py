"""An Orthanc that keeps every request head as the bytes that came, and answers anyone who brings its login."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ..unit.scripted_orthanc import AUTHORIZATION

UNAUTHORIZED = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="Orthanc Secure Area"\r\n'
LONGEST_HEAD = 1 << 20


@dataclass(frozen=True)
class Head:
    """A request as it came; names of headers in small letters."""

    line: str
    headers: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, told: bytes) -> "Head":
        line, *headers = told.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        pairs = (header.partition(":") for header in headers)
        return cls(line, tuple((name.lower(), value.strip()) for name, _, value in pairs))

    def values(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each == name]


@dataclass
class RecordingOrthanc:
    """`jobs` are the bodies that it has for paths; anything else is 404, or 400 to a POST."""

    url: str = ""
    jobs: dict[str, bytes] = field(default_factory=dict)
    heads: list[Head] = field(default_factory=list)

    def taken(self) -> list[Head]:
        """Those that came since this was asked last."""
        heads, self.heads = self.heads, []
        return heads

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while told := await reader.readuntil(b"\r\n\r\n"):
                head = Head.read(told)
                self.heads.append(head)
                await reader.readexactly(int((head.values("content-length") or ["0"])[0]))
                writer.write(self._answer(head))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, head: Head) -> bytes:
        if head.values("authorization")[:1] != [AUTHORIZATION]:
            return UNAUTHORIZED + b"Content-Length: 0\r\n\r\n"
        method, path, _ = head.line.split(" ", maxsplit=2)
        body = self.jobs.get(path) if method == "GET" else b"{}"
        status = b"400 Bad Request" if method == "POST" and path.split("/")[2].startswith("0000") else b"200 OK"
        if body is None:
            status, body = b"404 Not Found", b""
        return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
            status,
            len(body),
            body,
        )


@asynccontextmanager
async def recording() -> AsyncIterator[RecordingOrthanc]:
    orthanc = RecordingOrthanc(jobs={"/jobs": b"[]", "/jobs?expand": b"[]"})
    async with await asyncio.start_server(orthanc.serve, "127.0.0.1", 0, limit=LONGEST_HEAD) as server:
        orthanc.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield orthanc
