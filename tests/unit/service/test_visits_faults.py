"""What one job of a polled node, or the size of its list, can't do to the others."""

import asyncio
from dataclasses import replace

import orjson
import pytest

from jobindex.service.visits import Named
from jobindex.store import Store

from ...builders import job_id
from ..scripted_orthanc import AUTHORIZATION, ScriptedOrthanc, Told, scripted
from ..waiting import until
from ..words import job
from .services import PATIENT, Services, services_on

OFTEN = replace(PATIENT, visit=0.05, busy_visit=0.05)
LONE_SURROGATE = b"\\ud800"


def named(orthanc: ScriptedOrthanc, node_id: str = "n") -> Named:
    return Named(node_id, orthanc.url, AUTHORIZATION)


def lists(orthanc: ScriptedOrthanc, *jobs: bytes) -> None:
    """It answers these jobs, in the list and one by one."""
    ids = [orjson.loads(text)["ID"] if b"\\ud" not in text else job_id(2) for text in jobs]
    orthanc.tell("/jobs?expand", b"[" + b",\n".join(jobs) + b"]")
    orthanc.tell("/jobs", orjson.dumps(ids))
    for each, text in zip(ids, jobs, strict=True):
        orthanc.tell_job(each, text)


def breaks(orthanc: ScriptedOrthanc, number: int, status: int) -> None:
    """One of its jobs can't be read, and so the list can't either."""
    orthanc.tell("/jobs?expand", status=status)
    orthanc.tell_job(job_id(number), b"")
    orthanc.tell(f"/jobs/{job_id(number)}", status=status)


async def shown(services: Services, number: int, state: str) -> None:
    """Visit until a job is shown so."""

    async def is_so() -> bool:
        await services.visits.visit_due()
        await services.show()
        return services.state(number) == state

    await until(is_so)


async def visited(services: Services, orthanc: ScriptedOrthanc, path: str, times: int) -> None:
    goal = orthanc.count("GET", path) + times

    async def read() -> bool:
        await services.visits.visit_due()
        return orthanc.count("GET", path) >= goal

    await until(read)
    await services.show()


def bulk(instances: int) -> list[dict[str, str]]:
    ids = [f"{number:044x}" for number in range(instances)]
    return [{"ID": each, "Path": f"/instances/{each}", "Type": "Instance"} for each in ids]


def nested(levels: int) -> list[object]:
    value: list[object] = []
    for _ in range(levels):
        value = [value]
    return value


def with_user_data(text: bytes) -> bytes:
    return job(2, "Success", UserData="here").replace(b'"here"', b'"' + text + b'"')


@pytest.mark.parametrize(
    "faulty",
    [
        pytest.param(lambda: job(2, "Success", Content={"Resources": bulk(9000)}), id="large"),
        pytest.param(lambda: job(2, "Success", Content={"Details": ["x" * 400] * 4000}), id="large otherwise"),
        pytest.param(lambda: job(2, "Success", UserData=nested(70)), id="deep"),
        pytest.param(lambda: job(2, "Success", Content={"Query": nested(300)}), id="deep otherwise"),
        pytest.param(lambda: job(2, "Success", UserData="x" * 1_200_000), id="large user data"),
        pytest.param(lambda: with_user_data(LONE_SURROGATE), id="lone surrogate"),
        pytest.param(lambda: with_user_data(b"\\udc00x"), id="lone surrogate otherwise"),
    ],
)
async def test_true_state_a_job_that_can_not_be_kept_whole_is_listed_and_costs_nobody_anything(
    store: Store, orthanc: ScriptedOrthanc, faulty: object
) -> None:
    lists(orthanc, job(1), job(2), job(3))
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await shown(services, 3, "Running")
        lists(orthanc, job(1, at=1), faulty(), job(3, "Success", at=1))  # type: ignore[operator]
        await shown(services, 3, "Success")
        assert services.state(2) == "Success"
        assert services.view.nodes["n"].state == "Alive"
        assert services.state(1) == "Running"


@pytest.mark.parametrize("state", ["Owned", "Suspended"])
async def test_true_state_a_state_of_a_later_release_is_shown_as_the_owner_says_it(
    store: Store, orthanc: ScriptedOrthanc, state: str
) -> None:
    lists(orthanc, job(1), job(2))
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await shown(services, 2, "Running")
        lists(orthanc, job(1, "Success", at=1), job(2, state, at=1))
        await shown(services, 1, "Success")
        assert services.shown(2)["State"] == state


@pytest.mark.parametrize("wrong", [{"State": 7}, {"Progress": "half"}, {"Content": []}, {"CreationTime": "yesterday"}])
async def test_true_state_a_job_that_is_none_keeps_its_last_body_and_stays_among_the_ids(
    store: Store, orthanc: ScriptedOrthanc, wrong: dict[str, object]
) -> None:
    lists(orthanc, job(1), job(2))
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await shown(services, 2, "Running")
        for later in (1, 2, 3):
            lists(orthanc, job(1, at=later, Progress=later), job(2, at=later, **wrong))
            await visited(services, orthanc, "/jobs?expand", 2)
        assert services.shown(1)["Progress"] == 3
        assert services.state(2) == "Running"
        assert services.view.jobs[job_id(2)].record.mark == "held"


@pytest.mark.parametrize("status", [400, 500])
async def test_plugin_a_list_that_can_not_be_had_is_replaced_by_ids_and_single_reads_at_once(
    store: Store, orthanc: ScriptedOrthanc, status: int
) -> None:
    lists(orthanc, job(1), job(2), job(3))
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await shown(services, 2, "Running")
        lists(orthanc, job(1, "Success", at=1), job(2), job(3, at=1, Progress=44), job(4))
        breaks(orthanc, 2, status)
        await visited(services, orthanc, "/jobs", 4)
        assert [services.state(number) for number in (1, 2, 3, 4)] == ["Success", "Running", "Running", "Running"]
        assert services.shown(3)["Progress"] == 44
        node, kept = services.view.nodes["n"], services.view.jobs[job_id(2)].record
        assert (node.state, kept.mark) == ("Alive", "held")
        assert node.seen > services.view.nodes["n"].since
        lists(orthanc, job(1, "Success", at=2), job(2, "Success", at=2), job(3, at=2), job(4))
        await shown(services, 2, "Success")


async def test_plugin_a_node_whose_list_never_comes_is_read_job_by_job_from_the_first_visit(
    store: Store, orthanc: ScriptedOrthanc
) -> None:
    lists(orthanc, job(1), job(2, "Success"))
    orthanc.tell("/jobs?expand", b"[{", status=200)
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await shown(services, 1, "Running")
        assert services.state(2) == "Success"


@pytest.mark.parametrize("after", [0.5, 1.1])
async def test_in_use_a_node_that_answers_slower_than_usual_is_waited_for(
    store: Store, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch, after: float
) -> None:
    """The usual is made short here."""
    monkeypatch.setattr("jobindex.service.visits.WITHIN", 0.2)
    lists(orthanc, job(1))
    for path, body in (("/jobs?expand", b"[" + job(1) + b"]"), ("/jobs", orjson.dumps([job_id(1)]))):
        orthanc.tell(path, body, after=after)
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await shown(services, 1, "Running")
        lists(orthanc, job(1, "Success", at=1))
        await shown(services, 1, "Success")


async def test_in_use_a_slow_node_does_not_keep_the_others_from_being_visited(
    store: Store, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    lists(other, job(1))
    orthanc.tell("/jobs?expand", hangs=True)
    async with services_on(store, OFTEN, [named(orthanc), named(other, "m")]) as services:
        visits = asyncio.create_task(services.visits.visit_due())
        await until(lambda: other.count("GET", "/jobs?expand") >= 3)
        assert orthanc.count("GET", "/jobs?expand") == 1
        visits.cancel()
        await asyncio.wait([visits])


async def test_true_state_what_a_polled_node_says_unchanged_is_not_taken_in_again(
    store: Store, orthanc: ScriptedOrthanc
) -> None:
    """Only its Timestamp differs; what was changed here meanwhile is put right all the same."""
    lists(orthanc, *(job(number, "Success") for number in range(1, 9)))
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await shown(services, 8, "Success")
        await store.jobs.drop([(job_id(3), "")])
        await services.show()
        assert services.state(3) == ""
        await shown(services, 3, "Success")


async def test_bounds_a_list_of_thousands_of_jobs_lets_others_have_their_turn(
    store: Store, orthanc: ScriptedOrthanc
) -> None:
    many = b"[" + b",\n".join(job(number, "Success") for number in range(3000)) + b"]"
    orthanc.tell("/jobs?expand", many)
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        longest, loop = 0.0, asyncio.get_running_loop()
        visit = asyncio.create_task(services.visits.visit_due())
        while not visit.done():
            before = loop.time()
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - before)
        await services.show()
        assert services.state(2999) == "Success"
        assert longest < 0.25, "the whole list takes a second"


async def test_true_state_an_orthanc_that_says_not_yet_for_long_is_no_silent_one(
    store: Store, orthanc: ScriptedOrthanc
) -> None:
    """A heartbeat that lasts for a second, and a job that can't be read for three."""
    lists(orthanc, job(1), job(2))
    timing = replace(OFTEN, beat=1.0, again=0.2, probe=0.2)
    async with services_on(store, timing, [named(orthanc)]) as services:
        await shown(services, 2, "Running")
        breaks(orthanc, 2, 400)
        ends = asyncio.get_running_loop().time() + 3.0
        while asyncio.get_running_loop().time() < ends:
            await services.visits.visit_due()
            await services.roster.late_due()
            await services.show()
            assert services.view.nodes["n"].state == "Alive"
        assert (services.state(1), services.state(2)) == ("Running", "Running")


@pytest.mark.parametrize("answer", [Told(500), Told(200, b"{}"), Told(200, b"[1]"), Told(200, b'["x"]'), Told(404)])
async def test_true_state_a_node_that_lists_no_ids_either_loses_nothing(
    store: Store, orthanc: ScriptedOrthanc, answer: Told
) -> None:
    lists(orthanc, job(1))
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await shown(services, 1, "Running")
        before = (await store.nodes.everything())["n"].seen
        orthanc.tell_in_turn("/jobs?expand", [answer])
        orthanc.tell_in_turn("/jobs", [answer])
        await visited(services, orthanc, "/jobs?expand", 3)
        assert (await store.nodes.everything())["n"].seen == before
        assert services.state(1) == "Running"


async def test_in_use_an_orthanc_that_wants_no_login_may_be_named_without_one(store: Store) -> None:
    async with scripted() as orthanc:
        lists(orthanc, job(1))
        async with services_on(store, OFTEN, [Named("n", orthanc.url, "")]) as services:
            await shown(services, 1, "Running")
        assert not any("Authorization" in asked.headers for asked in orthanc.asked)


async def test_in_use_ids_that_come_at_once_take_no_time_from_the_list(
    store: Store, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list takes longer than usual and less than twice that."""
    monkeypatch.setattr("jobindex.service.visits.WITHIN", 0.4)
    lists(orthanc, job(1))
    orthanc.tell("/jobs?expand", b"[" + job(1) + b"," + job(2) + b"]", after=0.6)
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await shown(services, 2, "Running")


async def test_true_state_a_failed_job_that_is_resubmitted_is_seen_to_go_on_though_no_list_comes(
    store: Store, orthanc: ScriptedOrthanc
) -> None:
    lists(orthanc, job(1, "Failure"), job(2), job(3, "Success"))
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await shown(services, 1, "Failure")
        breaks(orthanc, 2, 400)
        orthanc.tell_job(job_id(1), job(1, at=5))
        await shown(services, 1, "Running")
        assert orthanc.count("GET", f"/jobs/{job_id(3)}") == 0


async def test_true_state_all_failed_jobs_have_their_turn_though_no_list_comes(
    store: Store, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.poll_reader.MAX_FAILURES_READ", 1)
    lists(orthanc, *(job(number, "Failure") for number in (1, 2, 3)))
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await shown(services, 3, "Failure")
        orthanc.tell("/jobs?expand", status=400)
        for number in (3, 2, 1):
            orthanc.tell_job(job_id(number), job(number, at=5))
            await shown(services, number, "Running")


async def test_in_use_a_list_that_never_comes_is_asked_for_seldom_and_its_node_read_job_by_job(
    store: Store, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.service.visits.WITHIN", 0.1)
    monkeypatch.setattr("jobindex.service.poll_timeouts.MAX_TIMEOUT_S", 0.2)
    monkeypatch.setattr("jobindex.service.poll_reader.MAX_TIMEOUT_S", 0.2)
    lists(orthanc, job(1))
    orthanc.tell("/jobs?expand", hangs=True)
    async with services_on(store, OFTEN, [named(orthanc)]) as services:
        await visited(services, orthanc, "/jobs", 5)
        assert orthanc.count("GET", "/jobs?expand") <= 2
        assert services.state(1) == "Running"


async def test_true_state_names_with_dots_do_not_touch_the_others_of_a_visit(store: Store) -> None:
    once = {"CompletionTime": "20260101T000000.000001"}
    dotted = {"1.2.3": "x", "1.2.3.4": "y"}
    async with scripted() as orthanc, services_on(store, timing=OFTEN, named=[named(orthanc)]) as services:
        lists(orthanc, job(1, "Success", Content=dotted, **once))
        await shown(services, 1, "Success")
        lists(orthanc, job(1, "Success", 1, Content={"1.2.3": "x"}, **once), job(2, "Running", 1))
        await shown(services, 2, "Running")
        assert services.shown(1)["Content"] == dotted
