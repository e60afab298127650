"""Visibility: whose jobs a caller sees, where the users of the Orthancs differ.

A set of hidden nodes is a sorted tuple of node ids, so that it can be part of a key.
"""

from collections.abc import Container

UNRECORDED = ""
"""Stands in a hidden set for every node of which the index keeps no record any more; no node has this id."""


def hides(hidden: tuple[str, ...], node_id: str, nodes: Container[str]) -> bool:
    """Whether the jobs of this node are left out; `nodes` are those of which the index keeps a record."""
    return node_id in hidden or (UNRECORDED in hidden and node_id not in nodes)
