"""`python -m benchmarks [--full] [chapter ...]`: measures, and writes a table and plots for each chapter."""

import argparse
import asyncio
import time

from . import downloads, growth, intake, lists, singles, size
from .results import FOLDER, Chapter

CHAPTERS = {
    "lists": lists,
    "intake": intake,
    "singles": singles,
    "downloads": downloads,
    "size": size,
    "growth": growth,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the large sizes too; takes an hour")
    parser.add_argument("chapters", nargs="*", choices=[*CHAPTERS, []], help="all where none is named")
    arguments = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    for name in arguments.chapters or CHAPTERS:
        began = time.monotonic()
        chapter = Chapter(name)
        asyncio.run(CHAPTERS[name].measure(chapter, full=arguments.full))
        chapter.write()
        print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
