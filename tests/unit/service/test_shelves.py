"""Ids stay sorted on bounded shelves, and a change shows in the edition of its shelf and of no other."""

import random

from jobindex.service.shelves import FULL_SECTION, LONGEST, MAX_SHELVES, Shelves

from ...builders import job_id


def ids(shelves: Shelves) -> list[str]:
    return [each for shelf in shelves for each in shelf.ids]


def editions(shelves: Shelves) -> set[int]:
    return {shelf.edition for shelf in shelves}


def test_no_shelf_grows_beyond_its_bound() -> None:
    shelves = Shelves()
    for number in range(10 * LONGEST):
        shelves.put(job_id(number * 7919 % (10 * LONGEST)))
    assert ids(shelves) == [job_id(number) for number in range(10 * LONGEST)]
    assert all(0 < len(shelf.ids) <= LONGEST for shelf in shelves)


def test_a_change_gives_one_shelf_a_new_edition() -> None:
    shelves = Shelves([job_id(number) for number in range(1000)])
    before = editions(shelves)
    shelves.put(job_id(500))
    assert len(before & editions(shelves)) == len(before) - 1
    assert len(editions(shelves)) == len(before)


def test_a_shelf_that_is_empty_goes() -> None:
    shelves = Shelves([job_id(number) for number in range(1000)])
    for number in range(1000):
        shelves.drop(job_id(number))
    assert ids(shelves) == []
    assert list(shelves) == []
    assert shelves.page(0, 10) == []
    shelves.put(job_id(3))
    shelves.put(job_id(1))
    assert ids(shelves) == [job_id(1), job_id(3)]


def test_an_id_before_all_others_finds_its_place() -> None:
    shelves = Shelves([job_id(5)])
    shelves.put(job_id(1))
    assert ids(shelves) == [job_id(1), job_id(5)]


def test_bounds_a_page_is_a_slice_of_all_ids_wherever_it_begins() -> None:
    rng = random.Random(1)
    numbers = rng.sample(range(20_000), 9000)
    shelves = Shelves(sorted(job_id(number) for number in numbers[:3000]))
    for number in numbers[3000:]:
        shelves.put(job_id(number))
    for number in numbers[:2000]:
        shelves.drop(job_id(number))
    every = sorted(job_id(number) for number in numbers[2000:])
    assert ids(shelves) == every
    assert len(shelves) == len(every)
    for since in (0, 1, LONGEST, FULL_SECTION - 1, FULL_SECTION, 5000, 6990, 7000, 9000):
        for limit in (1, 100, FULL_SECTION + 1):
            assert shelves.page(since, limit) == every[since : since + limit]


def test_bounds_ids_are_found_section_by_section_though_they_change_meanwhile() -> None:
    shelves = Shelves([job_id(2 * number) for number in range(3 * FULL_SECTION)])
    found: list[str] = []
    while part := shelves.following(found[-1] if found else ""):
        found += part
        for number in range(100):  # behind and before the place that was reached
            shelves.put(job_id(2 * number + 1))
            if job_id(4 * FULL_SECTION + 2 * number) in set(ids(shelves)) - set(found):
                shelves.drop(job_id(4 * FULL_SECTION + 2 * number))
    assert found == sorted(set(found))
    assert set(ids(shelves)) - set(found) == {job_id(2 * number + 1) for number in range(100)}


def test_no_section_grows_beyond_its_bound() -> None:
    shelves = Shelves()
    for number in range(10_000):
        shelves.put(job_id(number * 7919 % 10_000))
    assert ids(shelves) == [job_id(number) for number in range(10_000)]
    assert all(0 < len(section.shelves) <= MAX_SHELVES for section in shelves.sections)
    assert all(section.count == sum(len(shelf.ids) for shelf in section.shelves) for section in shelves.sections)
