"""`jobindex settings`: every setting, its value and where it comes from."""

import os
import re
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobindex.cli.environment import settings_or_exit
from jobindex.cli.setting_form import example, variable, wanted, written
from jobindex.settings import Settings


def settings(
    plain: Annotated[bool, typer.Option(help="One NAME=value a line, for scripts.")] = False,
) -> None:
    """Show all settings, their values and how to change them.  Secrets are masked.

    Values are shown in the form in which the environment sets them.  The exit status is 2 where one can't be used.
    """
    read = settings_or_exit()
    values = {name: masked(written(getattr(read, name))) for name in Settings.model_fields}
    if plain:
        for name, value in values.items():
            typer.echo(f"{variable(name)}={value}")
        return
    table = Table("variable", "value", "", "meaning", box=None, pad_edge=False)
    for name, value in values.items():
        table.add_row(*map(escape, (variable(name), value, _origin(name), _meaning(name))))
    Console().print(table)


def masked(value: str) -> str:
    """The value without the passwords that an address may have in it."""
    return re.sub(r"(?<=sentinel_password=)[^&]+|(?<=:)(?<!//)[^:/@]+(?=@)", "**********", value)


def _origin(field: str) -> str:
    return "set" if variable(field) in os.environ else "default"


def _meaning(field: str) -> str:
    """What it is for, what it takes, and an example."""
    description = " ".join((Settings.model_fields[field].description or "").split())
    return f"{description} [{wanted(field)}; {example(field)}]".strip()
