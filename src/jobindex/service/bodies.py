"""Bodies of answers that are kept, the least used of which go first: bounded in bytes, in number and in groups."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sized

MOST_KEPT = 64 << 20
"""Bytes."""
MOST = 64
MAX_GROUPS = 16
"""Groups of bodies; the least used group goes as a whole, so that users of many kinds share what is kept."""


class Bodies:
    """What is kept has its size as its length.  What is larger than the bound is not kept at all."""

    def __init__(self, most: int = MOST_KEPT, group: Callable[[Hashable], Hashable] = lambda _key: None) -> None:
        """`group` says to which group a key belongs; without it there is one."""
        self._most = most
        self._group = group
        self._bodies: OrderedDict[Hashable, Sized] = OrderedDict()
        self._groups: OrderedDict[Hashable, None] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable) -> Sized | None:
        found = self._bodies.get(key)
        if found is not None:
            self._bodies.move_to_end(key)
            self._groups.move_to_end(self._group(key))
        return found

    def keep(self, key: Hashable, body: Sized) -> None:
        """In the place of what was kept by this key."""
        self._size += len(body) - len(self._bodies.pop(key, ()))
        self._bodies[key] = body
        self._use(self._group(key))
        while self._size > self._most or len(self._bodies) > MOST:
            _, oldest = self._bodies.popitem(last=False)
            self._size -= len(oldest)

    def _use(self, group: Hashable) -> None:
        self._groups[group] = None
        self._groups.move_to_end(group)
        if len(self._groups) > MAX_GROUPS:
            least, _ = self._groups.popitem(last=False)
            for key in [key for key in self._bodies if self._group(key) == least]:
                self._size -= len(self._bodies.pop(key))
