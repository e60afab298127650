"""`jobindex doctor`: what is unsafe or broken in a set-up, in plain words, and how it is mended."""

import asyncio
from typing import Annotated

import orjson
import typer
from rich.console import Console

from jobindex.cli.doctor.addresses import check_addresses
from jobindex.cli.doctor.examination import examined
from jobindex.model.finding import OK, PROBLEM, WARNING, Finding, gravest

_STYLES = {OK: "green", WARNING: "yellow", PROBLEM: "red"}


def doctor(
    url: Annotated[list[str] | None, typer.Option(help="A replica's internal listener, to be asked too.")] = None,
    front: Annotated[
        str | None, typer.Option(help="The address of nginx, as clients use it, to be looked at too.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object, for scripts.")] = False,
) -> None:
    """Say what is unsafe or broken in the set-up, and how to mend it.

    Run it where a replica runs, with the same settings.  It changes nothing and prints no secret.  The exit status is
    0 where all is in order, 1 where there are warnings, 2 where there are problems or an address is none.
    """
    check_addresses([*(("--url", each) for each in url or []), *([] if front is None else [("--front", front)])])
    findings = asyncio.run(examined(url or [], front or ""))
    if json:
        told = {"Status": (OK, WARNING, PROBLEM)[gravest(findings)], "Findings": [each.members() for each in findings]}
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    else:
        _print(findings)
    raise typer.Exit(gravest(findings))


def _print(findings: list[Finding]) -> None:
    """One line a finding, whatever the width, so that it can be searched."""
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        console.print(f"{finding.level:8}", style=_STYLES[finding.level], end="")
        console.print(f"{finding.subject:9}{finding}", markup=False)
