"""What is kept of a job where nothing may be kept that speaks of patients."""

from dataclasses import replace

from jobindex.model.record import LOST
from jobindex.model.text import members, minimal, with_members
from jobindex.store.jobs import Stored


def reduced(job: Stored) -> Stored:
    """The job without it; our own word on why it is lost stays."""
    text = minimal(job.text)
    if job.record.mark == LOST:
        text = with_members(text, {b"ErrorDetails": members(job.text)[b"ErrorDetails"]})
    return job if text == job.text else replace(job, text=text)
