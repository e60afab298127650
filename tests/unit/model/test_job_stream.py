"""A job on its way from its owner to a caller: in pieces of any size it comes out as it would in one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobindex.model import job_stream
from jobindex.model.job import read_job
from jobindex.model.job_stream import JobStream
from jobindex.model.text import with_members

from ...builders import job_text

ENDING = b'"JobIndex":{}'


def streamed(text: bytes, kind: str = "Archive", size: int = 7) -> bytes:
    stream = JobStream(kind, ENDING)
    made = b"".join(made for start in range(0, len(text), size) for made in stream.feed(text[start : start + size]))
    return made + b"".join(stream.finish())


VALUES = st.recursive(
    st.none()
    | st.integers(-(2**60), 2**60)
    | st.sampled_from(["x", "http://u:p@h/", '"\\', "é", "\U0001f600", "", "]}"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["A", "Token", "Peer", "Server", "HttpHeaders"]), inner, max_size=4)
    ),
    max_leaves=30,
)


@pytest.fixture(autouse=True)
def _enters_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_stream, "ENTERED_BYTES", 20)


@given(
    content=st.dictionaries(st.sampled_from(["A", "Token", "Peer", "Server"]), VALUES, max_size=4),
    user_data=VALUES,
    kind=st.sampled_from(["Archive", "OrthancPeerStore", "DicomWebStowClient", "SomebodysOwn"]),
    size=st.integers(1, 400),
    indent=st.sampled_from([None, 3, "\t"]),
)
def test_true_state_a_job_in_pieces_is_the_job_as_it_is_kept(
    content: dict[str, Any], user_data: Any, kind: str, size: int, indent: Any
) -> None:
    members = json.loads(job_text(1, "Success", Type=kind)) | {"Content": content, "UserData": user_data}
    text = json.dumps(members, indent=indent).encode()
    found = json.loads(streamed(text, kind, size))
    expected = json.loads(read_job(text).text)
    assert found.pop("JobIndex") == {}
    if not any(isinstance(content.get(name), list) for name in ("Peer", "Server")):
        assert found == expected
    else:  # of a list that is entered all is hidden
        assert found.keys() == expected.keys()
        assert found["UserData"] == expected["UserData"]


def test_true_state_number_literals_and_order_stay() -> None:
    text = job_text(1).replace(b"0.25", b"0.25000000000000001")
    assert streamed(text) == with_members(text, {})[:-1] + b"," + ENDING + b"}"


def test_true_state_what_is_known_of_it_at_its_end() -> None:
    stream = JobStream("Archive", ENDING)
    b"".join([*stream.feed(job_text(1, "Success")), *stream.finish()])
    assert (stream.members[b"State"], stream.members[b"ErrorCode"]) == (b'"Success"', b"0")


@pytest.mark.parametrize("text", [b"[]", b"<html>", b'{"a" 1}', b'{"a":1}{', b'{"a":1}}', b"{1:2,}"])
def test_true_state_what_is_no_object_is_noticed(text: bytes) -> None:
    stream = JobStream("Archive", ENDING)
    with pytest.raises(ValueError, match=r"^(no|something) "):
        b"".join(stream.feed(text))


def test_true_state_what_breaks_off_is_not_whole() -> None:
    stream = JobStream("Archive", ENDING)
    b"".join(stream.feed(job_text()[:-1]))
    with pytest.raises(ValueError, match="no end"):
        b"".join(stream.finish())


def test_bounds_what_is_deep_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_stream, "ENTERED_BYTES", 1 << 10)
    seen: list[int] = []
    end_of = job_stream.end_of

    def counted(text: bytes, start: int) -> int:
        end = len(text)
        try:
            end = end_of(text, start)
        finally:
            seen.append(end - start)
        return end

    monkeypatch.setattr(job_stream, "end_of", counted)
    inside = b"[" * 900 + b",".join([b'{"a":1,"b":["c"]}'] * 10_000) + b"]" * 900
    text = job_text(1).replace(b'{"Content":', b'{"UserData":' + inside + b',"Content":', 1)
    assert json.loads(streamed(text, size=1 << 14))["State"] == json.loads(text)["State"]
    assert sum(seen) < 8 * len(text)
