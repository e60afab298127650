"""What is masked of a job: by place, by name where its type is not known, and never what a submitter wrote."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from jobindex.model.job import read_job

from ...builders import job_text

ROOT = Path(__file__).parents[3]
HIDDEN = "canary"


def kept(kind: str, **members: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(read_job(job_text(Type=kind, **members)).text)
    return told


@pytest.mark.parametrize("kind", ["OrthancPeerStore", "ResourceModification", "SomebodysOwn"])
@pytest.mark.parametrize(
    "written",
    [
        {"token": HIDDEN, "deep": [{"Password": HIDDEN}]},
        {"link": f"https://user:{HIDDEN}@portal/x"},
        f"https://user:{HIDDEN}@portal/x",
        [{"Authorization": {"cookie": HIDDEN}}],
    ],
)
def test_in_use_what_a_submitter_wrote_comes_back_as_it_was(kind: str, written: Any) -> None:
    assert kept(kind, UserData=written)["UserData"] == written


def test_in_use_what_a_submitter_wrote_hides_nothing_else() -> None:
    told = kept("SomebodysOwn", UserData={"token": "mine"}, Content={"token": HIDDEN}, ErrorDetails=f"x://u:{HIDDEN}@p")
    assert HIDDEN not in json.dumps(told)
    assert told["UserData"] == {"token": "mine"}


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("ResourceModification", {"TokenCount": 5, "Description": "Secretary"}),
        ("DicomMoveScu", {"Query": [{"PasswordHint": "x", "Secret": "y"}]}),
        ("MergeStudy", {"Cookie": "x"}),
    ],
)
def test_in_use_a_known_type_without_a_place_for_secrets_is_as_orthanc_says_it(
    kind: str, content: dict[str, Any]
) -> None:
    assert kept(kind, Content=content)["Content"] == content


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("OrthancPeerStore", {"Peer": {"Url": "http://p/", "Username": "u", "Password": HIDDEN}}),
        ("OrthancPeerStore", {"Peer": {"HttpHeaders": {"Whatever": HIDDEN}}}),
        ("OrthancPeerStore", {"Peer": ["http://p/", "u", HIDDEN]}),
        ("PushTransfer", {"Peer": {"HttpHeaders": {"Whatever": HIDDEN}}}),
        ("DicomWebStowClient", {"Server": {"Password": HIDDEN}}),
        ("SomebodysOwn", {"x": [{"Token": HIDDEN}]}),
        ("ResourceModification", {"Source": f"http://u:{HIDDEN}@p/"}),
    ],
)
def test_in_use_secrets_are_masked_where_they_stand(kind: str, content: dict[str, Any]) -> None:
    told = kept(kind, Content=content)
    assert HIDDEN not in json.dumps(told)
    assert "REDACTED" in json.dumps(told)


def test_in_use_what_an_error_carries_is_masked_by_name() -> None:
    assert HIDDEN not in json.dumps(kept("MergeStudy", ErrorPayload={"Type": "x", "Content": {"Password": HIDDEN}}))


def test_in_use_the_table_of_places_is_the_one_of_the_page() -> None:
    from jobindex.model.redaction import PLACES

    page = (ROOT / "docs" / "security.md").read_text()
    rows = re.findall(
        r"^\| ((?:`\w+`(?:, )?)+) \| (.*?) \|$", page.partition("| type of job |")[2].partition("\n\n")[0], re.MULTILINE
    )
    told = {
        kind: re.findall(r"`Content\.(\w+)`", places) for kinds, places in rows for kind in re.findall(r"\w+", kinds)
    }
    assert told == {kind: [place.decode() for place in places] for kind, places in PLACES.items()}
