"""What was purged is not written again, by whom and whenever it be."""

import asyncio
from dataclasses import replace

from jobindex.service.purge import Purge
from jobindex.service.timing import Timing
from jobindex.store import Store

from ...builders import job_id, node_record, registered, told, word

SHORT = replace(Timing(), tombstone=0.02)
"""Ten minutes pass in an instant."""


async def purge(store: Store, number: int) -> None:
    """Purge a job, and let the time of a tombstone pass."""
    at = Purge(store, SHORT)
    assert await at.drop(await at.named([job_id(number)])) == 1
    began = await store.changes.now()
    while await store.changes.now() < began + 50:
        await asyncio.sleep(0.01)
    await store.jobs.forget_tombstones(await store.changes.now())


async def test_rights_a_replica_that_was_paused_does_not_write_a_purged_job_back(store: Store) -> None:
    await registered(store, "a")
    words = [word(1, "Success"), word(2)]
    await told(store, *words)
    await purge(store, 1)
    assert await store.jobs.restore(words) == 0
    assert (await store.jobs.fetch([job_id(1), job_id(2)])).keys() == {job_id(2)}


async def test_rights_a_report_does_not_bring_a_purged_job_back(store: Store) -> None:
    await registered(store, "a")
    await told(store, word(1, "Success"))
    await purge(store, 1)
    await told(store, word(1, "Success", at=1))
    await store.nodes.register("a", node_record("a2", "http://a:8042"), 60_000)
    await told(store, word(1, "Success", at=2, incarnation="a2"))
    assert await store.jobs.fetch([job_id(1)]) == {}
