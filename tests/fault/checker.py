"""Holds a history against what was promised; each breach is named in a sentence, and none is an empty list."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from .history import Call, Fault, History, Shown

SYNC = 10.0
"""Seconds after which a job of a reachable Orthanc is in every list, whatever happened before."""


def breaches(history: History, sent: Mapping[str, Counter[str]]) -> list[str]:
    """All that a history and the requests that reached each Orthanc can show."""
    calls = history.calls
    checks = (
        fabricated(calls),
        missing(calls, history.faults),
        backwards(calls),
        shared(calls),
        untruthful(calls, sent),
        leaked(calls),
    )
    return [breach for check in checks for breach in check]


def fabricated(calls: Iterable[Call]) -> Iterator[str]:
    """I1: a listed job was submitted to the Orthanc that it is said to be on, or may have been."""
    submitted: dict[str, str] = {}
    unclear: Counter[str] = Counter()
    strangers: dict[str, str] = {}
    for call in calls:
        if call.verb == "submit" and call.id:
            submitted[call.id] = call.node
        elif call.verb == "submit":
            unclear[call.node] += 1
    for job_id, node in {(job_id, job.node) for job_id, job in _shown(calls)}:
        if job_id not in submitted:
            strangers[job_id] = node
        elif submitted[job_id] != node:
            yield f"job {job_id} of {submitted[job_id]} was listed as one of {node}"
    for node, count in Counter(strangers.values()).items():
        if count > unclear[node]:
            yield f"{count} jobs of {node} were listed, of which it may have been given {unclear[node]}"


def missing(calls: Iterable[Call], faults: Iterable[Fault], sync: float = SYNC) -> Iterator[str]:
    """I2: what was seen once, or could have been for long enough, is in every list of a later moment."""
    calls = list(calls)
    deleted = {call.id: call.began for call in calls if call.verb == "delete"}
    due = sorted((moment, job_id) for job_id, moment in _due(calls, list(faults), sync).items())
    expected: set[str] = set()
    for call in sorted(_lists(calls), key=lambda call: call.as_of):
        while due and due[0][0] < call.as_of:
            expected.add(due.pop(0)[1])
        for job_id in sorted(expected - (call.jobs or {}).keys()):
            if deleted.get(job_id, call.ended) >= call.ended:
                yield f"job {job_id} is not in the list of {call.client} that began at {call.began:.2f}"


def backwards(calls: Iterable[Call]) -> Iterator[str]:
    """I3: who was told of a job's end is not told later that it goes on, unless it was submitted anew."""
    calls = list(calls)
    anew = defaultdict(list)
    for call in calls:
        if call.verb == "resubmit":
            anew[call.id].append(call.began)
    ended: dict[str, float] = {}
    for call in sorted(_lists(calls), key=lambda call: call.ended):
        for job_id, job in (call.jobs or {}).items() if call.age is None else ():
            if job.ended:
                ended.setdefault(job_id, call.ended)
            elif ended.get(job_id, call.began) < call.began and not any(at < call.ended for at in anew[job_id]):
                yield f"job {job_id} had ended and was listed as {job.state} at {call.began:.2f}"


def shared(calls: Iterable[Call]) -> Iterator[str]:
    """I4: a job has one owner."""
    owners = defaultdict(set)
    for job_id, job in _shown(calls):
        owners[job_id].add(job.node)
    for job_id, nodes in owners.items():
        if len(nodes) > 1:
            yield f"job {job_id} was listed as one of {' and of '.join(sorted(nodes))}"


def untruthful(calls: Iterable[Call], sent: Mapping[str, Counter[str]]) -> Iterator[str]:
    """I5: 200 was done once, what says that nothing was done was not sent, anything else was sent at most once.

    And to the owner alone.

    `sent` are the requests that reached each Orthanc by way of the replicas.  A client may do the same to a job only
    once; what it asks of the owner itself is not counted.
    """
    calls = list(calls)
    owners = {call.id: call.node for call in calls if call.verb == "submit"}
    for call in calls:
        if call.verb not in ACTIONS or owners.get(call.id) in (None, call.client):
            continue
        line = ACTIONS[call.verb].format(call.id)
        for node, requests in sent.items():
            least, most = _times(call, node == owners[call.id])
            if not least <= requests[line] <= most:
                yield f"{line} reached {node} {requests[line]} times, and was answered {call.status}"


def _times(call: Call, at_owner: bool) -> tuple[int, int]:
    """How often it may have been asked of a node.

    Where the owner is gone any other may be asked to delete, once: its answer is whether the caller may.
    """
    if call.verb == "delete":
        return (0, TIMES[call.result][1] if at_owner else 1)
    return TIMES[call.result] if at_owner else (0, 0)


ACTIONS = {verb: f"POST /jobs/{{}}/{verb}" for verb in ("cancel", "pause", "resume", "resubmit")}
ACTIONS["delete"] = "DELETE /jobs/{}"
TIMES = {"ok": (1, 1), "refused": (0, 1), "fail": (0, 0), "unknown": (0, 1)}


def leaked(calls: Iterable[Call], strangers: Iterable[str] = ("stranger",)) -> Iterator[str]:
    """I7: who has no rights is told nothing."""
    for call in calls:
        if call.client in strangers and call.status == 200:
            yield f"{call.client} was answered {call.verb} {call.id}".rstrip()


def diverged(lists: Mapping[str, Mapping[str, str]], truth: Mapping[str, str]) -> Iterator[str]:
    """I6: when all is well again, each replica's list has what the Orthancs have; both are states by job."""
    for replica, listed in lists.items():
        for job_id, state in truth.items():
            if listed.get(job_id) != state:
                yield f"{replica} lists job {job_id} as {listed.get(job_id)}, and it is {state}"
        for other, theirs in lists.items():
            if other > replica and theirs.keys() != listed.keys():
                yield f"{replica} and {other} list different jobs: {sorted(theirs.keys() ^ listed.keys())}"


def slowed(usual: Iterable[float], during: Iterable[float], by: float = 1.2) -> Iterator[str]:
    """I8: the 99th of 100 answers of an Orthanc itself takes hardly longer than without a fault; seconds."""
    before, now = p99(usual), p99(during)
    if now > before * by:
        yield f"the Orthanc's answers took {now * 1000:.1f} ms instead of {before * 1000:.1f} ms"


def p99(seconds: Iterable[float]) -> float:
    """What 99 of 100 stay below."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]


def _due(calls: list[Call], faults: list[Fault], sync: float) -> dict[str, float]:
    """From when on each job has to be listed: since it was seen, or `sync` after its coming and after all faults."""
    due: dict[str, float] = {}
    for call in _lists(calls):
        for job_id in call.jobs if call.jobs and call.age is None else ():
            due[job_id] = min(due.get(job_id, call.ended), call.ended)
    for call in calls:
        if call.verb == "submit" and call.id:
            moment = _undisturbed(call, faults, sync)
            if moment is not None:
                due[call.id] = min(due.get(call.id, moment), moment)
    return due


def _undisturbed(call: Call, faults: list[Fault], sync: float) -> float | None:
    """Never, where its Orthanc was killed before anybody need have heard of it."""
    moment = call.ended + sync
    for fault in sorted(faults, key=lambda fault: fault.began):
        if call.ended - sync < fault.ended and fault.began < moment:
            if fault.part == call.node and fault.name == "killed":
                return None
            moment = max(moment, fault.ended + sync)
    return moment


def _lists(calls: Iterable[Call]) -> list[Call]:
    return [call for call in calls if call.jobs is not None]


def _shown(calls: Iterable[Call]) -> Iterator[tuple[str, Shown]]:
    for call in _lists(calls):
        yield from (call.jobs or {}).items()
