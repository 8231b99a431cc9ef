"""Several runs of `tanglec` at a time, each a process of its own with a log; stopped together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

STOPPED = 130  # exit code of a command that was stopped and has saved


class Processes:
    """Runs commands of `tanglec`, `at_once` at a time, each with its share of the processor's cores.

    Ctrl-C and SIGTERM reach every one of them, so that they save and stop; nothing is started after that.
    """

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        threads = str(max(1, (os.cpu_count() or 1) // at_once))
        self.environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", threads)}
        self.stopping = threading.Event()
        self.running: set[subprocess.Popen[bytes]] = set()
        self.done = 0

    def run(self, commands: Mapping[Path, Sequence[str]]) -> dict[Path, int]:
        """The exit code of every command, by the folder of its run. Its log lies beside: `FOLDER.log`."""
        with self.stopped_together(), ThreadPoolExecutor(self.at_once) as pool:
            codes = pool.map(lambda item: self._one(item[0], item[1], len(commands)), commands.items())
            return dict(zip(commands, codes, strict=True))

    def _one(self, folder: Path, arguments: Sequence[str], total: int) -> int:
        if self.stopping.is_set():
            return STOPPED
        folder.parent.mkdir(parents=True, exist_ok=True)
        with log_of(folder).open("w", encoding="utf-8") as log:
            command = [sys.executable, "-m", "tanglec", *arguments]
            process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=self.environment, start_new_session=True
            )
            self.running.add(process)
            if self.stopping.is_set():  # since it was looked at, and before `stop` knew of this process
                process.terminate()
            code = process.wait()
            if self.stopping.is_set() and code == -signal.SIGTERM:  # before it had anything to save
                code = STOPPED
            self.running.discard(process)
        self.done += 1
        word = {0: "complete", STOPPED: "stopped"}.get(code, f"FAILED ({code})")
        print(f"{self.done}/{total}  {folder.as_posix()}  {word}", file=sys.stderr, flush=True)
        return code

    @contextmanager
    def stopped_together(self) -> Iterator[None]:
        """While this lasts, a signal to stop is passed on to all that run."""

        def stop(*_: object) -> None:
            self.stopping.set()
            for process in list(self.running):
                process.terminate()

        before = {kind: signal.signal(kind, stop) for kind in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)


def log_of(folder: Path) -> Path:
    """What the command of a run said."""
    return folder.with_name(f"{folder.name}.log")
