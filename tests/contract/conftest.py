"""What was answered to the script of the contract: by the real Orthancs of old, by this one, and by the simulator."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from jobindex.demo.installed import NotInstalled

from . import records
from .exchanges import ABOUT_JOBS, SCRIPT
from .neutral import Answer
from .playing import play
from .stage import real_orthanc, replica_before, simulated_orthanc

REAL = "real"

Answers = Mapping[str, Answer]


@pytest.fixture(scope="session", params=records.releases())
def release(request: pytest.FixtureRequest) -> str:
    """A release of which answers are recorded."""
    return str(request.param)


@pytest.fixture(scope="session")
def recorded(release: str) -> Answers:
    return records.read(release)


@pytest.fixture(scope="session")
def newer() -> Answers:
    """The answers of the release that a replica speaks like."""
    return records.read("1.12.7")


@pytest.fixture(scope="session")
def all_simulated() -> Mapping[str, Answers]:
    """What the simulator answers to the whole script, as each release."""
    return asyncio.run(_play_simulated())


@pytest.fixture(scope="session")
def simulated(all_simulated: Mapping[str, Answers], release: str) -> Answers:
    return all_simulated[release]


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Answers]:
    """What Debian's Orthanc answers, and its release; without one, skipped at home and failed in CI."""
    try:
        return asyncio.run(_play_real(tmp_path_factory.mktemp("orthanc")))
    except NotInstalled as missing:
        return give_up(missing)


@pytest.fixture(scope="session", params=[*records.releases(), REAL])
def behind(request: pytest.FixtureRequest) -> str:
    """What stands behind the index: the simulator of a release, or a real Orthanc."""
    return str(request.param)


@pytest.fixture(scope="session")
def direct(behind: str, request: pytest.FixtureRequest) -> Answers:
    """What that one answers by itself."""
    if behind == REAL:
        answers: Answers = request.getfixturevalue("real")[1]
        return answers
    return records.read(behind)


@pytest.fixture(scope="session")
def through(behind: str) -> Answers:
    """What a replica answers to all that is about jobs, before a node of that kind with the plugin."""
    try:
        return asyncio.run(_play_through(None if behind == REAL else behind))
    except NotInstalled as missing:
        return give_up(missing)


def give_up(missing: NotInstalled) -> NoReturn:
    """At home a part may be missing."""
    (pytest.fail if "CI" in os.environ else pytest.skip)(str(missing))


async def _play_simulated() -> dict[str, Answers]:
    async def played(release: str) -> Answers:
        async with simulated_orthanc(release) as target:
            return await play(target, SCRIPT)

    known = records.releases()
    return dict(zip(known, await asyncio.gather(*map(played, known)), strict=True))


async def _play_real(folder: Path) -> tuple[str, Answers]:
    async with real_orthanc(folder) as target:
        return await target.release(), await play(target, SCRIPT)


async def _play_through(release: str | None) -> Answers:
    async with replica_before(release) as target:
        return await play(target, ABOUT_JOBS)
