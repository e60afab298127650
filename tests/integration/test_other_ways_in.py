"""Orthancs without our plugin: named in the settings, or with a plugin that speaks as Orthanc's own sample does."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from caller import Caller, calling, eventually, finished

from jobindex.demo.cluster import Cluster, Plan
from jobindex.demo.installed import orthanc_python
from jobindex.demo.ports import free_ports
from jobindex.demo.replica import build_replica

SAMPLE = """
import json, orthanc, urllib.request

TOKEN = orthanc.GenerateRestApiAuthorizationToken()
EVENTS = {
    orthanc.ChangeType.JOB_SUBMITTED: "submitted",
    orthanc.ChangeType.JOB_SUCCESS: "success",
    orthanc.ChangeType.JOB_FAILURE: "failure",
}

def post(path, **told):
    body = json.dumps(told).encode()
    request = urllib.request.Request("SERVICE" + path, body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=5)

def changed(kind, level, resource):
    if kind == orthanc.ChangeType.ORTHANC_STARTED:
        post("/orthanc/started", **{"api-token": TOKEN})
    elif kind in EVENTS:
        job = json.loads(orthanc.RestApiGet("/jobs/" + resource))
        post("/jobs/%s/%s" % (resource, EVENTS[kind]), **{"api-token": TOKEN, "job": job})

orthanc.RegisterOnChangeCallback(changed)
"""


@asynccontextmanager
async def replica_beside(
    cluster: Cluster, ports: tuple[int, int], settings: Mapping[str, str]
) -> AsyncIterator[Caller]:
    """A replica that gets to know the cluster's Orthancs by these settings only."""
    replica = build_replica("replica", cluster.folder, ports, cluster.redis.url, settings)
    await replica.process.start()
    try:
        async with calling(replica.public_url) as caller:
            yield caller
    finally:
        await replica.process.stop()


async def check(orthanc: Caller, replica: Caller) -> None:
    """Jobs are listed with their ends, progress included, and can be acted on."""
    study = await orthanc.upload(instances=50, size=20_000)
    jobs = [await orthanc.archive(study), await orthanc.send("nowhere", study)]
    assert [(await finished(replica, job))["State"] for job in jobs] == ["Success", "Failure"]

    async def listed() -> bool:
        return set(jobs) <= {job["ID"] for job in await replica.json("/jobs?expand&status=Success,Failure")}

    await eventually(listed)
    assert (await replica.ask("POST", f"/jobs/{jobs[1]}/resubmit"))[0] == 200
    assert (await replica.ask("GET", f"/jobs/{jobs[0]}/archive"))[0] == 200


async def test_orthancs_named_in_the_settings_are_visited(start) -> None:
    async with start(Plan(nodes=2, replicas=0, nginx=False, plugin=False)) as cluster:
        nodes = [
            {"id": name, "url": node.url, "user": "demo", "password": "demo"} for name, node in cluster.nodes.items()
        ]
        ports = tuple(free_ports(2))
        async with (
            replica_beside(cluster, ports, {"JOBINDEX_NODES": json.dumps(nodes)}) as replica,
            calling(cluster.nodes["orthanc-b"].url) as orthanc,
        ):
            assert {node["Kind"] for node in await replica.json("/job-index/nodes")} == {"named"}
            await check(orthanc, replica)


async def test_a_plugin_that_speaks_as_the_sample_does_changes_only_its_url(start, tmp_path: Path) -> None:
    ports = tuple(free_ports(2))
    script = tmp_path / "sample.py"
    script.write_text(SAMPLE.replace("SERVICE", f"http://127.0.0.1:{ports[1]}"))
    options = {"Plugins": [str(orthanc_python())], "PythonScript": str(script)}
    async with start(Plan(nodes=1, replicas=0, nginx=False, plugin=False, options=options)) as cluster:
        node = cluster.nodes["orthanc-a"]
        settings = {"JOBINDEX_SAMPLE_ROUTES": "true", "JOBINDEX_SAMPLE_PORT": str(node.port)}
        async with replica_beside(cluster, ports, settings) as replica, calling(node.url) as orthanc:
            await node.process.restart()
            await check(orthanc, replica)
            (known,) = await replica.json("/job-index/nodes")
            assert known["Kind"] == "sample"
