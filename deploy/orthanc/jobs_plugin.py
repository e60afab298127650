"""Tells the Orthanc Job Index what becomes of this Orthanc's jobs; the index may fail, Orthanc goes on.

Orthanc's callback only notes which job an event is about.  The reader thread reads that job at once, since a
short history forgets it soon, and puts it into the outbox.  The sender thread posts what is in the outbox and
keeps it until the service has acknowledged it.  Events come first; now and then a *round* asks Orthanc for all
ids and reads the jobs whose end the service does not know yet.

Jobs are read over loopback HTTP, and never through the `orthanc` module: while a job lives there are moments at which
Orthanc can't say how it stands.  Over HTTP that is a 400 and means *not yet*; an error of Orthanc's own in a call of
the module is beyond Python, and all of Orthanc has to answer for it.  SDK_CALLS lists the calls that may be made.

One file by purpose, for the Python plugin 4.0 and newer.  That release holds Python's lock in every call of the
`orthanc` module, so nothing that waits for the network may go through it either: reports use http.client.

    settings · clock · events · cutting · outbox · ledger · loopback client · reader · service · sender · plugin
"""

from __future__ import annotations

import base64
import codecs
import difflib
import hashlib
import heapq
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
import stat
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

import orthanc

PLUGIN_VERSION = "1.0.0"

HEARTBEAT, BUSY_HEARTBEAT = 5.0, 1.0  # seconds from round to round; busy is who has an unfinished job
EVERYTHING_EVERY = 60.0  # seconds between rounds that read every job, or longer:
EVERYTHING_SHARE = 0.001  # of the time at most goes into such rounds, unless the service asks for them
ROUND_SHARE = 0.03  # of the time at most goes into usual rounds
AT_LEAST_BETWEEN = 0.5  # seconds between rounds, however often the service asks for everything
FAILED_AGE = 5.0  # seconds before a failed job is read again: resubmitting it causes no event
MOST_REREAD = 200  # jobs read in a usual round, however little each takes; a longer queue takes turns
REFUSED_AGE = 600.0  # seconds before a refused job is told again; its owner of before may be given up by then

BREATH = 0.0001  # seconds without Python's lock after each of many readings, so that a callback need not wait
LINGER = 0.01  # seconds that a report waits for company
READ_TIMEOUT = 5.0  # seconds that Orthanc may be silent when it is asked; a report still comes before it counts as late
KEEP_WARM = 0.5  # seconds; Orthanc closes a connection that is idle for 1 s, and its thread is then somebody else's
UNREAD_PATIENCE = 1.0  # seconds without one answer before the service is told
UNREAD_PAUSE, LONGEST_UNREAD_PAUSE = 0.1, 2.0  # seconds until Orthanc is asked again
NOT_YET_PAUSE, NOT_YET_PATIENCE = 0.05, 2.0  # seconds: from try to try (doubled each time), and in all
ASK_FIRST = 1.0  # seconds that the registration waits for Orthanc to say its version
SECRET_EVERY = 1.0  # seconds between looks at the secret's file
TIMEOUT = 2.0  # seconds, for each of connecting, sending, waiting for the answer
SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 7.0  # seconds; the longest and two time-outs end before a node counts as late
FAREWELL = 0.4  # seconds that Orthanc's stop may be held up; with the end of its Python less than a second

MOST_JOBS = 200  # in a report
MOST_BYTES = 3_900_000  # in a report, the frame around the jobs not counted
MOST_ANSWER = 4_000_000  # bytes of an answer
MAX_JOB_BYTES = 1_000_000  # of a job's text, until the service has said its bound; what is longer is cut
HIGHEST_MAX_JOB_BYTES = 3_000_000  # so that a report has room for a job, quotation marks escaped
MAX_QUOTED_BYTES = 6_500_000  # of a job in a report, which is longer only where its text is no JSON, or no UTF-8
LONGEST_ESCAPE = 6  # bytes for one in a JSON string
MAX_READ_BYTES = 64_000_000  # of an answer of Orthanc
MAX_HEAD_BYTES = 100_000  # of the headers before it
RECEIVE_BYTES = 65_536  # received at a time
TOO_LONG = 0  # in place of the status of an answer that is longer
RECHECK_BYTES_PER_S = 1_000_000  # a job above the bound that goes on is read again after its bytes / this many seconds
MAX_REASON_LENGTH = 200  # characters of the reason why nothing can be read, or why a report is not taken
MAX_NODE_ID_LENGTH = 64
OUTBOX_JOBS, OUTBOX_BYTES = 20_000, 64_000_000
MOST_EVENTS = 20_000  # noted and not yet read
MOST_WANTED = 200_000
MOST_SOCKETS = 20_000  # of this machine are looked at, to find those that listen
IDS_AT_ONCE = 1000  # are written in one step

KINDS = {
    orthanc.ChangeType.JOB_SUBMITTED: "JobSubmitted",
    orthanc.ChangeType.JOB_SUCCESS: "JobSuccess",
    orthanc.ChangeType.JOB_FAILURE: "JobFailure",
}
ENDS = {"Success": "JobSuccess", "Failure": "JobFailure"}
MEMBERS = (
    *("Urls", "SecretFile", "Secret", "Insecure", "NodeId", "NodeUrl"),
    *("CaFile", "CertificateFile", "KeyFile", "ShareToken"),
    *("SelfUrl", "SelfUser", "SelfPassword", "SelfPasswordFile"),
)
LISTED_ID = re.compile(rb'"([0-9a-f-]{36})"')
JOB_ID = re.compile("[0-9a-f-]{36}")  # nothing else that the service names is asked of Orthanc
TIMESTAMP = re.compile(rb'"Timestamp"\s*:\s*"[^"]*"')
STATE = re.compile(rb'\n   "State" : "([A-Za-z]+)"')  # as Orthanc indents the members of a job itself
NODE_URL = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?", re.IGNORECASE)
LISTEN = "0A"  # the state of a socket in /proc/net/tcp

URLS = '"Urls" (JOBINDEX_URLS)'
INTERNAL = "internal listener (port 8001, where nothing else is set)"
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,15})")
CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)

SDK_CALLS = {
    "RegisterOnChangeCallback": "the only way to hear of events; called once, while the plugin is loaded",
    "GetConfiguration": "the only way to the settings: a text that Orthanc has in memory",
    "GetConfigurationPath": "what a relative path in the settings is relative to: a text that Orthanc has in memory",
    "GenerateRestApiAuthorizationToken": "lets us in over HTTP: a random text, put into a set under a lock of its own",
    "LogError": "takes a text of ours, never one of a job's; what Python raises here is caught",
    "LogWarning": "as LogError",
    "LogInfo": "as LogError",
}
"""The calls of the `orthanc` module that may be made, each with the reason why it can't end Orthanc."""


@dataclass(frozen=True)
class Settings:
    """Where this node reports, as whom, and what it tells of itself when it registers."""

    urls: tuple[SplitResult, ...]
    secret: Secret = field(repr=False)
    node: str
    registration: dict[str, Any]
    tls: ssl.SSLContext | None
    loopback: Loopback
    share_token: bool = False


def read_settings(configuration: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """The environment wins over the section "JobIndex" of Orthanc's JSON; ValueError and OSError say what is amiss."""
    variables = {member: variable(member) for member in MEMBERS}
    told = {member: environment[name] for member, name in variables.items() if environment.get(name, "").strip()}
    section = read_section(configuration.get("JobIndex") or {})
    merged = {**section, **told}
    name, port = configuration.get("Name") or "Orthanc", configuration.get("HttpPort", 8042)
    insecure = str(merged.get("Insecure", "")).strip().lower() in ("true", "1", "yes")
    return Settings(
        urls=read_urls(merged.get("Urls") or ()),
        secret=read_secret(told if told.keys() & {"SecretFile", "Secret"} else section, insecure),
        node=shorten(str(merged.get("NodeId") or f"{name}-{socket.gethostname()}-{port}")),
        registration={
            "Name": name[:256],
            "Url": read_node_url(str(merged.get("NodeUrl") or "").strip().rstrip("/")),
            "HttpPort": port,
            "Tls": bool(configuration.get("SslEnabled", False)),
            "RemoteAccess": bool(configuration.get("RemoteAccessAllowed", False)),
            "Plugin": PLUGIN_VERSION,
        },
        tls=read_tls(merged.get("CaFile"), merged.get("CertificateFile"), merged.get("KeyFile")),
        loopback=read_loopback(configuration, merged),
        share_token=read_switch("ShareToken", merged.get("ShareToken") or False),
    )


def variable(member: str) -> str:
    """The variable of the environment that is read in its place."""
    return "JOBINDEX_" + re.sub(r"\B([A-Z])", r"_\1", member).upper()


def read_file(member: str, file: str | Path) -> bytes:
    """What a setting's file holds; OSError says which setting it is and what lets Orthanc read the file."""
    try:
        return Path(file).read_bytes()
    except OSError as error:
        told = f"\"{member}\" ({variable(member)}): Orthanc's user can't read {file}: {describe(error)}"
        remedy = f"; chgrp orthanc {file} && chmod 640 {file}" if isinstance(error, PermissionError) else ""
        raise OSError(told + remedy) from error


def describe(error: Exception) -> str:
    """Why it failed: the system's words, where they are its own."""
    text = error.strerror if isinstance(error, OSError) else ""
    return text or str(error) or type(error).__name__


def read_section(section: Any) -> Mapping[str, Any]:
    """What it has beside our members is told, with the member that may have been meant; never its value."""
    if not isinstance(section, Mapping):
        raise ValueError('"JobIndex" must be a section: {"Urls": [...], ...}')
    names = {member.lower(): member for member in MEMBERS}
    for unknown in [member for member in section if member not in MEMBERS]:
        near = difflib.get_close_matches(unknown.lower(), names, 1)
        hint = f'did you mean "{names[near[0]]}"?' if near else "there is no such setting"
        log(orthanc.LogWarning, f'the member {json.dumps(unknown[:64])} of "JobIndex" is not read: {hint}')
    return section


def read_node_url(given: str) -> str | None:
    """Where the replicas reach this Orthanc, in the form that they take; None where it is not named."""
    found = NODE_URL.fullmatch(given)
    if given and (found is None or not 0 < int(found[1] or 80) < 65536):
        raise ValueError('"NodeUrl" (JOBINDEX_NODE_URL) must be http(s)://host[:port], without user, path or query')
    return given or None


def shorten(node: str) -> str:
    """A node id as the service takes it: one that is too long keeps its difference to others in a digest."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", node)
    if len(plain) <= MAX_NODE_ID_LENGTH:
        if plain != node:
            log(orthanc.LogWarning, f"a node id has letters, digits and ._- only: this one is changed to {plain}")
        return plain
    digest = hashlib.sha256(node.encode()).hexdigest()[:12]
    cut = f"{plain[: MAX_NODE_ID_LENGTH - 1 - len(digest)]}-{digest}"
    log(orthanc.LogWarning, f"a node id has {MAX_NODE_ID_LENGTH} characters at most: this one is cut to {cut}")
    return cut


@dataclass(frozen=True)
class Loopback:
    """How this Orthanc is reached from within: its own listener, and who asks."""

    port: int
    url: SplitResult | None  # given where the listener can't be found
    certificate: Path | None  # Orthanc's own, where it speaks TLS; then only TLS is spoken with it
    tls: ssl.SSLContext
    login: str = field(repr=False)  # the value of Authorization; empty: a token of Orthanc's
    served: bool = True
    kept: bool = True


def read_loopback(configuration: Mapping[str, Any], merged: Mapping[str, Any]) -> Loopback:
    given, user = merged.get("SelfUrl"), merged.get("SelfUser")
    secure = bool(configuration.get("SslEnabled", False))
    return Loopback(
        port=configuration.get("HttpPort", 8042),
        url=read_self_url(given, secure) if given else None,
        certificate=beside_configuration(configuration.get("SslCertificate", "certificate.pem")) if secure else None,
        tls=pinned_tls(merged.get("CertificateFile"), merged.get("KeyFile")),
        login=read_login(str(user), merged) if user else "",
        served=bool(configuration.get("HttpServerEnabled", True)),
        kept=bool(configuration.get("KeepAlive", True)),
    )


def read_self_url(given: str, secure: bool) -> SplitResult:
    """Only where nobody can read on the way: who asks there opens all of Orthanc.  TLS as Orthanc itself speaks it."""
    url = urlsplit(given.strip().rstrip("/"))
    if not is_plain(url) or url.path or not is_private(url):
        raise ValueError('"SelfUrl" (JOBINDEX_SELF_URL) must be https://host:port, or http:// with a loopback address')
    if (url.scheme == "https") != secure:
        said, needed = ("true", "https") if secure else ("false", "http")
        raise ValueError(f'"SelfUrl" (JOBINDEX_SELF_URL) must begin with {needed}://, since "SslEnabled" is {said}')
    return url


def read_login(user: str, merged: Mapping[str, Any]) -> str:
    """The password is the first line of its file, or given; a password of the environment wins with its user."""
    file = merged.get("SelfPasswordFile")
    text = read_file("SelfPasswordFile", file) if file else str(merged.get("SelfPassword") or "").encode()
    password = next(iter(text.splitlines()), b"")
    if not password:
        raise ValueError('"SelfUser" has no password: "SelfPasswordFile" (JOBINDEX_SELF_PASSWORD_FILE)')
    return "Basic " + base64.b64encode(user.encode() + b":" + password).decode()


def beside_configuration(path: str) -> Path:
    """A relative path is relative to Orthanc's configuration: a file, or a folder of files."""
    if Path(path).is_absolute():
        return Path(path)
    configured = Path(str(shielded(orthanc.GetConfigurationPath) or "."))
    return (configured if configured.is_dir() else configured.parent) / path


def pinned_tls(certificate: str | None, key: str | None) -> ssl.SSLContext:
    """For Orthanc itself, which must show exactly its own certificate: OwnOrthanc compares, whoever has signed it."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    if certificate:
        tls.load_cert_chain(certificate, key, password="")
    return tls


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
    whole = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0 and not url.username
    return whole and is_sendable(url)


def is_sendable(url: SplitResult) -> bool:
    """Whether http.client can ask there: a name that the domain name system may have, a path without odd letters."""
    try:
        name = (url.hostname or "").encode("idna").decode()
    except UnicodeError:
        return False
    return re.fullmatch("[!-~]*", name + url.path) is not None


def read_secret(source: Mapping[str, Any], insecure: bool) -> Secret:
    """The cluster's secret, from its file if one is named; there is none only where that was asked for."""
    file = source.get("SecretFile")
    secret = Secret(str(source.get("Secret") or "").encode(), Path(file) if file else None)
    if not secret.key and (file or not insecure):
        raise ValueError('no cluster secret is set: "SecretFile" (JOBINDEX_SECRET_FILE)')
    return secret


def read_tls(ca: str | None, certificate: str | None, key: str | None) -> ssl.SSLContext:
    """Whom we believe (the system's authorities if no file is named), and what we show of ourselves.

    Python 3.13 and newer refuse private authorities without a key usage, which served for years: only that is undone.
    """
    tls = ssl.create_default_context(cadata=read_file("CaFile", ca).decode("ascii") if ca else None)
    tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if certificate:
        # what the ssl module says names neither file
        read_file("CertificateFile", certificate)
        read_file("KeyFile", key or certificate)
        tls.load_cert_chain(certificate, key, password="")
    return tls


class Secret:
    """What reports are signed with: the first line of a file, which is looked at again, or what was given."""

    def __init__(self, given: bytes, file: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._clock = file, clock
        self._looked, self._mark = clock(), self._look(file) if file else None
        self._key = self._first(read_file("SecretFile", file) if file else given)
        self._trouble = ""  # why the file can't be used; logged once, until it can

    @property
    def key(self) -> bytes:
        """A file that can't be used, or has no secret in it, changes nothing, and that is logged."""
        if self._file and self._clock() - self._looked >= SECRET_EVERY:
            self._looked = self._clock()
            self._look_again(self._file)
        return self._key

    def _look_again(self, file: Path) -> None:
        mark = self._look(file)
        if mark == self._mark and mark:
            return
        try:
            key = self._first(file.read_bytes())
        except OSError as error:
            self._keep(file, describe(error))
            return
        if not key:
            self._keep(file, "it has no secret in it")
            return
        self._key, self._mark = key, mark
        if self._trouble:
            self._trouble = ""
            log(orthanc.LogWarning, f'"SecretFile": {file} is read again')

    def _keep(self, file: Path, reason: str) -> None:
        if reason == self._trouble:
            return
        self._trouble = reason
        mend = f"install -m 640 -g orthanc NEW {file}.new && mv {file}.new {file}"
        told = f'"SecretFile" ({variable("SecretFile")}): {file} can\'t be read: {reason}'
        log(orthanc.LogError, f"{told}; the secret that was read before stays in use; {mend}")

    def _look(self, file: Path) -> tuple[int, ...] | None:
        """Differs when the file was written, its rights changed, or another was put in its place; None without it."""
        try:
            found = file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino

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

    def put_back(self, job: str, event: Happening) -> None:
        """What was taken and could not be read; what was noted of the job meanwhile is newer."""
        with self._lock:
            self._events.setdefault(job, event)

    def take(self) -> tuple[str, Happening] | None:
        with self._lock:
            job = next(iter(self._events), None)
            return None if job is None else (job, self._events.pop(job))


PIECE_BYTES = 65_536  # of a text are looked at in one step: 0.3 ms of Python's lock
STEP_BYTES = 200  # that a step costs, however short the text it goes over

STEP = re.compile(rb'[{}\[\]]|[^"{}\[\]]{1,16384}|"[^"\\]{0,4096}"')
IN_STRING = re.compile(rb"(?:[^\"\\]{1,4096}|\\.){1,16}", re.DOTALL)
WHITE = b" \t\r\n"

DEEPEST_PATH = 20  # objects within objects, around an array that could be left out
MOST_PARTS = 500  # of a kind that are left out one by one: all of them are named
MAX_PATH_BYTES = 200  # of a part that is left out for itself
MAX_FIXED_BYTES = 1000  # of a value of FIXED, where nothing else would be left
FIXED = frozenset(
    b"CompletionTime CreationTime ErrorCode EstimatedTimeOfArrival ID Priority Progress State Timestamp Type".split()
)
EMPTY = {b"{": b"{}", b"[": b"[]", b'"': b'""'}


class Breaths:
    """Leaves Python's lock to others now and then, while a long text is gone through in steps."""

    def __init__(self) -> None:
        self._since = 0

    def step(self, size: int) -> None:
        self._since += size + STEP_BYTES
        if self._since >= PIECE_BYTES:
            self._since = 0
            time.sleep(BREATH)


def pieces_of(text: bytes) -> Iterator[bytes]:
    """The text in pieces, each behind a comma if there is one: no time stamp lies in two of them."""
    breaths, at = Breaths(), 0
    while at < len(text):
        end = min(at + PIECE_BYTES, len(text))
        end = (text.rfind(b",", at, end) + 1 or end) if end < len(text) else end
        yield text[at:end]
        if end < len(text):
            breaths.step(end - at)
        at = end


def mark_of(text: bytes) -> int:
    """Equal for texts that differ in their stamp only."""
    return hash(tuple(hash(TIMESTAMP.sub(b"", piece)) for piece in pieces_of(text)))


def quoted(text: bytes) -> bytes:
    """The text as a JSON string; what is no UTF-8 is replaced."""
    if len(text) <= PIECE_BYTES:
        return b'"' + written(text.decode("utf-8", "replace")) + b'"'
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    pieces = [written(decoder.decode(piece)) for piece in pieces_of(text)]
    return b"".join((b'"', *pieces, written(decoder.decode(b"", final=True)), b'"'))


def written(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False)[1:-1].encode()


def tokens_in(text: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Where brackets, strings and what stands between those lie; the latter in pieces if it is long."""
    breaths = Breaths()
    while at < end:
        found = STEP.match(text, at, end)
        before, at = at, found.end() if found else past_string(text, at, end, breaths)
        yield before, at
        breaths.step(at - before)


def past_string(text: bytes, at: int, end: int, breaths: Breaths) -> int:
    """The position behind the string that begins here."""
    at += 1
    while found := IN_STRING.match(text, at, end):
        breaths.step(found.end() - at)
        at = found.end()
    return at + 1 if text.startswith(b'"', at, end) else end


class Part(NamedTuple):
    """A member that could be left out: its bytes without white space, and where its name, its value and its end lie."""

    size: int
    begin: int
    value: int
    end: int
    path: tuple[bytes, ...]
    kind: bytes  # the value's first byte, where that is a bracket or a quotation mark
    around: int  # where the member of Content begins in which it lies

    @property
    def name(self) -> str:
        """The path as one text; names are as JSON has them, with their dots marked."""
        return ".".join(each.decode("utf-8", "replace").replace(".", "\\.") for each in self.path)

    @property
    def emptied(self) -> int:
        """Bytes that are saved at least where only the value goes."""
        return self.size - len(self.path[-1]) - 8


def readable(name: bytes) -> str:
    """A member's name, as JSON has it between quotation marks."""
    text = name.decode("utf-8", "replace")
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


@dataclass
class Member:
    """One whose value is being gone through, and the bytes that were counted before it."""

    path: tuple[bytes, ...]
    begin: int
    around: int
    before: int
    value: int = 0
    kind: bytes = b""


class Longest:
    """The longest of some parts; no more of them than can be named."""

    def __init__(self) -> None:
        self._parts: list[Part] = []

    def __iter__(self) -> Iterator[Part]:
        return iter(sorted(self._parts, reverse=True))

    def put(self, part: Part) -> None:
        full = len(self._parts) == MOST_PARTS
        if (full and part.size < self._parts[0].size) or sum(map(len, part.path)) > MAX_PATH_BYTES:
            return
        if full:
            heapq.heappushpop(self._parts, part)
        else:
            heapq.heappush(self._parts, part)


class LongJob:
    """A job whose text is long: gone through in small steps, each of which leaves Python's lock to others.

    As the service cuts: `Content` loses its longest arrays until the text fits, then its other members; then members
    that are the submitter's are emptied.  What is left of a text that is no job of Orthanc's is FIXED alone.
    """

    def __init__(self, text: bytes) -> None:
        self._text = text
        self.state = ""
        self._size = 0  # without white space
        self._within: list[Member | None] = []  # for each object that is gone through
        self._deep = 0  # brackets that are open within them
        self._arrays, self._contents, self._others = Longest(), Longest(), Longest()
        self._content: Part | None = None
        self._fixed: dict[bytes, Part] = {}
        self._walk()

    def cut(self, bound: int) -> tuple[bytes, tuple[str, ...]]:
        """The text without white space, and the paths of what was left out of it."""
        left, gone = self._choose(bound)
        text = self._without(gone) if left <= bound else b""
        if not text or len(text) > bound:
            text, gone = self._bare(), [*gone, *self._others, *([self._content] if self._content else [])]
        return text, tuple(sorted({part.name for part in gone}))

    def _choose(self, bound: int) -> tuple[int, list[Part]]:
        """At most so many bytes will be left, and what goes for that."""
        left, gone = self._size, dict[int, Part]()
        saved: dict[int, int] = {}  # of each member of Content
        for part in self._arrays:
            if left > bound:
                gone[part.begin] = part
                left -= part.size
                saved[part.around] = saved.get(part.around, 0) + part.size
        rest = [(part.size - saved.get(part.begin, 0), part) for part in self._contents]
        for size, part in sorted(rest, reverse=True):
            if left > bound and part.begin not in gone:
                gone[part.begin] = part
                left -= size
        if left > bound and self._content and self._content.emptied - (self._size - left) > MAX_FIXED_BYTES:
            gone, left = {self._content.begin: self._content}, self._size - self._content.emptied
        for part in self._others:
            if left > bound and part.emptied > 0:
                gone[part.begin] = part
                left -= part.emptied
        return left, list(gone.values())

    def _walk(self) -> None:
        for begin, end in tokens_in(self._text, 0, len(self._text)):
            first = self._text[begin : begin + 1]
            if first not in b'{}[]"':
                self._between(self._text[begin:end], begin)
                continue
            if self._deep:
                self._deep += (first in b"{[") - (first in b"}]")
            elif first == b'"':
                self._string(begin, end)
            elif first in b"{[":
                self._open(first)
            elif self._within:
                self._close(begin, self._size)
                self._within.pop()
            self._size += end - begin

    def _open(self, bracket: bytes) -> None:
        """Objects are gone through below Content only."""
        member = self._within[-1] if self._within else None
        if member:
            member.kind = member.kind or bracket
        inside = member and member.path[0] == b"Content" and len(self._within) < DEEPEST_PATH
        if bracket == b"{" and (inside or not self._within):
            self._within.append(None)
        else:
            self._deep = 1

    def _string(self, begin: int, end: int) -> None:
        if not self._within:
            return
        member, text = self._within[-1], self._text[begin + 1 : min(end - 1, begin + 2 + MAX_PATH_BYTES)]
        if member is None:
            outer = self._within[-2] if len(self._within) > 1 else None
            path, around = ((*outer.path, text), outer.around) if outer else ((text,), begin)
            self._within[-1] = Member(path, begin, begin if len(path) == 2 else around, self._size)
            return
        member.kind = member.kind or b'"'
        if member.path == (b"State",):
            self.state = readable(text)

    def _between(self, run: bytes, begin: int) -> None:
        """What is neither a string nor a bracket: colons, commas, numbers and words."""
        if self._within and not self._deep:
            colon, comma, member = run.find(b":"), run.find(b","), self._within[-1]
            if member and not member.value and colon >= 0:
                member.value = begin + colon + 1
            if comma >= 0:
                self._close(begin + comma, self._size + len(run[:comma].translate(None, WHITE)))
        self._size += len(run.translate(None, WHITE))

    def _close(self, end: int, size: int) -> None:
        """A member is over."""
        member, self._within[-1] = self._within[-1], None
        if member is None or not member.value:
            return
        path, kind = member.path, member.kind
        part = Part(size - member.before, member.begin, member.value, end, path, kind, member.around)
        if len(path) > 1:
            if len(path) == 2:
                self._contents.put(part)
            if kind == b"[":
                self._arrays.put(part)
        elif path[0] in FIXED:
            self._fixed[path[0]] = part
        elif path[0] == b"Content" and kind == b"{":
            self._content = part
        else:
            self._others.put(part)

    def _without(self, gone: Iterable[Part]) -> bytes:
        """A comma stands only between two members that are left."""
        kept, at = bytearray(), 0
        for part in sorted(gone, key=lambda part: part.begin):
            if part.begin < at:
                continue  # within another
            at_top = len(part.path) == 1
            self._copy(kept, at, part.value if at_top else part.begin)
            at = part.end
            if at_top:
                kept += EMPTY.get(part.kind, b"null")
            elif self._text.startswith(b",", at):
                at += 1
            elif kept.endswith(b","):
                del kept[-1]
        self._copy(kept, at, len(self._text))
        return bytes(kept)

    def _copy(self, kept: bytearray, at: int, end: int) -> None:
        for begin, over in tokens_in(self._text, at, end):
            piece = self._text[begin:over]
            kept += piece if piece[:1] == b'"' else piece.translate(None, WHITE)

    def _bare(self) -> bytes:
        short = [(name, part) for name, part in self._fixed.items() if part.size <= MAX_FIXED_BYTES]
        members = [b'"%b":%b' % (name, self._text[part.value : part.end].strip(WHITE)) for name, part in short]
        return b"{" + b",".join([b'"Content":{}', *members]) + b"}"


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
    cut: tuple[str, ...] = ()  # paths of what is left out of the text
    number: int = 0  # given by the outbox: older entries have smaller ones

    @property
    def size(self) -> int:
        return len(self.text) + (150 if self.event else 1) + sum(12 * len(path) + 3 for path in self.cut)

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
    """What the service has acknowledged of a job, or refused."""

    state: str
    mark: int
    at: float
    refused: bool = False
    unwanted: bool = False  # refused, and the service has not asked for it since


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

    def ask_for_everything(self) -> None:
        """The service may know nothing; it may also take what it has refused."""
        self.asked += 1
        for job in self._refused():
            del self._told[job]

    def note(self, entry: Entry, *, refused: bool = False) -> None:
        if entry.text:
            self._told[entry.job] = Told(entry.state, entry.mark, time.monotonic(), refused)

    def note_wanted(self, wanted: Iterable[str], brought: Iterable[str]) -> None:
        """A complete report was answered so.

        What is wanted right after it was refused would be refused again; what is wanted only later may be taken.
        """
        named, fresh = {job: None for job in wanted}, set(brought)  # noqa: C420  # in steps that leave Python's lock
        for job in [job for job in self._refused() if job not in fresh]:
            if job not in named:
                self._told[job].unwanted = True
            elif self._told[job].unwanted:
                del self._told[job]
            else:
                named.pop(job, None)
        self.wanted.extend(named)

    def _refused(self) -> list[str]:
        return [job for job, told in list(self._told.items()) if told.refused]

    def is_told(self, job: str, state: str, mark: int, *, demanded: bool) -> bool:
        """Whether a job that was just read need not be told; one that was refused is told once, and seldom again."""
        told = self._told.get(job)
        if told is None:
            return False
        if told.refused:
            return told.state == state and time.monotonic() - told.at < REFUSED_AGE
        if told.mark != mark or demanded:
            return False
        told.at = time.monotonic()
        return True

    def knows_success(self, job: str) -> bool:
        told = self._told.get(job)
        return told is not None and not told.refused and told.state == "Success"

    def is_open(self, job: str) -> bool:
        """Whether the job has not ended, or is unknown."""
        told = self._told.get(job)
        return told is None or told.state not in ENDS

    def is_due(self, job: str) -> bool:
        """Whether the job may be other than the service knows it."""
        told = self._told.get(job)
        if told is None or self.is_open(job):
            return True
        settled = not told.refused and told.state == "Success"
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
    token: Token = field(default_factory=lambda: Token())
    asked: threading.Event = field(default_factory=threading.Event)  # Orthanc was asked for its version
    version: str = ""
    cannot_read: str = ""  # why no job can be read just now
    max_job_bytes: int = MAX_JOB_BYTES


class Token:
    """Orthanc's key for this incarnation, which opens all of it: one, and one more where that is not taken."""

    def __init__(self) -> None:
        self._value, self._made = "", 0
        self._lock = threading.Lock()

    @property
    def value(self) -> str:
        """The value of Authorization; empty if there is none to be had."""
        with self._lock:
            return self._value or self._make()

    def renew(self) -> bool:
        """Whether there is another one to try."""
        with self._lock:
            return self._made < 2 and bool(self._make())

    def _make(self) -> str:
        self._made += 1
        self._value = str(shielded(orthanc.GenerateRestApiAuthorizationToken) or "")
        return self._value


class Unread(Exception):
    """Orthanc gives no answer; the text says why, in the words of its settings and never in those of a job."""


class Listener(NamedTuple):
    """A listening socket of this process, found in /proc."""

    host: str
    descriptor: int
    inode: int

    @property
    def open(self) -> bool:
        """Whether this process still has it."""
        try:
            found = os.fstat(self.descriptor)
        except OSError:
            return False
        return stat.S_ISSOCK(found.st_mode) and found.st_ino == self.inode


def listening(port: int) -> list[tuple[str, int]] | None:
    """Address and inode of whatever listens at a port of this machine; None where that can't be known."""
    found: list[tuple[str, int]] = []
    for family, table in ((socket.AF_INET, "tcp"), (socket.AF_INET6, "tcp6")):
        try:
            with Path(f"/proc/self/net/{table}").open(encoding="ascii") as rows:
                found += listeners_in(rows, family, port)
        except OSError:
            if family == socket.AF_INET:
                return None
            continue  # no IPv6 here
    return found


def listeners_in(rows: Iterable[str], family: socket.AddressFamily, port: int) -> Iterator[tuple[str, int]]:
    """Address and inode of each listener; the kernel lists those before all connections, of which there may be many."""
    breaths = Breaths()
    for fields in map(str.split, islice(rows, 1, MOST_SOCKETS)):
        address, _, at = fields[1].partition(":")
        if fields[3] == LISTEN and int(at, 16) == port:
            yield readable_address(family, address), int(fields[9])
        breaths.step(STEP_BYTES)


def readable_address(family: socket.AddressFamily, told: str) -> str:
    """/proc writes words of 32 bits, each in this machine's order."""
    words = (int(told[at : at + 8], 16) for at in range(0, len(told), 8))
    return socket.inet_ntop(family, b"".join(struct.pack("=I", word) for word in words))


def own_sockets() -> dict[int, int] | None:
    """Inode and descriptor of every socket of this process; None where that can't be known."""
    try:
        descriptors = [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]
    except OSError:
        return None
    found = {}
    for descriptor in descriptors:
        try:
            status = os.fstat(descriptor)
        except OSError:
            continue  # closed meanwhile: the listing's own
        if stat.S_ISSOCK(status.st_mode):
            found[status.st_ino] = descriptor
    return found


# recognized, and never listened on
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 # nosec B104


def precedence(address: str, host: str) -> int:
    """Which of several listeners the kernel gives a connection to this host: the highest; 0 to none of these."""
    if address == host:
        return 3
    if address in WILDCARDS and (":" in address) == (":" in host):
        return 2
    return 1 if address == "::" else 0


def own_listener(port: int, host: str | None = None) -> Listener | None:
    """Where this process itself is reached, at this host or at any; Unread if nowhere, or if another would answer.

    None where that can't be known, which is anywhere but on Linux.
    """
    rows, own = listening(port), own_sockets()
    if rows is None or own is None:
        return None
    mine = [(at, inode) for at, inode in rows if inode in own and (host is None or precedence(at, host))]
    if not mine:
        raise Unread(f"no socket of this process listens at {host or ''}:{port}, HttpPort")
    address, inode = max(mine, key=lambda row: precedence(row[0], host or row[0]))
    target = host or WILDCARDS.get(address, address)
    if any(precedence(at, target) >= precedence(address, target) for at, other in rows if other not in own):
        raise Unread(f"another process listens at {target}:{port} too")
    return Listener(target, own[inode], inode)


class Line:
    """One kept HTTP connection, which is one thread's; another thread may only abort it."""

    def __init__(self) -> None:
        self._connection: http.client.HTTPConnection | None = None
        self._aborted = False

    def abort(self) -> None:
        """End what another thread waits for."""
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


def receive(connection: socket.socket) -> tuple[int, bytes, bool]:
    """Status and body of an answer, and whether another may follow on the connection.

    By hand: http.client takes 0.1 ms for the head, which is half of what reading a job costs.
    """
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        if len(data) > MAX_HEAD_BYTES:
            raise http.client.LineTooLong("head")
        data += received(connection)
    head, rest = data[:end].lower(), data[end + 4 :]
    if not head.startswith(b"http/1.") or b"\r\ntransfer-encoding:" in head:
        raise http.client.UnknownProtocol(head[:8].decode("ascii", "replace"))
    length = LENGTH.search(head)
    if length is None or int(length[1]) > MAX_READ_BYTES:
        return (TOO_LONG if length else int(head[9:12])), b"", False
    body = [rest]
    left = int(length[1]) - len(rest)
    while left > 0:
        body.append(received(connection))
        left -= len(body[-1])
    return int(head[9:12]), b"".join(body), left == 0 and b"\r\nconnection: close" not in head


def received(connection: socket.socket) -> bytes:
    """Some bytes; ConnectionError where the other side has closed."""
    data = connection.recv(RECEIVE_BYTES)
    if not data:
        raise ConnectionResetError("closed")
    return data


class OwnOrthanc(Line):
    """Loopback client: asks this very Orthanc over HTTP, by one connection that is kept busy.

    Law: the key is sent only to a listener of this process (to a loopback address where listeners can't be known), and
    over TLS, as SelfUrl says it too, only to who shows Orthanc's certificate.
    """

    def __init__(self, settings: Loopback, token: Token) -> None:
        super().__init__()
        self._settings = settings
        self._token = token
        self._listener: Listener | None = None
        self._certificate = b""
        self._used = 0.0

    def read(self, path: str) -> tuple[int, bytes]:
        """Status and body; Unread if there is no answer, or none to us."""
        status, body = self._ask(path)
        if status == 401 and not self._settings.login and self._token.renew():
            status, body = self._ask(path)
        if status == 401:
            user = self._settings.login
            raise Unread("SelfUser is not let in (401)" if user else "no token is let in (401): name a SelfUser")
        if status == 403:
            raise Unread("GET /jobs is forbidden to the plugin (403): name another SelfUser, or let it in")
        return status, body

    def keep_warm(self) -> None:
        """Use the connection before Orthanc closes it and gives its thread to others."""
        if self._connection is not None and time.monotonic() - self._used >= KEEP_WARM / 2:
            self.read("/tools/now")

    def _ask(self, path: str) -> tuple[int, bytes]:
        """A kept connection may have been closed meanwhile, and is replaced once."""
        kept = self._connection is not None
        try:
            return self._exchange(path)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if kept and not self._aborted and not isinstance(error, TimeoutError):
                return self._ask(path)
            raise Unread(self._describe(error)) from None
        except Unread:
            self.close()
            raise

    def _exchange(self, path: str) -> tuple[int, bytes]:
        connection = self._connection = self._connection or self._connect()
        if self._aborted:
            raise Unread("Orthanc stops")  # while this was being connected; Orthanc would wait for our question
        key = self._settings.login or self._token.value
        connection.sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {key}\r\n\r\n".encode())
        status, body, goes_on = receive(connection.sock)
        if not goes_on:
            self.close()
        self._used = time.monotonic()
        return status, body

    def _connect(self) -> http.client.HTTPConnection:
        """Connected, and proven to be this process, before anything is sent."""
        if self._aborted or not self._settings.served:
            raise Unread("Orthanc stops" if self._aborted else "Orthanc serves no HTTP: HttpServerEnabled is false")
        host, port = self._locate()
        if self._settings.certificate:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=READ_TIMEOUT, context=self._settings.tls
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=READ_TIMEOUT)
        try:
            connection.connect()
            self._prove(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _locate(self) -> tuple[str, int]:
        url, port = self._settings.url, self._settings.port
        if url is not None:
            return url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        if self._listener is None or not self._listener.open:
            self._listener = own_listener(port)
        if self._listener is None:
            raise Unread("Orthanc's own listener can't be found on this system: set SelfUrl")
        return self._listener.host, port

    def _prove(self, connection: http.client.HTTPConnection) -> None:
        host, port = connection.sock.getpeername()[:2]
        if self._listener is None or self._listener.host != host or not self._listener.open:
            self._listener = own_listener(port, host)
        if self._listener is None and not ipaddress.ip_address(host).is_loopback:
            raise Unread("its own listener can't be told from another's on this system: SelfUrl must be at a loopback")
        if isinstance(connection.sock, ssl.SSLSocket) and connection.sock.getpeercert(True) != self._own_certificate():
            raise Unread("the listener shows another certificate than SslCertificate")

    def _own_certificate(self) -> bytes:
        """Read once: Orthanc too has read it once, when it started."""
        if not self._certificate and self._settings.certificate:
            text = self._settings.certificate.read_text(encoding="ascii", errors="replace")
            found = CERTIFICATE.search(text)
            self._certificate = ssl.PEM_cert_to_DER_cert(found.group()) if found else b""
        return self._certificate or b"none"

    def _describe(self, error: Exception) -> str:
        if self._aborted:
            return "Orthanc stops"
        if isinstance(error, TimeoutError):
            return (
                f"Orthanc is silent for {READ_TIMEOUT:g} s: are there too few HttpThreadsCount, or is KeepAlive false?"
            )
        if isinstance(error, ssl.SSLError):
            return f"no TLS with Orthanc itself ({error.reason}): with SslVerifyPeers it takes a CertificateFile"
        return f"Orthanc can't be reached from within ({type(error).__name__})"


class Later(NamedTuple):
    """An event whose job Orthanc could not print yet."""

    event: Happening
    since: float
    due: float


class Reader:
    """Reads jobs: those of events first, then those the service wants, then those of the round."""

    def __init__(self, desk: Desk, own: OwnOrthanc) -> None:
        self._desk, self._inbox, self._outbox, self._ledger = desk, desk.inbox, desk.outbox, desk.ledger
        self._own = own
        self._round: Round | None = None
        self._began, self._due, self._everything_due = 0.0, 0.0, 0.0
        self._spent = 0.0  # seconds that the round has taken
        self._later: dict[str, Later] = {}
        self._large: dict[str, float] = {}  # unfinished jobs above the bound, and when each may be read again
        self._unread_since, self._unread_pause, self._ask_again = 0.0, UNREAD_PAUSE, 0.0

    def run(self) -> None:
        keep(self.read_due, self._inbox.bell, self._desk.stopping)
        self._own.close()

    def abort(self) -> None:
        self._own.abort()

    def read_due(self) -> float:
        """Read what is due; seconds until more will be, or until the connection must be used, unless the bell rings."""
        if (left := self._ask_again - time.monotonic()) > 0:
            return self._do_without(left)
        try:
            if not self._desk.version:
                self._ask_version()
            self._own.keep_warm()
            pause = self._read_all()
        except Unread as reason:
            return self._fail(str(reason)[:MAX_REASON_LENGTH])
        self._recover()
        return min(pause, KEEP_WARM)

    def _ask_version(self) -> None:
        try:
            _, text = self._own.read("/system")
            self._desk.version = str(json.loads(text)["Version"])[:64]
        except (ValueError, KeyError, TypeError):
            self._desk.version = "unknown"
        self._desk.asked.set()

    def _fail(self, reason: str) -> float:
        """Orthanc gives no answer: the service is told, but not before the next tries have failed too."""
        now = time.monotonic()
        self._round, self._unread_since = None, self._unread_since or now
        self._ask_again = now + self._unread_pause
        self._unread_pause = min(LONGEST_UNREAD_PAUSE, 2 * self._unread_pause)
        self._desk.asked.set()
        if now - self._unread_since >= UNREAD_PATIENCE and not self._desk.stopping.is_set():
            if reason != self._desk.cannot_read:
                log(orthanc.LogWarning, f"its jobs can't be read: {reason}")
            self._desk.cannot_read = reason
            self._outbox.bell.set()
        return self._do_without(self._ask_again - now)

    def _do_without(self, pause: float) -> float:
        """While nothing can be read, an event's own word is better than none."""
        while self._desk.cannot_read and (noted := self._inbox.take()):
            self._put_event(*noted)
        return pause

    def _recover(self) -> None:
        self._unread_since, self._unread_pause = 0.0, UNREAD_PAUSE
        if self._desk.cannot_read:
            self._desk.cannot_read = ""
            log(orthanc.LogWarning, "its jobs can be read again")

    def _read_all(self) -> float:
        while not self._desk.stopping.is_set():
            if noted := self._inbox.take():
                self._read_event(*noted)
            elif again := self._take_later():
                self._read_event(*again)
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
        later = min((each.due - time.monotonic() for each in self._later.values()), default=HEARTBEAT)
        if not self._ledger.registered or self._outbox.closes(self._ledger.asked):
            return max(0.0, later)
        return max(0.0, min(later, self._round_due() - time.monotonic()))

    def _round_due(self) -> float:
        """After what the last one has cost, too, so that rounds have a share of the time and no more."""
        asked = self._ledger.asked != self._ledger.served
        return self._began + AT_LEAST_BETWEEN if asked else max(self._due, self._began + self._spent / ROUND_SHARE)

    def _take_later(self) -> tuple[str, Happening] | None:
        now = time.monotonic()
        return next(((job, later.event) for job, later in self._later.items() if later.due <= now), None)

    def _read_event(self, job: str, event: Happening) -> None:
        """A job that has succeeded stays so: what was read at its submission may be its end already."""
        held = self._outbox.held(job)
        if held.state == "Success" if held else self._ledger.knows_success(job):
            self._later.pop(job, None)
            return
        try:
            status = self._read(job)
        except Unread:
            self._inbox.put_back(job, event)
            raise
        if status in (200, 404) or not self._put_off(job, event):
            self._later.pop(job, None)
            if status != 200 and not (held and ENDS.get(held.state) == event.kind):
                self._put_event(job, event)

    def _put_event(self, job: str, event: Happening) -> None:
        self._outbox.put(Entry(job, event.time, self._desk.clock.read()[1], event=event))

    def _put_off(self, job: str, event: Happening) -> bool:
        """Try again soon; False when that was done long enough, and later rounds have to read it."""
        now, before = time.monotonic(), self._later.get(job)
        since = before.since if before and before.event == event else now
        if now - since >= NOT_YET_PATIENCE or len(self._later) >= MOST_EVENTS:
            return False
        self._later[job] = Later(event, since, now + max(NOT_YET_PAUSE, now - since))
        return True

    def _begin_round(self) -> bool:
        self._round = None
        if (
            not self._ledger.registered
            or self._outbox.closes(self._ledger.asked)
            or self._round_due() > time.monotonic()
        ):
            return False
        now, asked = time.monotonic(), self._ledger.asked
        everything = asked != self._ledger.served or now >= self._everything_due
        taken, clock = self._desk.clock.read()
        status, listed = self._own.read("/jobs")
        self._began, self._due, self._spent = now, now + BUSY_HEARTBEAT, time.monotonic() - now
        if status != 200:
            return False
        ids = read_ids(listed)
        known = set(ids)
        self._ledger.keep(known)
        self._large = {job: due for job, due in self._large.items() if job in known}
        self._round = Round(taken, clock, asked, everything, ids, deque(self._choose(ids, everything)))
        self._due = now + (BUSY_HEARTBEAT if any(map(self._ledger.is_open, ids)) else HEARTBEAT)
        return True

    def _choose(self, ids: list[str], everything: bool) -> list[str]:
        now = time.monotonic()
        due = (
            ids if everything else [job for job in ids if self._ledger.is_due(job) and self._large.get(job, now) <= now]
        )
        ordered = sorted(due, key=self._ledger.urgency)
        return ordered if everything else ordered[:MOST_REREAD]

    def _continue_round(self, current: Round) -> None:
        spent = not current.everything and self._spent >= BUSY_HEARTBEAT * ROUND_SHARE
        if current.rest and not spent:
            began = time.monotonic()
            self._read_unless_held(current.rest.popleft(), demanded=current.everything)
            self._spent += time.monotonic() - began
            time.sleep(BREATH)
            return
        if current.everything:
            self._everything_due = self._began + max(EVERYTHING_EVERY, self._spent / EVERYTHING_SHARE)
            self._spent = 0.0
        self._outbox.close(current)
        self._round = None

    def _read_unless_held(self, job: str, *, demanded: bool) -> None:
        held = self._outbox.held(job)
        if held is None or not held.final:
            self._read(job, demanded=demanded)

    def _read(self, job: str, *, demanded: bool = False) -> int:
        """Read a job and put it into the outbox, unless the service knows it so.

        200 if that is done; 404 if Orthanc has forgotten it; anything else means *not yet*.
        """
        taken, clock = self._desk.clock.read()
        status, text = self._own.read(f"/jobs/{job}")
        if status == TOO_LONG:
            self._note_size(job, "", MAX_READ_BYTES)
        if status != 200:
            return status
        if self._desk.clock.read()[1] != clock:
            return self._read(job, demanded=demanded)  # its stamp may be of the next clock epoch
        size = len(text)
        state, text, cut = self._understand(text)
        if not state:
            return 0
        self._note_size(job, state, size)
        mark = mark_of(text)
        if self._outbox.held(job) is None and self._ledger.is_told(job, state, mark, demanded=demanded):
            return 200
        told = quoted(text)
        if len(told) > MAX_QUOTED_BYTES:
            text, more = LongJob(text).cut(self._desk.max_job_bytes // LONGEST_ESCAPE)
            told, cut = quoted(text), tuple(sorted({*cut, *more}))
        self._outbox.put(Entry(job, taken, clock, told, state, mark, cut=cut))
        if state not in ENDS:
            self._due = min(self._due, time.monotonic() + BUSY_HEARTBEAT)
        return 200

    def _understand(self, text: bytes) -> tuple[str, bytes, tuple[str, ...]]:
        """The job's state, its text within the bound, and what had to be left out of that."""
        if len(text) <= self._desk.max_job_bytes:
            return read_state(text), text, ()
        job = LongJob(text)
        return (job.state, *job.cut(self._desk.max_job_bytes))

    def _note_size(self, job: str, state: str, size: int) -> None:
        self._large.pop(job, None)
        if size > self._desk.max_job_bytes and state not in ENDS:
            self._large[job] = time.monotonic() + size / RECHECK_BYTES_PER_S


def read_state(text: bytes) -> str:
    """A job's state; empty if the text is no job."""
    for at in range(0, len(text), PIECE_BYTES):
        if found := STATE.search(text, at, at + PIECE_BYTES + STEP_BYTES):
            return found[1].decode()
    if len(text) > PIECE_BYTES:
        return LongJob(text).state
    try:
        job = json.loads(text)
    except ValueError:
        return ""
    return str(job.get("State", "")) if isinstance(job, dict) else ""


def read_ids(listed: bytes) -> list[str]:
    """Orthanc's list of ids, in steps that leave Python's lock to others; Unread if it is none."""
    if not (listed.lstrip().startswith(b"[") and listed.rstrip().endswith(b"]")):
        raise Unread("GET /jobs is no list")
    return ids_in(listed)


def ids_in(listed: bytes) -> list[str]:
    breaths, ids = Breaths(), list[str]()
    for found in LISTED_ID.finditer(listed):
        ids.append(found[1].decode())
        breaths.step(0)
    return ids


class Answer(NamedTuple):
    """What the service said; status 0 if nothing that is HTTP."""

    status: int
    said: dict[str, Any]
    error: str = ""  # what is wrong with the certificate, or else with TLS
    unreached: str = ""  # why there is no answer, where TLS is not the reason

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def reason(self) -> str:
        """In the service's words, on one line.  For answers to a registration: after jobs they might be repeated."""
        told = self.said.get("Details") or self.said.get("Message")
        text = " ".join(told.split()) if isinstance(told, str) else ""
        return "".join(letter for letter in text if letter.isprintable())[:MAX_REASON_LENGTH]


class Service(Line):
    """The way to the service: one kept connection to one of its addresses, signed posts, redirects not followed."""

    def __init__(self, settings: Settings, at: int = 0, offset: int = 0) -> None:
        super().__init__()
        self._settings = settings
        self._at = at
        self._offset = offset  # milliseconds that the service's clock is ahead of ours

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
            return self.post(body, timeout) if again else Answer(0, {}, describe_tls(error), describe_silence(error))

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

    def _exchange(self, body: bytes, timeout: float) -> Answer:
        connection = self._connection = self._connection or self._connect(timeout)
        path = f"/nodes/{self._settings.node}/report"
        connection.request("POST", self.url.path + path, body, self._sign(path, body))
        response = connection.getresponse()
        told = response.read(MOST_ANSWER)
        if not response.isclosed():
            self.close()
        try:
            said = read_answer(told)
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


def read_answer(told: bytes) -> Any:
    """The answer's JSON; where the jobs that are wanted are many, their ids are read one by one."""
    at = told.find(b'"Wanted"') if len(told) > PIECE_BYTES else -1
    begin = told.find(b"[", at)
    end = told.find(b"]", begin)
    if min(at, begin, end) < 0:
        return json.loads(told)
    said = json.loads(told[: begin + 1] + told[end:])
    return {**said, "Wanted": ids_in(told[begin : end + 1])} if isinstance(said, dict) else None


def describe_tls(error: Exception) -> str:
    """What an administrator has to look at where TLS failed; empty if it did not."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS with it fails: {error.reason}; is our certificate the right one, and is it https?"
    return ""


def describe_silence(error: Exception) -> str:
    """Why nothing was answered; never what somebody has sent in its place."""
    if isinstance(error, http.client.HTTPException) and not isinstance(error, OSError):
        return "no answer in HTTP"
    return describe(error)


def describe_refusal(url: str, status: int) -> tuple[str, str]:
    """What was answered in place of a service's own refusals, and which setting to look at."""
    told = f"{url} answers {status}"
    if status == 400:
        return told, 'look at "NodeUrl" and "NodeId" (JOBINDEX_NODE_URL, JOBINDEX_NODE_ID)'
    if status >= 500:
        return told, f"look at the replica's log, and whether {URLS} names its {INTERNAL}"
    return told, f"{URLS} must name a replica's {INTERNAL}"


def write_report(head: Mapping[str, Any], batch: Batch) -> bytes:
    """The report's JSON; the jobs are in it as they are in the outbox, encoded once."""
    members = dict(head)
    events = [(entry.job, entry.event) for entry in batch.entries if entry.event]
    if events:
        members["Events"] = [{"ID": job, "Kind": event.kind, "Time": moment(event.time)} for job, event in events]
    if batch.round:
        members["Complete"] = True
    if cut := {entry.job: entry.cut for entry in batch.entries if entry.cut}:
        members["Cut"] = cut
    frame = json.dumps(members, separators=(",", ":")).encode()
    ids = (b',"Ids":[', b",".join(ids_of(batch.round)), b"]") if batch.round else ()
    jobs = b",".join(entry.text for entry in batch.entries if entry.text)
    return b"".join((frame[:-1], *ids, b',"Jobs":[', jobs, b"]}"))  # leaves Python's lock to others if it is long


def ids_of(ended: Round) -> Iterator[bytes]:
    """Written in pieces, since there may be a hundred thousand."""
    breaths = Breaths()
    for at in range(0, len(ended.ids), IDS_AT_ONCE):
        yield json.dumps(ended.ids[at : at + IDS_AT_ONCE], separators=(",", ":"))[1:-1].encode()
        breaths.step(40 * IDS_AT_ONCE)


class Sender:
    """Registers this node, then posts what is in the outbox and acts on the answers."""

    def __init__(self, settings: Settings, desk: Desk) -> None:
        self._settings = settings
        self._desk, self._outbox, self._ledger = desk, desk.outbox, desk.ledger
        self._service = Service(settings)
        self._troubles: set[str] = set()  # logged once each, until reports are taken again
        self._failures = 0
        self._limit = MOST_JOBS
        self._shared = False
        self._version = ""  # as registered
        self._said = 0.0  # when the last report was taken

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
        """What is left, then the goodbye, which is heard whatever becomes of the rest; on a way of its own."""
        while noted := self._desk.inbox.take():
            self._outbox.put(Entry(noted[0], noted[1].time, self._desk.clock.read()[1], event=noted[1]))
        service, urls = self._service.fork(), len(self._settings.urls)
        batch = self._outbox.take(MOST_JOBS, self._ledger.asked)._replace(round=None)
        rest = write_report(self._head(batch), batch)
        goodbye = write_report({**self._head(Batch([])), "Goodbye": True}, Batch([]))
        bodies = [rest, goodbye] if batch.entries else [goodbye]
        for left in range(urls if self._ledger.registered else 0, 0, -1):
            share = (deadline - time.monotonic()) / left / len(bodies)
            answers = [service.post(body, max(0.02, share)) for body in bodies]
            if answers[-1].ok:
                break
            service.turn()
        service.close()

    def _register(self) -> bool:
        self._desk.asked.wait(ASK_FIRST)
        self._version = self._desk.version
        told = {**self._settings.registration, "Version": self._version, **self._share()}
        head = {**self._head(Batch([])), "Register": told}
        answer = self._service.post(write_report(head, Batch([])), TIMEOUT)
        if not answer.ok:
            self._fail(answer, answer.reason)
            return True
        self._troubles.clear()
        log(orthanc.LogWarning, f"node {self._settings.node} is registered at {self._service.url.geturl()}")
        self._ledger.register()
        self._note_bound(answer.said)
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
        token = self._desk.token.value
        if token and not self._shared:
            self._shared = True
            log(orthanc.LogWarning, "its token, an administrator's key to this Orthanc, is shared with the service")
        return {"Token": token} if token else {}

    def _note_bound(self, said: dict[str, Any]) -> None:
        bound = said.get("MaxJobBytes")
        if isinstance(bound, int) and bound > 0:
            self._desk.max_job_bytes = min(bound, HIGHEST_MAX_JOB_BYTES)

    def _send(self) -> bool:
        """One report; False when there is nothing to say."""
        if len(self._outbox) < MOST_JOBS:
            self._desk.stopping.wait(LINGER)
        batch = self._outbox.take(self._limit, self._ledger.asked)
        if not batch.entries and not batch.round and not self._owes_word():
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

    def _owes_word(self) -> bool:
        """Where no job can be read there are no rounds, and the heart beats without them."""
        return bool(self._desk.cannot_read) and time.monotonic() - self._said >= HEARTBEAT

    def _head(self, batch: Batch) -> dict[str, Any]:
        """The members that every report has; its time is that of its ids, else of the oldest reading in it."""
        taken, clock = self._desk.clock.read()
        if batch.round:
            taken, clock = batch.round.taken, batch.round.clock
        elif batch.entries:
            taken, clock = min(entry.taken for entry in batch.entries), batch.entries[0].clock
        head = {"Format": 1, "Incarnation": self._desk.incarnation, "Taken": moment(taken), "Clock": clock}
        reason = self._desk.cannot_read
        return {**head, "CannotRead": reason} if reason and not batch.round else head

    def _acknowledge(self, batch: Batch, said: dict[str, Any]) -> None:
        self._failures, self._said = 0, time.monotonic()
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
        self._obey(said, batch)

    def _obey(self, said: dict[str, Any], batch: Batch) -> None:
        self._note_bound(said)
        if said.get("Everything"):
            self._ledger.ask_for_everything()
        if said.get("Register") or (self._desk.version and not self._version):
            self._ledger.registered = False
        if batch.round:
            wanted = [job for job in said.get("Wanted") or () if JOB_ID.fullmatch(job)]
            self._ledger.note_wanted(wanted, [entry.job for entry in batch.entries])

    def _narrow(self, batch: Batch, status: int) -> None:
        """Something in the report can't be taken: halve it until that is alone, then do without it."""
        if len(batch.entries) + bool(batch.round) > 1:
            self._limit = max(1, len(batch.entries) // 2)
            return
        for entry in batch.entries:
            log(orthanc.LogWarning, f"job {entry.job} is refused ({status}) and not reported")
            self._ledger.note(entry, refused=True)
        self._outbox.settle(batch)
        if batch.round:
            self._trouble(f"the list of all jobs is refused ({status})")
            self._pause()

    def _fail(self, answer: Answer, reason: str = "") -> None:
        """Keep everything and try again: at once with the right time, else later and at the next address."""
        if answer.status == 401 and self._service.adopt(answer.said.get("Time")) and not self._failures:
            self._failures += 1
            return
        if answer.status == 409 and answer.said.get("Register"):
            self._ledger.registered = False
        elif not self._desk.stopping.is_set():
            self._complain(answer, reason)
            self._service.turn()
        self._pause()

    def _pause(self) -> None:
        """Longer each time that all addresses have failed; spread, so that nodes don't come back all at once."""
        doublings = min(self._failures // len(self._settings.urls), 6)
        self._failures += 1
        pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**doublings)
        self._desk.stopping.wait(random.uniform(max(SHORTEST_PAUSE, pause / 2), pause))

    def _trouble(self, message: str, told: str = "") -> None:
        """A message is one trouble, however it is told."""
        if message not in self._troubles:
            self._troubles.add(message)
            log(orthanc.LogWarning, told or message)

    def _complain(self, answer: Answer, reason: str) -> None:
        """By address and setting where it is not the service itself that refuses this node."""
        url, kept = self._service.url.geturl(), "reports are kept and sent later"
        if message := self._describe(answer):
            self._trouble(message)
        elif answer.unreached:
            self._trouble(f"{url} is not reached: {answer.unreached}; {kept}; look at {URLS}, and at that machine")
        else:
            refusal, mend = describe_refusal(url, answer.status)
            self._trouble(refusal, f"{refusal}{f' ({reason})' if reason else ''}: {mend}; {kept}")

    def _describe(self, answer: Answer) -> str:
        """Empty where the trouble is none between this node and the service."""
        status = answer.status
        if answer.error:
            return f"{self._service.url.geturl()}: {answer.error}"
        if status == 401 and answer.said.get("Replayed"):
            return "a report of ours was taken for a replay: does something between here and there send twice?"
        if status == 401 and "Time" in answer.said:
            return "our signature is refused: is the cluster's secret the same here and there?"
        if status == 403:
            return "the service calls nobody at our address: NodeUrl here, or JOBINDEX_NODE_NETWORKS there"
        if status == 409:
            return f"another living Orthanc reports as node {self._settings.node}: give each its own NodeId"
        return ""


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
        self._reader: Reader | None = None
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
            settings = read_settings(json.loads(orthanc.GetConfiguration()), os.environ)
        except (OSError, ValueError) as error:
            log(orthanc.LogError, f"nothing is reported: {error}")
            return
        if not settings.secret.key:
            log(orthanc.LogWarning, "insecure: reports are not signed, there is no secret")
        desk = self._desk = Desk(self._inbox, Clock())
        self._sender = Sender(settings, desk)
        self._reader = Reader(desk, OwnOrthanc(settings.loopback, desk.token))
        self._run("jobs reader", self._reader.run)
        self._run("jobs sender", self._sender.run)

    def _stop(self) -> None:
        """Say goodbye and end the threads, but be through within FAREWELL, whatever the service does."""
        if not self._desk or not self._sender or not self._reader:
            return
        deadline = time.monotonic() + FAREWELL
        self._desk.stopping.set()
        self._reader.abort()  # first: Orthanc's HTTP server waits for its connections
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
