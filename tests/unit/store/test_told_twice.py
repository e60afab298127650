"""A complete report that is told twice, since its first answer was lost, is one."""

from jobindex.model.record import MISSED
from jobindex.store import Store

from ...builders import job_id, registered, stamp, word


async def test_the_same_report_told_twice_misses_a_job_once(store: Store) -> None:
    await registered(store, "a")
    await store.jobs.put("a", "a1", [word(1, "Running", at=1)])
    for _ in range(2):
        assert await store.jobs.miss("a", "a1", 0, stamp(2), [job_id(1)]) == []
    assert (await store.jobs.fetch([job_id(1)]))[job_id(1)].record.mark == MISSED
    lost = await store.jobs.miss("a", "a1", 0, stamp(3), [job_id(1)])
    assert [each for each, _ in lost] == [job_id(1)]
    text = word(1, "Failure", at=3).text
    assert await store.jobs.conclude(0, [(*lost[0], text)]) == 1
