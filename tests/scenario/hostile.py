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

USER.* are the files of scripted.py, PLAN is what "mailcask plan --json" printed, ARCHIVE what
"mailcask search '*' --limit 0 --no-snippet --json" did.
"""
import json
import re
import sys

READING = re.compile(
    r"CAPABILITY|LOGIN|AUTHENTICATE PLAIN|ID .*|LIST .*|STATUS .*|EXAMINE .*|NAMESPACE|NOOP|LOGOUT"
    r"|GETQUOTAROOT .*|UID SEARCH .*|UID FETCH [\d:,*]+ \((?:(?!BODY\[|RFC822(?!\.SIZE)).)*\)")
UID_MAX = 2**32 - 1


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
        elif words[:2] == ["UID", "EXPUNGE"] or (
                words[:2] == ["UID", "STORE"] and not words[3].startswith("-FLAGS.SILENT")):
            uids = set()
            for part in words[2].split(","):
                first, _, last = part.partition(":")
                uids |= set(range(int(first), int(last or first) + 1))
            beyond = uids - planned.get(opened.get(connection), set())
            if beyond or (words[1] == "STORE" and
                          words[3] != "+FLAGS.SILENT (\\Deleted)"):
                yield f"sent: {command}"
        elif words[:2] != ["UID", "STORE"] and words[0] != "SELECT" and \
                not READING.fullmatch(command):
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


CHECKS = {"only-reads": only_reads, "only-planned": only_planned, "true": true, "kept": kept,
          "purged": purged, "complete": complete, "planned-gone": planned_gone}


def main():
    wrong = list(CHECKS[sys.argv[1]](*sys.argv[2:]))
    for line in wrong[:5]:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
