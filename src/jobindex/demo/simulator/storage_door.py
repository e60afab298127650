"""The routes of what is stored, and of the server itself."""

from typing import Any

from jobindex.demo.simulator.engine import Pace
from jobindex.demo.simulator.release import Release
from jobindex.demo.simulator.rendering import timestamp
from jobindex.demo.simulator.router import Answer, Question, Route, answer_json
from jobindex.demo.simulator.studies import Studies, Study
from jobindex.demo.simulator.work import MEGABYTE

STUDY_TAGS = ("StudyDate", "StudyDescription", "StudyInstanceUID")
PATIENT_TAGS = ("PatientID", "PatientName")


class StorageDoor:
    """Uploads, lists and deletes, as far as jobs need studies."""

    def __init__(self, studies: Studies, pace: Pace, release: Release, configuration: dict[str, Any]) -> None:
        self._studies = studies
        self._pace = pace
        self._release = release
        self._configuration = configuration

    def routes(self) -> list[Route]:
        return [
            ("GET", "/system", self.system),
            ("GET", "/statistics", self.statistics),
            ("GET", "/tools/now", self.now),
            ("GET", "/instances", self.instances),
            ("POST", "/instances", self.upload),
            ("GET", "/studies", self.studies),
            ("GET", "/studies/{id}", self.study),
            ("DELETE", "/studies/{id}", self.delete),
            ("GET", "/peers", self.peers),
            ("GET", "/modalities", self.modalities),
        ]

    async def system(self, question: Question) -> Answer:
        return answer_json(describe(self._release, self._configuration))

    async def now(self, question: Question) -> Answer:
        text = timestamp(int(self._pace.now()))
        return Answer(200, text.encode(), {"Content-Type": "text/plain"})

    async def peers(self, question: Question) -> Answer:
        return answer_json(sorted(self._configuration.get("OrthancPeers", {})))

    async def modalities(self, question: Question) -> Answer:
        return answer_json(sorted(self._configuration.get("DicomModalities", {})))

    async def statistics(self, question: Question) -> Answer:
        size = sum(study.size for study in self._studies)
        counts = {
            "CountInstances": sum(len(study.files) for study in self._studies),
            "CountPatients": len({study.patient for study in self._studies}),
            "CountSeries": sum(len(study.series) for study in self._studies),
            "CountStudies": len(list(self._studies)),
        }
        return answer_json({**counts, **_sizes("TotalDiskSize", size), **_sizes("TotalUncompressedSize", size)})

    async def instances(self, question: Question) -> Answer:
        return answer_json([name for study in self._studies for name in study.files])

    async def upload(self, question: Question) -> Answer:
        names, new = self._studies.store(question.body, self._pace.now())
        return answer_json(
            {
                "ID": names.instance,
                "ParentPatient": names.patient,
                "ParentSeries": names.series,
                "ParentStudy": names.study,
                "Path": f"/instances/{names.instance}",
                "Status": "Success" if new else "AlreadyStored",
            }
        )

    async def studies(self, question: Question) -> Answer:
        return answer_json([study.id for study in self._studies])

    async def study(self, question: Question, study_id: str) -> Answer:
        study = self._studies.get(study_id)
        return answer_json(self._public(study)) if study else Answer(404)

    async def delete(self, question: Question, study_id: str) -> Answer:
        study = self._studies.delete(study_id)
        return answer_json({"RemainingAncestor": self._ancestor(study)}) if study else Answer(404)

    def _ancestor(self, study: Study) -> dict[str, object] | None:
        """The patient, if another study keeps it alive."""
        if all(other.patient != study.patient for other in self._studies):
            return None
        return {"ID": study.patient, "Path": f"/patients/{study.patient}", "Type": "Patient"}

    def _public(self, study: Study) -> dict[str, object]:
        labels: dict[str, object] = {"Labels": []} if self._release.labels else {}
        return {
            **labels,
            "ID": study.id,
            "IsStable": False,
            "LastUpdate": timestamp(int(study.updated)),
            "MainDicomTags": {name: study.tags[name] for name in STUDY_TAGS if name in study.tags},
            "ParentPatient": study.patient,
            "PatientMainDicomTags": {name: study.tags[name] for name in PATIENT_TAGS if name in study.tags},
            "Series": study.series,
            "Type": "Study",
        }


def describe(release: Release, configuration: dict[str, Any]) -> dict[str, object]:
    """What `GET /system` says, as far as both releases say it."""
    return {
        "ApiVersion": release.api_version,
        "CheckRevisions": False,
        "DatabaseBackendPlugin": None,
        "DatabaseVersion": 6,
        "DicomAet": configuration.get("DicomAet", "ORTHANC"),
        "DicomPort": configuration.get("DicomPort", 4242),
        "HttpPort": configuration["HttpPort"],
        "IsHttpServerSecure": True,
        "Name": configuration["Name"],
        "PluginsEnabled": True,
        "StorageAreaPlugin": None,
        "Version": release.version,
    }


def _sizes(name: str, size: int) -> dict[str, object]:
    return {name: str(size), f"{name}MB": size // MEGABYTE}
