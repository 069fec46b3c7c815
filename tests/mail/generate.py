#!/usr/bin/python3
"""Make varied, awkward mail that is the same every time.

  generate.py --seed 1 --count 300 --maildir DIR [--manifest FILE]
  generate.py --seed 1 --count 300 --eml DIR     one .eml file each, in folders
  generate.py --seed 1 --count 1000000 --plain --maildir DIR    small messages, fast
  generate.py --appendable ...    without what Dovecot cannot take back by APPEND as it was
  generate.py --kinds             the kinds of messages

Message N is made from the seed and N alone, so "--first 300 --count 50" makes what comes after
the first 300 (into another tree, or into the same one). The first messages are one of each
kind; with fewer than that many some kinds are missing.

The Maildir++ tree is for Dovecot: a file's mtime is INTERNALDATE, keywords are letters that
dovecot-keywords names. The manifest has one JSON object per line:

  folder         as people read it, "/" between levels
  file           below DIR
  sha256, size   of the bytes that Dovecot sends (bare LF becomes CRLF)
  flags          sorted, without \\Recent
  internaldate   ISO 8601, UTC
  message-id     as in the header, or null       subject, from   decoded, or null
  kind           see kinds.py; words, attached   which words of words.py are in its text and
                 in its attachments; attachments: their names

With --plain the words are made up (200,000 of them, Zipf), folder and dates are spread over
20 folders, and words, attached and attachments are left out.
"""
import argparse
import functools
import hashlib
import json
import os
import random
import sys
import time

sys.dont_write_bytecode = True  # the tree may be read-only
import foldername
from kinds import KINDS
from letter import FIRST_UNIX, SPAN, Letter, crlf, date_text

FOLDERS = {  # name -> share of the mail
    "INBOX": 30, "Archive/2019": 8, "Archive/2020": 8, "Archive/2020/Q1": 4, "Lists": 2,
    "Lists/dev": 8, "Lists/日本語": 4, "Verträge": 6, "R&D": 4, "two words": 4,
    "Lists/quotes \"and\" \\back": 3, "50% *off*": 2, "LISTS": 2, "bin 🗑 old": 2,
    "Drafts": 3, "Sent": 6, "Trash": 3, "Junk": 3,
}
EMPTY_FOLDER = "Empty"
PLAIN_FOLDERS = (["INBOX"] + [f"Archive/{year}" for year in range(2013, 2025)]
                 + [f"Lists/{name}" for name in ("dev", "users", "announce", "bugs")]
                 + ["Sent", "Receipts", "Travel"])
KEYWORDS = ["$Forwarded", "$Label1", "NonJunk", "project-x"]
SYSTEM = {"D": "\\Draft", "F": "\\Flagged", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"}
LETTERS = {**SYSTEM, **{chr(ord("a") + i): name for i, name in enumerate(KEYWORDS)}}
COPIES = ["copy-same-folder", "copy-other-folder", "same-message-id"]
ORDER = list(KINDS) + COPIES
WEIGHTS = [weight for _, weight, _ in KINDS.values()] + [2] * len(COPIES)
# By APPEND, Dovecot 2.3 refuses a message of 0 bytes, drops a CR at the end and one of CR CR LF,
# and makes an INTERNALDATE that has not come yet the present time.
NOT_APPENDABLE = {"empty", "bare-cr", "ends-in-cr", "received-2040"}
NOT_COPIED = {"large", "empty", "one-byte", *COPIES}


@functools.lru_cache(maxsize=100_000)
def kind_of(seed, number):
    if number < len(ORDER):
        return ORDER[number]
    return random.Random(f"{seed}/kind/{number}").choices(ORDER, WEIGHTS)[0]


def earlier(seed, number, wanted):
    """The number of an earlier message of which a copy is interesting."""
    source = random.Random(f"{seed}/copy/{number}")
    for _ in range(100):
        candidate = source.randrange(number)
        if wanted(kind_of(seed, candidate)):
            return candidate
    return 0


def original_of(seed, number):
    """The number of the message that this one is a copy of; itself when it is none."""
    if kind_of(seed, number).startswith("copy-"):
        return earlier(seed, number, lambda kind: kind not in NOT_COPIED)
    return number


def compose(seed, number):
    """(Letter, bytes) of a message."""
    number = original_of(seed, number)
    name = kind_of(seed, number)
    letter = Letter(seed, number)
    if name == "same-message-id":
        original, _ = compose(seed, earlier(seed, number, lambda kind: kind == "plain"))
        letter.wanted_id = original.message_id
        name = "plain"
    build, _, raw = KINDS[name]
    data = build(letter)
    if not raw and letter.random.random() < 0.3:
        data = crlf(data)
    return letter, data


def place(seed, number):
    """(folder, letters of the flags, INTERNALDATE) of a message."""
    source = random.Random(f"{seed}/place/{number}")
    folder = source.choices(list(FOLDERS), list(FOLDERS.values()))[0]
    kind = kind_of(seed, number)
    if kind.startswith("copy-"):
        original, _, _ = place(seed, original_of(seed, number))
        others = [name for name in FOLDERS if name != original]
        folder = original if kind == "copy-same-folder" else source.choice(others)
    chances = {"D": 0.02, "F": 0.1, "R": 0.15, "S": 0.65, "T": 0.03,
               "a": 0.05, "b": 0.08, "c": 0.1, "d": 0.04}
    letters = "".join(letter for letter, chance in chances.items() if source.random() < chance)
    if folder == "Drafts" and "D" not in letters:
        letters = "D" + letters
    return folder, letters, FIRST_UNIX + int(SPAN * source.random())


class Maildir:
    """Writes messages into a Maildir++ tree."""

    def __init__(self, root):
        self.root, self.made = root, {}

    def folder(self, name):
        if name not in self.made:
            path = os.path.join(self.root, foldername.maildir(name))
            for part in ("cur", "new", "tmp"):
                os.makedirs(os.path.join(path, part), exist_ok=True)
            with open(os.path.join(path, "dovecot-keywords"), "w", encoding="ascii") as out:
                out.writelines(f"{i} {word}\n" for i, word in enumerate(KEYWORDS))
            if name != "INBOX":
                open(os.path.join(path, "maildirfolder"), "w", encoding="ascii").close()
            self.made[name] = path
        return self.made[name]

    def add(self, folder, number, data, size, letters, unix, is_new=False):
        """The path below the root. Some names tell the sizes, as Dovecot's own do."""
        name = f"{unix}.M{number:07d}.generated"
        if number % 2:
            name += f",S={len(data)},W={size}"
        part = f"new/{name}" if is_new else f"cur/{name}:2,{letters}"
        path = os.path.join(self.folder(folder), part)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(handle, data)
            os.utime(handle, (unix, unix))
        finally:
            os.close(handle)
        return os.path.relpath(path, self.root)


class EmlTree:
    """Writes messages as files in folders that are called like the mail folders."""

    def __init__(self, root):
        self.root = root

    def folder(self, name):
        path = os.path.join(self.root, name)
        os.makedirs(path, exist_ok=True)
        return path

    def add(self, folder, number, data, _size, _letters, unix, is_new=False):
        path = os.path.join(self.folder(folder), f"{number:07d}.eml")
        with open(path, "wb") as out:
            out.write(data)
        os.utime(path, (unix, unix))
        return os.path.relpath(path, self.root)


def iso(unix):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix))


def flag_names(letters):
    return sorted(LETTERS[letter] for letter in letters)


def put(tree, seed, number):
    """Write one message; what the manifest says about it."""
    letter, data = compose(seed, number)
    folder, letters, unix = place(seed, number)
    if letter.received_unix is not None:
        unix = letter.received_unix
    sent = crlf(data)
    is_new = not letters and number % 3 == 0
    file = tree.add(folder, number, data, len(sent), letters, unix, is_new)
    return {
        "folder": folder, "file": file, "sha256": hashlib.sha256(sent).hexdigest(),
        "size": len(sent), "flags": flag_names(letters), "internaldate": iso(unix),
        "message-id": letter.message_id, "subject": letter.subject, "from": letter.sender,
        "kind": kind_of(seed, number), "words": sorted(letter.words),
        "attached": sorted(letter.attached_words), "attachments": letter.attachments,
    }


def varied(tree, args):
    for folder in [*FOLDERS, EMPTY_FOLDER]:
        tree.folder(folder)
    for number in range(args.first, args.first + args.count):
        kind = kind_of(args.seed, original_of(args.seed, number))
        if not args.appendable or kind not in NOT_APPENDABLE:
            yield put(tree, args.seed, number)


# The fast mode

PLAIN_WORDS = 200_000


def made_up_words():
    parts = [c + v for c in "bdfgklmnprstvz" for v in ("a", "e", "i", "o", "u", "ai", "or")]
    return [parts[i % 98] + parts[i // 98 % 98] + (parts[i // 9604] if i >= 9604 else "")
            for i in range(PLAIN_WORDS)]


def plain_message(words, seed, number):
    """(bytes, subject, sender, random source). Word k is as frequent as 1/k."""
    source = random.Random(seed << 40 | number)
    pick = source.random
    picked = [words[int(PLAIN_WORDS ** pick()) - 1] for _ in range(30 + int(150 * pick() ** 2))]
    lines = "\n".join(" ".join(picked[i:i + 10]) for i in range(4, len(picked), 10))
    subject = f"{' '.join(picked[:4])} nr{number}"
    sender = f"{picked[0]}.{picked[1]}@example.org"
    date = date_text(FIRST_UNIX + int(SPAN * pick()))
    head = (f"From: {picked[0].title()} {picked[1].title()} <{sender}>\n"
            f"To: archive@example.org\nSubject: {subject}\nDate: {date}\n"
            f"Message-ID: <{seed}.{number}@example.org>\nMIME-Version: 1.0\n"
            "Content-Type: text/plain; charset=us-ascii\n\n")
    return f"{head}{lines}\n".encode("ascii"), subject, sender, source


def plain(tree, args):
    words = made_up_words()
    for number in range(args.first, args.first + args.count):
        data, subject, sender, source = plain_message(words, args.seed, number)
        unix = FIRST_UNIX + int(SPAN * source.random())
        folder = PLAIN_FOLDERS[source.randrange(len(PLAIN_FOLDERS))]
        letters = ("", "S", "S", "S", "FS", "RS")[source.randrange(6)]
        sent = data.replace(b"\n", b"\r\n")
        file = tree.add(folder, number, data, len(sent), letters, unix)
        if args.manifest:
            yield {"folder": folder, "file": file, "sha256": hashlib.sha256(sent).hexdigest(),
                   "size": len(sent), "flags": flag_names(letters), "internaldate": iso(unix),
                   "message-id": f"<{args.seed}.{number}@example.org>", "subject": subject,
                   "from": sender, "kind": "plain"}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--maildir", metavar="DIR")
    parser.add_argument("--eml", metavar="DIR")
    parser.add_argument("--manifest", metavar="FILE")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--appendable", action="store_true")
    parser.add_argument("--kinds", action="store_true")
    args = parser.parse_args()
    if not args.kinds and bool(args.maildir) == bool(args.eml):
        parser.error("either --maildir or --eml")
    return args


def main():
    args = arguments()
    if args.kinds:
        print("\n".join(ORDER))
        return
    tree = Maildir(args.maildir) if args.maildir else EmlTree(args.eml)
    tree.folder("INBOX")
    with open(args.manifest or os.devnull, "w", encoding="utf-8") as manifest:
        for entry in plain(tree, args) if args.plain else varied(tree, args):
            manifest.write(json.dumps(entry, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
