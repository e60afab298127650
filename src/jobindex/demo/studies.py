"""The synthetic studies that the demo loads."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from .client import Client
from .dicom import make_study

PATIENTS = ("DEMO^ANNA", "DEMO^BELA", "DEMO^CARL", "DEMO^DORA")
SMALL = (5, 4_000)  # instances, bytes of pixels in each
LONG = (300, 64)


@dataclass(frozen=True)
class Studies:
    """The ids of what was loaded; a study's id is the same on every Orthanc."""

    small: tuple[str, ...]
    long: str


async def load(clients: Iterable[Client]) -> Studies:
    """Load all studies into each of these Orthancs."""
    small = [make_study(patient, *SMALL) for patient in PATIENTS]
    long = make_study("DEMO^LONG", *LONG)

    async def fill(client: Client) -> Studies:
        return Studies(tuple([await client.upload(files) for files in small]), await client.upload(long))

    return (await asyncio.gather(*map(fill, clients)))[0]
