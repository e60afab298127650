"""Tells the Orthanc Job Index what becomes of this Orthanc's jobs; the index may fail, Orthanc goes on.

Orthanc's callback only notes which job an event is about.  The reader thread reads that job at once, since a
short history forgets it soon, and puts it into the outbox.  The sender thread posts what is in the outbox and
keeps it until the service has acknowledged it.  Events come first; now and then a *round* asks Orthanc for all
ids and reads the jobs whose end the service does not know yet.

One file by purpose, for the Python plugin 4.0 and newer.  That release holds Python's lock in every call of the
`orthanc` module, so nothing that waits for the network may go through it: reports use http.client.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import random
import re
import secrets
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

import orthanc

PLUGIN_VERSION = "1.0.0"

HEARTBEAT, BUSY_HEARTBEAT = 5.0, 1.0  # seconds from round to round; busy is who has an unfinished job
EVERYTHING_EVERY = 60.0  # seconds between rounds that read every job
AT_LEAST_BETWEEN = 0.5  # seconds between rounds, however often the service asks for everything
FAILED_AGE = 5.0  # seconds before a failed job is read again: resubmitting it causes no event
MOST_REREAD = 500  # known jobs read in a round: some 20 ms of Python's lock; a longer queue takes turns

LINGER = 0.01  # seconds that a report waits for company
TIMEOUT = 2.0  # seconds, for each of connecting, sending, waiting for the answer
SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 7.0  # seconds; the longest and two time-outs end before a node counts as late
FAREWELL = 0.9  # seconds that Orthanc's stop may be held up

MOST_JOBS = 200  # in a report
MOST_BYTES = 3_900_000  # in a report, the frame around the jobs not counted
MOST_ANSWER = 4_000_000  # bytes of an answer
OUTBOX_JOBS, OUTBOX_BYTES = 20_000, 64_000_000
MOST_EVENTS = 20_000  # noted and not yet read
MOST_WANTED = 200_000

UNFINISHED = ("Pending", "Running", "Retry", "Paused")
KINDS = {
    orthanc.ChangeType.JOB_SUBMITTED: "JobSubmitted",
    orthanc.ChangeType.JOB_SUCCESS: "JobSuccess",
    orthanc.ChangeType.JOB_FAILURE: "JobFailure",
}
ENDS = {"Success": "JobSuccess", "Failure": "JobFailure"}
JOB_ID = re.compile("[0-9a-f-]{36}")  # nothing else that the service names is asked of Orthanc
TIMESTAMP = re.compile(rb'"Timestamp"\s*:\s*"[^"]*"')


class Misconfigured(Exception):
    """The plugin can't report; says what an administrator has to set."""


class Settings(NamedTuple):
    """Where this node reports, as whom, and what it tells of itself when it registers."""

    urls: tuple[SplitResult, ...]
    secret: bytes
    node: str
    registration: dict[str, Any]
    tls: ssl.SSLContext | None


def read_settings(orthanc_json: Mapping[str, Any], version: str, environment: Mapping[str, str]) -> Settings:
    """The environment wins over the section "JobIndex" of Orthanc's configuration; Misconfigured says what is amiss."""
    members = ("Urls", "SecretFile", "Secret", "NodeId", "NodeUrl", "CaFile")
    variables = {member: "JOBINDEX_" + re.sub(r"\B([A-Z])", r"_\1", member).upper() for member in members}
    told = {member: environment[name] for member, name in variables.items() if environment.get(name, "").strip()}
    section = orthanc_json.get("JobIndex") or {}
    merged = {**section, **told}
    urls = read_urls(merged.get("Urls") or ())
    return Settings(
        urls=urls,
        secret=read_secret(told if told.keys() & {"SecretFile", "Secret"} else section),
        node=read_node_id(merged.get("NodeId"), orthanc_json),
        registration=introduce(orthanc_json, merged.get("NodeUrl"), version),
        tls=trust(merged.get("CaFile")) if any(url.scheme == "https" for url in urls) else None,
    )


def read_urls(given: Any) -> tuple[SplitResult, ...]:
    """Addresses of the service, in the order in which they are tried."""
    listed = given.split(",") if isinstance(given, str) else given
    urls = tuple(urlsplit(url.strip().rstrip("/")) for url in listed if url.strip())
    if not urls:
        raise Misconfigured('no "Urls" (JOBINDEX_URLS) of the Job Index are set')
    for url in urls:
        if url.scheme not in ("http", "https") or not url.hostname or url.port == 0:
            raise Misconfigured('each of "Urls" (JOBINDEX_URLS) must be http(s)://host:port')
    return urls


def read_secret(source: Mapping[str, Any]) -> bytes:
    """The cluster's secret, from its file if one is named."""
    if source.get("SecretFile"):
        try:
            secret = Path(source["SecretFile"]).read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise Misconfigured(f"the secret's file can't be read ({type(error).__name__})") from error
    else:
        secret = source.get("Secret") or ""
    if not secret.strip():
        raise Misconfigured('no cluster secret is set: "SecretFile" (JOBINDEX_SECRET_FILE)')
    return secret.strip().encode()


def read_node_id(configured: str | None, orthanc_json: Mapping[str, Any]) -> str:
    """The configured id, else one that tells this Orthanc from the others, in the characters an id may have."""
    name, port = orthanc_json.get("Name") or "Orthanc", orthanc_json.get("HttpPort", 8042)
    return re.sub(r"[^A-Za-z0-9._-]", "-", configured or f"{name}-{socket.gethostname()}-{port}")[:64]


def introduce(orthanc_json: Mapping[str, Any], url: str | None, version: str) -> dict[str, Any]:
    """The report's member "Register"."""
    return {
        "Name": str(orthanc_json.get("Name") or "Orthanc")[:256],
        "Url": url.rstrip("/") if url else None,
        "HttpPort": orthanc_json.get("HttpPort", 8042),
        "Tls": bool(orthanc_json.get("SslEnabled", False)),
        "Version": version[:64],
        "Plugin": PLUGIN_VERSION,
    }


def trust(ca_file: str | None) -> ssl.SSLContext:
    """Whom to believe that it is the service: those the given authority vouches for, else the system's."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise Misconfigured(f'"CaFile" (JOBINDEX_CA_FILE) can\'t be used ({type(error).__name__})') from error


def moment(seconds: float) -> str:
    """Seconds since 1970 in Orthanc's time form."""
    micros = int(seconds * 1_000_000)
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(micros // 1_000_000))}.{micros % 1_000_000:06d}"


class Clock:
    """The node's wall clock, and how often it has been set since this incarnation began."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._ahead = wall() - steady()
        self._epoch = 0
        self._lock = threading.Lock()

    def read(self) -> tuple[float, int]:
        """Seconds since 1970, and the clock epoch.  A clock that drifts is not set; one that jumps > 1 s is."""
        with self._lock:
            now = self._wall()
            ahead = now - self._steady()
            if abs(ahead - self._ahead) > 1:
                self._epoch += 1
            self._ahead = ahead
            return now, self._epoch


class Happening(NamedTuple):
    """An event of Orthanc: its kind, and when we were told."""

    kind: str
    time: float


class Inbox:
    """Events that were noted and not yet read, the latest of each job, in the order of the first."""

    def __init__(self) -> None:
        self.bell = threading.Event()
        self._events: dict[str, Happening] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._events)

    def put(self, job: str, event: Happening) -> None:
        """Returns at once.  What is beyond the bound is found by the next round."""
        with self._lock:
            if job in self._events or len(self._events) < MOST_EVENTS:
                self._events[job] = event
        self.bell.set()

    def take(self) -> tuple[str, Happening] | None:
        with self._lock:
            job = next(iter(self._events), None)
            return None if job is None else (job, self._events.pop(job))


@dataclass(eq=False)
class Entry:
    """What is to be told of one job: its text, or the event of a job that can't be read any more, or both."""

    job: str
    taken: float
    clock: int
    text: bytes = b""  # a JSON string that holds the job as Orthanc printed it
    state: str = ""
    mark: int = 0
    event: Happening | None = None
    number: int = 0  # given by the outbox: older entries have smaller ones

    @property
    def size(self) -> int:
        return len(self.text) + (150 if self.event else 1)

    @property
    def final(self) -> bool:
        return self.event is not None or self.state in ENDS


@dataclass(eq=False)
class Round:
    """One look at all that Orthanc has; it ends as a complete report, which follows the jobs read for it."""

    taken: float
    clock: int
    asked: int
    everything: bool
    ids: list[str]
    rest: deque[str]
    number: int = 0  # given by the outbox: all entries up to this one go before or with it

    @property
    def size(self) -> int:
        return 40 * len(self.ids)


class Batch(NamedTuple):
    """What one report takes from the outbox."""

    entries: list[Entry]
    round: Round | None = None


class Outbox:
    """What was read and is not yet acknowledged.

    Bounded: half of the room is for jobs that go on, since a later round reads them again; what is beyond the
    bound shrinks to its event, then to nothing, and the round after tells it if Orthanc still knows it.
    """

    def __init__(self) -> None:
        self.bell = threading.Event()
        self._entries: dict[str, Entry] = {}
        self._bytes = 0
        self._number = 0
        self._round: Round | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def crowded(self) -> bool:
        """Whether what is not urgent should wait: a report is on its way and the next one is full."""
        return len(self._entries) >= 2 * MOST_JOBS

    def closes(self, asked: int) -> bool:
        """Whether a round that is still valid waits to be acknowledged."""
        ended = self._round
        return ended is not None and ended.asked == asked

    def held(self, job: str) -> Entry | None:
        return self._entries.get(job)

    def put(self, entry: Entry) -> None:
        """Take the place of what was to be told of the same job, in the queue too."""
        with self._lock:
            before = self._entries.get(entry.job)
            fitting = self._fit(entry, before)
            if fitting is not None:
                self._number += 1
                fitting.number = before.number if before else self._number
                self._entries[entry.job] = fitting
                self._bytes += fitting.size - (before.size if before else 0)
        self.bell.set()

    def close(self, ended: Round) -> None:
        """The reader is through with a round: what was put so far, then its ids."""
        with self._lock:
            ended.number = self._number
            self._round = ended
        self.bell.set()

    def take(self, limit: int, asked: int) -> Batch:
        """The oldest entries of one clock epoch, and the round if nothing it has to follow is left behind.

        Alone where reports are being refused (`limit` below the usual), to find out what is refused.
        """
        with self._lock:
            if self._round and self._round.asked != asked:
                self._round = None
            entries = list(self._oldest(limit))
            ready = self._round is not None and self._joins(self._round, entries, limit)
            return Batch(entries, self._round if ready else None)

    def settle(self, batch: Batch) -> None:
        """Forget what was acknowledged, but not what has been read anew meanwhile."""
        with self._lock:
            for entry in batch.entries:
                if self._entries.get(entry.job) is entry:
                    del self._entries[entry.job]
                    self._bytes -= entry.size
            if batch.round is self._round:
                self._round = None

    def _fit(self, entry: Entry, before: Entry | None) -> Entry | None:
        if entry.event and before and before.text:
            entry = replace(before, event=entry.event)
        share = 1.0 if entry.final else 0.5
        many = before is None and len(self._entries) >= share * OUTBOX_JOBS
        large = self._bytes + entry.size - (before.size if before else 0) > share * OUTBOX_BYTES
        if not large and not many:
            return entry
        if many or not entry.final:
            return None
        event = entry.event or Happening(ENDS[entry.state], entry.taken)
        return Entry(entry.job, entry.taken, entry.clock, event=event)

    def _oldest(self, limit: int) -> Iterator[Entry]:
        size, clock = 0, None
        for count, entry in enumerate(self._entries.values()):
            size += entry.size
            if count == limit or (count and (size > MOST_BYTES or entry.clock != clock)):
                return
            clock = entry.clock
            yield entry

    def _joins(self, ended: Round, entries: list[Entry], limit: int) -> bool:
        left = next(islice(self._entries.values(), len(entries), None), None)
        if left and left.number <= ended.number:
            return False
        alike = all(entry.clock == ended.clock for entry in entries[:1])
        fits = limit == MOST_JOBS and sum(entry.size for entry in entries) + ended.size <= MOST_BYTES
        return not entries or (alike and fits)


@dataclass
class Told:
    """What the service has acknowledged of a job; without a mark it took nothing and is told again."""

    state: str
    mark: int | None
    at: float
    dropped: bool = False  # it can't be told at all


class Ledger:
    """What the service knows of the jobs that Orthanc has; as many as Orthanc has, no more."""

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}

    def note(self, entry: Entry, *, refused: bool = False, dropped: bool = False) -> None:
        if entry.text:
            mark = None if refused else entry.mark
            self._told[entry.job] = Told(entry.state, mark, time.monotonic(), dropped)

    def knows_success(self, job: str) -> bool:
        told = self._told.get(job)
        return told is not None and told.mark is not None and told.state == "Success"

    def is_open(self, job: str) -> bool:
        """Whether the job has not ended, or is unknown."""
        told = self._told.get(job)
        return told is None or told.state in UNFINISHED

    def is_told(self, job: str, mark: int, *, demanded: bool) -> bool:
        """Whether this text of a job need not be told, the time of reading apart."""
        told = self._told.get(job)
        if told is None or told.mark != mark or (demanded and not told.dropped):
            return False
        told.at = time.monotonic()
        return True

    def is_due(self, job: str) -> bool:
        """Whether the job may be other than the service knows it."""
        told = self._told.get(job)
        if told is None:
            return True
        if told.mark is None or told.state == "Failure":
            return time.monotonic() - told.at >= FAILED_AGE
        return told.state != "Success"

    def urgency(self, job: str) -> tuple[bool, float]:
        """Sorts jobs that run before all others, then those read longest ago first."""
        told = self._told.get(job)
        return (False, 0.0) if told is None else (told.state != "Running", told.at)

    def keep(self, ids: set[str]) -> None:
        for job in [job for job in list(self._told) if job not in ids]:
            self._told.pop(job, None)

    def clear(self) -> None:
        self._told = {}


class Orders:
    """What the service has asked for; the sender writes it, the reader acts on it."""

    def __init__(self) -> None:
        self.registered = False
        self.asked = 0  # how often everything was asked for; a round of an earlier asking is void
        self.served = 0
        self.wanted: deque[str] = deque(maxlen=MOST_WANTED)


def fetch(path: str) -> bytes | None:
    """Orthanc's own answer; None if there is none: the job is forgotten, or Orthanc is stopping."""
    try:
        answer = orthanc.RestApiGet(path)
    except Exception:
        return None
    return answer.encode() if isinstance(answer, str) else bytes(answer)


class Reader(threading.Thread):
    """Reads jobs: those of events first, then those the service wants, then those of the round."""

    def __init__(self, inbox: Inbox, outbox: Outbox, ledger: Ledger, orders: Orders, clock: Clock) -> None:
        super().__init__(name="jobs reader", daemon=True)
        self._inbox, self._outbox, self._ledger, self._orders = inbox, outbox, ledger, orders
        self._clock = clock
        self._round: Round | None = None
        self._began = 0.0
        self._due = 0.0
        self._everything_due = 0.0
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            self._inbox.bell.clear()
            pause = shielded(self._work)
            self._inbox.bell.wait(1.0 if pause is None else pause)

    def stop(self) -> None:
        self.stopping.set()
        self._inbox.bell.set()

    def _work(self) -> float:
        """Read until there is nothing to read; seconds until there may be, if the bell doesn't ring before."""
        while not self.stopping.is_set():
            if noted := self._inbox.take():
                self._read_event(*noted)
            elif self._outbox.crowded:
                return HEARTBEAT
            elif self._orders.wanted:
                self._read_wanted(self._orders.wanted.popleft())
            elif not self._go_round():
                return self._rest()
        return 0.0

    def _rest(self) -> float:
        if self._outbox.closes(self._orders.asked) or not self._orders.registered:
            return HEARTBEAT
        return max(0.0, self._next() - time.monotonic())

    def _next(self) -> float:
        asked = self._orders.asked != self._orders.served
        return self._began + AT_LEAST_BETWEEN if asked else self._due

    def _read_event(self, job: str, event: Happening) -> None:
        """A job that has succeeded stays so: what was read at its submission may be its end already."""
        held = self._outbox.held(job)
        if held.state == "Success" if held else self._ledger.knows_success(job):
            return
        if not self._read(job) and not (held and ENDS.get(held.state) == event.kind):
            _, clock = self._clock.read()
            self._outbox.put(Entry(job, event.time, clock, event=event))

    def _read_wanted(self, job: str) -> None:
        if self._outbox.held(job) is None:
            self._read(job, demanded=True)

    def _go_round(self) -> bool:
        """One step of a round; False when there is nothing to do."""
        if self._round and self._round.asked != self._orders.asked:
            self._round = None
        if self._round is None:
            return self._begin_round()
        if self._round.rest:
            self._read_due(self._round.rest.popleft(), everything=self._round.everything)
        else:
            self._outbox.close(self._round)
            self._round = None
        return True

    def _begin_round(self) -> bool:
        """No round before the last one is acknowledged: while the service is away, nothing is read in vain."""
        now = time.monotonic()
        if not self._orders.registered or self._outbox.closes(self._orders.asked) or now < self._next():
            return False
        asked = self._orders.asked
        everything = asked != self._orders.served or now >= self._everything_due
        taken, clock = self._clock.read()
        listed = fetch("/jobs")
        self._began, self._due = now, now + BUSY_HEARTBEAT
        if listed is None:
            return False
        ids: list[str] = json.loads(listed)
        self._ledger.keep(set(ids))
        self._round = Round(taken, clock, asked, everything, ids, deque(self._agenda(ids, everything)))
        self._schedule(now, everything, ids)
        return True

    def _agenda(self, ids: list[str], everything: bool) -> list[str]:
        due = ids if everything else [job for job in ids if self._ledger.is_due(job)]
        ordered = sorted(due, key=self._ledger.urgency)
        return ordered if everything else ordered[:MOST_REREAD]

    def _schedule(self, now: float, everything: bool, ids: list[str]) -> None:
        busy = any(map(self._ledger.is_open, ids))
        self._due = now + (BUSY_HEARTBEAT if busy else HEARTBEAT)
        if everything:
            self._everything_due = now + EVERYTHING_EVERY

    def _read_due(self, job: str, *, everything: bool) -> None:
        held = self._outbox.held(job)
        if held is None or not held.final:
            self._read(job, demanded=everything)

    def _read(self, job: str, *, demanded: bool = False) -> bool:
        """Read a job and put it into the outbox, unless the service knows it so; False if it is gone."""
        found = self._fetch_in_one_epoch(f"/jobs/{job}")
        if found is None:
            return False
        text, taken, clock = found
        mark = hash(TIMESTAMP.sub(b"", text))
        if self._outbox.held(job) is None and self._ledger.is_told(job, mark, demanded=demanded):
            return True
        state: str = json.loads(text)["State"]
        told = json.dumps(text.decode("utf-8", "replace"), ensure_ascii=False).encode()
        self._outbox.put(Entry(job, taken, clock, told, state, mark))
        if state in UNFINISHED:
            self._due = min(self._due, time.monotonic() + BUSY_HEARTBEAT)
        return True

    def _fetch_in_one_epoch(self, path: str) -> tuple[bytes, float, int] | None:
        """A text whose stamp is of the clock epoch that it is told with."""
        while True:
            taken, clock = self._clock.read()
            text = fetch(path)
            if text is None or self._clock.read()[1] == clock:
                return None if text is None else (text, taken, clock)


class Answer(NamedTuple):
    """What the service said; status 0 if nothing that is HTTP."""

    status: int
    said: dict[str, Any]


class Service:
    """The way to the service: one kept connection to one of its addresses, signed posts, redirects not followed."""

    def __init__(self, settings: Settings, at: int = 0, offset: int = 0) -> None:
        self._settings = settings
        self._at = at
        self._offset = offset  # milliseconds that the service's clock is ahead of ours
        self._connection: http.client.HTTPConnection | None = None
        self._aborted = False

    @property
    def _url(self) -> SplitResult:
        return self._settings.urls[self._at % len(self._settings.urls)]

    @property
    def address(self) -> str:
        return f"{self._url.scheme}://{self._url.hostname}:{self._url.port or self._url.scheme}"

    def post(self, body: bytes, timeout: float = TIMEOUT) -> Answer:
        """Never raises.  A kept connection may have been closed meanwhile, and is replaced once."""
        kept = self._connection is not None
        try:
            return self._exchange(body, timeout)
        except ConnectionError:
            self.close()
            return self.post(body, timeout) if kept and not self._aborted else Answer(0, {})
        except (OSError, http.client.HTTPException):
            self.close()
            return Answer(0, {})

    def turn(self) -> None:
        """Try the next address from now on."""
        self.close()
        self._at += 1

    def fork(self) -> Service:
        """Another way to the same address, for another thread."""
        return Service(self._settings, self._at, self._offset)

    def adopt(self, service_time: object) -> bool:
        """Take over the service's clock for what is signed next; whether that changes much."""
        if not isinstance(service_time, int):
            return False
        before, self._offset = self._offset, service_time - round(time.time() * 1000)
        return abs(self._offset - before) > 1000

    def abort(self) -> None:
        """End a post that another thread waits for."""
        self._aborted = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            try:
                # not the TLS method, which isn't for a second thread
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, body: bytes, timeout: float) -> Answer:
        connection = self._connection = self._connection or self._connect(timeout)
        path = f"/nodes/{self._settings.node}/report"
        connection.request("POST", self._url.path + path, body, self._sign(path, body))
        response = connection.getresponse()
        told = response.read(MOST_ANSWER)
        if not response.isclosed():
            self.close()
        try:
            said = json.loads(told)
        except ValueError:
            said = {}
        return Answer(response.status, said if isinstance(said, dict) else {})

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        host = self._url.hostname or ""
        if self._url.scheme == "https":
            return http.client.HTTPSConnection(host, self._url.port, timeout=timeout, context=self._settings.tls)
        return http.client.HTTPConnection(host, self._url.port, timeout=timeout)

    def _sign(self, path: str, body: bytes) -> dict[str, str]:
        now, nonce = str(round(time.time() * 1000) + self._offset), secrets.token_hex(16)
        message = "\n".join(["POST", path, now, nonce, hashlib.sha256(body).hexdigest()])
        return {
            "Content-Type": "application/json",
            "X-Job-Index-Time": now,
            "X-Job-Index-Nonce": nonce,
            "X-Job-Index-Signature": hmac.new(self._settings.secret, message.encode(), hashlib.sha256).hexdigest(),
        }


def write_report(head: Mapping[str, Any], batch: Batch) -> bytes:
    """The report's JSON; the jobs are in it as they are in the outbox, encoded once."""
    members = dict(head)
    events = [(entry.job, entry.event) for entry in batch.entries if entry.event]
    if events:
        members["Events"] = [{"ID": job, "Kind": event.kind, "Time": moment(event.time)} for job, event in events]
    if batch.round:
        members.update(Ids=batch.round.ids, Complete=True)
    frame = json.dumps(members, separators=(",", ":")).encode()
    return frame[:-1] + b',"Jobs":[' + b",".join(entry.text for entry in batch.entries if entry.text) + b"]}"


class Journal:
    """Writes each trouble with the service into Orthanc's log once, until reports arrive again."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def trouble(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            log(orthanc.LogWarning, message)

    def fine(self, message: str) -> None:
        if self._told or message:
            log(orthanc.LogWarning, message or "the Job Index takes reports again")
        self._told.clear()


class Sender(threading.Thread):
    """Registers this node, then posts what is in the outbox and acts on the answers."""

    def __init__(
        self, settings: Settings, inbox: Inbox, outbox: Outbox, ledger: Ledger, orders: Orders, clock: Clock
    ) -> None:
        super().__init__(name="jobs sender", daemon=True)
        self._settings = settings
        self._service = Service(settings)
        self._inbox, self._outbox, self._ledger, self._orders = inbox, outbox, ledger, orders
        self._clock = clock
        self._journal = Journal()
        self._incarnation = secrets.token_hex(16)
        self._failures = 0
        self._limit = MOST_JOBS
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            self._outbox.bell.clear()
            pause = shielded(self._send_all)
            self._outbox.bell.wait(1.0 if pause is None else pause)
        self._service.close()

    def stop(self) -> None:
        self.stopping.set()
        self._outbox.bell.set()
        self._service.abort()

    def say_goodbye(self, deadline: float) -> None:
        """One last report, with what is left; on a way of its own, as the usual one may hang."""
        service = self._service.fork()
        batch = self._outbox.take(MOST_JOBS, self._orders.asked)._replace(round=None)
        body = write_report({**self._head(batch), "Goodbye": True}, batch)
        for left in range(len(self._settings.urls), 0, -1):
            patience = (deadline - time.monotonic()) / left
            if not self._orders.registered or patience <= 0.02 or service.post(body, patience).status == 200:
                break
            service.turn()
        service.close()

    def _send_all(self) -> float:
        while not self.stopping.is_set() and self._send():
            continue
        return HEARTBEAT

    def _send(self) -> bool:
        """One report; False when there is nothing to say."""
        if not self._orders.registered:
            return self._register()
        if len(self._outbox) < MOST_JOBS:
            self.stopping.wait(LINGER)
        batch = self._outbox.take(self._limit, self._orders.asked)
        if not batch.entries and not batch.round:
            return False
        answer = self._service.post(write_report(self._head(batch), batch))
        if 200 <= answer.status < 300:
            self._acknowledged(batch, answer.said)
        elif answer.status in (400, 413):
            self._refused(batch, answer)
        else:
            self._failed(answer)
        return True

    def _register(self) -> bool:
        head = {**self._head(Batch([])), "Register": self._settings.registration}
        answer = self._service.post(write_report(head, Batch([])))
        if not 200 <= answer.status < 300:
            self._failed(answer)
            return True
        self._journal.fine(f"node {self._settings.node} is registered at the Job Index, {self._service.address}")
        self._ledger.clear()
        self._orders.asked += 1
        self._orders.registered = True
        self._inbox.bell.set()
        return True

    def _head(self, batch: Batch) -> dict[str, Any]:
        """The members that every report has; its time is that of its ids, else of the oldest reading in it."""
        taken, clock = self._clock.read()
        if batch.round:
            taken, clock = batch.round.taken, batch.round.clock
        elif batch.entries:
            taken, clock = min(entry.taken for entry in batch.entries), batch.entries[0].clock
        return {"Format": 1, "Incarnation": self._incarnation, "Taken": moment(taken), "Clock": clock}

    def _acknowledged(self, batch: Batch, said: dict[str, Any]) -> None:
        self._failures = 0
        self._limit = min(MOST_JOBS, self._limit * 2)
        self._journal.fine("")
        refused = set(said.get("Refused") or ())
        for entry in batch.entries:
            self._ledger.note(entry, refused=entry.job in refused)
        self._outbox.settle(batch)
        self._obey(batch, said)
        self._inbox.bell.set()

    def _obey(self, batch: Batch, said: dict[str, Any]) -> None:
        if batch.round and batch.round.everything:
            self._orders.served = batch.round.asked
        if said.get("Everything"):
            self._orders.asked += 1
        self._orders.wanted.extend(job for job in said.get("Wanted") or () if JOB_ID.fullmatch(job))
        if said.get("Register"):
            self._orders.registered = False

    def _refused(self, batch: Batch, answer: Answer) -> None:
        """Something in the report can't be taken: halve it until that is alone, then do without it."""
        if len(batch.entries) + bool(batch.round) > 1:
            self._limit = max(1, len(batch.entries) // 2)
            return
        for entry in batch.entries:
            log(orthanc.LogWarning, f"the Job Index refuses job {entry.job} ({answer.status}): it is not reported")
            self._ledger.note(entry, dropped=True)
        if batch.round:
            self._journal.trouble(f"the Job Index refuses the list of all jobs ({answer.status})")
            self._pause()
        self._outbox.settle(batch)
        self._inbox.bell.set()

    def _failed(self, answer: Answer) -> None:
        """Keep everything and try again: at once with the right time, else later and at the next address."""
        if answer.status == 401 and self._service.adopt(answer.said.get("Time")) and not self._failures:
            self._failures += 1
            return
        if answer.status == 409 and answer.said.get("Register"):
            self._orders.registered = False
        elif not self.stopping.is_set():
            self._journal.trouble(self._describe(answer))
            self._service.turn()
        self._pause()

    def _pause(self) -> None:
        """Longer each time that all addresses have failed; spread, so that nodes don't come back all at once."""
        rounds = min(self._failures // len(self._settings.urls), 6)
        self._failures += 1
        pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**rounds)
        self.stopping.wait(random.uniform(max(SHORTEST_PAUSE, pause / 2), pause))

    def _describe(self, answer: Answer) -> str:
        if answer.status == 401:
            return "the Job Index refuses our signature: is the cluster's secret the same here and there?"
        if answer.status == 409:
            return f"another living Orthanc reports as node {self._settings.node}: give each its own NodeId"
        return "the Job Index is away or takes no reports; they are kept and sent later"


def shielded(work: Callable[..., Any], *arguments: Any) -> Any:
    """What the work answers, None if it failed: no error of ours may end a thread or reach Orthanc."""
    try:
        return work(*arguments)
    except Exception as error:
        log(orthanc.LogError, f"unexpected {type(error).__name__} in {getattr(work, '__qualname__', 'a callback')}")
        return None


def log(write: Callable[[str], Any], message: str) -> None:
    """Into Orthanc's log, which may be closed already; never what a job says."""
    try:
        write(f"Job Index: {message}")
    except Exception:
        return


class Plugin:
    """One run of this node: an incarnation from Orthanc's start, or its reset, to its stop."""

    def __init__(self) -> None:
        self._inbox = Inbox()
        self._reader: Reader | None = None
        self._sender: Sender | None = None

    def on_change(self, change: int, level: int, resource: str) -> None:
        """Orthanc's callback: on Orthanc's own thread, so it only notes."""
        if change in KINDS:
            self._inbox.put(resource, Happening(KINDS[change], time.time()))
        elif change == orthanc.ChangeType.ORTHANC_STARTED:
            shielded(self._start)
        elif change == orthanc.ChangeType.ORTHANC_STOPPED:
            shielded(self._stop)

    def _start(self) -> None:
        try:
            settings = self._configure()
        except Misconfigured as error:
            log(orthanc.LogError, f"nothing is reported: {error}")
            return
        outbox, ledger, orders, clock = Outbox(), Ledger(), Orders(), Clock()
        self._reader = Reader(self._inbox, outbox, ledger, orders, clock)
        self._sender = Sender(settings, self._inbox, outbox, ledger, orders, clock)
        self._reader.start()
        self._sender.start()

    def _configure(self) -> Settings:
        system = json.loads(fetch("/system") or b"{}")
        return read_settings(json.loads(orthanc.GetConfiguration()), str(system.get("Version", "")), os.environ)

    def _stop(self) -> None:
        """Say goodbye and end the threads, but be through within a second, whatever the service does."""
        deadline = time.monotonic() + FAREWELL
        if not self._reader or not self._sender:
            return
        self._reader.stop()
        self._sender.stop()
        farewell = threading.Thread(target=shielded, args=(self._sender.say_goodbye, deadline), daemon=True)
        farewell.start()
        for thread in (farewell, self._sender, self._reader):
            thread.join(max(0.0, deadline - time.monotonic()))


orthanc.RegisterOnChangeCallback(Plugin().on_change)
