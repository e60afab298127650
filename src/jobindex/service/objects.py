"""Job objects as the list shows them: Orthanc's text, and what the index has to say of the job as its last member."""

from collections.abc import Iterable, Iterator, Mapping

import orjson

from jobindex.model.edits import edits_of
from jobindex.model.moment import moment
from jobindex.model.node import GONE, Node
from jobindex.model.record import FORGOTTEN, LOST
from jobindex.store.jobs import Stored

MAX_ENDINGS = 5000
"""What is said of so many owners, marks and edits is remembered; an edit's has 5 KB at most."""


def job_object(job: Stored, node: Node | None) -> bytes:
    """`node` is its owner; None where the index keeps no record of that."""
    return job.text[:-1] + b',"JobIndex":' + orjson.dumps(_told(job, node)) + b"}"


class Objects:
    """Makes them while the nodes stay as they are: what is said of an owner and a mark is made once."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes
        self._endings: dict[tuple[str, str, str], bytes] = {}

    def of(self, jobs: Iterable[Stored]) -> Iterator[bytes]:
        endings = self._endings
        for job in jobs:
            rest = job.record.rest
            kind = (job.record.node, job.record.mark, rest if "=" in rest else "")
            if kind not in endings:
                if len(endings) >= MAX_ENDINGS:
                    endings.clear()
                endings[kind] = job_object(job, self.nodes.get(job.record.node))[len(job.text) - 1 :]
            yield job.text[:-1] + endings[kind]


def _told(job: Stored, node: Node | None) -> dict[str, object]:
    told: dict[str, object] = {"Node": job.record.node, "NodeState": node.state if node else GONE}
    if node is not None and not node.alive:
        told["LastSeen"] = moment(node.seen / 1000)
    if job.record.mark == LOST:
        told["Lost"] = True
    if job.record.mark == FORGOTTEN:
        told["Forgotten"] = True
    edits = edits_of(job.record.rest)
    if edits.cut:
        told["Cut"] = edits.cut
    if edits.kept:
        told["Kept"] = edits.kept
    return told
