"""The services of a replica, each given the others that it needs."""

import logging
from base64 import b64encode
from dataclasses import dataclass
from functools import partial

from jobindex.auth.logins import Logins
from jobindex.auth.vault import Vault
from jobindex.auth.verdicts import Verdicts
from jobindex.model.job import read_job, read_minimal
from jobindex.model.node import shortened
from jobindex.orthanc.client import Client
from jobindex.safety import Safety
from jobindex.service.actions import Actions
from jobindex.service.admission import Admission
from jobindex.service.asking import AsAdministrator, AsCaller
from jobindex.service.breaker import Breaker
from jobindex.service.condition import Condition
from jobindex.service.follower import Follower, whole
from jobindex.service.freshness import Freshness
from jobindex.service.history import History
from jobindex.service.insecurity import Insecurity
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
from jobindex.service.submissions import Submissions
from jobindex.service.timing import Timing
from jobindex.service.tokens import Tokens
from jobindex.service.view import View
from jobindex.service.visits import Named, Visits
from jobindex.service.whole_jobs import WholeJobs
from jobindex.settings import NamedNode, Settings
from jobindex.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """Those that doors, chores or the replica itself use."""

    view: View
    follower: Follower
    condition: Condition
    insecurity: Insecurity
    admission: Admission
    intake: Intake
    roster: Roster
    visits: Visits
    history: History
    rights: Rights
    logins: Logins
    listing: Listing
    freshness: Freshness
    refresh: Refresh
    search: Search
    reader: Reader
    whole_jobs: WholeJobs | None
    """None where less is kept of a job on purpose."""
    relay: Relay
    actions: Actions
    removal: Removal
    submissions: Submissions


def build_services(settings: Settings, safety: Safety, store: Store, client: Client, timing: Timing) -> Services:
    """In trust a proxy has decided, and nodes are asked with their own tokens; else nobody keeps one."""
    trust, is_minimal = settings.callers == "trust", settings.content == "minimal"
    read = partial(read_minimal if is_minimal else read_job, most=settings.max_job_bytes)
    named = [_named(node) for node in settings.nodes]
    view, recent, breaker = View(), Recent(), Breaker()
    freshness, losses = Freshness(store.changes, view), Losses(store)
    roster = Roster(store, client, losses, timing)
    tokens = Tokens(store.nodes, Vault(safety.keyring), {each.id: each.authorization for each in named}, timing.gone)
    asking = AsAdministrator(client, tokens) if trust else AsCaller(client)
    kept = tokens if trust else None
    intake = Intake(store, view, roster, losses, freshness, recent, kept, read, settings.max_job_bytes)
    rights = (Granted if trust else Rights)(view, asking, Verdicts(), breaker)
    relay = Relay(asking, intake, breaker)
    search = Search(view, freshness, relay, rights)
    return Services(
        view=view,
        follower=Follower(store, view, recent, timing, reduced if is_minimal else whole),
        condition=Condition(store.server),
        insecurity=Insecurity(safety.insecurities),
        admission=Admission(safety.keyring, store.nonces, view),
        intake=intake,
        roster=roster,
        visits=Visits(store, client, roster, intake, tokens, named, timing),
        history=History(store, view, timing),
        rights=rights,
        logins=Logins(settings.failed_logins, store.logins, lambda: safety.keyring.digest_key),
        listing=Listing(view),
        freshness=freshness,
        refresh=Refresh(view, asking, intake, rights, Breaker()),
        search=search,
        reader=Reader(view, freshness, relay, rights, search, gives_whole=not is_minimal),
        whole_jobs=None if is_minimal else WholeJobs(view, relay),
        relay=relay,
        submissions=Submissions(store, freshness),
        actions=Actions(view, relay),
        removal=Removal(store, view, relay, rights, timing),
    )


def _named(node: NamedNode) -> Named:
    node_id = shortened(node.id)
    if node_id != node.id:
        log.warning("JOBINDEX_NODES: %s has more than 64 characters, and is cut to %s", node.id, node_id)
    login = f"{node.user}:{node.password.get_secret_value()}"
    return Named(node_id, node.url.rstrip("/"), "Basic " + b64encode(login.encode()).decode() if node.user else "")
