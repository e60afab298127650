"""The studies that a simulated Orthanc stores: their files, and the identifiers derived from these."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from jobindex.demo.dicom import IDENTIFIERS, read_tags
from jobindex.demo.simulator.errors import BAD_FILE_FORMAT, OrthancError


def orthanc_id(*parts: str) -> str:
    """Derive an Orthanc identifier: the SHA-1 of the DICOM identifiers from the patient down."""
    digest = hashlib.sha1("|".join(parts).encode(), usedforsecurity=False).hexdigest()
    return "-".join(digest[at : at + 8] for at in range(0, 40, 8))


@dataclass(frozen=True)
class Names:
    """The four Orthanc identifiers of one instance."""

    patient: str
    study: str
    series: str
    instance: str

    @classmethod
    def of(cls, tags: dict[str, str]) -> "Names":
        parts = [tags[name] for name in IDENTIFIERS]
        return cls(*(orthanc_id(*parts[:depth]) for depth in range(1, 5)))


@dataclass
class Study:
    """One study with its files, by instance; every file counts with its size."""

    id: str
    patient: str
    tags: dict[str, str]
    updated: float
    files: dict[str, bytes] = field(default_factory=dict)
    series: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(map(len, self.files.values()))


class Studies:
    """All studies of one Orthanc, by identifier, in the order of their arrival."""

    def __init__(self) -> None:
        self._studies: dict[str, Study] = {}

    def __iter__(self) -> Iterator[Study]:
        return iter(self._studies.values())

    def get(self, study_id: str) -> Study | None:
        return self._studies.get(study_id)

    def store(self, file: bytes, now: float) -> tuple[Names, bool]:
        """Keep a file; answers its identifiers, and whether it is new. OrthancError 15 if not DICOM."""
        try:
            tags = read_tags(file)
        except ValueError as error:
            raise OrthancError(BAD_FILE_FORMAT, _refusal(file)) from error
        names = Names.of(tags)
        return names, self.add(names, file, tags, now)

    def add(self, names: Names, file: bytes, tags: dict[str, str], now: float) -> bool:
        """Keep a file under given identifiers; answers whether it is new."""
        study = self._studies.setdefault(names.study, Study(names.study, names.patient, tags, now))
        if names.instance in study.files:
            return False
        study.files[names.instance] = file
        study.updated = now
        if names.series not in study.series:
            study.series.append(names.series)
        return True

    def delete(self, study_id: str) -> Study | None:
        return self._studies.pop(study_id, None)


def _refusal(file: bytes) -> str:
    if not file:
        return "Received an empty DICOM file"
    return f"Cannot parse an invalid DICOM file (size: {len(file)} bytes)"
