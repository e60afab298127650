"""Whether processes grow: their memory and their open files, looked at again and again."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

EVERY = 2.0  # seconds
MEMORY = 1.10  # times what it was: the allocator's own ups and downs stay below
FILES = 5  # more than there were: connections come and go


@dataclass
class Growth:
    """`memory` in bytes and `files` of each process, in the order in which they were seen."""

    memory: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    files: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    async def watch(self, processes: Mapping[str, int]) -> None:
        """Until cancelled; processes are ids by name, and none may end meanwhile."""
        while True:
            for process in processes.values():
                self.memory[process].append(memory(process))
                self.files[process].append(open_files(process))
            await asyncio.sleep(EVERY)

    def found(self) -> Iterator[str]:
        """What has grown from the second third of the time to the last."""
        for process, sizes in self.memory.items():
            before, after = _thirds(sizes)
            if after > before * MEMORY:
                yield f"process {process} grew from {before >> 20} to {after >> 20} MiB"
        for process, counts in self.files.items():
            before, after = _thirds(counts)
            if after > before + FILES:
                yield f"process {process} has {after} open files and had {before}"


def memory(process: int) -> int:
    """Resident bytes."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def open_files(process: int) -> int:
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def _thirds(numbers: list[int]) -> tuple[int, int]:
    third = len(numbers) // 3
    return int(median(numbers[third : 2 * third])), int(median(numbers[2 * third :]))
