"""A finding: what somebody who looked found in order, unsafe or broken, and how it is mended."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

OK = "ok"
WARNING = "warning"
PROBLEM = "problem"

_GRAVITY = (OK, WARNING, PROBLEM)


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about one subject, and one on what to do; neither ever holds a secret."""

    level: str
    subject: str
    says: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.says}: {self.mend}" if self.mend else self.says

    def members(self) -> dict[str, str]:
        """As JSON tells it."""
        return asdict(self)


def gravest(findings: Iterable[Finding]) -> int:
    """0 where all is in order, 1 with a warning, 2 with a problem."""
    return max((_GRAVITY.index(finding.level) for finding in findings), default=0)
