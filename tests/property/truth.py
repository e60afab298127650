"""What really happens on the nodes, and what was told of it: the truth that the index is held against.

The expectation is made of *sets* of words, so no order of arrival can be in it: of what was told of a job the
newest counts, and a mark (missed, lost ...) holds for as long as the word that it was put on is the newest.
"""

from dataclasses import dataclass, field

from jobindex.model.job import FINAL
from jobindex.model.record import HELD, HISTORY, LOST, MISSED, Record
from jobindex.store.jobs import Stored

from ..builders import stamp, word

NEXT = {
    "Pending": ("Running", "Paused", "Failure"),
    "Running": ("Running", "Success", "Failure", "Paused", "Retry"),
    "Paused": ("Pending",),
    "Retry": ("Pending",),
    "Failure": ("Pending",),  # a resubmit
    "Success": (),
}

Order = tuple[int, int, str]
"""Incarnation, clock epoch, stamp: the greatest is the newest."""


def order(record: Record) -> Order:
    return int(record.incarnation[1:]), record.clock, record.stamp


@dataclass
class Reading:
    """A complete report: what a node had just after `taken`."""

    node: str
    incarnation: str
    clock: int
    taken: str
    ids: frozenset[str]


@dataclass
class Orthanc:
    """A node as it is.  `run` counts its incarnations, `clock` the steps of its wall clock, `time` is that clock."""

    name: str
    run: int = 1
    clock: int = 0
    time: int = 100
    jobs: dict[str, Stored] = field(default_factory=dict)

    @property
    def incarnation(self) -> str:
        return f"{self.name}{self.run}"

    def says(self, number: int, state: str, sequence: int) -> Stored:
        """A new word on a job; no two are alike but for their time stamps."""
        self.time += 1
        said = word(
            number, state, self.time, node=self.name, incarnation=self.incarnation, clock=self.clock,
            EffectiveRuntime=float(sequence),
        )  # fmt: skip
        self.jobs[said.id] = said
        return said

    def reads_all(self) -> Reading:
        self.time += 1
        return Reading(self.name, self.incarnation, self.clock, stamp(self.time), frozenset(self.jobs))

    def jumps(self, back: int) -> None:
        """Somebody sets its wall clock."""
        self.clock += 1
        self.time = max(0, self.time - back)

    def restarts(self, saves_jobs: bool) -> None:
        self.run += 1
        self.clock = 0
        unfinished = {name: job for name, job in self.jobs.items() if job.record.state not in FINAL}
        self.jobs = unfinished if saves_jobs else {}


@dataclass
class Told:
    """All that the index was told and may go by."""

    words: dict[str, dict[Order, Record]] = field(default_factory=dict)
    marks: dict[tuple[str, Order], str] = field(default_factory=dict)
    tombstones: set[tuple[str, str]] = field(default_factory=set)

    def tell(self, said: Stored) -> None:
        if (said.id, said.record.incarnation) not in self.tombstones:
            self.words.setdefault(said.id, {})[order(said.record)] = said.record

    def expected(self) -> dict[str, Record]:
        """What the index should say of each job."""
        return {job_id: self._newest(job_id) for job_id in self.words}

    def judge(self, reading: Reading) -> None:
        """What a complete report says of the jobs that it lacks."""
        for job_id, record in self.expected().items():
            if record.node == reading.node and job_id not in reading.ids:
                mark = _judged(record, reading)
                if mark:
                    self.marks[job_id, order(record)] = mark

    def drop(self, job_id: str, tombstone: bool) -> None:
        if tombstone:
            self.tombstones.add((job_id, self._newest(job_id).incarnation))
        del self.words[job_id]
        self.marks = {place: mark for place, mark in self.marks.items() if place[0] != job_id}

    def restore(self, remembered: dict[str, Record]) -> None:
        """A replica writes back what it remembers, where nothing newer was told since."""
        for job_id, record in remembered.items():
            if not self.words.get(job_id) or order(self._newest(job_id)) < order(record):
                self.words.setdefault(job_id, {})[order(record)] = record
                self.marks[job_id, order(record)] = f"{record.mark} {record.rest}".rstrip()

    def _newest(self, job_id: str) -> Record:
        newest = max(self.words[job_id])
        said = self.words[job_id][newest]
        mark, _, rest = self.marks.get((job_id, newest), HELD).partition(" ")
        state = "Failure" if mark == LOST else said.state
        return Record(said.node, said.incarnation, said.clock, said.stamp, state, mark, rest)


def _judged(record: Record, reading: Reading) -> str:
    """The mark that a job gets when it is missed; '' where the report can't judge it."""
    same = record.incarnation == reading.incarnation
    if record.mark not in (HELD, MISSED) or (same and record.order >= (reading.clock, reading.taken)):
        return ""
    if record.final:
        return HISTORY
    if same and record.mark == HELD:
        return f"{MISSED} {reading.taken}"
    return "" if same and record.rest == reading.taken else LOST
