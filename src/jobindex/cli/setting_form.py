"""The form of a setting in the environment: its variable, what it takes, an example, and how a value is written."""

import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import orjson
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from jobindex.settings import Settings

FORMS: dict[str, tuple[str, str]] = {
    "redis_url": (
        "redis[s]://[user:password@]host:port/0 or redis[s]+sentinel://host:port,host:port/master",
        "redis://redis:6379/0",
    ),
    "data": ("a folder that this user may write", "/var/lib/jobindex"),
    "redis_ca_file": ("a file with certificates in PEM form", "/etc/jobindex/redis-ca.pem"),
    "redis_certificate_file": ("a file with a certificate in PEM form", "/etc/jobindex/redis.pem"),
    "redis_key_file": ("a file with the certificate's key in PEM form, not encrypted", "/etc/jobindex/redis.key"),
    "public_host": ("an address of this machine, or a name for it", "0.0.0.0"),  # noqa: S104 - an example of text
    "internal_host": ("an address of this machine, or a name for it", "0.0.0.0"),  # noqa: S104 - the same
    "secret": ("16 characters or more, better in a file (JOBINDEX_SECRET_FILE)", "$(openssl rand -hex 32)"),
    "secret_file": ("a file with the cluster's secret, 16 characters or more", "/etc/jobindex/secret"),
    "nodes": (
        "a JSON list of objects with id, url, user and password",
        '[{"id": "orthanc-a", "url": "http://orthanc-a:8042", "user": "jobs", "password": "..."}]',
    ),
    "node_networks": ("a JSON list of networks without host bits", '["10.0.0.0/8"]'),
    "node_names": ("a JSON list of names", '["orthanc-a", ".hospital.local"]'),
    "node_ca_file": ("a file with certificates in PEM form", "/etc/jobindex/orthanc-ca.pem"),
    "node_certificate_file": ("a file with a certificate in PEM form", "/etc/jobindex/replica.pem"),
    "node_key_file": ("a file with the certificate's key in PEM form, not encrypted", "/etc/jobindex/replica.key"),
    "user_header": ("a header's name: 1 to 64 letters, digits and hyphens", "X-Forwarded-User"),
    "roles_header": ("a header's name: 1 to 64 letters, digits and hyphens", "X-Forwarded-Groups"),
    "address_header": ("a header's name: 1 to 64 letters, digits and hyphens", "X-Forwarded-For"),
    "token_headers": ("a JSON list of headers' names", '["token"]'),
    "token_arguments": ("a JSON list of arguments' names", '["token"]'),
    "proxies": ("a JSON list of networks without host bits", '["172.18.0.5/32"]'),
    "origins": ("a JSON list of scheme://host[:port]", '["https://portal.example.org"]'),
    "audit_file": ("a file that this user may append to, or none", "/var/log/jobindex/audit.log"),
}
"""Of the settings whose type does not say it all: what is wanted, and an example."""

BOUNDS = {"ge": "of {} or more", "gt": "above {}", "le": "up to {}"}


def variable(field: str) -> str:
    """The environment variable that sets a field."""
    return str(Settings.model_fields[field].validation_alias or f"JOBINDEX_{field.upper()}")


def field_of(name: str) -> str:
    """The field of a variable, or of what pydantic calls it."""
    return next(field for field in Settings.model_fields if name in (field, variable(field)))


def wanted(field: str) -> str:
    """What the field takes, in a few words."""
    if field in FORMS:
        return FORMS[field][0]
    info = Settings.model_fields[field]
    if info.annotation is bool:
        return "true or false"
    if get_origin(info.annotation) is Literal:
        return " or ".join(get_args(info.annotation))
    if get_origin(info.annotation) is tuple:
        return "a JSON list"
    return _number(info) if info.annotation in (int, float) else "text"


def example(field: str) -> str:
    """The variable as a shell sets it."""
    value = FORMS[field][1] if field in FORMS else written(Settings.model_fields[field].default)
    quote = "'" if any(mark in value for mark in '[{" ') and "$(" not in value else ""
    return f"{variable(field)}={quote}{value}{quote}"


def written(value: Any) -> str:
    """A value as the environment has it; secrets are masked."""
    if value is None:
        return ""
    if isinstance(value, bool | tuple):
        return orjson.dumps(value, default=_json).decode()
    return str(value)


def is_secret(field: str) -> bool:
    """Whether what stands there may be a secret, or hold one."""
    return Settings.model_fields[field].annotation is SecretStr or field in ("redis_url", "nodes")


def is_file(field: str) -> bool:
    kind = Settings.model_fields[field].annotation
    return Path in (get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,))


def _number(info: FieldInfo) -> str:
    limits = {name: getattr(each, name) for each in info.metadata for name in BOUNDS if hasattr(each, name)}
    kind = "a whole number" if info.annotation is int else "a number"
    if "le" in limits:
        return f"{kind} from {limits['ge']} to {limits['le']}"
    return " ".join([kind, *(BOUNDS[name].format(limit) for name, limit in limits.items())])


def _json(value: Any) -> Any:
    return value.model_dump() if hasattr(value, "model_dump") else str(value)
