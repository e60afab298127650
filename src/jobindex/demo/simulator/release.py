"""The Orthanc releases that are simulated, and everything in which their answers differ."""

from dataclasses import dataclass


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
    ),
}
