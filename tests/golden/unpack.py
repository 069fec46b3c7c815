#!/usr/bin/python3
"""Read a mailcask archive without mailcask: a second reader, written from
archiver/store/FORMAT.md alone, with Python's standard library and the zstd tool.

  unpack.py ARCHIVE [--json] [-o DIR]

Walks the segments, checks all that the page tells a reader to reject, replays the journal and
rebuilds every message. Ends with a line that counts what was read. --json prints one object
for each message, sorted by id, with its places; -o writes DIR/ID.eml. What is wrong goes to
standard error; a message whose bytes are not those of its id is never given out. Exit status
0: all is as the page says; 1: something is not; 2: usage.
"""
import argparse
import base64
import collections
import hashlib
import json
import mmap
import pathlib
import re
import struct
import subprocess
import sys

VERSION = 1
MIB = 1 << 20
FRAME_MAX_BYTES = (1 << 32) - 1
FRAME_MAGIC = 0xFD2FB528
MARK_MAGIC, TABLE_MAGIC = 0x184D2A5A, 0x184D2A5E
MARK_START = struct.pack("<II", MARK_MAGIC, 24) + b"mailcask log\r\n\x1a\0"
MARK_BYTES = len(MARK_START) + 8
SEEKABLE = struct.pack("<I", 0x8F92EAB1)
TABLE_FOOT_BYTES = 9
TAR_BLOCK = 512
TAR_END = bytes(2 * TAR_BLOCK)
KEPT_FRAMES = 8

# The members of each kind of event: how each must look, "?" when it may be left out.
EVENTS = {
    "blob": "id:id size:n",
    "mail": "id:id size:n stored:n msgid:s? sent:t? from:s? to:s? cc:s? subject:s? parts:parts?",
    "placed": "account:s folder:s uidvalidity:n uid:n id:id flags:s? date:t",
    "flags": "account:s folder:s uidvalidity:n uid:n flags:s?",
    "gone": "account:s folder:s uidvalidity:n uids:uids",
    "retired": "account:s folder:s uidvalidity:n",
    "folder": "account:s folder:s shown:s delimiter:s? attributes:s? state:seen|gone",
    "cursor": "account:s folder:s uidvalidity:n uidnext:n modseq:n? messages:n",
    "skipped": "account:s folder:s uidvalidity:n uid:n reason:s?",
    "synced": "account:s messages:n bytes:n reason:s?",
    "audit": "account:s folder:s uidvalidity:n server:n archived:n exceptions:n missing:n",
    "hold": "id:id held:bool reason:s?",
    "damaged": "id:id reason:s?",
    "run": "run:s type:purge|restore account:s state:begun|ended messages:n? bytes:n? reason:s?",
    "purge": "run:s account:s folder:s uidvalidity:n uid:n id:id state:intent|confirmed|kept"
             " rule:s? reason:s?",
    "restored": "account:s folder:s uidvalidity:n uid:n id:id run:s?",
    "frames": "at:pairs",
    "commit": "batch:n time:t entries:n events:n log:id prev:id",
}
PART = "blob:id at:n size:n line:n eol:crlf|lf"


class Rejected(Exception):
    """What the page says that a reader must reject."""


class Torn(Exception):
    """No whole frame stands here."""


def insist(true, text):
    if not true:
        raise Rejected(text)


# Frames

Frame = collections.namedtuple("Frame", "kind at bytes content number", defaults=(None,))


def step(data, at):
    """The frame at that offset, by its headers only."""
    def number(position, width):
        if position + width > len(data):
            raise Torn(f"the file ends inside a frame at {at}")
        return int.from_bytes(data[position:position + width], "little")

    magic = number(at, 4)
    if magic in (MARK_MAGIC, TABLE_MAGIC):
        end = at + 8 + number(at + 4, 4)
        if end > len(data):
            raise Torn(f"the file ends inside a frame at {at}")
        if magic == TABLE_MAGIC:
            return Frame("table", at, end - at, 0)
        if end - at != MARK_BYTES or data[at:at + len(MARK_START)] != MARK_START:
            raise Torn(f"not a mark at {at}")
        return Frame("mark", at, MARK_BYTES, 0, number(end - 8, 8))
    if magic != FRAME_MAGIC:
        raise Torn(f"no frame at {at}")
    return step_zstd(number, at)


def step_zstd(number, at):
    """RFC 8878 section 3.1.1: frame header, block headers, checksum."""
    descriptor = number(at + 4, 1)
    size_flag, single, checksum, dictionary = (
        descriptor >> 6, descriptor >> 5 & 1, descriptor >> 2 & 1, descriptor & 3)
    if descriptor & 8:
        raise Torn(f"a frame header that cannot be at {at}")
    insist(checksum, f"a frame without checksum at {at}")
    insist(dictionary == 0, f"a frame with a dictionary at {at}")
    insist(size_flag or single, f"a frame without content size at {at}")
    position = at + 5
    if not single:
        window = number(position, 1)
        base = 1 << (10 + (window >> 3))
        window = base + base // 8 * (window & 7)
        position += 1
    width = (1, 2, 4, 8)[size_flag]
    content = number(position, width) + (256 if width == 2 else 0)
    position += width
    insist((content if single else window) <= 8 * MIB, f"a window above 8 MiB at {at}")
    while True:
        block = number(position, 3)
        last, kind, size = block & 1, block >> 1 & 3, block >> 3
        if kind == 3:
            raise Torn(f"a block that cannot be at {position}")
        position += 3 + (1 if kind == 1 else size)
        if last:
            break
    number(position, 4)
    frame = Frame("data", at, position + 4 - at, content)
    insist(max(frame.bytes, content) <= FRAME_MAX_BYTES, f"a frame of 4 GiB or more at {at}")
    return frame


class Segment:
    """A file of frames; what they hold is decompressed when asked, the last few are kept."""

    def __init__(self, path, number):
        self.path, self.number = path, number
        with open(path, "rb") as file:
            empty = path.stat().st_size == 0
            self.data = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.sealed = self.has_seek_table()
        self.kept = collections.OrderedDict()

    def has_seek_table(self):
        """The number of frames in the last bytes tells where the table begins."""
        if self.data[-4:] != SEEKABLE or len(self.data) < 8 + TABLE_FOOT_BYTES:
            return False
        size = 8 * int.from_bytes(self.data[-TABLE_FOOT_BYTES:][:4], "little") + TABLE_FOOT_BYTES
        start = len(self.data) - size - 8
        return start >= 0 and self.data[start:start + 8] == struct.pack("<II", TABLE_MAGIC, size)

    def is_whole(self, log):
        """Can all data frames of the batch be decompressed?"""
        try:
            for at, _ in log.frames:
                self.content(step(self.data, at))
            return True
        except (Torn, Rejected):
            return False

    def content(self, frame):
        if frame.at in self.kept:
            self.kept.move_to_end(frame.at)
            return self.kept[frame.at]
        got = subprocess.run(["zstd", "-dcq"], input=self.data[frame.at:frame.at + frame.bytes],
                             capture_output=True, check=False)
        insist(got.returncode == 0 and len(got.stdout) == frame.content,
               f"{self.path.name}: the frame at {frame.at} cannot be decompressed")
        self.kept[frame.at] = got.stdout
        if len(self.kept) > KEPT_FRAMES:
            self.kept.popitem(last=False)
        return got.stdout

    def check_end(self, frames):
        """The end frame and the seek table of a sealed segment."""
        insist(len(frames) >= 2 and frames[-1].kind == "table", "a sealed segment without its end")
        end, table = frames[-2:]
        insist(end.kind == "data" and self.content(end) == TAR_END, "the end of the tar is missing")
        insist(table.at + table.bytes == len(self.data), "bytes behind the seek table")
        expected = b"".join(struct.pack("<II", frame.bytes, frame.content) for frame in frames[:-1])
        expected += struct.pack("<IB", len(frames) - 1, 0) + SEEKABLE
        insist(self.data[table.at + 8:] == expected, "the seek table is not that of the frames")


# Entries

Entry = collections.namedtuple("Entry", "name size start")


def entry_at(content, at):
    """The ustar entry whose header stands at that offset of a frame."""
    header = content[at:at + TAR_BLOCK]
    insist(len(header) == TAR_BLOCK, "an entry's header is cut short")

    def octal(start, end):
        digits = header[start:end].rstrip(b" \0")
        insist(re.fullmatch(rb"[0-7]+", digits), "a header field is no octal number")
        return int(digits, 8)

    blank = header[:148] + b" " * 8 + header[156:]
    insist(octal(148, 156) == sum(blank), "a header's checksum is wrong")
    insist(header[257:265] == b"ustar\00000" and header[156:157] == b"0", "not a ustar file entry")
    name = header[:100].split(b"\0")[0].decode("ascii", "replace")
    size = octal(124, 136)
    insist(at + TAR_BLOCK + size <= len(content), f"{name} is cut short")
    return Entry(name, size, at + TAR_BLOCK)


def filled(size):
    return TAR_BLOCK + -(-size // TAR_BLOCK) * TAR_BLOCK


# Events

def plain(value):
    """A string member: as text, or as bytes where it is no text."""
    if isinstance(value, dict) and list(value) == ["b64"] and isinstance(value["b64"], str):
        return base64.b64decode(value["b64"], validate=True)
    insist(isinstance(value, str), "a member is no string")
    return value


def uids_of(text):
    ranges = []
    for item in text.split(","):
        got = re.fullmatch(r"([1-9]\d*)(?::([1-9]\d*))?", item)
        insist(got, f"{text!r} is no sequence set")
        ranges.append((int(got[1]), int(got[2] or got[1])))
    return ranges


def check_member(value, kind):
    if kind in ("n", "t"):
        insist(type(value) is int and (kind == "t" or value >= 0), f"{value!r} is no number")
    elif kind == "id":
        insist(isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value), "not a SHA-256")
    elif kind == "s":
        return plain(value)
    elif kind == "bool":
        insist(isinstance(value, bool), f"{value!r} is neither true nor false")
    elif kind == "uids":
        return uids_of(value)
    elif kind == "parts":
        insist(isinstance(value, list), "parts is no array")
        return [check_members(part, PART) for part in value]
    elif kind == "pairs":
        insist(isinstance(value, list) and all(
            isinstance(pair, list) and len(pair) == 2 and all(type(n) is int for n in pair)
            for pair in value), "at is no array of pairs")
    else:
        insist(value in kind.split("|"), f"{value!r} is none of {kind}")
    return value


def check_members(event, members):
    checked = {}
    for member in members.split():
        name, _, kind = member.partition(":")
        if name in event:
            checked[name] = check_member(event[name], kind.rstrip("?"))
        else:
            insist(kind.endswith("?"), f"{name} is missing")
            checked[name] = {"s": "", "n": 0, "t": 0, "parts": []}[kind.rstrip("?")]
    return checked


def members(pairs):
    insist(len(dict(pairs)) == len(pairs), "a member that stands twice")
    return dict(pairs)


def parse_event(line):
    event = json.loads(line, object_pairs_hook=members)
    insist(isinstance(event, dict) and next(iter(event), None) == "e", "an event without a kind")
    insist(event["e"] in EVENTS, f"an event of the unknown kind {event['e']!r}: a newer program")
    try:
        return event["e"], check_members(event, EVENTS[event["e"]])
    except Rejected as why:
        raise Rejected(f"{event['e']}: {why}") from None


Log = collections.namedtuple("Log", "lines frames commit last_line end")


def read_log(segment, frame, number):
    """The log of a batch, as far as it can be judged by itself."""
    content = segment.content(frame)
    entry = entry_at(content, 0)
    insist(entry.name == f"log/{number:08}.jsonl", f"{entry.name} stands behind mark {number}")
    insist(filled(entry.size) == len(content), f"{entry.name}: not alone in its frame")
    text = content[entry.start:entry.start + entry.size]
    lines = text.split(b"\n")
    insist(lines.pop() == b"" and len(lines) >= 2, f"{entry.name}: no whole lines")
    try:
        kind, commit = parse_event(lines[-1])
        frames_kind, frames = parse_event(lines[-2])
    except ValueError:
        raise Rejected(f"{entry.name}: the last line is no commit") from None
    insist((frames_kind, kind) == ("frames", "commit"), f"{entry.name}: no frames, no commit")
    events = b"".join(line + b"\n" for line in lines[:-2])
    insist(hashlib.sha256(events).hexdigest() == commit["log"], f"{entry.name}: wrong sum")
    insist(len(lines) - 2 == commit["events"], f"{entry.name}: the number of events is wrong")
    insist(commit["batch"] == number, f"{entry.name}: the commit is of batch {commit['batch']}")
    return Log(lines[:-2], frames["at"], commit, lines[-1], frame.at + frame.bytes)


def end_of(batches):
    return batches[-1][0].end if batches else 0


def logs_behind(segment, start):
    """The logs that stand somewhere behind that offset."""
    logs, at = [], segment.data.find(MARK_START, start)
    while at >= 0:
        try:
            mark = step(segment.data, at)
            logs.append(read_log(segment, step(segment.data, at + MARK_BYTES), mark.number))
        except (Torn, Rejected):
            pass
        at = segment.data.find(MARK_START, at + 1)
    return logs


# The archive

class Place:
    def __init__(self, event):
        self.id, self.flags, self.date = event["id"], event["flags"], event["date"]
        self.state = "present"


class Archive:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.batch, self.prev = 0, "0" * 64
        self.entries, self.mails, self.held = {}, {}, {}
        self.places = {}
        self.torn_bytes = 0
        self.problems = []

    def read(self):
        text = (self.folder / "FORMAT").read_bytes()
        insist(text == b"mailcask archive %d\n" % VERSION, f"FORMAT is {text[:40]!r}")
        paths = {}
        for path in (self.folder / "segments").iterdir():
            got = re.fullmatch(r"(\d{6,})\.tar\.zst", path.name)
            if got:
                paths[int(got[1])] = path
        for number in range(1, len(paths) + 1):
            insist(number in paths, f"segment {number} is missing")
            self.read_segment(Segment(paths[number], number), last=number == len(paths))

    def read_segment(self, segment, last):
        insist(segment.sealed or last, f"{segment.path.name}: not sealed and not the last")
        if last and segment.sealed and not self.is_seal_whole(segment):
            segment.sealed = False  # its sealing was interrupted
        batches, frames = self.walk(segment)
        if segment.sealed:
            segment.check_end(frames)
            insist(len(frames) == sum(len(batch) + 2 for _, batch in batches) + 2,
                   f"{segment.path.name}: frames that no log names")
        else:
            self.check_tail(segment, batches)
        for log, batch in batches:
            self.apply(segment, log, batch)
        if not segment.sealed:
            self.torn_bytes = len(segment.data) - end_of(batches)

    def is_seal_whole(self, segment):
        try:
            segment.check_end(self.walk(segment)[1])
            return True
        except Rejected:
            return False

    @staticmethod
    def check_tail(segment, batches):
        """A last batch that is not whole was never completed; another one behind damage was."""
        logs = [log for log, _ in batches] + logs_behind(segment, end_of(batches))
        if logs and not segment.is_whole(logs[-1]):
            last = logs.pop().commit["batch"]
            insist(not logs or logs[-1].commit["batch"] == last - 1, "damage before the last log")
        del batches[len(logs):]
        insist(len(batches) == len(logs), "damage before the last log")

    def walk(self, segment):
        """The logs with the data frames before them, and all frames; up to the torn tail."""
        batches, frames, first, at = [], [], 0, 0
        try:
            while at < len(segment.data):
                frame = step(segment.data, at)
                frames.append(frame)
                at += frame.bytes
                if frame.kind == "mark":
                    frame = step(segment.data, at)
                    batches.append((read_log(segment, frame, frames[-1].number), frames[first:-1]))
                    frames.append(frame)
                    at += frame.bytes
                    first = len(frames)
        except (Torn, Rejected) as why:
            insist(not segment.sealed, f"{segment.path.name}: {why}")
        return batches, frames

    def apply(self, segment, log, frames):
        name = f"batch {log.commit['batch']}"
        try:
            insist(log.commit["batch"] == self.batch + 1, f"{name} follows batch {self.batch}")
            insist(log.commit["prev"] == self.prev, f"{name}: prev is not the commit before it")
            events = [parse_event(line) for line in log.lines]
            self.locate(segment, log, frames, [e for e in events if e[0] in ("mail", "blob")])
        except (Rejected, ValueError) as why:
            raise Rejected(f"{name}: {why}") from None
        for kind, event in events:
            self.replay(kind, event)
        self.batch += 1
        self.prev = hashlib.sha256(log.last_line).hexdigest()

    def locate(self, segment, log, frames, entries):
        """The place of every entry, from the frames line."""
        insist(len(entries) == log.commit["entries"], "the number of entries is wrong")
        insist([frame.at for frame in frames] == [at for at, _ in log.frames],
               "the frames are not those of the frames line")
        insist(sum(count for _, count in log.frames) == len(entries), "frames hold other entries")
        rest = iter(entries)
        for frame, (_, count) in zip(frames, log.frames):
            position = 0
            for _ in range(count):
                kind, event = next(rest)
                name = f"mail/{event['id']}.eml" if kind == "mail" else f"blob/{event['id']}"
                size = event["stored" if kind == "mail" else "size"]
                self.entries[name] = (segment, frame, position, size)
                position += filled(size)
            insist(position == frame.content, f"the frame at {frame.at} has another length")

    def replay(self, kind, event):
        if kind == "mail":
            self.mails[event["id"]] = event
        elif kind == "hold":
            self.held[event["id"]] = event["held"]
        elif kind == "placed":
            key = (event["account"], event["folder"], event["uidvalidity"], event["uid"])
            self.places[key] = Place(event)
        elif kind in ("flags", "purge"):
            key = (event["account"], event["folder"], event["uidvalidity"], event["uid"])
            place = self.places.get(key)
            if place and kind == "flags":
                place.flags = event["flags"]
            elif place and event["state"] == "confirmed":
                place.state = "purged"
        elif kind in ("gone", "retired"):
            for key, place in self.places.items():
                if key[:3] == (event["account"], event["folder"], event["uidvalidity"]) and (
                        kind == "retired" or any(a <= key[3] <= b for a, b in event["uids"])):
                    place.state = kind if place.state == "present" else place.state

    # Messages

    def bytes_of(self, name):
        insist(name in self.entries, f"{name} is nowhere")
        segment, frame, position, size = self.entries[name]
        content = segment.content(frame)
        entry = entry_at(content, position)
        insist((entry.name, entry.size) == (name, size), f"{entry.name} stands where {name} should")
        return content[entry.start:entry.start + size]

    def blob(self, id):
        data = self.bytes_of(f"blob/{id}")
        insist(hashlib.sha256(data).hexdigest() == id, f"blob {id} has another sum")
        return data

    def message(self, mail):
        stored, made, used = self.bytes_of(f"mail/{mail['id']}.eml"), bytearray(), 0
        for part in mail["parts"]:
            copy = part["at"] - len(made)
            insist(0 <= copy <= len(stored) - used, "a part stands where it cannot")
            made += stored[used:used + copy]
            used += copy
            blob = self.blob(part["blob"])
            insist(len(blob) == part["size"], "a part has another size than its blob")
            insist(part["line"] > 0, "a part without a line length")
            text = base64.b64encode(blob)
            lines = [text[at:at + part["line"]] for at in range(0, len(text), part["line"])]
            made += (b"\r\n" if part["eol"] == "crlf" else b"\n").join(lines)
        made += stored[used:]
        insist(len(made) == mail["size"], "the size is not that of its event")
        insist(hashlib.sha256(made).hexdigest() == mail["id"], "the sum is not its id")
        return bytes(made)

    def check_blobs(self):
        for name in self.entries:
            if name.startswith("blob/"):
                try:
                    self.blob(name[5:])
                except Rejected as why:
                    self.problems.append(str(why))


def shown(value):
    """Text for JSON, in the journal's way for what is no text."""
    return value if isinstance(value, str) else {"b64": base64.b64encode(value).decode()}


def raw(value):
    return value if isinstance(value, bytes) else value.encode()


def places_of(archive):
    """By message; sorted by account, folder, UIDVALIDITY and UID."""
    by_id = collections.defaultdict(list)
    for key, place in sorted(archive.places.items(),
                             key=lambda item: (raw(item[0][0]), raw(item[0][1]), *item[0][2:])):
        account, folder, uidvalidity, uid = key
        by_id[place.id].append({
            "account": shown(account), "folder": shown(folder), "uidvalidity": uidvalidity,
            "uid": uid, "flags": shown(place.flags), "date": place.date, "state": place.state})
    return by_id


def give_out(archive, options):
    """Rebuild every message; print and write what was asked for."""
    places, count, total = places_of(archive), 0, 0
    for id, mail in sorted(archive.mails.items()):
        try:
            message = archive.message(mail)
        except Rejected as why:
            archive.problems.append(f"mail {id}: {why}")
            continue
        count, total = count + 1, total + len(message)
        if options.json:
            print(json.dumps({"id": id, "size": len(message), "held": archive.held.get(id, False),
                              "places": places[id]}, ensure_ascii=False, separators=(",", ":")))
        if options.output:
            (options.output / f"{id}.eml").write_bytes(message)
    return count, total


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", metavar="ARCHIVE")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-o", dest="output", metavar="DIR", type=pathlib.Path)
    options = parser.parse_args()
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
    sys.stdout.reconfigure(encoding="utf-8")
    archive = Archive(options.archive)
    count = total = 0
    try:
        archive.read()
        archive.check_blobs()
        count, total = give_out(archive, options)
    except (Rejected, OSError) as why:
        archive.problems.append(str(why))
    for problem in archive.problems:
        print(f"unpack: {problem}", file=sys.stderr)
    print(f"{count} messages, {total} bytes, {archive.batch} batches, "
          f"{archive.torn_bytes} bytes torn, {len(archive.problems)} problems",
          file=sys.stderr if options.json else sys.stdout)
    return 1 if archive.problems else 0


if __name__ == "__main__":
    sys.exit(main())
