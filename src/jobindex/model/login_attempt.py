"""An attempt to log in, as it is counted: nothing but keyed digests."""

from typing import NamedTuple

ACCEPTED_S = 13 * 3600.0
"""For which credentials are remembered that an Orthanc took: 12 hours, told anew every hour."""


class Attempt(NamedTuple):
    """Digests of credentials, of the user name that they name at this address, and of the address."""

    guess: str
    user: str
    address: str
