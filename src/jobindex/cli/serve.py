"""`jobindex serve`: one replica, for production."""

import asyncio
import signal
from contextlib import AsyncExitStack
from typing import Annotated

import typer
from pydantic import ValidationError

from jobindex.app import running
from jobindex.cli.embedded import embedded
from jobindex.logs import set_up_logging
from jobindex.safety import read_safety
from jobindex.service.condition import IndexUnfit
from jobindex.service.lasting import looking_once
from jobindex.settings import Settings


def serve(
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Start without a secret, and take reports from anybody.")
    ] = False,
) -> None:
    """Run one replica until SIGTERM or SIGINT.

    Everything is set by environment variables: see `jobindex settings`.  Start as many replicas as you like on
    one Redis, and put nginx before them.
    """
    settings = _settings(insecure)
    set_up_logging(settings.log_level, settings.log_form)
    if not settings.redis_url:
        settings.data.expanduser().mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(_serve(settings))
    except IndexUnfit as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def _settings(insecure: bool) -> Settings:
    """The settings, or an end that says what to mend; a wrong value is not printed, since it may be a secret."""
    try:
        settings = Settings()
        settings = settings.model_copy(update={"insecure": insecure or settings.insecure})
        read_safety(settings)
    except ValidationError as error:
        for each in error.errors(include_input=False, include_url=False):
            typer.echo(f"{'.'.join(str(part) for part in each['loc']) or 'settings'}: {each['msg']}", err=True)
        raise typer.Exit(2) from None
    except (ValueError, OSError) as error:
        typer.echo(f"The replica can't start.  {error}", err=True)
        raise typer.Exit(2) from None
    return settings


async def _serve(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        if not settings.redis_url:
            url = await stack.enter_async_context(embedded(settings.data.expanduser()))
            settings = settings.model_copy(update={"redis_url": url})
        serving = asyncio.create_task(_run(settings), name="replica")
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
        try:
            await serving
        except asyncio.CancelledError:
            return


async def _run(settings: Settings) -> None:
    with looking_once():
        async with running(settings):
            await asyncio.Event().wait()
