"""The log has nobody in it: only what its list names."""

import json
import logging

import structlog

from enforcer import log


def test_the_log_tells_no_more_than_its_list(capsys):
    log.configure("info")
    marker = "010190-12345"
    try:
        int(marker)
    except ValueError:
        structlog.get_logger().exception("it failed", task="prove", phone=marker)
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert marker not in line
    assert (told["event"], told["error"], told["omitted"]) == (
        "it failed",
        "builtins.ValueError",
        ["phone"],
    )
    assert told["frames"][0].endswith("test_the_log_tells_no_more_than_its_list")


def test_a_library_s_words_do_not_reach_the_log(capsys):
    log.configure("info")
    logging.getLogger("uvicorn.error").warning("cannot parse %s", "010190-12345")
    line = capsys.readouterr().err
    assert "010190-12345" not in line
    assert "uvicorn.error" in line
