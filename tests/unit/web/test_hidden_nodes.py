"""Users that differ between Orthancs: a caller sees the jobs of those that know it, and no byte of the others'."""

import asyncio
from collections.abc import AsyncIterator
from importlib.util import find_spec

import aiohttp
import pytest

from jobindex.model.node import GONE
from jobindex.store import Store

from ...builders import job_id
from ..scripted_orthanc import AUTHORIZATION, CHALLENGE, ScriptedOrthanc
from ..waiting import until
from ..words import INCARNATION, job
from .replica import Replica, replica_on
from .test_polls import Line, get, line_to

LOCAL = str(aiohttp.encode_basic_auth("home", "home"))
"""Known to node a only; as many bytes as demo's, whom both know."""
HERE = {"Authorization": LOCAL}
POLL = get("/jobs?expand")


def of_local(request: bytes) -> bytes:
    """The same bytes but for the credentials."""
    assert len(LOCAL) == len(AUTHORIZATION)
    return request.replace(AUTHORIZATION.encode(), LOCAL.encode())


def numbers(found: list[object]) -> list[int]:
    return [int((each["ID"] if isinstance(each, dict) else str(each))[:8], 16) for each in found]


@pytest.fixture
async def shared(replica: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc) -> Replica:
    """Jobs 1 and 3 on node a, job 2 on node b; node a knows both users, node b only demo."""
    orthanc.takes.add(LOCAL)
    for number, at in ((1, orthanc), (2, other), (3, orthanc)):
        at.tell_job(job_id(number), job(number))
    await replica.report("a", job(1), job(3, "Success"))
    await replica.report("b", job(2, "Success"))
    return replica


@pytest.fixture
async def line(shared: Replica) -> AsyncIterator[Line]:
    async with line_to(shared) as line:
        yield line


@pytest.mark.parametrize(
    ("path", "mine"),
    [
        ("/jobs", [1, 3]),
        ("/jobs?expand", [1, 3]),
        ("/jobs?expand&status=Success", [3]),
        ("/jobs?since=1&limit=1", [3]),
        ("/jobs?limit=2", [1, 3]),
    ],
)
async def test_rights_each_caller_sees_the_jobs_of_the_orthancs_that_know_it(
    shared: Replica, path: str, mine: list[int]
) -> None:
    for _ in range(8):
        assert numbers((await shared.get(path, HERE)).json) == mine
    everything = numbers((await shared.get(path)).json)
    assert 2 in everything or "since" in path


@pytest.mark.parametrize(("method", "more"), [("GET", ""), ("POST", "/cancel"), ("DELETE", ""), ("GET", "/archive")])
async def test_rights_the_refusal_of_a_second_orthanc_is_no_failed_login(
    shared: Replica, method: str, more: str
) -> None:
    """Also for a caller who has not listed before."""
    for _ in range(12):
        assert (await shared.ask(method, f"/jobs/{job_id(2)}{more}", HERE)).status == 401
    assert (await shared.get("/jobs", HERE)).status == 200
    assert (await shared.get(f"/jobs/{job_id(1)}", HERE)).status == 200


async def test_rights_an_unknown_job_is_unknown_also_to_whom_one_orthanc_refuses(shared: Replica) -> None:
    for number in range(20, 30):
        assert (await shared.get(f"/jobs/{job_id(number)}", HERE)).status == 404
    assert (await shared.get("/jobs", HERE)).status == 200


@pytest.mark.parametrize("order", [(AUTHORIZATION, LOCAL), (LOCAL, AUTHORIZATION)])
async def test_rights_neither_a_body_nor_a_304_crosses_over(line: Line, order: tuple[str, str]) -> None:
    """The first request of each, and the third, which is known by its bytes."""
    requests = [POLL.replace(AUTHORIZATION.encode(), login.encode()) for login in order]
    bodies, tags = [], []
    for request in requests:
        replies = [await line.ask(request) for _ in range(4)]
        bodies.append({reply.body for reply in replies})
        tags.append({reply.headers["ETag"] for reply in replies})
    assert [len(each) for each in bodies + tags] == [1, 1, 1, 1]
    assert bodies[0] != bodies[1]
    assert tags[0] != tags[1]
    for login, tag in zip(order, reversed(tags), strict=True):
        asked = get("/jobs?expand", f"If-None-Match: {tag.pop()}").replace(AUTHORIZATION.encode(), login.encode())
        assert [(await line.ask(asked)).status for _ in range(4)] == [200] * 4


async def test_rights_callers_who_see_the_same_share_a_tag(shared: Replica, other: ScriptedOrthanc) -> None:
    other.takes.add(LOCAL)
    assert (await shared.get("/jobs", HERE)).headers["ETag"] == (await shared.get("/jobs")).headers["ETag"]


async def test_rights_a_revocation_that_is_noticed_counts_at_once_also_for_polls(
    line: Line, shared: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    """Within the ten seconds of a yes; and nothing of that reaches the other caller."""
    other.takes.add(LOCAL)
    tag = [await line.ask(of_local(POLL)) for _ in range(4)][-1].headers["ETag"]
    with_tag = of_local(get("/jobs?expand", f"If-None-Match: {tag}"))
    assert [(await line.ask(with_tag)).status for _ in range(4)] == [304] * 4
    other.takes.discard(LOCAL)
    assert (await shared.get(f"/jobs/{job_id(2)}", HERE)).status == 401
    for _ in range(4):
        polled, asked = await line.ask(of_local(POLL)), await line.ask(with_tag)
        assert (polled.status, numbers(polled.json)) == (200, [1, 3])
        assert (asked.status, numbers(asked.json)) == (200, [1, 3])
        assert numbers((await line.ask(POLL)).json) == [1, 2, 3]
    orthanc.takes.discard(LOCAL)
    assert (await shared.get(f"/jobs/{job_id(1)}", HERE)).status == 401
    assert [(await line.ask(each)).status for each in (of_local(POLL), with_tag) * 2] == [401] * 4


@pytest.fixture
def quick_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobindex.auth.verdicts.YES_LASTS", 0.2)
    if find_spec("jobindex.auth.standing"):
        monkeypatch.setattr("jobindex.auth.standing.ALL_ASKED_EVERY_S", 0.4)


async def test_rights_a_revocation_at_one_orthanc_is_noticed_while_the_caller_polls(
    quick_yes: None, line: Line, other: ScriptedOrthanc
) -> None:
    other.takes.add(LOCAL)
    assert numbers((await line.ask(of_local(POLL))).json) == [1, 2, 3]
    other.takes.discard(LOCAL)

    async def hidden() -> bool:
        reply = await line.ask(of_local(POLL))
        assert reply.status == 200
        return numbers(reply.json) == [1, 3]

    await until(hidden)
    for _ in range(50):
        assert await hidden()
        await asyncio.sleep(0.01)


async def test_rights_a_right_that_is_given_is_noticed_while_the_caller_polls(
    quick_yes: None, line: Line, other: ScriptedOrthanc
) -> None:
    assert numbers((await line.ask(of_local(POLL))).json) == [1, 3]
    other.takes.add(LOCAL)

    async def shown() -> bool:
        return numbers((await line.ask(of_local(POLL))).json) == [1, 2, 3]

    await until(shown)


@pytest.mark.parametrize("fault", [{"status": 500}, {"drops": True}, {"hangs": True}, {"status": 302}])
async def test_rights_a_sick_node_makes_no_job_vanish_between_two_polls(
    quick_yes: None, line: Line, shared: Replica, orthanc: ScriptedOrthanc, fault: dict[str, object]
) -> None:
    """Neither for whom the others know, nor for whom they don't."""
    assert numbers((await line.ask(of_local(POLL))).json) == [1, 3]
    assert numbers((await line.ask(POLL)).json) == [1, 2, 3]
    orthanc.tell("/jobs", **fault)
    before = orthanc.count("GET", "/jobs")

    async def still_shown() -> bool:
        for request, expected in ((of_local(POLL), [1, 3]), (POLL, [1, 2, 3])):
            reply = await line.ask(request)
            assert (reply.status, numbers(reply.json)) == (200, expected)
        return orthanc.count("GET", "/jobs") >= before + 2

    await until(still_shown)
    assert (await shared.get(f"/jobs/{job_id(1)}", HERE)).status == 200


async def test_rights_where_no_node_answers_the_list_is_503_and_where_all_refuse_their_own_word(
    shared: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    nobody = {"Authorization": str(aiohttp.encode_basic_auth("nobody", "x"))}
    answer = await shared.get("/jobs", nobody)
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, CHALLENGE["WWW-Authenticate"])
    other.takes.add(LOCAL)
    for each in (orthanc, other):
        each.tell("/jobs", status=503)
    answer = await shared.get("/jobs", HERE)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")


async def test_rights_a_403_of_one_orthanc_comes_before_a_401_of_another(
    shared: Replica, other: ScriptedOrthanc
) -> None:
    """It knows the caller, who therefore has guessed nothing."""
    stranger = {"Authorization": str(aiohttp.encode_basic_auth("guest", "guest"))}
    other.takes.add(stranger["Authorization"])
    other.tell("/jobs", status=403)
    assert {(await shared.get("/jobs", stranger)).status for _ in range(12)} == {403}


async def test_rights_a_node_that_is_new_is_asked_before_its_jobs_are_shown(
    alone: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    orthanc.takes.add(LOCAL)
    await alone.report("a", job(1), at=orthanc)
    await alone.knows_whom_to_ask()
    async with line_to(alone) as line:
        assert [numbers((await line.ask(of_local(POLL))).json) for _ in range(4)] == [[1]] * 4
        assert [numbers((await line.ask(POLL)).json) for _ in range(4)] == [[1]] * 4
        await alone.report("b", job(2), at=other)
        assert [numbers((await line.ask(of_local(POLL))).json) for _ in range(4)] == [[1]] * 4
        assert [numbers((await line.ask(POLL)).json) for _ in range(4)] == [[1, 2]] * 4


async def test_rights_jobs_of_a_node_that_is_given_up_need_the_strictest_yes(
    redis_url: str, store: Store, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    """Also on a replica that has never seen that node alive."""
    orthanc.takes.add(LOCAL)
    async with replica_on(redis_url) as first:
        await first.report("a", job(1), at=orthanc)
        await first.report("b", at=other)
        await first.report("c", job(3), at=orthanc)
        await first.knows_whom_to_ask(nodes=3)
        assert numbers((await first.get("/jobs", HERE)).json) == [1, 3]
        assert (await first.ask("POST", "/job-index/nodes/c/give-up", HERE)).status in (401, 403)
        await store.nodes.change_state("c", INCARNATION, GONE, 60_000)
        assert numbers((await first.get("/jobs", HERE)).json) == [1]
        assert (await first.get(f"/jobs/{job_id(3)}", HERE)).status == 401
        assert numbers((await first.get("/jobs")).json) == [1, 3]
        async with replica_on(redis_url) as second:
            assert numbers((await second.get("/jobs", HERE)).json) == [1]
            assert numbers((await second.get("/jobs")).json) == [1, 3]


async def test_rights_a_poll_asks_no_node_while_its_yes_is_fresh(
    line: Line, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    for request in (POLL, of_local(POLL)):
        await line.learn(request)
    before = len(orthanc.asked) + len(other.asked)
    for _ in range(20):
        for request in (POLL, of_local(POLL)):
            assert (await line.ask(request)).status == 200
    assert len(orthanc.asked) + len(other.asked) == before


async def test_rights_many_requests_of_a_new_caller_ask_each_node_once(
    shared: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    asked = [each.count("GET", "/jobs") for each in (orthanc, other)]
    await asyncio.gather(*(shared.get("/jobs", HERE) for _ in range(10)))
    assert [each.count("GET", "/jobs") for each in (orthanc, other)] == [number + 1 for number in asked]
