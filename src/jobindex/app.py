"""The composition root: builds a replica from its settings and runs it."""

import asyncio
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

from jobindex.audit.events import STARTED, STOPPED
from jobindex.audit.nodes import NodeEvents
from jobindex.audit.record import Record
from jobindex.audit.repeats import EVERY as LOOKS
from jobindex.audit.repeats import Repeats
from jobindex.audit.trail import Trail
from jobindex.audit.trail import opened as trail_opened
from jobindex.auth.introduction import Introduction
from jobindex.auth.logins import Logins
from jobindex.auth.recognition import Recognition
from jobindex.auth.vault import Vault
from jobindex.auth.verdicts import Verdicts
from jobindex.clock import Chore, keep
from jobindex.model.job import ACTIONS, read_job, read_minimal
from jobindex.orthanc import client as orthanc
from jobindex.safety import Safety, read_redis_tls, read_safety
from jobindex.service.admission import Admission
from jobindex.service.asking import AsAdministrator, AsCaller
from jobindex.service.breaker import Breaker
from jobindex.service.condition import EVERY as LOOK_EVERY
from jobindex.service.condition import Condition
from jobindex.service.follower import Follower, whole
from jobindex.service.freshness import Freshness
from jobindex.service.history import EVERY, History
from jobindex.service.insecurity import AGAIN, Insecurity
from jobindex.service.intake import Intake
from jobindex.service.listing import Listing
from jobindex.service.losses import Losses
from jobindex.service.reader import Reader
from jobindex.service.recent import Recent
from jobindex.service.reduction import reduced
from jobindex.service.refresh import Refresh
from jobindex.service.relay import Relay
from jobindex.service.removal import Removal
from jobindex.service.rights import Granted, Rights
from jobindex.service.roster import Roster
from jobindex.service.search import Search
from jobindex.service.timing import Timing
from jobindex.service.tokens import Tokens
from jobindex.service.view import View
from jobindex.service.visits import Named, Visits
from jobindex.settings import NamedNode, Settings
from jobindex.store import Store
from jobindex.store import opened as store_opened
from jobindex.web.audit import Audit
from jobindex.web.guesses import Guesses
from jobindex.web.jobs import JobsDoor
from jobindex.web.list import ListDoor
from jobindex.web.nodes import NodesDoor
from jobindex.web.outputs import OutputsDoor
from jobindex.web.probes import ProbesDoor
from jobindex.web.reports import ReportsDoor
from jobindex.web.routes import Guard, Route, Routes
from jobindex.web.sample import SampleDoor
from jobindex.web.server import handler, listening
from jobindex.web.site import Site

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a replica is made of."""

    view: View
    condition: Condition
    probes: ProbesDoor
    public: Routes
    internal: Routes
    audit: Audit
    repeats: Repeats
    follow: Callable[[], Coroutine[None, None, None]]
    chores: Sequence[Chore]


def build(
    settings: Settings, safety: Safety, store: Store, client: orthanc.Client, timing: Timing, trail: Trail
) -> Parts:
    """Put the rooms together; nothing runs yet."""
    is_minimal = settings.content == "minimal"
    read = read_minimal if is_minimal else read_job
    view, recent, breaker = View(), Recent(), Breaker()
    freshness, losses = Freshness(store.changes, view), Losses(store)
    roster = Roster(store, client, losses, timing)
    named = [_named(node) for node in settings.nodes]
    vault = Vault(safety.keyring)
    tokens = Tokens(store.nodes, vault, {each.id: each.authorization for each in named}, timing.gone)
    trust = settings.callers == "trust"
    asking = AsAdministrator(client, tokens) if trust else AsCaller(client)
    intake = Intake(store, view, roster, losses, freshness, recent, tokens if trust else None, read)
    rights = (Granted if trust else Rights)(view, asking, Verdicts(), breaker)
    relay = Relay(asking, intake, breaker)
    visits = Visits(store, client, roster, intake, tokens, named, timing)
    insecurity, admission = Insecurity(safety.insecurities), Admission(safety.keyring, store.nonces, view)
    condition = Condition(store.server)
    probes = ProbesDoor(view, insecurity, condition, trail)
    repeats = Repeats(trail)
    nodes = NodeEvents(trail, repeats)
    audit = Audit(trail, repeats, view.owner_id, reads=settings.audit_reads, required=settings.audit_required)
    sample = SampleDoor(visits, intake, settings.sample_port, nodes).routes() if settings.sample_routes else []
    refresh = Refresh(view, asking, intake)
    listing = Listing(view)
    search = Search(view, relay, rights)
    reader, removal = Reader(view, relay, rights, search, read), Removal(store, view, relay, rights, timing)
    return Parts(
        view=view,
        condition=condition,
        public=_public(
            ListDoor(view, listing, freshness, refresh, always_refresh=settings.always_refresh),
            JobsDoor(view, listing, rights, search, reader, relay, removal),
            OutputsDoor(view, search, relay, rights),
            NodesDoor(view, roster),
            rights,
            read_only=settings.read_only,
        ),
        probes=probes,
        internal=_internal(ReportsDoor(admission, intake, nodes), probes, sample),
        audit=audit,
        repeats=repeats,
        follow=Follower(store, view, recent, timing, reduced if is_minimal else whole).follow,
        chores=[
            *_chores(roster, visits, History(store, timing)),
            Chore("condition of the index", LOOK_EVERY, condition.look_due),
            Chore("warnings", AGAIN, insecurity.warn_due),
            Chore("audit", LOOKS, repeats.flush_due),
        ],
    )


def _chores(roster: Roster, visits: Visits, history: History) -> list[Chore]:
    """What is due, looked for so often that nothing is much later than promised."""
    return [
        Chore("late nodes", 0.5, roster.late_due),
        Chore("visits", 0.5, visits.visit_due),
        Chore("history", EVERY / 4, history.reap_due),
    ]


def _public(
    every: ListDoor, jobs: JobsDoor, outputs: OutputsDoor, nodes: NodesDoor, rights: Rights, *, read_only: bool
) -> Routes:
    """What clients reach through nginx.  Where no gate is named, the job's owner decides as it is asked."""
    actions = [Route(f"/jobs/{{id}}/{name}", {"POST": jobs.action(name)}) for name in ACTIONS]
    routes = [
        Route("/jobs", {"GET": every.get}, gate=rights.may_list),
        Route("/jobs/{id}", {"GET": jobs.get, "DELETE": jobs.delete}),
        *actions,
        Route("/jobs/{id}/{key}", {"GET": outputs.get, "DELETE": outputs.delete}),
        Route("/job-index/nodes", {"GET": nodes.list}, gate=rights.may_list),
        Route("/job-index/nodes/{node}/forget", {"POST": nodes.forget}, gate=rights.may_operate),
    ]
    return Routes(routes, otherwise=rights.may_list, read_only=read_only)


def _internal(reports: ReportsDoor, probes: ProbesDoor, sample: Sequence[Route]) -> Routes:
    """What Orthancs, probes and Prometheus reach; never clients."""
    return Routes(
        [
            Route("/nodes/{node}/report", {"POST": reports.post}),
            Route("/-/healthy", {"GET": probes.healthy}),
            Route("/-/ready", {"GET": probes.ready}),
            Route("/metrics", {"GET": probes.metrics}),
            *sample,
        ]
    )


@asynccontextmanager
async def running(settings: Settings, timing: Timing | None = None) -> AsyncIterator[tuple[int, int]]:
    """A replica with both listeners open; the public one opens when the whole index was seen.  Gives their ports."""
    safety = read_safety(settings)
    async with AsyncExitStack() as stack:
        trail = stack.enter_context(trail_opened(settings.audit_file))
        store = await stack.enter_async_context(store_opened(settings.redis_url, read_redis_tls(settings)))
        client = await stack.enter_async_context(orthanc.opened(safety.reach, safety.tls))
        parts = build(settings, safety, store, client, timing or _timing(settings), trail)
        await parts.condition.at_start()
        stack.enter_context(_told_of(trail, parts.repeats))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        background = [tasks.create_task(parts.follow(), name="follower")]
        background += [tasks.create_task(keep(chore), name=chore.name) for chore in parts.chores]
        stack.callback(lambda: [task.cancel() for task in background])
        internal = await stack.enter_async_context(
            listening(handler(parts.internal, Recognition()), settings.internal_host, settings.internal_port)
        )
        log.info("listening for Orthancs and probes on port %d", internal)
        await parts.view.full.wait()
        answer = handler(parts.public, _recognition(settings), _guard(settings), parts.audit)
        stack.push_async_callback(parts.audit.end)
        public = await stack.enter_async_context(listening(answer, settings.public_host, settings.public_port))
        log.info("listening for clients on port %d", public)
        parts.probes.serving = True
        stack.callback(setattr, parts.probes, "serving", False)
        yield public, internal


def _guard(settings: Settings) -> Guard:
    """What clients send has to pass before anything is asked of an Orthanc."""
    logins = Logins(settings.failed_logins)
    return lambda doors: Site(Guesses(doors, logins), settings.origins)


def _recognition(settings: Settings) -> Recognition | Introduction:
    recognition = Recognition(settings.token_headers, settings.token_arguments, settings.proxies)
    if settings.callers == "orthanc":
        return recognition
    return Introduction(recognition, settings.user_header, settings.roles_header)


@contextmanager
def _told_of(trail: Trail, repeats: Repeats) -> Iterator[None]:
    """The first and the last record of a trail."""
    trail.note(Record(STARTED))
    try:
        yield
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


def _named(node: NamedNode) -> Named:
    login = f"{node.user}:{node.password.get_secret_value()}"
    return Named(node.id, node.url.rstrip("/"), "Basic " + b64encode(login.encode()).decode() if node.user else "")
