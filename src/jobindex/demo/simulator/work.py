"""What the jobs do: each kind is some steps, one for each instance, and the `Content` that it shows."""

import io
import uuid
import zipfile
from dataclasses import dataclass
from typing import Protocol

from jobindex.demo.simulator.errors import BAD_SEQUENCE_OF_CALLS, OrthancError
from jobindex.demo.simulator.release import Release
from jobindex.demo.simulator.remotes import Modality, Peer
from jobindex.demo.simulator.studies import Names, Studies, Study, orthanc_id

MEGABYTE = 1024 * 1024


class Work(Protocol):
    """One job's work; the engine calls `step` with 0, 1, … as often as `steps` says."""

    @property
    def type(self) -> str: ...

    @property
    def steps(self) -> int: ...

    @property
    def counted(self) -> int:
        """How many of the steps make up its progress."""

    @property
    def savable(self) -> bool:
        """Whether a restart may find it again; archives never are."""

    def content(self) -> dict[str, object]: ...

    async def step(self, number: int, now: float) -> None:
        """Do one step; an OrthancError ends the job as a failure."""

    def reset(self) -> None:
        """Make it ready to run again; OrthancError 6 where that can't be."""


@dataclass
class Archive:
    """A ZIP of studies, stored without compression: as large as they are."""

    studies: list[Study]
    filename: str
    synchronous: bool
    release: Release
    type: str = "Archive"
    savable: bool = False

    def __post_init__(self) -> None:
        self._files = [file for study in self.studies for file in study.files.values()]
        self._count = len(self._files)
        self._uncompressed = sum(map(len, self._files))
        self._output = b""
        self._size = 0

    @property
    def steps(self) -> int:
        return self._count + 1

    @property
    def counted(self) -> int:
        return self.steps

    def content(self) -> dict[str, object]:
        return {
            "ArchiveSize": str(self._size),
            "ArchiveSizeMB": self._size // MEGABYTE,
            "Description": "REST API",
            "InstancesCount": self._count,
            "UncompressedSize": str(self._uncompressed),
            "UncompressedSizeMB": self._uncompressed // MEGABYTE,
            **({"Utf8": False} if self.release.tells_utf8 else {}),
        }

    async def step(self, number: int, now: float) -> None:
        """Count a file; the last step makes the ZIP in one go."""
        if number < self._count:
            self._size += len(self._files[number])
        else:
            self._output, self._files = _zip(self._files), []
            self._size = len(self._output)

    def reset(self) -> None:
        raise OrthancError(BAD_SEQUENCE_OF_CALLS, "Cannot resubmit the creation of an archive")

    def take(self) -> bytes:
        """Hand out the ZIP, once: nothing of it stays with the job."""
        output, self._output = self._output, b""
        return output


@dataclass
class Modification:
    """A changed copy of a study, which arrives in the storage by one instance a step."""

    source: Study
    storage: Studies
    release: Release
    anonymizes: bool
    type: str = "ResourceModification"
    savable: bool = True

    def __post_init__(self) -> None:
        self._files = list(self.source.files.values())
        self._begun = False
        self._patient = orthanc_id(uuid.uuid4().hex) if self.anonymizes else self.source.patient
        self._study = orthanc_id(uuid.uuid4().hex)

    @property
    def steps(self) -> int:
        return self.counted + self.release.finishes_modifications

    @property
    def counted(self) -> int:
        return len(self._files)

    def content(self) -> dict[str, object]:
        content: dict[str, object] = {
            "Description": "REST API",
            "FailedInstancesCount": 0,
            "InstancesCount": len(self._files),
            "IsAnonymization": self.anonymizes,
        }
        if self.release.lists_parents:
            content["ParentResources"] = [self.source.id]
        return {**content, **_resources([self.source], self.release), **self._target()}

    def _target(self) -> dict[str, object]:
        """What was made is known from the first step on."""
        if not self._begun:
            return {}
        return {
            "ID": self._study,
            "Path": f"/studies/{self._study}",
            "PatientID": self._patient,
            "Type": "Study",
        }

    async def step(self, number: int, now: float) -> None:
        self._begun = True
        if number == self.counted:
            return
        names = Names(self._patient, self._study, orthanc_id(self._study), orthanc_id(self._study, str(number)))
        self.storage.add(names, self._files[number], self.source.tags, now)

    def reset(self) -> None:
        self._begun = False


@dataclass
class PeerStore:
    """A send to another Orthanc: only the connection is real, nothing arrives there."""

    studies: list[Study]
    peer: Peer
    release: Release
    compress: bool = False
    type: str = "OrthancPeerStore"
    savable: bool = True
    _sent: int = 0

    def __post_init__(self) -> None:
        self._sizes = [len(file) for study in self.studies for file in study.files.values()]

    @property
    def steps(self) -> int:
        return len(self._sizes)

    @property
    def counted(self) -> int:
        return self.steps

    def content(self) -> dict[str, object]:
        return {
            "Compress": self.compress,
            **_sending(self.studies, self.steps, self.release),
            "Peer": self.peer.public(),
            "Size": str(self._sent),
            "SizeMB": self._sent // MEGABYTE,
        }

    async def step(self, number: int, now: float) -> None:
        self._sent += self._sizes[number]
        if number == 0:
            await self.peer.reach(self.release)

    def reset(self) -> None:
        self._sent = 0


@dataclass
class ModalityStore:
    """A send by DICOM: only the connection is real, nothing arrives there."""

    studies: list[Study]
    modality: Modality
    local_aet: str
    release: Release
    type: str = "DicomModalityStore"
    savable: bool = True

    @property
    def steps(self) -> int:
        return sum(len(study.files) for study in self.studies)

    @property
    def counted(self) -> int:
        return self.steps

    def content(self) -> dict[str, object]:
        return {
            **_sending(self.studies, self.steps, self.release),
            "LocalAet": self.local_aet,
            "RemoteAet": self.modality.aet,
        }

    async def step(self, number: int, now: float) -> None:
        if number == 0:
            await self.modality.reach(self.release)

    def reset(self) -> None:
        """Sending begins anew by itself."""


def _zip(files: list[bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for number, file in enumerate(files):
            archive.writestr(f"Synthetic/CT/CT{number:06}.dcm", file)
    return buffer.getvalue()


def _resources(studies: list[Study], release: Release) -> dict[str, object]:
    return {"Resources": [{"ID": study.id, "Type": "Study"} for study in studies]} if release.lists_resources else {}


def _sending(studies: list[Study], instances: int, release: Release) -> dict[str, object]:
    return {
        **_resources(studies, release),
        "Description": "REST API",
        "FailedInstancesCount": 0,
        "InstancesCount": instances,
        "ParentResources": [study.id for study in studies],
    }
