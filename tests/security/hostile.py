"""Requests that people send who want out of `/jobs/`: made up by Hypothesis of what has worked elsewhere."""

from dataclasses import dataclass
from itertools import product
from urllib.parse import quote

from hypothesis import strategies as st

from ..builders import job_id
from ..unit.scripted_orthanc import AUTHORIZATION

KNOWN = job_id(0xABC)
UNKNOWN = job_id(0xDEF)
TOKEN = "X-Token"  # the token header that the replica is told of

METHODS = ["GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get", "DeLeTe", "CONNECT"]
WORDS = [
    "jobs", "job-index", "nodes", "orthanc", KNOWN, UNKNOWN, "archive", "cancel", "pause", "forget", "system", "tools",
    "now", "studies", "instances", "changes", "a", "..", ".", "...", "", "~", "*", "index.html",
]  # fmt: skip
SEPARATORS = ["/", "//", "%2f", "%2F", "%252f", "\\", "%5c", "/./", "/../", "/..;/", "%c0%af", "%e2%88%95", "/%2e%2e/"]
INSERTS = [
    "%00", "%0d%0a", "%0d%0aX-Injected:%201", "%20", "%09", "%3f", "?", "#", "%23", ";x=1", "%", "%2", "%zz", "%u002e",
    "%ff", "%C3%A9", "\xe9", "%F0%9D%93%B3", "%e2%80%ae", "@evil.invalid", ":80", "&", "=", "|", "`", '"', "<", "%7b",
]  # fmt: skip
ARGUMENTS = [
    "", "?expand", "?expand=1&status=Running", "?_method=DELETE", "?_method=PUT&_method=POST", "?x=%0d%0aHost:%20evil",
    "?/../../system", "?token=abc&token=def", "?expand=%00", "?" + "&".join("a=b" for _ in range(300)), "??", "?&&=&",
    "?url=http://127.0.0.1:6379/", "?status=%F0%9F%92%A5",
]  # fmt: skip
HEADERS = [
    "X-HTTP-Method-Override: DELETE", "X-HTTP-Method: PUT", "X-Method-Override: POST", "X-Original-URL: /system",
    "X-Rewrite-URL: /system", "X-Forwarded-Prefix: /../system", "X-Forwarded-Host: evil.invalid",
    "X-Forwarded-Path: /system", "Forwarded: for=127.0.0.1;host=evil.invalid;proto=https", "X-Forwarded-For: 127.0.0.1",
    "Via: 1.1 evil", "Connection: Authorization", "Connection: close, X-Token", "Keep-Alive: timeout=9", "TE: trailers",
    "Upgrade: websocket", "Proxy-Authorization: Basic eDp5", "Cookie: session=1; Authorization=Bearer x",
    "Range: bytes=0-9", "If-None-Match: *", "If-Match: *", "Accept-Encoding: gzip, br", "Content-Type: text/html",
    "Expect: 100-continue", "Origin: null", "Referer: http://evil.invalid/", "Sec-Fetch-Site: same-origin",
    "Cache-Control: no-cache", "X-Token: made%0d%0aup", "X-Token: \xe9\xff", "X-Token: \udcff", "x-token: twice",
    "Host: evil.invalid",
    "Authorization: Bearer 00000000-0000-0000-0000-000000000000", "Authorization: Basic eDp5", "Authorization:",
    "authorization : Basic eDp5", "Authorization\t: Basic eDp5", "X_Token: under", " folded: line", "\tX-Token: folded",
    "X-Job-Index-Signature: 00", "Transfer-Encoding: identity", "Content-Length: 0", "Max-Forwards: 0", "no colon here",
    "X-Long: " + "x" * 9000, "X-Nul: a\x00b",
]  # fmt: skip

noise = st.text(st.characters(codec="utf-8", exclude_characters="\r\n \t"), min_size=1, max_size=8).map(quote)
piece = st.one_of(st.sampled_from(WORDS), st.sampled_from(INSERTS), noise)
joined = st.lists(st.tuples(st.sampled_from(SEPARATORS), piece), max_size=5).map(
    lambda pairs: "".join(separator + piece for separator, piece in pairs)
)
spelled = st.sampled_from(
    [str, str.upper, lambda text: text.replace("j", "%6a"), lambda text: text.replace("-", "%2d")]
)
job_paths = st.builds(
    lambda spell, job, insert, rest: f"/jobs/{spell(job)}{insert}{rest}",
    spelled,
    st.sampled_from([KNOWN, KNOWN, UNKNOWN]),
    st.sampled_from(["", "", "", *INSERTS]),
    st.one_of(st.sampled_from(["", "/archive", "/cancel", "/resume"]), joined),
)
paths = st.one_of(
    job_paths,
    joined.map("/jobs{}".format),
    joined.map("/job-index{}".format),
    joined,
    st.sampled_from(
        ["*", "http://evil.invalid/jobs", "//evil.invalid/jobs", "jobs", "/jobs/" + "a" * 9000, "/" * 5000]
    ),
)
logins = st.sampled_from(
    [
        [f"Authorization: {AUTHORIZATION}"],
        [f"Authorization: {AUTHORIZATION}"],
        [f"Authorization: {AUTHORIZATION}", "Authorization: Basic eDp5"],
        ["Authorization: Basic eDp5", f"Authorization: {AUTHORIZATION}"],
        [f"authorization: {AUTHORIZATION}", f"{TOKEN}: abc"],
        [f"{TOKEN}: abc"],
        [],
    ]
)


@dataclass(frozen=True)
class Attack:
    """A request line and its headers; `bytes_from` makes it a request with a place of its own."""

    method: str
    target: str
    headers: tuple[str, ...]

    def bytes_from(self, address: str) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1", "Host: here", *self.headers, f"X-Forwarded-For: {address}"]
        return "\r\n".join(lines).encode("utf-8", errors="surrogateescape") + b"\r\n\r\n"


ways = st.tuples(
    st.one_of(st.sampled_from(METHODS[:3]), st.sampled_from(METHODS)),
    st.sampled_from(ARGUMENTS),
    logins,
    st.lists(st.sampled_from(HEADERS), max_size=3, unique=True),
)
PATHS, WAYS = 5, 8
batches = st.builds(
    lambda paths, ways: [
        Attack(method, path + query, (*login, *more)) for path, (method, query, login, more) in product(paths, ways)
    ],
    st.lists(paths, min_size=PATHS, max_size=PATHS),
    st.lists(ways, min_size=WAYS, max_size=WAYS),
)
"""Some paths, each asked for in some ways."""
