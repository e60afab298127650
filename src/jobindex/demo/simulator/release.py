"""The Orthanc releases that are simulated, and everything in which their answers differ."""

from dataclasses import dataclass, replace

from jobindex.demo.simulator.errors import PARAMETER_OUT_OF_RANGE, UNKNOWN_RESOURCE


@dataclass(frozen=True)
class Release:
    """One release of Orthanc; each member is one difference that clients can see."""

    version: str
    api_version: int
    deletes_jobs: bool
    """`DELETE /jobs/{id}` and `DELETE /jobs/{id}/{key}` exist."""
    parses_expand: bool
    """`expand` is a Boolean; before, any value meant yes."""
    types_errors: bool
    """The JSON of an error is labelled `text/plain`; before, it had no content type."""
    names_archives: bool
    """The ZIP of an asynchronous job is named after what is in it; before, `archive.zip`."""
    lists_parents: bool
    """A modification lists its `ParentResources`."""
    restarts_runtime: bool
    """`EffectiveRuntime` of a running job counts from its last step only."""
    names_unreachable_url: bool
    """The error of an unreachable peer says which URL was called."""
    compresses: bool
    """Answers are compressed by default where the client accepts it."""
    labels: bool
    """Resources have `Labels`."""
    names_missing_resource: bool
    """The archive of a study that isn't there says which; before, a bare unknown resource."""
    finishes_modifications: bool
    """A modification has one more step behind its last instance, at 100 %, before which it can still be cancelled."""
    missing_source: int
    """The number of the error of a modification of what isn't there."""
    lists_resources: bool
    """Sends and modifications list their `Resources` with their types."""
    tells_utf8: bool
    """Archives say whether names in them are `Utf8`."""
    refused_connection: str
    """How DICOM's library words a port that nobody listens on."""


RELEASES = {
    "1.10.1": Release(
        version="1.10.1",
        api_version=16,
        deletes_jobs=False,
        parses_expand=False,
        types_errors=False,
        names_archives=False,
        lists_parents=False,
        restarts_runtime=False,
        names_unreachable_url=False,
        compresses=True,
        labels=False,
        names_missing_resource=False,
        finishes_modifications=False,
        missing_source=UNKNOWN_RESOURCE,
        lists_resources=False,
        tells_utf8=False,
        refused_connection="Connection refused",
    ),
    "1.12.7": Release(
        version="1.12.7",
        api_version=27,
        deletes_jobs=True,
        parses_expand=True,
        types_errors=True,
        names_archives=True,
        lists_parents=True,
        restarts_runtime=True,
        names_unreachable_url=True,
        compresses=False,
        labels=True,
        names_missing_resource=True,
        finishes_modifications=True,
        missing_source=UNKNOWN_RESOURCE,
        lists_resources=False,
        tells_utf8=False,
        refused_connection="Connection refused",
    ),
}
RELEASES["1.13.0"] = replace(
    RELEASES["1.12.7"],
    version="1.13.0",
    api_version=31,
    missing_source=PARAMETER_OUT_OF_RANGE,
    lists_resources=True,
    tells_utf8=True,
    refused_connection="Operation now in progress",
)
