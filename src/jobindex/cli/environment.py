"""Settings from the environment: read once by each command, or one sentence for each variable that is wrong."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from jobindex.cli.setting_form import example, field_of, is_secret, variable, wanted
from jobindex.safety import UnusableSetting, setting_faults
from jobindex.settings import Settings
from jobindex.store.address import check_address

WRONG_SETTINGS = 2
"""The exit status of a command that can't use its settings, as of one that can't use its arguments."""
MAX_SHOWN = 60
"""Characters of a wrong value that are repeated."""
OTHERS_VARIABLES = {
    *("JOBINDEX_URLS", "JOBINDEX_NODE_ID", "JOBINDEX_NODE_URL", "JOBINDEX_CA_FILE", "JOBINDEX_CERTIFICATE_FILE"),
    *("JOBINDEX_KEY_FILE", "JOBINDEX_SHARE_TOKEN", "JOBINDEX_SELF_URL", "JOBINDEX_SELF_USER"),
    *("JOBINDEX_SELF_PASSWORD", "JOBINDEX_SELF_PASSWORD_FILE", "JOBINDEX_TEST_ROOT", "JOBINDEX_TEST_TLS_LIBRARIES"),
}
"""Variables of the Orthanc plugin and of the tests, which may stand in the same environment."""


@dataclass(frozen=True, slots=True)
class SettingFault:
    """What is wrong with a setting: `says`; and what to set instead: `mend`.  Neither holds a secret."""

    says: str
    mend: str

    def __str__(self) -> str:
        return f"{self.says}; {self.mend}"


class WrongSettings(Exception):
    """The settings can't be used, for these reasons."""

    def __init__(self, faults: list[SettingFault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


def read_settings() -> Settings:
    """WrongSettings where a variable has no value of its kind; files that are named are not looked at yet."""
    try:
        settings = Settings()
    except ValidationError as error:
        firsts: dict[str, ErrorDetails] = {}  # a value that may be of two kinds has an error for each
        for each in error.errors(include_input=False, include_url=False):
            firsts.setdefault(str(each["loc"][:1]), each)
        raise WrongSettings(list(map(_value_fault, firsts.values()))) from None
    try:
        check_address(settings.redis_url)
    except ValueError as error:
        raise WrongSettings([_fault("redis_url", str(error))]) from None
    return settings


def settings_or_exit() -> Settings:
    """The settings, or the end of the command with its sentences on standard error."""
    try:
        return read_settings()
    except WrongSettings as error:
        raise end_with(error.faults) from None


def file_faults(settings: Settings) -> list[SettingFault]:
    """What is wrong with files and addresses that the settings name."""
    return list(map(_file_fault, setting_faults(settings)))


def end_with(faults: list[SettingFault]) -> typer.Exit:
    for fault in faults:
        typer.echo(str(fault), err=True)
    return typer.Exit(WRONG_SETTINGS)


def misspelt(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Variables that look like settings and are none, each with the settings that may be meant."""
    known = {variable(field) for field in Settings.model_fields}
    for name in sorted(environ):
        if name.upper().startswith("JOBINDEX_") and name.upper() not in known | OTHERS_VARIABLES:
            yield name, ", ".join(get_close_matches(name.upper(), known, 3))


def _value_fault(error: ErrorDetails) -> SettingFault:
    if not error["loc"]:  # two settings that don't go together
        return SettingFault(_reason(error), "`jobindex settings` shows what each means")
    field, *inside = error["loc"]
    return _fault(field_of(str(field)), f"{_place(inside)}{_reason(error)}")


def _place(inside: list[int | str]) -> str:
    """Which entry of a list, and which member of it; pydantic's names of its own types stand there too."""
    words = [f"entry {part}" if isinstance(part, int) else part for part in inside]
    plain = [word for word in words if word.replace(" ", "").isalnum()]
    return f"{' '.join(plain)}: " if plain else ""


def _reason(error: ErrorDetails) -> str:
    """Pydantic's words begin with a capital, and with whose words ours are."""
    text = error["msg"].removeprefix("Value error, ")
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _fault(field: str, reason: str) -> SettingFault:
    given = _given(variable(field))
    shown = " can't be used" if is_secret(field) else f' is "{given[:MAX_SHOWN]}"'
    return SettingFault(f"{variable(field)}{shown}: {reason}", _mend(field))


def _file_fault(fault: UnusableSetting) -> SettingFault:
    named = "" if is_secret(fault.field) else f" names {_given(variable(fault.field))}"
    return SettingFault(f"{variable(fault.field)}{named}: {fault}", _mend(fault.field))


def _mend(field: str) -> str:
    return f"wanted: {wanted(field)}, for example {example(field)}"


def _given(name: str) -> str:
    """The value of a variable, whose name may be in small letters."""
    return next((value for key, value in os.environ.items() if key.upper() == name), "")
