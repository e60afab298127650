"""A cluster of stand-ins alone, for a machine on which nothing may be installed, has one list of jobs too."""

from caller import calling, finished

from jobindex.demo.cluster import Plan, running

PLAN = Plan(nodes=2, replicas=1, simulated=True, small_proxy=True)


async def test_a_job_of_each_simulator_is_listed_and_fetched_through_the_small_proxy() -> None:
    async with running(PLAN) as cluster, calling(f"{cluster.nginx.url}/orthanc") as front:
        for name, node in cluster.nodes.items():
            async with calling(node.url) as orthanc:
                job = await orthanc.archive(await orthanc.upload())
                assert (await finished(front, job))["JobIndex"]["Node"] == name
                _, direct, _ = await orthanc.ask("GET", f"/jobs/{job}/archive")
                assert (await front.ask("GET", f"/jobs/{job}/archive"))[:2] == (200, direct)
