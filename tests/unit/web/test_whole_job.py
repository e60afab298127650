"""A job that the index keeps cut is shown whole, as its owner has it, for as long as the owner has it."""

from typing import Any

import aiohttp
import orjson
import pytest

from ...builders import job_id
from ..scripted_orthanc import ScriptedOrthanc
from ..waiting import until
from ..words import job
from .replica import Replica, replica_on

BULK = [{"ID": f"{number:044x}", "Path": "/instances/" + "y" * 44, "Type": "Instance"} for number in range(9000)]
CONTENT = {"Description": "d", "Resources": BULK}
KEPT = {"Description": "d"}


def large(state: str = "Success", at: float = 0.0, **more: Any) -> bytes:
    return job(1, state, at=at, **{"Content": CONTENT, **more})


async def told(replica: Replica, orthanc: ScriptedOrthanc, text: bytes) -> None:
    """The index has it cut, its owner whole."""
    orthanc.tell_job(job_id(1), text)
    assert (await replica.report("a", text, at=orthanc)).status == 200
    await replica.knows_whom_to_ask()


async def listed(replica: Replica) -> dict[str, Any]:
    found: dict[str, Any] = (await replica.get("/jobs?expand")).json[0]
    return found


@pytest.mark.parametrize("of", ["ResourceModification", "SomebodysOwn"])
async def test_true_state_one_job_is_shown_whole_however_large_it_is(
    alone: Replica, orthanc: ScriptedOrthanc, of: str
) -> None:
    text = large(Type=of, UserData={"token": "mine"}, Source="http://u:hidden@p/")
    await told(alone, orthanc, text)
    answer = await alone.get(f"/jobs/{job_id(1)}")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    shown = answer.json
    assert shown.pop("JobIndex") == {"Node": "a", "NodeState": "Alive"}
    assert shown == orjson.loads(text) | {"Source": "http://REDACTED@p/"}
    in_list = await listed(alone)
    assert (in_list["Content"], in_list["JobIndex"]["Cut"]) == (KEPT, ["Content.Resources"])


async def test_true_state_the_list_follows_what_the_whole_job_says_of_its_end(
    alone: Replica, orthanc: ScriptedOrthanc
) -> None:
    await told(alone, orthanc, large("Running"))
    orthanc.tell_job(job_id(1), large("Failure", at=1, ErrorCode=9, ErrorDescription="Error in the network protocol"))
    assert (await alone.get(f"/jobs/{job_id(1)}")).json["State"] == "Failure"

    async def follows() -> bool:
        in_list = await listed(alone)
        cut = in_list["JobIndex"].get("Cut")
        return (in_list["State"], in_list["ErrorCode"], cut) == ("Failure", 9, ["Content.Resources"])

    await until(follows)


@pytest.mark.parametrize("answer", [{"status": 500}, {"drops": True}, {"body": b"<html>"}, {"body": b"[]"}])
async def test_true_state_what_is_kept_is_shown_where_the_owner_does_not_give_it(
    alone: Replica, orthanc: ScriptedOrthanc, answer: dict[str, Any]
) -> None:
    await told(alone, orthanc, large())
    orthanc.tell(f"/jobs/{job_id(1)}", **answer)
    shown = (await alone.get(f"/jobs/{job_id(1)}")).json
    assert (shown["State"], shown["Content"], shown["JobIndex"]["Cut"]) == ("Success", KEPT, ["Content.Resources"])


async def test_true_state_a_large_job_that_its_owner_forgot_is_history(
    alone: Replica, orthanc: ScriptedOrthanc
) -> None:
    await told(alone, orthanc, large())
    orthanc.tell(f"/jobs/{job_id(1)}", status=404)
    shown = (await alone.get(f"/jobs/{job_id(1)}")).json
    assert (shown["State"], shown["Content"]) == ("Success", KEPT)


@pytest.mark.parametrize("status", [401, 403])
async def test_true_state_who_may_not_read_a_large_job_is_refused(
    alone: Replica, orthanc: ScriptedOrthanc, status: int
) -> None:
    await told(alone, orthanc, large())
    orthanc.tell(f"/jobs/{job_id(1)}", status=status)
    assert (await alone.get(f"/jobs/{job_id(1)}")).status == status


async def test_true_state_what_breaks_off_never_looks_whole(alone: Replica, orthanc: ScriptedOrthanc) -> None:
    await told(alone, orthanc, large())
    orthanc.tell(f"/jobs/{job_id(1)}", large(), cut=600_000)
    with pytest.raises(aiohttp.ClientError):
        await alone.get(f"/jobs/{job_id(1)}")


async def test_true_state_where_little_is_kept_on_purpose_nobody_is_shown_more(
    index_url: str, orthanc: ScriptedOrthanc
) -> None:
    async with replica_on(index_url, content="minimal") as replica:
        await told(replica, orthanc, large("Running"))
        orthanc.tell_job(job_id(1), large(at=1))
        answer = await replica.get(f"/jobs/{job_id(1)}")
    assert (answer.json["State"], answer.json["Content"]) == ("Success", {})
    assert b"/instances/" not in answer.body
