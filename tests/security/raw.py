"""Requests as bytes, past every library that would mend them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

PATIENCE = 20.0
"""Seconds for an answer."""


class Line:
    """A connection that is made anew when the other side has ended it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes, *, bodiless: bool = False) -> tuple[int, dict[str, str], bytes]:
        """The status, the headers (names in small letters) and the body; 0 where the connection was just ended."""
        async with asyncio.timeout(PATIENCE):
            if self._writer is None:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
            with suppress(ConnectionError):
                self._writer.write(request)
                await self._writer.drain()
            return await self._answer(bodiless)

    async def _answer(self, bodiless: bool) -> tuple[int, dict[str, str], bytes]:
        assert self._reader is not None
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, ConnectionError):
            await self.close()
            return 0, {}, b""
        status, headers = _read(head)
        body = b"" if bodiless or status in (204, 304) else await self._body(headers)
        if headers.get("connection", "").lower() == "close":
            await self.close()
        return status, headers, body

    async def _body(self, headers: dict[str, str]) -> bytes:
        assert self._reader is not None
        if "content-length" in headers:
            return await self._reader.readexactly(int(headers["content-length"]))
        return await self._reader.read() if headers.get("connection", "").lower() == "close" else b""

    async def close(self) -> None:
        """Also after a request of which bytes may be left over."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def _read(head: str) -> tuple[int, dict[str, str]]:
    line, *headers = head.removesuffix("\r\n\r\n").split("\r\n")
    pairs = (header.partition(":") for header in headers)
    return int(line.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    line = Line(port)
    try:
        yield line
    finally:
        await line.close()
