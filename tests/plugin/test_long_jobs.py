"""Jobs whose text is long: cut before they are sent, by the service's bound, and seldom read again."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from .conftest import Node, load_plugin, until
from .scripted_module import ScriptedModule
from .scripted_orthanc import styled
from .scripted_service import Reply, Report, ScriptedService

MakeNode = Callable[..., Node]
PLUGIN = load_plugin(ScriptedModule({}))


def bound_by(size: int) -> Callable[[Report], Reply | None]:
    return lambda report: (200, {"MaxJobBytes": size}) if "Register" in report else None


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
    """Take one member out; names are as JSON writes them, with their dots marked."""
    hidden = path.replace(r"\\", "\0").replace(r"\.", "\1")
    within: Any = job
    *names, last = [json.loads('"' + name.replace("\1", ".").replace("\0", r"\\") + '"') for name in hidden.split(".")]
    for name in names:
        within = within[name]
    assert isinstance(within.pop(last), list)


@given(jobs, st.integers(0, 400))
def test_a_cut_job_is_the_job_without_what_is_named(job: dict[str, Any], bound: int) -> None:
    text = styled(job)
    long = PLUGIN.LongJob(text)
    cut, paths = long.cut(bound)
    assert long.state == "Running"
    assert list(paths) == sorted(paths)
    for path in paths:
        without(job, path)
    assert json.loads(cut) == job
    arrays = [name for name, value in job["Content"].items() if isinstance(value, list)]
    assert len(cut) <= bound or not arrays


def test_a_hostile_nesting_is_walked_in_time() -> None:
    deep = b'{"Content":{"A":' + b"[" * 300_000 + b"]" * 300_000 + b'},"State":"Running"}'
    long = PLUGIN.LongJob(deep)
    assert long.cut(1_000) == (b'{"Content":{},"State":"Running"}', ("Content.A",))
