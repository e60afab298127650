"""The users that are shipped for Redis, with passwords of the tests."""

import re
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
USERS = ROOT / "deploy/redis/users.acl"
SENTINEL_USERS = ROOT / "deploy/redis/sentinel-users.acl"


def password(user: str) -> str:
    return f"the password of {user}".replace(" ", "-")


def filled(file: Path) -> str:
    """The file with a hash in each open place."""
    return re.sub(r"#sha256-of-the-password-of-(\S+)", lambda found: f"#{_hash(password(found[1]))}", file.read_text())


def with_a_way_behind(file: Path) -> str:
    """The same, but that tests may look behind it as the default user."""
    return filled(file).replace("user default off", "user default on nopass ~* &* +@all")


def logged_in(url: str, user: str) -> str:
    """The address of Redis, as this user."""
    return url.replace("://", f"://{user}:{password(user)}@")


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
