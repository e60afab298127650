"""What Redis gives as bytes, in our types; a value that can't be read is left out, never raised.

redis-py types every answer as text or bytes; ours are always bytes, which `Any` stands for here.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from jobindex.model.node import Node
from jobindex.model.record import Record

log = logging.getLogger(__name__)


def read_record(job_id: str, line: bytes | None) -> Record | None:
    if line is None:
        return None
    try:
        return Record.read(line.decode())
    except (ValueError, UnicodeDecodeError):
        log.error("owner line of job %s can't be read and is passed over", job_id)
        return None


def read_text(job_id: str, text: bytes | None) -> bytes | None:
    """A job's text, as it is: one that is no JSON object would spoil every list that it is joined into."""
    if text is None:
        return None
    try:
        readable = isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        readable = False
    if not readable:
        log.error("text of job %s can't be read and is passed over", job_id)
    return text if readable else None


def read_node(node_id: str, text: Any) -> Node | None:
    if text is None:
        return None
    try:
        return Node.model_validate_json(text)
    except ValidationError:
        log.error("record of node %s can't be read and is passed over", node_id)
        return None


def read_nodes(found: Mapping[Any, Any]) -> dict[str, Node]:
    pairs = ((name.decode(), text) for name, text in found.items())
    return {name: node for name, text in pairs if (node := read_node(name, text)) is not None}


def texts(values: Iterable[Any]) -> list[str]:
    return [value.decode() for value in values]
