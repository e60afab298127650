"""What processes use, as Linux counts it."""

import os
from pathlib import Path


def processor_time(pid: int) -> float:
    """Seconds of user and system time of a process and its threads (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", maxsplit=1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int, what: str = "VmRSS") -> int:
    """Bytes in memory; `VmHWM` for the most it ever had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(f"{what}:")))


def forget_peak(pid: int) -> None:
    """The most memory that a process ever had begins anew (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
