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
import ipaddress
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
from dataclasses import dataclass, field, replace
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
MOST_REREAD = 500  # jobs read in a usual round: some 20 ms of Python's lock; a longer queue takes turns

BREATH = 0.0001  # seconds without Python's lock after each of many readings, so that a callback need not wait
LINGER = 0.01  # seconds that a report waits for company
SECRET_EVERY = 1.0  # seconds between looks at the secret's file
TIMEOUT = 2.0  # seconds, for each of connecting, sending, waiting for the answer
SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 7.0  # seconds; the longest and two time-outs end before a node counts as late
FAREWELL = 0.4  # seconds that Orthanc's stop may be held up; with the end of its Python less than a second

MOST_JOBS = 200  # in a report
MOST_BYTES = 3_900_000  # in a report, the frame around the jobs not counted
MOST_ANSWER = 4_000_000  # bytes of an answer
OUTBOX_JOBS, OUTBOX_BYTES = 20_000, 64_000_000
MOST_EVENTS = 20_000  # noted and not yet read
MOST_WANTED = 200_000

KINDS = {
    orthanc.ChangeType.JOB_SUBMITTED: "JobSubmitted",
    orthanc.ChangeType.JOB_SUCCESS: "JobSuccess",
    orthanc.ChangeType.JOB_FAILURE: "JobFailure",
}
ENDS = {"Success": "JobSuccess", "Failure": "JobFailure"}
MEMBERS = (
    *("Urls", "SecretFile", "Secret", "Insecure", "NodeId", "NodeUrl"),
    *("CaFile", "CertificateFile", "KeyFile", "ShareToken"),
)
JOB_ID = re.compile("[0-9a-f-]{36}")  # nothing else that the service names is asked of Orthanc
TIMESTAMP = re.compile(rb'"Timestamp"\s*:\s*"[^"]*"')


@dataclass(frozen=True)
class Settings:
    """Where this node reports, as whom, and what it tells of itself when it registers."""

    urls: tuple[SplitResult, ...]
    secret: Secret = field(repr=False)
    node: str
    registration: dict[str, Any]
    tls: ssl.SSLContext | None
    share_token: bool = False


def read_settings(configuration: Mapping[str, Any], version: str, environment: Mapping[str, str]) -> Settings:
    """The environment wins over the section "JobIndex" of Orthanc's JSON; ValueError and OSError say what is amiss."""
    variables = {member: "JOBINDEX_" + re.sub(r"\B([A-Z])", r"_\1", member).upper() for member in MEMBERS}
    told = {member: environment[name] for member, name in variables.items() if environment.get(name, "").strip()}
    section = configuration.get("JobIndex") or {}
    merged = {**section, **told}
    name, port = configuration.get("Name") or "Orthanc", configuration.get("HttpPort", 8042)
    insecure = str(merged.get("Insecure", "")).strip().lower() in ("true", "1", "yes")
    node = str(merged.get("NodeId") or f"{name}-{socket.gethostname()}-{port}")
    return Settings(
        urls=read_urls(merged.get("Urls") or ()),
        secret=read_secret(told if told.keys() & {"SecretFile", "Secret"} else section, insecure),
        node=re.sub(r"[^A-Za-z0-9._-]", "-", node)[:64],
        registration={
            "Name": name[:256],
            "Url": (merged.get("NodeUrl") or "").rstrip("/") or None,
            "HttpPort": port,
            "Tls": bool(configuration.get("SslEnabled", False)),
            "Version": version[:64],
            "Plugin": PLUGIN_VERSION,
        },
        tls=read_tls(merged.get("CaFile"), merged.get("CertificateFile"), merged.get("KeyFile")),
        share_token=read_switch("ShareToken", merged.get("ShareToken") or False),
    )


def read_switch(member: str, given: Any) -> bool:
    """true or false, as JSON or as text; nothing else is taken for a yes, or for a no."""
    text = str(given).strip().lower()
    if text not in ("true", "false"):
        raise ValueError(f'"{member}" must be true or false')
    return text == "true"


def read_urls(given: Any) -> tuple[SplitResult, ...]:
    """Addresses of the service, a list or separated by commas, in the order in which they are tried."""
    listed = given.split(",") if isinstance(given, str) else given
    urls = tuple(urlsplit(url.strip().rstrip("/")) for url in listed if url.strip())
    if not urls or any(not is_plain(url) for url in urls):
        raise ValueError('"Urls" (JOBINDEX_URLS) must be one or more of http(s)://host:port')
    return urls


def is_private(url: SplitResult) -> bool:
    """Whether nobody on the way can read what is sent there."""
    if url.scheme == "https" or url.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(url.hostname or "").is_loopback
    except ValueError:
        return False


def is_plain(url: SplitResult) -> bool:
    """An address and nothing else: what it is goes into Orthanc's log."""
    return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0 and not url.username


def read_secret(source: Mapping[str, Any], insecure: bool) -> Secret:
    """The cluster's secret, from its file if one is named; there is none only where that was asked for."""
    file = source.get("SecretFile")
    secret = Secret(str(source.get("Secret") or "").encode(), Path(file) if file else None)
    if not secret.key and (file or not insecure):
        raise ValueError('no cluster secret is set: "SecretFile" (JOBINDEX_SECRET_FILE)')
    return secret


def read_tls(ca: str | None, certificate: str | None, key: str | None) -> ssl.SSLContext:
    """Whom we believe (the system's authorities if no file is named), and what we show of ourselves."""
    tls = ssl.create_default_context(cadata=Path(ca).read_text(encoding="ascii") if ca else None)
    if certificate:
        tls.load_cert_chain(certificate, key, password="")
    return tls


class Secret:
    """What reports are signed with: the first line of a file, which is looked at again, or what was given."""

    def __init__(self, given: bytes, file: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._clock = file, clock
        self._looked, self._mark = clock(), None if file is None else self._look(file)
        self._key = self._first(file.read_bytes() if file else given)

    @property
    def key(self) -> bytes:
        """A file that can't be used, or has no secret in it, changes nothing."""
        if self._file and self._clock() - self._looked >= SECRET_EVERY:
            self._looked = self._clock()
            self._look_again(self._file)
        return self._key

    def _look_again(self, file: Path) -> None:
        try:
            mark = self._look(file)
            if mark != self._mark:
                self._key = self._first(file.read_bytes()) or self._key
                self._mark = mark
        except OSError:
            return

    def _look(self, file: Path) -> tuple[int, ...]:
        found = file.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _first(self, text: bytes) -> bytes:
        return next((line.strip() for line in text.splitlines() if line.strip()), b"")


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
    mark: int = 0  # equal for texts that differ in their stamp only
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
    number: int = 0  # given by the outbox: all entries up to this one go before it or with it


class Batch(NamedTuple):
    """What one report takes from the outbox."""

    entries: list[Entry]
    round: Round | None = None


class Outbox:
    """What was read and is not yet acknowledged.

    Bounded: half of the room is for jobs that go on, since a later round reads them again; what is beyond the
    bound shrinks to its event, then to nothing, and a later round tells it if Orthanc still knows it.
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
        """The oldest entries of one clock epoch, and the round if nothing that it has to follow is left behind."""
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
        """Where reports are being refused (`limit` below the usual), it goes alone, to find out what is refused."""
        left = next(islice(self._entries.values(), len(entries), None), None)
        if left and left.number <= ended.number:
            return False
        size = sum(entry.size for entry in entries) + 40 * len(ended.ids)
        return not entries or (limit == MOST_JOBS and entries[0].clock == ended.clock and size <= MOST_BYTES)


@dataclass
class Told:
    """What the service has acknowledged of a job; without a mark it took nothing and is told again."""

    state: str
    mark: int | None
    at: float
    dropped: bool = False  # it can't be told at all


class Ledger:
    """What the service knows and what it has asked for; jobs that Orthanc has forgotten are struck out."""

    def __init__(self) -> None:
        self.registered = False
        self.asked = 0  # how often everything was asked for; a round of an earlier asking is void
        self.served = 0
        self.wanted: deque[str] = deque(maxlen=MOST_WANTED)
        self._told: dict[str, Told] = {}

    def register(self) -> None:
        """A service that knows the node anew may know nothing else."""
        self._told = {}
        self.asked += 1
        self.registered = True

    def note(self, entry: Entry, *, refused: bool = False, dropped: bool = False) -> None:
        if entry.text:
            mark = None if refused else entry.mark
            self._told[entry.job] = Told(entry.state, mark, time.monotonic(), dropped)

    def is_told(self, job: str, mark: int, *, demanded: bool) -> bool:
        """Whether a job that was just read need not be told."""
        told = self._told.get(job)
        if told is None or told.mark != mark or (demanded and not told.dropped):
            return False
        told.at = time.monotonic()
        return True

    def knows_success(self, job: str) -> bool:
        told = self._told.get(job)
        return told is not None and told.mark is not None and told.state == "Success"

    def is_open(self, job: str) -> bool:
        """Whether the job has not ended, or is unknown."""
        told = self._told.get(job)
        return told is None or told.state not in ENDS

    def is_due(self, job: str) -> bool:
        """Whether the job may be other than the service knows it."""
        told = self._told.get(job)
        if told is None or self.is_open(job):
            return True
        settled = told.mark is not None and told.state == "Success"
        return not settled and time.monotonic() - told.at >= FAILED_AGE

    def urgency(self, job: str) -> tuple[bool, float]:
        """Sorts jobs that run before all others, then those read longest ago first."""
        told = self._told.get(job)
        return (False, 0.0) if told is None else (told.state != "Running", told.at)

    def keep(self, ids: set[str]) -> None:
        for job in [job for job in list(self._told) if job not in ids]:
            self._told.pop(job, None)


@dataclass
class Desk:
    """What the threads of one incarnation share."""

    inbox: Inbox
    clock: Clock
    outbox: Outbox = field(default_factory=Outbox)
    ledger: Ledger = field(default_factory=Ledger)
    stopping: threading.Event = field(default_factory=threading.Event)
    incarnation: str = field(default_factory=lambda: secrets.token_hex(16))


class Reader:
    """Reads jobs: those of events first, then those the service wants, then those of the round."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._inbox, self._outbox, self._ledger = desk, desk.inbox, desk.outbox, desk.ledger
        self._round: Round | None = None
        self._began, self._due, self._everything_due = 0.0, 0.0, 0.0

    def read_due(self) -> float:
        """Read until there is nothing to read; seconds until there will be, if the inbox's bell doesn't ring before."""
        while not self._desk.stopping.is_set():
            if noted := self._inbox.take():
                self._read_event(*noted)
            elif len(self._outbox) >= 2 * MOST_JOBS:
                return HEARTBEAT  # a report is on its way and the next one is full: what is not urgent waits
            elif self._ledger.wanted:
                self._read_unless_held(self._ledger.wanted.popleft(), demanded=True)
            elif self._round is None or self._round.asked != self._ledger.asked:
                if not self._begin_round():
                    return self._rest()
            else:
                self._continue_round(self._round)
        return 0.0

    def _rest(self) -> float:
        """No round before the last one is acknowledged: while the service is away, nothing is read in vain."""
        if not self._ledger.registered or self._outbox.closes(self._ledger.asked):
            return HEARTBEAT
        asked = self._ledger.asked != self._ledger.served
        due = self._began + AT_LEAST_BETWEEN if asked else self._due
        return max(0.0, due - time.monotonic())

    def _read_event(self, job: str, event: Happening) -> None:
        """A job that has succeeded stays so: what was read at its submission may be its end already."""
        held = self._outbox.held(job)
        if held.state == "Success" if held else self._ledger.knows_success(job):
            return
        if not self._read(job) and not (held and ENDS.get(held.state) == event.kind):
            self._outbox.put(Entry(job, event.time, self._desk.clock.read()[1], event=event))

    def _begin_round(self) -> bool:
        self._round = None
        if self._rest() > 0:
            return False
        now, asked = time.monotonic(), self._ledger.asked
        everything = asked != self._ledger.served or now >= self._everything_due
        taken, clock = self._desk.clock.read()
        listed = fetch("/jobs")
        self._began, self._due = now, now + BUSY_HEARTBEAT
        if listed is None:
            return False
        ids: list[str] = json.loads(listed)
        self._ledger.keep(set(ids))
        self._round = Round(taken, clock, asked, everything, ids, deque(self._choose(ids, everything)))
        self._due = now + (BUSY_HEARTBEAT if any(map(self._ledger.is_open, ids)) else HEARTBEAT)
        self._everything_due = now + EVERYTHING_EVERY if everything else self._everything_due
        return True

    def _choose(self, ids: list[str], everything: bool) -> list[str]:
        due = ids if everything else [job for job in ids if self._ledger.is_due(job)]
        ordered = sorted(due, key=self._ledger.urgency)
        return ordered if everything else ordered[:MOST_REREAD]

    def _continue_round(self, current: Round) -> None:
        if current.rest:
            self._read_unless_held(current.rest.popleft(), demanded=current.everything)
            time.sleep(BREATH)
        else:
            self._outbox.close(current)
            self._round = None

    def _read_unless_held(self, job: str, *, demanded: bool) -> None:
        held = self._outbox.held(job)
        if held is None or not held.final:
            self._read(job, demanded=demanded)

    def _read(self, job: str, *, demanded: bool = False) -> bool:
        """Read a job and put it into the outbox, unless the service knows it so; False if it is gone."""
        taken, clock = self._desk.clock.read()
        text = fetch(f"/jobs/{job}")
        if text is None:
            return False
        if self._desk.clock.read()[1] != clock:
            return self._read(job, demanded=demanded)  # its stamp may be of the next clock epoch
        mark = hash(TIMESTAMP.sub(b"", text))
        if self._outbox.held(job) is None and self._ledger.is_told(job, mark, demanded=demanded):
            return True
        state: str = json.loads(text)["State"]
        told = json.dumps(text.decode("utf-8", "replace"), ensure_ascii=False).encode()
        self._outbox.put(Entry(job, taken, clock, told, state, mark))
        if state not in ENDS:
            self._due = min(self._due, time.monotonic() + BUSY_HEARTBEAT)
        return True


class Answer(NamedTuple):
    """What the service said; status 0 if nothing that is HTTP."""

    status: int
    said: dict[str, Any]

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Service:
    """The way to the service: one kept connection to one of its addresses, signed posts, redirects not followed."""

    def __init__(self, settings: Settings, at: int = 0, offset: int = 0) -> None:
        self._settings = settings
        self._at = at
        self._offset = offset  # milliseconds that the service's clock is ahead of ours
        self._connection: http.client.HTTPConnection | None = None
        self._aborted = False

    @property
    def url(self) -> SplitResult:
        return self._settings.urls[self._at % len(self._settings.urls)]

    def post(self, body: bytes, timeout: float) -> Answer:
        """Never raises for the network.  A kept connection may have been closed meanwhile, and is replaced once."""
        kept = self._connection is not None
        try:
            return self._exchange(body, timeout)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            again = kept and isinstance(error, ConnectionError) and not self._aborted
            return self.post(body, timeout) if again else Answer(0, {})

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
        connection.request("POST", self.url.path + path, body, self._sign(path, body))
        response = connection.getresponse()
        told = response.read(MOST_ANSWER)
        if not response.isclosed():
            self.close()
        try:
            said = json.loads(told)
        except ValueError:
            said = None
        return Answer(response.status, said if isinstance(said, dict) else {})

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        host = self.url.hostname or ""
        if self.url.scheme == "https":
            return http.client.HTTPSConnection(host, self.url.port, timeout=timeout, context=self._settings.tls)
        return http.client.HTTPConnection(host, self.url.port, timeout=timeout)

    def _sign(self, path: str, body: bytes) -> dict[str, str]:
        """The headers of a report; without a secret it is not signed."""
        key = self._settings.secret.key
        if not key:
            return {"Content-Type": "application/json"}
        now, nonce = str(round(time.time() * 1000) + self._offset), secrets.token_hex(16)
        message = "\n".join(["POST", path, now, nonce, hashlib.sha256(body).hexdigest()])
        return {
            "Content-Type": "application/json",
            "X-Job-Index-Time": now,
            "X-Job-Index-Nonce": nonce,
            "X-Job-Index-Signature": hmac.new(key, message.encode(), hashlib.sha256).hexdigest(),
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


class Sender:
    """Registers this node, then posts what is in the outbox and acts on the answers."""

    def __init__(self, settings: Settings, desk: Desk) -> None:
        self._settings = settings
        self._desk, self._outbox, self._ledger = desk, desk.outbox, desk.ledger
        self._service = Service(settings)
        self._troubles: set[str] = set()  # logged once each, until reports are taken again
        self._failures = 0
        self._limit = MOST_JOBS
        self._token = ""

    def run(self) -> None:
        keep(self._send_due, self._outbox.bell, self._desk.stopping)
        self._service.close()

    def _send_due(self) -> float:
        """Say what there is to say; the outbox's bell rings when there is more."""
        while not self._desk.stopping.is_set() and (self._send() if self._ledger.registered else self._register()):
            continue
        return HEARTBEAT

    def abort(self) -> None:
        self._service.abort()

    def say_goodbye(self, deadline: float) -> None:
        """One last report, with what is left; on a way of its own, as the usual one may hang."""
        service, urls = self._service.fork(), len(self._settings.urls)
        batch = self._outbox.take(MOST_JOBS, self._ledger.asked)._replace(round=None)
        body = write_report({**self._head(batch), "Goodbye": True}, batch)
        for left in range(urls if self._ledger.registered else 0, 0, -1):
            if service.post(body, max(0.02, (deadline - time.monotonic()) / left)).ok:
                break
            service.turn()
        service.close()

    def _register(self) -> bool:
        head = {**self._head(Batch([])), "Register": {**self._settings.registration, **self._share()}}
        answer = self._service.post(write_report(head, Batch([])), TIMEOUT)
        if not answer.ok:
            self._fail(answer)
            return True
        self._troubles.clear()
        log(orthanc.LogWarning, f"node {self._settings.node} is registered at {self._service.url.geturl()}")
        self._ledger.register()
        self._desk.inbox.bell.set()
        return True

    def _share(self) -> dict[str, str]:
        """An administrator's key to this Orthanc, which nobody can revoke: only where the operator has said so."""
        if not self._settings.share_token or not self._settings.secret.key:
            return {}
        url = self._service.url
        if not is_private(url):
            self._trouble(f"the token is not shared with {url.geturl()}: that takes https, or a loopback address")
            return {}
        if not self._token:
            self._token = shielded(orthanc.GenerateRestApiAuthorizationToken) or ""
            log(orthanc.LogWarning, "its token, an administrator's key to this Orthanc, is shared with the service")
        return {"Token": self._token} if self._token else {}

    def _send(self) -> bool:
        """One report; False when there is nothing to say."""
        if len(self._outbox) < MOST_JOBS:
            self._desk.stopping.wait(LINGER)
        batch = self._outbox.take(self._limit, self._ledger.asked)
        if not batch.entries and not batch.round:
            return False
        answer = self._service.post(write_report(self._head(batch), batch), TIMEOUT)
        if answer.ok:
            self._acknowledge(batch, answer.said)
        elif answer.status in (400, 413):
            self._narrow(batch, answer.status)
        else:
            self._fail(answer)
        self._desk.inbox.bell.set()  # there is room, or an order
        return True

    def _head(self, batch: Batch) -> dict[str, Any]:
        """The members that every report has; its time is that of its ids, else of the oldest reading in it."""
        taken, clock = self._desk.clock.read()
        if batch.round:
            taken, clock = batch.round.taken, batch.round.clock
        elif batch.entries:
            taken, clock = min(entry.taken for entry in batch.entries), batch.entries[0].clock
        return {"Format": 1, "Incarnation": self._desk.incarnation, "Taken": moment(taken), "Clock": clock}

    def _acknowledge(self, batch: Batch, said: dict[str, Any]) -> None:
        self._failures = 0
        self._limit = min(MOST_JOBS, self._limit * 2)
        if self._troubles:
            self._troubles.clear()
            log(orthanc.LogWarning, "reports are taken again")
        refused = set(said.get("Refused") or ())
        for entry in batch.entries:
            self._ledger.note(entry, refused=entry.job in refused)
        self._outbox.settle(batch)
        if batch.round and batch.round.everything:
            self._ledger.served = batch.round.asked
        self._obey(said)

    def _obey(self, said: dict[str, Any]) -> None:
        if said.get("Everything"):
            self._ledger.asked += 1
        if said.get("Register"):
            self._ledger.registered = False
        self._ledger.wanted.extend(job for job in said.get("Wanted") or () if JOB_ID.fullmatch(job))

    def _narrow(self, batch: Batch, status: int) -> None:
        """Something in the report can't be taken: halve it until that is alone, then do without it."""
        if len(batch.entries) + bool(batch.round) > 1:
            self._limit = max(1, len(batch.entries) // 2)
            return
        for entry in batch.entries:
            log(orthanc.LogWarning, f"job {entry.job} is refused ({status}) and not reported")
            self._ledger.note(entry, dropped=True)
        self._outbox.settle(batch)
        if batch.round:
            self._trouble(f"the list of all jobs is refused ({status})")
            self._pause()

    def _fail(self, answer: Answer) -> None:
        """Keep everything and try again: at once with the right time, else later and at the next address."""
        if answer.status == 401 and self._service.adopt(answer.said.get("Time")) and not self._failures:
            self._failures += 1
            return
        if answer.status == 409 and answer.said.get("Register"):
            self._ledger.registered = False
        elif not self._desk.stopping.is_set():
            self._trouble(self._describe(answer))
            self._service.turn()
        self._pause()

    def _pause(self) -> None:
        """Longer each time that all addresses have failed; spread, so that nodes don't come back all at once."""
        doublings = min(self._failures // len(self._settings.urls), 6)
        self._failures += 1
        pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**doublings)
        self._desk.stopping.wait(random.uniform(max(SHORTEST_PAUSE, pause / 2), pause))

    def _trouble(self, message: str) -> None:
        if message not in self._troubles:
            self._troubles.add(message)
            log(orthanc.LogWarning, message)

    def _describe(self, answer: Answer) -> str:
        status = answer.status
        if status == 401 and answer.said.get("Replayed"):
            return "a report of ours was taken for a replay: does something between here and there send twice?"
        if status == 401:
            return "our signature is refused: is the cluster's secret the same here and there?"
        if status == 403:
            return "the service calls nobody at our address: NodeUrl here, or JOBINDEX_NODE_NETWORKS there"
        if status == 409:
            return f"another living Orthanc reports as node {self._settings.node}: give each its own NodeId"
        return "the service is away or takes no reports; they are kept and sent later"


def fetch(path: str) -> bytes | None:
    """Orthanc's own answer; None if there is none: the job is forgotten, or Orthanc is stopping."""
    try:
        answer = orthanc.RestApiGet(path)
    except Exception:
        return None
    return answer.encode() if isinstance(answer, str) else bytes(answer)


def log(write: Callable[[str], Any], message: str) -> None:
    """Into Orthanc's log, which may be closed already; never what a job says."""
    try:
        write(f"Job Index: {message}")
    except Exception:
        return


def shielded(work: Callable[..., Any], *arguments: Any) -> Any:
    """What the work answers, None if it failed: no error of ours may end a thread or reach Orthanc."""
    try:
        return work(*arguments)
    except Exception as error:
        log(orthanc.LogError, f"unexpected {type(error).__name__} in {getattr(work, '__qualname__', 'a callback')}")
        return None


def keep(work: Callable[[], float], bell: threading.Event, stopping: threading.Event) -> None:
    """Do the work whenever the bell rings or the seconds that it answered are over."""
    while not stopping.is_set():
        bell.clear()
        pause = shielded(work)
        bell.wait(1.0 if pause is None else pause)


class Plugin:
    """One run of this node: an incarnation from Orthanc's start, or its reset, to its stop."""

    def __init__(self) -> None:
        self._inbox = Inbox()
        self._desk: Desk | None = None
        self._sender: Sender | None = None
        self._threads: list[threading.Thread] = []

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
            version = str(json.loads(fetch("/system") or b"{}").get("Version", ""))
            settings = read_settings(json.loads(orthanc.GetConfiguration()), version, os.environ)
        except (OSError, ValueError) as error:
            log(orthanc.LogError, f"nothing is reported: {error}")
            return
        if not settings.secret.key:
            log(orthanc.LogWarning, "insecure: reports are not signed, there is no secret")
        desk = self._desk = Desk(self._inbox, Clock())
        self._sender = Sender(settings, desk)
        self._run("jobs reader", keep, Reader(desk).read_due, desk.inbox.bell, desk.stopping)
        self._run("jobs sender", self._sender.run)

    def _stop(self) -> None:
        """Say goodbye and end the threads, but be through within FAREWELL, whatever the service does."""
        if not self._desk or not self._sender:
            return
        deadline = time.monotonic() + FAREWELL
        self._desk.stopping.set()
        self._desk.inbox.bell.set()
        self._desk.outbox.bell.set()
        self._sender.abort()
        self._run("jobs goodbye", shielded, self._sender.say_goodbye, deadline)
        for thread in reversed(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, name: str, target: Callable[..., Any], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)


orthanc.RegisterOnChangeCallback(Plugin().on_change)
