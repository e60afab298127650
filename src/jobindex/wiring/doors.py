"""The two tables of routes: what clients reach, and what Orthancs and probes do."""

from collections.abc import Sequence

from jobindex.audit.nodes import NodeEvents
from jobindex.auth.introduction import Introduction
from jobindex.auth.recognition import Recognition
from jobindex.auth.untrusted import UntrustedPeers
from jobindex.model.job import ACTIONS
from jobindex.service.refused_reports import RefusedReports
from jobindex.settings import Settings
from jobindex.web.guesses import Guesses
from jobindex.web.jobs import JobsDoor
from jobindex.web.list import ListDoor
from jobindex.web.nodes import NodesDoor
from jobindex.web.outputs import OutputsDoor
from jobindex.web.probes import ProbesDoor
from jobindex.web.reports import ReportsDoor
from jobindex.web.routes import Guard, Route, Routes
from jobindex.web.sample import SampleDoor
from jobindex.web.site import Site
from jobindex.wiring.services import Services


def public_routes(settings: Settings, services: Services) -> Routes:
    """What clients reach through nginx.  Where no gate is named, the job's owner decides as it is asked."""
    view, rights, search, relay = services.view, services.rights, services.search, services.relay
    refresh, always = services.refresh, settings.always_refresh
    every = ListDoor(view, services.listing, rights, services.freshness, refresh, always_refresh=always)
    jobs = JobsDoor(
        services.listing, rights, search, services.reader, services.actions, services.removal, services.whole_jobs
    )
    outputs = OutputsDoor(view, search, relay, rights)
    nodes = NodesDoor(view, services.roster, services.freshness)
    routes = [
        Route("/jobs", {"GET": every.get}, gate=rights.may_list),
        Route("/jobs/{id}", {"GET": jobs.get, "DELETE": jobs.delete}),
        *(Route(f"/jobs/{{id}}/{name}", {"POST": jobs.action(name)}) for name in ACTIONS),
        Route("/jobs/{id}/{key}", {"GET": outputs.get, "DELETE": outputs.delete}),
        Route("/job-index/nodes", {"GET": nodes.list}, gate=rights.may_list),
        Route("/job-index/nodes/{node}/give-up", {"POST": nodes.give_up}, gate=rights.may_operate),
        Route("/job-index/nodes/{node}", {"DELETE": nodes.delete}, gate=rights.may_operate),
    ]
    return Routes(routes, otherwise=rights.may_list, read_only=settings.read_only)


def internal_routes(
    settings: Settings, services: Services, probes: ProbesDoor, events: NodeEvents, refused: RefusedReports
) -> Routes:
    """What Orthancs, probes and Prometheus reach; never clients."""
    reports = ReportsDoor(services.admission, services.intake, events, refused)
    return Routes(
        [
            Route("/nodes/{node}/report", {"POST": reports.post}),
            Route("/-/healthy", {"GET": probes.healthy}),
            Route("/-/ready", {"GET": probes.ready}),
            Route("/metrics", {"GET": probes.metrics}),
            *_sample_routes(settings, services, events),
        ]
    )


def _sample_routes(settings: Settings, services: Services, events: NodeEvents) -> Sequence[Route]:
    if not settings.sample_routes:
        return ()
    return SampleDoor(services.visits, services.intake, settings.sample_port, events).routes()


def guard(settings: Settings, services: Services) -> Guard:
    """What clients send has to pass before anything is asked of an Orthanc."""
    believes = proxies(settings).believes
    return lambda doors: Site(Guesses(doors, services.logins), settings.origins, believes)


def proxies(settings: Settings) -> Recognition:
    """Whose own word is believed."""
    return Recognition(proxies=settings.proxies)


def recognition(settings: Settings, untrusted: UntrustedPeers) -> Recognition | Introduction:
    """How callers are recognised: by what Orthanc is to judge, or by the word of a proxy that has judged."""
    tokens = settings.token_headers, settings.token_arguments
    recognition = Recognition(*tokens, settings.proxies, settings.address_header, untrusted)
    if settings.callers == "orthanc":
        return recognition
    return Introduction(recognition, settings.user_header, settings.roles_header)
