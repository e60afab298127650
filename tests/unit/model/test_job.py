"""What is taken for a job of Orthanc's, and the texts that we conclude ourselves."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobindex.errors import MalformedReport
from jobindex.model.cut import MAX_DEPTH
from jobindex.model.job import (
    _unrepeated,
    as_ended,
    as_lost,
    bare,
    is_job_id,
    is_output_key,
    read_job,
)
from jobindex.model.text import compact

from ...builders import job_id, job_text, stamp

EVERY_MEMBER = {
    "Content", "CreationTime", "EffectiveRuntime", "ErrorCode", "ErrorDescription", "ErrorDetails", "ID",
    "Priority", "Progress", "State", "Timestamp", "Type",
}  # fmt: skip


def test_a_job_is_read_with_what_rules_need() -> None:
    job = read_job(b"\n " + job_text(7, "Success", 5).replace(b":", b" : "))
    assert (job.id, job.state, job.stamp, job.progress, job.completed) == (
        job_id(7), "Success", stamp(5), 100, stamp(5),
    )  # fmt: skip
    assert job.final


def test_the_text_is_orthancs_without_white_space_and_secrets() -> None:
    printed = json.dumps(
        json.loads(job_text(Type="OrthancPeerStore", Content={"Peer": {"Password": "canary"}})), indent=3
    )
    job = read_job(printed.replace("0.25", "0.25000000000000001").encode())
    assert b"canary" not in job.text
    assert b'"EffectiveRuntime":0.25000000000000001,' in job.text
    assert compact(job.text) == job.text


def without(name: str) -> bytes:
    members = json.loads(job_text())
    del members[name]
    return json.dumps(members).encode()


def nested(levels: int) -> bytes:
    """A job whose content has a list of so many levels; the job and its content are two more."""
    return job_text().replace(b'"Content":{', b'"Content":{"A":' + b"[" * levels + b"]" * levels + b",")


def test_a_job_may_have_some_levels() -> None:
    job = read_job(nested(MAX_DEPTH - 2))
    assert (job.id, job.cut) == (job_id(1), ())
    assert job.text == compact(nested(MAX_DEPTH - 2))


@pytest.mark.parametrize("levels", [MAX_DEPTH - 1, 1_000, 10_000])
def test_true_state_what_is_too_deep_is_cut_and_the_rest_is_kept(levels: int) -> None:
    job = read_job(nested(levels))
    assert (job.state, job.cut) == ("Running", ("Content.A",))
    assert job.text == job_text()


@pytest.mark.parametrize(
    "half", [rb"\ud800", rb"\uDFFF", rb"\udc00\ud800", b"\xed\xa0\x80", b"\xff", rb"\ud83d\ud83d\ude00"]
)
def test_true_state_half_a_character_is_replaced_and_nothing_else(half: bytes) -> None:
    job = read_job(job_text(UserData=r"\ud800").replace(b"REST API", b"a" + half + rb"\\ud800\u00e9b"))
    told = json.loads(job.text)["Content"]["Description"]
    assert "\ufffd" in told
    assert told.endswith("\\ud800\u00e9b")
    assert json.loads(job.text)["UserData"] == r"\ud800"
    json.loads(job.text)["Content"]["Description"].encode()  # no half is left


def test_true_state_a_state_of_a_later_release_is_not_ours_to_judge() -> None:
    assert read_job(job_text(state="Suspended")).state == "Suspended"


REFUSED = {
    "empty": b"",
    "not JSON": b"<html>",
    "cut off": job_text()[:-1],
    "more behind it": job_text() + b"{}",
    "an array": b"[" + job_text() + b"]",
    "a number": b"5",
    "a text": b'"Success"',
    "NaN": job_text().replace(b"0.25", b"NaN"),
    "infinite": job_text().replace(b"0.25", b"1e400"),
    "a member twice": job_text().replace(b'"State":', b'"State":"Success","State":'),
    "a member twice further down": job_text().replace(b'"Content":{', b'"Content":{"A":1,"A":2,'),
    "no id": without("ID"),
    "no state": without("State"),
    "no content": without("Content"),
    "no progress": without("Progress"),
    "no time stamp": without("Timestamp"),
    "no creation time": without("CreationTime"),
    "no type": without("Type"),
    "an id that leads elsewhere": job_text(ID="../../system/00000000000000000000000"),
    "an id that is a number": job_text(ID=1),
    "a state that is no word": job_text(state="Owned by"),
    "no end, however large": job_text(Content={"A": [1] * 1_000_000})[:-1],
    "more behind it, however large": job_text(Content={"A": [1] * 1_000_000}) + b"{}",
    "a state that is a list": job_text(State=["Running"]),
    "content that is text": job_text(Content="x"),
    "progress below nothing": job_text(Progress=-1),
    "progress above all": job_text(Progress=101),
    "progress that is a truth value": job_text(Progress=True),
    "progress in parts": job_text(Progress=0.5),
    "a time in another form": job_text(Timestamp="2026-11-22T03:45:12Z"),
    "a time of no calendar": job_text(Timestamp="20261322T034512"),
    "a time in other digits": job_text(Timestamp="\uff12\uff10261122T034512"),
    "a creation time that is none": job_text(CreationTime=None),
    "a completion time that is none": job_text(CompletionTime=None),
    "a completion time of no calendar": job_text(CompletionTime="99999999T999999"),
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_no_job_is_refused_and_not_repeated(text: bytes) -> None:
    with pytest.raises(MalformedReport) as refusal:
        read_job(text)
    assert len(str(refusal.value)) < 100


def test_a_lost_job_is_a_failure_that_says_why() -> None:
    lost = json.loads(as_lost(job_text(Progress=40), stamp(1), stamp(9), "its node has gone"))
    assert lost.keys() == EVERY_MEMBER | {"CompletionTime"}
    assert (lost["State"], lost["ErrorCode"], lost["CompletionTime"]) == ("Failure", -1, stamp(9))
    assert lost["ErrorDescription"] == "Internal error"
    assert lost["ErrorDetails"] == f"Lost: its node has gone; last seen {stamp(1)}, given up {stamp(9)}"
    assert (lost["Progress"], lost["Timestamp"]) == (40, stamp(0))


@pytest.mark.parametrize(("state", "code", "progress"), [("Success", 0, 100), ("Failure", -1, 40)])
def test_an_event_ends_the_last_known_text(state: str, code: int, progress: int) -> None:
    ended = read_job(as_ended(job_text(Progress=40), state, stamp(9)))
    assert (ended.state, ended.progress, ended.stamp, ended.completed) == (state, progress, stamp(9), stamp(9))
    assert json.loads(ended.text)["ErrorCode"] == code


def test_a_job_of_which_only_an_event_is_known_has_what_every_client_relies_on() -> None:
    text = bare(job_id(3), stamp(2))
    assert json.loads(text).keys() == EVERY_MEMBER
    assert read_job(text).id == job_id(3)
    assert read_job(as_ended(text, "Failure", stamp(9))).final


@pytest.mark.parametrize("path", ["", "x", job_id(1).upper().replace("0", "A"), job_id(1) + "/", job_id(1) + "\n"])
def test_what_is_no_job_id(path: str) -> None:
    assert is_job_id(job_id(1))
    assert not is_job_id(path)


@pytest.mark.parametrize("path", ["", "a/b", "..", "a%2fb", "archive\n", "x" * 65, "ärchive"])
def test_what_is_no_output_key(path: str) -> None:
    assert is_output_key("archive")
    assert not is_output_key(path)


@given(
    st.recursive(
        st.sampled_from(["1", "[]", '"a:b"', '"\\u0061"', "null", "9" * 4400]),
        lambda inner: st.lists(st.tuples(st.sampled_from(['"a"', '"b"', '"\\u0061"', '"a:"']), inner), max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{name} : {value}" for name, value in pairs) + "}"
        ),
        max_leaves=8,
    )
)
def test_a_member_that_is_there_twice_is_found_however_deep_it_is(content: str) -> None:
    text = job_text().replace(b'{"Description":"REST API"}', b'{"X":' + content.encode() + b"}")
    assert _reads(text) == _reads_slowly(text)


def _reads(text: bytes) -> bool:
    try:
        read_job(text)
    except MalformedReport:
        return False
    return True


def _reads_slowly(text: bytes) -> bool:
    try:
        json.loads(text, object_pairs_hook=_unrepeated)
    except ValueError:
        return False
    return True


def test_what_is_json_only_without_its_white_space_is_none() -> None:
    with pytest.raises(MalformedReport):
        read_job(job_text().replace(b'"Progress":0', b'"Progress":1 0'))
