"""`jobindex settings`: every setting, its value and where it comes from."""

import os
import re
import shutil
import textwrap
from typing import Annotated

import typer

from jobindex.cli.environment import end_with, file_faults, misspelt, settings_or_exit
from jobindex.cli.setting_form import example, variable, wanted, written
from jobindex.settings import Settings

MIN_WIDTH = 60


def settings(
    plain: Annotated[bool, typer.Option(help="One NAME=value a line, for scripts.")] = False,
) -> None:
    """Show all settings, their values and how to change them.  Secrets are masked.

    Values are shown in the form in which the environment sets them.  The exit status is 2 where one can't be used.
    """
    read = settings_or_exit()
    width = max(MIN_WIDTH, shutil.get_terminal_size().columns)
    for field in Settings.model_fields:
        line = f"{variable(field)}={masked(written(getattr(read, field)))}"
        typer.echo(line if plain else "\n".join([f"{line}{_origin(field)}", *_meaning(field, width)]))
    for name, meant in misspelt(os.environ):
        typer.echo(f"{name} is no setting{f'; meant is perhaps {meant}' if meant else ''}", err=True)
    if faults := file_faults(read):
        raise end_with(faults)


def masked(value: str) -> str:
    """The value without the passwords that an address may have in it."""
    return re.sub(r"(?<=sentinel_password=)[^&]+|(?<=:)(?<!//)[^:/@]+(?=@)", "**********", value)


def _origin(field: str) -> str:
    return "" if variable(field) in os.environ else "  (default)"


def _meaning(field: str, width: int) -> list[str]:
    """What it is for, what it takes, and an example, in lines of this width."""
    description = " ".join((Settings.model_fields[field].description or "").split())
    text = f"{description} Wanted: {wanted(field)}, for example {example(field)}"
    return textwrap.wrap(text, width, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
