"""A list is put together from parts, of which only those are made that have changed."""

from collections.abc import Sequence

import orjson

from jobindex.service.rendering import Rendering
from jobindex.service.shelves import FULL, FULL_SECTION, Shelves

from ...builders import job_id


class Counting:
    """Makes ids, and counts."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, ids: Sequence[str]) -> bytes:
        self.made += len(ids)
        return orjson.dumps(ids)[1:-1]


def whole(rendering: Rendering, shelves: Shelves) -> list[str]:
    return list(orjson.loads(b"".join(rendering.body(shelves.sections))))


def test_bounds_only_what_changed_is_made_anew() -> None:
    shelves, render = Shelves([job_id(number) for number in range(3 * FULL_SECTION)]), Counting()
    rendering = Rendering(render, None)
    parts = rendering.body(shelves.sections)
    assert render.made == 3 * FULL_SECTION
    shelves.put(job_id(FULL_SECTION + 1))
    assert len(rendering.stale(shelves.sections)) == 1
    again = rendering.body(shelves.sections)
    assert render.made == 3 * FULL_SECTION + FULL
    assert [new is old for new, old in zip(again, parts, strict=True)] == [True, False, True]


def test_a_list_whose_first_or_last_section_goes_is_still_one() -> None:
    every = [job_id(number) for number in range(3 * FULL_SECTION)]
    shelves, rendering = Shelves(every), Rendering(Counting(), None)
    assert whole(rendering, shelves) == every
    for number in [*range(2 * FULL_SECTION, 3 * FULL_SECTION), *range(FULL_SECTION)]:
        shelves.drop(job_id(number))
    assert whole(rendering, shelves) == every[FULL_SECTION : 2 * FULL_SECTION]
    for number in range(FULL_SECTION, 2 * FULL_SECTION):
        shelves.drop(job_id(number))
    assert whole(rendering, shelves) == []
    shelves.put(job_id(1))
    assert whole(rendering, shelves) == [job_id(1)]
