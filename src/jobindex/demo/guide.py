"""What the demo tells its visitor: what to open, and which lines to try."""

from .traffic import Examples
from .visitor import Tools

INSTALLED = Tools()
LOGIN = "-su demo:demo"


def guide(
    port: int, redis_port: int, studies: tuple[str, ...], examples: Examples | None, tools: Tools = INSTALLED
) -> str:
    """`port` is nginx's; without examples there are no jobs yet.  Only what is there is named."""
    here, ask = f"http://localhost:{port}/orthanc", f"{tools.curl} {LOGIN}"
    lines = [
        ("every job of every Orthanc", f"{ask} '{here}/jobs?expand'"),
        ("those in one state", f"{ask} '{here}/jobs?expand&status=Success'"),
        *(_on_jobs(ask, here, examples) if examples else _on_studies(ask, here, studies[0])),
        ("the Orthancs", f"{ask} {here}/job-index/nodes"),
    ]
    if tools.redis_cli:
        lines.append(("the same in Redis", f"{tools.redis_cli} -p {redis_port} HGETALL '{{jobindex}}:nodes'"))
    shown = "\n".join(f"  # {what}\n  {line}" for what, line in lines)
    page = f"Open  {here}/  (user demo, password demo)\n\n" if tools.page else ""
    return f"\n{page}Try\n{shown}\n\nCtrl-C ends it all.\n"


def _on_jobs(ask: str, here: str, examples: Examples) -> list[tuple[str, str]]:
    long, failed = f"{here}/jobs/{examples.long}", f"{here}/jobs/{examples.failed}"
    return [
        ("one job, on whichever Orthanc it is", f"{ask} {long}"),
        ("it takes five minutes: pause it,", f"{ask} -X POST {long}/pause"),
        ("resume it, when it shows as Paused,", f"{ask} -X POST {long}/resume"),
        ("or cancel it", f"{ask} -X POST {long}/cancel"),
        ("one that failed, for its peer is nowhere", f"{ask} -X POST {failed}/resubmit"),
        ("an archive", f"{ask} -o archive.zip {here}/jobs/{examples.archive}/archive"),
    ]


def _on_studies(ask: str, here: str, study: str) -> list[tuple[str, str]]:
    order = f"-X POST {here}/studies/{study}/archive -d '{{\"Asynchronous\": true}}'"
    return [("a job, on one of the Orthancs", f"{ask} {order}")]
