"""The contract through the index: what a client sees differs from its Orthanc only where the table says so."""

from collections.abc import Mapping

import pytest

from . import records
from .exchanges import ABOUT_JOBS
from .intended import INTENDED_DIFFERENCES, comparable, expected, job_objects
from .neutral import Answer

NAMES = [exchange.name for exchange in ABOUT_JOBS]

Answers = Mapping[str, Answer]


def test_the_table_names_exchanges_that_there_are() -> None:
    assert set(INTENDED_DIFFERENCES) <= set(NAMES)


@pytest.mark.parametrize("name", INTENDED_DIFFERENCES)
def test_the_table_names_nothing_that_does_not_differ(name: str, newer: Answers) -> None:
    oldest = records.read("1.10.1")
    assert comparable(expected(name, oldest, newer)) != comparable(oldest[name])


@pytest.mark.parametrize("name", NAMES)
def test_releases_the_index_answers_as_its_orthanc(
    name: str, through: Answers, direct: Answers, newer: Answers
) -> None:
    assert comparable(through[name]) == comparable(expected(name, direct, newer))


def test_every_job_says_last_where_it_runs(through: Answers) -> None:
    jobs = [job for answer in through.values() for job in job_objects(answer)]
    assert jobs
    assert {list(job)[-1] for job in jobs} == {"JobIndex"}
    assert {job["JobIndex"]["NodeState"] for job in jobs} == {"Alive"}


def test_no_secret_gets_through(through: Answers, direct: Answers) -> None:
    assert "Bearer secret" in direct["get secret send"].body
    assert not [name for name, answer in through.items() if "Bearer secret" in answer.body]
