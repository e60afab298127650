"""The document as schemathesis reads it, and what an answer has to keep."""

from typing import Any

import schemathesis
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from jobindex.demo.checkout import ROOT

DOCUMENT = ROOT / "docs" / "openapi.yaml"

load_all_checks()
schema = schemathesis.openapi.from_path(DOCUMENT)
schema.config.phases.coverage.enabled = False
known_jobs: list[str] = []
"""Ids that are there, of which every second call gets one."""

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@schema.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """An id that was made up is nobody's; one of two becomes one that is there."""
    made_up = (path_parameters or {}).get("id")
    if path_parameters and isinstance(made_up, str) and known_jobs and sum(made_up.encode()) % 2:
        return {**path_parameters, "id": known_jobs[len(made_up.strip("0")) % len(known_jobs)]}
    return path_parameters
