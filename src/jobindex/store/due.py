"""Chores without a leader: sets of what is due, claimed for a lease by whoever comes first."""

from dataclasses import dataclass

from redis.asyncio import Redis

from jobindex.store import keys
from jobindex.store.codec import texts
from jobindex.store.connect import translated
from jobindex.store.scripts import Scripts


@dataclass(frozen=True, slots=True)
class Claim:
    """A member that is ours until the lease ends; the token proves it."""

    member: str
    token: str


class Due:
    """The due set of one chore; every method may raise IndexAway.  Times are in milliseconds from now."""

    def __init__(self, redis: Redis, scripts: Scripts, chore: str) -> None:
        self._redis = redis
        self._scripts = scripts
        self._chore = chore

    async def claim(self, most: int, lease: int) -> list[Claim]:
        """Claim up to `most` members that are due; nobody else finds them due for `lease`."""
        with translated():
            token, *members = texts(await self._scripts.run("due_claim", self._chore, most, lease))
        return [Claim(member, token) for member in members]

    async def put(self, claim: Claim, when: int) -> bool:
        """Say when a claimed member is due next; False where somebody claimed or changed it since."""
        return bool(await self._put(claim.member, str(when), claim.token))

    async def renew(self, claim: Claim, lease: int) -> Claim | None:
        """Keep a claimed member for `lease` from now; None where somebody else has claimed it since."""
        token = await self._put(claim.member, str(lease), claim.token)
        return Claim(claim.member, token) if token else None

    async def strike(self, claim: Claim) -> bool:
        """A claimed member is done for good."""
        return bool(await self._put(claim.member, "", claim.token))

    async def add(self, member: str, when: int = 0) -> bool:
        """List a member that is not listed yet."""
        return bool(await self._put(member, str(when), ""))

    async def _put(self, member: str, when: str, token: str) -> str:
        """The new deadline; "" where somebody else has claimed it."""
        with translated():
            answer = await self._scripts.run("due_put", self._chore, member, when, token)
        return answer.decode() if isinstance(answer, bytes) else "1" if answer else ""

    async def members(self) -> list[str]:
        with translated():
            return texts(await self._redis.zrange(keys.key(keys.DUE, self._chore), 0, -1))
