"""Answers, in the forms that Orthanc 1.12.7 gives them."""

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from aiohttp import web

from jobindex.orthanc.wire import JSON, Answer, error_body
from jobindex.web.pieces import PIECE_BYTES, Pieces

REQUEST_ID = web.RequestKey("request_id", str)
"""What joins a request's answer, its line in the access log and its records in the audit trail."""
REQUEST_ID_HEADER = "X-Request-Id"


def json_answer(body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A body that is JSON already; a long one goes out in pieces."""
    given = body if len(body) <= PIECE_BYTES else Pieces([body])
    return web.Response(status=status, body=given, headers={"Content-Type": JSON, **(headers or {})})


def object_answer(value: object, *, status: int = 200) -> web.Response:
    return json_answer(orjson.dumps(value), status=status)


def empty(status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    """No body and no content type, as Orthanc answers what its handlers leave unanswered."""
    return web.Response(status=status, headers=headers)


def done() -> web.Response:
    """Orthanc's answer to a DELETE that worked."""
    return empty(HTTPStatus.OK, {"Content-Type": "text/plain"})


def error(
    request: web.BaseRequest, status: int, code: int, details: str = "", *, retry: int = 0, **more: bool
) -> web.Response:
    """Orthanc's error JSON for this request; `retry` are the seconds after which trying again may help, 0 for never."""
    headers = {"Content-Type": "text/plain"}
    if retry:
        headers["Retry-After"] = str(retry)
    body = error_body(status, code, details, request.method, uri(request), **more)
    return web.Response(status=status, body=body, headers=headers)


def uri(request: web.BaseRequest) -> str:
    """The path as Orthanc names it: decoded, without empty parts and query."""
    return "/" + "/".join(part for part in request.path.split("/") if part)


def relayed(answer: Answer) -> web.Response:
    """An owner's answer, as it is; releases before 1.12.3 give errors no type, and get the one of the newer."""
    told = {"Content-Type": "text/plain"} if answer.body else {}
    return web.Response(status=answer.status, body=answer.body, headers={**told, **answer.headers})
