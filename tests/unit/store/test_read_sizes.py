"""However large jobs are, they are read in pieces that Redis gives in time."""

from redis.asyncio import Redis

from jobindex.store import Store

from ...builders import registered, told, word

COUNT, SIZE = 300, 100_000


async def test_bounds_large_jobs_are_read_in_pieces(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    words = [word(number, Content={"Resources": "x" * SIZE}) for number in range(COUNT)]
    await told(store, *words)
    ids = [each.id for each in words]
    await store.jobs.fetch(ids[:50])
    await redis.config_resetstat()
    found = await store.jobs.fetch(ids)
    assert [found[each.id].text for each in words] == [each.text for each in words]
    assert (await redis.info("commandstats"))["cmdstat_hmget"]["calls"] > 2 * COUNT * SIZE // (8 << 20)


async def test_small_jobs_are_read_at_once(store: Store, redis: Redis) -> None:
    await registered(store, "a")
    await told(store, *(word(number) for number in range(COUNT)))
    await redis.config_resetstat()
    assert len(await store.jobs.fetch([word(number).id for number in range(COUNT)])) == COUNT
    assert (await redis.info("commandstats"))["cmdstat_hmget"]["calls"] == 3
