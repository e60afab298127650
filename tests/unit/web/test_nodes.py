"""Who is in the cluster, and the operator's word on one that will not come back."""

import logging

import pytest

from jobindex.service.rights import NO_JOB
from jobindex.service.timing import Timing

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc
from ..waiting import until
from ..words import INCARNATION, job
from .replica import Replica, replica_on

OPERATES = f"/jobs/{NO_JOB}/cancel"
COUNTED = {'jobindex_node_problems{problem="answers"} 1.0', 'jobindex_node_problems{problem="silent"} 0.0'}
SILENT_SOON = Timing(beat=0.3, probe=0.5, again=0.2, settling=0.0, patience=0.0)


async def test_nodes_are_listed_with_what_is_known_of_them(replica: Replica, orthanc: ScriptedOrthanc) -> None:
    await replica.report("a", job(1), job(2, "Success"))
    await replica.report("b", Goodbye=True)
    await replica.get("/jobs")
    first, second = (await replica.get("/job-index/nodes")).json
    assert first.pop("Since")
    assert first == {
        "ID": "a",
        "Name": "orthanc",
        "State": "Alive",
        "LastSeen": None,
        "Reason": None,
        "Url": orthanc.url,
        "Version": "1.12.7",
        "Kind": "plugin",
        "Incarnation": INCARNATION,
        "Jobs": 2,
    }
    assert (second["ID"], second["State"]) == ("b", "Stopped")
    assert second["LastSeen"]


async def test_true_state_why_a_node_is_late_stands_in_nodes_and_metrics(
    index_url: str, orthanc: ScriptedOrthanc
) -> None:
    async with replica_on(index_url, SILENT_SOON) as replica:
        await replica.report("a", job(1), at=orthanc)

        async def told() -> bool:
            answer = await replica.get("/job-index/nodes")
            lines = (await replica.ask_inside("GET", "/metrics")).body.decode().splitlines()
            said = [(node["State"], node.get("Reason")) for node in answer.json] if answer.status == 200 else []
            return said == [("Late", "it answers, but does not report")] and set(lines) >= COUNTED

        await until(told)


async def test_plugin_why_a_node_can_not_be_read_stands_in_nodes_and_metrics(replica: Replica) -> None:
    await replica.report("a", job(1), CannotRead="set SelfUrl")
    node, _ = (await replica.get("/job-index/nodes")).json
    assert (node["State"], node["Reason"]) == ("Alive", "its plugin can't read its Orthanc: set SelfUrl")
    lines = (await replica.ask_inside("GET", "/metrics")).body.decode().splitlines()
    assert 'jobindex_node_problems{problem="unreadable"} 1.0' in lines


async def test_a_living_node_is_not_given_up(replica: Replica) -> None:
    answer = await replica.ask("POST", "/job-index/nodes/a/give-up")
    assert (answer.status, answer.json["Details"]) == (409, "The node is alive: stop it first")


async def test_an_absent_node_is_given_up_and_its_jobs_are_lost(replica: Replica) -> None:
    await replica.report("a", job(1))
    await replica.report("a", Goodbye=True)
    answer = await replica.ask("POST", "/job-index/nodes/a/give-up")
    assert (answer.status, answer.json) == (200, {})
    (found,) = (await replica.get("/jobs?expand&status=Failure")).json
    assert (found["ID"], found["JobIndex"]["Lost"], found["JobIndex"]["NodeState"]) == (job_id(1), True, "Gone")


@pytest.mark.parametrize("node", ["nobody", "x" * 65, "%2e%2e", "a%20b"])
async def test_a_node_that_there_is_not_is_404(replica: Replica, node: str) -> None:
    assert (await replica.ask("POST", f"/job-index/nodes/{node}/give-up")).status == 404


async def test_only_an_operator_may_give_a_node_up(
    replica: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await replica.report("a", job(1))
    await replica.report("a", Goodbye=True)
    for at in (orthanc, other):
        at.tell(OPERATES, method="POST", status=403)
    assert (await replica.ask("POST", "/job-index/nodes/a/give-up")).status == 403
    assert (await replica.get("/jobs?status=Running")).json == [job_id(1)]
    assert orthanc.count("POST", OPERATES) + other.count("POST", OPERATES) in (1, 2)


async def listed(replica: Replica) -> list[str]:
    return [node["ID"] for node in (await replica.get("/job-index/nodes")).json]


@pytest.mark.parametrize("end", ["Gone", "Stopped"])
async def test_rights_a_node_that_is_away_leaves_the_list(replica: Replica, end: str) -> None:
    """Its history stays; what it left unfinished is lost."""
    await replica.report("a", job(1, "Success"), job(2))
    await replica.report("a", Goodbye=True)
    if end == "Gone":
        await replica.ask("POST", "/job-index/nodes/a/give-up")
    answer = await replica.ask("DELETE", "/job-index/nodes/a")
    assert (answer.status, answer.json) == (200, {})
    assert await listed(replica) == ["b"]
    first, second = (await replica.get("/jobs?expand")).json
    assert (first["State"], second["State"], second["JobIndex"]["Lost"]) == ("Success", "Failure", True)
    assert first["JobIndex"] == {"Node": "a", "NodeState": "Gone"}
    assert (await replica.ask("DELETE", "/job-index/nodes/a")).status == 404
    assert (await replica.ask("DELETE", f"/jobs/{job_id(1)}")).status == 200


async def test_rights_a_node_that_left_the_list_may_come_back(replica: Replica, orthanc: ScriptedOrthanc) -> None:
    await replica.report("a", job(1))
    await replica.report("a", Goodbye=True)
    await replica.ask("DELETE", "/job-index/nodes/a")
    assert (await replica.report("a", job(1, at=1), at=orthanc)).status == 200
    assert await listed(replica) == ["a", "b"]
    assert (await replica.get("/jobs?status=Running")).json == [job_id(1)]


async def test_rights_a_living_node_does_not_leave_the_list(replica: Replica) -> None:
    answer = await replica.ask("DELETE", "/job-index/nodes/a")
    assert (answer.status, "alive" in answer.json["Details"]) == (409, True)
    assert await listed(replica) == ["a", "b"]


async def test_rights_a_late_node_is_given_up_before_it_leaves_the_list(
    index_url: str, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    async with replica_on(index_url, SILENT_SOON) as replica:
        await replica.report("a", job(1), at=orthanc)

        async def is_late() -> bool:
            answer = await replica.get("/job-index/nodes")
            return answer.status == 200 and [node["State"] for node in answer.json] == ["Late"]

        await until(is_late)
        refused = await replica.ask("DELETE", "/job-index/nodes/a")
        assert (refused.status, "give it up" in refused.json["Details"]) == (409, True)


async def test_rights_only_an_operator_may_take_a_node_off_the_list(
    replica: Replica, orthanc: ScriptedOrthanc, other: ScriptedOrthanc
) -> None:
    await replica.report("a", Goodbye=True)
    for at in (orthanc, other):
        at.tell(OPERATES, method="POST", status=403)
    assert (await replica.ask("DELETE", "/job-index/nodes/a")).status == 403
    assert await listed(replica) == ["a", "b"]


async def test_giving_up_a_node_that_is_gone_says_how_it_leaves_the_list(replica: Replica) -> None:
    await replica.report("a", Goodbye=True)
    assert (await replica.ask("POST", "/job-index/nodes/a/give-up")).status == 200
    again = await replica.ask("POST", "/job-index/nodes/a/give-up")
    assert (again.status, "DELETE" in again.json["Details"]) == (409, True)


async def test_in_use_named_nodes_whose_long_ids_begin_alike_are_two(
    index_url: str, orthanc: ScriptedOrthanc, other: ScriptedOrthanc, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    begin = "a-very-long-name-of-a-department-of-a-hospital-in-a-town-by-the-sea"
    nodes = [
        {"id": f"{begin}-{number}", "url": at.url, "user": "demo", "password": "demo"}
        for number, at in enumerate((orthanc, other))
    ]
    for number, at in enumerate((orthanc, other)):
        at.tell("/jobs?expand", b"[" + job(number) + b"]")
    async with replica_on(index_url, SILENT_SOON, nodes=nodes) as replica:

        async def both() -> bool:
            return (await replica.get("/jobs")).json == [job_id(0), job_id(1)]

        await until(both)
        ids = await listed(replica)
        assert len(ids) == 2
        assert all(len(each) == 64 and each.startswith(begin[:51] + "-") for each in ids)
        assert "is cut to" in caplog.text
