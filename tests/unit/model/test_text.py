"""Jobs as text: equal as JSON, number literals kept, secrets never kept."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobindex.model.text import (
    compact,
    elements,
    members,
    most_members,
    redact,
    with_members,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=5)

SECRET_NAMES = ("Password", "HttpHeaders", "Authorization", "token", "X-Api-Key", "ApiKey", "Secret", "Cookie")
CANARY = "canary-7f3a"


def printed(value: Any, *, indent: int | None = None, ensure_ascii: bool = False) -> bytes:
    separators = (",", " : ") if indent else (",", ":")
    return json.dumps(value, indent=indent, ensure_ascii=ensure_ascii, separators=separators).encode()


@given(VALUES, st.booleans(), st.none() | st.just(3))
def test_compact_says_the_same_with_no_white_space(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = printed(value, indent=indent, ensure_ascii=ascii_only)
    assert compact(text) == printed(value, ensure_ascii=ascii_only)


@given(VALUES, st.booleans())
def test_no_member_is_left_out_when_they_are_counted(value: Any, ascii_only: bool) -> None:
    def members_of(value: Any) -> int:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return (len(value) if isinstance(value, dict) else 0) + sum(map(members_of, inner))

    assert most_members(printed(value, ensure_ascii=ascii_only)) >= members_of(value)


@given(st.binary() | st.text(alphabet=' \t\n\r\f\v"{}[]:,a1\\').map(str.encode))
def test_what_is_no_json_stays_none_or_loses_white_space_only(text: bytes) -> None:
    assert compact(text).translate(None, b" \t\n\r\f\v") == text.translate(None, b" \t\n\r\f\v")


@pytest.mark.parametrize("literal", [b"0.0060000000000000001", b"1e5", b"-0.0", b"12345678901234567890123", b"1.50"])
def test_number_literals_are_kept(literal: bytes) -> None:
    text = b'{\n "A" : ' + literal + b',\n "Token" : 1\n}'
    assert compact(text) == b'{"A":' + literal + b',"Token":1}'
    assert members(redact(compact(text)))[b"A"] == literal
    assert with_members(compact(text), {b"B": b"2"}) == b'{"A":' + literal + b',"B":2,"Token":1}'


@given(OBJECTS)
def test_members_are_the_values_as_they_stand(value: dict[str, Any]) -> None:
    found = members(printed(value, ensure_ascii=True))
    assert [json.loads(b'"' + name + b'"') for name in found] == list(value)
    assert [json.loads(text) for text in found.values()] == list(value.values())


@given(st.lists(VALUES, max_size=5))
def test_elements_are_the_values_as_they_stand(value: list[Any]) -> None:
    assert [json.loads(text) for text in elements(printed(value))] == value


@given(OBJECTS, st.dictionaries(st.sampled_from(["State", "Progress", "New"]), VALUES))
def test_with_members_replaces_and_adds(value: dict[str, Any], changed: dict[str, Any]) -> None:
    given_text = {name.encode(): printed(new) for name, new in changed.items()}
    assert json.loads(with_members(printed(value), given_text)) == value | changed


def test_with_members_keeps_the_order_of_names() -> None:
    assert list(members(with_members(b'{"B":1,"D":2}', {b"C": b"3", b"A": b"4"}))) == [b"A", b"B", b"C", b"D"]


@given(OBJECTS, st.sampled_from(SECRET_NAMES), st.data())
def test_a_secret_never_survives_however_deep_it_is(value: dict[str, Any], name: str, data: st.DataObject) -> None:
    secret = data.draw(st.sampled_from([CANARY, [CANARY], {"a": CANARY}, {"Deep": [{"b": [0, CANARY]}]}]))
    hidden = {"Peer": {"Url": "http://peer", name: secret}} if data.draw(st.booleans()) else {name: secret}
    masked = redact(printed(value | {"Content": hidden}))
    assert CANARY.encode() not in masked
    assert json.loads(masked)["Content"].keys() == hidden.keys()
    assert redact(masked) == masked


def test_masking_keeps_objects_and_their_names() -> None:
    text = b'{"HttpHeaders":{"A":"1","B":["2",{"C":null}]},"Password":"p","Url":"u"}'
    assert redact(text) == (
        b'{"HttpHeaders":{"A":"REDACTED","B":["REDACTED",{"C":"REDACTED"}]},"Password":"REDACTED","Url":"u"}'
    )


def test_a_secret_word_in_a_value_masks_nothing() -> None:
    text = b'{"Description":"password: \\"x\\"","List":["token",":"]}'
    assert redact(text) == text


@pytest.mark.parametrize("scheme", ["http", "https", "dicomweb+https"])
def test_a_login_in_a_url_is_masked(scheme: str) -> None:
    masked = redact(f'{{"Url":"{scheme}://user:{CANARY}@peer:8042/a","Other":"a@b://c"}}'.encode())
    assert masked == f'{{"Url":"{scheme}://REDACTED@peer:8042/a","Other":"a@b://c"}}'.encode()
    assert redact(masked) == masked
