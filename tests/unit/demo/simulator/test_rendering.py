"""How answers are written."""

import textwrap

from jobindex.demo.simulator.rendering import render, timestamp

from .building import NOON


def test_values_are_written_as_orthanc_writes_them() -> None:
    value = {"B": [1, {"C": []}], "A": {}, "F": 0.004, "Z": 0.0, "Q": 'say "é"'}
    assert render(value) == textwrap.dedent(
        """\
        {
           "A" : {},
           "B" : 
           [
              1,
              {
                 "C" : []
              }
           ],
           "F" : 0.0040000000000000001,
           "Q" : "say \\"\\u00e9\\"",
           "Z" : 0.0
        }"""  # noqa: W291 - the blank behind a colon is Orthanc's
    )


def test_whole_seconds_have_no_fraction() -> None:
    assert timestamp(NOON) == "20270115T080000"
    assert timestamp(NOON + 0.25) == "20270115T080000.250000"
