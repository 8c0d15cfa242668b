"""Writes torture/NAME.json: of each line the number of its tokens, and digests (FNV-1a, 64 bits) of
their ids and of their offsets, start and end in turn, each number as 4 bytes, lowest first: the
whole lists would be larger than the checkpoints."""
import json


def digest(numbers):
    mixed = 14695981039346656037
    for byte in b"".join(n.to_bytes(4, "little") for n in numbers):
        mixed = (mixed ^ byte) * 1099511628211 % 2**64
    return f"{mixed:016x}"


def write(path, head, rows):
    """head: what is said of the tokenizer; rows: [ids, [start, end, start, end, ...]]"""
    lines = ",\n".join(json.dumps(f"{len(ids)} {digest(ids)} {digest(offsets)}")
                       for ids, offsets in rows)
    path.write_text(f'{json.dumps(head)[:-1]}, "rows": [\n{lines}\n]}}\n')
