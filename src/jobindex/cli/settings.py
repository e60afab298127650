"""`jobindex settings`: every setting, its value and where it comes from."""

import os
import re
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from jobindex.settings import Settings


def settings(
    plain: Annotated[bool, typer.Option(help="One NAME=value a line, for scripts.")] = False,
) -> None:
    """Show all settings, their values and how to change them.  Secrets are masked."""
    read = Settings()
    rows = [(variable(name), masked(str(getattr(read, name))), _meaning(name)) for name in Settings.model_fields]
    if plain:
        for name, value, _ in rows:
            typer.echo(f"{name}={value}")
        return
    table = Table("variable", "value", "", "meaning", box=None, pad_edge=False)
    for name, value, meaning in rows:
        table.add_row(name, value, "set" if name in os.environ else "default", meaning)
    Console().print(table)


def masked(value: str) -> str:
    """The value without the passwords that an address may have in it."""
    return re.sub(r"(?<=sentinel_password=)[^&]+|(?<=:)(?<!//)[^:/@]+(?=@)", "**********", value)


def variable(field: str) -> str:
    """The environment variable that sets a field."""
    return str(Settings.model_fields[field].validation_alias or f"JOBINDEX_{field.upper()}")


def _meaning(field: str) -> str:
    return " ".join((Settings.model_fields[field].description or "").split())
