"""As whom an Orthanc is asked: the headers and the query arguments that say so, and nothing else of a query."""

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Credentials:
    """Sent to an Orthanc and shown to nobody."""

    headers: tuple[tuple[str, str], ...] = ()
    arguments: tuple[tuple[str, str], ...] = ()
    """Decoded; they are encoded anew, so that nothing in them can end the query or begin another argument."""

    def __repr__(self) -> str:
        return "Credentials(…)"

    def added_to(self, path: str) -> str:
        """A path that has been checked already, with the arguments behind it."""
        if not self.arguments:
            return path
        query = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in self.arguments)
        return f"{path}{'&' if '?' in path else '?'}{query}"


NOBODY = Credentials()


def authorized(authorization: str) -> Credentials:
    """By an Authorization header alone; "" where an Orthanc lets in whoever comes."""
    return Credentials((("Authorization", authorization),)) if authorization else NOBODY


def _encoded(text: str) -> str:
    return quote(text, safe="", errors="surrogateescape")
