"""What the doctor concludes from what it was told: of Redis, nodes, replicas and nginx."""

import pytest

from jobindex.cli.doctor.asking import Heard
from jobindex.cli.doctor.front import line as front_line
from jobindex.cli.doctor.front import listing, passed
from jobindex.cli.doctor.index import SHOWN, clocks, keyspace, pace, rights, sentinels
from jobindex.cli.doctor.nodes import reach, records
from jobindex.cli.doctor.replicas import readiness
from jobindex.model.finding import OK, PROBLEM, WARNING, Finding
from jobindex.model.node import GONE, LATE, STOPPED, Node
from jobindex.orthanc.wire import CHALLENGE, Answer

LOGIN = {"WWW-Authenticate": CHALLENGE}


def levels(findings: list[Finding]) -> list[str]:
    return [finding.level for finding in findings]


def node(url: str = "https://a:8042", **changed: object) -> Node:
    return Node.model_validate({"name": "a", "url": url, "incarnation": "a1", **changed})


def test_slowness_clocks_and_rights() -> None:
    assert [*levels(pace(0.001)), *levels(pace(0.2))] == [OK, WARNING]
    assert [*levels(clocks(0.5)), *levels(clocks(90))] == [WARNING]
    assert levels(rights([], [])) == [OK]
    lacks, exceeds = rights(["zadd"], ["keys"])
    assert (lacks.level, "zadd" in lacks.says, exceeds.level, "keys" in exceeds.says) == (PROBLEM, True, WARNING, True)
    assert "users.acl" in lacks.mend


def test_sentinels_that_can_not_act_are_named() -> None:
    assert sentinels({}) == []
    assert levels(sentinels({"a:1": "", "b:1": "", "c:1": ""})) == [OK]
    assert levels(sentinels({"a:1": ""})) == [WARNING]
    (finding,) = sentinels({"a:1": "", "b:1": "NOQUORUM 1 usable", "c:1": ""})
    assert (finding.level, "b:1" in finding.says, "NOQUORUM" in finding.says) == (PROBLEM, True, True)


def test_breaches_are_told_but_not_without_end() -> None:
    assert levels(keyspace([])) == [OK]
    assert levels(keyspace(None)) == [OK]
    found = keyspace([f"job {number} has no owner" for number in range(SHOWN + 5)])
    assert len(found) == SHOWN + 1
    assert "5 more" in found[-1].says


@pytest.mark.parametrize("state", [LATE, GONE, STOPPED])
def test_a_node_that_is_away_is_named(state: str) -> None:
    (finding,) = records({"a": node(state=state)})
    assert (finding.level, finding.says.startswith("a "), bool(finding.mend)) == (WARNING, True, True)


def test_true_state_the_doctor_says_that_a_node_answers_and_does_not_report() -> None:
    (finding,) = records({"a": node(state=LATE, answers=True, named_url=True)})
    assert finding.says == "a is late: it answers, but does not report"
    assert "JOBINDEX_SECRET_FILE" in finding.mend
    assert "8001" in finding.mend


def test_plugin_the_doctor_names_the_setting_by_which_a_plugin_reads() -> None:
    (finding,) = records({"a": node(cannot_read="no token is let in (401): name a SelfUser")})
    assert (finding.level, "no token is let in (401): name a SelfUser" in finding.says) == (PROBLEM, True)
    assert "SelfUser and SelfPasswordFile" in finding.mend


@pytest.mark.parametrize("state", [GONE, STOPPED])
def test_administrator_the_way_off_the_list_is_a_line_to_paste(state: str) -> None:
    (finding,) = records({"orthanc-a": node(state=state)}, "https://front/")
    assert "curl -u USER -X DELETE https://front/orthanc/job-index/nodes/orthanc-a " in finding.mend
    assert "jobindex forget orthanc-a" in finding.mend
    (finding,) = records({"orthanc-a": node(state=state)})
    assert "ADDRESS-OF-NGINX/orthanc/job-index/nodes/orthanc-a " in finding.mend


@pytest.mark.parametrize("url", ["https://a:8042", "http://127.0.0.1:8042", "http://localhost:8042", "http://[::1]:1"])
def test_a_guarded_line_is_in_order(url: str) -> None:
    assert records({"a": node(url)}) == []


def test_an_open_line_a_wrong_clock_and_a_missing_plugin_are_named() -> None:
    assert "unencrypted" in records({"a": node("http://10.0.0.1:8042")})[0].says
    assert "30 s off" in records({"a": node(offset=-30_000)})[0].says
    assert "sample" in records({"a": node(kind="sample")})[0].says


def test_two_names_of_one_address_are_a_problem() -> None:
    (finding,) = records({"b": node(), "a": node()})
    assert (finding.level, finding.says) == (PROBLEM, "a and b have the same address")
    assert levels(records({"b": node(), "a": node(state=GONE)})) == [WARNING]


def test_what_answers_at_a_node_s_address() -> None:
    assert reach("a", "http://a:8042", Answer(401, LOGIN)) == []
    assert "no login" in reach("a", "http://a:8042", Answer(200, {}, b'{"ApiVersion": 1}'))[0].says
    assert "something else" in reach("a", "http://a:8042", Answer(200, {}, b"<html>"))[0].says
    assert "can't be reached from here at http://a:8042: timed out" in reach("a", "http://a:8042", "timed out")[0].says


def test_a_replica_s_own_words_are_passed_on() -> None:
    assert levels(readiness("u", Heard(200, {}, b'{"Ready":true,"Index":"connected"}'))) == [OK]
    told = b'{"Ready":true,"Index":"connected","Insecure":["no secret"],"Warnings":["evicts"]}'
    assert [finding.says for finding in readiness("u", Heard(200, {}, told))] == ["u says: no secret", "u says: evicts"]
    away = b'{"Ready":false,"Index":"away","Age":7,"Reason":"Stopping"}'
    assert levels(readiness("u", Heard(503, {}, away))) == [PROBLEM, PROBLEM]
    for nothing in (Heard(), Heard(200, {}, b"<html>"), Heard(200, {}, b"[]")):
        assert levels(readiness("u", nothing)) == [PROBLEM]


@pytest.mark.parametrize(
    ("path", "heard"),
    [
        ("/nodes/doctor/report", Heard(405, {"allow": "POST"})),
        ("/metrics", Heard(200, {}, b"jobindex_jobs 1.0")),
        ("/-/ready", Heard(503, {}, b'{"Ready":false}')),
        ("/-/healthy", Heard(200, {}, b'{"Healthy":true}')),
    ],
)
def test_the_internal_listener_behind_nginx_is_a_problem(path: str, heard: Heard) -> None:
    assert levels(passed(path, heard)) == [PROBLEM]


@pytest.mark.parametrize("heard", [Heard(), Heard(404), Heard(401, LOGIN), Heard(200, {}, b"<html>")])
def test_what_is_not_there_or_is_another_s_is_none(heard: Heard) -> None:
    assert [passed(path, heard) for path in ("/metrics", "/nodes/doctor/report")] == [[], []]


def test_the_list_as_nobody_sees_it() -> None:
    ours = {"x-request-id": "1", "content-security-policy": "sandbox"}
    safe = ours | {"x-content-type-options": "nosniff"}
    assert listing(Heard(401, ours)) == listing(Heard(503, safe, b"{}")) == listing(Heard(503, {}, b"{}")) == []
    assert levels(listing(Heard(200, safe))) == [WARNING]
    assert levels(listing(Heard(503, ours, b"{}"))) == [WARNING]
    assert [*front_line("https://front"), *levels(front_line("http://front"))] == [WARNING]


def test_administrator_an_orthanc_that_lets_no_other_machine_in_is_named() -> None:
    (finding,) = records({"a": node(url="https://10.0.0.1:8042", remote_access=False)})
    assert (finding.level, "401" in finding.says, "RemoteAccessAllowed" in finding.mend) == (PROBLEM, True, True)
    assert not records({"a": node(url="http://127.0.0.1:8042", remote_access=False)})
