"""Reports: their limits, and that a refusal names the place and never what stood there."""

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from jobindex.errors import MalformedReport
from jobindex.model.report import MOST_JOBS, Acknowledgement, Registration, plain_url, read_report

from ...builders import job_id, stamp

CANARY = "canary-7f3a"


def body(**members: Any) -> bytes:
    return orjson.dumps({"Format": 1, "Incarnation": "ab" * 16, "Taken": stamp(0)} | members)


def event(**members: Any) -> dict[str, Any]:
    return {"ID": job_id(1), "Kind": "JobSuccess", "Time": stamp(0)} | members


def test_the_shortest_report() -> None:
    report = read_report(body())
    assert (report.jobs, report.events, report.ids, report.register_as) == ((), (), (), None)
    assert not report.complete
    assert not report.goodbye


def test_a_report_with_everything() -> None:
    told = {"Name": "Orthanc", "Url": None, "HttpPort": 8043, "Tls": True, "Version": "1.10.1", "Plugin": "1.0.0"}
    report = read_report(
        body(Clock=2, Register=told, Jobs=["{}"], Events=[event()], Ids=[job_id(1)], Complete=True, Goodbye=True)
    )
    assert report.register_as is not None
    assert (report.register_as.http_port, report.register_as.tls, report.register_as.url) == (8043, True, None)
    assert (report.clock, report.jobs, report.ids, report.complete, report.goodbye) == (
        2, ("{}",), (job_id(1),), True, True,
    )  # fmt: skip
    assert (report.events[0].id, report.events[0].kind) == (job_id(1), "JobSuccess")


def test_members_of_a_newer_plugin_are_passed_over() -> None:
    assert read_report(body(Weather="fair")).clock == 0


REFUSED = {
    "": b"{",
    "Format": body(Format=2),
    "Incarnation": body(Incarnation=f"{CANARY} with spaces"),
    "Taken": body(Taken=CANARY),
    "Clock": body(Clock=-1),
    "Register.Name": body(Register={"Name": CANARY * 100}),
    "Register.HttpPort": body(Register={"Name": "n", "HttpPort": 65536}),
    "Register.Url": body(Register={"Name": "n", "Url": f"http://user:{CANARY}@host"}),
    "Jobs": body(Jobs=["{}"] * (MOST_JOBS + 1)),
    "Jobs.0": body(Jobs=[{"ID": CANARY}]),
    "Events.0.ID": body(Events=[event(ID=CANARY)]),
    "Events.0.Kind": body(Events=[event(Kind=CANARY)]),
    "Events.0.Time": body(Events=[event(Time="99999999T999999")]),
    "Ids.1": body(Ids=[job_id(1), job_id(1) + "\n"]),
    "Complete": body(Complete=CANARY),
}


@pytest.mark.parametrize(("place", "text"), REFUSED.items(), ids=[name or "not JSON" for name in REFUSED])
def test_a_refusal_names_the_place_and_not_what_stood_there(place: str, text: bytes) -> None:
    with pytest.raises(MalformedReport, match=f"^{place or 'report'}: ") as refusal:
        read_report(text)
    assert CANARY not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize("url", ["http://10.0.0.5:8042", "https://pacs_1.lan", "http://[fe80::1]:80", "HTTP://H:65535"])
def test_a_plain_address_is_kept(url: str) -> None:
    assert plain_url(url) == url
    assert plain_url(url + "/") == url


@pytest.mark.parametrize(
    "url",
    ["", "h:8042", "ftp://h", "file:///etc/passwd", "http://", "http://:80", "http://u@h", "http://u:p@h", "http://h/p",
     "http://h/../x", "http://h?", "http://h?a=b", "http://h#", "http://h:0", "http://h:65536", "http://h:", "http://h:x",
     "http://h\n", "http://h\r\nX: y", "http://a b", "http://h\\@g", "http://[x]", "http://h:80:80",
     "http://h%2f", "http://\uff48", "http://\u212a"],
)  # fmt: skip
def test_an_address_that_could_lead_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^an address ") as refusal:
        plain_url(url)
    assert len(str(refusal.value)) < 100


def test_an_answer_has_the_members_that_the_plugin_reads() -> None:
    answer = Acknowledgement(everything=True, wanted=(job_id(1),)).model_dump(by_alias=True, exclude_none=True)
    assert answer == {"Register": False, "Everything": True, "Wanted": (job_id(1),), "Refused": ()}


def test_a_node_s_token_is_not_printed() -> None:
    told = Registration.model_validate({"Name": "a", "Token": "Bearer hidden"})
    assert told.token.get_secret_value() == "Bearer hidden"
    assert "hidden" not in repr(told) + told.model_dump_json() + str(told.model_dump())


@pytest.mark.parametrize("token", ["a\nb", "é", "\x7f", "x" * 257])
def test_a_token_that_fits_no_header_is_refused(token: str) -> None:
    with pytest.raises(ValidationError, match="printable"):
        Registration.model_validate({"Name": "a", "Token": token})
