"""Attempts to log in, counted in Redis for all replicas: only keyed digests get there, none of which stays."""

from jobindex.model.login_attempt import ACCEPTED_S, Attempt
from jobindex.store import keys
from jobindex.store.connect import translated
from jobindex.store.line import Line
from jobindex.store.scripts import Scripts


class LoginAttempts:
    """`auth/attempts.Attempts`; every method may raise IndexAway."""

    def __init__(self, scripts: Scripts, line: Line) -> None:
        self._scripts = scripts
        self._line = line

    async def ask(self, attempt: Attempt, most: int, now: float = 0.0) -> float:
        with translated():
            return float(await self._scripts.run("login_ask", *attempt, most, round(now * 1000))) / 1000

    async def settle(self, attempt: Attempt, *, accepted: bool) -> None:
        with translated():
            await self._scripts.run("login_settle", *attempt, round(ACCEPTED_S * 1000) if accepted else 0)

    async def was_accepted(self, guess: str) -> bool:
        with translated():
            return bool(await self._line.ask("EXISTS", keys.key(keys.ACCEPTED, guess)))
