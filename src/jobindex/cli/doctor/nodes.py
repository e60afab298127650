"""What the doctor finds at the nodes: what the index says of each, and whether it answers from here."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

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

STATES = {
    GONE: ("has been given up", "start it again, or take it off the list: DELETE /job-index/nodes/<node>"),
    STOPPED: (
        "said goodbye and is not back",
        "start it again, or take it off the list: DELETE /job-index/nodes/<node>",
    ),
}


async def nodes_findings(store: Store, client: Client) -> list[Finding]:
    nodes = await store.nodes.everything()
    if not nodes:
        mend = "give the Orthancs the plugin (deploy/orthanc/README.md), with the same secret"
        return [Finding(WARNING, "nodes", "no Orthanc has registered", mend)]
    asked = {node_id: node for node_id, node in nodes.items() if node.may_answer}
    answers = await asyncio.gather(*(_asked(client, node.url) for node in asked.values()))
    reached = [each for node_id, answer in zip(asked, answers, strict=True) for each in reach(node_id, answer)]
    found = [*records(nodes), *reached]
    return found or [Finding(OK, "nodes", f"{len(nodes)} Orthancs report, answer and want a login")]


async def _asked(client: Client, url: str) -> Answer | None:
    try:
        return await client.ask(url, "GET", "/system", within=WITHIN)
    except OwnerError:
        return None


def records(nodes: Mapping[str, Node]) -> list[Finding]:
    """What the index itself shows."""
    rows = [row for node_id, node in nodes.items() for row in (*_state(node_id, node), *_line(node_id, node))]
    rows += [row for node_id, node in nodes.items() for row in _remote_access(node_id, node)]
    rows += [row for node_id, node in nodes.items() for row in (*_kind(node_id, node), *_clock(node_id, node))]
    return [Finding(level, "nodes", says, mend) for level, says, mend in (*rows, *_shared(nodes))]


def reach(node_id: str, answer: Answer | None) -> list[Finding]:
    """What a node answers to somebody without credentials."""
    if answer is None:
        mend = (
            "see JOBINDEX_NODE_NETWORKS here, the network, and the address that it registers with (JOBINDEX_NODE_URL)"
        )
        return [Finding(PROBLEM, "nodes", f"{node_id} can't be reached from here", mend)]
    if not comes_from_orthanc(answer):
        mend = "correct the address that it registers with (JOBINDEX_NODE_URL there)"
        return [Finding(PROBLEM, "nodes", f"at the address of {node_id} something else than Orthanc answers", mend)]
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


def _state(node_id: str, node: Node) -> Iterator[Row]:
    if node.state in STATES:
        says, mend = STATES[node.state]
        yield WARNING, f"{node_id} {says}", mend
    if node.problem:
        level = PROBLEM if node.problem == UNREADABLE else WARNING
        yield level, f"{node_id} is {node.state.lower()}: {node.reason}", MENDS[node.problem]


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
