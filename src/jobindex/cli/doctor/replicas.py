"""What the doctor hears from a replica itself."""

import aiohttp
import orjson

from jobindex.auth.signature import STALE, UNSIGNED, WRONG
from jobindex.cli.doctor.asking import Heard, ask
from jobindex.model.finding import OK, PROBLEM, WARNING, Finding

SECRETS = "compare /etc/orthanc/jobindex-secret there with the replicas' secret file (JOBINDEX_SECRET_FILE)"
REFUSALS = {
    WRONG: ("its secret differs from the replicas'", SECRETS),
    UNSIGNED: ("they are not signed, as by a plugin that is given no secret", SECRETS),
    STALE: ("its clock or this replica's is wrong", "let both follow a time server (chrony, systemd-timesyncd)"),
}
"""By what the replica says: the same in the words of an administrator, and what to do."""


async def replica_findings(session: aiohttp.ClientSession, url: str) -> list[Finding]:
    return readiness(url, await ask(session, url.rstrip("/") + "/-/ready"))


def readiness(url: str, heard: Heard) -> list[Finding]:
    """What its `/-/ready` says."""
    if not heard.status:
        mend = "see that it runs and that its internal port (8001) is reached from here"
        return [Finding(PROBLEM, "replica", f"{url} does not answer{f': {heard.why}' if heard.why else ''}", mend)]
    told = _members(heard.body)
    if "Ready" not in told:
        mend = "name a replica's internal listener, such as http://replica:8001"
        return [Finding(PROBLEM, "replica", f"{url} is no internal listener of a replica", mend)]
    found = []
    if not told["Ready"]:
        mend = "wait 15 s after its start; then look at its log"
        found.append(Finding(PROBLEM, "replica", f"{url} is not ready: {told.get('Reason', '')}", mend))
    if told.get("Index") != "connected":
        mend = "see that Redis runs and is reached from there; till then lists come from memory"
        found.append(Finding(PROBLEM, "replica", f"{url} has no Redis for {told.get('Age', '?')} s", mend))
    found += [_refused(url, *each) for each in _pairs(told.get("RefusedReports"))]
    found += [_untrusted(url, *each) for each in _pairs(told.get("UntrustedProxies"))]
    for name in ("Insecure", "Warnings"):
        found += [Finding(WARNING, "replica", f"{url} says: {each}") for each in _texts(told.get(name))]
    return found or [Finding(OK, "replica", f"{url} is ready")]


def _members(body: bytes) -> dict[str, object]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _untrusted(url: str, peer: str, setting: str) -> Finding:
    says = f"{url}: {peer} forwards requests and is no trusted proxy, so all its clients count as one caller"
    return Finding(PROBLEM, "replica", says, f"if it is a proxy of yours: {setting}")


def _refused(url: str, node_id: str, reason: str) -> Finding:
    says, mend = REFUSALS.get(reason, (reason, "see the log of that replica and of that Orthanc"))
    return Finding(PROBLEM, "replica", f"{url}: reports of {node_id} are refused: {says}", mend)


def _pairs(told: object) -> list[tuple[str, str]]:
    return [(str(key), str(value)) for key, value in told.items()] if isinstance(told, dict) else []


def _texts(told: object) -> list[str]:
    return [str(each) for each in told] if isinstance(told, list) else []
