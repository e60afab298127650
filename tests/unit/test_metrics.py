"""What is counted has names that dashboards rely on."""

from jobindex import metrics

NAMES = {
    "jobindex_request_seconds",
    "jobindex_reports",
    "jobindex_jobs_taken",
    "jobindex_jobs_refused",
    "jobindex_jobs_lost",
    "jobindex_stale_answers",
    "jobindex_polls",
    "jobindex_jobs",
    "jobindex_nodes",
    "jobindex_view_version",
    "jobindex_index_connected",
    "jobindex_full",
    "jobindex_mass_silence",
}


def test_every_metric_is_ours_by_name_and_says_what_it_is() -> None:
    found = list(metrics.registry.collect())
    assert {each.name for each in found} >= NAMES
    assert all(each.name.startswith("jobindex_") and each.documentation for each in found)


def test_they_are_told_in_prometheus_s_form() -> None:
    content_type, text = metrics.exposition()
    assert content_type.startswith("text/plain; version=")
    assert b"# TYPE jobindex_jobs gauge" in text
