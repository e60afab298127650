"""A long job moves on in the list, though Orthanc has no event for progress."""

from caller import calling, eventually

from jobindex.demo.cluster import Plan
from jobindex.demo.slow_peer import slow_peer


async def test_the_progress_of_a_running_job_is_in_the_list(start) -> None:
    async with (
        slow_peer() as slow,
        start(Plan(nodes=1, replicas=1, nginx=False, peers={"slow": slow})) as cluster,
        calling(cluster.nodes["orthanc-a"].url) as orthanc,
        calling(cluster.replicas["replica-1"].public_url) as caller,
    ):
        job = await orthanc.send("slow", await orthanc.upload(instances=50))

        async def progress_above(least: int) -> int:
            jobs = {each["ID"]: each for each in await caller.json("/jobs?expand&status=Running")}
            return int(jobs[job]["Progress"]) if job in jobs and jobs[job]["Progress"] > least else 0

        first = await eventually(lambda: progress_above(0))
        assert await eventually(lambda: progress_above(first)) < 100
        assert (await caller.ask("POST", f"/jobs/{job}/cancel"))[0] == 200
