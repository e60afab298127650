"""Nodes that do not report, as clients and operators see them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from jobindex.service.timing import Timing

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc, scripted
from ..waiting import until
from ..words import job
from .replica import Replica, replica_on

SHORT = Timing(beat=1.0, probe=0.5, again=0.2, gone=2.0, back=60, settling=0, patience=0)
NOBODY = "http://127.0.0.1:9"
UNREADABLE = "set SelfUrl"


async def states(replica: Replica, company: ScriptedOrthanc | None = None) -> dict[str, str]:
    """Of all nodes, while three others report, so that silence is not everybody's; {} where nobody can be asked."""
    if company is not None:
        for name in ("x", "y", "z"):
            await replica.report(name, at=company)
    answer = await replica.get("/job-index/nodes")
    return {node["ID"]: node["State"] for node in answer.json} if answer.status == 200 else {}


async def job_state(replica: Replica, number: int) -> str:
    found = {each["ID"]: each["State"] for each in (await replica.get("/jobs?expand")).json}
    return str(found[job_id(number)])


async def guessed(replica: Replica, node: str, at: ScriptedOrthanc, *jobs: bytes) -> None:
    """A node that names no url: the address that its report comes from is taken."""
    registration = {"Name": "orthanc", "HttpPort": at.port, "Version": "1.12.7"}
    assert (await replica.report(node, *jobs, Register=registration)).status == 200


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


async def test_true_state_a_container_that_was_replaced_at_its_address_is_gone(
    index_url: str, orthanc: ScriptedOrthanc
) -> None:
    async with scripted(login=True) as container, replica_on(index_url, SHORT) as replica:
        await guessed(replica, "old", container, job(1))
        await guessed(replica, "new", container, job(2))

        async def gone() -> bool:
            await guessed(replica, "new", container)
            return (await states(replica, orthanc)).get("old") == "Gone"

        await until(gone)
        assert (await job_state(replica, 1), await job_state(replica, 2)) == ("Failure", "Running")


async def test_true_state_whoever_answers_at_its_named_url_is_late_and_not_given_up(
    index_url: str, orthanc: ScriptedOrthanc
) -> None:
    async with scripted(login=True) as alive, replica_on(index_url, SHORT) as replica:
        await replica.report("a", job(1), at=alive)
        await guessed(replica, "sign", alive)

        async def time_is_over() -> bool:
            """As the one that only answers where reports came from is given up."""
            return (await states(replica, orthanc)).get("sign") == "Gone"

        async with scripted(login=True) as elsewhere:
            await guessed(replica, "sign", elsewhere)
            await until(time_is_over)
        assert (await states(replica, orthanc))["a"] == "Late"
        assert await job_state(replica, 1) == "Running"


async def test_true_state_forty_silent_nodes_are_late_as_soon_as_one(index_url: str) -> None:
    """Each probe takes its whole second."""
    timing = Timing(beat=1.0, probe=1.0, again=5.0, settling=0, patience=0)
    async with deaf(40) as urls, scripted(login=True) as alive, replica_on(index_url, timing) as replica:
        for number, url in enumerate(urls):
            registration = {"Name": "orthanc", "Url": url, "Version": "1.12.7"}
            await replica.report(f"n{number}", Register=registration)
        began = asyncio.get_running_loop().time()

        async def all_late() -> bool:
            await replica.report("z", at=alive)
            others = {state for node, state in (await states(replica)).items() if node != "z"}
            return others == {"Late"}

        await until(all_late)
        assert asyncio.get_running_loop().time() - began < 8


async def test_true_state_a_chore_that_breaks_off_before_the_conclusion_is_done_again(
    index_url: str, redis: Redis, orthanc: ScriptedOrthanc
) -> None:
    """For a while no replica can find the jobs of a node that is given up."""
    async with replica_on(index_url, SHORT) as replica:
        await replica.report("a", job(1), Register={"Name": "orthanc", "Url": NOBODY, "Version": "1.12.7"})
        for command in ("smembers", "sscan"):
            await redis.execute_command("ACL", "SETUSER", "jobindex", f"-{command}")
        try:
            seen = asyncio.get_running_loop().time()

            async def long_over() -> bool:
                state = (await states(replica, orthanc)).get("a")
                return state == "Gone" or asyncio.get_running_loop().time() > seen + 4

            await until(long_over)
        finally:
            for command in ("smembers", "sscan"):
                await redis.execute_command("ACL", "SETUSER", "jobindex", f"+{command}")

        async def lost() -> bool:
            gone = (await states(replica, orthanc)).get("a") == "Gone"
            return gone and await job_state(replica, 1) == "Failure"

        await until(lost)


async def test_plugin_a_replica_opens_without_the_word_of_a_node_that_can_not_read(
    alone: Replica, index_url: str, orthanc: ScriptedOrthanc
) -> None:
    await alone.report("a", job(1), at=orthanc, CannotRead=UNREADABLE)
    await alone.report("b", at=orthanc)
    await alone.report("b", Ids=[], Complete=True)
    async with asyncio.timeout(8), replica_on(index_url, Timing(beat=60, settling=0, patience=600)) as second:
        assert (await second.get("/jobs")).json == [job_id(1)]


@pytest.mark.parametrize("status", [503, 403, 401])
async def test_plugin_an_unknown_id_is_404_whatever_a_node_that_can_not_read_says(
    alone: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, status: int
) -> None:
    await alone.report("a", at=orthanc)
    await alone.report("b", at=other, CannotRead=UNREADABLE)
    await alone.knows_whom_to_ask(2)
    other.tell(f"/jobs/{job_id(9)}", status=status)
    assert (await alone.get(f"/jobs/{job_id(9)}")).status == 404
