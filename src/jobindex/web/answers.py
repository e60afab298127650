"""Answers, in the forms that Orthanc 1.12.7 gives them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus

import orjson
from aiohttp import web
from aiohttp.payload import Payload

from jobindex.orthanc.wire import JSON, Answer, error_body
from jobindex.web.pieces import PIECE_BYTES, Pieces, Streamed

REQUEST_ID = web.RequestKey("request_id", str)
"""What joins a request's answer, its line in the access log and its records in the audit trail."""
REQUEST_ID_HEADER = "X-Request-Id"


def json_answer(
    body: bytes | Sequence[bytes] | AsyncIterator[bytes],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A body that is JSON already, whole, in parts or as it comes; a long one goes out in pieces."""
    return web.Response(status=status, body=_given(body), headers={"Content-Type": JSON, **(headers or {})})


def _given(body: bytes | Sequence[bytes] | AsyncIterator[bytes]) -> bytes | Payload:
    if isinstance(body, AsyncIterator):
        return Streamed(body)
    parts = (body,) if isinstance(body, bytes) else body
    return parts[0] if len(parts) == 1 and len(parts[0]) <= PIECE_BYTES else Pieces(parts)


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


def changes(request: web.BaseRequest) -> bool:
    """Whether a request may change something, as far as its method tells."""
    return request.method not in ("GET", "HEAD")


def relayed(request: web.BaseRequest, answer: Answer) -> web.Response:
    """An owner's answer to a change, as it is; releases before 1.12.3 give errors no type, and get that of newer ones.

    Known clients take 502 and 503 for done after some tries, and so anything that says when to try again.
    """
    if answer.status in (502, 503):
        return error(request, 504, 9, f"The Orthanc answered {answer.status}", OutcomeUnknown=True)
    told = {"Content-Type": "text/plain"} if answer.body else {}
    passed = {name: value for name, value in answer.headers.items() if name != "Retry-After"}
    return web.Response(status=answer.status, body=answer.body, headers={**told, **passed})
