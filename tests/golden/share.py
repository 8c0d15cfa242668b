#!/usr/bin/env python3
"""Makes links of large files that are the same in several folders here, to the first of them.

    python3 tests/golden/share.py

To be run after the programs beside it that write checkpoints.
"""
import hashlib
import os
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
SMALLEST = 8192  # bytes; below that a link saves nothing

first = {}
for path in sorted(HERE.rglob("*")):
    if path.is_symlink() or not path.is_file() or path.stat().st_size < SMALLEST:
        continue
    same = first.setdefault(hashlib.sha256(path.read_bytes()).digest(), path)
    if same != path:
        path.unlink()
        path.symlink_to(os.path.relpath(same, path.parent))
        print(path.relative_to(HERE), "->", same.relative_to(HERE))
