"""What a replica takes in, beside a redis-server that is given the same script calls and nothing else."""

import asyncio
import json
import random
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import aiohttp
import orjson
from redis.asyncio import Redis

from jobindex.auth.signature import NONCE, SIGNATURE, TIME, signature
from jobindex.demo.cluster import temporary_folder
from jobindex.demo.ports import free_port
from jobindex.demo.redis import build_redis
from jobindex.model.moment import moment
from jobindex.store import keys, opened
from jobindex.store.jobs import BATCH, Stored, _put_arguments
from jobindex.store.line import Line
from jobindex.store.scripts import Scripts

from .processor import processor_time
from .results import Chapter, Table, median
from .seed import BEAT, INCARNATION, introduce, word, words
from .stage import LOGIN, Stage, moved, stage
from .wire import Sent, command_all, http_post, post_all, redis_command

NODES = 10
CONNECTIONS = 8
ROUNDS = 5
SLOW_LOG = ("--slowlog-log-slower-than", "5000", "--slowlog-max-len", "10000")
"""What holds Redis for more than 5 ms is noted."""
_nonces = count()
_turns = count()


def report(secret: bytes, node: str, jobs: Sequence[Stored], **more: object) -> bytes:
    """A signed request as a plugin sends it, its jobs as Orthanc prints them."""
    texts = [json.dumps(orjson.loads(job.text), indent=3, separators=(",", " : ")) for job in jobs]
    told = {"Format": 1, "Incarnation": INCARNATION, "Taken": moment(time.time()), "Jobs": texts, **more}
    body, path = orjson.dumps(told), f"/nodes/{node}/report"
    when, nonce = str(round(time.time() * 1000)), f"{next(_nonces):016d}"
    signed = signature(secret, "POST", path, when, nonce, body)
    return http_post(path, {TIME: when, NONCE: nonce, SIGNATURE: signed}, body)


def calls(shas: dict[str, str], node: str, jobs: Sequence[Stored]) -> Iterator[bytes]:
    """The script calls that such a report comes to."""
    fixed = [keys.key(each) for each in keys.FIXED]
    for start in range(0, len(jobs), BATCH):
        told = [part for job in jobs[start : start + BATCH] for part in _put_arguments(job)]
        words = ("EVALSHA", shas["jobs_put"], len(fixed), *fixed, "word", node, INCARNATION, *told)
        yield redis_command(*words)
    yield redis_command("EVALSHA", shas["node_seen"], len(fixed), *fixed, "word", node, INCARNATION, BEAT, "", 0, 0)


async def measure(chapter: Chapter, *, full: bool) -> None:
    rng = random.Random(3)
    jobs = {f"node-{number}": list(words(rng, f"node-{number}", 1000)) for number in range(NODES)}
    async with stage(nodes=0, redis_options=SLOW_LOG) as place:
        with temporary_folder() as folder:
            await changed(chapter, place, folder, jobs)
        await unchanged(chapter, place, jobs)
        await blocked(chapter, place)
    await visible(chapter, jobs)


async def changed(chapter: Chapter, place: Stage, folder: Path, jobs: dict[str, list[Stored]]) -> None:
    table = chapter.table(
        "Changed jobs, one replica",
        *("jobs a report", "reports/s", "jobs/s", "redis alone, jobs/s", "ratio", "replica us a job", "redis us a job"),
        note=f"{CONNECTIONS} connections; reports made and signed beforehand.  Processor times are of all threads; "
        "the replica's include that its own view follows.",
    )
    alone = build_redis(folder, free_port())
    await alone.process.start()
    async with opened(alone.url) as other, Redis.from_url(alone.url) as redis:
        shas = {
            name: str(await redis.script_load(verb.script))
            for name, verb in Scripts(redis, Line(redis.connection_pool))._verbs.items()
        }
        for node, its in jobs.items():
            for store in (place.store, other):
                await introduce(store, node, place.node_url)
                await store.jobs.put(node, INCARNATION, its)
        for batch in (1, 20, 200):
            await _rounds(table, place, alone.port, shas, jobs, batch)
    await alone.process.stop()


async def _rounds(
    table: Table, place: Stage, port: int, shas: dict[str, str], jobs: dict[str, list[Stored]], batch: int
) -> None:
    rates, own, replica_cost, redis_cost = [], [], [], []
    for _ in range(ROUNDS):
        parts = _parts(jobs, batch, most=4000 if batch > 1 else 1000)
        number = sum(len(part) for _, part in parts)
        requests = [report(place.cluster.secret.encode(), node, part) for node, part in parts]
        commands = [call for node, part in parts for call in calls(shas, node, part)]
        costs = [processor_time(pid) for pid in (place.pid(), place.cluster.redis.process.pid)]
        sent = await post_all(place.cluster.replicas["replica-1"].internal_port, requests, CONNECTIONS)
        await place.get(place.replica() + "/jobs?limit=1")
        costs = [
            processor_time(pid) - before
            for pid, before in zip((place.pid(), place.cluster.redis.process.pid), costs, strict=True)
        ]
        _check(sent)
        rates.append(number / sent.seconds)
        own.append(number / await command_all(port, commands, CONNECTIONS))
        replica_cost.append(1e6 * costs[0] / number)
        redis_cost.append(1e6 * costs[1] / number)
    rate, alone = median(rates), median(own)
    table.add(batch, rate / batch, rate, alone, rate / alone, median(replica_cost), median(redis_cost))


def _parts(jobs: dict[str, list[Stored]], batch: int, most: int) -> list[tuple[str, list[Stored]]]:
    """Each job a moment later, in batches of one node each, by turns."""
    turn = next(_turns) % 100
    each = most // len(jobs)
    return [
        (node, [moved(job, turn) for job in its[start : start + batch]])
        for start in range(0, each, batch)
        for node, its in jobs.items()
    ]


async def unchanged(chapter: Chapter, place: Stage, jobs: dict[str, list[Stored]]) -> None:
    table = chapter.table(
        "Complete reports that bring no news",
        *("ids", "jobs with body", "bytes", "reports/s", "p50 ms", "replica us a report", "redis us a report"),
    )
    for node, its in jobs.items():
        await place.store.jobs.put(node, INCARNATION, its)
    for number, bodies in ((10, 10), (1000, 50), (1000, 0)):
        first = [
            (node, its[:bodies], [job.id for job in its]) if number == 1000 else (node, its[:10], [j.id for j in its])
            for node, its in jobs.items()
        ]
        secret = place.cluster.secret.encode()
        requests = [report(secret, node, its, Ids=ids, Complete=True) for node, its, ids in first * 20]
        pids = (place.pid(), place.cluster.redis.process.pid)
        before = [processor_time(pid) for pid in pids]
        sent = await post_all(place.cluster.replicas["replica-1"].internal_port, requests, CONNECTIONS)
        costs = [1e6 * (processor_time(pid) - was) / len(requests) for pid, was in zip(pids, before, strict=True)]
        _check(sent)
        table.add(
            len(first[0][2]), bodies, len(requests[0]), len(requests) / sent.seconds, 1000 * median(sent.each), *costs
        )


async def blocked(chapter: Chapter, place: Stage) -> None:
    """By Redis's own count, the mean and the slowest of each command since the run began."""
    table = chapter.table(
        "How long Redis was held by one command", "command", "calls", "mean us", "in its slow log (over 5 ms)"
    )
    async with Redis.from_url(place.cluster.redis.url) as redis:
        stats = await redis.info("commandstats")
        slow = [entry["command"].split()[0].decode().lower() for entry in await redis.slowlog_get(10_000)]
    for name in ("evalsha", "hmget", "hscan", "xread", "mget"):
        if found := stats.get(f"cmdstat_{name}"):
            table.add(name, found["calls"], found["usec_per_call"], slow.count(name))


async def visible(chapter: Chapter, jobs: dict[str, list[Stored]], seconds: float = 6.0) -> None:
    table = chapter.table(
        "From a report's sending to the list of another replica",
        *("changes/s", "times", "p50 ms", "p99 ms"),
        note="Two replicas; the changes are reports of 20 jobs to the first, each time is of a report of one job.",
    )
    async with stage(nodes=0, replicas=2) as place:
        for node, its in jobs.items():
            await introduce(place.store, node, place.node_url)
            await place.store.jobs.put(node, INCARNATION, its)
        for rate in (0, 1000):
            took = await _watch(place, jobs, rate, seconds)
            table.add(rate, len(took), median(took), sorted(took)[int(len(took) * 0.99)])


async def _watch(place: Stage, jobs: dict[str, list[Stored]], rate: int, seconds: float) -> list[float]:
    port, secret = place.cluster.replicas["replica-1"].internal_port, place.cluster.secret.encode()
    probe, took, over = word(random.Random(4), "node-0", "Paused"), [], asyncio.Event()

    async def load() -> None:
        due, step = time.monotonic(), 0
        while rate and not over.is_set():
            node = f"node-{1 + step % (NODES - 1)}"
            start = 20 * (step // (NODES - 1) % 50)
            part = [moved(job, step % 100) for job in jobs[node][start : start + 20]]
            await post_all(port, [report(secret, node, part)], 1)
            step, due = step + 1, due + 20 / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    loading = asyncio.create_task(load(), name="load")
    until, turn, url = time.monotonic() + seconds, 0, f"{place.replica(2)}/jobs?expand&status=Paused"
    async with aiohttp.ClientSession(headers=LOGIN) as session:
        while time.monotonic() < until:
            turn += 1
            news = moved(probe, turn % 100)
            request = report(secret, "node-0", [news])
            mark = b'"Timestamp":"' + news.record.stamp.encode()
            began = time.monotonic()
            posting = asyncio.create_task(post_all(port, [request], 1))
            while mark not in await _read(session, url):
                pass
            took.append(1000 * (time.monotonic() - began))
            await posting
            await asyncio.sleep(0.02)
    over.set()
    await loading
    return took


async def _read(session: aiohttp.ClientSession, url: str) -> bytes:
    async with session.get(url) as response:
        return await response.read()


def _check(sent: Sent) -> None:
    if sent.failures:
        raise RuntimeError(f"{len(sent.failures)} reports were not taken: {sent.failures[0]!r}")
