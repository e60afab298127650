"""Ids stay sorted on bounded shelves, and a change shows in the edition of its shelf and of no other."""

from jobindex.service.shelves import LONGEST, Shelves

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
    assert len(list(shelves)) == 1
    shelves.put(job_id(3))
    shelves.put(job_id(1))
    assert ids(shelves) == [job_id(1), job_id(3)]


def test_an_id_before_all_others_finds_its_place() -> None:
    shelves = Shelves([job_id(5)])
    shelves.put(job_id(1))
    assert ids(shelves) == [job_id(1), job_id(5)]
