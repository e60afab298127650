"""Behind the project's own nginx.conf, as it is, each client is itself: by its address, whatever it says of it."""

import json
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from caller import LOGIN, eventually
from front import fronted

from jobindex.demo.cluster import Plan

from .conftest import Starter

GUESSER, OTHER = "127.0.0.2", "127.0.0.3"
MADE_UP = {
    "Forwarded": "for=203.0.113.7;host=evil.example",
    "X-Real-IP": "203.0.113.7",
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Host": "evil.example",
}


async def asked(url: str, address: str, headers: Mapping[str, str]) -> int:
    """The status that a client at this address gets."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(connector=connector) as session, session.get(url, headers=headers) as response:
        await response.read()
        return response.status


def guess(number: int) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth("demo", f"guess {number}"), **MADE_UP}


async def test_rights_behind_nginx_who_guesses_holds_up_nobody_else(start: Starter, tmp_path: Path) -> None:
    """And whatever a client makes up of its address changes nothing: not the limit, and not the audit."""
    trail = tmp_path / "audit"
    plan = Plan(nodes=1, replicas=1, simulated=True, settings={"JOBINDEX_AUDIT_FILE": str(trail)})
    async with start(plan) as cluster:
        assert cluster.nginx is not None
        url = f"{cluster.nginx.url}/orthanc/jobs"
        told = [await asked(url, GUESSER, guess(number)) for number in range(12)]
        assert told == [401] * 5 + [429] * 7
        assert await asked(url, OTHER, {**LOGIN, **MADE_UP}) == 200
        assert await asked(url, OTHER, guess(100)) == 401

        async def is_named() -> bool:
            records = [json.loads(line) for line in trail.read_text().splitlines()]
            names = {each["NetworkAccessPointID"] for record in records for each in record.get("ActiveParticipant", [])}
            assert "203.0.113.7" not in names
            return {GUESSER, OTHER} <= names

        await eventually(is_named)


@pytest.mark.parametrize("path", ["/jobs", "/system"])
async def test_rights_what_a_client_says_of_its_address_passes_by_no_header(path: str) -> None:
    told: list[web.BaseRequest] = []

    async def note(request: web.BaseRequest) -> web.StreamResponse:
        told.append(request)
        return web.Response()

    async with fronted() as front:
        front.replicas.play(note)
        front.orthancs.play(note)
        assert await asked(f"{front.url}/orthanc{path}", OTHER, MADE_UP) == 200
    passed = {name: told[0].headers.getall(name) for name in MADE_UP if name in told[0].headers}
    assert passed == {"X-Forwarded-For": [OTHER]}
