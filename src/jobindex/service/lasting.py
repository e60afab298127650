"""What a replica keeps, which Python's search for cycles need not look through again and again.

With a million jobs one such look stops a replica for half a second.
"""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

WHOLE = 2
"""The generation that holds everything."""
LONGEST = 0.02
"""Seconds of a look that are too long to be spent on the same again: some 100,000 objects."""


@contextmanager
def lasting() -> Iterator[None]:
    """What is made meanwhile stays and is in no cycle, so nobody looks for one."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


@contextmanager
def looking_once(longest: float = LONGEST) -> Iterator[None]:
    """What is there after a whole look that took long is not looked through by the next one, for the whole process.

    A cycle that is in use at that moment is never found.  That is rare: the next long look comes when as much again
    has been made.
    """
    began = 0.0

    def look(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = time.perf_counter()
        elif info["generation"] == WHOLE and time.perf_counter() - began >= longest:
            gc.freeze()

    gc.callbacks.append(look)
    try:
        yield
    finally:
        gc.callbacks.remove(look)
