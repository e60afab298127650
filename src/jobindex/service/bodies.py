"""Bodies of answers that are kept, the least used of which go first: bounded in bytes and in number."""

from collections import OrderedDict
from collections.abc import Hashable, Sized

MOST_KEPT = 64 << 20
"""Bytes."""
MOST = 64


class Bodies:
    """What is kept has its size as its length.  What is larger than the bound is not kept at all."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._bodies: OrderedDict[Hashable, Sized] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable) -> Sized | None:
        found = self._bodies.get(key)
        if found is not None:
            self._bodies.move_to_end(key)
        return found

    def keep(self, key: Hashable, body: Sized) -> None:
        """In the place of what was kept by this key."""
        self._size += len(body) - len(self._bodies.pop(key, ()))
        self._bodies[key] = body
        while self._size > self._most or len(self._bodies) > MOST:
            _, oldest = self._bodies.popitem(last=False)
            self._size -= len(oldest)
