"""What the doctor finds at the nodes: what the index says of each, and whether it answers from here."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from jobindex.cli.doctor.failures import reason
from jobindex.errors import OwnerError
from jobindex.model.finding import OK, PROBLEM, WARNING, Finding
from jobindex.model.node import ANSWERS, GONE, SILENT, STOPPED, UNHEARD, UNREADABLE, Node
from jobindex.orthanc.client import Client
from jobindex.orthanc.wire import Answer, comes_from_orthanc
from jobindex.store import Store

WITHIN = 2.0
OFFSET = 2000
"""Milliseconds that a visited node's clock may be off."""
KINDS = {"plugin"}
REFUSED = "--url tells whether its reports are refused"
ADDRESS = "where the address is wrong, correct NodeUrl in /etc/orthanc/jobindex.json there (or JOBINDEX_NODE_URL)"

STATES = {GONE: "has been given up", STOPPED: "said goodbye and is not back"}
ADDRESS_OF_NGINX = "https://ADDRESS-OF-NGINX"


async def nodes_findings(store: Store, client: Client, front: str = "") -> list[Finding]:
    nodes = await store.nodes.everything()
    if not nodes:
        mend = f"give the Orthancs the plugin (deploy/orthanc/README.md), with the same secret; {REFUSED}"
        return [Finding(WARNING, "nodes", "no Orthanc has registered", mend)]
    asked = {node_id: node for node_id, node in nodes.items() if node.may_answer}
    answers = await asyncio.gather(*(_asked(client, node.url) for node in asked.values()))
    reached = [
        each
        for (node_id, node), answer in zip(asked.items(), answers, strict=True)
        for each in reach(node_id, node.url, answer)
    ]
    found = [*records(nodes, front), *reached]
    return found or [Finding(OK, "nodes", f"{len(nodes)} Orthancs report, answer and want a login")]


async def _asked(client: Client, url: str) -> Answer | str:
    """The answer, or why there is none."""
    try:
        return await client.ask(url, "GET", "/system", within=WITHIN)
    except OwnerError as error:
        return reason(error)


def records(nodes: Mapping[str, Node], front: str = "") -> list[Finding]:
    """What the index itself shows."""
    rows = [row for node_id, node in nodes.items() for row in (*_state(node_id, node, front), *_line(node_id, node))]
    rows += [row for node_id, node in nodes.items() for row in _remote_access(node_id, node)]
    rows += [row for node_id, node in nodes.items() for row in (*_kind(node_id, node), *_clock(node_id, node))]
    return [Finding(level, "nodes", says, mend) for level, says, mend in (*rows, *_shared(nodes))]


def reach(node_id: str, url: str, answer: Answer | str) -> list[Finding]:
    """What a node answers to somebody without credentials, or why it does not."""
    if isinstance(answer, str):
        says = f"{node_id} can't be reached from here at {url}: {answer}"
        return [
            Finding(PROBLEM, "nodes", says, f"see that it runs, the network, JOBINDEX_NODE_NETWORKS here; {ADDRESS}")
        ]
    if not comes_from_orthanc(answer):
        says = f"at {url}, the address of {node_id}, something else than Orthanc answers"
        return [Finding(PROBLEM, "nodes", says, ADDRESS)]
    if answer.status == 200:
        mend = "set AuthenticationEnabled there: we let in whom Orthanc lets in"
        return [Finding(WARNING, "nodes", f"{node_id} wants no login, so everybody may see and end its jobs", mend)]
    return []


Row = tuple[str, str, str]

_RUNS = "see that it runs, and that it reaches the internal listeners (JOBINDEX_URLS there, port 8001 here)"
MENDS = {
    ANSWERS: "see that its plugin has the secret of JOBINDEX_SECRET_FILE, and that it reaches the internal listeners"
    " (JOBINDEX_URLS there, port 8001 here); its own log says what it was answered",
    SILENT: _RUNS,
    UNHEARD: _RUNS,
    UNREADABLE: "name a user for the plugin to read with (SelfUser and SelfPasswordFile there), its listener (SelfUrl),"
    " or let it serve HTTP (HttpServerEnabled): deploy/orthanc/README.md",
}


def _state(node_id: str, node: Node, front: str) -> Iterator[Row]:
    if node.state in STATES:
        yield (
            WARNING,
            f"{node_id} {STATES[node.state]}",
            f"start it again ({REFUSED}), or {off_the_list(node_id, front)}",
        )
    if node.problem:
        level = PROBLEM if node.problem == UNREADABLE else WARNING
        given_up = f"; if it never comes back: jobindex forget {node_id}" if node.problem in (SILENT, UNHEARD) else ""
        yield level, f"{node_id} is {node.state.lower()}: {node.reason}", MENDS[node.problem] + given_up


def off_the_list(node_id: str, front: str) -> str:
    """The two ways, to be pasted: one asks the living Orthancs who may, the other is for where there is none."""
    url = f"{front.rstrip('/') or ADDRESS_OF_NGINX}/orthanc/job-index/nodes/{node_id}"
    return (
        f"take it off the list: curl -u USER -X DELETE {url}"
        f" (where no Orthanc is left that could let you in: jobindex forget {node_id})"
    )


def _remote_access(node_id: str, node: Node) -> Iterator[Row]:
    """Orthanc says so by a 401, which looks like a wrong password."""
    if not node.remote_access and not is_here(node.url):
        mend = 'set "RemoteAccessAllowed": true in /etc/orthanc/orthanc.json there, and restart it'
        yield PROBLEM, f"{node_id} answers 401 to every other machine, whatever the password", mend


def _line(node_id: str, node: Node) -> Iterator[Row]:
    if is_plain(node.url):
        mend = "switch TLS on in that Orthanc (SslEnabled), or let both be on one machine or one guarded network"
        yield WARNING, f"callers' passwords go unencrypted to {node_id}", mend


def _kind(node_id: str, node: Node) -> Iterator[Row]:
    if node.kind not in KINDS:
        mend = "give it the plugin, where its Orthanc can have it (deploy/orthanc/README.md)"
        yield (
            WARNING,
            f"{node_id} has no plugin of ours ({node.kind}): it is read, and what it forgets early is lost",
            mend,
        )


def _clock(node_id: str, node: Node) -> Iterator[Row]:
    if abs(node.offset) > OFFSET:
        mend = "let it follow a time server (chrony, systemd-timesyncd)"
        yield WARNING, f"the clock of {node_id} is {abs(node.offset) / 1000:.0f} s off Redis's", mend


def _shared(nodes: Mapping[str, Node]) -> Iterator[Row]:
    """One address listens for one Orthanc: two ids mean that one was renamed, or that one tells a wrong address."""
    at = defaultdict(list)
    for node_id, node in nodes.items():
        if node.may_answer:
            at[node.url].append(node_id)
    for ids in at.values():
        if len(ids) > 1:
            mend = "correct JOBINDEX_NODE_URL where it is wrong, or take the old name off the list"
            yield PROBLEM, f"{' and '.join(sorted(ids))} have the same address", mend


def is_plain(url: str) -> bool:
    """Whether what is sent there can be read on a network."""
    return urlsplit(url).scheme == "http" and not is_here(url)


def is_here(url: str) -> bool:
    """Whether an address is this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
