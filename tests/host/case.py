"""case.py - runs one class of tests as tests/run.sh wants it: what failed or was skipped, then one
line "N passed, M failed, K skipped". For the test_*.py beside it."""
import os
import pathlib
import sqlite3
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = os.path.abspath(os.environ.get("CONTEXTUAL_LIBRARY", TESTS.parent / "contextual.so"))


def connect(path, **options):
    """A connection with the extension that begins no transactions by itself."""
    db = sqlite3.connect(path, isolation_level=None, **options)
    db.enable_load_extension(True)
    db.load_extension(LIBRARY)
    return db


class Connected(unittest.TestCase):
    """Tests that have a connection `db`, and more if they want; all are closed behind them."""

    def setUp(self):
        self.db = self.connect()

    def connect(self, path=":memory:"):
        db = connect(path)
        self.addCleanup(db.close)
        return db


def run(case, loads_extensions=True):
    """The exit status. Without a sqlite3 module that loads extensions those who need it are skipped."""
    if loads_extensions and not hasattr(sqlite3.Connection, "enable_load_extension"):
        print(f"skipped: the sqlite3 module of {sys.executable} loads no extensions")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(case)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        result = unittest.TextTestRunner(stream=nowhere).run(suite)
    for test, trace in result.failures + result.errors:
        print(f"FAILED {test.id()}\n{trace}")
    for test, why in result.skipped:
        print(f"skipped {test.id()}: {why}")
    failed, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    print(f"{result.testsRun - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0
