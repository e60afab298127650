"""Two facts of a node: whether its process lives, and how old what we know of it is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from jobindex.errors import IndexAway
from jobindex.model.node import ALIVE, GONE, LATE, STOPPED
from jobindex.service.timing import Timing
from jobindex.store import Store
from jobindex.store.due import Claim

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc, scripted
from ..waiting import until
from ..words import job, report
from .services import Services, services_on

SHORT = Timing(beat=0.05, probe=0.2, again=0.05, gone=60, back=60, settling=0, patience=0)
GIVES_UP = replace(SHORT, gone=0.3)


async def is_in(services: Services, node: str, state: str) -> bool:
    await services.roster.late_due()
    await services.show()
    return services.view.nodes[node].state == state


async def with_company(services: Services, node: str, state: str) -> bool:
    """The same while two others report, so that silence is not everybody's."""
    for name in ("x", "y"):
        await services.say(name)
    return await is_in(services, node, state)


async def company(services: Services, orthanc: ScriptedOrthanc, other: ScriptedOrthanc) -> None:
    for name, at in (("x", orthanc), ("y", other)):
        await services.say(name, at=at)


async def from_its_address(services: Services, node: str, at: ScriptedOrthanc, *jobs: bytes) -> None:
    """A node whose operator has named no url for it: the address that its report comes from is taken."""
    registration = {"Name": "orthanc", "HttpPort": at.port, "Version": "1.12.7"}
    await services.intake.take(node, report(*jobs, Register=registration), "127.0.0.1")
    await services.show()


@asynccontextmanager
async def deaf(count: int) -> AsyncIterator[Sequence[str]]:
    """Addresses that take a connection and never answer."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    servers = [await asyncio.start_server(listen, "127.0.0.1", 0) for _ in range(count)]
    yield [f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers]
    for server in servers:
        server.close()


async def test_true_state_a_node_that_answers_and_does_not_report_is_late(
    store: Store, orthanc: ScriptedOrthanc
) -> None:
    async with services_on(store, SHORT) as services:
        await services.say("a", job(1), at=orthanc)
        await until(lambda: is_in(services, "a", LATE))
        shown = services.shown()["JobIndex"]
        assert isinstance(shown, dict)
        assert shown["NodeState"] == "Late"
        assert shown["LastSeen"]
        assert (await store.nodes.everything())["a"].since >= (await store.nodes.everything())["a"].seen + 50


async def test_true_state_a_node_whose_orthanc_refuses_the_probe_is_late_too(store: Store) -> None:
    async with scripted() as refusing, services_on(store, SHORT) as services:
        refusing.tell("/system", status=403)
        await services.say("a", job(1), at=refusing)
        await until(lambda: is_in(services, "a", LATE))


async def test_true_state_what_answers_is_not_given_up(
    store: Store, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    async with scripted(login=True) as alive, services_on(store, GIVES_UP) as services:
        await company(services, orthanc, other)
        await services.say("a", job(1), at=alive)

        async def long_silent() -> bool:
            assert not await with_company(services, "a", GONE)
            return await store.changes.now() - services.view.nodes["a"].seen > 1500

        await until(long_silent)
        assert (services.view.nodes["a"].state, services.state()) == (LATE, "Running")


async def test_true_state_a_node_replaced_at_its_address_is_gone(
    store: Store, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    """A container that comes back under a new node id: what answers there is the new one."""
    async with scripted(login=True) as container, services_on(store, GIVES_UP) as services:
        await company(services, orthanc, other)
        await from_its_address(services, "old", container, job(1))
        await from_its_address(services, "new", container, job(2))
        await until(lambda: with_company(services, "old", GONE))
        assert services.state(1) == "Failure"


async def test_true_state_a_node_whose_url_another_has_taken_is_gone(
    store: Store, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    async with scripted(login=True) as shared, services_on(store, GIVES_UP) as services:
        await company(services, orthanc, other)
        await services.say("old", job(1), at=shared)
        await services.say("new", job(2), at=shared)
        await until(lambda: with_company(services, "old", GONE))
        assert services.view.nodes["new"].state == LATE
        assert (services.state(1), services.state(2)) == ("Failure", "Running")


async def test_true_state_an_address_that_was_guessed_proves_no_life(
    store: Store, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    async with scripted(login=True) as somebody, services_on(store, GIVES_UP) as services:
        await company(services, orthanc, other)
        await from_its_address(services, "a", somebody, job(1))
        await until(lambda: with_company(services, "a", GONE))
        assert services.state() == "Failure"


@pytest.mark.parametrize("count", [40, 150])
async def test_true_state_the_time_to_mark_does_not_grow_with_the_silent(store: Store, count: int) -> None:
    """Each probe takes its whole second."""
    timing = replace(SHORT, beat=1.0, probe=1.0, again=5.0)
    async with deaf(40) as urls, services_on(store, timing) as services:
        for number in range(count):
            registration = {"Name": "orthanc", "Url": urls[number % 40], "Version": "1.12.7"}
            await services.intake.take(f"n{number}", report(Register=registration), "127.0.0.1")

        async def all_late() -> bool:
            await services.roster.late_due()
            return {node.state for node in (await store.nodes.everything()).values()} == {LATE}

        await until(all_late)
        marked = [node.since for node in (await store.nodes.everything()).values()]
        assert max(marked) - min(marked) < 3000  # all deadlines have passed by a second after the first look


async def test_true_state_a_death_before_the_conclusion_leaves_it_due(
    store: Store, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No job runs for ever at a node that was given up."""
    async with services_on(store, GIVES_UP) as services:
        await company(services, orthanc, other)
        async with scripted() as gone:
            await services.say("a", job(1), at=gone)
        conclude, tries = store.jobs.conclude, []

        async def dies_once(when: int, conclusions: Sequence[tuple[str, str, bytes]]) -> int:
            tries.append(len(conclusions))
            if len(tries) == 1:
                raise IndexAway("Redis was late")
            return await conclude(when, conclusions)

        monkeypatch.setattr(store.jobs, "conclude", dies_once)

        async def looked() -> bool:
            try:
                return await with_company(services, "a", GONE)
            except IndexAway:
                return False

        await until(looked)
        await until(lambda: lost(services))
        assert len(tries) > 1


async def lost(services: Services) -> bool:
    await services.roster.late_due()
    await services.show()
    return services.state() == "Failure"


async def test_true_state_a_long_history_does_not_keep_a_job_running(
    store: Store, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read in pieces that grow with what the node has."""
    async with services_on(store, GIVES_UP) as services:
        await company(services, orthanc, other)
        async with scripted() as gone:
            await services.say("a", *(job(number, "Success") for number in range(200)), at=gone)
            for start in range(200, 2000, 200):
                await services.say("a", *(job(number, "Success") for number in range(start, start + 200)))
            await services.say("a", *(job(number) for number in range(2000, 2120)))
        fetch, sizes = store.jobs.fetch, [0]

        async def measured(ids: Sequence[str]) -> object:
            sizes.append(len(ids))
            return await fetch(ids)

        monkeypatch.setattr(store.jobs, "fetch", measured)
        await until(lambda: with_company(services, "a", GONE))
        await services.show()
        assert {services.state(number) for number in range(2000, 2120)} == {"Failure"}
        assert services.state(7) == "Success"
        assert max(sizes) <= 500


async def test_true_state_a_node_that_reports_while_it_is_given_up_is_not(
    store: Store, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with services_on(store, replace(GIVES_UP, beat=0.3)) as services:
        await company(services, orthanc, other)
        async with scripted() as gone:
            await services.say("a", job(1), at=gone)
        conclude = store.jobs.conclude

        async def reports_meanwhile(when: int, conclusions: Sequence[tuple[str, str, bytes]]) -> int:
            count = await conclude(when, conclusions)
            await services.say_all("a", job(1, at=1))
            return count

        monkeypatch.setattr(store.jobs, "conclude", reports_meanwhile)
        await until(lambda: with_company(services, "a", ALIVE))
        assert services.view.jobs[job_id(1)].record.state == "Running"


@pytest.mark.parametrize("was_late", [False, True])
async def test_true_state_a_goodbye_just_after_the_claim_leaves_the_time_to_come_back(
    store: Store, orthanc: ScriptedOrthanc, monkeypatch: pytest.MonkeyPatch, *, was_late: bool
) -> None:
    claim = store.late.claim

    async def claim_before_goodbye(most: int, lease: int) -> list[Claim]:
        if claims := await claim(most, lease):
            await services.intake.take("a", report(Goodbye=True), "127.0.0.1")
        return claims

    async def said_goodbye() -> bool:
        return await is_in(services, "a", STOPPED)

    async with services_on(store, SHORT) as services:
        await services.say("a", job(1), at=orthanc)
        if was_late:
            await until(lambda: is_in(services, "a", LATE))
        monkeypatch.setattr(store.late, "claim", claim_before_goodbye)
        await until(said_goodbye)
        assert services.state() == "Running"
        assert "a" in await store.late.members()


async def test_true_state_a_node_that_said_goodbye_is_over_when_its_time_has_passed(
    store: Store, orthanc: ScriptedOrthanc
) -> None:
    async with services_on(store, replace(SHORT, back=0.1)) as services:
        await services.say("a", job(1), at=orthanc)
        await services.say("a", Goodbye=True)

        async def over() -> bool:
            await services.roster.late_due()
            await services.show()
            return services.state() != "Running"

        await until(over)
        assert "a" not in await store.late.members()
