#!/usr/bin/python3
"""Read a mailcask archive without mailcask: a second reader, written from
archiver/store/FORMAT.md alone, with Python's standard library and the zstd tool.

  unpack.py ARCHIVE [--json | --facts] [--damaged] [-o DIR]

Walks the segments, checks all that the page tells a reader to reject, replays the journal and
rebuilds every message. Ends with a line that counts what was read. --json prints one object for
each message that is whole, sorted by id, with its places; --facts one for every message that the
journal tells of, and then for all else that it tells. -o writes DIR/ID.eml. --damaged goes on
behind what cannot be read, as "Lost batches" says. What is wrong or lost goes to standard error;
a message whose bytes are not those of its id is never given out. Exit status 0: all is as the
page says; 1: something is not; 2: usage.
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
WINDOW_MAX_BYTES = 8 * MIB
BLOCK_MAX_BYTES = 128 << 10
FRAME_MAX_BYTES = (1 << 32) - 1
LOG_FRAME_MAX_BYTES = (256 << 20) + 1024
FRAME_MAGIC = 0xFD2FB528
SKIP_MAGIC_LOW = 0x184D2A50  # and 15 more
MARK_MAGIC, TABLE_MAGIC = 0x184D2A5A, 0x184D2A5E
MARK_START = struct.pack("<II", MARK_MAGIC, 24) + b"mailcask log\r\n\x1a\0"
MARK_BYTES = len(MARK_START) + 8
SEEKABLE = struct.pack("<I", 0x8F92EAB1)
TABLE_FOOT_BYTES = 9
TAR_BLOCK = 512
TAR_END = bytes(2 * TAR_BLOCK)
KEPT_FRAMES = 8
REDACTED_START = b'{"e":"redacted",'
SEGMENT_NAME = r"([0-9]{6}|[1-9][0-9]{6,9})(?:\.([1-9][0-9]{0,9}))?\.tar\.zst"

# The members of each kind of event: how each must look, "?" when it may be left out.
PLACE = "account:s folder:s uidvalidity:n"
EVENTS = {
    "blob": "id:id size:n",
    "mail": "id:id size:n stored:n msgid:s? sent:t? from:s? to:s? cc:s? subject:s? parts:parts?",
    "placed": f"{PLACE} uid:n id:id flags:s? date:t",
    "flags": f"{PLACE} uid:n flags:s?",
    "gone": f"{PLACE} uids:uids",
    "retired": PLACE,
    "folder": "account:s folder:s shown:s delimiter:s? attributes:s? state:seen|gone",
    "cursor": f"{PLACE} uidnext:n modseq:n? messages:n",
    "skipped": f"{PLACE} uid:n reason:s?",
    "synced": "account:s messages:n bytes:n reason:s?",
    "audit": f"{PLACE} server:n archived:n exceptions:n missing:n",
    "hold": "id:id held:bool reason:s?",
    "damaged": "id:id reason:s?",
    "expired": "id:id run:s? rule:s? reason:s?",
    "redacted": "id:id size:n line:id",
    "run": "run:s type:s account:s state:begun|ended messages:n? bytes:n? reason:s?",
    "purge": f"run:s {PLACE} uid:n id:id state:intent|confirmed|kept rule:s? reason:s?",
    "restored": f"{PLACE} uid:n id:id run:s?",
    "frames": "at:runs level:n?",
    "commit": "batch:n time:t entries:n events:n log:id prev:id",
}
PART = "blob:id at:n size:n line:line eol:crlf|lf"
ENTRIES = ("mail", "blob", "redacted")


class Rejected(Exception):
    """What the page says that a reader must reject."""


class Damaged(Rejected):
    """Bytes that cannot be read, behind which a reader may go on."""


def insist(true, text):
    if not true:
        raise Rejected(text)


def need(true, text):
    if not true:
        raise Damaged(text)


# Frames

Frame = collections.namedtuple("Frame", "kind at bytes content number", defaults=(None,))


def step(data, at, end):
    """The frame at that offset, by its headers only; it must end at "end" or before."""
    def number(position, width):
        need(position + width <= end, f"the frame at {at} is cut off")
        return int.from_bytes(data[position:position + width], "little")

    magic = number(at, 4)
    if magic & ~15 != SKIP_MAGIC_LOW:
        need(magic == FRAME_MAGIC, f"no frame at {at}")
        return step_zstd(number, at)
    size = 8 + number(at + 4, 4)
    need(at + size <= end, f"the frame at {at} is cut off")
    if magic == MARK_MAGIC and size == MARK_BYTES and (
            data[at:at + len(MARK_START)] == MARK_START):
        return Frame("mark", at, size, 0, number(at + size - 8, 8))
    return Frame("table" if magic == TABLE_MAGIC else "skippable", at, size, 0)


def step_zstd(number, at):
    """RFC 8878 section 3.1.1: frame header, block headers, checksum."""
    descriptor = number(at + 4, 1)
    size_flag, single, checksum, dictionary = (
        descriptor >> 6, descriptor >> 5 & 1, descriptor >> 2 & 1, descriptor & 3)
    need(not descriptor & 8, f"a frame header that cannot be at {at}")
    need(checksum, f"a frame without checksum at {at}")
    need(dictionary == 0, f"a frame with a dictionary at {at}")
    need(size_flag or single, f"a frame without content size at {at}")
    position = at + 5
    if not single:
        window = number(position, 1)
        base = 1 << (10 + (window >> 3))
        window = base + base // 8 * (window & 7)
        position += 1
    width = (1, 2, 4, 8)[size_flag]
    content = number(position, width) + (256 if width == 2 else 0)
    position += width
    need((content if single else window) <= WINDOW_MAX_BYTES, f"a window above 8 MiB at {at}")
    while True:
        block = number(position, 3)
        last, kind, size = block & 1, block >> 1 & 3, block >> 3
        need(kind != 3 and size <= BLOCK_MAX_BYTES, f"a block that cannot be at {position}")
        position += 3 + (1 if kind == 1 else size)
        if last:
            break
    number(position, 4)
    frame = Frame("data", at, position + 4 - at, content)
    need(max(frame.bytes, content) <= FRAME_MAX_BYTES, f"a frame of 4 GiB or more at {at}")
    return frame


LogFrame = collections.namedtuple("LogFrame", "number frame skipped")


class Segment:
    """A file of frames; what they hold is decompressed when asked, the last few are kept."""

    def __init__(self, path, number, generation):
        self.path, self.number, self.generation = path, number, generation
        with open(path, "rb") as file:
            empty = path.stat().st_size == 0
            self.data = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.bytes = len(self.data)
        self.table = self.seek_table()
        self.kept = collections.OrderedDict()

    def __str__(self):
        return self.path.name

    def seek_table(self):
        """Where it begins: the number of frames in the last bytes tells."""
        if self.data[-4:] != SEEKABLE or self.bytes < 8 + TABLE_FOOT_BYTES:
            return None
        size = 8 * int.from_bytes(self.data[-TABLE_FOOT_BYTES:][:4], "little") + TABLE_FOOT_BYTES
        start = self.bytes - size - 8
        head = struct.pack("<II", TABLE_MAGIC, size)
        return start if start >= 0 and self.data[start:start + 8] == head else None

    def step(self, at, end=None):
        try:
            return step(self.data, at, self.bytes if end is None else end)
        except Damaged as why:
            raise Damaged(f"{self}: {why}") from None

    def steps(self, at, end):
        """The frames from there on, up to the end; all must be whole."""
        while at < end:
            frame = self.step(at, end)
            yield frame
            at += frame.bytes

    def content(self, frame):
        if frame.at in self.kept:
            self.kept.move_to_end(frame.at)
            return self.kept[frame.at]
        got = subprocess.run(["zstd", "-dcq"], input=self.data[frame.at:frame.at + frame.bytes],
                             capture_output=True, check=False)
        need(got.returncode == 0 and len(got.stdout) == frame.content,
             f"{self}: the frame at {frame.at} cannot be decompressed")
        self.kept[frame.at] = got.stdout
        if len(self.kept) > KEPT_FRAMES:
            self.kept.popitem(last=False)
        return got.stdout

    def find_mark(self, at):
        """The next 32 bytes that look like a mark, whether a log stands behind them or not."""
        found = self.data.find(MARK_START, at)
        return found if 0 <= found <= self.bytes - MARK_BYTES else None

    def next_log(self, at):
        """The next log frame, by stepping; where that does not lead on, from the next mark."""
        here, search = at, at
        while here is not None:
            found = self.step_to_log(here)
            if found:
                return found._replace(skipped=here - at)
            here = self.find_mark(search)
            search = None if here is None else here + 1
        return None

    def step_to_log(self, at):
        try:
            for frame in self.steps(at, self.bytes):
                if frame.kind == "table" and frame.at + frame.bytes == self.bytes:
                    return None
                if frame.kind == "mark":
                    log = self.step(frame.at + frame.bytes)
                    return LogFrame(frame.number, log, 0) if log.kind == "data" else None
        except Damaged:
            pass
        return None

    def is_whole(self, at, end):
        """Is there a data frame, and can it be decompressed?"""
        try:
            frame = self.step(at, end)
            return frame.kind == "data" and self.content(frame) is not None
        except Damaged:
            return False

    def is_seal_whole(self, at):
        """An end frame there, the seek table behind it, its lengths those of the file?"""
        try:
            if self.table is None:
                return False
            end = self.step(at)
            lengths = self.data[self.table + 8:-TABLE_FOOT_BYTES]
            return (end.kind == "data" and end.at + end.bytes == self.table
                    and self.content(end) == TAR_END
                    and sum(struct.unpack(f"<{len(lengths) // 4}I", lengths)[::2]) == self.table)
        except Damaged:
            return False

    def check_seek_table(self):
        frames = list(self.steps(0, self.table))
        expected = b"".join(struct.pack("<II", frame.bytes, frame.content) for frame in frames)
        expected += struct.pack("<IB", len(frames), 0) + SEEKABLE
        need(self.data[self.table + 8:] == expected, f"{self}: the seek table is not that of the"
             " frames")


# Entries

Entry = collections.namedtuple("Entry", "name size mtime start end")


def entry_at(content, at):
    """The ustar entry whose header stands at that offset of a frame."""
    header = content[at:at + TAR_BLOCK]
    need(len(header) == TAR_BLOCK, "an entry's header is cut short")

    def octal(start, end):
        digits = header[start:end].rstrip(b" \0")
        need(re.fullmatch(rb"[0-7]+", digits), "a header field is no octal number")
        return int(digits, 8)

    blank = header[:148] + b" " * 8 + header[156:]
    need(octal(148, 156) == sum(blank), "a header's checksum is wrong")
    need(header[257:265] == b"ustar\00000" and header[156:157] == b"0", "not a ustar file entry")
    name = header[:100].split(b"\0")[0].decode("ascii", "replace")
    size = octal(124, 136)
    end = at + filled(size)
    need(end <= len(content), f"{name} is cut short")
    return Entry(name, size, octal(136, 148), at + TAR_BLOCK, end)


def filled(size):
    return TAR_BLOCK + -(-size // TAR_BLOCK) * TAR_BLOCK


def name_of(kind, id):
    return f"blob/{id}" if kind == "blob" else f"mail/{id}.eml"


def entries_that_prove_themselves(content):
    """Up to what is no tar: those whose content has the sum that the name says."""
    at = 0
    while at + TAR_BLOCK <= len(content):
        if content[at:at + TAR_BLOCK] == bytes(TAR_BLOCK):
            at += TAR_BLOCK
            continue
        try:
            entry = entry_at(content, at)
        except Damaged:
            return
        named = re.fullmatch(r"(blob)/([0-9a-f]{64})|(mail)/([0-9a-f]{64})\.eml", entry.name)
        if named:
            id = named[2] or named[4]
            if hashlib.sha256(content[entry.start:entry.start + entry.size]).hexdigest() == id:
                yield named[1] or named[3], id, at, entry
        at = entry.end


# Events

def plain(value):
    """A string member, as bytes."""
    if isinstance(value, dict) and list(value) == ["b64"] and isinstance(value["b64"], str):
        data = base64.b64decode(value["b64"].encode(), validate=True)
        insist(base64.b64encode(data).decode() == value["b64"], "base64 that cannot be")
        return data
    insist(isinstance(value, str) and "\0" not in value, "a member is no string")
    return value.encode()


def uids_of(value):
    ranges = []
    for item in plain(value).decode().split(","):
        got = re.fullmatch(r"([1-9][0-9]{0,9})(?::([1-9][0-9]{0,9}))?", item)
        insist(got, f"{value!r} is no sequence set")
        ends = sorted((int(got[1]), int(got[2] or got[1])))
        insist(ends[1] < 1 << 32, f"{value!r} is no sequence set")
        ranges.append(ends)
    return ranges


def is_number(value):
    return type(value) is int and 0 <= value < 1 << 63


def check_member(value, kind):
    if kind in ("n", "line"):
        insist(is_number(value), f"{value!r} is no number")
        insist(kind == "n" or (0 < value <= 1000 and value % 4 == 0), "no length of a line")
    elif kind == "t":
        insist(type(value) is int and -1 << 63 <= value < 1 << 63, f"{value!r} is no time")
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
    elif kind == "runs":
        insist(isinstance(value, list) and all(
            isinstance(run, list) and 1 <= len(run) <= 3 and all(map(is_number, run))
            for run in value), "at is no array of runs")
        return [run_of(run) for run in value]
    else:
        insist(value in kind.split("|"), f"{value!r} is none of {kind}")
    return value


Run = collections.namedtuple("Run", "at entries start", defaults=(0,))


def run_of(numbers):
    return Run(None, numbers[0]) if len(numbers) == 1 else Run(*numbers)


def check_members(event, members):
    insist(isinstance(event, dict), "no object")
    checked = {}
    for member in members.split():
        name, _, kind = member.partition(":")
        if name in event:
            checked[name] = check_member(event[name], kind.rstrip("?"))
        else:
            insist(kind.endswith("?"), f"{name} is missing")
            checked[name] = {"s": b"", "n": 0, "t": None, "parts": ()}[kind.rstrip("?")]
    return checked


def members(pairs):
    insist(len(dict(pairs)) == len(pairs), "a member that stands twice")
    return dict(pairs)


def no_number(name):
    raise ValueError(f"{name} is no JSON")


def parse_event(line):
    try:
        event = json.loads(line.decode(), object_pairs_hook=members, parse_constant=no_number)
        insist(isinstance(event, dict) and next(iter(event), None) == "e",
               "an event without a kind")
        kind = event["e"]
        insist(isinstance(kind, str) and kind in EVENTS,
               f"an event of the unknown kind {kind!r}: a newer program wrote it")
        return kind, check_members(event, EVENTS[kind])
    except (ValueError, RecursionError) as why:
        raise Rejected(f"a line that is no event: {why}") from None
    except Rejected as why:
        raise Rejected(f"{line[:40]!r}: {why}") from None


Log = collections.namedtuple("Log", "batch lines runs commit sum")


def sum_of(lines):
    """What the commit line says: the sum of the sums of the event lines."""
    total = hashlib.sha256()
    for line in lines:
        if line.startswith(REDACTED_START):
            kind, event = parse_event(line)
            insist(kind == "redacted", "a line that begins as another does")
            total.update(bytes.fromhex(event["line"]))
        else:
            total.update(hashlib.sha256(line).digest())
    return total.hexdigest()


def parse_log(text, batch):
    """The log of a batch, as far as it can be judged by itself."""
    lines = text.split(b"\n")
    insist(lines.pop() == b"" and len(lines) >= 2, "no whole lines")
    kind, commit = parse_event(lines[-1])
    frames_kind, frames = parse_event(lines[-2])
    insist((frames_kind, kind) == ("frames", "commit"), "it does not end in frames and commit")
    insist(commit["batch"] == batch, f"the commit is of batch {commit['batch']}")
    insist(sum_of(lines[:-2]) == commit["log"], "the sum of its events is wrong")
    return Log(batch, lines[:-2], frames["at"], commit, hashlib.sha256(lines[-1]).hexdigest())


def read_logs(segment, log_frame):
    """The logs of a log frame, in a row."""
    frame, logs, at = log_frame.frame, [], 0
    try:
        need(frame.content <= LOG_FRAME_MAX_BYTES, "a log frame that is too large")
        content = segment.content(frame)
        while at < len(content):
            batch = log_frame.number + len(logs)
            entry = entry_at(content, at)
            need(entry.name == f"log/{batch:08}.jsonl", f"{entry.name} where log {batch} must be")
            log = parse_log(content[entry.start:entry.start + entry.size], batch)
            need(not logs or log.commit["prev"] == logs[-1].sum, "they do not follow each other")
            logs.append(log)
            at = entry.end
        need(logs, "a log frame without a log")
    except Rejected as why:
        raise Damaged(f"{segment}: the log at {frame.at}: {why}") from None
    return logs


# What the journal tells

class Message:
    def __init__(self, id):
        self.id, self.date, self.hold = id, None, None
        self.forget(0)

    def forget(self, size):
        self.size, self.stored, self.entry, self.parts = size, 0, None, []
        self.facts = dict.fromkeys(("msgid", "from", "to", "cc", "subject"), b"")
        self.sent, self.is_damaged, self.is_expired = None, False, False


class Place:
    def __init__(self, event):
        self.id, self.flags, self.date = event["id"], event["flags"], event["date"]
        self.state = "present"


class Facts:
    """The state of the archive: what comes of all events in order."""

    def __init__(self):
        self.messages, self.blobs = {}, {}
        self.folders, self.places = {}, collections.defaultdict(dict)
        self.skipped, self.audits, self.restored = {}, {}, {}
        self.runs, self.purges, self.synced = {}, {}, []
        self.lost = 0  # batches

    def replay(self, kind, event, entry, time):
        about = event.get("id")
        if kind in ("placed", "hold", "damaged", "expired", "purge") and (
                about not in self.messages):
            insist(self.lost, f"{kind} of a message that no mail event told of")
            self.pass_over(kind, event)
            return
        if "folder" in event and kind != "restored":
            self.name_folder(event)
        getattr(self, f"see_{kind}")(event, entry, time)

    def pass_over(self, kind, event):
        if kind == "placed":
            self.name_folder(event)
            self.places[self.listing(event)].pop(event["uid"], None)
        elif kind == "purge" and event["state"] == "confirmed":
            self.name_folder(event)
            self.set_purged(event)

    def name_folder(self, event):
        key = (event["account"], event["folder"])
        return self.folders.setdefault(key, {
            "shown": event["folder"], "delimiter": b"", "attributes": b"", "state": "seen",
            "uidvalidity": 0, "uidnext": 0, "modseq": 0, "messages": 0})

    @staticmethod
    def listing(event):
        return event["account"], event["folder"], event["uidvalidity"]

    # Entries

    def see_blob(self, event, entry, _):
        if entry:
            self.blobs[event["id"]] = entry

    def see_mail(self, event, entry, _):
        message = self.messages.setdefault(event["id"], Message(event["id"]))
        message.forget(event["size"])
        message.entry, message.is_damaged = entry, entry is None
        message.parts = sorted(event.get("parts", []), key=lambda part: part["at"])
        message.sent = event.get("sent")
        for name in message.facts:
            message.facts[name] = event.get(name, b"")

    see_redacted = see_mail

    def salvage(self, kind, id, mtime, entry):
        if kind == "blob":
            self.blobs.setdefault(id, entry)
            return
        message = self.messages.get(id)
        if message is None:
            message = self.messages[id] = Message(id)
            message.size, message.date, message.is_damaged = entry.size, mtime, True
        elif message.entry or message.is_expired:
            return
        message.entry, message.parts = entry, []

    # Messages

    def see_hold(self, event, *_):
        self.messages[event["id"]].hold = event["reason"] if event["held"] else None

    def see_damaged(self, event, *_):
        self.messages[event["id"]].is_damaged = True

    def see_expired(self, event, *_):
        message = self.messages[event["id"]]
        message.forget(message.size)
        message.is_expired = True

    # Places

    def see_placed(self, event, *_):
        message = self.messages[event["id"]]
        if message.date is None:
            message.date = event["date"]
        self.places[self.listing(event)][event["uid"]] = Place(event)
        self.skipped.pop((*self.listing(event), event["uid"]), None)

    def see_flags(self, event, *_):
        place = self.places[self.listing(event)].get(event["uid"])
        if place:
            place.flags = event["flags"]

    def see_gone(self, event, *_):
        for uid, place in self.places[self.listing(event)].items():
            if place.state == "present" and any(a <= uid <= b for a, b in event["uids"]):
                place.state = "gone"

    def see_retired(self, event, *_):
        for place in self.places[self.listing(event)].values():
            if place.state == "present":
                place.state = "retired"
        for key in [key for key in self.skipped if key[:3] == self.listing(event)]:
            del self.skipped[key]

    def set_purged(self, event):
        place = self.places[self.listing(event)].get(event["uid"])
        if place:
            place.state = "purged"

    # All else

    def see_folder(self, event, *_):
        names = ("shown", "delimiter", "attributes", "state")
        self.name_folder(event).update({name: event[name] for name in names})

    def see_cursor(self, event, *_):
        names = ("uidvalidity", "uidnext", "modseq", "messages")
        self.name_folder(event).update({name: event[name] for name in names})

    def see_skipped(self, event, *_):
        key = (*self.listing(event), event["uid"])
        self.skipped.pop(key, None)
        if event["reason"]:
            self.skipped[key] = event["reason"]

    def see_synced(self, event, _, time):
        self.synced.append({**event, "time": time})

    def see_audit(self, event, _, time):
        self.audits[event["account"], event["folder"]] = {**event, "time": time}

    def see_run(self, event, _, time):
        if event["run"] not in self.runs:
            self.runs[event["run"]] = {**event, "begun": time, "ended": 0}
            return
        run = self.runs[event["run"]]
        run["ended"] = time
        for name in ("state", "messages", "bytes", "reason"):
            run[name] = event[name]

    def see_purge(self, event, _, time):
        key = (event["run"], *self.listing(event), event["uid"])
        purge = self.purges.setdefault(key, dict(event))
        purge.update(state=event["state"], reason=event["reason"], time=time)
        if event["state"] == "confirmed":
            self.set_purged(event)

    def see_restored(self, event, _, time):
        self.restored[(*self.listing(event), event["uid"])] = {**event, "time": time}


# The archive

Stored = collections.namedtuple("Stored", "segment at start size name")
Gap = collections.namedtuple("Gap", "segment at bytes first last mails blobs")


class Archive:
    def __init__(self, folder, go_on):
        self.folder, self.go_on = pathlib.Path(folder), go_on
        self.facts = Facts()
        self.batch, self.prev = 0, "0" * 64
        self.stored = []  # every entry that a log tells the place of
        self.gaps, self.open_gaps = [], []
        self.torn_bytes = 0
        self.problems = []
        # Since the last batch:
        self.start = 0  # bytes from here on are of no batch yet
        self.is_damaged = self.is_log_bad = False

    def read(self):
        text = (self.folder / "FORMAT").read_bytes()
        insist(text == b"mailcask archive %d\n" % VERSION, f"FORMAT is {text[:40]!r}")
        paths = {}  # the lowest generation of each
        for path in (self.folder / "segments").iterdir():
            got = re.fullmatch(SEGMENT_NAME, path.name)
            if got and 0 < int(got[1]) < 1 << 32 and int(got[2] or 0) < 1 << 32:
                paths[int(got[1])] = min((int(got[2] or 0), path), paths.get(
                    int(got[1]), (1 << 32, path)))
        for number in range(1, max(paths, default=0) + 1):
            insist(number in paths, f"segment {number} is missing")
        for number, (generation, path) in sorted(paths.items()):
            self.read_segment(Segment(path, number, generation), number == len(paths))

    def lose(self, text):
        """What a reader must reject, or go on behind and say so."""
        if not self.go_on:
            raise Rejected(text)
        self.problems.append(text)

    # One segment

    def read_segment(self, segment, last):
        self.start, self.is_log_bad = 0, False
        log = segment.next_log(0)
        while log:
            at = log.frame.at + log.frame.bytes
            following = segment.next_log(at)
            may_be_torn = (last and segment.table is None and following is None
                           and not self.is_log_bad)
            judged = self.read_log_frame(segment, log, may_be_torn)
            if judged == "torn":
                self.torn_bytes = segment.bytes - self.start
                return
            if judged == "damaged":  # its length may be wrong, too
                mark = segment.find_mark(log.frame.at)
                following = segment.next_log(at if mark is None else min(mark, at))
            log = following
        self.end_segment(segment, last)

    def end_segment(self, segment, last):
        if segment.is_seal_whole(self.start) and not (last and self.is_log_bad):
            self.check_seal(segment)
            return
        if last and not self.is_log_bad and (
                segment.table is None or not list(self.salvage(segment, segment.bytes))):
            self.torn_bytes = segment.bytes - self.start
            return
        self.lose(f"{segment}: its end is missing, or bytes before it are of no batch")
        self.add_gap(segment, segment.bytes)

    def check_seal(self, segment):
        try:
            segment.check_seek_table()
        except Damaged as why:
            self.lose(str(why))

    def read_log_frame(self, segment, log, may_be_torn):
        self.is_damaged |= log.skipped > 0
        try:
            logs = read_logs(segment, log)
        except Damaged as why:
            if may_be_torn and segment.find_mark(log.frame.at) is None:
                insist(self.go_on or log.number == self.batch + 1, f"{why}: not the last batch")
                return "torn"
            self.lose(str(why))
            self.is_damaged = self.is_log_bad = True
            return "damaged"
        follows = self.follows(logs[0])
        if self.is_damaged and not follows and self.does_one_follow(segment, log):
            self.lose(f"{segment}: at {log.frame.at} stands what looks like a log")
            return "damaged"
        if may_be_torn and not all(segment.is_whole(run.at, log.frame.at)
                                   for run in logs[0].runs if run.at is not None):
            insist(self.go_on or follows, f"{segment}: damage before the last log")
            return "torn"
        if log.skipped:
            self.lose(f"{segment}: {log.skipped} bytes in front of {log.frame.at}"
                      " cannot be stepped over")
        self.take_logs(segment, log, logs)
        return "taken"

    def follows(self, log):
        return log.batch == self.batch + 1 and log.commit["prev"] == self.prev

    def does_one_follow(self, segment, log):
        while log := segment.next_log(log.frame.at + log.frame.bytes):
            try:
                if self.follows(read_logs(segment, log)[0]):
                    return True
            except Damaged:
                pass
        return False

    # Batches

    def take_logs(self, segment, frame, logs):
        mark = frame.frame.at - MARK_BYTES
        first = min((run.at for log in logs for run in log.runs if run.at is not None),
                    default=mark)
        if self.start < first <= mark:
            self.lose(f"{segment}: bytes from {self.start} to {first} are of no batch")
            self.add_gap(segment, first)
        located = [self.take_log(segment, log) for log in logs]
        if not self.go_on:
            self.check_frames(segment, mark, located)
        self.start = frame.frame.at + frame.frame.bytes
        self.is_log_bad = False

    def take_log(self, segment, log):
        name = f"batch {log.batch}"
        insist(self.follows(log) or (self.is_damaged and log.batch > self.batch + 1),
               f"{name} does not follow batch {self.batch}")
        self.note_lost(log.batch - 1)
        self.facts.lost += log.batch - 1 - self.batch
        try:
            events = [parse_event(line) for line in log.lines]
            located = self.locate(segment, log, events)
            places = iter(located)
            for kind, event in events:
                insist(kind not in ("frames", "commit"), f"a {kind} line among the events")
                entry = next(places)[1] if kind in ENTRIES else None
                self.facts.replay(kind, event, entry, log.commit["time"])
        except Rejected as why:
            raise Rejected(f"{name}: {why}") from None
        self.batch, self.prev, self.is_damaged = log.batch, log.sum, False
        self.stored += [entry for _, entry in located if entry]
        return located

    @staticmethod
    def locate(segment, log, events):
        """The run and the place of every entry, from the frames line."""
        entries = [event for event in events if event[0] in ENTRIES]
        insist(len(events) == log.commit["events"], "the number of events is wrong")
        insist(len(entries) == log.commit["entries"], "the number of entries is wrong")
        insist(sum(run.entries for run in log.runs) == len(entries), "the runs have other entries")
        located, rest = [], iter(entries)
        for run in log.runs:
            at = run.start
            for _ in range(run.entries):
                kind, event = next(rest)
                insist(kind != "redacted" or run.at is None, "a redacted entry that is there")
                size = event["stored" if kind == "mail" else "size"]
                located.append((run, None if run.at is None else Stored(
                    segment, run.at, at, size, name_of(kind, event["id"]))))
                at += filled(size)
        return located

    def check_frames(self, segment, mark, located):
        """The entries of a log frame's batches are all that stands before it."""
        runs = [run for log in located for run, _ in log]
        entries = [entry for log in located for _, entry in log if entry]
        if not segment.generation:
            insist(len(located) == 1, f"{segment}: several logs in a frame")
            insist(all(run.at is not None and run.start == 0 for run in runs)
                   and [run.at for run in runs] == sorted(run.at for run in runs),
                   f"{segment}: runs that are no whole frames")
        spans = collections.defaultdict(list)
        for entry in entries:
            spans[entry.at].append((entry.start, entry.start + filled(entry.size),
                                    entry.name[:4]))
        for frame in segment.steps(self.start, mark):
            at = 0
            found = sorted(spans.pop(frame.at, []))
            for start, end, _ in found:
                insist(start == at, f"{segment}: the frame at {frame.at} has other entries")
                at = end
            insist(frame.kind == "data" and at == frame.content and found,
                   f"{segment}: the frame at {frame.at} has another length than its entries")
            insist(len({kind for _, _, kind in found}) == 1, f"{segment}: mails and blobs in the"
                   f" frame at {frame.at}")
        insist(not spans, f"{segment}: entries in frames that are not those of their log")

    # What is lost

    def add_gap(self, segment, end):
        found = list(self.salvage(segment, end))
        for kind, id, mtime, entry in found:
            self.facts.salvage(kind, id, mtime, entry)
        kinds = collections.Counter(kind for kind, *_ in found)
        self.open_gaps.append(Gap(segment.number, self.start, end - self.start, 0, 0,
                                  kinds["mail"], kinds["blob"]))
        self.is_damaged = True

    def note_lost(self, last):
        lost = (self.batch + 1, last) if self.batch < last else (0, 0)
        self.gaps += [gap._replace(first=lost[0], last=lost[1]) for gap in self.open_gaps]
        self.open_gaps = []

    def salvage(self, segment, end):
        at = self.start
        while at is not None and at < end:
            try:
                frame = segment.step(at, end)
            except Damaged:
                at = segment.find_mark(at + 1)
                continue
            at += frame.bytes
            try:
                content = segment.content(frame) if frame.kind == "data" else b""
            except Damaged:
                continue
            for kind, id, start, entry in entries_that_prove_themselves(content):
                yield kind, id, entry.mtime, Stored(
                    segment, frame.at, start, entry.size, name_of(kind, id))

    # Messages

    def bytes_of(self, stored):
        frame = stored.segment.step(stored.at)
        need(frame.kind == "data", f"{stored.segment}: no data frame at {stored.at}")
        content = stored.segment.content(frame)
        entry = entry_at(content, stored.start)
        need((entry.name, entry.size) == (stored.name, stored.size),
             f"{stored.segment}: {entry.name} stands where {stored.name} should")
        return content[entry.start:entry.start + entry.size]

    def blob(self, id):
        need(id in self.facts.blobs, f"blob {id} is nowhere")
        data = self.bytes_of(self.facts.blobs[id])
        need(hashlib.sha256(data).hexdigest() == id, f"blob {id} has another sum")
        return data

    def message(self, mail):
        need(mail.entry, "it stands nowhere")
        stored, made, used = self.bytes_of(mail.entry), bytearray(), 0
        for part in mail.parts:
            copy = part["at"] - len(made)
            need(0 <= copy <= len(stored) - used, "a part stands where it cannot")
            made += stored[used:used + copy]
            used += copy
            blob = self.blob(part["blob"])
            need(len(blob) == part["size"], "a part has another size than its blob")
            text = base64.b64encode(blob)
            lines = [text[at:at + part["line"]] for at in range(0, len(text), part["line"])]
            made += (b"\r\n" if part["eol"] == "crlf" else b"\n").join(lines)
        made += stored[used:]
        need(len(made) == mail.size, "the size is not that of its event")
        need(hashlib.sha256(made).hexdigest() == mail.id, "the sum is not its id")
        return bytes(made)

    def check_entries(self):
        """Also those that were stored again later."""
        for stored in self.stored:
            try:
                data = self.bytes_of(stored)
                need(stored.name.startswith("mail/") or
                     hashlib.sha256(data).hexdigest() == stored.name[5:], "has another sum")
            except Damaged as why:
                self.problems.append(f"{stored.name}: {why}")


# What is given out

def shown(value):
    """Text for JSON, in the journal's way for what is no text."""
    if not isinstance(value, bytes):
        return value
    try:
        return plain(value.decode()).decode()
    except (ValueError, Rejected):
        return {"b64": base64.b64encode(value).decode()}


def say(facts):
    text = json.dumps({name: shown(value) for name, value in facts.items()},
                      ensure_ascii=False, separators=(",", ":"))
    print(text.replace("\x7f", "\\u007f"))


def picked(event, names):
    return {name: event[name] for name in names.split()}


def places_of(facts):
    """By message; sorted by account, folder, UIDVALIDITY and UID."""
    by_id = collections.defaultdict(list)
    for listing, places in sorted(facts.places.items()):
        for uid, place in sorted(places.items()):
            by_id[place.id].append({
                "account": shown(listing[0]), "folder": shown(listing[1]),
                "uidvalidity": listing[2], "uid": uid, "flags": shown(place.flags),
                "date": place.date, "state": place.state})
    return by_id


def give_out(archive, options):
    """Rebuild every message; print and write what was asked for."""
    places, count, total = places_of(archive.facts), 0, 0
    for id, mail in sorted(archive.facts.messages.items()):
        message = None
        try:
            if not mail.is_expired:
                message = archive.message(mail)
                count, total = count + 1, total + len(message)
        except Damaged as why:
            archive.problems.append(f"mail {id}: {why}")
        held = {"held": mail.hold is not None}
        if options.facts:
            say({"id": id, "size": mail.size, "whole": message is not None,
                 "expired": mail.is_expired, "damaged": mail.is_damaged, **held,
                 "reason": mail.hold, "date": mail.date, "sent": mail.sent, **mail.facts,
                 "parts": mail.parts, "places": places[id]})
        elif options.json and message is not None:
            say({"id": id, "size": mail.size, **held, "places": places[id]})
        if options.output and message is not None:
            (options.output / f"{id}.eml").write_bytes(message)
    return count, total


def say_facts(archive):
    """All but the messages. Sorted by what tells them apart, or in their order."""
    facts, place = archive.facts, "account folder uidvalidity uid"
    for (account, folder), fact in sorted(facts.folders.items()):
        say({"fact": "folder", "account": account, "folder": folder, **fact})
    for key, reason in sorted(facts.skipped.items()):
        say({"fact": "skipped", **dict(zip(place.split(), key)), "reason": reason})
    for event in facts.synced:
        say({"fact": "synced", **picked(event, "account time messages bytes reason")})
    for _, event in sorted(facts.audits.items()):
        say({"fact": "audit", **picked(event, "account folder uidvalidity time server archived"
                                              " exceptions missing")})
    for run in facts.runs.values():
        say({"fact": "run", **picked(run, "run type account state begun ended messages bytes"
                                          " reason")})
    for _, purge in sorted(facts.purges.items()):
        say({"fact": "purge", **picked(purge, f"run {place} id state rule reason time")})
    for _, event in sorted(facts.restored.items()):
        say({"fact": "restored", **picked(event, f"{place} id run time")})
    for gap in archive.gaps:
        say({"fact": "gap", **gap._asdict()})
    say({"fact": "end", "batch": archive.batch, "lost": facts.lost})


def read_and_give_out(archive, options):
    try:
        archive.read()
        archive.note_lost(0)
        archive.check_entries()
        given = give_out(archive, options)
        if options.facts:
            say_facts(archive)
        return given
    except (Rejected, OSError) as why:
        archive.problems.append(str(why))
        return 0, 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", metavar="ARCHIVE")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--facts", action="store_true")
    parser.add_argument("--damaged", action="store_true")
    parser.add_argument("-o", dest="output", metavar="DIR", type=pathlib.Path)
    options = parser.parse_args()
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
    sys.stdout.reconfigure(encoding="utf-8")
    archive = Archive(options.archive, options.damaged)
    count, total = read_and_give_out(archive, options)
    for gap in archive.gaps:
        lost = f"batches {gap.first} to {gap.last} are lost" if gap.first else "no batch is lost"
        print(f"unpack: segment {gap.segment}, offset {gap.at}: {gap.bytes} bytes of no batch: "
              f"{lost}, {gap.mails} messages and {gap.blobs} blobs were salvaged", file=sys.stderr)
    for problem in archive.problems:
        print(f"unpack: {problem}", file=sys.stderr)
    print(f"{count} messages, {total} bytes, {archive.batch} batches, "
          f"{archive.torn_bytes} bytes torn, {len(archive.problems)} problems",
          file=sys.stderr if options.json or options.facts else sys.stdout)
    return 1 if archive.problems else 0


if __name__ == "__main__":
    sys.exit(main())
