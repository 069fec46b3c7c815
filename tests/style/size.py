#!/usr/bin/env python3
"""Measure files and functions against the gates below; print the figures.

A function is what stands between a line "{" and a line "}" at the left margin, its name the
last identifier before "(" above. Tables (structs, enums, initialisers) do not count.
"""
import pathlib
import re
import statistics
import sys

FUNCTION_MAX, FUNCTION_P90, FILE_MAX, FILE_P90 = 100, 55, 1000, 700
HEADER_COMMENTS = 0.40

root = pathlib.Path(__file__).resolve().parents[2]
folders = ["base", "config", "archiver", "index", "retention", "app"]
sources = sorted(p for f in folders for p in (root / f).rglob("*.c"))
headers = sorted(p for f in folders for p in (root / f).rglob("*.h"))
tests = [p for p in (root / "tests").rglob("*") if p.is_file()
         and (p.suffix in (".c", ".h", ".sh", ".py") or p.read_bytes()[:2] == b"#!")]
wrong = []


def lines_of(path):
    return path.read_text().splitlines()


def functions(path):
    text = lines_of(path)
    start = None
    for i, line in enumerate(text):
        if line == "{":
            start = i
        elif line == "}" and start is not None:
            head = " ".join(text[max(0, start - 4):start])
            names = re.findall(r"(\w+)\s*\(", head)
            yield (names[-1] if names else "?"), i - start - 1, start + 1
            start = None


def comment_share(path):
    commented = total = 0
    inside = False
    for line in lines_of(path):
        text = line.strip()
        if not text:
            continue
        total += 1
        has = inside or "/*" in text or text.startswith("//")
        commented += has
        if "/*" in text:
            inside = "*/" not in text[text.rindex("/*"):]
        elif "*/" in text:
            inside = False
    return commented, total


def p90(values):
    return sorted(values)[int(len(values) * 0.9)] if values else 0


sizes = {p: len(lines_of(p)) for p in sources}
found = [(n, name, p, at) for p in sources for name, n, at in functions(p)]
for n, name, path, at in found:
    if n > FUNCTION_MAX:
        wrong.append(f"{path.relative_to(root)}:{at}: {name} has {n} lines (at most {FUNCTION_MAX})")
for path, n in sizes.items():
    if n > FILE_MAX:
        wrong.append(f"{path.relative_to(root)}: {n} lines (at most {FILE_MAX})")
lengths = [f[0] for f in found]
if p90(lengths) > FUNCTION_P90:
    wrong.append(f"nine of ten functions must have at most {FUNCTION_P90} lines")
if p90(list(sizes.values())) > FILE_P90:
    wrong.append(f"nine of ten files must have at most {FILE_P90} lines")
for path in sources:
    first = path.read_text().lstrip()
    if not first.startswith("/*") or not re.search(r"\b(Owns|Knows|Never|Spec)\s*:", first[:700]):
        wrong.append(f"{path.relative_to(root)}: no room card at its top")
shares = [comment_share(p) for p in headers]
commented, total = sum(s[0] for s in shares), sum(s[1] for s in shares)
if total and commented / total < HEADER_COMMENTS:
    wrong.append(f"headers: {commented / total:.0%} comments (at least {HEADER_COMMENTS:.0%})")

for text in wrong:
    print(text)
code = sum(sizes.values()) + sum(len(lines_of(p)) for p in headers)
test_lines = sum(len(lines_of(p)) for p in tests)
print(f"size: {len(sources)} .c files: median {statistics.median(sizes.values() or [0]):.0f}, "
      f"p90 {p90(list(sizes.values()))}, max {max(sizes.values(), default=0)} lines")
print(f"size: {len(lengths)} functions: median {statistics.median(lengths or [0]):.0f}, "
      f"p90 {p90(lengths)}, max {max(lengths, default=0)} lines")
print(f"size: headers {commented / max(total, 1):.0%} comments; "
      f"{code} lines of code, {test_lines} of tests; {len(wrong)} wrong")
sys.exit(1 if wrong else 0)
