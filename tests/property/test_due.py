"""Chores: whatever is claimed, given back and struck in whatever order, each thing is one claimer's at a time."""

import asyncio
from contextlib import AsyncExitStack

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from redis.asyncio import Redis

from jobindex.store import opened
from jobindex.store.due import Claim
from jobindex.store.invariants import breaches

LEASE = 3_600_000
BOUNDS = settings(max_examples=30, stateful_step_count=30, deadline=None)


class Chores(RuleBasedStateMachine):
    """One due set; what is free is due at once, what is claimed not before the lease ends."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.free: set[str] = set()
        self.claims: list[Claim] = []
        self.over: list[Claim] = []
        self.runner, self.stack = asyncio.Runner(), AsyncExitStack()
        self.runner.run(self.begin(url))

    async def begin(self, url: str) -> None:
        self.redis = await self.stack.enter_async_context(Redis.from_url(url))
        store = await self.stack.enter_async_context(opened(url))
        await self.redis.flushall()
        await store.changes.begin()
        self.due = store.visit

    @rule(member=st.sampled_from("abcdef"))
    def add(self, member: str) -> None:
        claimed = {claim.member for claim in self.claims}
        assert self.runner.run(self.due.add(member)) is (member not in self.free | claimed)
        self.free |= {member} - claimed

    @rule(most=st.integers(1, 3))
    def claim(self, most: int) -> None:
        lease = LEASE + len(self.over)  # so that two claims within a millisecond have different tokens
        claims = self.runner.run(self.due.claim(most, lease))
        claimed = {claim.member for claim in claims}
        assert claimed <= self.free
        assert len(claimed) == len(claims) == min(most, len(self.free))
        self.free -= claimed
        self.claims += claims

    @precondition(lambda self: self.claims)
    @rule(strikes=st.booleans())
    def end(self, strikes: bool) -> None:
        claim = self.claims.pop(0)
        assert self.runner.run(self.due.strike(claim) if strikes else self.due.put(claim, 0))
        self.free |= set() if strikes else {claim.member}
        self.over.append(claim)

    @precondition(lambda self: self.over)
    @rule(data=st.data())
    def come_too_late(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self.over))
        assert not self.runner.run(self.due.put(claim, 0))
        assert not self.runner.run(self.due.strike(claim))

    @invariant()
    def nothing_is_lost(self) -> None:
        members = self.free | {claim.member for claim in self.claims}
        assert set(self.runner.run(self.due.members())) == members

    def teardown(self) -> None:
        try:
            assert self.runner.run(breaches(self.redis)) == []
        finally:
            self.runner.run(self.stack.aclose())
            self.runner.close()


def test_each_thing_is_one_claimers_at_a_time(redis_url: str) -> None:
    run_state_machine_as_test(lambda: Chores(redis_url), settings=BOUNDS)
