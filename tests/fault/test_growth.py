"""Growth is found where it is, and a start is none."""

from .growth import Growth

MIB = 1 << 20


def seen(memory: list[int], files: list[int]) -> list[str]:
    growth = Growth()
    growth.memory[7] = [size * MIB for size in memory]
    growth.files[7] = files
    return [*growth.found()]


def test_what_stays_is_no_growth_though_it_began_small() -> None:
    assert seen([10, 50, 80, 80, 81, 80, 80, 82, 81], [5, 5, 9, 9, 9, 9, 12, 9, 9]) == []


def test_memory_that_grows_is_found() -> None:
    assert seen([80, 82, 84, 90, 92, 94, 110, 112, 114], [9] * 9) == ["process 7 grew from 92 to 112 MiB"]


def test_files_that_are_not_closed_are_found() -> None:
    assert seen([80] * 9, [9, 10, 11, 12, 13, 14, 30, 31, 32]) == ["process 7 has 31 open files and had 13"]
