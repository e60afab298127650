"""What is kept is bounded in bytes and in number, and the least used goes first."""

from jobindex.service.bodies import MAX_GROUPS, MOST, Bodies


def test_the_least_used_goes_first() -> None:
    bodies = Bodies(most=10)
    bodies.keep("a", b"1234")
    bodies.keep("b", b"1234")
    assert bodies.get("a") == b"1234"
    bodies.keep("c", b"1234")
    assert (bodies.get("a"), bodies.get("b"), bodies.get("c")) == (b"1234", None, b"1234")


def test_what_takes_the_place_of_another_counts_once() -> None:
    bodies = Bodies(most=10)
    for _ in range(10):
        bodies.keep("a", b"1234")
    bodies.keep("b", b"123456")
    assert bodies.get("a") is not None


def test_what_is_larger_than_the_bound_is_not_kept() -> None:
    bodies = Bodies(most=10)
    bodies.keep("a", b"x" * 11)
    assert bodies.get("a") is None
    bodies.keep("b", b"x" * 10)
    assert bodies.get("b") is not None


def test_not_even_empty_ones_are_kept_without_bound() -> None:
    bodies = Bodies()
    for number in range(2 * MOST):
        bodies.keep(number, b"")
    assert sum(bodies.get(number) is not None for number in range(2 * MOST)) == MOST


def test_rights_the_least_used_group_goes_as_a_whole() -> None:
    """Groups stand for the hidden sets of callers; one that is used stays whatever else is asked for."""
    bodies = Bodies(group=lambda key: str(key)[0])
    groups = "abcdefghijklmnopq"
    assert len(groups) == MAX_GROUPS + 1
    for group in groups:
        bodies.keep(f"{group}1", b"x")
        bodies.keep(f"{group}2", b"x")
        assert bodies.get("a1") is not None
    assert [bodies.get(f"b{number}") for number in (1, 2)] == [None, None]
    assert all(bodies.get(f"{group}1") for group in groups if group != "b")
