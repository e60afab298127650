"""What this replica has just told the index: its view need not read that back.

Law: a word is taken from here only where the change log names the very call that brought it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

MOST = 5000
"""Words that are kept: what was told before is read like everybody else's."""
MAX_BYTES = 16 << 20
"""Bytes of their texts.  What Redis had already is in no entry of the log, so nobody takes it from here."""


class _HasText(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def text(self) -> bytes: ...


Word = TypeVar("Word", bound=_HasText)


class Told(Generic[Word]):
    """By the word that names a call, and the id of the job."""

    def __init__(self) -> None:
        self._words: OrderedDict[tuple[str, str], Word] = OrderedDict()
        self._size = 0

    def note(self, call: str, words: Sequence[Word]) -> None:
        """This call is about to bring these.  Of two words on one job, only Redis will know which one it took."""
        its = {(call, word.id): word for word in words}
        if len(its) == len(words):
            self._words.update(its)
            self._size += sum(len(word.text) for word in words)
        while len(self._words) > MOST or self._size > MAX_BYTES:
            _, oldest = self._words.popitem(last=False)
            self._size -= len(oldest.text)

    def take(self, call: str, job_id: str) -> Word | None:
        """What this call brought on this job, once; None where another replica made it, or that is too long ago."""
        word = self._words.pop((call, job_id), None)
        self._size -= len(word.text) if word else 0
        return word
