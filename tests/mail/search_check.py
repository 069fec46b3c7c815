#!/usr/bin/env python3
"""Ask many queries of an archive of generated mail, and check the exact sets of hits.

  search_check.py MANIFEST MAILCASK CONFIG

What each query must find follows from the manifest. A message in several places may differ
between them (flags, dates): those for which all places fit must be found, others may be.
Prints what is wrong and "N queries, M wrong"; exit status 1 when M is not 0.
"""
import collections
import json
import subprocess
import sys

places = collections.defaultdict(list)
for line in open(sys.argv[1]):
    o = json.loads(line)
    o["day"] = o["internaldate"][:10]
    o["all"] = set(o["words"]) | set(o["attached"])
    places[o["sha256"]].append(o)


# The words of these are there, but only a guess finds them: not asked for in the manifest.
BROKEN = {"wrong-charset", "no-boundary"}


def hits(query):
    out = subprocess.run(
        [sys.argv[2], "-c", sys.argv[3], "search", "--json", "--limit", "0", "--no-snippet", "-q",
         "--", query], capture_output=True, text=True)
    assert out.returncode == 0, (query, out.stderr)
    return {json.loads(l)["id"] for l in out.stdout.splitlines()}


def has(*words):
    return lambda o: all(w in o["all"] for w in words)


def subject(o):
    return (o["subject"] or "")


cases = []
vocabulary = sorted(set().union(*(o["all"] for p in places.values() for o in p)))
for word in vocabulary:
    cases.append((word, has(word)))
cases += [
    ("*", lambda o: True),
    ("all", lambda o: True),
    ("invoice meeting", has("invoice", "meeting")),
    ("invoice OR meeting", lambda o: {"invoice", "meeting"} & o["all"]),
    ("INVOICE", has("invoice")),
    ("invoice -meeting", lambda o: "invoice" in o["all"] and "meeting" not in o["all"]),
    ("invoice NOT meeting", lambda o: "invoice" in o["all"] and "meeting" not in o["all"]),
    ("-invoice", lambda o: "invoice" not in o["all"]),
    ("(invoice OR meeting) (garden OR harbour)",
     lambda o: {"invoice", "meeting"} & o["all"] and {"garden", "harbour"} & o["all"]),
    ("-(invoice OR meeting)", lambda o: not {"invoice", "meeting"} & o["all"]),
    ("invo*", lambda o: any(w.startswith("invo") for w in o["all"])),
    ("larger:50k", lambda o: o["size"] >= 50 * 1024),
    ("smaller:2k", lambda o: o["size"] < 2 * 1024),
    ("before:2018", lambda o: o["day"] < "2018"),
    ("after:2021", lambda o: o["day"] >= "2021"),
    ("on:2019", lambda o: o["day"][:4] == "2019"),
    ("on:2019-03", lambda o: o["day"][:7] == "2019-03"),
    ("after:2016 before:2020", lambda o: "2016" <= o["day"] < "2020"),
    ("older:1y", lambda o: o["day"] < "2025"),
    ("newer:30d", lambda o: o["day"] > "2026-10"),
    ("folder:INBOX", lambda o: o["folder"] == "INBOX"),
    ("folder:archive/2019", lambda o: o["folder"] == "Archive/2019"),
    ("folder:Archive", lambda o: o["folder"].startswith("Archive/")),
    ("folder:Verträge", lambda o: o["folder"] == "Verträge"),
    ('folder:"two words"', lambda o: o["folder"] == "two words"),
    ("folder:*2020", lambda o: o["folder"].endswith("2020")),
    ("account:bob", lambda o: True),
    ("account:alice", lambda o: False),
    ("is:unread", lambda o: r"\Seen" not in o["flags"]),
    ("is:read", lambda o: r"\Seen" in o["flags"]),
    ("is:flagged", lambda o: r"\Flagged" in o["flags"]),
    ("is:answered", lambda o: r"\Answered" in o["flags"]),
    ("is:draft", lambda o: r"\Draft" in o["flags"]),
    ("is:flagged is:unread", lambda o: r"\Flagged" in o["flags"] and r"\Seen" not in o["flags"]),
    ("is:flagged folder:INBOX", lambda o: r"\Flagged" in o["flags"] and o["folder"] == "INBOX"),
    ("is:gone", lambda o: False),
    ("is:purged", lambda o: False),
    ("is:held", lambda o: False),
    ("invoice is:flagged after:2016",
     lambda o: "invoice" in o["all"] and r"\Flagged" in o["flags"] and o["day"] >= "2016"),
    ("invoice OR is:flagged", lambda o: "invoice" in o["all"] or r"\Flagged" in o["flags"]),
]
for flag in sorted({f for p in places.values() for o in p for f in o["flags"] if f[0] != "\\"}):
    cases.append((f"label:{flag}", lambda o, flag=flag: flag in o["flags"]))
for p in list(places.values())[:400:29]:
    o = p[0]
    if o["message-id"]:
        cases.append(("id:" + o["message-id"].strip("<>"),
                      lambda x, m=o["message-id"]: x["message-id"] == m))
    cases.append(("id:" + o["sha256"][:12], lambda x, s=o["sha256"]: x["sha256"] == s))

wrong = 0
for query, fits in cases:
    found = hits(query)
    must = {s for s, p in places.items()
            if all(fits(o) and o["kind"] not in BROKEN for o in p)}
    may = {s for s, p in places.items() if any(fits(o) or o["kind"] in BROKEN for o in p)}
    if not must <= found <= may:
        wrong += 1
        for s in sorted(must - found)[:3]:
            o = places[s][0]
            print("NOT FOUND", repr(query), o["kind"], o["file"], o["flags"], o["day"])
        for s in sorted(found - may)[:3]:
            o = places[s][0]
            print("FOUND", repr(query), o["kind"], o["file"], o["flags"], o["day"])
print(len(cases), "queries,", wrong, "wrong")
sys.exit(wrong > 0)
