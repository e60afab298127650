"""What is kept of a finished job's text when its Orthanc says less of it."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobindex.model.keeping import is_same_end, still_cut, with_kept

from ...builders import job_text

FULL = {"ID": "x", "Path": "/studies/x", "Type": "Study", "Description": "d", "InstancesCount": 5}


def merged(before: dict[str, Any], after: dict[str, Any], cut: tuple[str, ...] = ()) -> tuple[Any, tuple[str, ...]]:
    later, earlier = (job_text(1, **{"state": "Success", **content}) for content in (after, before))
    text, kept = with_kept(later, earlier, cut)
    return json.loads(text), kept


def test_in_use_what_vanished_or_was_emptied_is_kept_and_named() -> None:
    told, kept = merged(
        {"Content": FULL | {"Resources": [1]}, "Progress": 100, "UserData": {"a": 1}},
        {"Content": {"InstancesCount": 6, "Resources": []}, "Progress": 0},
    )
    assert told["Content"] == FULL | {"InstancesCount": 6, "Resources": [1]}
    assert (told["Progress"], told["UserData"]) == (100, {"a": 1})
    names = ("Description", "ID", "Path", "Resources", "Type")
    assert kept == (*(f"Content.{name}" for name in names), "Progress", "UserData")


def test_in_use_what_is_further_down_is_kept_too() -> None:
    told, kept = merged({"Content": {"A": {"B": {"C": 1, "D": 2}}}}, {"Content": {"A": {"B": {"C": 3}}}})
    assert (told["Content"], kept) == ({"A": {"B": {"C": 3, "D": 2}}}, ("Content.A.B.D",))


@pytest.mark.parametrize("other", [{"ErrorCode": 1}, {"State": "Failure"}, {"CompletionTime": "20260101T000000"}])
def test_in_use_another_end_is_another(other: dict[str, Any]) -> None:
    ended = job_text(1, "Success", Content=FULL)
    assert not is_same_end(job_text(1, "Success", **other), ended)
    assert is_same_end(job_text(1, "Success", Progress=0), ended)


def test_in_use_what_is_there_again_is_cut_no_more() -> None:
    text = job_text(Content={"A": [], "B": [1], "C": {"D": []}})
    paths = ("Content.A", "Content.B", "Content.C.D", "Content.E", "UserData")
    assert still_cut(text, paths) == set(paths) - {"Content.B"}


def test_in_use_what_the_later_text_says_counts() -> None:
    told, kept = merged({"Content": {"A": 1}, "UserData": {"a": 1}}, {"Content": {"A": 2}, "UserData": {"b": 2}})
    assert (told["Content"], told["UserData"], kept) == ({"A": 2}, {"b": 2}, ())


def test_in_use_what_is_too_large_by_now_has_not_vanished() -> None:
    told, kept = merged({"Content": {"A": [1], "B": 1}}, {"Content": {}}, cut=("Content.A",))
    assert (told["Content"], kept) == ({"B": 1}, ("Content.B",))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"1.2.3": "x", "1.2.3.4": "y"}, {"1.2.3": "x"}),
        ({"A": {"B": 1}, "A.B": {"C": 2}}, {"A.B": {"C": 2}}),
        ({"A": {"B.C": 1}, "A.B": {"C": 2}}, {"A": 3, "A.B": {}}),
        ({"": {"": 1}, ".": 2, "\\.": 3}, {"": {}}),
    ],
)
def test_true_state_a_name_may_hold_a_dot(before: dict[str, Any], after: dict[str, Any]) -> None:
    told, _ = merged({"Content": before}, {"Content": after})
    assert told["Content"] == before | {name: value for name, value in after.items() if value == 3}


def test_true_state_what_is_there_again_under_a_dotted_name_is_cut_no_more() -> None:
    text = job_text(Content={"1.2.3": [1], "A.B": {"C": []}})
    assert still_cut(text, [r"Content.1\.2\.3", r"Content.A\.B.C", "Content.1.2.3"]) == {
        r"Content.A\.B.C",
        "Content.1.2.3",
    }


NAMES = st.sampled_from(["A", "B", "C", "A.B", "A.B.C", ".", ""])
CONTENT = st.dictionaries(
    NAMES,
    st.recursive(
        st.sampled_from([None, "", 0, 1, [], [1], {}]),
        lambda inner: st.dictionaries(NAMES, inner, max_size=4),
    ),
    max_size=4,
)


@given(CONTENT, CONTENT)
def test_in_use_once_kept_nothing_more_is(before: dict[str, Any], after: dict[str, Any]) -> None:
    text, _ = with_kept(job_text(1, "Success", Content=after), job_text(1, "Success", Content=before))
    again, kept = with_kept(text, job_text(1, "Success", Content=before))
    assert (again, kept) == (text, ())
    same, _ = with_kept(job_text(1, "Success", Content=after), text)
    assert json.loads(same) == json.loads(text)


def test_bounds_many_that_vanished_take_as_much_longer_as_they_are_more() -> None:
    def took(number: int) -> float:
        before = {f"1.2.840.{each}": {"a": "x", "l": [1]} for each in range(number)}
        after = {name: {"a": "x"} for name in before}
        later, earlier = (job_text(1, "Success", Content=content) for content in (after, before))
        times = []
        for _ in range(3):
            began = time.process_time()
            assert len(with_kept(later, earlier)[1]) == number
            times.append(time.process_time() - began)
        return min(times)

    assert took(4000) < 9 * took(1000)
