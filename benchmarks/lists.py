"""The list: jobs by question, changes and callers, beside the same bytes from nginx's disk and Orthanc's own answer."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from .load import Load, load
from .results import Chapter, Table, median
from .stage import LOGIN, Stage, churning, fill_orthanc, stage
from .static import serving

QUESTIONS = {
    "objects": "/jobs?expand",
    "ids": "/jobs",
    "running": "/jobs?expand&status=Running",
    "first page of 100": "/jobs?expand&limit=100&since=0",
}
ROUNDS = 3
COLUMNS = (
    "what",
    "clients",
    "changes/s",
    "ours/s",
    "MB/s",
    "p50 ms",
    "p99 ms",
    "yardstick",
    "its/s",
    "its p99 ms",
    "ratio",
)


@dataclass
class Subject:
    """An address that is asked by turns with the others, and what came of it."""

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    alike: bool = True
    pause: float = 0.0
    """Seconds in which each client asks once; 0: again at once."""
    alike: bool = True
    runs: list[Load] = field(default_factory=list)

    def middle(self, what: Callable[[Load], float]) -> float:
        return median([what(run) for run in self.runs])

    @property
    def rate(self) -> float:
        return self.middle(lambda run: run.rate)


async def by_turns(subjects: list[Subject], clients: int, rounds: int = ROUNDS, seconds: float = 1.0) -> None:
    """Each in each round once, in another order each time, since what else the machine does comes and goes."""
    for _ in range(rounds):
        for subject in random.sample(subjects, len(subjects)):
            told = {"headers": subject.headers, "alike": subject.alike, "pause": subject.pause}
            subject.runs.append(await load(subject.url, clients=clients, seconds=seconds, **told))


def tell(table: Table, what: str, clients: int, changes: int, ours: Subject, others: list[Subject]) -> None:
    for other in others:
        table.add(
            what,
            clients,
            changes,
            ours.rate,
            ours.middle(lambda run: run.bytes / 1e6),
            ours.middle(lambda run: run.p50),
            ours.middle(lambda run: run.p99),
            other.name,
            other.rate,
            other.middle(lambda run: run.p99),
            ours.rate / other.rate,
        )


async def measure(chapter: Chapter, *, full: bool) -> None:
    await orthanc_itself(chapter, full=full)
    for jobs in (100, 3_000, 10_000, 100_000) if full else (100, 3_000, 10_000):
        await size(chapter, jobs, full=full)
    await through_nginx(chapter)


async def size(chapter: Chapter, jobs: int, *, full: bool) -> None:
    """One size of index: each question of an idle one, then while it changes."""
    table = chapter.table(f"{jobs:,} jobs, one replica", *COLUMNS, note=NOTE)
    async with stage(nodes=10, each=jobs // 10) as place:
        for name, path in QUESTIONS.items():
            every = full or (name == "objects" and jobs == 3_000)
            await question(place, table, name, path, (1, 16, 200) if every else (16,))
        rates = (100, 1_000) if full or jobs == 3_000 else ()
        for changes in rates:
            for name, path in QUESTIONS.items() if full else [("objects", "/jobs?expand")]:
                await changing(place, table, name, path, changes, (1, 16, 200) if full else (1, 16))


NOTE = (
    "Unchanged: `file` is nginx (one worker, sendfile, no log) sending the same bytes; `1 KB file` is what a 304 is "
    "held against. Changing: `unchanged` is the same question by turns without changes."
)


async def question(place: Stage, table: Table, name: str, path: str, clients: tuple[int, ...]) -> None:
    url = place.replica() + path
    headers, body = await place.get(url)
    files = {"list": body, "small": b"x" * 1024}
    async with serving(place.cluster.folder, files) as static:
        for count in clients:
            ours, file = Subject(name, url, LOGIN), Subject("file", f"{static}/list")
            await by_turns([ours, file], count)
            tell(table, name, count, 0, ours, [file])
            if name == "objects":
                same = Subject(name, url, {**LOGIN, "If-None-Match": headers["ETag"]})
                unlike = replace(same, alike=False, runs=[])
                small = Subject("1 KB file", f"{static}/small")
                await by_turns([same, unlike, small], count)
                tell(table, "objects, If-None-Match", count, 0, same, [small])
                tell(table, "the same, each request another", count, 0, unlike, [small])


async def changing(place: Stage, table: Table, name: str, path: str, changes: int, clients: tuple[int, ...]) -> None:
    url = place.replica() + path
    for count in clients:
        still, moving = Subject("unchanged", url, LOGIN), Subject(name, url, LOGIN)
        for _ in range(ROUNDS):
            await by_turns([still], count, rounds=1)
            async with churning(place, changes):
                await by_turns([moving], count, rounds=1)
        tell(table, name, count, changes, moving, [still])


async def orthanc_itself(chapter: Chapter, *, full: bool, jobs: int = 3_000) -> None:
    """The same jobs from the Orthanc that has them."""
    table = chapter.table(
        f"{jobs:,} jobs of one real Orthanc", *COLUMNS, note="`orthanc` answers the same list itself."
    )
    async with stage(nodes=0, history=2 * jobs) as place:
        await fill_orthanc(place, jobs)
        for name in ("objects", "ids"):
            ours = Subject(name, place.replica() + QUESTIONS[name], LOGIN)
            own = Subject("orthanc", place.node_url + QUESTIONS[name], LOGIN)
            for clients in (1, 16) if full else (1,):
                await by_turns([ours, own], clients, seconds=4 * clients**0.5)  # it takes a second for one answer
                tell(table, name, clients, 0, ours, [own])
                ours.runs.clear()
                own.runs.clear()


async def through_nginx(chapter: Chapter) -> None:
    """One and two replicas behind nginx; on two processors the load, nginx and two replicas are in each other's way."""
    table = chapter.table("3,000 jobs through nginx", *COLUMNS, note="`directly` is one replica without nginx.")
    for replicas in (1, 2):
        async with stage(nodes=10, each=300, replicas=replicas, nginx=True) as place:
            front = place.cluster.nginx.url + "/orthanc" if place.cluster.nginx else ""
            for clients, name in ((16, "objects"), (200, "first page of 100")):
                ours = Subject(name, front + QUESTIONS[name], LOGIN)
                direct = Subject("directly", place.replica() + QUESTIONS[name], LOGIN)
                await by_turns([ours, direct], clients)
                tell(table, f"{name}, {replicas} replicas", clients, 0, ours, [direct])
