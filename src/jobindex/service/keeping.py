"""Kept members: a finished job's text that its Orthanc says less of, completed from what the view shows.

Law: never after an output of the job was deleted (2xx): then less is what is true.  A text that can't be completed is
taken as it is: no job's fault touches another job.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from jobindex.model.cut import fitted, without
from jobindex.model.edits import Edits, bounded, edits_of
from jobindex.model.job import Job
from jobindex.model.keeping import is_same_end, still_cut, with_kept
from jobindex.model.path import read_path
from jobindex.model.text import members
from jobindex.service.view import View

log = logging.getLogger(__name__)

NOTED_FOR_S = 3600.0
"""By then what was read after a deletion has long been in the index, and its line says so."""
_STAMP = b'"Timestamp":"'
MAX_NOTED = 10_000


class Keeping:
    """Completes readings."""

    def __init__(self, view: View, max_job_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._view = view
        self._max_job_bytes = max_job_bytes
        self._clock = clock
        self._deleted: OrderedDict[str, float] = OrderedDict()
        self._faulty: OrderedDict[str, float] = OrderedDict()

    def note_deletion(self, job_id: str) -> None:
        """An output of this job was deleted just now."""
        _note(self._deleted, job_id, self._clock() + NOTED_FOR_S)

    def completed(self, job: Job) -> tuple[Job, Edits]:
        """A reading with what it lacks of the one before, and what its line says of it."""
        known = self._view.jobs.get(job.id)
        before = edits_of(known.record.rest) if known else Edits()
        if before.is_final or self._is_noted(job.id):
            return job, Edits(bounded(job.cut), is_final=True)
        if known is None or not job.final or known.record.concluded or _alike(known.text, job.text):
            return job, Edits(bounded(job.cut))
        return self._fenced(job, known.text, before)

    def _fenced(self, job: Job, earlier: bytes, before: Edits) -> tuple[Job, Edits]:
        try:
            return self._merged(job, earlier, before)
        except Exception:
            if job.id not in self._faulty:  # told once: it is read again and again
                log.exception("job %s is taken as it is: it can't be completed from its earlier text", job.id)
            _note(self._faulty, job.id)
            return job, Edits(bounded((*job.cut, *before.cut)))

    def _merged(self, job: Job, earlier: bytes, before: Edits) -> tuple[Job, Edits]:
        if not is_same_end(job.text, earlier):
            return job, Edits(bounded(job.cut))
        cut = {*job.cut, *still_cut(job.text, before.cut)}
        text = without(job.text, set(map(read_path, cut))) if cut else job.text
        text, kept = with_kept(text, earlier, cut)
        text, over = fitted(text, self._max_job_bytes)
        progress = int(members(text).get(b"Progress", b"0"))
        return job._replace(text=text, progress=progress), Edits(bounded((*cut, *over)), bounded(kept))

    def _is_noted(self, job_id: str) -> bool:
        return bool(self._deleted) and self._deleted.get(job_id, 0.0) > self._clock()


def _note(noted: OrderedDict[str, float], job_id: str, what: float = 0.0) -> None:
    noted[job_id] = what
    noted.move_to_end(job_id)
    while len(noted) > MAX_NOTED:
        noted.popitem(last=False)


def _alike(text: bytes, other: bytes) -> bool:
    """Whether two texts are the same but for the moment of their reading; how long that is does not change."""
    return len(text) == len(other) and _without_stamp(text) == _without_stamp(other)


def _without_stamp(text: bytes) -> tuple[bytes, bytes]:
    start = text.rfind(_STAMP)
    return text[:start], text[text.find(b'"', start + len(_STAMP)) :]
