"""The keys in Redis: their names, types and meaning, from which `docs/keyspace.md` is made.

All share one hash tag, so that a Redis Cluster keeps them on one node and scripts may touch them together.
"""

from dataclasses import dataclass

PREFIX = "{jobindex}:"


@dataclass(frozen=True, slots=True)
class Key:
    """One key, or one family of keys whose name ends in a `<part>`."""

    name: str
    type: str
    holds: str

    @property
    def stem(self) -> str:
        """The part of the name that all keys of the family begin with."""
        return PREFIX + self.name.split("<", maxsplit=1)[0]


NODES = Key("nodes", "hash", "node id → JSON: name, url, version, incarnation, state, seen (ms), kind")
JOBS = Key("jobs", "hash", "job id → Orthanc's JSON, compact: its members, order and number literals; secrets masked")
OWNERS = Key(
    "owners",
    "hash",
    "job id → `node incarnation clock stamp state mark`, then `less=bytes` since less of its text was kept, "
    "`cut=paths` of members that were too much, `kept=paths` of those from an earlier text, `outputs=deleted`",
)
FINISHED = Key("finished", "zset", "job id by completion time (ms): what retention reaps")
DELETED = Key(
    "deleted", "zset", "tombstones until (ms): `job id incarnation` of a deleted job, `job id *` of a purged one"
)
CHANGES = Key(
    "changes", "stream", "the change log: kind, id, node, state, progress, at, by; an entry's id is its version"
)
EPOCH = Key("epoch", "string", "`word began run-id`: one unbroken life of the index in one Redis")
VERSION = Key("version", "string", "counts the changes; an ETag is `epoch-version`")
STATE = Key("state:<State>", "set", "ids of the unfinished jobs in that state; the others are in `finished`")
NODE_JOBS = Key("jobs:<node>", "set", "ids of the jobs whose owner is that node")
BEAT = Key("beat:<node>", "string", "the heartbeat: the incarnation; its TTL is how long it still counts")
DUE = Key("due:<chore>", "zset", "what is due when (ms); a claim puts it off by a lease")
TOKEN = Key(
    "token:<node>",
    "string",
    "how a node is asked where no caller's login is at hand: its token, encrypted; renewed with each report",
)
NONCE = Key(
    "nonce:<nonce>",
    "string",
    "a signed report came with it, and none may again; TTL of the signature",
)

LOGIN = Key(
    "login:<digest>",
    "string",
    "guesses of the last minute, `digest@ms`: at a user name of an address, or at an address; or since when one waits",
)
ACCEPTED = Key(
    "accepted:<digest>",
    "string",
    "credentials that an Orthanc took in the last 12 hours: a keyed digest of them",
)

SUBMISSIONS = Key("submissions", "zset", "requests that may create a job, under way or just ended, until (ms)")
SUBMITTING = Key("submitting", "string", "there while one of them counts: lists ask the nodes first")

FIXED = (NODES, JOBS, OWNERS, FINISHED, DELETED, CHANGES, EPOCH, VERSION)
"""What every script gets as its KEYS, in this order."""
SINGLE = (SUBMISSIONS, SUBMITTING)
"""The others that have one name."""
FAMILIES = (STATE, NODE_JOBS, BEAT, DUE, TOKEN, NONCE, LOGIN, ACCEPTED)
ALL = FIXED + SINGLE + FAMILIES
EXPIRING = (BEAT, TOKEN, NONCE, LOGIN, ACCEPTED, SUBMISSIONS, SUBMITTING)
"""These always have a TTL; no other key ever has one."""


def key(kind: Key, part: str = "") -> str:
    """The name of a key in Redis; `part` stands for what the family's name leaves open."""
    return kind.stem + part


def kind_of(name: str) -> tuple[Key, str] | None:
    """Which key, or which of a family (its part), has this name in Redis; None where the index has no such key."""
    for each in FIXED + SINGLE:
        if name == each.stem:
            return each, ""
    for each in FAMILIES:
        if name.startswith(each.stem) and name != each.stem:
            return each, name.removeprefix(each.stem)
    return None


def manual() -> str:
    """The keyspace manual, in Markdown."""
    rows = [f"| `{PREFIX}{each.name}` | {each.type} | {each.holds} |" for each in ALL]
    return "\n".join([_TITLE, "| key | type | holds |", "| --- | --- | --- |", *rows]) + "\n"


_TITLE = """# The keyspace

What the index keeps in Redis. Made by `python -m jobindex.store > docs/keyspace.md`.

All keys share the hash tag `{jobindex}`. Times in ms are of Redis's clock; stamps and job texts are Orthanc's.
"""
