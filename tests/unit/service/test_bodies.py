"""What is kept is bounded in bytes and in number, and the least used goes first."""

from jobindex.service.bodies import MOST, Bodies


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
