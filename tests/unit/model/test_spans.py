"""Where the parts of a JSON text lie, found without parsing it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobindex.model import spans
from jobindex.model.spans import depth_of, elements_in, end_of, measured, members_in

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.sampled_from(['"', "\\", '\\"}', "[{", ",:"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=25,
)
FORMS = st.sampled_from([{"separators": (",", ":")}, {"indent": 3}, {"indent": "\t", "separators": (", ", " : ")}])


@given(value=st.dictionaries(st.text(max_size=5), VALUES), form=FORMS)
def test_true_state_the_members_of_an_object(value: dict[str, Any], form: dict[str, Any]) -> None:
    text = json.dumps(value, **form).encode()
    found = {json.loads(b'"' + name + b'"'): json.loads(text[start:end]) for name, start, end in members_in(text)}
    assert found == value


@given(value=st.lists(VALUES), form=FORMS)
def test_true_state_the_elements_of_an_array(value: list[Any], form: dict[str, Any]) -> None:
    text = json.dumps(value, **form).encode()
    assert [json.loads(text[start:end]) for start, end in elements_in(text)] == value


@given(value=VALUES)
def test_true_state_how_deep_a_value_is(value: Any) -> None:
    def depth(value: Any) -> int:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inner is None else 1 + max(map(depth, inner), default=0)

    text = json.dumps(value).encode()
    assert depth_of(text, 0, len(text)) == depth(value)
    assert end_of(text) == len(text)
    if text[:1] in (b"{", b"["):
        assert depth(value) <= measured(text)[1] <= depth(value) + 1


@pytest.mark.parametrize("text", [b"{", b'{"a":', b'{"a":1', b'{"a":"', b"[1,[", b'[{"a":[}', b"[1 2:", b'{"a" 1}'])
def test_true_state_what_has_no_end_is_no_value(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(a|an|no) "):
        list(members_in(text) if text.startswith(b"{") else elements_in(text))


def test_true_state_a_hundred_thousand_levels_are_no_danger() -> None:
    text = b"[" * 100_000 + b"]" * 100_000
    assert depth_of(text, 0, len(text)) == 100_000
    assert end_of(text) == len(text)


@pytest.mark.parametrize("depth", [60, 2, 40_000])
def test_bounds_a_text_of_brackets_takes_no_step_for_each(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"[" + b",".join([b"[" * depth + b'"]{"' + b"]" * depth] * (80_000 // depth)) + b"]"
    steps = []
    past_bracket = spans._past_bracket
    monkeypatch.setattr(spans, "_past_bracket", lambda *place: steps.append(1) or past_bracket(*place))
    assert measured(text) == (len(text), depth + 1)
    assert list(members_in(b'{"a":' + text + b"}")) == [(b"a", 5, 5 + len(text))]
    assert len(steps) < 50


@given(value=VALUES, window=st.integers(1, 9), form=FORMS)
def test_bounds_windows_of_any_size_measure_the_same(value: Any, window: int, form: dict[str, Any]) -> None:
    text = json.dumps([value], **form).encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spans, "_WINDOW_BYTES", window)
        patched.setattr(spans, "_LARGEST_WINDOW_BYTES", 4 * window)
        patched.setattr(spans, "_FEW_STEPS", 0)
        patched.setattr(spans, "_BYTES_A_STEP", 1000)
        assert end_of(text + b',"]"') == len(text)
        assert measured(text)[1] == depth_of(text, 0, len(text))


@pytest.mark.parametrize("piece", [b'\\"', b"\\\\", b'","', b'",[],"', b'",{"a":"b"},"', b'",[[1]],"'])
def test_true_state_many_of_anything_are_passed_over(piece: bytes) -> None:
    text = b'["' + piece * 100_000 + b'"]'
    assert end_of(text) == len(text)
