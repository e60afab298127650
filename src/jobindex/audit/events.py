"""What can happen, coded: DICOM's words (PS3.16 CID 400 and 401) where one fits, else our own."""

from jobindex.audit.record import OURS, Code, Event

_ACTIVITY = Code("110100", "Application Activity")
_ALERT = Code("110113", "Security Alert")
_ENTRY = Code("110108", "Network Entry")

STARTED = Event(_ACTIVITY, "E", Code("110120", "Application Start"))
STOPPED = Event(_ACTIVITY, "E", Code("110121", "Application Stop"))

READ = Event(Code("110112", "Query"), "E")
EXPORT = Event(Code("110106", "Export"), "R")

NOT_LOGGED_IN = Event(Code("110114", "User Authentication"), "E", Code("110122", "Login"))
NOT_ALLOWED = Event(_ALERT, "E", Code("110132", "Use of Restricted Function"))
TOO_MANY = Event(_ALERT, "E", Code("too-many", "Too many requests", OURS))
REFUSED = {401: NOT_LOGGED_IN, 403: NOT_ALLOWED, 429: TOO_MANY}
"""What a refusal is, by the status it is answered with."""

NODE_CAME = Event(_ENTRY, "E", Code("110124", "Attach"))
NODE_LEFT = Event(_ENTRY, "E", Code("110125", "Detach"))
NODE_NOT_PROVEN = Event(_ALERT, "E", Code("110126", "Node Authentication"))

FORGOTTEN = Event(Code("cluster", "Change", OURS), "D", Code("forget", "jobindex forget", OURS))
"""An operator has taken a node off the list, on the command line."""

RECORDS_LOST = Event(_ALERT, "E", Code("110133", "Audit Recording Stopped"))

_ACTIONS = {"POST": "E", "PUT": "U", "DELETE": "D"}


def change(method: str, path: str) -> Event:
    """What changes a job or the cluster; its type is the route, `POST /jobs/{id}/cancel`."""
    about = Code("job", "Change of a job", OURS) if path.startswith("/jobs") else Code("cluster", "Change", OURS)
    return Event(about, _ACTIONS.get(method, "E"), Code(f"{method} {path}", f"{method} {path}", OURS))


def purge(what: str) -> Event:
    """What an operator has removed from the index by the command of this name."""
    return Event(Code("job", "Change of a job", OURS), "D", Code(f"purge {what}", f"jobindex purge {what}", OURS))


def report_refused(word: str) -> Event:
    """A node's report that was not taken, by the code word of the error."""
    if word == "not_signed":
        return NODE_NOT_PROVEN
    return Event(_ALERT, "E", Code(word, "Report refused", OURS))
