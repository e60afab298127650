"""Every command ends a wrong setting with a sentence: the variable or file, what it is, what is wanted, an example."""

import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jobindex import __version__
from jobindex.cli import app
from jobindex.settings import Settings

SECRET = "5e7f1c2b9a3d4e6f8091a2b3c4d5e6f70123456789abcdef"
CANARY = "canary-7f3a"
COMMANDS = (["serve"], ["settings"], ["doctor"], ["purge", "job", "0"], ["forget", "a"])

BROKEN_VALUES = {
    "REDIS_URL": "http://redis:6379",
    "JOBINDEX_PUBLIC_PORT": "abc",
    "JOBINDEX_INTERNAL_PORT": "70000",
    "JOBINDEX_INSECURE": "perhaps",
    "JOBINDEX_NODES": "orthanc-a",
    "JOBINDEX_NODE_NETWORKS": "127.0.0.0/8",
    "JOBINDEX_NODE_NAMES": "orthanc-a",
    "JOBINDEX_NODE_TLS_VERIFY": "sometimes",
    "JOBINDEX_SAMPLE_ROUTES": "2",
    "JOBINDEX_SAMPLE_PORT": "0",
    "JOBINDEX_CALLERS": "everybody",
    "JOBINDEX_USER_HEADER": "X_User: me",
    "JOBINDEX_ROLES_HEADER": "",
    "JOBINDEX_READ_ONLY": "y-e-s",
    "JOBINDEX_TOKEN_HEADERS": "token",
    "JOBINDEX_TOKEN_ARGUMENTS": '{"token": 1}',
    "JOBINDEX_PROXIES": '["10.0.0.1/8"]',
    "JOBINDEX_ORIGINS": '["portal.example.org"]',
    "JOBINDEX_FAILED_LOGINS": "-1",
    "JOBINDEX_ALWAYS_REFRESH": "5 s",
    "JOBINDEX_BEAT": "14s",
    "JOBINDEX_GONE": "0",
    "JOBINDEX_BACK": "nan",
    "JOBINDEX_KEEP_DAYS": "-7",
    "JOBINDEX_KEEP_FAILURES_DAYS": "a month",
    "JOBINDEX_KEEP_JOBS": "1e5",
    "JOBINDEX_MAX_JOB_BYTES": "1 MB",
    "JOBINDEX_ADDRESS_HEADER": "X-Forwarded-For, Forwarded",
    "JOBINDEX_CONTENT": "none",
    "JOBINDEX_AUDIT_READS": "0.5",
    "JOBINDEX_AUDIT_REQUIRED": "-",
    "JOBINDEX_LOG_LEVEL": "verbose",
    "JOBINDEX_LOG_FORM": "xml",
}
BROKEN_FILES = (
    "JOBINDEX_SECRET_FILE",
    "JOBINDEX_NODE_CA_FILE",
    "JOBINDEX_NODE_CERTIFICATE_FILE",
    "JOBINDEX_REDIS_CA_FILE",
    "JOBINDEX_REDIS_CERTIFICATE_FILE",
)


@pytest.fixture(autouse=True)
def _own_settings_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in BROKEN_VALUES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JOBINDEX_SECRET", SECRET)


def failed(command: list[str], **environment: str) -> Result:
    """What it says, on one line a fault, with the exit status of a wrong set-up."""
    ended = CliRunner().invoke(app, command, env={"COLUMNS": "500", **environment})
    assert isinstance(ended.exception, SystemExit), repr(ended.exception)
    assert ended.exit_code == 2, ended.output
    return ended


def sentence(ended: Result, name: str) -> str:
    lines = [line for line in ended.output.splitlines() if name in line]
    assert len(lines) == 1, ended.output
    return lines[0]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("name", BROKEN_VALUES)
def test_administrator_a_wrong_value_is_explained(command: list[str], name: str) -> None:
    told = sentence(failed(command, **{name: BROKEN_VALUES[name]}), name)
    assert "wanted:" in told
    assert f"for example {name}=" in told
    assert BROKEN_VALUES[name] in told or name in ("REDIS_URL", "JOBINDEX_NODES")


def test_administrator_all_wrong_values_are_named_at_once() -> None:
    told = failed(["serve"], JOBINDEX_BEAT="x", JOBINDEX_PROXIES="y", JOBINDEX_LOG_FORM="z").output
    assert all(name in told for name in ("JOBINDEX_BEAT", "JOBINDEX_PROXIES", "JOBINDEX_LOG_FORM"))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", f"http://me:{CANARY}@redis"),
        ("REDIS_URL", f"redis://me:{CANARY}@redis:port"),
        ("REDIS_URL", f"redis+sentinel://me:{CANARY}@one:1"),
        ("JOBINDEX_NODES", f'[{{"id": "a", "url": "http://a", "password": "{CANARY}", "user": 7}}]'),
        ("JOBINDEX_NODES", f'[{{"id": "a b", "url": "http://a:{CANARY}"}}]'),
        ("JOBINDEX_NODES", f"http://{CANARY}@a"),
    ],
)
def test_administrator_what_may_be_secret_is_not_repeated(command: list[str], name: str, value: str) -> None:
    ended = failed(command, **{name: value})
    assert f"for example {name}=" in sentence(ended, name)
    assert CANARY not in ended.output


@pytest.mark.parametrize("text", [None, "", "no certificate and too short"])
@pytest.mark.parametrize("name", BROKEN_FILES)
def test_administrator_a_file_that_can_not_be_used_is_named(tmp_path: Path, name: str, text: str | None) -> None:
    file = tmp_path / "named"
    if text is not None:
        file.write_text(text[:15])
    ended = failed(["serve"], **{name: str(file), "REDIS_URL": "rediss://127.0.0.1:1"})
    told = sentence(ended, f"{name} names")
    assert str(file) in told
    assert "wanted:" in told
    assert f"for example {name}=" in told
    told = failed(["doctor"], **{name: str(file), "REDIS_URL": "rediss://127.0.0.1:1"}).output
    assert f"{name} names {file}" in told


def test_administrator_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = sentence(failed(["serve"], JOBINDEX_DATA=str(tmp_path / "file" / "data")), "JOBINDEX_DATA")
    assert "Not a directory" in told
    assert "for example JOBINDEX_DATA=" in told


def test_administrator_without_any_redis_it_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobindex.demo.installed.SYSTEM", ())
    monkeypatch.setattr("jobindex.demo.installed.find_spec", lambda _: None)
    told = failed(["serve"], PATH=str(tmp_path), JOBINDEX_DATA=str(tmp_path)).output
    assert "REDIS_URL" in told
    assert "apt install redis-server" in told


def test_administrator_the_version_is_told() -> None:
    told = CliRunner().invoke(app, ["--version"])
    assert (told.exit_code, told.output.strip()) == (0, f"jobindex {__version__}")


def test_administrator_settings_are_shown_in_the_form_in_which_they_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBINDEX_NODES", f'[{{"id":"a","url":"http://a","user":"u","password":"{CANARY}"}}]')
    told = CliRunner().invoke(app, ["settings", "--plain"]).output
    lines = dict(line.split("=", 1) for line in told.splitlines())
    assert lines["JOBINDEX_NODE_NETWORKS"] == '["10.0.0.0/8","172.16.0.0/12","192.168.0.0/16","fc00::/7"]'
    assert lines["JOBINDEX_READ_ONLY"] == "false"
    assert lines["JOBINDEX_ORIGINS"] == "[]"
    assert lines["JOBINDEX_SECRET_FILE"] == ""
    assert lines["JOBINDEX_NODES"] == '[{"id":"a","url":"http://a","user":"u","password":"**********"}]'
    assert not any(mark in told for mark in ("(", "None", "True", "Path", CANARY))


def test_administrator_what_is_shown_can_be_set_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = CliRunner().invoke(app, ["settings", "--plain"]).output
    for line in shown.splitlines():
        name, value = line.split("=", 1)
        if value and name != "JOBINDEX_SECRET":
            monkeypatch.setenv(name, value)
    assert CliRunner().invoke(app, ["settings", "--plain"]).output == shown


def test_administrator_a_misspelt_variable_is_noticed() -> None:
    told = CliRunner().invoke(app, ["doctor"], env={"JOBINDEX_NODE_NETWORK": "[]", "JOBINDEX_URLS": "http://a"}).output
    assert "JOBINDEX_NODE_NETWORK is no setting" in told
    assert "JOBINDEX_NODE_NETWORKS" in told
    assert "JOBINDEX_URLS" not in told


def test_administrator_exit_statuses_are_told() -> None:
    for command in ("serve", "doctor", "demo", "settings"):
        assert "exit status" in " ".join(CliRunner().invoke(app, [command, "--help"]).output.lower().split())


def test_administrator_a_port_that_is_taken_is_named(redis_url: str) -> None:
    port = redis_url.rsplit(":", 1)[1].split("/")[0]
    own = {"REDIS_URL": redis_url, "JOBINDEX_INTERNAL_HOST": "127.0.0.1", "JOBINDEX_AUDIT_FILE": "none"}
    told = failed(["serve"], JOBINDEX_INTERNAL_PORT=port, **own).output
    assert f"can't listen at 127.0.0.1:{port}: Address already in use" in told
    assert "set JOBINDEX_INTERNAL_PORT or JOBINDEX_INTERNAL_HOST" in told


def test_administrator_a_host_that_is_not_of_this_machine_is_named(redis_url: str) -> None:
    own = {"REDIS_URL": redis_url, "JOBINDEX_INTERNAL_PORT": "0", "JOBINDEX_AUDIT_FILE": "none"}
    told = failed(["serve"], JOBINDEX_INTERNAL_HOST="192.0.2.1", **own).output
    assert "can't listen at 192.0.2.1:0: Cannot assign requested address" in told


def test_administrator_every_setting_has_an_example_that_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    from jobindex.cli.setting_form import example

    for field in Settings.model_fields:
        name, value = example(field).split("=", 1)
        monkeypatch.setenv(name, value.strip("'"))
    monkeypatch.setenv("JOBINDEX_AUDIT_FILE", "/var/log/audit")
    assert Settings().failed_logins == 5


def test_administrator_each_setting_is_tried_with_a_broken_value() -> None:
    """Those that are left take any text, or are files and folders, which have tests of their own above."""
    free = {"DATA", "SECRET", "PUBLIC_HOST", "INTERNAL_HOST", "AUDIT_FILE", "NODE_KEY_FILE", "REDIS_KEY_FILE"}
    names = {str(info.validation_alias or f"JOBINDEX_{name.upper()}") for name, info in Settings.model_fields.items()}
    assert names - set(BROKEN_VALUES) - set(BROKEN_FILES) == {f"JOBINDEX_{name}" for name in free}


def test_administrator_settings_are_whole_in_a_narrow_terminal() -> None:
    told = CliRunner().invoke(app, ["settings"], env={"COLUMNS": "80"}).output
    assert "…" not in told
    for name in [*BROKEN_VALUES, *BROKEN_FILES]:
        assert f"{name}=" in told
    assert all(len(line) <= 80 for line in told.splitlines() if line.startswith("    ") and " " in line.strip())


def test_administrator_every_setting_says_what_it_is_for() -> None:
    assert not [name for name, info in Settings.model_fields.items() if not info.description]


def test_administrator_settings_names_a_file_that_can_not_be_used(tmp_path: Path) -> None:
    assert "JOBINDEX_SECRET_FILE names" in failed(["settings"], JOBINDEX_SECRET_FILE=str(tmp_path / "no")).output


def test_administrator_two_listeners_on_one_port_are_named() -> None:
    told = failed(["serve"], JOBINDEX_PUBLIC_PORT="8765", JOBINDEX_INTERNAL_PORT="8765").output
    assert "JOBINDEX_PUBLIC_PORT and JOBINDEX_INTERNAL_PORT are both 8765" in told


@pytest.mark.parametrize("command", [["serve"], ["doctor"], ["purge", "job", "0"]], ids=" ".join)
@pytest.mark.parametrize("place", ["folder/none/audit.log", "folder"])
def test_administrator_an_audit_file_that_can_not_be_written_is_named(
    command: list[str], place: str, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    file = str(tmp_path / place)
    told = failed(command, JOBINDEX_AUDIT_FILE=file, REDIS_URL="redis://127.0.0.1:1").output
    assert f"JOBINDEX_AUDIT_FILE names {file}: " in told


def test_administrator_a_key_without_its_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a key")
    told = failed(["serve"], JOBINDEX_NODE_KEY_FILE=str(tmp_path / "key")).output
    assert "JOBINDEX_NODE_CERTIFICATE_FILE" in told


def test_administrator_passwords_are_made_only_for_a_file_that_is_there(tmp_path: Path) -> None:
    script = Path(__file__).resolve().parents[3] / "deploy/redis/set-passwords"
    for arguments in ([], [str(tmp_path / "none"), str(tmp_path)]):
        ran = subprocess.run([script, *arguments], capture_output=True, text=True, check=False)
        assert (ran.returncode, "usage" in ran.stderr) == (2, True)
