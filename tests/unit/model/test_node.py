"""Nodes: their ids, what their state allows, and records of other versions."""

import pytest

from jobindex.model.node import ALIVE, GONE, LATE, NODE_ID, STOPPED, Node, default_node_id, most_are_silent

from ...builders import node_record


@pytest.mark.parametrize(
    ("name", "host", "expected"),
    [
        ("Orthanc", "pacs-1", "Orthanc-pacs-1-8042"),
        ("Röntgen / CT 1", "h:1", "R-ntgen---CT-1-h-1-8042"),
        ("x" * 100, "h", "x" * 51 + "-bc879291b8b5"),
    ],
)
def test_a_node_without_an_id_is_given_a_lawful_one(name: str, host: str, expected: str) -> None:
    given = default_node_id(name, host, 8042)
    assert given == expected
    assert NODE_ID.fullmatch(given)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a-very-long-name-of-a-department-of-a-hospital-in-a-town-by-the-sea-1", "-2"),
        ("x" * 200, "y"),
    ],
)
def test_in_use_long_names_that_begin_alike_make_two_ids(first: str, second: str) -> None:
    ids = {default_node_id(first, "h", 8042), default_node_id(first + second, "h", 8042)}
    assert len(ids) == 2
    assert all(NODE_ID.fullmatch(each) for each in ids)


def test_in_use_long_names_that_differ_in_what_is_replaced_make_two_ids() -> None:
    names = ("Röntgen " + "x" * 60, "Rantgen " + "x" * 60, "Rüntgen " + "x" * 60)
    assert len({default_node_id(name, "h", 8042) for name in names}) == 3


def test_only_alive_and_late_nodes_are_asked() -> None:
    nodes = [node_record().model_copy(update={"state": state}) for state in (ALIVE, LATE, GONE, STOPPED)]
    assert [node.alive for node in nodes] == [True, False, False, False]
    assert [node.may_answer for node in nodes] == [True, True, False, False]


def test_fields_of_a_newer_version_are_kept() -> None:
    text = node_record().model_dump_json()[:-1] + ',"room":"basement"}'
    assert '"room":"basement"' in Node.model_validate_json(text).model_dump_json()


@pytest.mark.parametrize(("silent", "known", "most"), [(0, 0, False), (1, 2, False), (2, 3, True), (1, 1, True)])
def test_mass_silence_is_more_than_half(silent: int, known: int, most: bool) -> None:
    assert most_are_silent(silent, known) is most
