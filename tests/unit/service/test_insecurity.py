"""What is left open is said in the log, each time anew."""

import pytest

from jobindex import metrics
from jobindex.service.insecurity import Insecurity


async def test_each_thing_is_warned_of_again_and_again(caplog: pytest.LogCaptureFixture) -> None:
    insecurity = Insecurity(["the door is open", "so is the window"])
    for _ in range(2):
        assert not await insecurity.warn_due()
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert said == [("WARNING", "insecure: the door is open"), ("WARNING", "insecure: so is the window")] * 2
    assert metrics.insecure._value.get() == 2


async def test_where_all_is_shut_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    assert not await Insecurity([]).warn_due()
    assert caplog.records == []
    assert metrics.insecure._value.get() == 0
