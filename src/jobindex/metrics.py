"""What Prometheus is told."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

registry = CollectorRegistry()

requests = Histogram(
    "jobindex_request_seconds",
    "Requests answered, by door and status.",
    ["door", "method", "status"],
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60),
    registry=registry,
)
reports = Counter("jobindex_reports", "Reports of nodes, by what became of them.", ["outcome"], registry=registry)
signed = Counter(
    "jobindex_signatures",
    "Right signatures, by the line of the secret's file they were made with.",
    ["line"],
    registry=registry,
)
taken = Counter("jobindex_jobs_taken", "Jobs that reports brought.", registry=registry)
refused = Counter("jobindex_jobs_refused", "Jobs refused since another alive node owns them.", registry=registry)
lost = Counter("jobindex_jobs_lost", "Jobs whose end can't be known any more.", registry=registry)
stale = Counter("jobindex_stale_answers", "Answers from memory that may be older than the index.", registry=registry)
untrusted_forwarding = Counter(
    "jobindex_untrusted_forwarding",
    "Requests with a forwarding header of a peer that is no trusted proxy; /-/ready names it.",
    registry=registry,
)
stalled = Counter(
    "jobindex_stalled_callers", "Callers cut off since they took nothing of an answer.", registry=registry
)
loop_lag = Counter(
    "jobindex_loop_lag_seconds", "Time that a slow replica forgave Redis, since it was itself late.", registry=registry
)
polls = Counter("jobindex_polls", "Lists that were asked for again byte for byte.", registry=registry)
submissions = Counter(
    "jobindex_submissions",
    "Notices of requests that may create a job, by what they tell.",
    ["event"],
    registry=registry,
)
jobs = Gauge("jobindex_jobs", "Jobs in this replica's view.", registry=registry)
nodes = Gauge("jobindex_nodes", "Nodes in this replica's view, by state.", ["state"], registry=registry)
node_problems = Gauge(
    "jobindex_node_problems",
    "Nodes of which the index does not know enough, by why (answers: they do, but don't report).",
    ["problem"],
    registry=registry,
)
version = Gauge("jobindex_view_version", "The version that this replica's view has reached.", registry=registry)
connected = Gauge("jobindex_index_connected", "1 while Redis answers this replica.", registry=registry)
index_full = Gauge(
    "jobindex_index_full", "1 while Redis has no memory for anything new: lists are stale.", registry=registry
)
index_warnings = Gauge(
    "jobindex_index_warnings", "What is unsafe or broken in the set-up of Redis: /-/ready says what.", registry=registry
)
full = Gauge("jobindex_full", "1 once this replica has seen the whole index.", registry=registry)
insecure = Gauge("jobindex_insecure", "Things that the settings leave open; /-/ready names them.", registry=registry)
mass_silence = Gauge(
    "jobindex_mass_silence", "1 while most nodes are silent and nobody is given up.", registry=registry
)
audit_records = Counter("jobindex_audit_records", "Records of the audit trail that were written.", registry=registry)
audit_lost = Counter("jobindex_audit_lost", "Records of the audit trail that were not.", registry=registry)
audit_failing = Gauge("jobindex_audit_failing", "1 while the audit trail can't be written.", registry=registry)


def exposition() -> tuple[str, bytes]:
    """The content type and the text."""
    return CONTENT_TYPE_LATEST, generate_latest(registry)
