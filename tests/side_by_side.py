"""A run of the tests in several processes at once, all forked from the one that has collected them.

    python -m pytest --workers 6

To collect them is to import some three thousand modules, to look through ten thousand tests, and after a change to
compile anew what each `assert` says. Workers that begin as interpreters of their own do all of that once each, at the
same time; a forked one finds it done, and in memory that they share.

A worker is given a file at a time: the tests of one file run in one process, in their order. It asks for the next file
before the last test of the one it has, so that what a whole run shares is kept. Whoever dies is the failure of the test
that it ran; another one goes on with the rest.
"""

import atexit
import contextlib
import gc
import itertools
import os
import random
import signal
import sys
import traceback
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import Any

import pytest

OFTEN = 1.0
"""Seconds after which a dead worker is noticed although something that it started keeps its end of the pipe open."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--workers", type=int, default=0, help="run the tests in so many processes, a file at a time")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    many = session.config.getoption("--workers")
    if not many or session.config.option.collectonly or session.testsfailed:
        return None
    with contextlib.closing(Run(session)) as run:
        run.to_its_end(many)
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    if session.shouldstop:
        raise session.Interrupted(session.shouldstop)
    return True


@dataclass(slots=True)
class Worker:
    """`left` is what it was given and has not finished: numbers of tests."""

    process: int
    wire: "connection.Connection[Any, Any]"
    left: list[int] = field(default_factory=list)
    last: int = 0
    is_done: bool = False


class Run:
    """What the process that has collected the tests does: it gives them away, and tells what it is told of them."""

    def __init__(self, session: pytest.Session) -> None:
        self.session = session
        files = itertools.groupby(range(len(session.items)), key=lambda number: session.items[number].path)
        self.waiting = deque(list(numbers) for _, numbers in files)
        self.workers: list[Worker] = []
        self.begun = itertools.count()

    def to_its_end(self, many: int) -> None:
        for _ in range(min(many, len(self.waiting))):
            self._fork()
        while self.workers:
            ready = connection.wait([worker.wire for worker in self.workers], timeout=OFTEN)
            for worker in list(self.workers):
                has_ended = self._listen(worker) if worker.wire in ready else False
                if os.waitpid(worker.process, 0 if has_ended else os.WNOHANG)[0]:
                    self._bury(worker)

    def close(self) -> None:
        """Nobody goes on when the run is broken off."""
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.process, signal.SIGINT)
        for worker in self.workers:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(worker.process, 0)

    def _fork(self) -> None:
        ours, theirs = connection.Pipe()
        number = next(self.begun)
        folder = self.session.config._tmp_path_factory.getbasetemp() / f"worker-{number}"  # type: ignore[attr-defined]
        folder.mkdir()
        sys.stdout.flush()
        sys.stderr.flush()
        if process := os.fork():
            theirs.close()
            self.workers.append(Worker(process, ours))
            return
        for other in (ours, *(worker.wire for worker in self.workers)):
            other.close()
        self.session.config._tmp_path_factory._basetemp = folder  # type: ignore[attr-defined]
        _become_worker(self.session, theirs)

    def _listen(self, worker: Worker) -> bool:
        """Do what it asks and tell what it tells. True if it has closed its end."""
        hook = self.session.config.hook
        try:
            while worker.wire.poll():
                match worker.wire.recv():
                    case "next":
                        given = self.waiting.popleft() if self.waiting and not self._is_broken_off() else []
                        worker.left += given
                        worker.wire.send(given)
                    case "reported", data:
                        report = hook.pytest_report_from_serializable(config=self.session.config, data=data)
                        hook.pytest_runtest_logreport(report=report)
                    case "finished", number:
                        worker.left.remove(number)
                        worker.last = number
                        item = self.session.items[number]
                        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
                    case "done":
                        worker.is_done = True
                    case "broken", told:
                        raise RuntimeError(told)
        except (EOFError, ConnectionError):
            return True
        return False

    def _is_broken_off(self) -> bool:
        return bool(self.session.shouldfail or self.session.shouldstop)

    def _bury(self, worker: Worker) -> None:
        """The rest of what a dead one had is given to another."""
        self._listen(worker)
        worker.wire.close()
        self.workers.remove(worker)
        if worker.is_done:
            return
        number, *rest = worker.left or [worker.last]
        item = self.session.items[number]
        told = f"the process that ran {item.nodeid} is dead"
        report = pytest.TestReport(item.nodeid, item.location, {}, "failed", told, "call")
        item.config.hook.pytest_runtest_logreport(report=report)
        if rest:
            self.waiting.appendleft(rest)
        if self.waiting:
            self._fork()


# ------------------------------------------------------------------ in the worker
def _become_worker(session: pytest.Session, wire: "connection.Connection[Any, Any]") -> None:
    """Nothing of what the first process leaves to its end is done here; what this one does is done at its own."""
    atexit._clear()
    random.seed()
    plugins = session.config.pluginmanager
    capture = plugins.getplugin("capturemanager")
    capture.stop_global_capturing()  # its file would be shared with the others
    capture.start_global_capturing()
    capture.suspend_global_capture()
    plugins.unregister(name="terminalreporter")
    plugins.register(Told(session.config, wire))
    gc.freeze()
    code = 1
    try:
        for item, following in _given(session, wire):
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        session._setupstate.teardown_exact(None)
        wire.send("done")
        code = 0
    except KeyboardInterrupt:
        pass
    except BaseException:
        wire.send(("broken", traceback.format_exc()))
    finally:
        atexit._run_exitfuncs()
        os._exit(code)


def _given(session: pytest.Session, wire: "connection.Connection[Any, Any]") -> Iterator[tuple[pytest.Item, Any]]:
    """Each test, and the one after it, which says how much of what was set up stays."""

    def asked() -> list[int]:
        wire.send("next")
        given: list[int] = wire.recv()
        return given

    numbers = asked()
    while numbers:
        number = numbers.pop(0)
        numbers = numbers or asked()
        yield session.items[number], session.items[numbers[0]] if numbers else None
        wire.send(("finished", number))
        if session.shouldfail or session.shouldstop:
            return


class Told:
    """What a worker's tests come to is told by the process that began the run."""

    def __init__(self, config: pytest.Config, wire: "connection.Connection[Any, Any]") -> None:
        self.config = config
        self.wire = wire

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        self.wire.send(("reported", data))
