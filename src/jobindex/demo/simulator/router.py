"""Orthanc's way from a request to an answer: templates of paths, forbidden methods, errors as JSON.

Nothing here knows a socket: a plugin inside Orthanc asks the same router.
"""

import json
import posixpath
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, unquote

from jobindex.demo.simulator.errors import BAD_FILE_FORMAT, UNKNOWN_RESOURCE, OrthancError
from jobindex.demo.simulator.release import Release
from jobindex.demo.simulator.rendering import render


@dataclass(frozen=True)
class Question:
    """A request; `path` has lost its escapes, its double and closing slashes and its dots, as in Orthanc."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def read(cls, method: str, target: str, body: bytes = b"") -> Self:
        """Take the target as it stood in the request line."""
        path, _, query = target.partition("?")
        clean = "/" + posixpath.normpath("/" + unquote(path)).strip("/")
        return cls(method, clean, dict(parse_qsl(query, keep_blank_values=True)), body)

    def parameters(self) -> dict[str, object]:
        """The body as a JSON object; OrthancError 15 where it is something else."""
        value = self.json()
        if not isinstance(value, dict):
            raise OrthancError(BAD_FILE_FORMAT)
        return value

    def json(self) -> object:
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise OrthancError(BAD_FILE_FORMAT) from error


@dataclass(frozen=True)
class Answer:
    """A status with a body; a content type only where Orthanc sends one."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def answer_json(value: object) -> Answer:
    return Answer(200, render(value).encode(), {"Content-Type": "application/json; charset=utf-8"})


Handler = Callable[..., Awaitable[Answer]]
Route = tuple[str, str, Handler]
"""A method, a template such as `/jobs/{id}`, and who is called with the question and what `id` stood for."""


class Router:
    """The table of routes; the first that fits a path and a method answers."""

    def __init__(self, release: Release, routes: Iterable[Route]) -> None:
        self._release = release
        self._routes = [(method, template.split("/"), handler) for method, template, handler in routes]

    async def answer(self, question: Question) -> Answer:
        try:
            return await self._answer(question)
        except OrthancError as error:
            kind = {"Content-Type": "text/plain"} if self._release.types_errors else {}
            return Answer(error.status, error.body(question.method, question.path).encode(), kind)

    async def _answer(self, question: Question) -> Answer:
        allowed = []
        for method, template, handler in self._routes:
            arguments = _match(template, question.path.split("/"))
            if arguments is not None and method == question.method:
                return await handler(question, *arguments)
            if arguments is not None:
                allowed.append(method)
        if not allowed:
            raise OrthancError(UNKNOWN_RESOURCE)
        return Answer(405, headers={"Allow": ",".join(dict.fromkeys(allowed))})


def _match(template: list[str], path: list[str]) -> list[str] | None:
    """Answer what the braces stand for, or None where the template doesn't fit."""
    if len(template) != len(path):
        return None
    pairs = list(zip(template, path, strict=True))
    if any(part != given for part, given in pairs if not part.startswith("{")):
        return None
    return [given for part, given in pairs if part.startswith("{")]
