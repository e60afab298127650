"""What the demo tells its visitor: what to open, and which lines to try."""

from .traffic import Examples

CURL = "curl -su demo:demo"


def guide(port: int, redis_port: int, studies: tuple[str, ...], examples: Examples | None) -> str:
    """`port` is nginx's; without examples there are no jobs yet."""
    here = f"http://localhost:{port}/orthanc"
    tries = _on_jobs(here, examples) if examples else _on_studies(here, studies[0])
    lines = [
        ("every job of every Orthanc", f"{CURL} '{here}/jobs?expand'"),
        ("those in one state", f"{CURL} '{here}/jobs?expand&status=Success'"),
        *tries,
        ("the Orthancs", f"{CURL} {here}/job-index/nodes"),
        ("the same in Redis", f"redis-cli -p {redis_port} HGETALL '{{jobindex}}:nodes'"),
    ]
    shown = "\n".join(f"  # {what}\n  {line}" for what, line in lines)
    return f"\nOpen  {here}/  (user demo, password demo)\n\nTry\n{shown}\n\nCtrl-C ends it all.\n"


def _on_jobs(here: str, examples: Examples) -> list[tuple[str, str]]:
    long, failed = f"{here}/jobs/{examples.long}", f"{here}/jobs/{examples.failed}"
    return [
        ("one job, on whichever Orthanc it is", f"{CURL} {long}"),
        ("it takes five minutes: pause it,", f"{CURL} -X POST {long}/pause"),
        ("resume it", f"{CURL} -X POST {long}/resume"),
        ("or cancel it", f"{CURL} -X POST {long}/cancel"),
        ("one that failed, for its peer is nowhere", f"{CURL} -X POST {failed}/resubmit"),
        ("an archive", f"{CURL} -o archive.zip {here}/jobs/{examples.archive}/archive"),
    ]


def _on_studies(here: str, study: str) -> list[tuple[str, str]]:
    order = f"-X POST {here}/studies/{study}/archive -d '{{\"Asynchronous\": true}}'"
    return [("a job, on one of the Orthancs", f"{CURL} {order}")]
