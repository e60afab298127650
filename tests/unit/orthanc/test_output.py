"""An output is poured only to whom its bytes, as the owner sends them, are the promised ones; else it is read."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from jobindex.errors import OwnerSilent
from jobindex.orthanc import output as module
from jobindex.orthanc import splice
from jobindex.orthanc.client import Client, opened
from jobindex.orthanc.credentials import NOBODY
from jobindex.orthanc.output import WORTH_POURING
from jobindex.orthanc.reach import Reach
from jobindex.orthanc.tls import tls_context
from jobindex.settings import LOOPBACK

from ..scripted_orthanc import ScriptedOrthanc, scripted
from .authority import Authority

LENGTH = 5 * WORTH_POURING
PROMISED = {"Content-Length": str(LENGTH)}


async def can_be_poured(client: Client, orthanc: ScriptedOrthanc, length: int | None) -> bool:
    async with client.stream(orthanc.url, "/big", NOBODY, within=5) as output:
        return output.can_be_poured(length)


async def test_who_was_promised_the_same_length_gets_it_poured(client: Client, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell("/big", endless=True, headers=PROMISED)
    assert await can_be_poured(client, orthanc, LENGTH)


@pytest.mark.parametrize("promised", [None, 0, LENGTH - 1, LENGTH + 1])
async def test_who_was_promised_something_else_does_not(
    client: Client, orthanc: ScriptedOrthanc, promised: int | None
) -> None:
    orthanc.tell("/big", endless=True, headers=PROMISED)
    assert not await can_be_poured(client, orthanc, promised)


async def test_chunks_are_no_body_as_it_is(client: Client, orthanc: ScriptedOrthanc) -> None:
    orthanc.tell("/big", endless=True)
    for promised in (None, LENGTH):
        assert not await can_be_poured(client, orthanc, promised)


async def test_what_is_small_is_not_worth_it(client: Client, orthanc: ScriptedOrthanc) -> None:
    small = WORTH_POURING - 1
    orthanc.tell("/big", b"x", cut=1, headers={"Content-Length": str(small)})
    assert not await can_be_poured(client, orthanc, small)


async def test_where_there_is_no_room_it_is_read(
    client: Client, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    orthanc.tell("/big", endless=True, headers=PROMISED)
    monkeypatch.setattr(splice, "MOST", 0)
    assert not await can_be_poured(client, orthanc, LENGTH)


async def test_where_there_is_no_splice_it_is_read(orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch) -> None:
    orthanc.tell("/big", endless=True, headers=PROMISED)
    monkeypatch.delattr(os, "splice")
    async with opened(Reach(LOOPBACK), tls_context()) as client:
        assert not await can_be_poured(client, orthanc, LENGTH)


async def test_what_is_encrypted_is_read(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        scripted(tls=authority.server("127.0.0.1")) as orthanc,
        opened(Reach(LOOPBACK), tls_context(authority.file)) as client,
    ):
        orthanc.tell("/big", endless=True, headers=PROMISED)
        assert not await can_be_poured(client, orthanc, LENGTH)


async def test_what_has_come_already_and_what_is_poured_are_the_whole(client: Client, orthanc: ScriptedOrthanc) -> None:
    body = os.urandom(LENGTH)
    orthanc.tell("/big", body, headers=PROMISED)
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.setblocking(False)
        async with client.stream(orthanc.url, "/big", NOBODY, within=5) as output:
            begun = output.begun()
            pouring = asyncio.create_task(output.pour(near.fileno()))
            rest = bytearray()
            while len(begun) + len(rest) < LENGTH:
                rest += await asyncio.get_running_loop().sock_recv(far, 1 << 20)
            await pouring
    assert begun + rest == body


async def test_what_stands_still_while_it_is_poured_breaks_off(
    client: Client, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE", 0.05)
    orthanc.tell("/big", b"x" * 1000, cut=10, halts=asyncio.Event(), headers=PROMISED)
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        async with client.stream(orthanc.url, "/big", NOBODY, within=5) as output:
            output.begun()
            with pytest.raises(OwnerSilent):
                await output.pour(near.fileno())
