"""Which coding of a body a caller takes."""

import pytest

from jobindex.web.codings import accepted


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("", ""),
        ("identity", ""),
        ("gzip", "gzip"),
        ("GZip, deflate, br", "gzip"),
        ("gzip, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0", "gzip"),
        ("gzip;q=0", ""),
        ("gzip; q=0.001", "gzip"),
        ("*", "zstd"),
        ("*;q=0", ""),
        ("zstd;q=0, *", "gzip"),
        ("gzip;q=nonsense", ""),
        (",,;,gzip;q=", "gzip"),
    ],
)
def test_the_first_of_ours_that_is_taken(header: str, coding: str) -> None:
    assert accepted(header, ("zstd", "gzip")) == coding
