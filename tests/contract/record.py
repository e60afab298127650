"""Records what the installed Orthanc answers: `python -m tests.contract.record`.

`JOBINDEX_TEST_ROOT=/path` takes the Orthanc of another Debian's root.
"""

import asyncio
import sys

from jobindex.demo.cluster import temporary_folder

from .exchanges import SCRIPT
from .playing import play
from .records import in_numbers, write
from .stage import real_orthanc


async def record() -> str:
    """The file that was written."""
    with temporary_folder() as folder:
        async with real_orthanc(folder) as target:
            answers = await play(target, SCRIPT)
            release = await target.release()
    in_numbers(release)  # a release that is none would be a strange name for a file
    return str(write(release, answers))


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(record()) + "\n")
