"""`jobindex serve` where it can't: it ends at once, with a status and with words that say what to mend."""

import os
import subprocess
import sys

import pytest
from redis import Redis

from ..web.replica import SECRET


def served(**environment: str) -> tuple[int, str]:
    """Its exit status, and what it said."""
    command = [sys.executable, "-m", "jobindex", "serve"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JOBINDEX_")}
    ran = subprocess.run(command, env=clean | environment, capture_output=True, text=True, timeout=60, check=False)
    return ran.returncode, ran.stderr


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_on_a_redis_that_evicts_it_does_not_start(redis_url: str, policy: str) -> None:
    with Redis.from_url(redis_url) as redis:
        redis.config_set("maxmemory-policy", policy)
        try:
            status, said = served(REDIS_URL=redis_url, JOBINDEX_SECRET=SECRET)
        finally:
            redis.config_set("maxmemory-policy", "noeviction")
    assert status == 1
    assert said.splitlines()[-1].endswith("CONFIG SET maxmemory-policy noeviction")
    assert "Traceback" not in said


def test_without_a_secret_it_does_not_start(redis_url: str) -> None:
    status, said = served(REDIS_URL=redis_url)
    assert (status, "openssl rand" in said) == (2, True)
