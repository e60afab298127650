"""Plugins in a simulated Orthanc: a scripted one, and ours."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from jobindex.demo.checkout import JOBS_PLUGIN
from jobindex.demo.probes import until
from jobindex.demo.simulator.job import Job

from .building import PATIENCE, modify, simulated

PLUGIN = """
import http.client, orthanc, threading

def on_change(change, level, resource):
    if change == orthanc.ChangeType.ORTHANC_STARTED:
        note("started %s" % type(orthanc.RestApiGet("/system")).__name__)
        try:
            orthanc.RestApiGet("/jobs/unknown")
        except orthanc.OrthancException as error:
            note("refused %d" % error.args[0])
    elif change == orthanc.ChangeType.ORTHANC_STOPPED:
        try:
            http.client.HTTPConnection("127.0.0.1")
            note("stopped")
        except OSError:
            note("cut off")
    elif change == orthanc.ChangeType.JOB_SUBMITTED:
        note("submitted " + resource)
    elif change == orthanc.ChangeType.JOB_SUCCESS:
        note("success " + resource)
    elif change == orthanc.ChangeType.JOB_FAILURE:
        note("failure " + resource)

def note(line):
    with open(__file__ + ".log", "a") as log:
        log.write(threading.current_thread().name + ": " + line + "\\n")

orthanc.RegisterOnChangeCallback(on_change)
"""


async def test_a_plugin_hears_what_a_plugin_of_orthanc_hears(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)
    async with simulated(plugin=plugin) as simulator:
        done, cancelled = modify(simulator), modify(simulator, -1)
        simulator.engine.pause(cancelled)
        simulator.engine.cancel(cancelled)
        await done.ended.wait()
    assert (tmp_path / "plugin.py.log").read_text().replace("plugin events: ", "").splitlines() == [
        "started bytes",
        "refused 17",
        f"submitted {done.id}",
        f"submitted {cancelled.id}",
        f"success {done.id}",
        "stopped",
    ]
    assert "orthanc" not in sys.modules


async def test_a_plugin_says_goodbye_at_a_restart_and_not_at_a_crash(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)

    async def cut_off() -> bool:
        return "cut off" in (tmp_path / "plugin.py.log").read_text()

    async with simulated(plugin=plugin) as simulator:
        await simulator.restart()
        await simulator.crash()
        assert await until(cut_off, PATIENCE)
    assert (tmp_path / "plugin.py.log").read_text().count("stopped") == 1


async def test_the_jobs_plugin_reports_all_that_happens() -> None:
    """Also what a history of one has forgotten by then."""
    async with service() as (url, reports):
        reporting = {"Urls": [url], "Secret": "0123456789abcdef", "NodeId": "unit"}
        async with simulated(plugin=JOBS_PLUGIN, JobsHistorySize=1, JobIndex=reporting) as simulator:
            jobs = [modify(simulator) for _ in range(20)]
            assert await until(lambda: ended(reports, jobs), PATIENCE)
        assert reports[-1]["Goodbye"] is True


async def ended(reports: list[dict[str, Any]], jobs: list[Job]) -> bool:
    shown = [json.loads(text) for report in reports for text in report.get("Jobs", [])]
    told = {job["ID"] for job in shown if job["State"] == "Success"}
    events = (event for report in reports for event in report.get("Events", []))
    told |= {event["ID"] for event in events if event["Kind"] == "JobSuccess"}
    return {job.id for job in jobs} <= told


@asynccontextmanager
async def service() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """A service that takes every report, and keeps them."""
    reports: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        reports.append(await request.json())
        return web.json_response({"Register": False, "Everything": False, "Wanted": [], "Refused": []})

    application = web.Application()
    application.router.add_post("/nodes/{node}/report", take)
    async with TestServer(application) as server:
        yield str(server.make_url("")), reports
