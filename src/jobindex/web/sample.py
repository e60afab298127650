"""The routes of Orthanc's own sample plugin, so that a cluster which runs it changes only its URL.

They are not signed, so they are off unless switched on.
"""

import orjson
from aiohttp import web

from jobindex.audit.nodes import NodeEvents
from jobindex.errors import MalformedReport
from jobindex.model.job import read_job
from jobindex.model.node import Node, default_node_id
from jobindex.model.report import Registration, Report, is_header
from jobindex.service.intake import Intake
from jobindex.service.visits import Visits
from jobindex.web.answers import object_answer
from jobindex.web.routes import Call, Route


class SampleDoor:
    """`/orthanc/started`, `/orthanc/stopped`, `/jobs/{id}/submitted|success|failure`, `/jobs/refresh`."""

    def __init__(self, visits: Visits, intake: Intake, port: int, audit: NodeEvents) -> None:
        self._visits = visits
        self._intake = intake
        self._port = port
        self._audit = audit

    def routes(self) -> list[Route]:
        events = [Route(f"/jobs/{{id}}/{event}", {"POST": self.job}) for event in ("submitted", "success", "failure")]
        return [
            Route("/orthanc/started", {"POST": self.started}),
            Route("/orthanc/stopped", {"POST": self.stopped}),
            Route("/jobs/refresh", {"POST": self.refresh}),
            *events,
        ]

    async def started(self, call: Call) -> web.StreamResponse:
        """An Orthanc says hello and gives its token."""
        await self._introduce(call, _told(await call.request.read()))
        self._audit.came(self._node_id(call), call.request.remote or "")
        return object_answer(None)

    async def stopped(self, call: Call) -> web.StreamResponse:
        """An Orthanc says goodbye; it names itself by its address only."""
        await self._visits.say_goodbye(self._node_id(call))
        self._audit.left(self._node_id(call), call.request.remote or "")
        return object_answer(None)

    async def job(self, call: Call) -> web.StreamResponse:
        """An Orthanc tells of a job."""
        told = _told(await call.request.read())
        text = orjson.dumps(told.get("job"))
        job = read_job(text)
        node = await self._introduce(call, told)
        report = Report.model_validate(
            {
                "Incarnation": node.incarnation,
                "Taken": job.stamp,
                "Clock": node.clock,
                "Jobs": [text.decode()],
            }
        )
        await self._intake.take(self._node_id(call), report, "", offset=node.offset)
        return object_answer(None)

    async def refresh(self, call: Call) -> web.StreamResponse:
        """The sample reads all its Orthancs when asked to; here that goes on by itself."""
        return object_answer(None)

    async def _introduce(self, call: Call, told: dict[str, object]) -> Node:
        token = told.get("api-token")
        if not isinstance(token, str) or not is_header(token):
            raise MalformedReport("api-token: a printable text")
        registration = Registration.model_validate({"Name": "sample", "HttpPort": self._port})
        return await self._visits.introduce(self._node_id(call), registration, call.request.remote or "", token)

    def _node_id(self, call: Call) -> str:
        return default_node_id("sample", call.request.remote or "", self._port)


def _told(body: bytes) -> dict[str, object]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedReport("Not JSON") from error
    if not isinstance(told, dict):
        raise MalformedReport("Not a JSON object")
    return told
