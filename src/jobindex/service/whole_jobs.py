"""Whole jobs: of one that is kept cut its owner has more, and is asked for it as the caller."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from jobindex.auth.caller import Caller
from jobindex.errors import OwnerError
from jobindex.model.edits import edits_of
from jobindex.model.record import HELD
from jobindex.model.text import members, with_members
from jobindex.orthanc.client import LARGEST
from jobindex.orthanc.headers import permitted
from jobindex.orthanc.output import Output
from jobindex.orthanc.wire import Answer, job_path
from jobindex.service.relay import Relay
from jobindex.service.view import View
from jobindex.store.jobs import Stored

WITHIN = 1.5
"""Seconds until its owner begins to answer; it has the whole text by then."""


class WholeJobs:
    """Opens them, and takes note of what they say of their end."""

    def __init__(self, view: View, relay: Relay) -> None:
        self._view = view
        self._relay = relay

    @asynccontextmanager
    async def opened(self, caller: Caller, job: Stored) -> AsyncIterator[Output | Answer | None]:
        """The owner's text to come; else its answer without a body, or None where there is none."""
        async with AsyncExitStack() as stack:
            asked = self._relay.output(caller, job.record.node, self._view.owner(job), job_path(job.id), WITHIN)
            try:
                output = await stack.enter_async_context(asked)
            except OwnerError:
                yield None
                return
            large = int(output.headers.get("Content-Length", "0")) > LARGEST
            yield output if output.status == 200 and not large else _without_body(output)

    async def note(self, job: Stored, told: Mapping[bytes, bytes]) -> None:
        """Take in what a whole job has just told in its own members, where that is news of its state or its error."""
        known = self._view.jobs.get(job.id, job)
        node, before = self._view.owner(known), members(known.text)
        same = all(told.get(name) == before.get(name) for name in (b"State", b"ErrorCode", b"CompletionTime"))
        if node is None or same or told.get(b"ID") != b'"' + job.id.encode() + b'"':
            return
        text = with_members(known.text, told)
        await self._relay.take_in(
            known.record.node, node, job.id, Answer(200, {}, text), edits_of(known.record.rest).cut
        )


def as_told(job: Stored) -> Stored:
    """The job without its text, as one that its owner has just told whole: nothing is cut, kept or concluded."""
    return replace(job, text=b"{}", record=replace(job.record, mark=HELD, rest=""))


def kind_of(job: Stored) -> str:
    """The type of a job."""
    return members(job.text).get(b"Type", b'""')[1:-1].decode()


def _without_body(output: Output) -> Answer | None:
    """What cannot be passed on as a job is none."""
    return None if output.status == 200 else Answer(output.status, permitted(output.headers))
