"""The composition root: builds a replica from its settings and runs it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from jobindex.audit.events import STARTED, STOPPED
from jobindex.audit.nodes import NodeEvents
from jobindex.audit.record import Record
from jobindex.audit.repeats import Repeats
from jobindex.audit.trail import Trail
from jobindex.audit.trail import opened as trail_opened
from jobindex.auth.recognition import Recognition
from jobindex.auth.untrusted import UntrustedPeers
from jobindex.clock import keep
from jobindex.orthanc import client as orthanc
from jobindex.safety import read_redis_tls, read_safety
from jobindex.service.refused_reports import RefusedReports
from jobindex.service.timing import Timing
from jobindex.settings import Settings
from jobindex.store import opened as store_opened
from jobindex.web.audit import Audit
from jobindex.web.polls import Polls
from jobindex.web.probes import ProbesDoor
from jobindex.web.server import handler, listening
from jobindex.web.submissions import noticing
from jobindex.wiring.chores import build_chores
from jobindex.wiring.doors import guard, internal_routes, proxies, public_routes, recognition
from jobindex.wiring.services import Services, build_services

log = logging.getLogger(__name__)


@asynccontextmanager
async def running(settings: Settings, timing: Timing | None = None) -> AsyncIterator[tuple[int, int]]:
    """A replica with both listeners open; the public one opens when the whole index was seen.  Gives their ports."""
    safety = read_safety(settings)
    async with AsyncExitStack() as stack:
        trail = stack.enter_context(trail_opened(settings.audit_file))
        store = await stack.enter_async_context(store_opened(settings.redis_url, read_redis_tls(settings)))
        client = await stack.enter_async_context(orthanc.opened(safety.reach, safety.tls))
        services = build_services(settings, safety, store, client, timing or _timing(settings))
        stack.push_async_callback(services.rights.end)
        await services.condition.at_start()
        repeats = stack.enter_context(_told_of(trail))
        await stack.enter_async_context(_background(services, repeats))
        untrusted, refused = UntrustedPeers(settings.proxies), RefusedReports()
        probes = ProbesDoor(services.view, services.insecurity, services.condition, trail, untrusted, refused)
        inside = internal_routes(settings, services, probes, NodeEvents(trail, repeats), refused)
        internal = await stack.enter_async_context(
            listening(handler(inside, Recognition()), settings.internal_host, settings.internal_port)
        )
        log.info("listening for Orthancs and probes on port %d", internal)
        await services.view.full.wait()
        public = await stack.enter_async_context(_public(settings, services, trail, repeats, untrusted))
        log.info("listening for clients on port %d", public)
        probes.serving = True
        stack.callback(setattr, probes, "serving", False)
        yield public, internal


@asynccontextmanager
async def _background(services: Services, repeats: Repeats) -> AsyncIterator[None]:
    """The follower, those who look after actions, and the chores, until left."""
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(services.follower.follow(), name="follower")]
        started.append(tasks.create_task(services.actions.follow(), name="second looks"))
        started += [tasks.create_task(keep(chore), name=chore.name) for chore in build_chores(services, repeats)]
        try:
            yield
        finally:
            for task in started:
                task.cancel()


@asynccontextmanager
async def _public(
    settings: Settings, services: Services, trail: Trail, repeats: Repeats, untrusted: UntrustedPeers
) -> AsyncIterator[int]:
    """The listener for clients; what they have left and still goes on is waited for when it is closed."""
    node_of = services.view.owner_id
    audit = Audit(trail, repeats, node_of, reads=settings.audit_reads, required=settings.audit_required)
    answer = handler(
        public_routes(settings, services), recognition(settings, untrusted), guard(settings, services), audit
    )
    answer = noticing(answer, services.submissions, proxies(settings).believes)
    polls = Polls(services.rights, services.freshness, services.listing, repeats)
    try:
        async with listening(answer, settings.public_host, settings.public_port, polls) as port:
            yield port
    finally:
        await audit.end()


@contextmanager
def _told_of(trail: Trail) -> Iterator[Repeats]:
    """Counts what is repeated, between the first and the last record of a trail."""
    repeats = Repeats(trail)
    trail.note(Record(STARTED))
    try:
        yield repeats
    finally:
        repeats.flush()
        trail.note(Record(STOPPED))


def _timing(settings: Settings) -> Timing:
    return Timing(
        beat=settings.beat,
        gone=settings.gone,
        back=settings.back,
        history=settings.keep_days * 86_400,
        failures=settings.keep_failures_days * 86_400,
        most_history=settings.keep_jobs,
    )
