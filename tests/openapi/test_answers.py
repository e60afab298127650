"""Whatever is asked, also what the document forbids, is answered as it says; a 5xx only where it is meant."""

import itertools
import secrets
import time
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings

from jobindex.auth.signature import NONCE, SIGNATURE, TIME, signature
from jobindex.demo.configuration import LOGIN

from ..builders import job_text
from .answers import CHECKS, schema

BOUNDS = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
FEW = settings(BOUNDS, max_examples=4)
STRANGERS = [None, ("demo", "wrong")]
HERE = {"Url": "http://127.0.0.1:9", "HttpPort": 9}
addresses = (f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" for number in itertools.count(1))
"""Each call from a place of its own: what is limited by address is not the subject."""


def check(case: schemathesis.Case, response: Any) -> None:
    if response.status_code >= 500:
        changes = case.method not in ("GET", "HEAD") and case.operation.tags == ["public"]
        assert response.status_code == (500 if changes else 503)
        assert "Retry-After" not in response.headers if changes else response.headers["Retry-After"]
        assert not changes or response.json()["OutcomeUnknown"] is False
    case.validate_response(response, checks=CHECKS)


@schema.include(tag="public").parametrize()
@BOUNDS
def test_as_an_ordinary_login(case: schemathesis.Case, public: str) -> None:
    check(case, case.call(base_url=public, auth=LOGIN, headers={"X-Forwarded-For": next(addresses)}))


@pytest.mark.parametrize("login", STRANGERS, ids=["nobody", "wrong password"])
@schema.include(tag="public").parametrize()
@FEW
def test_a_stranger_gets_nothing(case: schemathesis.Case, public: str, login: tuple[str, str] | None) -> None:
    response = case.call(base_url=public, auth=login, headers={"X-Forwarded-For": next(addresses)})
    assert response.status_code in (400, 401)
    check(case, response)


@schema.include(tag=["internal", "sample"]).parametrize()
@BOUNDS
def test_the_internal_listener(case: schemathesis.Case, internal: tuple[str, str]) -> None:
    check(case, case.call(base_url=internal[0]))


@schema.include(operation_id="report").parametrize()
@settings(BOUNDS, max_examples=40)
def test_a_report_that_is_signed(case: schemathesis.Case, internal: tuple[str, str]) -> None:
    """Also by jobs as Orthanc prints them, which no pattern can make up."""
    url, secret = internal
    if isinstance(case.body, dict):
        _tame(case.body)
    request = requests.Request(**case.as_transport_kwargs(base_url=url)).prepare()
    body, now, nonce = request.body or b"", str(round(time.time() * 1000)), secrets.token_hex(16)
    body = body.encode() if isinstance(body, str) else body
    sign = signature(secret.encode(), "POST", request.path_url, now, nonce, body)
    request.headers.update({TIME: now, NONCE: nonce, SIGNATURE: sign})
    with requests.Session() as session:
        response = session.send(request, timeout=10)
    assert response.status_code != 401
    check(case, response)


def _tame(report: dict[str, Any]) -> None:
    """A node that it introduces is said to be where nobody listens, or the replica would ask whatever was made up."""
    if isinstance(report.get("Register"), dict):
        report["Register"] |= HERE
    if isinstance(report.get("Jobs"), list):
        report["Jobs"] = [job_text(number).decode() for number, _ in enumerate(report["Jobs"])]
