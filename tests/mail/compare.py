#!/usr/bin/python3
"""Compare two accounts, written down as JSON lines (imapdump.py, or generate.py --manifest).

  compare.py [--by folder,sha256,flags,internaldate] [--map FROM=TO]... [--under PREFIX] A B

Both are multisets: order does not matter, the number of equal messages does. --map renames a
folder of A (and those below it) before comparing; --under looks only at that folder of B and
those below it, called as if PREFIX/ were not there. Prints each difference; exit status 0 when
there is none, 1 otherwise.
"""
import argparse
import collections
import json
import sys

SHOWN_MAX = 50


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def renamed(folder, rules):
    for source, target in rules:
        if folder == source or folder.startswith(source + "/"):
            return target + folder[len(source):]
    return folder


def below(entries, prefix):
    for entry in entries:
        if entry["folder"].startswith(prefix + "/"):
            yield {**entry, "folder": entry["folder"][len(prefix) + 1:]}


def key_of(entry, fields):
    return tuple(json.dumps(entry[field], ensure_ascii=False, sort_keys=True) for field in fields)


def show(where, extra, fields, samples):
    for key, times in sorted(extra.items()):
        sample = samples[key]
        hints = " ".join(f"{name}={sample[name]}" for name in ("kind", "uid", "message-id", "size")
                         if sample.get(name) is not None)
        values = " ".join(f"{field}={value}" for field, value in zip(fields, key))
        yield f"only in {where} ({times}x): {values} ({hints})"


def compare(a, b, fields):
    """The lines to print."""
    keys_a, keys_b = [[key_of(entry, fields) for entry in side] for side in (a, b)]
    samples = dict(zip(keys_b, b)) | dict(zip(keys_a, a))
    count_a, count_b = collections.Counter(keys_a), collections.Counter(keys_b)
    return (list(show("A", count_a - count_b, fields, samples))
            + list(show("B", count_b - count_a, fields, samples)))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--by", default="folder,sha256,flags,internaldate")
    parser.add_argument("--map", action="append", default=[], metavar="FROM=TO")
    parser.add_argument("--under", metavar="PREFIX")
    parser.add_argument("a")
    parser.add_argument("b")
    args = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8")
    rules = [rule.split("=", 1) for rule in args.map]
    if any(len(rule) != 2 for rule in rules):
        parser.error("--map FROM=TO")
    a = [{**entry, "folder": renamed(entry["folder"], rules)} for entry in read(args.a)]
    b = read(args.b)
    if args.under:
        b = list(below(b, args.under))
    lines = compare(a, b, args.by.split(","))
    for line in lines[:SHOWN_MAX]:
        print(line)
    if len(lines) > SHOWN_MAX:
        print(f"... and {len(lines) - SHOWN_MAX} more")
    print(f"compare: {len(a)} and {len(b)} messages, {len(lines)} differences")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
