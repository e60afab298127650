"""The small curl: it asks what the demo's lines ask."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from ..scripted_orthanc import AUTHORIZATION, scripted

COMMAND = (sys.executable, "-m", "jobindex.demo.small_curl", "-su", "demo:demo")


async def told(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(*COMMAND, *arguments, stdout=PIPE, stderr=PIPE)
    said, complaint = await process.communicate()
    assert process.returncode == 0, complaint
    return said.decode()


async def test_it_asks_as_the_user() -> None:
    async with scripted() as orthanc:
        assert await told(f"{orthanc.url}/jobs?expand") == "[]"
    assert orthanc.asked[0].headers["Authorization"] == AUTHORIZATION


async def test_it_posts_with_a_body_and_without() -> None:
    async with scripted() as orthanc:
        for path in ("/a", "/b"):
            orthanc.tell(path, b"{}", method="POST")
        assert await told("-X", "POST", f"{orthanc.url}/a", "-d", '{"Asynchronous": true}') == "{}"
        assert await told("-X", "POST", f"{orthanc.url}/b") == "{}"
    assert [each.method for each in orthanc.asked] == ["POST", "POST"]
    assert [each.headers["Content-Length"] for each in orthanc.asked] == ["22", "0"]


async def test_it_writes_files_and_shows_refusals(tmp_path: Path) -> None:
    async with scripted() as orthanc:
        orthanc.tell("/archive", b"PK")
        orthanc.tell("/refused", b"no", status=400)
        assert await told("-o", str(tmp_path / "archive.zip"), f"{orthanc.url}/archive") == ""
        assert await told(f"{orthanc.url}/refused") == "no"
    assert (tmp_path / "archive.zip").read_bytes() == b"PK"


async def test_nobody_there_is_an_error_in_words() -> None:
    process = await asyncio.create_subprocess_exec(*COMMAND, "http://127.0.0.1:9/", stdout=PIPE, stderr=PIPE)
    _, complaint = await process.communicate()
    assert process.returncode == 1
    assert b"can't be reached" in complaint
    assert b"Traceback" not in complaint
