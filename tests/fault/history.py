"""What clients asked and what came, and what was done to the cluster meanwhile: one line of JSON each.

Times are seconds of the machine's monotonic clock, which all share.
"""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson

Result = Literal["ok", "refused", "fail", "unknown"]
"""Answered as asked; Orthanc said no; not done, as the answer says; nobody can tell."""


class Shown(NamedTuple):
    """A job in a list; `lost` if the index concluded its end."""

    state: str
    node: str
    lost: bool = False

    @property
    def ended(self) -> bool:
        return self.state in ("Success", "Failure") and not self.lost


@dataclass(frozen=True, slots=True)
class Call:
    """One question.  `status` 0: no answer came.  `age`: seconds by which the answer said it was stale.

    `id` is the job's, `node` the Orthanc it was submitted to, where there is one; `jobs` are those of a list.
    """

    client: str
    verb: str
    began: float
    ended: float
    result: Result
    status: int = 0
    id: str = ""
    node: str = ""
    age: float | None = None
    jobs: dict[str, Shown] | None = None

    @property
    def as_of(self) -> float:
        """The moment that the answer shows at the earliest, if it is what it says."""
        return self.began if self.age is None else self.began - self.age - 1.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done to a part, and until when it lasted."""

    name: str
    part: str
    began: float
    ended: float


@dataclass
class History:
    """Everything that happened; kept in a file too, for whoever looks for the cause of a breach."""

    path: Path
    calls: list[Call] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    _lists: dict[bytes, int] = field(default_factory=dict, repr=False)

    def add(self, call: Call) -> Call:
        self.calls.append(call)
        self._write({"call": replace(call, jobs=None), "list": self._told_once(call.jobs)})
        return call

    def add_fault(self, name: str, part: str, began: float) -> None:
        """Note one that ends now."""
        self.faults.append(Fault(name, part, began, time.monotonic()))
        self._write({"fault": self.faults[-1]})

    def of(self, *verbs: str) -> list[Call]:
        return [call for call in self.calls if call.verb in verbs]

    def _told_once(self, jobs: dict[str, Shown] | None) -> Any:
        """A list that came before is a number: that of its first coming."""
        if jobs is None:
            return None
        known = len(self._lists)
        number = self._lists.setdefault(_json(jobs), known)
        return {"number": number} | ({"jobs": jobs} if number == known else {})

    def _write(self, line: dict[str, Any]) -> None:
        with self.path.open("ab") as file:
            file.write(_json(line) + b"\n")


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=list, option=orjson.OPT_SORT_KEYS)
