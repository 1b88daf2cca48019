"""The engine: nothing outside of it can be reached, and what settings mean is pinned."""

import signal
import subprocess
import sys
import threading
from contextlib import suppress

import duckdb
import pytest

from dsvc.recipe.duck import Parser, SyntaxProblem, connect, interruptible, shared_parser


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM 'x.csv'",
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "ATTACH '/tmp/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET TimeZone = 'Europe/Berlin'",
        "SET enable_external_access = true",
        "SET threads = 4",
        "SELECT * FROM local_table",
    ],
)
def test_nothing_outside_is_reached(query):
    """No file, extension, Python variable or setting."""
    local_table = object()  # noqa: F841 - what a replacement scan would find
    connection = connect(1)

    with pytest.raises(duckdb.Error):
        connection.execute(query)


def test_settings_that_change_meaning_are_pinned():
    """Time zone, order, division and lambda syntax are not the machine's."""
    connection = connect(2)
    settings = ("TimeZone", "preserve_insertion_order", "integer_division", "lambda_syntax", "threads")
    found = [connection.execute(f"SELECT current_setting('{name}')").fetchone()[0] for name in settings]

    assert ["UTC", True, False, "DISABLE_SINGLE_ARROW", 2] == found


def test_a_tree_becomes_text_again():
    """What is parsed can be written; what is no SQL is a problem with a place."""
    parser = Parser()
    statements = parser.parse("SELECT  a+1 AS b")

    assert "SELECT (a + 1) AS b" == parser.unparse(statements[0])
    assert SyntaxProblem('syntax error at or near "z"', 11) == parser.parse("SELECT x y z")


def test_one_parser_serves_all_threads():
    """It is made once, and its calls do not mix."""
    parser = shared_parser()
    found = {}

    def parse(number):
        statements = parser.parse(f"SELECT {number}")
        found[number] = statements[0]["node"]["select_list"][0]["literal"]["text"]

    threads = [threading.Thread(target=parse, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {number: str(number) for number in range(20)} == found
    assert parser is shared_parser()


LONG_QUERY = """
import signal, sys
from dsvc.recipe.duck import connect, interruptible
connection = connect(1)
try:
    print("ready", flush=True)
    with interruptible():
        connection.sql("SELECT sum(hash(a.i + b.i)) FROM range(10000000) a(i), range(10000000) b(i)").fetchall()
except KeyboardInterrupt:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(130)
"""


def test_a_query_can_be_interrupted():
    """Ctrl-C while the engine is at work is an interrupt, not an error of the engine."""
    with subprocess.Popen(
        [sys.executable, "-c", LONG_QUERY], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert b"ready" == process.stdout.readline().strip()
        for _ in range(100):  # as one who presses the keys again where nothing happens
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.3)
                break
        else:
            process.kill()

        assert 130 == process.returncode, process.stderr.read()


def test_other_errors_of_a_query_stay_as_they_are():
    """Only an interrupt is one."""
    with pytest.raises(RuntimeError, match="other"), interruptible():
        raise RuntimeError("other")
