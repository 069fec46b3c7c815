#!/usr/bin/env python3
"""Hold every #include against LAYERS.

A unit includes only units of its line, all of which stand on earlier lines. Libraries and
private headers are included only by the files that LAYERS names. Basenames are unique.
Ends with a line that says how much was checked; exit status 1 when something is wrong.
"""
import collections
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2]
wrong = []
units, libraries, private = {}, {}, {}

for line in (root / "LAYERS").read_text().splitlines():
    if not line or line.startswith("#"):
        continue
    if line.startswith("<"):
        name, *files = line[1:].split()
        libraries[name] = files
    elif line.startswith('"'):
        name, *files = line.split()
        private[name.strip('"')] = files
    else:
        unit, _, sees = line.partition(":")
        units[unit] = sees.split()
        for other in units[unit]:
            if other not in units or other == unit:
                wrong.append(f"LAYERS: {unit} names {other}, which is not on an earlier line")
            elif not set(units[other]) <= set(units[unit]):
                lacking = " ".join(sorted(set(units[other]) - set(units[unit])))
                wrong.append(f"LAYERS: {unit} sees {other} but not what that sees: {lacking}")


def unit_of(path):
    folder = path.rpartition("/")[0]
    while folder and folder not in units:
        folder = folder.rpartition("/")[0]
    return folder


checked = includes = 0
basenames = collections.defaultdict(list)
for unit in units:
    for path in sorted((root / unit).glob("*.[ch]")):
        name = str(path.relative_to(root))
        if unit_of(name) != unit:
            continue
        checked += 1
        basenames[path.name].append(name)
        for number, text in enumerate(path.read_text().splitlines(), 1):
            got = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', text)
            if not got:
                continue
            includes += 1
            where = f"{name}:{number}"
            ours, system = got.groups()
            if ours:
                other = unit_of(ours)
                if not other or not (root / ours).exists():
                    wrong.append(f"{where}: \"{ours}\" is no header from the root")
                elif other != unit and other not in units[unit]:
                    wrong.append(f"{where}: {unit} may not include {other} (LAYERS)")
                if ours in private:
                    if name not in private[ours]:
                        wrong.append(f"{where}: \"{ours}\" is private (LAYERS)")
                elif ours.endswith("_private.h") and other != unit:
                    wrong.append(f"{where}: \"{ours}\" is private to {other}")
            else:
                for library, files in libraries.items():
                    if system.startswith(library) and not any(
                        name == f or (f.endswith("/") and name.startswith(f)) for f in files
                    ):
                        wrong.append(f"{where}: <{system}> belongs to {' '.join(files)} (LAYERS)")

for name, places in basenames.items():
    if len(places) > 1:
        wrong.append(f"two files are called {name}: {' '.join(places)}")

for text in wrong:
    print(text)
print(f"layers: {checked} files, {includes} includes, {len(wrong)} wrong")
sys.exit(1 if wrong else 0)
