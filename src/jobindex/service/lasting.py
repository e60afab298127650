"""What a replica keeps, which Python's search for cycles need not look through again and again.

With a million jobs one such look stops a replica for half a second.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
def looking_once() -> Iterator[None]:
    """What is there after a whole look is not looked through by the next one, for the whole process.

    A cycle that is in use at that moment is never found: a connection leaves none.
    """
    gc.callbacks.append(_after_look)
    try:
        yield
    finally:
        gc.callbacks.remove(_after_look)


def _after_look(phase: str, info: dict[str, int]) -> None:
    if phase == "stop" and info["generation"] == 2:
        gc.freeze()
