"""The demo's nginx: the project's own configuration, wherever it runs and whoever runs it."""

import os
import shutil
from pathlib import Path

import pytest

from jobindex.demo.cluster import temporary_folder
from jobindex.demo.installed import NotInstalled
from jobindex.demo.nginx import build_nginx
from jobindex.demo.ports import free_ports

ORDINARY = "daemon"  # there on each Debian


def given_to(user: str, folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, user, user)


async def test_releases_it_needs_no_root() -> None:
    with temporary_folder() as folder:
        port, *others = free_ports(3)
        try:
            nginx = build_nginx(folder, port, others[:1], others[1:])
        except NotInstalled as missing:
            pytest.skip(str(missing))
        if os.geteuid() == 0:
            nginx.process.user = ORDINARY
            given_to(ORDINARY, folder)
        await nginx.process.start()
        await nginx.process.stop()
