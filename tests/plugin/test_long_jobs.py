"""Jobs whose text is long: cut before they are sent, by the service's bound, and seldom read again."""

import json
import time
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .conftest import Node, load_plugin, until
from .scripted_module import ScriptedModule, job_id
from .scripted_orthanc import styled
from .scripted_service import Reply, Report, ScriptedService

MakeNode = Callable[..., Node]
PLUGIN = load_plugin(ScriptedModule({}))
STEPWISE = load_plugin(ScriptedModule({}), PIECE_BYTES=7, BREATH=0)


def bound_by(size: int) -> Callable[[Report], Reply | None]:
    return lambda report: (200, {"MaxJobBytes": size}) if "Register" in report else None


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def cuts(service: ScriptedService) -> list[dict[str, list[str]]]:
    return [report["Cut"] for report in service.taken if "Cut" in report]


def test_true_state_a_long_job_is_cut_before_it_is_sent(make_node: MakeNode, service: ScriptedService) -> None:
    """The longest array goes first, and no more than has to."""
    service.script = bound_by(5_000)
    node = make_node().start()
    until(service.complete, "a complete report")
    content = {"Description": "x", "Resources": ["r" * 40] * 200, "Short": [1, 2], "Where": {"Files": ["f" * 50] * 80}}
    job = node.orthanc.set_job(1, "Success", Content=content, UserData=["mine"])
    node.orthanc.change(17, job)
    until(lambda: service.states(job), "the job")
    assert cuts(service) == [{job: ["Content.Resources"]}]
    (told,) = service.jobs()
    del told["Timestamp"]
    without = {name: value for name, value in content.items() if name != "Resources"}
    assert told == {**node.orthanc.jobs[job], "Content": without}


def test_true_state_all_that_was_cut_is_named_in_order(make_node: MakeNode, service: ScriptedService) -> None:
    node = make_node()
    content = {"B": {"C": ["x" * 99] * 30_000}, "A": ["y" * 99] * 20_000, "Z": "end"}
    job = node.orthanc.set_job(1, "Failure", Content=content)
    node.start()
    until(lambda: service.states(job), "the job")
    assert cuts(service)[0] == {job: ["Content.A", "Content.B.C"]}
    assert service.jobs()[0]["Content"] == {"B": {}, "Z": "end"}


def test_true_state_white_space_is_no_reason_to_cut(make_node: MakeNode, service: ScriptedService) -> None:
    service.script = bound_by(5_000)
    node = make_node().start()
    until(service.complete, "a complete report")
    job = node.orthanc.set_job(1, "Success", Content={"Numbers": [1] * 1_000})
    node.orthanc.change(17, job)
    until(lambda: service.states(job), "the job")
    assert len(service.jobs()[0]["Content"]["Numbers"]) == 1_000
    assert cuts(service) == []


def test_true_state_a_long_job_that_goes_on_is_read_by_its_size(make_node: MakeNode, service: ScriptedService) -> None:
    """At most every (bytes / 1 MB) s; short ones beside it are read in every round."""
    node = make_node()
    long = node.orthanc.set_job(1, "Running", Content={"Resources": ["x" * 99] * 40_000})
    short = node.orthanc.set_job(2, "Running")
    node.start()
    until(lambda: service.states(long) and service.states(short), "both jobs")
    until(lambda: node.orthanc.reads_of(short) >= 10, "ten rounds")
    assert node.orthanc.reads_of(long) <= 2
    node.orthanc.happen("JobSuccess", 1)
    until(lambda: "Success" in service.states(long), "its end, which is read at once")


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.sampled_from(['"', "\\", "[,]", "é"])
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)),
    max_leaves=20,
)
jobs = st.fixed_dictionaries(
    {
        "State": st.just("Running"),
        "Content": st.dictionaries(st.text(max_size=4), values, max_size=5),
        "UserData": values,
    }
)


def without(job: dict[str, Any], path: str) -> None:
    """Take one member of Content out, or empty one of the job; names are as JSON has them, with their dots marked."""
    hidden = path.replace(r"\\", "\0").replace(r"\.", "\1")
    within: Any = job
    *outer, last = (json.loads(f'"{name}"'.replace("\1", ".").replace("\0", r"\\")) for name in hidden.split("."))
    for name in outer:
        within = within.get(name, {})
    if within is job:
        job[last] = {dict: {}, list: [], str: ""}.get(type(job[last]))
    else:
        within.pop(last, None)


BARE = b'{"Content":{},"State":"Running"}'
"""What is left where nothing else fits."""


@given(jobs, st.integers(0, 400))
def test_a_cut_job_is_the_job_without_what_is_named(job: dict[str, Any], bound: int) -> None:
    text = styled(job)
    long = PLUGIN.LongJob(text)
    cut, paths = long.cut(bound)
    assert long.state == "Running"
    assert list(paths) == sorted(paths)
    if cut != BARE:
        for path in sorted(paths, key=len, reverse=True):
            without(job, path)
        assert json.loads(cut) == job
        assert len(cut) <= bound


@given(st.binary(max_size=300), st.integers(0, 100))
def test_plugin_whatever_stands_in_a_long_job_ends_within_the_bound(text: bytes, bound: int) -> None:
    cut, _ = PLUGIN.LongJob(b'{"Content":{' + text).cut(bound)
    assert len(cut) <= max(bound, len(b'{"Content":{}}') + PLUGIN.MAX_FIXED_BYTES)


NUMBERS = {f"k{number}": number for number in range(2_000)}
TEXT = "y" * 9_000


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"Content": {"Short": [1], "Text": TEXT, "Word": "w"}}, ["Content.Short", "Content.Text"]),
        ({"Content": {"Map": NUMBERS, "Word": "w"}}, ["Content.Map"]),
        ({"Content": {"1.2": TEXT, "1": {"2": "w"}}}, [r"Content.1\.2"]),
        ({"Content": {"Map": {"In": [TEXT], "Rest": TEXT}}}, ["Content.Map", "Content.Map.In"]),
        ({"Content": NUMBERS}, ["Content"]),
        ({"Content": {TEXT: 1}}, ["Content"]),
        ({"Content": {f"{number}": [number] for number in range(2_000)}}, ["Content"]),
        ({"Content": TEXT}, ["Content"]),
        ({"UserData": [TEXT]}, ["UserData"]),
        ({"UserData": TEXT, "Description": "d"}, ["UserData"]),
        ({"UserData": NUMBERS, "ErrorDescription": TEXT}, ["ErrorDescription", "UserData"]),
    ],
)
def test_plugin_a_job_of_any_shape_is_told_within_the_bound(
    make_node: MakeNode, service: ScriptedService, members: dict[str, Any], named: list[str]
) -> None:
    """Arrays of Content first, then what else is in it, then what is the submitter's."""
    service.script = bound_by(5_000)
    node = make_node().start()
    until(service.complete, "a complete report")
    job = node.orthanc.set_job(1, "Success", **members)
    node.orthanc.change(17, job)
    until(lambda: service.states(job), "the job")
    assert cuts(service) == [{job: named}]
    (told,) = service.jobs()
    assert len(json.dumps(told)) <= 5_000
    assert set(told) >= set(node.orthanc.jobs[job])


def test_plugin_of_a_job_of_a_thousand_members_its_state_is_told(make_node: MakeNode, service: ScriptedService) -> None:
    service.script = bound_by(5_000)
    node = make_node().start()
    until(service.complete, "a complete report")
    job = node.orthanc.set_job(1, "Failure", Type="t" * 6_000, **NUMBERS)
    node.orthanc.change(18, job)
    until(lambda: service.states(job) == ["Failure"], "its end")
    assert service.jobs()[0] == {"Content": {}, "ErrorCode": 0, "ID": job, "Progress": 0, "State": "Failure"} | {
        "Timestamp": service.jobs()[0]["Timestamp"]
    }


@given(st.one_of(st.binary(max_size=300), st.text(max_size=100).map(str.encode)))
def test_plugin_a_text_is_quoted_in_pieces_as_in_one(text: bytes) -> None:
    assert b"".join(STEPWISE.pieces_of(text)) == text
    assert STEPWISE.quoted(text) == json.dumps(text.decode("utf-8", "replace"), ensure_ascii=False).encode()


@pytest.mark.parametrize("filling", ["x", '"', "é", "x,"])
def test_plugin_no_step_goes_over_more_than_a_piece(filling: str) -> None:
    """Each holds Python's lock, which Orthanc's callback waits for; in between it is left to others."""
    plugin = load_plugin(ScriptedModule({}))
    steps: list[int] = []
    write, sleep = plugin.written, time.sleep

    def noting(text: str) -> bytes:
        steps.append(len(text))
        written: bytes = write(text)
        return written

    breaths: list[float] = []
    vars(plugin).update(written=noting, time=SimpleNamespace(sleep=lambda pause: (breaths.append(pause), sleep(pause))))
    job = json.dumps({"Content": {"a": filling * (1_500_000 // len(filling))}}).encode()
    plugin.mark_of(job)
    plugin.quoted(job)
    plugin.LongJob(job).cut(1_000)
    assert max(steps) <= plugin.PIECE_BYTES
    assert sum(steps) >= 1_500_000 / len(filling.encode())
    assert len(breaths) >= 3 * (len(job) // (2 * plugin.PIECE_BYTES))


def test_plugin_a_short_job_is_gone_over_without_a_breath() -> None:
    """Whole rounds are made of them."""
    plugin = load_plugin(ScriptedModule({}))
    breaths: list[float] = []
    vars(plugin).update(time=SimpleNamespace(sleep=breaths.append))
    job = styled({"Content": {"Pad": "x, " * 5_000}, "State": "Success"})
    assert (plugin.read_state(job), bool(plugin.mark_of(job)), bool(plugin.quoted(job))) == ("Success", True, True)
    assert breaths == []


def test_plugin_a_stamp_is_in_no_mark_however_long_the_text() -> None:
    plugin = load_plugin(ScriptedModule({}), PIECE_BYTES=200)
    for count in range(1, 60):
        job = {"Content": {"A": ["b"] * count}, "Timestamp": "20260101T000000.000000", "Type": "T"}
        for written in (styled, compact):
            assert plugin.mark_of(written(job)) == plugin.mark_of(
                written({**job, "Timestamp": "20260101T000000.000001"})
            )
            assert plugin.mark_of(written(job)) != plugin.mark_of(written({**job, "Type": "U"}))


def test_a_hostile_nesting_is_walked_in_time() -> None:
    deep = b'{"Content":{"A":' + b"[" * 300_000 + b"]" * 300_000 + b'},"State":"Running"}'
    long = PLUGIN.LongJob(deep)
    assert long.cut(1_000) == (b'{"Content":{},"State":"Running"}', ("Content.A",))


def test_plugin_a_long_list_is_written_and_read_in_steps() -> None:
    ids = [job_id(number) for number in range(5_000)]
    for told in (ids, ids[:1], []):
        ended = PLUGIN.Round(0.0, 0, 0, False, told, deque())
        report = json.loads(PLUGIN.write_report({"Format": 1}, PLUGIN.Batch([], ended)))
        assert report == {"Format": 1, "Complete": True, "Ids": told, "Jobs": []}
        assert max(map(len, PLUGIN.ids_of(ended)), default=0) <= PLUGIN.PIECE_BYTES
        for answer in ({"Wanted": told, "Refused": ["x"]}, {"Wanted": told}, {"Refused": told}, told):
            assert PLUGIN.read_answer(styled(answer)) == answer
