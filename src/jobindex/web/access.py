"""What every request leaves: a name, a line in the access log, and its time in the metrics."""

import logging
import os
import time
from collections.abc import Iterator
from functools import lru_cache

from prometheus_client import Histogram

from jobindex import metrics
from jobindex.logs import ACCESS, Plain

log = logging.getLogger(ACCESS)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})
KINDS = frozenset({"jobs", "job-index", "nodes", "-", "metrics", "orthanc"})
"""Methods and first parts of paths that the metrics tell apart; anything else would let callers make up labels."""
INSIDE = frozenset({"-", "metrics", "nodes"})
"""Doors that Orthancs and probes knock at every few seconds."""


def names() -> Iterator[str]:
    """Names for requests, 16 hexadecimal digits at random; the system is asked for 500 at a time."""
    while True:
        digits = os.urandom(4000).hex()
        yield from (digits[start : start + 16] for start in range(0, len(digits), 16))


def note(method: str, path: str, status: int, began: float, name: str) -> None:
    """One line a request, without its query and its headers, which may hold secrets; `began` is of perf_counter."""
    took = time.perf_counter() - began
    kind = _kind(path)
    _timed(kind, method, status).observe(took)
    level = logging.DEBUG if kind in INSIDE else logging.INFO
    if log.isEnabledFor(level):
        log.handle(Plain(ACCESS, level, f"{method} {path} {status} {took * 1000:.1f} ms {name}"))


def _kind(path: str) -> str:
    kind = path.lstrip("/").split("/", maxsplit=1)[0][:16]
    return kind if kind in KINDS else "other"


@lru_cache(maxsize=1000)
def _timed(kind: str, method: str, status: int) -> Histogram:
    """Looked up once: finding a metric by its labels costs as much as the rest of a line."""
    return metrics.requests.labels(kind, method if method in METHODS else "other", status)
