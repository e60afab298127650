"""An Orthanc's configuration: what keeps it to this machine, apart from the others, and in touch with the service."""

from dataclasses import replace
from pathlib import Path

from jobindex.demo.configuration import Seat, configure

SEAT = Seat(
    name="orthanc-a",
    folder=Path("/cluster/orthanc-a"),
    port=8042,
    reached_at="http://127.0.0.1:8042",
    storage=Path("/cluster/storage"),
    peers={"neighbour": "http://127.0.0.1:8043/"},
    history=10,
    services=("http://127.0.0.1:8001", "http://127.0.0.1:8011"),
    secret_file=Path("/cluster/secret"),
    plugin=Path("/deploy/jobs_plugin.py"),
)


def test_it_is_for_this_machine_and_for_who_knows_the_password() -> None:
    configuration = configure(SEAT, [], None)
    assert configuration["RemoteAccessAllowed"] is False
    assert configuration["AuthenticationEnabled"] is True
    assert configuration["RegisteredUsers"] == {"demo": "demo"}


def test_on_a_shared_index_its_jobs_are_its_own() -> None:
    assert configure(SEAT, [], None)["DatabaseServerIdentifier"] == "orthanc-a"


def test_every_archive_in_the_history_can_be_fetched() -> None:
    configuration = configure(SEAT, [], None)
    assert configuration["MediaArchiveSize"] == configuration["JobsHistorySize"] == 10


def test_it_knows_its_peers_and_may_log_in_there() -> None:
    assert configure(SEAT, [], None)["OrthancPeers"] == {"neighbour": ["http://127.0.0.1:8043/", "demo", "demo"]}


def test_it_reports_to_every_replica_under_its_own_name() -> None:
    configuration = configure(SEAT, [Path("/lib/python.so")], None)
    assert configuration["Plugins"] == ["/lib/python.so"]
    assert configuration["PythonScript"] == "/deploy/jobs_plugin.py"
    assert configuration["JobIndex"] == {
        "NodeId": "orthanc-a",
        "NodeUrl": "http://127.0.0.1:8042",
        "Urls": ["http://127.0.0.1:8001", "http://127.0.0.1:8011"],
        "SecretFile": "/cluster/secret",
    }


def test_without_a_plugin_it_reports_to_nobody() -> None:
    configuration = configure(replace(SEAT, plugin=None), [], None)
    assert "JobIndex" not in configuration
    assert "PythonScript" not in configuration
