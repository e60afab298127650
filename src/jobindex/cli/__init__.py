"""The command `jobindex`."""

import typer

from jobindex.cli.demo import demo
from jobindex.cli.doctor import doctor
from jobindex.cli.purge import purge
from jobindex.cli.serve import serve
from jobindex.cli.settings import settings

app = typer.Typer(
    name="jobindex",
    help="One highly available /jobs for many Orthanc DICOM servers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(demo)
app.command()(doctor)
app.command()(serve)
app.command()(settings)
app.add_typer(purge, name="purge")
