"""The keyspace manual: made from the keys, and true of a live Redis."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from jobindex.model.login_attempt import Attempt
from jobindex.store import Store
from jobindex.store.keys import ALL, DUE, FIXED, JOBS, NODE_JOBS, PREFIX, key, kind_of, manual

from ...builders import BEAT, job_id, registered, word

DOCS = Path(__file__).parents[3] / "docs"


def test_the_written_manual_is_what_the_keys_say() -> None:
    assert (DOCS / "keyspace.md").read_text() == manual()


async def test_a_live_redis_has_every_key_of_the_manual_and_no_other(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    await store.nodes.keep_token("a", b"sealed", BEAT)
    await store.nonces.spend("0f" * 16, BEAT)
    await store.logins.ask(Attempt("1f", "2f", "3f"), 5)
    await store.logins.settle(Attempt("4f", "2f", "3f"), accepted=True)
    await store.submissions.note([("0f" * 16, "began")])
    await store.jobs.put("a", "a1", [word(1), word(2, "Success"), word(3)])
    await store.jobs.drop([(job_id(3), "")], tombstone=BEAT)
    kinds = {}
    async for name in redis.scan_iter():
        found = kind_of(name.decode())
        assert found is not None
        kinds[found[0]] = (await redis.type(name)).decode()
    assert kinds == {each: each.type for each in ALL}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("{jobindex}:jobs", (JOBS, "")),
        ("{jobindex}:jobs:a", (NODE_JOBS, "a")),
        ("{jobindex}:due:late", (DUE, "late")),
        ("{jobindex}:due:", None),
        ("{jobindex}:jobsx", None),
        ("jobs", None),
    ],
)
def test_a_name_tells_its_kind(name: str, kind: object) -> None:
    assert kind_of(name) == kind
    assert kind is None or key(*kind) == name


def test_scripts_find_the_fixed_keys_in_their_places() -> None:
    names = "nodes jobs owners finished deleted changes epoch version"
    assert [key(each) for each in FIXED] == [PREFIX + name for name in names.split()]
