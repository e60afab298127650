"""A cluster comes as a whole or not at all, and takes its folder along when it goes."""

import tempfile
from pathlib import Path

import pytest

from jobindex.demo.cluster import Plan, running
from jobindex.demo.installed import NotInstalled
from jobindex.demo.layout import lay_out
from jobindex.demo.ports import LOOPBACK
from jobindex.demo.probes import listens
from jobindex.demo.process import NotStarted

ONLY_REDIS = Plan(nodes=0, replicas=0, nginx=False)


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_it_is_there_and_then_nothing_of_it_is(tmp_path: Path) -> None:
    told: list[str] = []
    async with running(ONLY_REDIS, told.append) as cluster:
        assert await listens(LOOPBACK, cluster.redis.port)
        assert files(tmp_path) == [cluster.folder]
    assert told == ["redis"]
    assert not await listens(LOOPBACK, cluster.redis.port)
    assert files(tmp_path) == []


async def test_a_part_that_does_not_start_is_named_and_ends_the_rest(tmp_path: Path) -> None:
    plan = Plan(nodes=1, replicas=0, nginx=False, simulated=True, plugin=False, arguments=("--nonsense",))
    with pytest.raises(NotStarted, match=r"orthanc-a ended while it started(?s:.*)nonsense"):
        async with running(plan):
            pytest.fail("it came up")
    assert files(tmp_path) == []


async def test_an_error_of_its_user_ends_it_too(tmp_path: Path) -> None:
    async def use() -> None:
        async with running(ONLY_REDIS):
            raise LookupError

    with pytest.raises(LookupError):
        await use()
    assert files(tmp_path) == []


async def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> Path:
        raise NotInstalled("nginx", "nginx")

    monkeypatch.setattr("jobindex.demo.nginx.nginx_program", absent)
    with pytest.raises(NotInstalled, match="apt install nginx"):
        async with running(Plan(nodes=1, replicas=1, simulated=True)):
            pytest.fail("it came up")
    assert files(tmp_path) == []


def test_releases_a_storage_for_all_is_there_before_any_orthanc_starts(tmp_path: Path) -> None:
    try:
        lay_out(Plan(nodes=3, replicas=0, nginx=False, postgres=True), tmp_path)
    except NotInstalled as missing:
        pytest.skip(str(missing))
    assert (tmp_path / "storage").is_dir()
