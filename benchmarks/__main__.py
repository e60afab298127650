"""`python -m benchmarks [--full] [chapter ...]`: measures, and writes a table and plots for each chapter."""

import argparse
import asyncio
import sys
import time
import traceback

from . import downloads, flat, growth, intake, lists, own_writes, singles, size
from .results import FOLDER, Chapter

CHAPTERS = {
    "lists": lists,
    "intake": intake,
    "singles": singles,
    "own_writes": own_writes,
    "downloads": downloads,
    "size": size,
    "growth": growth,
    "flat": flat,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the large sizes too; takes an hour")
    parser.add_argument("chapters", nargs="*", choices=[*CHAPTERS, []], help="all where none is named")
    arguments = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    failed = [name for name in arguments.chapters or CHAPTERS if not _measured(name, full=arguments.full)]
    sys.exit(f"not measured to the end: {', '.join(failed)}" if failed else 0)


def _measured(name: str, *, full: bool) -> bool:
    """Whether a chapter came to its end; what it has until then is written in any case."""
    began, chapter = time.monotonic(), Chapter(name)
    try:
        asyncio.run(CHAPTERS[name].measure(chapter, full=full))
    except Exception:
        traceback.print_exc()
        return False
    finally:
        chapter.write()
        print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
    return True


if __name__ == "__main__":
    main()
