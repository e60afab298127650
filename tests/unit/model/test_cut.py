"""What is kept of a job that is too large."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobindex.errors import MalformedReport
from jobindex.model import cut as cut_module
from jobindex.model.cut import fitted, without
from jobindex.model.job import read_job
from jobindex.model.spans import Member

from ...builders import job_text


def cut(most: int, **members: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    job = read_job(job_text(1, "Success", **members), most)
    assert len(job.text) <= most
    return json.loads(job.text), job.cut


def test_true_state_what_fits_is_kept_as_it_is() -> None:
    text = job_text(Content={"Resources": ["x"] * 10})
    assert fitted(text, len(text)) == (text, ())
    assert fitted(text, len(text) - 1)[1] == ("Content.Resources",)


def test_true_state_the_longest_arrays_go_first_and_only_until_it_fits() -> None:
    content = {"Few": [1] * 10, "Many": [1] * 900, "More": [1] * 1000, "Peer": {"Most": [1] * 2000, "Url": "u"}}
    kept, gone = cut(2300, Content=content)
    assert kept["Content"] == {"Few": [1] * 10, "Peer": {"Url": "u"}, "Many": [1] * 900}
    assert gone == ("Content.More", "Content.Peer.Most")


def test_true_state_without_long_arrays_other_values_of_content_go() -> None:
    kept, gone = cut(1000, Content={"Description": "d", "Long": "x" * 2000, "Resources": [1]})
    assert kept["Content"] == {"Description": "d"}
    assert gone == ("Content.Long", "Content.Resources")


def test_true_state_what_a_submitter_wrote_is_emptied_at_last_and_stays_a_member() -> None:
    kept, gone = cut(1000, UserData={"a": "x" * 2000}, ErrorDetails="y" * 2000, Content={"Description": "d"})
    assert (kept["UserData"], kept["ErrorDetails"], kept["Content"]) == ({}, "", {})
    assert gone == ("Content.Description", "ErrorDetails", "UserData")
    assert kept["State"] == "Success"


def test_true_state_what_can_not_be_cut_is_refused() -> None:
    with pytest.raises(MalformedReport):
        read_job(job_text(Type="x" * 2000), 1000)


@pytest.mark.parametrize(
    "content",
    [
        {"token": [1] * 2000},
        {"A": "://a@ " * 1000},
        {"password": {str(n): n for n in range(600)}},
        {"A": [{"secret": 1}] * 300},
    ],
)
def test_bounds_what_is_masked_is_no_longer_than_the_bound(content: dict[str, Any]) -> None:
    told = job_text(1, "Success", Type="SomebodysOwn", Content=content)
    kept, gone = cut(len(told), Type="SomebodysOwn", Content=content)
    assert gone
    assert kept["State"] == "Success"


def test_bounds_bytes_that_are_no_text_are_no_longer_than_the_bound() -> None:
    told = job_text(1, "Success", ErrorDetails="@@").replace(b"@@", b"\xff" * 3000)
    job = read_job(told, len(told))
    assert len(job.text) <= len(told)
    assert "ErrorDetails" in job.cut


def test_true_state_a_bracket_in_a_text_is_none() -> None:
    kept, gone = cut(900, Content={"A": ['"]}{['] * 200, "B": "]}"})
    assert (kept["Content"], gone) == ({"B": "]}"}, ("Content.A",))


VALUES = st.recursive(
    st.none() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=60,
)


@given(content=st.dictionaries(st.text(max_size=20), VALUES), user_data=VALUES, most=st.integers(600, 3000))
def test_true_state_any_job_fits_and_keeps_what_is_said_to_be_kept(
    content: dict[str, Any], user_data: Any, most: int
) -> None:
    told = job_text(1, "Success", Content=content, UserData=user_data)
    job = read_job(told, most)
    before, after = json.loads(told), json.loads(job.text)
    assert len(job.text) <= most
    assert before.keys() == after.keys()
    assert (not job.cut) == (before == after)
    for name in before.keys() - {"Content", "UserData", "ErrorDetails", "ErrorDescription"}:
        assert before[name] == after[name]


def test_bounds_many_small_objects_are_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All 3,000 lose their list: what is looked through is some times the text, not some times their number."""
    seen: list[int] = []
    members_in = cut_module.members_in

    def counted(text: bytes, *start: int) -> Iterator[Member]:
        found = list(members_in(text, *start))
        seen.append(found[-1].end - found[0].start if found else 0)
        return iter(found)

    monkeypatch.setattr(cut_module, "members_in", counted)
    text = job_text(Content={f"1.2.840.{number}": {"a": "x", "l": [1, 2, 3]} for number in range(3000)})
    fewer, gone = fitted(text, len(text) // 2)
    assert len(fewer) <= len(text) // 2
    assert len(gone) >= 3000
    assert sum(seen) < 20 * len(text)


class _Counted(tuple[bytes, ...]):
    """A path that counts how often it is looked at."""

    looked_at = 0

    def __getitem__(self, key: Any) -> Any:
        _Counted.looked_at += 1
        return super().__getitem__(key)


def test_bounds_no_path_is_held_against_each_member() -> None:
    text = job_text(Content={str(number): {"l": [1]} for number in range(2000)})
    paths = [_Counted((b"Content", str(number).encode(), b"l")) for number in range(2000)]
    assert json.loads(without(text, paths))["Content"] == {str(number): {} for number in range(2000)}
    assert _Counted.looked_at < 10 * len(paths)
