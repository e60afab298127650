"""What the visitor is told to try."""

import shlex

from jobindex.demo.guide import guide
from jobindex.demo.traffic import Examples
from jobindex.demo.visitor import Tools

URL = "http://localhost:8080"


def lines(examples: Examples | None) -> list[list[str]]:
    """The commands, as a shell takes them."""
    text = guide(8080, 6379, ("study",), examples)
    return [shlex.split(line) for line in text.splitlines() if line.startswith(("  curl", "  redis-cli"))]


def test_it_acts_on_real_jobs() -> None:
    commands = lines(Examples(long="long", archive="archive", failed="failed"))
    acted = [command[-1].rpartition("/jobs/")[2] for command in commands if "POST" in command]
    assert acted == ["long/pause", "long/resume", "long/cancel", "failed/resubmit"]
    assert ["curl", "-su", "demo:demo", "-o", "archive.zip", f"{URL}/orthanc/jobs/archive/archive"] in commands


def test_without_jobs_it_shows_how_to_make_one() -> None:
    [order] = [command for command in lines(None) if "POST" in command]
    assert f"{URL}/orthanc/studies/study/archive" in order
    assert order[-1] == '{"Asynchronous": true}'


def test_releases_only_what_is_at_hand_is_named() -> None:
    text = guide(8080, 6379, ("study",), None, Tools(curl="python -m small", redis_cli="", page=False))
    assert "python -m small -su demo:demo" in text
    assert not {"redis-cli", "curl", "Open"} & set(text.split())
