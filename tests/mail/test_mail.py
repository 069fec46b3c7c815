#!/usr/bin/python3
"""Tests of the tools in this folder. Mail is read back with Python's own email package."""
import collections
import email
import email.policy
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unicodedata
import unittest

sys.dont_write_bytecode = True
import compare
import foldername
import generate
import imapdump
import letter
from kinds import KINDS
from words import WORDS

HERE = pathlib.Path(__file__).resolve().parent
# Kinds whose text a correct reader finds as the manifest tells it; in the others something is
# broken on purpose, or the words stand in a part that readers treat each in their own way.
UNREADABLE = {"unknown-charset", "odd-headers", "no-headers", "latin1-header", "signed", "bounce",
              "broken-quoted-printable", "control-characters", "uuencode", "html", "alternative",
              "nested", "related", "empty", "one-byte", "boundary-prefix", "utf8-header",
              "no-boundary", "wrong-charset"}


def folded(word):
    apart = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))


class Tree:
    """What one run of generate.py wrote."""

    def __init__(self, *options, form="--maildir"):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name, "mail")
        manifest = pathlib.Path(self.folder.name, "manifest")
        subprocess.run([HERE / "generate.py", form, self.root, "--manifest", manifest, *options],
                       check=True)
        self.lines = manifest.read_text(encoding="utf-8")
        self.entries = [json.loads(line) for line in self.lines.splitlines()]

    def data(self, entry):
        return (self.root / entry["file"]).read_bytes()

    def digest(self):
        """Of names, bytes and times of all files."""
        total = hashlib.sha256()
        for path in sorted(self.root.rglob("*")):
            if path.is_file():
                total.update(f"{path.relative_to(self.root)}\n{len(path.read_bytes())}\n".encode())
                total.update(path.read_bytes())
        for entry in self.entries:
            total.update(f"{os.stat(self.root / entry['file']).st_mtime_ns}\n".encode())
        return total.hexdigest()

    def of_kind(self, name):
        return [entry for entry in self.entries if entry["kind"] == name]


def setUpModule():
    global tree
    tree = Tree("--seed", "1", "--count", "300")


def tearDownModule():
    tree.folder.cleanup()


class Case(unittest.TestCase):
    def fresh(self, *options, **form):
        made = Tree(*options, **form)
        self.addCleanup(made.folder.cleanup)
        return made


class Determinism(Case):
    def test_same_seed_same_bytes(self):
        again = self.fresh("--seed", "1", "--count", "300")
        self.assertEqual(again.lines, tree.lines)
        self.assertEqual(again.digest(), tree.digest())

    def test_other_seed_other_mail(self):
        other = self.fresh("--seed", "2", "--count", "90")
        ours = {entry["sha256"] for entry in tree.entries if entry["size"] > 1}
        theirs = {entry["sha256"] for entry in other.entries if entry["size"] > 1}
        self.assertFalse(ours & theirs)

    def test_a_message_does_not_depend_on_the_others(self):
        later = self.fresh("--seed", "1", "--first", "120", "--count", "40")
        self.assertEqual(later.entries, tree.entries[120:160])

    def test_what_cannot_be_appended_can_be_left_out(self):
        fewer = self.fresh("--seed", "1", "--count", "300", "--appendable")
        gone = {"empty", "bare-cr", "ends-in-cr", "received-2040"}
        changed = {entry["sha256"] for entry in tree.entries if entry["kind"] in gone}
        self.assertEqual(fewer.entries, [entry for entry in tree.entries
                                         if entry["sha256"] not in changed])
        self.assertLess(len(fewer.entries), 300)

    def test_plain_mode(self):
        options = ("--seed", "3", "--count", "500", "--plain")
        one, two = self.fresh(*options), self.fresh(*options)
        self.assertEqual((one.lines, one.digest()), (two.lines, two.digest()))
        bodies = {one.data(entry).partition(b"\n\n")[2] for entry in one.entries}
        self.assertEqual(len(bodies), 500)
        self.assertEqual(len({entry["folder"] for entry in one.entries}), 20)


class Content(Case):
    def test_every_kind_is_there(self):
        counts = collections.Counter(entry["kind"] for entry in tree.entries)
        self.assertEqual(set(counts), set(KINDS) | set(generate.COPIES))
        self.assertEqual(counts.most_common(1)[0][0], "plain")
        self.assertEqual([entry["kind"] for entry in tree.entries[:len(counts)]], generate.ORDER)

    def test_manifest_tells_the_bytes_that_dovecot_sends(self):
        for entry in tree.entries:
            sent = tree.data(entry).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            self.assertEqual(hashlib.sha256(sent).hexdigest(), entry["sha256"], entry["kind"])
            self.assertEqual(len(sent), entry["size"])
            self.assertNotIn(b"\0", sent)

    def test_manifest_lists_every_file(self):
        files = {str(path.relative_to(tree.root)) for path in tree.root.rglob("*")
                 if path.is_file() and path.parent.name in ("cur", "new", "tmp")}
        self.assertEqual(files, {entry["file"] for entry in tree.entries})

    def test_dates_of_arrival(self):
        years = collections.Counter(entry["internaldate"][:4] for entry in tree.entries)
        self.assertEqual(set(years), {str(year) for year in range(2013, 2025)} | {"1970", "2040"})
        for entry in tree.entries:
            mtime = os.stat(tree.root / entry["file"]).st_mtime
            self.assertEqual(generate.iso(mtime), entry["internaldate"])

    def test_flags(self):
        names = {"D": "\\Draft", "F": "\\Flagged", "R": "\\Answered", "S": "\\Seen",
                 "T": "\\Deleted", "a": "$Forwarded", "b": "$Label1", "c": "NonJunk",
                 "d": "project-x"}
        for entry in tree.entries:
            _, _, letters = entry["file"].partition(":2,")
            self.assertEqual(sorted(names[one] for one in letters), entry["flags"])
        self.assertEqual({flag for entry in tree.entries for flag in entry["flags"]},
                         set(names.values()))
        self.assertTrue(any(entry["file"].split("/")[-2] == "new" for entry in tree.entries))

    def test_folders(self):
        on_disk = {path.name for path in tree.root.iterdir() if path.name.startswith(".")}
        self.assertLessEqual({".Archive.2019", ".Archive.2020", ".Lists.dev", ".Vertr&AOQ-ge",
                              ".R&-D", ".Empty", ".two words"}, on_disk)
        self.assertNotIn(".Archive", on_disk)
        self.assertEqual(os.listdir(tree.root / ".Empty" / "cur"), [])

    def test_message_ids(self):
        for entry in tree.entries:
            parsed = email.message_from_bytes(tree.data(entry))
            self.assertEqual(parsed["Message-ID"], entry["message-id"], entry["kind"])

    def test_copies(self):
        places = collections.defaultdict(list)
        for entry in tree.entries:
            places[entry["sha256"]].append(entry)
        for name, same in (("copy-same-folder", True), ("copy-other-folder", False)):
            for entry in tree.of_kind(name):
                originals = [one for one in places[entry["sha256"]] if one["kind"] not in
                             generate.COPIES]
                self.assertEqual(len(originals), 1)
                self.assertEqual(originals[0]["folder"] == entry["folder"], same)
        ids = collections.defaultdict(set)
        for entry in tree.entries:
            ids[entry["message-id"]].add(entry["sha256"])
        for entry in tree.of_kind("same-message-id"):
            self.assertGreater(len(ids[entry["message-id"]]), 1)

    def test_eml_files_hold_the_same_bytes(self):
        files = self.fresh("--seed", "1", "--count", "90", form="--eml")
        for entry, other in zip(tree.entries, files.entries):
            self.assertEqual(tree.data(entry), files.data(other))


def files_in(message):
    return [part.get_payload(decode=True) for part in message.walk()
            if part.get_content_disposition() == "attachment" and not part.is_multipart()]


class Encodings(unittest.TestCase):
    def base64_of(self, name):
        """The base64 lines of the kind's file, with their ends."""
        data = tree.data(tree.of_kind(name)[0])
        head = data.index(b"Content-Disposition: attachment")
        body = re.split(rb"\r?\n\r?\n", data[head:], maxsplit=1)[1]
        return re.split(rb"\r?\n(?:\r?\n)?--=_", body)[0].splitlines(keepends=True)

    def test_widths(self):
        for width in (76, 72, 64, 60):
            lines = self.base64_of(f"base64-{width}")
            self.assertEqual({len(line.strip()) for line in lines[:-1]}, {width})
        lines = self.base64_of("base64-near-4k")
        self.assertEqual({len(line.strip()) for line in lines[:-1]}, {76})
        self.assertEqual(len(self.base64_of("base64-one-line")), 1)
        self.assertGreater(len({len(line) for line in self.base64_of("base64-ragged")}), 50)

    def test_line_ends(self):
        whole = tree.data(tree.of_kind("base64-lf-only")[0])
        self.assertIn(b"MIME-Version: 1.0\r\n", whole)
        self.assertFalse(any(b"\r" in line for line in self.base64_of("base64-lf-only")))
        ends = {line[-2:] == b"\r\n" for line in self.base64_of("base64-mixed-line-ends")[:-1]}
        self.assertEqual(ends, {True, False})

    def test_not_canonical(self):
        self.assertTrue(all(line.rstrip(b"\r\n").endswith(b" \t")
                            for line in self.base64_of("base64-trailing-blanks")[:-1]))
        self.assertTrue(any(b"=" in line for line in self.base64_of("base64-inner-padding")[:-1]))
        self.assertNotIn(b"=", b"".join(self.base64_of("base64-no-padding")))
        self.assertIn(b"virus", b"".join(self.base64_of("base64-garbage")))

    def test_the_shared_files_are_few(self):
        found = [files_in(email.message_from_bytes(tree.data(entry)))[0]
                 for entry in tree.of_kind("shared-attachment")]
        self.assertGreater(len(found), 4)
        self.assertLessEqual(len(set(found)), 4)

    def test_sizes(self):
        self.assertGreater(tree.of_kind("large")[0]["size"], 4_000_000)
        self.assertGreater(max(map(len, tree.data(tree.of_kind("long-line")[0]).splitlines())),
                           99_999)
        self.assertEqual(tree.data(tree.of_kind("empty")[0]), b"")

    def test_depth(self):
        deepest = 0
        message = email.message_from_bytes(tree.data(tree.of_kind("nested")[0]))
        while message.is_multipart():
            deepest += 1
            message = next((part for part in message.get_payload() if part.is_multipart()),
                           message.get_payload(0))
        self.assertEqual(deepest, 5)


class Words(unittest.TestCase):
    def test_the_vocabulary_is_unambiguous(self):
        every = sorted(folded(word) for words in WORDS.values() for word in words)
        for word, following in zip(every, every[1:]):
            self.assertFalse(following.startswith(word), f"{word} {following}")

    def test_some_words_are_frequent_and_some_rare(self):
        counts = collections.Counter(word for entry in tree.entries for word in entry["words"])
        english = [counts[word] for word in WORDS["en"]]
        self.assertGreater(english[0], 5 * english[-1])
        self.assertGreater(min(english), 0)

    def test_a_reader_finds_the_words_of_the_manifest(self):
        every = {word for words in WORDS.values() for word in words}
        checked = 0
        for entry in tree.entries:
            if entry["kind"] in UNREADABLE | set(generate.COPIES):
                continue
            message = email.message_from_bytes(tree.data(entry), policy=email.policy.default)
            text = message["Subject"] or "" if entry["subject"] else ""
            body = message.get_body(("plain",)) if message.is_multipart() else message
            text += "\n" + (body.get_content() if body else "")
            found = {word for word in re.split(r"[\s.、。，>]+", text) if word in every}
            self.assertEqual(sorted(found), entry["words"], entry["kind"])
            checked += 1
        self.assertGreater(checked, 150)


class FolderNames(unittest.TestCase):
    def test_examples_of_the_rfc(self):
        self.assertEqual(foldername.encode("~peter/mail/台北/日本語"),
                         "~peter/mail/&U,BTFw-/&ZeVnLIqe-")
        self.assertEqual(foldername.decode("~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
                         "~peter/mail/台北/日本語")
        self.assertEqual(foldername.encode("R&D"), "R&-D")

    def test_there_and_back(self):
        for name in [*generate.FOLDERS, "&", "&&", "ä&", "a&-b", "🗑🗑"]:
            self.assertEqual(foldername.decode(foldername.encode(name)), name)

    def test_what_is_no_utf7_stays(self):
        for name in ("a&b", "&AO", "&A-", "&!!!!-"):
            self.assertEqual(foldername.decode(name), name)


class Replies(unittest.TestCase):
    def test_a_fetch_reply_with_a_literal(self):
        data = [(b'3 (UID 7 FLAGS (\\Seen $x) INTERNALDATE " 1-Feb-2003 04:05:06 +0130" '
                 b"BODY[] {5}", b"a)\r\n("), b" RFC822.SIZE 5)"]
        (item,) = imapdump.fetched(data)
        self.assertEqual(item["BODY[]"], b"a)\r\n(")
        self.assertEqual((item["UID"], item["RFC822.SIZE"]), ("7", "5"))
        self.assertEqual(item["FLAGS"], ["\\Seen", "$x"])

    def test_times(self):
        for text, unix in ((b" 1-Jan-1970 00:00:00 +0000", 0),
                           (b"05-Jan-2024 06:07:08 +0900", 1704402428),
                           (b"31-Dec-1969 19:00:01 -0500", 1)):
            self.assertEqual(imapdump.unix_of(text), unix)

    def test_message_id(self):
        self.assertEqual(imapdump.message_id(b"A: b\r\nmessage-ID:\r\n <x@y>\r\nC: d"), "<x@y>")
        self.assertIsNone(imapdump.message_id(b"X-Message-ID: <x>\r\n"))
        self.assertEqual(imapdump.header_of(b"A: b\r\n\r\nMessage-ID: <no>"), b"A: b")

    def test_line_ends(self):
        self.assertEqual(letter.crlf(b"a\nb\r\nc\rd\r\r\n\n"), b"a\r\nb\r\nc\rd\r\r\n\r\n")


class Comparing(unittest.TestCase):
    fields = ["folder", "sha256", "flags"]

    def entry(self, folder, sha256="x", flags=()):
        return {"folder": folder, "sha256": sha256, "flags": list(flags)}

    def test_order_does_not_matter_but_number_does(self):
        a = [self.entry("A"), self.entry("B"), self.entry("A")]
        self.assertEqual(compare.compare(a, a[::-1], self.fields), [])
        (line,) = compare.compare(a, a[:2], self.fields)
        self.assertTrue(line.startswith('only in A (1x): folder="A"'), line)

    def test_each_field_counts(self):
        a = [self.entry("A")]
        for other in (self.entry("B"), self.entry("A", "y"), self.entry("A", "x", ["\\Seen"])):
            self.assertEqual(len(compare.compare(a, [other], self.fields)), 2)

    def test_folders_can_be_renamed(self):
        rules = [["Old", "New/Er"]]
        self.assertEqual(compare.renamed("Old/x", rules), "New/Er/x")
        self.assertEqual(compare.renamed("Older", rules), "Older")
        self.assertEqual([one["folder"] for one in compare.below(
            [self.entry("P/a"), self.entry("Pa")], "P")], ["a"])


if __name__ == "__main__":
    unittest.main()
