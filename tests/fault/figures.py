"""What was measured on the way; printed at the end of a run, and from there into docs/reliability.md."""

MEASURED: list[tuple[str, str]] = []


def note(promise: str, figure: str) -> None:
    MEASURED.append((promise, figure))
