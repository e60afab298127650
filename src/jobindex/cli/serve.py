"""`jobindex serve`: one replica, for production."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from typing import Annotated

import typer

from jobindex.app import running
from jobindex.cli.embedded import NoRedis, embedded
from jobindex.cli.environment import WRONG_SETTINGS, end_with, file_faults, misspelt, settings_or_exit
from jobindex.cli.setting_form import example, variable
from jobindex.logs import set_up_logging
from jobindex.safety import read_safety
from jobindex.service.condition import IndexUnfit
from jobindex.service.lasting import looking_once
from jobindex.settings import Settings
from jobindex.web.server import CannotListen


def serve(
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Start without a secret, and take reports from anybody.")
    ] = False,
) -> None:
    """Run one replica until SIGTERM or SIGINT.

    Everything is set by environment variables: see `jobindex settings`.  Start as many replicas as you like on
    one Redis, and put nginx before them.  The exit status is 0 after a signal, 2 where a setting can't be used, and 1
    where something else is in the way, such as a Redis that throws away what is in it.
    """
    settings = _settings(insecure)
    set_up_logging(settings.log_level, settings.log_form)
    try:
        asyncio.run(_serve(settings))
    except IndexUnfit as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except NoRedis as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_SETTINGS) from None
    except ExceptionGroup as group:  # a listener is opened while the background tasks run
        raise _cannot_listen(group, settings) from None


def _cannot_listen(group: ExceptionGroup[Exception], settings: Settings) -> BaseException:
    """The end of the command where that is why it ends, else the group itself."""
    found = group.subgroup(CannotListen)
    if found is None:
        return group
    for error in found.exceptions:
        which = "internal" if _is_internal(error, settings) else "public"
        names = f"{variable(f'{which}_port')} or {variable(f'{which}_host')}"
        typer.echo(f"The replica {error}; set {names}, for example {example(f'{which}_port')}", err=True)
    return typer.Exit(WRONG_SETTINGS)


def _is_internal(error: Exception, settings: Settings) -> bool:
    return isinstance(error, CannotListen) and error.place == (settings.internal_host, settings.internal_port)


def _settings(insecure: bool) -> Settings:
    """The settings, or an end that says what to mend; a wrong value is not printed where it may be a secret."""
    settings = settings_or_exit()
    settings = settings.model_copy(update={"insecure": insecure or settings.insecure})
    if faults := file_faults(settings):
        raise end_with(faults)
    for name, meant in misspelt(os.environ):
        typer.echo(f"{name} is no setting{f'; meant is perhaps {meant}' if meant else ''}", err=True)
    try:
        read_safety(settings)
    except ValueError as error:
        typer.echo(f"The replica can't start.  {error}", err=True)
        raise typer.Exit(WRONG_SETTINGS) from None
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
