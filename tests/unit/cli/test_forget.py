"""`jobindex forget`, as an operator runs it where no Orthanc is left."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jobindex.cli import app
from jobindex.model.node import GONE, LATE, STOPPED, Node
from jobindex.store import Store, opened

from ...builders import job_id, registered, told, word


@pytest.fixture
def index(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Nodes a, which has an unfinished and a finished job, and b; they are alive."""

    async def fill(store: Store) -> None:
        await registered(store, "a", "b")
        await told(store, word(1), word(2, "Success"))

    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("JOBINDEX_AUDIT_FILE", str(tmp_path / "audit"))
    asyncio.run(_on(redis_url, fill))
    return redis_url


async def _on(url: str, act: object) -> object:
    async with opened(url) as store:
        return await act(store)  # type: ignore[operator]  # one of the functions here


def put_in(url: str, state: str) -> None:
    async def change(store: Store) -> None:
        await store.nodes.change_state("a", "a1", state, None)

    asyncio.run(_on(url, change))


def nodes(url: str) -> dict[str, Node]:
    async def look(store: Store) -> dict[str, Node]:
        return await store.nodes.everything()

    found = asyncio.run(_on(url, look))
    assert isinstance(found, dict)
    return found


def states(url: str) -> dict[str, str]:
    async def look(store: Store) -> dict[str, str]:
        jobs = await store.jobs.fetch([job_id(1), job_id(2)])
        return {job.id: f"{job.record.state} {b'Lost' in job.text}" for job in jobs.values()}

    found = asyncio.run(_on(url, look))
    assert isinstance(found, dict)
    return found


def forget(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(app, ["forget", *arguments], input=answer)


@pytest.mark.parametrize("state", [GONE, STOPPED, LATE])
def test_administrator_a_node_leaves_the_list_without_any_orthanc(index: str, state: str, tmp_path: Path) -> None:
    put_in(index, state)
    ended = forget("a", "--yes")
    assert (ended.exit_code, "a is off the list" in ended.stderr) == (0, True), ended.output
    assert set(nodes(index)) == {"b"}
    records = [json.loads(line) for line in (tmp_path / "audit").read_text().splitlines()]
    assert [each["Phase"] for each in records] == ["asked", "answered"]


def test_administrator_a_forgotten_node_s_history_stays_and_nothing_goes_on(index: str) -> None:
    before = states(index)
    put_in(index, STOPPED)
    forget("a", "--yes")
    after = states(index)
    assert after[job_id(2)] == before[job_id(2)]
    assert after[job_id(1)] != before[job_id(1)]


def test_administrator_a_living_or_unknown_node_is_not_forgotten(index: str) -> None:
    ended = forget("a", "--yes")
    assert (ended.exit_code, "alive" in ended.stderr) == (1, True)
    ended = forget("c", "--yes")
    assert (ended.exit_code, "no node c; there are: a, b" in ended.stderr) == (1, True)
    assert set(nodes(index)) == {"a", "b"}


def test_administrator_it_is_asked_before_a_node_is_forgotten(index: str) -> None:
    put_in(index, GONE)
    forget("a", answer="n\n")
    assert set(nodes(index)) == {"a", "b"}


def test_administrator_without_an_index_nothing_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert forget("a", "--yes").exit_code == 2
