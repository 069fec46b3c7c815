#!/usr/bin/python3
"""What must hold, whatever a server does. Prints what does not; exit status 0 when all holds.

  hostile.py only-reads USER.log            a sync sent nothing that changes a server
  hostile.py only-planned USER.log PLAN     a purge marked and deleted what was planned, nothing
                                            else, and by UID only
  hostile.py true USER.ever ARCHIVE         what the archive says stood somewhere, stood there
  hostile.py kept USER.now USER.ever ARCHIVE     what is not on the server is in the archive
  hostile.py purged USER.now ARCHIVE        what the archive calls purged is gone
  hostile.py complete USER.now ARCHIVE      the archive has what the server has
  hostile.py planned-gone USER.now USER.ever PLAN    exactly what was planned is gone
  hostile.py settled USER.now ARCHIVE PLAN RUNS [FOLDER/UID...]    what was planned and is gone is
                                            called purged, except those; no intent is open
  hostile.py unmarked USER.now [FOLDER/UID...]       nothing else is marked \\Deleted
  hostile.py only-appends USER.log          a restore sent nothing that changes what there was
  hostile.py restored FROM.now TO.now COUNT [sep=.] [prefix=INBOX/] [flags=\\Seen,...]
                                            COUNT of the messages are there, none more often than
                                            it was, under the right names, with their dates and
                                            those flags
  hostile.py holding FROM.now TO.now        all of those messages are there, others may be

Several may stand with "--" between them. USER.* are the files of scripted.py, PLAN is what
"mailcask plan --json" printed, ARCHIVE what "mailcask search '*' --limit 0 --no-snippet --json"
did, RUNS what "mailcask log RUN --json" did for all runs.
"""
import collections
import json
import re
import sys

READING = re.compile(
    r"CAPABILITY|LOGIN|AUTHENTICATE PLAIN|ID .*|LIST .*|STATUS .*|EXAMINE .*|NAMESPACE|NOOP|LOGOUT"
    r"|ENABLE QRESYNC|GETQUOTAROOT .*|UID SEARCH .*|UID FETCH [\d:,*]+ \((?:(?!BODY\[|RFC822(?!\.SIZE)).)*\)(?: \(CHANGEDSINCE \d+\))?")
MARKING = ("+FLAGS.SILENT (\\Deleted)", "-FLAGS.SILENT (\\Deleted)")


def lines(path):
    with open(path, encoding="utf-8") as text:
        return [json.loads(line) for line in text if line.strip()]


def commands(path):
    with open(path, encoding="latin-1", newline="\n") as text:
        return [line.rstrip("\n").partition(" ")[::2] for line in text]


def places(archive):
    for message in lines(archive):
        for place in message["places"]:
            yield {**place, "sha256": message["id"]}


def key(entry):
    return entry["folder"], entry["uidvalidity"], entry["uid"], entry["sha256"]


def only_reads(log):
    for _, command in commands(log):
        if not READING.fullmatch(command):
            yield f"sent: {command}"


def only_planned(log, plan):
    planned = {}
    for entry in lines(plan):
        if entry["action"] == "purge":
            planned.setdefault(entry["folder"], set()).add(entry["uid"])
    opened = {}
    for connection, command in commands(log):
        words = command.split(" ", 3)
        if words[0] in ("SELECT", "EXAMINE"):
            opened[connection] = command.split(" ", 1)[1].strip('"')
        elif words[:2] in (["UID", "EXPUNGE"], ["UID", "STORE"]):
            uids = set()
            for part in words[2].split(","):
                first, _, last = part.partition(":")
                uids |= set(range(int(first), int(last or first) + 1))
            beyond = uids - planned.get(opened.get(connection), set())
            if beyond or (words[1] == "STORE" and words[3] not in MARKING):
                yield f"sent: {command}"
        elif not READING.fullmatch(command):
            yield f"sent: {command}"


def true(ever, archive):
    real = {key(entry) for entry in lines(ever)}
    for place in places(archive):
        if key(place) not in real:
            yield f"never stood there: {place}"


def kept(now, ever, archive):
    left = {entry["sha256"] for entry in lines(now)} | {entry["id"] for entry in lines(archive)}
    for entry in lines(ever):
        if entry["sha256"] not in left:
            yield f"lost: {entry}"


def purged(now, archive):
    there = {key(entry) for entry in lines(now)}
    for place in places(archive):
        if place["state"] == "purged" and key(place) in there:
            yield f"is not gone: {place}"


def complete(now, archive):
    def facts(entry, date):
        return (*key(entry), " ".join(sorted(entry["flags"])), date)

    server = {facts(entry, entry["internaldate"]) for entry in lines(now)}
    ours = {facts(place, place["date"]) for place in places(archive)
            if place["state"] == "present"}
    yield from (f"only on the server: {entry}" for entry in sorted(server - ours))
    yield from (f"only in the archive: {entry}" for entry in sorted(ours - server))


def planned_gone(now, ever, plan):
    there = {(entry["folder"], entry["uid"]) for entry in lines(now)}
    once = {(entry["folder"], entry["uid"]) for entry in lines(ever)}
    planned = {(entry["folder"], entry["uid"]) for entry in lines(plan)
               if entry["action"] == "purge"}
    yield from (f"is still there: {entry}" for entry in sorted(planned & there))
    yield from (f"was not planned: {entry}" for entry in sorted(once - there - planned))


def settled(now, archive, plan, runs, *others):
    there = {(entry["folder"], entry["uid"], entry["sha256"]) for entry in lines(now)}
    called = {(place["folder"], place["uid"], place["sha256"]) for place in places(archive)
              if place["state"] == "purged"}
    planned = {(entry["folder"], entry["uid"], entry["id"]) for entry in lines(plan)
               if entry["action"] == "purge"}
    yield from (f"not called purged: {entry}" for entry in sorted(planned - there - called)
                if f"{entry[0]}/{entry[1]}" not in others)
    yield from (f"open: {entry}" for entry in lines(runs) if entry.get("state") == "intent")


def unmarked(now, *others):
    for entry in lines(now):
        if "\\Deleted" in entry["flags"] and f"{entry['folder']}/{entry['uid']}" not in others:
            yield f"is marked: {entry}"


def only_appends(log):
    for _, command in commands(log):
        if not re.match(r"(SELECT|CREATE|SUBSCRIBE|APPEND) ", command) and \
                not READING.fullmatch(command):
            yield f"sent: {command}"


def restored(source, target, count, *options):
    options = dict(option.split("=", 1) for option in options)

    def place(entry):
        if entry["folder"] == "INBOX":
            return "INBOX"
        return options.get("prefix", "") + entry["folder"].replace("/", options.get("sep", "/"))

    def flags(entry):
        kept = options["flags"].split(",") if "flags" in options else entry["flags"]
        return " ".join(flag for flag in entry["flags"] if flag in kept)

    wanted = collections.Counter(
        (place(entry), entry["sha256"], entry["internaldate"], flags(entry))
        for entry in lines(source))
    got = collections.Counter(
        (entry["folder"], entry["sha256"], entry["internaldate"], " ".join(entry["flags"]))
        for entry in lines(target))
    yield from (f"is there too often: {entry}" for entry in got - wanted)
    if got.total() != int(count):
        yield f"{got.total()} messages, not {count}"


def holding(source, target):
    def facts(entry):
        return entry["folder"], entry["sha256"], entry["internaldate"]

    left = collections.Counter(map(facts, lines(source)))
    left -= collections.Counter(map(facts, lines(target)))
    yield from (f"is not there: {entry}" for entry in left)


CHECKS = {"only-reads": only_reads, "only-planned": only_planned, "true": true, "kept": kept,
          "purged": purged, "complete": complete, "planned-gone": planned_gone,
          "settled": settled, "unmarked": unmarked,
          "only-appends": only_appends, "restored": restored,
          "holding": holding}


def main(checks):
    wrong = []
    while checks:
        end = checks.index("--") if "--" in checks else len(checks)
        wrong += [f"{checks[0]}: {line}" for line in CHECKS[checks[0]](*checks[1:end])][:5]
        checks = checks[end + 1:]
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
