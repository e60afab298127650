"""Only what a client of Orthanc needs passes."""

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
