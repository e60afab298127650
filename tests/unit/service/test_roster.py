"""A node is late when it neither reports nor answers, gone when that lasts, and nobody is given up lightly."""

import socket
from dataclasses import replace

import pytest

from jobindex.errors import NotNow, UnknownNode
from jobindex.model.node import ALIVE, ANSWERS, GONE, LATE, SILENT, STOPPED
from jobindex.service.timing import Timing
from jobindex.store import Store

from ...builders import job_id
from ..scripted_orthanc import CHALLENGE, ScriptedOrthanc, scripted
from ..waiting import until
from ..words import INCARNATION, NEXT_INCARNATION, job
from .services import PATIENT, Services, services_on

SHORT = Timing(beat=0.05, probe=0.2, again=0.05, gone=60, back=60, settling=0, patience=0)
GIVES_UP = replace(SHORT, gone=0.3)


async def is_in(services: Services, node: str, state: str) -> bool:
    """Look at whoever is due, then at the node."""
    await services.roster.late_due()
    return services.view.nodes[node].state == state


def nobody() -> ScriptedOrthanc:
    """The address of an Orthanc that doesn't run."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        gone = ScriptedOrthanc()
        gone.url = f"http://127.0.0.1:{held.getsockname()[1]}"
    return gone


async def test_a_node_that_reports_is_not_asked(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", at=orthanc)
    assert not await services.roster.late_due()
    assert orthanc.asked == []


async def test_a_silent_node_that_can_not_be_called_is_late_and_its_jobs_stay(store: Store) -> None:
    async with services_on(store, SHORT) as services:
        await services.say("a", job(1), at=nobody())
        await until(lambda: is_in(services, "a", LATE))
        await services.show()
        shown = services.shown()
        assert shown["State"] == "Running"
        assert shown["JobIndex"]["NodeState"] == "Late"  # type: ignore[index]  # it is an object
        assert "LastSeen" in shown["JobIndex"]  # type: ignore[operator]  # the same


async def test_a_silent_node_that_answers_a_probe_is_late_and_says_so(store: Store, orthanc: ScriptedOrthanc) -> None:
    async with services_on(store, SHORT) as services:
        await services.say("a", at=orthanc)
        await until(lambda: _is_late_since(services, ANSWERS))
        await until(lambda: _probed(services, orthanc, 3))
        assert services.view.nodes["a"].problem == ANSWERS
        assert {asked.path for asked in orthanc.asked} == {"/system"}
        assert all("Authorization" not in asked.headers for asked in orthanc.asked)


async def _is_late_since(services: Services, problem: str) -> bool:
    return await is_in(services, "a", LATE) and services.view.nodes["a"].problem == problem


async def _probed(services: Services, orthanc: ScriptedOrthanc, times: int) -> bool:
    await services.roster.late_due()
    return orthanc.count("GET", "/system") >= times


async def test_another_server_s_answer_is_none(store: Store) -> None:
    async with scripted() as other, services_on(store, SHORT) as services:
        other.tell("/system", b"<html>It works!</html>")
        await services.say("a", at=other)
        await until(lambda: _is_late_since(services, SILENT))


@pytest.mark.parametrize("status", [401, 403])
async def test_orthanc_s_refusal_is_an_answer(store: Store, status: int) -> None:
    async with scripted() as refusing, services_on(store, SHORT) as services:
        refusing.tell("/system", status=status, headers=CHALLENGE)
        await services.say("a", at=refusing)
        await until(lambda: _is_late_since(services, ANSWERS))


async def test_a_late_node_that_reports_is_alive_again(store: Store) -> None:
    async with services_on(store, SHORT) as services:
        await services.say("a", at=nobody())
        await until(lambda: is_in(services, "a", LATE))
        await services.say("a")
        assert services.view.nodes["a"].state == ALIVE


async def test_what_a_late_node_lacks_follows_its_probes(store: Store) -> None:
    async with scripted() as orthanc, services_on(store, SHORT) as services:
        orthanc.tell("/system", status=500)
        await services.say("a", at=orthanc)
        await until(lambda: _is_late_since(services, SILENT))
        since = services.view.nodes["a"].since
        orthanc.tell("/system", b'{"ApiVersion": 17}')
        await until(lambda: _is_late_since(services, ANSWERS))
        assert services.view.nodes["a"].since == since
        await services.say("a")
        assert (services.view.nodes["a"].state, services.view.nodes["a"].problem) == (ALIVE, "")


async def test_a_node_that_stays_silent_is_gone_and_its_unfinished_jobs_are_lost(
    store: Store, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    async with services_on(store, GIVES_UP) as services:
        await services.say("a", job(1), job(2, "Success"), at=nobody())
        for name, living in (("b", orthanc), ("c", other)):
            await services.say(name, at=living)

        async def gone() -> bool:
            for name in "bc":
                await services.say(name)
            return await is_in(services, "a", GONE)

        await until(gone)
        await services.show()
        assert (services.state(1), services.state(2)) == ("Failure", "Success")
        assert services.shown()["JobIndex"]["Lost"] is True  # type: ignore[index]  # it is an object
        await services.say("a")
        assert services.view.nodes["a"].state == ALIVE


async def test_while_most_nodes_are_silent_nobody_is_given_up(store: Store) -> None:
    async with services_on(store, replace(GIVES_UP, gone=0.1)) as services:
        for number, name in enumerate("abc"):
            await services.say(name, job(number), at=nobody())

        async def long_silent() -> bool:
            await services.roster.late_due()
            now = await store.changes.now()
            return all(now - node.seen > 500 for node in (await store.nodes.everything()).values())

        await until(long_silent)
        await services.roster.late_due()
        await services.show()
        assert {node.state for node in services.view.nodes.values()} == {LATE}
        assert {services.state(number) for number in range(3)} == {"Running"}


async def test_a_stopped_node_s_jobs_are_lost_only_when_it_does_not_come_back(
    store: Store, orthanc: ScriptedOrthanc
) -> None:
    async with services_on(store, replace(SHORT, beat=60, back=0.1)) as services:
        await services.say("a", job(1), at=orthanc)
        await services.say("a", Goodbye=True)
        assert services.state() == "Running"
        await until(lambda: _lost(services))
        assert services.view.nodes["a"].state == STOPPED
        assert orthanc.asked == []


async def _lost(services: Services) -> bool:
    await services.roster.late_due()
    await services.show()
    return services.state() == "Failure"


async def test_a_stopped_node_that_comes_back_in_time_loses_nothing(store: Store, orthanc: ScriptedOrthanc) -> None:
    async with services_on(store, PATIENT) as services:
        await services.say("a", job(1), at=orthanc)
        await services.say("a", Goodbye=True)
        await services.say("a", at=orthanc, incarnation=NEXT_INCARNATION)
        await services.say_all("a", job(1), incarnation=NEXT_INCARNATION)
        await services.roster.late_due()
        await services.show()
        assert (services.view.nodes["a"].state, services.state()) == (ALIVE, "Running")


async def test_an_operator_may_give_up_only_who_is_silent(services: Services, orthanc: ScriptedOrthanc) -> None:
    with pytest.raises(UnknownNode):
        await services.roster.give_up("nobody")
    await services.say("a", job(1), at=orthanc)
    with pytest.raises(NotNow):
        await services.roster.give_up("a")
    assert services.state() == "Running"
    await services.end("a", LATE)
    await services.roster.give_up("a")
    await services.show()
    assert services.view.nodes["a"].state == GONE
    assert services.state() == "Failure"


async def test_a_deadline_of_a_node_that_was_forgotten_is_struck(services: Services) -> None:
    await services.store.late.add("nobody")
    await services.roster.late_due()
    assert await services.store.late.members() == []


async def test_two_replicas_do_not_both_probe(store: Store, orthanc: ScriptedOrthanc) -> None:
    async with services_on(store, replace(SHORT, again=60)) as one, services_on(store, SHORT) as two:
        await one.say("a", at=orthanc)
        await until(lambda: _probed(one, orthanc, 1))
        await two.roster.late_due()
        assert orthanc.count("GET", "/system") == 1


async def test_a_node_is_seen_by_its_incarnation_only(services: Services, orthanc: ScriptedOrthanc) -> None:
    await services.say("a", job(1), at=orthanc)
    await services.say("a", at=orthanc, incarnation=NEXT_INCARNATION)
    with pytest.raises(UnknownNode):
        await services.roster.stopped("a", INCARNATION)
    await services.show()
    assert services.view.nodes["a"].state == ALIVE
    assert services.view.jobs[job_id(1)].record.incarnation == INCARNATION
