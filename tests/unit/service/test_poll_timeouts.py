"""How long a polled node may take."""

from jobindex.service.poll_timeouts import MAX_TIMEOUT_S, PollTimeouts


def test_in_use_the_time_a_node_may_take_follows_what_it_takes_within_bounds() -> None:
    timeouts = PollTimeouts(5.0)
    assert timeouts.of("a") == 5.0
    timeouts.silent("a")
    assert (timeouts.of("a"), timeouts.of("b")) == (10.0, 5.0)
    timeouts.answered("a", 9.0)
    assert timeouts.of("a") == 18.0
    timeouts.answered("a", 0.1)
    assert timeouts.of("a") == 5.0
    for _ in range(100):
        timeouts.silent("a")
    assert timeouts.of("a") == MAX_TIMEOUT_S
