"""Clients that write down every question and what came of it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
from caller import LOGIN

from .history import Call, History, Result, Shown

LONGEST = aiohttp.ClientTimeout(total=12)  # seconds: more than nginx gives a replica for anything but outputs


class Witness:
    """One client, of one address."""

    def __init__(self, name: str, url: str, session: aiohttp.ClientSession, history: History) -> None:
        self.name = name
        self.url = url
        self._session = session
        self._history = history

    async def list(self) -> Call:
        """All jobs."""
        began = time.monotonic()
        status, headers, body = await self._ask("GET", "/jobs?expand")
        jobs = _shown(body) if status == 200 else None
        return self._note("list", began, "ok" if jobs is not None else "fail", status, age=_age(headers), jobs=jobs)

    async def get(self, job_id: str) -> Call:
        began = time.monotonic()
        status, _, _ = await self._ask("GET", f"/jobs/{job_id}")
        return self._note("get", began, "ok" if status == 200 else "fail", status, id=job_id)

    async def act(self, verb: str, job_id: str) -> Call:
        """Once only for each verb and job, or the checker can't tell who did what."""
        began = time.monotonic()
        status, _, body = await self._ask("POST", f"/jobs/{job_id}/{verb}")
        return self._note(verb, began, _result(status, body), status, id=job_id)

    async def delete(self, job_id: str) -> Call:
        began = time.monotonic()
        status, _, body = await self._ask("DELETE", f"/jobs/{job_id}")
        return self._note("delete", began, _result(status, body), status, id=job_id)

    async def submit(self, node: str, path: str, **order: Any) -> Call:
        """Order a job of this Orthanc, which the witness's address must be that of."""
        began = time.monotonic()
        status, _, body = await self._ask("POST", path, json={"Asynchronous": True, **order})
        job_id = orjson.loads(body)["ID"] if status == 200 else ""
        return self._note("submit", began, _result(status, body), status, id=job_id, node=node)

    async def _ask(self, method: str, path: str, **more: Any) -> tuple[int, Any, bytes]:
        try:
            async with self._session.request(method, self.url + path, **more) as response:
                return response.status, response.headers, await response.read()
        except (aiohttp.ClientError, TimeoutError):
            return 0, {}, b""

    def _note(self, verb: str, began: float, result: Result, status: int, **more: Any) -> Call:
        return self._history.add(Call(self.name, verb, began, time.monotonic(), result, status, **more))


@asynccontextmanager
async def witness(
    name: str, url: str, history: History, headers: dict[str, str] | None = None, *, keeps: bool = True
) -> AsyncIterator[Witness]:
    """Each question may be repeated by those in the way, never by the client itself.

    Unless it `keeps` its connections, each question has one of its own.  An nginx that is reloaded ends those that
    rest, perhaps as a question comes; clients then ask again, which here nobody does.
    """
    connector = aiohttp.TCPConnector(limit=0, force_close=not keeps)
    async with aiohttp.ClientSession(
        headers=LOGIN if headers is None else headers, timeout=LONGEST, connector=connector, middlewares=[_once]
    ) as session:
        yield Witness(name, url, session, history)


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp itself repeats a GET whose kept connection ended; here that would hide a failure."""
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


def _result(status: int, body: bytes) -> Result:
    if status == 200:
        return "ok"
    if status in (400, 401, 403, 404, 405, 409):
        return "refused"
    return "fail" if b'"OutcomeUnknown" : false' in body or b'"OutcomeUnknown": false' in body else "unknown"


def _shown(body: bytes) -> dict[str, Shown]:
    jobs = orjson.loads(body)
    shown = {job["ID"]: Shown(job["State"], job["JobIndex"]["Node"], "Lost" in job["JobIndex"]) for job in jobs}
    assert len(shown) == len(jobs), "a job is listed twice"
    return shown


def _age(headers: Any) -> float | None:
    """`stale; age=N`: None where the answer is not stale."""
    said = headers.get("X-Job-Index", "")
    return float(said.rpartition("=")[2]) if said else None
