"""Only what a client of Orthanc needs passes."""

import pytest
from multidict import CIMultiDict

from jobindex.orthanc.headers import permitted

ALL = {
    "content-type": "application/zip",
    "content-length": "10",
    "content-disposition": 'filename="archive.zip"',
    "www-authenticate": "Basic",
    "allow": "GET",
    "retry-after": "1",
    "set-cookie": "a=b",
    "connection": "close",
    "transfer-encoding": "chunked",
    "content-encoding": "gzip",
    "server": "x",
    "access-control-allow-origin": "*",
    "x-powered-by": "x",
}


def test_what_is_not_on_the_list_stays_behind() -> None:
    passed = permitted(CIMultiDict(ALL))
    assert sorted(passed) == ["Allow", "Content-Disposition", "Content-Type", "Retry-After", "WWW-Authenticate"]


def test_the_length_passes_only_with_the_body_as_it_is() -> None:
    assert permitted(CIMultiDict(ALL), with_length=True)["Content-Length"] == "10"
    assert "Content-Length" not in permitted(CIMultiDict(ALL))


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "a\x00b", "a\x1b[0mb", "a\udcffb", "\u2028"])
def test_what_can_not_be_printed_stays_behind(value: str) -> None:
    passed = permitted(CIMultiDict({"Content-Disposition": value, "Allow": value, "Content-Type": value}))
    assert passed == {}


@pytest.mark.parametrize(
    "kept", ["text/plain", "application/json; charset=utf-8", 'multipart/x; boundary="a b"', "a/b"]
)
def test_a_type_is_kept(kept: str) -> None:
    assert permitted(CIMultiDict({"Content-Type": kept})) == {"Content-Type": kept}


@pytest.mark.parametrize("absurd", ["", "text", "text/html, text/plain", "a/b; c", "x" * 65 + "/y", "<script>/x"])
def test_what_is_no_type_is_only_bytes(absurd: str) -> None:
    assert permitted(CIMultiDict({"Content-Type": absurd})) == {"Content-Type": "application/octet-stream"}


def test_no_type_is_invented() -> None:
    assert permitted(CIMultiDict({})) == {}
