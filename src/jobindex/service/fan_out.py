"""Fan-out: one question to several Orthancs at once, as the caller.

Law: a node that does not answer delays nobody for longer than the others need, unless its answer is all there is.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from jobindex.auth.caller import Caller
from jobindex.errors import OwnerError, OwnerSilent
from jobindex.model.node import Node
from jobindex.orthanc.wire import Answer
from jobindex.service.asking import Asking
from jobindex.service.breaker import Breaker
from jobindex.service.view import View

WITHIN = 1.5
"""Seconds for all nodes together: the budget of a list."""
HEAD_START = 0.5
"""Seconds that all are waited for, also when one has said what was to be known."""

Pairs = Sequence[tuple[str, Node]]
Note = Callable[[str, Answer], None]


class FanOut:
    """Asks the nodes that may answer; only an answer that lets the caller in or refuses it counts."""

    def __init__(self, view: View, asking: Asking, breaker: Breaker) -> None:
        self._view = view
        self._asking = asking
        self._breaker = breaker
        self._under_way: set[asyncio.Task[None]] = set()

    def worth_asking(self) -> Pairs:
        """Those that rest are left alone, unless all do: then it is more likely that we or the machine are slow."""
        nodes = self._view.alive_nodes()
        return [pair for pair in nodes if not self._breaker.rests(pair[0])] or nodes

    async def ask(
        self,
        caller: Caller,
        nodes: Pairs,
        request: tuple[str, str],
        *,
        enough: Callable[[Answer], bool] = lambda _: False,
        head_start: float = HEAD_START,
        within: float = WITHIN,
        note: Note = lambda _node, _answer: None,
    ) -> Mapping[str, Answer]:
        """What has been answered when one answer is `enough` and the head start is over, or all have answered.

        `request` is method and path.  Whoever is slower is given to `note` all the same, as all are.
        """
        answers: dict[str, Answer] = {}

        async def ask_one(node_id: str, node: Node) -> None:
            answer = await self._ask(caller, node_id, node, request)
            if answer is not None:
                answers[node_id] = answer
                note(node_id, answer)

        asked = {asyncio.create_task(ask_one(*pair), name="fan-out"): pair[0] for pair in nodes}
        for task in asked:
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        began = asyncio.get_running_loop().time()
        slow = await _wait(set(asked), lambda: any(map(enough, answers.values())), head_start, within)
        if answers and asyncio.get_running_loop().time() - began >= HEAD_START:
            for task in slow:
                self._breaker.trip(asked[task])
        return dict(answers)

    async def end(self) -> None:
        """Ask nobody any more."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _ask(self, caller: Caller, node_id: str, node: Node, request: tuple[str, str]) -> Answer | None:
        try:
            answer = await self._asking.ask(caller, node_id, node, *request, within=WITHIN)
        except OwnerError as error:
            if isinstance(error, OwnerSilent):
                self._breaker.trip(node_id)
            return None
        self._breaker.reset(node_id)
        return answer if answer.allows or answer.refuses else None


async def _wait(
    pending: set[asyncio.Task[None]], enough: Callable[[], bool], head_start: float, within: float
) -> set[asyncio.Task[None]]:
    """Those that are not done when it is enough, after the head start, or when the time is over."""
    began, now = asyncio.get_running_loop().time(), asyncio.get_running_loop().time
    while pending and (passed := now() - began) < within:
        if passed >= head_start and enough():
            break
        limit = within if passed >= head_start else head_start
        _, pending = await asyncio.wait(pending, timeout=limit - passed, return_when=asyncio.FIRST_COMPLETED)
    return pending
