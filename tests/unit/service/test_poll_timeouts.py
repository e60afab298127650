"""How long a polled node may take."""

import pytest

from jobindex.service.poll_timeouts import MAX_TIMEOUT_S, PollTimeouts, Question

KINDS = list(Question)


@pytest.mark.parametrize("kind", KINDS)
def test_in_use_the_time_a_node_may_take_follows_what_it_takes_within_bounds(kind: Question) -> None:
    timeouts = PollTimeouts(5.0)
    assert timeouts.of("a", kind) == 5.0
    timeouts.silent("a", kind)
    assert (timeouts.of("a", kind), timeouts.of("b", kind)) == (10.0, 5.0)
    timeouts.answered("a", kind, 9.0)
    assert timeouts.of("a", kind) == 18.0
    timeouts.answered("a", kind, 0.1)
    assert timeouts.of("a", kind) == 5.0
    for _ in range(100):
        timeouts.silent("a", kind)
    assert timeouts.of("a", kind) == timeouts.longest("a") == MAX_TIMEOUT_S


@pytest.mark.parametrize("kind", KINDS)
def test_in_use_an_answer_to_one_question_takes_no_time_from_another(kind: Question) -> None:
    timeouts = PollTimeouts(5.0)
    timeouts.silent("a", kind)
    for other in KINDS:
        if other is not kind:
            timeouts.answered("a", other, 0.01)
    assert (timeouts.of("a", kind), timeouts.longest("a")) == (10.0, 10.0)
