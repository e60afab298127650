"""Prints the keyspace manual, for `docs/keyspace.md`."""

from jobindex.store.keys import manual

print(manual(), end="")
