"""The simulator as a process: `python -m jobindex.demo.simulator --port 8042 --user demo:demo …`."""

import argparse
import asyncio
import json
import logging
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

from jobindex.demo.simulator.release import RELEASES
from jobindex.demo.simulator.simulator import REAL_TIME, Simulator

log = logging.getLogger("jobindex.demo.simulator")

CRASHED = 1
"""The exit status after `POST /simulator/crash`."""


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m jobindex.demo.simulator", description=__doc__)
    parser.add_argument("--configuration", type=Path, metavar="FILE", help="Orthanc's configuration; options win")
    parser.add_argument("--port", type=int, help="HttpPort; 0 takes a free one")
    parser.add_argument("--name", help="Name")
    parser.add_argument("--user", action="append", default=[], metavar="NAME:PASSWORD", help="RegisteredUsers")
    parser.add_argument("--history", type=int, help="JobsHistorySize")
    parser.add_argument("--archives", type=int, help="MediaArchiveSize")
    parser.add_argument("--concurrent", type=int, help="ConcurrentJobs")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=URL", help="OrthancPeers")
    parser.add_argument("--modality", action="append", default=[], metavar="NAME=AET@HOST:PORT")
    parser.add_argument("--plugin", type=Path, metavar="FILE", help="a Python plugin to run")
    parser.add_argument("--release", choices=sorted(RELEASES), default="1.10.1")
    parser.add_argument("--step", type=float, default=REAL_TIME.step, metavar="SECONDS", help="time for an instance")
    return parser.parse_args()


def configure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Build Orthanc's configuration: the file's, overridden and added to by the options."""
    path = arguments.configuration
    given = {
        "HttpPort": arguments.port,
        "Name": arguments.name,
        "JobsHistorySize": arguments.history,
        "MediaArchiveSize": arguments.archives,
        "ConcurrentJobs": arguments.concurrent,
    }
    configuration: dict[str, Any] = json.loads(path.read_text()) if path else {}
    configuration |= {name: value for name, value in given.items() if value is not None}
    _add(configuration, "RegisteredUsers", dict(user.split(":", 1) for user in arguments.user))
    _add(configuration, "OrthancPeers", {name: [url] for name, url in _pairs(arguments.peer)})
    _add(configuration, "DicomModalities", {name: _modality(text) for name, text in _pairs(arguments.modality)})
    return configuration


async def serve(arguments: argparse.Namespace) -> None:
    """Run until a signal or a crash; a crash leaves the process at once, whatever its threads are doing."""
    pace = replace(REAL_TIME, step=arguments.step)
    simulator = Simulator(configure(arguments), plugin=arguments.plugin, release=arguments.release, pace=pace)
    async with simulator:
        log.warning("%s listens at %s", arguments.name or "the simulator", simulator.url)
        await _first(simulator.crashed, _signalled())
        if simulator.crashed.is_set():
            os._exit(CRASHED)


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(serve(read_arguments()))


def _add(configuration: dict[str, Any], name: str, entries: dict[str, Any]) -> None:
    configuration[name] = {**configuration.get(name, {}), **entries}


def _pairs(texts: list[str]) -> list[list[str]]:
    return [text.split("=", 1) for text in texts]


def _modality(text: str) -> list[Any]:
    aet, _, address = text.partition("@")
    host, _, port = address.rpartition(":")
    return [aet, host, int(port)]


def _signalled() -> asyncio.Event:
    event = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, event.set)
    return event


async def _first(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    _, rest = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()


if __name__ == "__main__":
    main()
