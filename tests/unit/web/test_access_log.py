"""One line a request, without what may be secret or may forge a line."""

import pytest

from ..scripted_orthanc import AUTHORIZATION, LOGIN
from .replica import Replica


async def lines(replica: Replica, caplog: pytest.LogCaptureFixture, path: str) -> list[str]:
    """What is logged of one request."""
    caplog.set_level("INFO")
    caplog.clear()
    await replica.get(path, {**LOGIN, "Cookie": "session=hidden"})
    return [record.getMessage() for record in caplog.records if record.name == "jobindex.access"]


async def test_a_request_is_one_line(replica: Replica, caplog: pytest.LogCaptureFixture) -> None:
    (line,) = await lines(replica, caplog, "/jobs")
    assert line.startswith("GET /jobs 200 ")


async def test_neither_the_query_nor_headers_are_logged(replica: Replica, caplog: pytest.LogCaptureFixture) -> None:
    (line,) = await lines(replica, caplog, "/jobs?token=hidden&expand")
    assert "hidden" not in line
    assert "expand" not in line
    for text in (AUTHORIZATION, "hidden"):
        assert text not in caplog.text


async def test_errors_are_logged_with_their_status(replica: Replica, caplog: pytest.LogCaptureFixture) -> None:
    (line,) = await lines(replica, caplog, "/nothing")
    assert line.startswith("GET /nothing 404 ")
