"""Names by number."""

from jobindex.demo.plan import Plan


def test_nodes_have_letters_and_replicas_numbers() -> None:
    plan = Plan(nodes=3, replicas=2)
    assert plan.node_names == ["orthanc-a", "orthanc-b", "orthanc-c"]
    assert plan.replica_names == ["replica-1", "replica-2"]


def test_letters_never_run_out() -> None:
    names = Plan(nodes=800).node_names
    assert names[25:28] == ["orthanc-z", "orthanc-aa", "orthanc-ab"]
    assert len(set(names)) == 800
