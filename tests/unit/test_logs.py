"""Log lines: one an event, whatever a caller puts into it."""

import json
import logging
import sys

import pytest

from jobindex.errors import NotReady
from jobindex.logs import ACCESS, PLAIN, JsonLines, PlainLines, named, set_up_logging

from .waiting import until

EVIL = "name\r\n2026 ERROR forged\x1b[2J\x00 ü"


def record(message: str, *arguments: object, failed: bool = False) -> logging.LogRecord:
    trace = None
    if failed:
        try:
            raise OSError("broken\npipe")
        except OSError:
            trace = sys.exc_info()
    return logging.LogRecord("jobindex.web", logging.WARNING, "", 1, message, arguments, trace)


def test_a_json_line_says_when_what_and_who() -> None:
    line = json.loads(JsonLines().format(record("node %s is late", "a")))
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "warning", "logger": "jobindex.web", "message": "node a is late"}


def test_an_event_is_one_json_line_with_its_trace() -> None:
    text = JsonLines().format(record("%s", EVIL, failed=True))
    assert text.isprintable()
    assert json.loads(text)["message"] == EVIL
    assert "OSError: broken" in json.loads(text)["exception"]


def test_what_a_caller_says_is_shown_and_not_obeyed() -> None:
    text = PlainLines(PLAIN).format(record("node %s", EVIL))
    assert text.isprintable()
    assert text.endswith(r"node name\r\n2026 ERROR forged\x1b[2J\x00 ü")


async def test_lines_of_the_access_log_come_together_and_others_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    set_up_logging("info", "text")
    logging.getLogger(ACCESS).info("first")
    assert capsys.readouterr().err == ""
    logging.getLogger("jobindex").warning("second")
    logging.getLogger(ACCESS).info("third")
    first, second = capsys.readouterr().err.splitlines()
    assert ("first" in first, "second" in second) == (True, True)
    await until(lambda: "third" in capsys.readouterr().err)


def test_where_no_loop_runs_nothing_waits(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    set_up_logging("info", "text")
    logging.getLogger(ACCESS).info("now")
    assert "now" in capsys.readouterr().err


@pytest.mark.parametrize(("form", "kind"), [("json", JsonLines), ("text", PlainLines)])
def test_logging_goes_to_stderr(
    form: str, kind: type, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    set_up_logging("warning", form)
    logging.getLogger("jobindex").info("quiet")
    logging.getLogger("jobindex").warning("loud")
    assert [type(handler.formatter) for handler in root.handlers] == [kind]
    written = capsys.readouterr()
    assert ("loud" in written.err, "quiet" in written.err, written.out) == (True, False, "")


@pytest.mark.parametrize("form", [JsonLines(), PlainLines(PLAIN)])
def test_an_error_that_quotes_what_it_choked_on_is_told_by_its_type(form: logging.Formatter) -> None:
    try:
        try:
            raise ValueError("CANARY")
        except ValueError as error:
            raise KeyError("CANARY") from error
    except KeyError:
        trace = sys.exc_info()
    text = form.format(logging.LogRecord("jobindex", logging.ERROR, "", 1, "failed", (), trace))
    assert "CANARY" not in text
    assert ("KeyError" in text, "ValueError" in text, "test_logs.py" in text) == (True, True, True)


def test_an_error_of_ours_says_what_to_mend() -> None:
    assert named(NotReady("wait")) == "NotReady: wait"
    assert named(ValueError("CANARY")) == "ValueError"
