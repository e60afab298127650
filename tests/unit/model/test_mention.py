"""Which jobs speak of a study."""

import orjson
import pytest

from jobindex.errors import BadArgument
from jobindex.model.mention import Mention

UID = "1.2.840.113619.2"
ORTHANC = "d1e2f3a4-b1c2d3e4-f1a2b3c4-d1e2f3a4-b1c2d3e4"


@pytest.mark.parametrize("name", [UID, ORTHANC])
@pytest.mark.parametrize(
    "around", ["{}", "study {}.", "{}\\1.2.3", "1.2.3\\{}", "line\n{}\n", "/studies/{}/archive", "({})"]
)
def test_a_study_is_found_wherever_it_stands(name: str, around: str) -> None:
    told = around.format(name)
    for value in (told, [told], {"a": {"b": [told]}}, {told: 1}):
        assert Mention(name).stands_in(orjson.dumps({"Content": value}))


@pytest.mark.parametrize("other", [f"{UID}.7", f"{UID}7", f"9{UID}", f"1.{UID}", UID.replace(".", "-"), ""])
def test_one_that_is_only_like_it_is_another(other: str) -> None:
    assert not Mention(UID).stands_in(orjson.dumps({"Content": other}))


@pytest.mark.parametrize("name", ["", "1", "DOE^JOHN", ".*", "1..2", "1." * 40 + "1", ORTHANC[:-1]])
def test_what_can_be_no_study_is_refused(name: str) -> None:
    with pytest.raises(BadArgument):
        Mention(name)
