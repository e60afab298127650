"""A child process with a name, a log and a way to ask whether it is ready; it never outlives its parent."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .probes import Probe, until

START_WITHIN = 30.0  # seconds; a loaded machine starts three Orthancs on a new PostgreSQL in ten
STOP_WITHIN = 10.0  # seconds; Orthanc takes four to stop
LOG_END = 2_000  # bytes of the log that an error shows


class NotStarted(RuntimeError):
    """A part of the cluster did not come up; the text names it and ends with the end of its log."""


@dataclass
class Process:
    """One program of the cluster, which can be started again and again with the same command.

    `user` is whom root runs it as.  `orphaned` is the signal that it gets when its parent dies: one that also
    ends its own children, where it has some.
    """

    name: str
    command: Sequence[str]
    log: Path
    ready: Probe
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    ending: signal.Signals = signal.SIGTERM
    orphaned: signal.Signals = signal.SIGKILL
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        """Raises NotStarted before the first start."""
        if self._child is None:
            raise NotStarted(f"{self.name} was never started")
        return self._child.pid

    async def start(self, within: float = START_WITHIN) -> None:
        """Start, and return when the probe says ready; raises NotStarted."""
        self.launch()
        await self.await_ready(within)

    def launch(self) -> None:
        """Start without waiting.

        Called on the thread of the event loop only: the kernel takes the end of the *thread* that started a
        child for the end of its parent.
        """
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 - the commands are the cluster's own
                [*self._guard(), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**self._surroundings(), **self.environment},
                cwd=self.log.parent,
                start_new_session=True,
                umask=0o077,
            )

    async def await_ready(self, within: float = START_WITHIN) -> None:
        if not await until(self._decided, within):
            raise NotStarted(f"{self.name} was not ready within {within:.0f} s:\n{self.log_end()}")
        if not self.running:
            raise NotStarted(f"{self.name} ended while it started:\n{self.log_end()}")

    async def stop(self, within: float = STOP_WITHIN) -> None:
        """Ask it to end, and kill it when it takes longer."""
        self._signal(self.ending)
        self.thaw()
        if not await until(self._ended, within):
            await self.kill()

    async def kill(self) -> None:
        self._signal(signal.SIGKILL)
        await until(self._ended, STOP_WITHIN)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def log_end(self) -> str:
        return self.log.read_bytes()[-LOG_END:].decode(errors="replace") if self.log.exists() else ""

    def _surroundings(self) -> dict[str, str]:
        """Not ours: a virtual environment on the PATH would mislead the Python inside Orthanc."""
        return {"PATH": f"{os.defpath}:/usr/sbin:/sbin", "HOME": str(self.log.parent), "LC_ALL": "C.UTF-8"}

    def _guard(self) -> list[str]:
        """What sets the orphan's signal, and the user, then becomes the program itself (same pid)."""
        guard = ["setpriv", "--pdeathsig", self.orphaned.name.removeprefix("SIG")]
        if self.user is not None:
            guard += ["--reuid", self.user, "--regid", self.user, "--init-groups"]
        return [*guard, "--"]

    def _signal(self, number: signal.Signals) -> None:
        """To the whole process group, so that workers share their master's fate."""
        if self.running:
            os.killpg(self.pid, number)

    async def _decided(self) -> bool:
        return not self.running or await self.ready()

    async def _ended(self) -> bool:
        return not self.running
