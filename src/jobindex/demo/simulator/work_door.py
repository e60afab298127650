"""The routes that make jobs out of studies: archives, modifications, sends."""

import re
from typing import Any

from jobindex.demo.simulator.engine import Engine
from jobindex.demo.simulator.errors import BAD_FILE_FORMAT, INEXISTENT_ITEM, UNKNOWN_RESOURCE, OrthancError
from jobindex.demo.simulator.job import Job, State
from jobindex.demo.simulator.jobs_door import answer_zip
from jobindex.demo.simulator.release import Release
from jobindex.demo.simulator.remotes import Modality, Peer
from jobindex.demo.simulator.router import Answer, Handler, Question, Route, answer_json
from jobindex.demo.simulator.studies import Studies, Study
from jobindex.demo.simulator.work import Archive, ModalityStore, Modification, PeerStore, Work

IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")
BATCH = "Archive.zip"

Parameters = dict[str, Any]


class WorkDoor:
    """Takes orders; `remotes` are Orthanc's configured peers and modalities."""

    def __init__(
        self,
        engine: Engine,
        studies: Studies,
        release: Release,
        configuration: dict[str, Any],
    ) -> None:
        self._engine = engine
        self._studies = studies
        self._release = release
        self._configuration = configuration

    def routes(self) -> list[Route]:
        return [
            ("GET", "/studies/{id}/archive", self.download),
            ("POST", "/studies/{id}/archive", self._archive("Archive")),
            ("POST", "/studies/{id}/media", self._archive("Media")),
            ("POST", "/tools/create-archive", self._batch("Archive")),
            ("POST", "/tools/create-media", self._batch("Media")),
            ("POST", "/studies/{id}/anonymize", self._modification(anonymizes=True)),
            ("POST", "/studies/{id}/modify", self._modification(anonymizes=False)),
            ("POST", "/peers/{name}/store", self.send_to_peer),
            ("POST", "/modalities/{name}/store", self.send_to_modality),
        ]

    async def download(self, question: Question, study_id: str) -> Answer:
        return await self._submit(Archive([self._archived(study_id)], f"{study_id}.zip", True, self._release), {})

    async def send_to_peer(self, question: Question, name: str) -> Answer:
        entries = self._configuration.get("OrthancPeers", {})
        if name not in entries:
            raise OrthancError(UNKNOWN_RESOURCE, f"No peer with symbolic name: {name}")
        parameters, studies = self._sent(question)
        compress = bool(parameters.get("Compress", False))
        work = PeerStore(studies, Peer.read(entries[name]), self._release, compress)
        return await self._submit(work, parameters)

    async def send_to_modality(self, question: Question, name: str) -> Answer:
        entries = self._configuration.get("DicomModalities", {})
        if name not in entries:
            raise OrthancError(INEXISTENT_ITEM, f"No modality with symbolic name: {name}")
        parameters, studies = self._sent(question)
        aet = parameters.get("LocalAet", self._configuration.get("DicomAet", "ORTHANC"))
        return await self._submit(ModalityStore(studies, Modality.read(entries[name]), aet, self._release), parameters)

    def _archive(self, kind: str) -> Handler:
        async def archive(question: Question, study_id: str) -> Answer:
            parameters = question.parameters()
            studies = [self._archived(study_id)]
            work = Archive(studies, f"{study_id}.zip", _is_synchronous(parameters), self._release, kind)
            return await self._submit(work, parameters)

        return archive

    def _batch(self, kind: str) -> Handler:
        async def archive(question: Question) -> Answer:
            parameters = _order(question.json())
            studies = [self._study(study_id) for study_id in parameters["Resources"]]
            work = Archive(studies, BATCH, _is_synchronous(parameters), self._release, kind)
            return await self._submit(work, parameters)

        return archive

    def _modification(self, *, anonymizes: bool) -> Handler:
        async def modify(question: Question, study_id: str) -> Answer:
            parameters = question.parameters()
            source = self._study(study_id, self._release.missing_source)
            work = Modification(source, self._studies, self._release, anonymizes)
            return await self._submit(work, parameters)

        return modify

    def _sent(self, question: Question) -> tuple[Parameters, list[Study]]:
        parameters = _order(question.json())
        for resource in parameters["Resources"]:
            if not IDENTIFIER.fullmatch(resource):
                raise OrthancError(BAD_FILE_FORMAT, f"This string is not a valid Orthanc identifier: {resource}")
        return parameters, [self._study(resource) for resource in parameters["Resources"]]

    def _archived(self, study_id: str) -> Study:
        if self._release.names_missing_resource and self._studies.get(study_id) is None:
            raise OrthancError(INEXISTENT_ITEM, f"Missing resource while creating an archive: {study_id}")
        return self._study(study_id)

    def _study(self, study_id: str, missing: int = UNKNOWN_RESOURCE) -> Study:
        study = self._studies.get(study_id)
        if study is None:
            raise OrthancError(missing)
        return study

    async def _submit(self, work: Work, parameters: Parameters) -> Answer:
        """Answer the job at once, or its result when it has ended."""
        job = self._engine.submit(work, int(parameters.get("Priority", 0)))
        if not _is_synchronous(parameters):
            return answer_json({"ID": job.id, "Path": f"/jobs/{job.id}"})
        await job.ended.wait()
        return self._result(job)

    def _result(self, job: Job) -> Answer:
        """With a history of 0 the result of a job can't be told any more."""
        if self._engine.job(job.id) is None:
            raise OrthancError(INEXISTENT_ITEM)
        if job.state is State.FAILURE:
            raise OrthancError(job.code, job.details)
        if isinstance(job.work, Archive):
            return answer_zip(job.work.take(), job.work.filename)
        return answer_json(job.work.content())


def _order(value: object) -> Parameters:
    """An order with its `Resources`; a bare list or identifier will do too, and then Orthanc waits."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        return {"Resources": value}
    if not isinstance(value, dict) or not isinstance(value.get("Resources"), list):
        raise OrthancError(BAD_FILE_FORMAT, 'Missing field in JSON: "Resources"')
    return value


def _is_synchronous(parameters: Parameters) -> bool:
    """`Synchronous` wins over `Asynchronous`; the default is to wait."""
    if "Synchronous" in parameters:
        return bool(parameters["Synchronous"])
    return not parameters.get("Asynchronous", False)
