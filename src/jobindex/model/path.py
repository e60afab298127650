"""Member path: where a value of a job lies, as the names that lead to it; shown and kept as one text.

A name may hold a dot, and is as JSON writes it, so every backslash in it has a character behind it: a dot of a name is
shown as `\\.`, and dots alone part the names.
"""

Path = tuple[bytes, ...]


def shown(path: Path) -> str:
    """A path as one text: `Content.Resources`."""
    return ".".join(name.decode(errors="replace").replace(".", r"\.") for name in path)


def read_path(text: str) -> Path:
    """The path that is shown so."""
    hidden = text.replace(r"\\", "\0").replace(r"\.", "\1")
    names = (name.replace("\1", ".").replace("\0", r"\\") for name in hidden.split("."))
    return tuple(name.encode(errors="replace") for name in names)
