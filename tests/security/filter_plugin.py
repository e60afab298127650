"""For Orthanc's Python plugin: ours, and a filter with the default permissions of the authorization plugin.

Who has which permissions is in `rights.json` beside this file, and may change while Orthanc runs.  A caller is known
by the value of the header Authorization, or of `auth-token` as a header or an argument.
"""

import json
import re
import sys
from pathlib import Path

import orthanc

HERE = Path(__file__).parent
sys.path.insert(0, (HERE / "plugin").read_text())
import jobs_plugin  # noqa: E402, F401

ANY = {"all", "send", "modify", "anonymize", "q-r-remote-modalities", "admin-permissions"}
ADMINISTRATORS = {"admin-permissions"}
GET, POST, DELETE = orthanc.HttpMethod.GET, orthanc.HttpMethod.POST, orthanc.HttpMethod.DELETE
TABLE = [
    (GET, r"^/jobs$", ADMINISTRATORS),
    (GET, r"^/jobs/([a-f0-9-]+)$", ANY),
    (POST, r"^/jobs/([a-f0-9-]+)/(pause|resume|resubmit|cancel)$", ADMINISTRATORS),
    (DELETE, r"^/jobs/([a-f0-9-]+)$", ADMINISTRATORS),
    (POST, r"^/(instances|studies/[a-f0-9-]+/archive)$", ADMINISTRATORS),
]
OPEN = "/system"


def may(uri, **request):
    needed = next((each for method, path, each in TABLE if method == request["method"] and re.match(path, uri)), set())
    return uri == OPEN or bool(needed & granted(request["headers"], request.get("get", {})))


def granted(headers, arguments):
    rights = json.loads((HERE / "rights.json").read_text())
    keys = [headers.get("auth-token"), arguments.get("auth-token"), headers.get("authorization")]
    return set(rights.get(next((key for key in keys if key), ""), []))


orthanc.RegisterIncomingHttpRequestFilter(may)
