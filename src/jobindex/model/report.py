"""A report: what a node says, or is read to say, in one breath."""

import re
from itertools import islice
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from jobindex.errors import MalformedReport
from jobindex.model.edits import bounded
from jobindex.model.moment import seconds_of
from jobindex.model.text import mended


def _moment(text: str) -> str:
    seconds_of(text)
    return text


Moment = Annotated[str, AfterValidator(_moment)]
JobId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]

_URL = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", re.IGNORECASE | re.ASCII)

MOST_JOBS = 200
"""Jobs in one report."""
MOST_IDS = 200_000
"""Ids in one complete report; an Orthanc with more jobs is beyond what Orthanc itself can list."""


class Wire(BaseModel):
    """The members on the wire have Orthanc's capitals; unknown ones of a newer plugin are passed over."""

    model_config = ConfigDict(
        frozen=True, populate_by_name=True, alias_generator=lambda name: name.title().replace("_", "")
    )


class Registration(Wire):
    """A node that introduces itself."""

    name: Annotated[str, Field(max_length=256)]
    url: str | None = None
    http_port: Annotated[int, Field(ge=1, le=65535)] = 8042
    tls: bool = False
    remote_access: bool = True
    """Whether this Orthanc answers other machines than its own; an older plugin does not say."""
    version: Annotated[str, Field(max_length=64)] = ""
    plugin: Annotated[str, Field(max_length=64)] = ""
    token: SecretStr = SecretStr("")
    """An Authorization header that opens its whole Orthanc; from those only whose operator said so."""

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr) -> SecretStr:
        if not is_header(token.get_secret_value()):
            raise ValueError("a token is a printable text of 256 characters at most")
        return token

    @field_validator("url")
    @classmethod
    def _plain(cls, url: str | None) -> str | None:
        return None if url is None else plain_url(url)


def is_header(text: str) -> bool:
    """Whether a text may be sent as a header's value."""
    return len(text) <= 256 and text.isascii() and text.isprintable()


def plain_url(url: str) -> str:
    """An http(s) address of a host and nothing else; ValueError for anything that could lead elsewhere."""
    found = _URL.fullmatch(url.rstrip("/"))
    if found is None:
        raise ValueError("an address is http://host:port or https://host:port, with neither user, path nor query")
    if not 0 < int((found[2] or ":80")[1:]) < 65536:
        raise ValueError("an address has a port from 1 to 65535")
    return found[0]


class Event(Wire):
    """An event of Orthanc whose job could not be read any more."""

    id: Annotated[JobId, Field(alias="ID")]
    kind: Literal["JobSubmitted", "JobSuccess", "JobFailure"]
    time: Moment


class Report(Wire):
    """What came through the one door.  `taken` is the node's wall clock just before it read what it reports."""

    format: Literal[1] = 1
    incarnation: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    taken: Moment
    clock: Annotated[int, Field(ge=0)] = 0
    register_as: Annotated[Registration | None, Field(alias="Register")] = None
    goodbye: bool = False
    jobs: Annotated[tuple[str, ...], Field(max_length=MOST_JOBS)] = ()
    events: Annotated[tuple[Event, ...], Field(max_length=MOST_JOBS)] = ()
    ids: Annotated[tuple[JobId, ...], Field(max_length=MOST_IDS)] = ()
    complete: bool = False
    cannot_read: Annotated[str, Field(max_length=200)] = ""
    """Why its plugin can't read its own Orthanc; such a report names no ids and is never complete."""
    cut: dict[str, tuple[str, ...]] = {}
    """By job: paths of the members that the node itself has cut, for the job is larger than it was told to send."""

    @field_validator("cut")
    @classmethod
    def _few(cls, cut: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {job_id: bounded(paths) for job_id, paths in islice(cut.items(), MOST_JOBS)}


class Acknowledgement(Wire):
    """What a node is told: register again, send everything, send these, and which jobs were not taken.

    One that registers is also told how many bytes of a job are kept.
    """

    register_again: Annotated[bool, Field(serialization_alias="Register")] = False
    everything: bool = False
    wanted: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    max_job_bytes: int | None = None


def read_report(body: bytes) -> Report:
    """MalformedReport, naming the member that is wrong but not what stood there.

    Half a character in one job's text does not keep the others from being read.
    """
    try:
        return _validated(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MalformedReport(f"{place or 'report'}: {first['msg']}") from None


def _validated(body: bytes) -> Report:
    try:
        return Report.model_validate_json(body)
    except ValidationError as error:
        if error.errors(include_input=False, include_url=False, include_context=False)[0]["type"] != "json_invalid":
            raise
    return Report.model_validate_json(mended(body))
