"""Requests and commands made beforehand and sent as fast as they are answered: a sender that costs next to nothing."""

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import hiredis

MOST_REFUSED = 1000
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass
class Sent:
    """How it went: seconds for all, seconds for each, statuses of those that were no 200."""

    seconds: float = 0.0
    each: list[float] = field(default_factory=list)
    failures: list[bytes] = field(default_factory=list)
    refused: int = 0


async def post_all(port: int, requests: Sequence[bytes], connections: int) -> Sent:
    """Send whole HTTP requests over so many connections."""
    sent, waiting = Sent(), iter(requests)
    began = time.monotonic()
    await asyncio.gather(*(_post(port, waiting, sent) for _ in range(connections)))
    sent.seconds = time.monotonic() - began
    return sent


async def _post(port: int, waiting: Iterator[bytes], sent: Sent) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in waiting:
        began = time.monotonic()
        head, body = await _answer(reader, writer, request)
        while head.startswith(b"HTTP/1.1 503") and sent.refused < MOST_REFUSED:  # as a plugin does
            sent.refused += 1
            await asyncio.sleep(0.05)
            head, body = await _answer(reader, writer, request)
        sent.each.append(time.monotonic() - began)
        if not head.startswith(b"HTTP/1.1 200"):
            sent.failures.append(head.splitlines()[0] + b" " + body[:200])
    writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[bytes, bytes]:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    found = _LENGTH.search(head)
    return head, await reader.readexactly(int(found[1])) if found else b""


async def command_all(port: int, commands: Sequence[bytes], connections: int, ahead: int = 4) -> float:
    """Send whole Redis commands, some on the way at a time on each connection; seconds for all."""
    waiting = iter(commands)
    began = time.monotonic()
    await asyncio.gather(*(_command(port, waiting, ahead) for _ in range(connections)))
    return time.monotonic() - began


async def _command(port: int, waiting: Iterator[bytes], ahead: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    parser, under_way, more = hiredis.Reader(), 0, True
    while under_way or more:
        while more and under_way < ahead:
            command = next(waiting, None)
            more = command is not None
            if more:
                writer.write(command)
                under_way += 1
        if under_way:
            parser.feed(await reader.read(1 << 16))
        while under_way and (reply := parser.gets()) is not False:
            if isinstance(reply, hiredis.ReplyError):
                raise reply
            under_way -= 1
    writer.close()


def http_post(path: str, headers: dict[str, str], body: bytes) -> bytes:
    told = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def redis_command(*words: str | bytes | int) -> bytes:
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
