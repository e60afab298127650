"""The errors of the service, as a tree; each has a code word that `web/errors.py` turns into a status."""


class JobIndexError(Exception):
    """The root: an error of ours, with a message for the person who reads the answer."""

    word = "internal"

    @property
    def for_clients(self) -> str:
        """What is said of it outside: nothing of where our own servers are."""
        return str(self)


class BadArgument(JobIndexError):
    """A query argument has a value outside its range."""

    word = "bad_argument"


class UnknownResource(JobIndexError):
    """A path below ours that stands for nothing."""

    word = "unknown_resource"


class NotNow(JobIndexError):
    """What is asked is possible in general, but not in the state that the thing is in."""

    word = "not_now"


class MalformedReport(JobIndexError):
    """A report that can't be read, or a job in it."""

    word = "malformed_report"


class NotSigned(JobIndexError):
    """A report whose signature, or the time it was signed at, is not right."""

    word = "not_signed"


class Replayed(NotSigned):
    """A report that came before, signature and all."""

    word = "replayed"


class OutOfReach(JobIndexError):
    """An address that no Orthanc may have, by the settings or by any means."""

    word = "out_of_reach"


class UnknownNode(JobIndexError):
    """A node, or an incarnation of it, that has to register first."""

    word = "unknown_node"


class NodeConflict(JobIndexError):
    """Another living incarnation has this node id."""

    word = "node_conflict"


class IndexAway(JobIndexError):
    """Redis could not be asked."""

    word = "index_away"


class IndexUnreachable(IndexAway):
    """Nobody answers for Redis: why, where it was looked for, and what to do about it ("" where we don't know)."""

    def __init__(self, why: str, at: str = "", mend: str = "") -> None:
        self.says = f"Redis can't be asked: {at}: {why}" if at else f"Redis can't be asked: {why}"
        super().__init__(f"{self.says}; {mend}" if mend else self.says)
        self.why = why
        self.mend = mend

    @property
    def for_clients(self) -> str:
        return f"Redis can't be asked: {self.why}"


class IndexRefused(IndexAway):
    """Redis answers, and will not: its reply, whole, and what to do about it ("" where we don't know)."""

    def __init__(self, reply: str, mend: str = "") -> None:
        super().__init__(f"Redis refused: {reply}" + (f" To mend it: {mend}" if mend else ""))
        self.reply = reply
        self.mend = mend


class IndexFull(IndexRefused):
    """Redis has no memory for anything new; it is read all the same, and what frees memory is taken."""


class IndexNotTold(JobIndexError):
    """The node has done what it was asked to, and Redis could not be asked to note it."""

    word = "index_not_told"


class NotRecorded(JobIndexError):
    """The audit trail can't be written, and nothing is changed without it."""

    word = "not_recorded"


class NotReady(JobIndexError):
    """This replica has not yet seen the whole index."""

    word = "not_ready"


class Refused(JobIndexError):
    """Orthanc does not let the caller do this: its status (401 or 403) and its challenge.

    `known` where another Orthanc knows the caller, so that its credentials are no guess.
    """

    word = "refused"

    def __init__(self, status: int, challenge: str = "", known: bool = False) -> None:
        super().__init__("Orthanc refuses this caller")
        self.status = status
        self.challenge = challenge
        self.known = known


class ForeignSite(JobIndexError):
    """A browser was made to send this by another site than ours."""

    word = "foreign_site"


class TooOften(JobIndexError):
    """More than this caller, or its address, may ask in so short a time: the seconds to wait."""

    word = "too_often"

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class NotIntroduced(JobIndexError):
    """No proxy that is believed has said who the caller is, where such a proxy decides."""

    word = "not_introduced"


class ReadOnly(JobIndexError):
    """This replica changes nothing, whoever asks."""

    word = "read_only"


class NobodyToAsk(JobIndexError):
    """No Orthanc is alive that could say whether the caller may."""

    word = "nobody_to_ask"


class NotEverybodyAnswered(JobIndexError):
    """An id is unknown so far, and some node that may know it did not answer."""

    word = "not_everybody_answered"


class OwnerError(JobIndexError):
    """The node that owns the job ..."""

    word = "owner"


class OwnerGone(OwnerError):
    """... is past its deadline, or nobody knows its address."""

    word = "owner_gone"


class OwnerUnreachable(OwnerError):
    """... could not be called: nothing was sent, so trying again is safe."""

    word = "owner_down"


class OwnerSilent(OwnerError):
    """... was called and never answered: whether it acted is unknown."""

    word = "owner_silent"
