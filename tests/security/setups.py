"""Ways in which an Orthanc is told who may what, with callers of every kind, and how a right is taken away."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aiohttp

from jobindex.demo.checkout import JOBS_PLUGIN
from jobindex.demo.cluster import Cluster, Plan

TOKENS = '["auth-token"]'
TOKEN_SETTINGS = {"JOBINDEX_TOKEN_HEADERS": TOKENS, "JOBINDEX_TOKEN_ARGUMENTS": TOKENS}
SETTINGS = {"JOBINDEX_FAILED_LOGINS": "0"}
USERS = {"demo": "demo", "ordinary": "ordinary", "leaving": "leaving"}
ADMINISTRATOR, ORDINARY = ["admin-permissions"], ["send", "modify"]
QUERIES_TRAVEL = find_spec("jobindex.orthanc.credentials") is not None
"""Whether a replica passes a token in the query on to an Orthanc."""


@dataclass(frozen=True)
class Caller:
    """What a caller brings with each request."""

    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""


@dataclass(frozen=True)
class Setup:
    """`revoke` takes the right away that `revoked` has; it returns when the Orthanc refuses it."""

    options: Mapping[str, Any]
    settings: Mapping[str, str]
    callers: Mapping[str, Caller]
    revoked: Caller
    revoke: Callable[[Cluster], Any]
    options_of: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Of further Orthancs, where there are any."""

    def plan(self) -> Plan:
        return Plan(
            nodes=1 + len(self.options_of),
            replicas=1,
            nginx=False,
            options=self.options,
            options_of=self.options_of,
            settings=SETTINGS | dict(self.settings),
        )


def registered_users() -> Setup:
    callers = {"nobody": Caller(), "wrong password": login("demo", "wrong"), **_users()}
    return Setup({"RegisteredUsers": USERS}, {}, callers, login("leaving"), _remove_user)


def two_with_other_users() -> Setup:
    """Two Orthancs, one of whose users are none of the other's; the administrator is everywhere."""
    callers = {
        "nobody": Caller(),
        "wrong password": login("demo", "wrong"),
        **_users(),
        "elsewhere": login("elsewhere"),
    }
    elsewhere = {"RegisteredUsers": {"demo": "demo", "elsewhere": "elsewhere"}}
    return Setup({"RegisteredUsers": USERS}, {}, callers, login("leaving"), _remove_user, {"orthanc-b": elsewhere})


def filtered_users(folder: Path) -> Setup:
    """Orthanc knows the users, and the filter their permissions."""
    _write_filter(folder, {_authorization(user): ADMINISTRATOR for user in USERS}, _authorization("ordinary"))
    callers = {"nobody": Caller(), "wrong password": login("demo", "wrong"), **_users()}
    options = {"RegisteredUsers": USERS, "PythonScript": str(folder / "filter_plugin.py")}
    return Setup(options, {}, callers, login("leaving"), _revoke_in(folder, _authorization("leaving")))


def filtered_tokens(folder: Path) -> Setup:
    """Orthanc knows nobody, as where the authorization plugin is used."""
    rights = dict.fromkeys(("administrator", "ordinary", "leaving", _authorization("demo")), ADMINISTRATOR)
    _write_filter(folder, rights, "ordinary")
    callers = {"nobody": Caller(), "wrong password": _token("wrong")}
    callers |= {name: _token(name) for name in ("ordinary", "administrator")}
    if QUERIES_TRAVEL:
        callers["administrator, in the query"] = Caller(query="auth-token=administrator")
        callers["ordinary, in the query"] = Caller(query="auth-token=ordinary")
    options = {"AuthenticationEnabled": False, "PythonScript": str(folder / "filter_plugin.py")}
    return Setup(options, TOKEN_SETTINGS, callers, _token("leaving"), _revoke_in(folder, "leaving"))


def login(user: str, password: str = "") -> Caller:
    return Caller({"Authorization": _authorization(user, password)})


def _users() -> dict[str, Caller]:
    return {"ordinary": login("ordinary"), "administrator": login("demo")}


def _token(value: str) -> Caller:
    return Caller({"auth-token": value})


def _authorization(user: str, password: str = "") -> str:
    return str(aiohttp.encode_basic_auth(user, password or user))


def _write_filter(folder: Path, rights: Mapping[str, list[str]], ordinary: str) -> None:
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("filter_plugin.py"), folder)
    (folder / "plugin").write_text(str(JOBS_PLUGIN.parent))
    (folder / "rights.json").write_text(json.dumps({**rights, ordinary: ORDINARY}))


def _revoke_in(folder: Path, key: str) -> Callable[[Cluster], Any]:
    async def revoke(cluster: Cluster) -> None:
        rights = json.loads((folder / "rights.json").read_text())
        (folder / "next.json").write_text(json.dumps({each: told for each, told in rights.items() if each != key}))
        os.replace(folder / "next.json", folder / "rights.json")  # noqa: PTH105 - the filter never reads half a table

    return revoke


async def _remove_user(cluster: Cluster) -> None:
    """Orthanc reads its users when it starts."""
    node = cluster.nodes["orthanc-a"]
    path = cluster.folder / node.name / "orthanc.json"
    configuration = json.loads(path.read_text())
    del configuration["RegisteredUsers"]["leaving"]
    path.write_text(json.dumps(configuration))
    await node.process.restart()
