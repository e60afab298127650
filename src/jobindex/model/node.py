"""A node: one Orthanc server, as the index knows it."""

import hashlib
import re
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

ALIVE = "Alive"
LATE = "Late"
GONE = "Gone"
STOPPED = "Stopped"

NODE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
MAX_LENGTH, DIGEST_LENGTH = 64, 12
"""Characters of an id, and of the digest at the end of one that was cut."""

ANSWERS, SILENT, UNHEARD, UNREADABLE = "answers", "silent", "unheard", "unreadable"

REASONS = {
    ANSWERS: "it answers, but does not report",
    SILENT: "it neither answers nor reports",
    UNHEARD: "it does not report",
    UNREADABLE: "its plugin can't read its Orthanc: {}",
}
PROBLEMS = tuple(REASONS)
"""Why we don't know a node: whether its process lives, and how old our knowledge is, are two facts."""


class Node(BaseModel):
    """A record of the nodes hash.  Times are milliseconds of Redis's clock; fields of newer versions are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    url: str
    version: str = ""
    kind: str = "plugin"
    incarnation: str
    state: str = ALIVE
    seen: int = 0
    since: int = 0
    """When it came into its state."""
    epoch: str = ""
    """The epoch in which it reported last."""
    complete: str = ""
    """The epoch in which it gave a complete report last."""
    offset: int = 0
    clock: int = 0
    """For visited nodes: how far its stamps are from Redis's clock, and how often that jumped."""
    shares: bool = False
    """Whether its plugin gives the node's token, for a cluster where a proxy has decided who may."""
    remote_access: bool = True
    """Whether its Orthanc answers other machines than its own (`RemoteAccessAllowed`)."""
    named_url: bool = False
    """Whether its url is its operator's word, and not the address that a report came from."""
    answers: bool | None = None
    """What a probe of a late node has shown: whether its process lives; None where none has ended yet."""
    cannot_read: str = ""
    """Why its plugin can't read its own Orthanc, in the plugin's words."""
    past: str = ""
    """Its earlier incarnations, which may not come back, newest first."""

    @property
    def alive(self) -> bool:
        return self.state == ALIVE

    @property
    def may_answer(self) -> bool:
        """Whether it is worth asking: a stopped or given-up node is not."""
        return self.state in (ALIVE, LATE)

    @property
    def problem(self) -> str:
        """The code word of what keeps us from knowing it; "" where nothing does."""
        if self.state == LATE:
            return {True: ANSWERS, False: SILENT, None: UNHEARD}[self.answers]
        return UNREADABLE if self.alive and self.cannot_read else ""

    @property
    def reason(self) -> str:
        """The same in words for its operator."""
        return REASONS.get(self.problem, "").format(self.cannot_read)

    def lives(self, others: Iterable["Node"]) -> bool:
        """Whether an answer at its url is its own: a guessed url, or one that another reports from since, proves none.

        `others` are all nodes but this.
        """
        replaced = any(other.url == self.url and other.seen > self.seen for other in others)
        return bool(self.answers) and self.named_url and not replaced

    @property
    def counts(self) -> bool:
        """Whether its word counts, and so does its silence: not where its plugin can't read what it should tell."""
        return self.may_answer and not self.cannot_read


def default_node_id(name: str, host: str, port: int) -> str:
    """The id of a node that has not been given one."""
    return shortened(f"{name}-{host}-{port}")


def shortened(node_id: str) -> str:
    """A lawful id; one that is too long keeps its difference to others in a digest, as the plugin makes it."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", node_id)
    if len(plain) <= MAX_LENGTH:
        return plain
    digest = hashlib.sha256(node_id.encode()).hexdigest()[:DIGEST_LENGTH]
    return f"{plain[: MAX_LENGTH - 1 - DIGEST_LENGTH]}-{digest}"


def most_are_silent(silent: int, known: int) -> bool:
    """Mass silence is our own fault until proven otherwise, and then nobody is given up."""
    return silent * 2 > known
