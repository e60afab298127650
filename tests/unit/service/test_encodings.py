"""A body is compressed once for a version, and nobody waits for an older one."""

import asyncio
import gzip
import threading
from collections.abc import Sequence

import pytest

from jobindex.model.query import Question
from jobindex.service import encodings
from jobindex.service.bodies import Bodies
from jobindex.service.encodings import SMALLEST, Encodings

from ..waiting import until

QUESTION = Question()
TEXT = b"[1," * SMALLEST


class SlowCoding:
    """Compresses when it is let, and counts."""

    def __init__(self) -> None:
        self.began = 0
        self.let = threading.Event()

    def __call__(self, parts: Sequence[bytes]) -> bytes:
        self.began += 1
        self.let.wait(10)
        return b"".join(parts)[:10]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> SlowCoding:
    coding = SlowCoding()
    monkeypatch.setitem(encodings.CODINGS, "slow", coding)
    return coding


async def test_what_is_compressed_says_the_same() -> None:
    made = await Encodings(Bodies()).encode(QUESTION, "1", [TEXT], "gzip")
    assert made is not None
    assert len(made) < len(TEXT)
    assert gzip.decompress(made) == TEXT


async def test_a_small_body_goes_out_as_it_is() -> None:
    assert await Encodings(Bodies()).encode(QUESTION, "1", [b"[]"], "gzip") is None


async def test_all_who_want_a_version_share_one_compression(slow: SlowCoding) -> None:
    found = Encodings(Bodies())
    asking = [asyncio.create_task(found.encode(QUESTION, "1", [TEXT], "slow")) for _ in range(5)]
    await until(lambda: slow.began == 1)
    slow.let.set()
    assert await asyncio.gather(*asking) == [TEXT[:10]] * 5
    assert await found.encode(QUESTION, "1", [TEXT], "slow") == TEXT[:10]
    assert slow.began == 1


async def test_a_newer_version_does_not_wait_for_an_older_one(slow: SlowCoding) -> None:
    found = Encodings(Bodies())
    older = asyncio.create_task(found.encode(QUESTION, "1", [TEXT], "slow"))
    await until(lambda: slow.began == 1)
    assert await found.encode(QUESTION, "2", [TEXT], "slow") is None
    slow.let.set()
    assert await older == TEXT[:10]
    assert await found.encode(QUESTION, "2", [TEXT, b"2"], "slow") == TEXT[:10]
    assert slow.began == 2


async def test_who_leaves_does_not_end_it_for_the_others(slow: SlowCoding) -> None:
    found = Encodings(Bodies())
    leaving, staying = (asyncio.create_task(found.encode(QUESTION, "1", [TEXT], "slow")) for _ in range(2))
    await until(lambda: slow.began == 1)
    leaving.cancel()
    slow.let.set()
    assert await staying == TEXT[:10]
