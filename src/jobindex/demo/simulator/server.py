"""The HTTP server: credentials, methods, compression and headers as Orthanc has them, around one router."""

import gzip
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import encode_basic_auth, web

from jobindex.demo.simulator.faults import Faults
from jobindex.demo.simulator.router import Answer, Question, Router

UNAUTHORIZED = Answer(401, headers={"WWW-Authenticate": 'Basic realm="Orthanc Secure Area"'})
NOTHING = {"Content-Length": "0"}
NOT_SERVED = {
    "HEAD": Answer(404, headers=NOTHING),
    "OPTIONS": Answer(404, headers=NOTHING),
    "PATCH": Answer(400, headers=NOTHING),
}
"""Orthanc takes the first two for WebDAV, and doesn't know the third."""
KEEP_ALIVE = 1
"""Seconds after which Orthanc closes an idle connection."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Listens on one port of the loopback, which stays the same when it listens again."""

    def __init__(self, port: int, faults: Faults, users: Mapping[str, str], *, compresses: bool) -> None:
        self.port = port
        self._faults = faults
        self._keys = {encode_basic_auth(user, password) for user, password in users.items()}
        self._open = not users
        self._compresses = compresses
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def admit(self, key: str) -> None:
        """Let in whoever shows this `Authorization`."""
        self._keys.add(key)

    async def start(self, router: Router, control: Handler) -> None:
        """Listen; `control` answers what is posted below `/simulator/`, whatever the faults."""
        application = web.Application(client_max_size=0)
        application.on_response_prepare.append(_dress)
        application.router.add_post("/simulator/{verb}", self._guard(control))
        application.router.add_route("*", "/{path:.*}", self._serve(router))
        self._runner = web.AppRunner(
            application,
            access_log=None,
            handler_cancellation=True,
            keepalive_timeout=KEEP_ALIVE,
            shutdown_timeout=KEEP_ALIVE,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Let answers that are under way finish."""
        if self._runner:
            await self._runner.cleanup()

    async def abort(self) -> None:
        """Cut every connection in the middle of whatever it carries."""
        connections = self._runner.server.connections if self._runner and self._runner.server else []
        for connection in connections:
            if connection.transport:
                connection.transport.abort()
        await self.stop()

    def _serve(self, router: Router) -> Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            await self._faults.gate()
            if not self._knows(request):
                return _respond(UNAUTHORIZED)
            if request.method in NOT_SERVED:
                return _respond(NOT_SERVED[request.method])
            question = Question.read(request.method, request.raw_path, await request.read())
            return _respond(self._compress(request, await router.answer(question)))

        return serve

    def _guard(self, control: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            return await control(request) if self._knows(request) else _respond(UNAUTHORIZED)

        return guarded

    def _knows(self, request: web.Request) -> bool:
        return self._open or request.headers.get("Authorization") in self._keys

    def _compress(self, request: web.Request, answer: Answer) -> Answer:
        accepted = request.headers.get("Accept-Encoding", "")
        if not (self._compresses and answer.status == 200 and answer.body and "gzip" in accepted):
            return answer
        headers = {**answer.headers, "Content-Encoding": "gzip"}
        return Answer(answer.status, gzip.compress(answer.body), headers)


def _respond(answer: Answer) -> web.Response:
    """An empty content type keeps aiohttp from inventing one; `_dress` takes it out."""
    headers = {"Content-Type": "", **answer.headers}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


async def _dress(request: web.Request, response: web.StreamResponse) -> None:
    """Send Orthanc's headers and none of aiohttp's: above all no content type that Orthanc doesn't send."""
    if not response.headers.get("Content-Type"):
        response.headers.popall("Content-Type", None)
    response.headers.popall("Date", None)
    response.headers.popall("Server", None)
    response.headers["Keep-Alive"] = f"timeout={KEEP_ALIVE}"
