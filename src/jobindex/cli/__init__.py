"""The command `jobindex`."""

from typing import Annotated

import typer

from jobindex import __version__
from jobindex.cli.demo import demo
from jobindex.cli.doctor import doctor
from jobindex.cli.forget import forget
from jobindex.cli.purge import purge
from jobindex.cli.serve import serve
from jobindex.cli.settings import settings

app = typer.Typer(
    name="jobindex",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"jobindex {__version__}")
        raise typer.Exit


@app.callback()
def jobindex(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """One highly available /jobs for many Orthanc DICOM servers."""


app.command()(demo)
app.command()(doctor)
app.command()(forget)
app.command()(serve)
app.command()(settings)
app.add_typer(purge, name="purge")
