"""How a plugin's threads are answered in the event loop, and how none of them waits for ever when that ends."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from jobindex.demo.simulator.router import Answer


class NotRunning(Exception):
    """Asked of an Orthanc that has stopped, or that stopped before it had answered."""


class Asking:
    """A door into the running event loop for other threads; made inside that loop, and closed there."""

    def __init__(self, answer: Callable[[str], Coroutine[Any, Any, Answer]]) -> None:
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[Answer]] = set()
        self._closed = False
        self._lock = threading.Lock()

    def ask(self, path: str) -> Answer:
        """GET a path, from any thread but the loop's; blocks. Raises NotRunning."""
        future: Future[Answer] = Future()
        with self._lock:
            if self._closed:
                raise NotRunning
            self._loop.call_soon_threadsafe(self._begin, path, future)
        return future.result()

    async def close(self) -> None:
        """Take no more questions, and give up those that are open."""
        with self._lock:
            self._closed = True
        await asyncio.sleep(0)  # what was asked before has begun now
        for task in self._tasks:
            task.cancel()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self, path: str, future: Future[Answer]) -> None:
        task = asyncio.create_task(self._answer(path), name=f"plugin asks {path}")
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._settle(ended, future))

    def _settle(self, task: asyncio.Task[Answer], future: Future[Answer]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            future.set_exception(NotRunning())
        elif error := task.exception():
            future.set_exception(error)
        else:
            future.set_result(task.result())
