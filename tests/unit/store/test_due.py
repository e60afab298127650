"""What is due: claimed by one at a time, for a lease, and proved by its token."""

import asyncio

from jobindex.demo.probes import until
from jobindex.store import Store
from jobindex.store.due import Claim

LEASE = 60_000
SOON = 5


async def test_what_is_due_is_claimed_once_while_the_lease_lasts(store: Store) -> None:
    await store.changes.begin()
    for member in ("a", "b", "c"):
        await store.visit.add(member)
    await store.visit.add("later", LEASE)
    first = await store.visit.claim(2, LEASE)
    assert [claim.member for claim in first] == ["a", "b"]
    assert [claim.member for claim in await store.visit.claim(9, LEASE)] == ["c"]
    assert await store.visit.claim(9, LEASE) == []


async def test_two_claimers_never_get_the_same(store: Store) -> None:
    await store.changes.begin()
    members = {f"m{number}" for number in range(40)}
    for member in members:
        await store.visit.add(member)
    claims = await asyncio.gather(*(store.visit.claim(3, LEASE) for _ in range(20)))
    claimed = [claim.member for part in claims for claim in part]
    assert sorted(claimed) == sorted(members)


async def test_what_is_not_put_off_is_due_again_after_the_lease(store: Store) -> None:
    await store.changes.begin()
    await store.visit.add("a")
    (first,) = await store.visit.claim(1, SOON)
    later: list[Claim] = []

    async def claimed_again() -> bool:
        later.extend(await store.visit.claim(1, LEASE))
        return bool(later)

    assert await until(claimed_again, 10)
    assert int(later[0].token) > int(first.token)
    assert not await store.visit.put(first, 0)
    assert not await store.visit.strike(first)
    assert await store.visit.put(later[0], 0)


async def test_a_claim_says_when_it_is_due_next_and_ends_by_it(store: Store) -> None:
    await store.changes.begin()
    await store.visit.add("a")
    (claim,) = await store.visit.claim(1, LEASE)
    assert await store.visit.put(claim, 0)
    assert not await store.visit.put(claim, 0)
    assert [again.member for again in await store.visit.claim(1, LEASE)] == ["a"]


async def test_what_is_struck_is_gone(store: Store) -> None:
    await store.changes.begin()
    await store.visit.add("a")
    (claim,) = await store.visit.claim(1, LEASE)
    assert await store.visit.strike(claim)
    assert await store.visit.members() == []
    assert not await store.visit.put(claim, 0)


async def test_adding_changes_nothing_that_is_listed(store: Store) -> None:
    await store.changes.begin()
    assert await store.visit.add("a", LEASE)
    assert not await store.visit.add("a")
    assert await store.visit.claim(1, LEASE) == []
    assert (await store.visit.members(), await store.late.members()) == (["a"], [])
