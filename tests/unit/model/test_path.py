"""A path of names, as one text and back."""

import json

from hypothesis import given
from hypothesis import strategies as st

from jobindex.model.path import read_path, shown

NAMES = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('.\\"'), max_size=6)


@given(st.lists(NAMES, min_size=1).map(tuple))
def test_true_state_any_path_comes_back(names: tuple[str, ...]) -> None:
    path = tuple(json.dumps(name).encode()[1:-1] for name in names)
    assert read_path(shown(path)) == path


def test_true_state_dots_of_names_are_marked() -> None:
    assert shown((b"Content", b"Resources")) == "Content.Resources"
    assert shown((b"Content", b"1.2")) == r"Content.1\.2"
