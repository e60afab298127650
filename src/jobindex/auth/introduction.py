"""Recognises callers by the word of a proxy in front that has decided already, and lets nobody else in.

Law: its headers are believed from its address only, and nothing that a caller brings is sent to an Orthanc.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from multidict import MultiMapping

from jobindex.auth.caller import Caller
from jobindex.auth.recognition import Recognition


@dataclass(frozen=True, slots=True)
class Introduction:
    """The proxies, and the headers in which they name a user and the user's roles."""

    recognition: Recognition
    user_header: str
    roles_header: str

    def caller(self, headers: MultiMapping[str], query: Iterable[tuple[str, str]], peer: str) -> Caller:
        """The caller of a request, barred unless a proxy names exactly one."""
        address = self.recognition.address(headers, peer)
        if not self.recognition.believes(peer):
            return Caller((), address=address, barred="Clients are let in by the proxy in front only")
        users = [user.strip() for user in headers.getall(self.user_header, [])]
        if len(users) != 1 or not users[0]:
            why = f"The proxy in front has to name one user: in one header {self.user_header}"
            return Caller((), address=address, barred=why)
        roles = ",".join(headers.getall(self.roles_header, [])).split(",")
        named = tuple(role.strip() for role in roles if role.strip())
        return Caller((), address=address, trusted_name=users[0], roles=named)
