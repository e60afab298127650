"""The questions that a client may put to the list of jobs."""

from collections.abc import Iterable
from dataclasses import dataclass

from jobindex.errors import BadArgument
from jobindex.model.job import STATES

_STATES = {state.lower(): state for state in STATES}
_BOOLEANS = {"": True, "1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True, slots=True)
class Question:
    """Whether job objects or ids are wanted, of which states (None means all), and which page of them.

    A page is Orthanc's: those after the first `since` in the order of the list, `limit` of them, 0 for all.
    `hidden` (see `model/visibility`) comes from the caller's rights, never from an argument, so that answers may be
    shared by all callers who see the same and by nobody else.
    """

    expand: bool = False
    states: frozenset[str] | None = None
    since: int = 0
    limit: int = 0
    hidden: tuple[str, ...] = ()


def read_question(arguments: Iterable[tuple[str, str]]) -> Question:
    """BadArgument in Orthanc's words; arguments that Orthanc doesn't know are passed over, as it does.

    A `status` with nothing in it, as a form with an empty field sends it, is no filter.
    """
    expand = False
    states: set[str] = set()
    page = {"since": 0, "limit": 0}
    for name, value in arguments:
        if name == "expand":
            expand = _boolean(value)
        elif name == "status":
            states.update(_state(word) for word in value.split(",") if word.strip())
        elif name in page:
            page[name] = _number(name, value)
    return Question(expand, frozenset(states) or None, page["since"], page["limit"])


def _boolean(value: str) -> bool:
    if value not in _BOOLEANS:
        raise BadArgument(f'Expected a Boolean for GET argument "expand", found: {value}')
    return _BOOLEANS[value]


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) <= 9):
        raise BadArgument(f'Expected a number for GET argument "{name}", found: {value}')
    return int(value)


def _state(word: str) -> str:
    state = _STATES.get(word.strip().lower())
    if state is None:
        raise BadArgument(f'Expected a state of a job for GET argument "status", found: {word}')
    return state
