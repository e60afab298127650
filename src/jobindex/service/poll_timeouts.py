"""Adaptive time-outs: how long each polled node may take to answer, learnt from how long it took.

Law: each kind of question has its own; that a node tells its ids at once says nothing of how long its list takes.
"""

from collections import OrderedDict
from enum import Enum

MAX_TIMEOUT_S = 60.0
"""Seconds that no list may take longer than; then a node is read job by job."""
MAX_KEPT = 10_000


class Question(Enum):
    """What a polled node is asked for."""

    LIST = "list"
    IDS = "ids"
    JOB = "job"


class PollTimeouts:
    """By node and question: at least `shortest`, twice what the last answer took, doubled where none came."""

    def __init__(self, shortest: float) -> None:
        self._shortest = shortest
        self._known: OrderedDict[tuple[str, Question], float] = OrderedDict()

    def of(self, node_id: str, question: Question) -> float:
        return self._known.get((node_id, question), self._shortest)

    def longest(self, node_id: str) -> float:
        """Of all its questions."""
        return max(self.of(node_id, question) for question in Question)

    def answered(self, node_id: str, question: Question, took: float) -> None:
        """An answer came, in so many seconds."""
        self._keep(node_id, question, 2 * took)

    def silent(self, node_id: str, question: Question) -> None:
        """None came in time."""
        self._keep(node_id, question, 2 * self.of(node_id, question))

    def _keep(self, node_id: str, question: Question, seconds: float) -> None:
        self._known.pop((node_id, question), None)
        if seconds > self._shortest:
            self._known[node_id, question] = min(seconds, MAX_TIMEOUT_S)
        while len(self._known) > MAX_KEPT:
            self._known.popitem(last=False)
