#!/usr/bin/env python3
"""search_worker.py - for bench_search.py, in a new process: one thing done to a table.

    search_worker.py LIBRARY DATABASE read | ask QUESTION... | optimize

It prints {"ms": of the read of all code blocks, of the first question, of 'optimize';
"bytes": the most memory that the process had, less what it had before}. Questions are vectors
in hexadecimal digits.
"""
import json
import os
import sqlite3
import sys

from search_tables import QUESTION, milliseconds


def memory(name):
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))


def main():
    library, path, what, *questions = sys.argv[1:]
    questions = [bytes.fromhex(question) for question in questions]
    db = sqlite3.connect(path, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(os.path.splitext(library)[0])
    before = memory("VmRSS")
    if what == "read":
        took = milliseconds(db, "SELECT max(substr(data, -1)) FROM s_codes")[0]
    elif what == "optimize":
        took = milliseconds(db, "INSERT INTO s(s) VALUES ('optimize')")[0]
    else:
        took = milliseconds(db, QUESTION, (questions[0],))[0]
        for question in questions:
            milliseconds(db, QUESTION, (question,))
    print(json.dumps({"ms": took, "bytes": memory("VmHWM") - before}))


if __name__ == "__main__":
    main()
