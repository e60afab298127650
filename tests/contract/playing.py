"""Plays the script against one address and keeps the answers."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from jobindex.demo.dicom import make_study
from jobindex.demo.probes import until

from .exchanges import Exchange
from .neutral import Answer, neutral

INSTANCES = 60
"""Enough that a send to the slow peer lasts while we look at what waits."""
PATIENT = "CONTRACT"
PATIENCE = 150.0
"""Seconds for a job to reach a state: Orthanc asks the DNS for each new UID where /etc/hosts lacks the host's name."""


@dataclass(frozen=True)
class Target:
    """An Orthanc; what is asked about jobs may be asked elsewhere, and its outputs are compared then.

    `names` are values that are others each time, by what they are called in answers.
    """

    url: str
    login: tuple[str, str]
    jobs_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def credentials(self) -> dict[str, str]:
        return {"Authorization": aiohttp.encode_basic_auth(*self.login)}

    def address(self, path: str) -> URL:
        about_jobs = path.lstrip("/").startswith("jobs")
        base = self.jobs_url if self.jobs_url and about_jobs else self.url
        return URL(base + path, encoded=True)

    def direct(self, path: str) -> URL:
        return URL(self.url + path, encoded=True)

    async def release(self) -> str:
        """Of the Orthanc itself."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.direct("/system"), headers=self.credentials) as answer,
        ):
            return str((await answer.json())["Version"])


async def play(target: Target, script: Iterable[Exchange]) -> dict[str, Answer]:
    """Upload the study, then ask one after the other; answers by the names of the exchanges."""
    async with aiohttp.ClientSession(headers={"Accept-Encoding": "identity"}) as session:
        player = Player(target, session, {**target.names, "study": await _upload(target, session)})
        return {exchange.name: await player.exchange(exchange) for exchange in script}


class Player:
    """One pass through a script; `known` are the ids by their names in it."""

    def __init__(self, target: Target, session: aiohttp.ClientSession, known: dict[str, str]) -> None:
        self._target = target
        self._session = session
        self._known = known

    async def exchange(self, exchange: Exchange) -> Answer:
        for job, state in exchange.after.items():
            await self._await(job, state)
        path = self._filled(exchange.path)
        credentials = {} if exchange.anonymous else self._target.credentials
        async with self._session.request(
            exchange.method,
            self._target.address(path),
            data=None if exchange.body is None else self._filled(exchange.body),
            headers={**self._target.headers, **exchange.headers, **credentials},
            skip_auto_headers=["Content-Type"],
        ) as response:
            body = await response.read()
        if exchange.job:
            self._known[exchange.job] = json.loads(body)["ID"]
        if response.content_type == "application/zip" and self._target.jobs_url and exchange.method == "GET":
            assert body == await self._read_direct(path), "the output is not the owner's"
        names = {value: name for name, value in self._known.items()}
        return neutral(response.status, response.headers, body, names)

    async def _read_direct(self, path: str) -> bytes:
        async with self._session.get(self._target.direct(path), headers=self._target.credentials) as response:
            return await response.read()

    async def _await(self, job: str, state: str) -> None:
        """A running job has to have made a step, so that it shows what it makes."""
        address = self._target.address(f"/jobs/{self._known[job]}")

        async def reached() -> bool:
            async with self._session.get(address, headers=self._target.credentials) as answer:
                shown = await answer.json()
            return shown["State"] == state and (state != "Running" or shown["Progress"] > 0)

        assert await until(reached, PATIENCE), f"the {job} never was {state}"

    def _filled(self, text: str) -> str:
        for name, value in self._known.items():
            text = text.replace(f"{{{name}}}", value)
        return text


async def _upload(target: Target, session: aiohttp.ClientSession) -> str:
    for file in make_study(PATIENT, INSTANCES, size=1024):
        address = target.address("/instances")
        async with session.post(address, data=file, headers=target.credentials) as response:
            stored = await response.json()
    return str(stored["ParentStudy"])
