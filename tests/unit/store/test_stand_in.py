"""The verbs on a server that tells less of itself: what must not hang on the server that happens to run them."""

from redis.asyncio import Redis

from jobindex.store import Store, opened

from ...access import logged_in, password
from ...builders import known, registered, word

SHY = "shy"
"""A user that may not ask the server for its run id."""


async def test_a_server_that_does_not_tell_its_run_id_has_one_epoch_all_the_same(
    store: Store, redis: Redis, redis_url: str
) -> None:
    await redis.execute_command(
        "ACL", "SETUSER", SHY, "reset", "on", f">{password(SHY)}", "~{jobindex}:*", "+@all", "-info"
    )
    try:
        async with opened(logged_in(redis_url, SHY)) as shy:
            await registered(shy, "a")
            first = await shy.changes.head()
            await shy.jobs.put("a", "a1", [word(1, "Success")])
            last = await shy.changes.head()
            assert first is not None
            assert last is not None
            assert (last.epoch, last.version) == (first.epoch, first.version + 1)
            assert (await redis.get("{jobindex}:epoch") or b"").endswith(b" unknown")
            assert (await known(shy)).record == word(1, "Success").record
    finally:
        await redis.execute_command("ACL", "DELUSER", SHY)
