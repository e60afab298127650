"""The files of deploy/ and the pages that name them: what is pasted is taken by the programs it is meant for."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from jobindex.demo.cluster import temporary_folder
from jobindex.demo.installed import NotInstalled, nginx_program, system_redis
from jobindex.demo.ports import free_port
from jobindex.demo.redis import build_redis

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "docs/install.md",
    "deploy/redis/README.md",
    "deploy/orthanc/README.md",
    "deploy/systemd/README.md",
)


def installed(find: Callable[[], Path]) -> str:
    """A program of this machine; without it a skip at home, a failure where everything has to be there."""
    try:
        return str(find())
    except NotInstalled as error:
        (pytest.fail if "CI" in os.environ else pytest.skip)(str(error))


def ran(*command: object) -> str:
    """What a program says that has to succeed."""
    return subprocess.run([*map(str, command)], check=True, capture_output=True, text=True).stdout


async def test_administrator_redis_takes_its_configuration() -> None:
    server = installed(system_redis)
    with temporary_folder() as folder:
        users, passwords = folder / "users.acl", folder / "passwords"
        users.write_text((ROOT / "deploy/redis/users.acl").read_text())
        ran(ROOT / "deploy/redis/set-passwords", users, passwords)
        assert {file.stat().st_mode & 0o777 for file in passwords.iterdir()} == {0o600}
        ours = (ROOT / "deploy/redis/jobindex.conf").read_text().replace("/etc/redis/users.acl", str(users))
        (folder / "redis.conf").write_text(ours)
        redis = build_redis(folder, free_port())
        redis.process.command = [server, str(folder / "redis.conf"), *redis.process.command[1:]]
        redis.process.command = [word for word in redis.process.command if word != "no" and word != "--appendonly"]
        await redis.process.start()
        try:
            login = ("--user", "jobindex", "-a", (passwords / "jobindex").read_text(), "--no-auth-warning")
            assert ran("redis-cli", "-p", redis.port, *login, "PING") == "PONG\n"
        finally:
            await redis.process.stop()


def test_administrator_redis_configuration_has_comments_on_lines_of_their_own_only() -> None:
    files = {file.name: file.read_text() for file in (ROOT / "deploy/redis").glob("*.conf")}
    page = (ROOT / "deploy/redis/README.md").read_text()
    blocks = [text for kind, text in re.findall(r"^```(\w*)\n(.*?)^```", page, re.DOTALL | re.MULTILINE) if not kind]
    for name, text in [*files.items(), *(("README.md", block) for block in blocks)]:
        assert not [line for line in text.splitlines() if re.search(r"\S\s+#", line)], name


@pytest.mark.parametrize("page", PAGES)
def test_administrator_every_link_of_a_page_leads_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / link).exists(), link


def test_administrator_every_file_that_the_installation_copies_is_there() -> None:
    text = (ROOT / "docs/install.md").read_text()
    named = set(re.findall(r"(?<![/\w])(?:deploy/[\w./*-]+|nginx\.conf|requirements\.lock)", text))
    assert len(named) > 8
    for name in named:
        assert list(ROOT.glob(name)), name


def test_administrator_only_one_file_of_ours_names_orthancs_script() -> None:
    """Orthanc merges a folder of files, and does not start where two have the same member."""
    members = [
        set(json.loads((ROOT / "deploy/orthanc" / name).read_text())) for name in ("jobindex.json", "python.json")
    ]
    assert members == [{"JobIndex"}, {"PythonScript"}]


def test_administrator_nginx_finds_its_files_beside_its_configuration(tmp_path: Path) -> None:
    program = installed(nginx_program)
    (tmp_path / "deploy/nginx").mkdir(parents=True)
    (tmp_path / "nginx.conf").write_text((ROOT / "nginx.conf").read_text().replace("/var/log/nginx/", f"{tmp_path}/"))
    for file in (ROOT / "deploy/nginx").glob("*.conf"):
        (tmp_path / "deploy/nginx" / file.name).write_text(file.read_text())
    options = f"pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log;"
    said = subprocess.run(
        [program, "-t", "-c", tmp_path / "nginx.conf", "-g", options], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("page", [*PAGES, "docs/security.md"])
def test_administrator_a_table_is_whole(page: str) -> None:
    """After an empty line only a table's head may follow, whose next line is the rule."""
    lines = ["", *(ROOT / page).read_text().splitlines(), ""]
    heads = [at for at, line in enumerate(lines) if line.startswith("|") and not lines[at - 1].startswith("|")]
    assert [lines[at] for at in heads if not re.fullmatch(r"\|(\s*:?-+:?\s*\|)+", lines[at + 1])] == []


def test_administrator_every_setting_of_the_plugin_is_in_its_table() -> None:
    source = (ROOT / "deploy/orthanc/jobs_plugin.py").read_text()
    members = re.findall(r'"(\w+)"', re.findall(r"^MEMBERS = \((.*?)^\)", source, re.DOTALL | re.MULTILINE)[0])
    text = (ROOT / "deploy/orthanc/README.md").read_text()
    table = text.split("| member | variable | meaning |\n|---|---|---|\n")[1].split("\n\n")[0]
    assert sorted(members) == sorted(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))


def test_administrator_what_the_plugin_s_installation_calls_is_installed() -> None:
    step = (ROOT / "docs/install.md").read_text().split("\n## 5.")[1].split("\n## ")[0]
    (packages,) = re.findall(r"^apt-get install .*", step, re.MULTILINE)
    assert re.search(r"^scp ", step, re.MULTILINE)
    assert "openssh-client" in packages.split()


def rotation() -> str:
    return (ROOT / "docs/security.md").read_text().split("## Rotating the secret")[1].split("\n## ")[0]


def test_administrator_a_secret_that_is_copied_at_the_start_is_changed_with_a_restart() -> None:
    """LoadCredential copies it: a file that is changed later is not seen."""
    assert "LoadCredential=secret:/etc/jobindex/secret" in (ROOT / "deploy/systemd/jobindex.service").read_text()
    assert "systemctl restart jobindex\n" in rotation()
    assert "nothing is restarted" not in rotation()


def test_administrator_the_secret_s_steps_may_be_pasted(tmp_path: Path) -> None:
    """As root on an Orthanc; here into another folder, with a group that there is."""
    (tmp_path / "secret").write_text("the old secret\n")
    blocks = re.findall(r"^```sh\n(.*?)^```", rotation(), re.DOTALL | re.MULTILINE)
    (put,) = [block for block in blocks if "-g orthanc" in block]
    here = put.replace("/etc/orthanc/", f"{tmp_path}/").replace("-g orthanc", f"-g {os.getegid()}")
    lines = []
    subprocess.run(["sh", "-ec", blocks[0]], cwd=tmp_path, check=True)
    for step in (1, 2, 3):
        subprocess.run(["sh", "-ec", here.replace("step-1", f"step-{step}")], cwd=tmp_path, check=True)
        lines.append((tmp_path / "jobindex-secret").read_text().splitlines())
    new = lines[2][0]
    assert lines == [["the old secret", new], [new, "the old secret"], [new]]
    assert len(new) == 64
    assert (tmp_path / "jobindex-secret").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


def test_administrator_a_name_that_the_installation_gives_nginx_is_told_to_be_looked_up_once() -> None:
    step = (ROOT / "docs/install.md").read_text().split("\n## 4.")[1].split("\n## ")[0]
    head = (ROOT / "deploy/nginx/upstreams.conf").read_text().split("\nupstream")[0]
    assert "/orthanc-a:8042/" in step
    assert "looked up once" in " ".join(step.split())
    assert "or by names" in " ".join(head.split())
