"""`jobindex purge`, as an operator runs it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from jobindex.cli import app
from jobindex.demo.ports import free_port
from jobindex.store import opened

from ...builders import job_id, registered, told, word

UID = "1.2.840.1"


@pytest.fixture
def index(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Jobs 1 and 2 of node a, the first of which names a study."""

    async def fill() -> None:
        async with opened(redis_url) as store:
            await registered(store, "a")
            await told(store, word(1, Content={"Study": UID}), word(2, "Success"))

    asyncio.run(fill())
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("JOBINDEX_AUDIT_FILE", str(tmp_path / "audit"))
    return redis_url


def purge(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(app, ["purge", *arguments], input=answer)


def left(url: str) -> set[str]:
    async def look() -> set[str]:
        async with opened(url) as store:
            return set(await store.jobs.fetch([job_id(1), job_id(2)]))

    return asyncio.run(look())


def records(folder: Path) -> list[dict[str, Any]]:
    path = folder / "audit"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [(("job", job_id(2), job_id(9)), [1]), (("study", UID), [2]), (("node", "a"), []), (("node", "b"), [1, 2])],
)
def test_what_is_named_is_removed(index: str, arguments: tuple[str, ...], numbers: list[int]) -> None:
    assert purge(*arguments, "--yes").exit_code == 0
    assert left(index) == {job_id(number) for number in numbers}


def test_it_is_asked_first(index: str, tmp_path: Path) -> None:
    assert "living Orthanc still has" in purge("node", "a", answer="n\n").stderr
    assert len(left(index)) == 2
    assert records(tmp_path) == []
    purge("node", "a", answer="y\n")
    assert left(index) == set()


def test_a_dry_run_removes_nothing(index: str) -> None:
    told = purge("node", "a", "--dry-run")
    assert (told.exit_code, job_id(1) in told.stderr) == (0, True)
    assert len(left(index)) == 2


def test_each_job_is_in_the_audit_trail_and_the_study_is_not(index: str, tmp_path: Path) -> None:
    purge("study", UID, "--yes")
    asked, answered = records(tmp_path)
    assert (asked["Phase"], answered["Phase"], answered["EventActionCode"]) == ("asked", "answered", "D")
    for record in (asked, answered):
        assert [each["ParticipantObjectID"] for each in record["ParticipantObject"]] == [job_id(1), "a"]
        assert record["RequestID"] == asked["RequestID"]
    assert UID not in (tmp_path / "audit").read_text()


def test_content_is_emptied_and_the_jobs_stay(index: str) -> None:
    assert purge("content", "--yes").exit_code == 0
    assert len(left(index)) == 2
    assert "0 jobs" in purge("study", UID, "--yes").stderr


def test_what_is_no_study_is_told(index: str) -> None:
    told = purge("study", "DOE^JOHN", "--yes")
    assert (told.exit_code, "StudyInstanceUID" in told.stderr) == (1, True)


def test_without_an_index_it_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert purge("node", "a", "--yes").exit_code == 2


def test_administrator_a_redis_that_does_not_listen_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("REDIS_URL", f"redis://me:canary-7f3a@127.0.0.1:{port}/0")
    told = purge("node", "a", "--yes").stderr.replace("\n", " ")
    assert f"127.0.0.1:{port}: connection refused" in told
    assert "canary" not in told
