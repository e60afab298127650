"""`python -m jobindex`."""

from jobindex.cli import app

app()
