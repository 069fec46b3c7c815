#!/usr/bin/python3
"""The well-behaved half of scripted.py: accounts, their mail, and one IMAP session.

Behaviours (behaviours.py) are subclasses of Session that override its methods.
"""
import base64
import binascii
import calendar
import email.utils
import hashlib
import json
import pathlib
import random
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "mail"))
import foldername

CAPABILITIES = ["IMAP4rev1", "AUTH=PLAIN", "SASL-IR", "LITERAL+", "UIDPLUS", "ESEARCH", "ID",
                "QUOTA", "NAMESPACE"]
FLAGS = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"]
LETTERS = {"D": "\\Draft", "F": "\\Flagged", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"}


# ---- mail ----

class Message:
    def __init__(self, uid, data, flags=(), date=0):
        self.uid, self.data, self.flags, self.date = uid, data, set(flags), date

    @property
    def header(self):
        return self.data.partition(b"\r\n\r\n")[0] + b"\r\n"

    def fields(self, names):
        """The header fields of those names, and the empty line."""
        wanted = "|".join(re.escape(name) for name in names).encode()
        found = re.findall(rb"^(?:" + wanted + rb")[ \t]*:.*\r\n(?:[ \t].*\r\n)*", self.header,
                           re.I | re.M)
        return b"".join(found) + b"\r\n"

    def describe(self, folder):
        got = re.search(rb"^message-id[ \t]*:(.*)", self.header, re.I | re.M)
        return {
            "folder": folder.shown, "uid": self.uid, "uidvalidity": folder.validity,
            "flags": sorted(self.flags), "size": len(self.data),
            "internaldate": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.date)),
            "sha256": hashlib.sha256(self.data).hexdigest(),
            "message-id": got[1].decode("latin-1").strip() if got else None}


class Folder:
    def __init__(self, name, validity=1000):
        self.name, self.validity, self.next_uid, self.messages = name, validity, 1, []
        self.attributes = b""

    @property
    def shown(self):
        return foldername.decode(self.name.decode("latin-1"))

    def add(self, data, flags=(), date=0, uid=None):
        message = Message(uid or self.next_uid, data, flags, date)
        self.next_uid = max(self.next_uid, message.uid + 1)
        self.messages.append(message)
        return message


class Account:
    def __init__(self, user, directory):
        self.user, self.directory = user, directory
        self.folders = {}
        self.memory = {}  # what behaviours remember of it from connection to connection
        self.ever = {}

    def folder(self, name):
        if name.upper() == b"INBOX":
            name = b"INBOX"
        return self.folders.get(name)

    def make(self, name):
        return self.folders.setdefault(name, Folder(name, 1000 + len(self.folders)))

    def write(self):
        now = [(folder, message) for folder in self.folders.values()
               for message in folder.messages]
        lines = [json.dumps(message.describe(folder), sort_keys=True) for folder, message in now]
        self.ever.update((line, None) for line in lines)
        for kind, text in (("now", lines), ("ever", self.ever)):
            path = self.directory / f"{self.user}.{kind}"
            part = path.with_suffix(".part")
            part.write_text("".join(line + "\n" for line in text))
            part.replace(path)


def made_up(number):
    """Message number N: the same every time. Some have no Message-ID, some speak IMAP."""
    source = random.Random(number)
    date = 1325376000 + number * 86400 + source.randrange(80000)
    lines = ["From: a <a@example.org>", "To: b@example.org", f"Subject: message {number}",
             "Date: " + email.utils.formatdate(date)]
    if number % 10 != 9:
        lines.append(f"Message-ID: <{number}.{source.randrange(10**9)}@example.org>")
    lines.append("")
    lines += [" ".join(source.choices(["lorem", "ipsum", "dolor", "sit"], k=9))
              for _ in range(source.randrange(1, 60))]
    if number % 7 == 3:
        lines += [")", "* 5 EXPUNGE", "* BYE so long", "A0001 OK FETCH completed",
                  "* 1 FETCH (UID 1 FLAGS (\\Deleted))", "{1000000}", "+ go ahead"]
    flags = {"\\Seen"} if number % 3 else set()
    if number % 13 == 12:
        flags.add("\\Flagged")
    return "\r\n".join(lines).encode() + b"\r\n", flags, date


def furnish_made_up(account, count):
    for name in (b"INBOX", b"Archive", b"Lists/dev"):
        account.make(name)
    for number in range(count):
        name = (b"INBOX", b"INBOX", b"INBOX", b"Archive", b"Lists/dev")[number % 5]
        account.folders[name].add(*made_up(number))


def furnish_maildir(account, root):
    account.make(b"INBOX")
    for path in sorted(pathlib.Path(root).glob("**/cur")):
        below = str(path.parent.relative_to(root))
        name = "INBOX" if below == "." else below.lstrip(".").replace(".", "/")
        folder = account.make(name.encode())
        for file in sorted(path.iterdir()):
            letters = file.name.partition(":2,")[2]
            data = file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            folder.add(data, [LETTERS[x] for x in letters if x in LETTERS],
                       int(file.stat().st_mtime))


# ---- the wire ----

class Lost(Exception):
    """The connection is to end now."""


def quoted(data):
    if isinstance(data, str):
        data = data.encode()
    if re.search(rb"[\r\n\0\x80-\xff]", data):
        return b"{%d}\r\n" % len(data) + data
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", data) + b'"'


def date_time(unix):
    return time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(unix)).encode()


def unix_of(text):
    stamp, zone = text.strip().rsplit(" ", 1)
    sign = -1 if zone[0] == "-" else 1
    epoch = calendar.timegm(time.strptime(stamp.strip(), "%d-%b-%Y %H:%M:%S"))
    return epoch - sign * (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60)


TOKEN = re.compile(
    rb'(?P<item>[A-Za-z0-9.]+\[[^\]]*\](?:<[\d.]+>)?)|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<paren>[()])'
    rb'|\0(?P<literal>\d+)\0|(?P<atom>[^\s()"\0]+)')


def parse(line, literals):
    """Nested lists for parentheses, str for atoms, bytes for strings."""
    stack = [[]]
    for got in TOKEN.finditer(line):
        if got["paren"] == b"(":
            stack.append([])
        elif got["paren"]:
            done = stack.pop()
            stack[-1].append(done)
        elif got["quoted"] is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", got["quoted"]))
        elif got["literal"]:
            stack[-1].append(literals[int(got["literal"])])
        else:
            stack[-1].append((got["item"] or got["atom"]).decode("latin-1"))
    return stack[0]


def raw(word):
    return word if isinstance(word, bytes) else word.encode("latin-1")


def in_set(text, number, last):
    for part in text.split(","):
        first, _, end = part.partition(":")
        a, b = (last if x == "*" else int(x) for x in (first, end or first))
        if min(a, b) <= number <= max(a, b):
            return True
    return False


def ranges(numbers):
    out = []
    for number in sorted(numbers):
        if out and number == out[-1][1] + 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in out)


class Session:
    """One connection. Behaviours override its methods."""

    names = ()   # of its behaviours
    values = {}  # what stood behind NAME=

    def __init__(self, server, reader, writer, is_secure):
        self.server, self.reader, self.writer = server, reader, writer
        self.is_secure = is_secure
        self.connection = server.next_number()
        self.account = self.folder = None
        self.tag = self.pending_note = ""
        self.is_writable = False
        self.sent = 0

    # -- in and out --

    async def send(self, data):
        self.sent += len(data)
        self.writer.write(data)
        await self.writer.drain()

    async def line(self, text):
        await self.send((text if isinstance(text, bytes) else text.encode()) + b"\r\n")

    def log(self, text):
        name = self.account.user if self.account else "nobody"
        with open(self.server.directory / f"{name}.log", "a", encoding="latin-1") as log:
            log.write(f"{self.connection} {text}\n")

    async def read_line(self):
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise Lost
        return line.rstrip(b"\r\n")

    async def read_literal(self, announced):
        data = await self.reader.readexactly(announced)
        return data

    async def read_command(self):
        """(tag, name, arguments)"""
        line, literals, shown = b"", [], b""
        while True:
            part = await self.read_line()
            got = re.search(rb"\{(\d+)(\+?)\}$", part)
            if not got:
                line, shown = line + part, shown + part
                break
            shown += part
            refused = await self.refuse_literal(line + part)
            if refused and not got[2]:
                self.note(shown)
                await self.line((line + part).split(b" ", 1)[0] + b" " + refused.encode())
                line, literals, shown = b"", [], b""
                continue
            if not got[2]:
                await self.line("+ go ahead")
            literals.append(await self.read_literal(int(got[1])))
            line += part[:got.start()] + b"\0%d\0" % (len(literals) - 1)
        self.note(shown)
        words = parse(line, literals)
        if len(words) < 2:
            return (raw(words[0]) if words else b"*"), "", []
        return raw(words[0]), str(words[1]).upper(), words[2:]

    def note(self, line):
        text = line.decode("latin-1").partition(" ")[2]
        text = re.sub(r"^((?:LOGIN|AUTHENTICATE PLAIN)\b).*", r"\1", text, flags=re.I)
        self.pending_note = text
        if self.account:
            self.log(text)

    async def refuse_literal(self, _line):
        """NO or BAD text instead of "+", or None."""

    # -- a connection --

    async def run(self):
        await self.greet()
        while True:
            tag, name, words = await self.read_command()
            await self.obey(tag, name, words)
            if name == "LOGOUT":
                return

    async def greet(self):
        await self.line("* OK ready")

    async def obey(self, tag, name, words):
        self.tag = tag.decode("latin-1")
        if name == "UID" and words:
            name, words = "UID_" + str(words[0]).upper(), words[1:]
        method = getattr(self, "do_" + name.lower(), None)
        if not method:
            await self.line(tag + b" BAD no such command")
            return
        needs_login = name not in ("CAPABILITY", "LOGIN", "AUTHENTICATE", "LOGOUT", "NOOP")
        if needs_login and not self.account:
            await self.line(tag + b" BAD log in first")
            return
        if not self.folder and (name.startswith("UID_") or name in ("FETCH", "EXPUNGE", "CLOSE")):
            await self.line(tag + b" BAD no folder is open")
            return
        answer = await method(words)
        await self.answer(tag, name, answer or "OK done")

    async def answer(self, tag, _name, text):
        await self.line(tag + b" " + (text if isinstance(text, bytes) else text.encode()))

    # -- any state --

    def capabilities(self):
        if not self.is_secure:
            return ["IMAP4rev1", "STARTTLS", "LOGINDISABLED"]
        return list(CAPABILITIES)

    async def do_capability(self, _words):
        await self.line("* CAPABILITY " + " ".join(self.capabilities()))

    async def do_noop(self, _words):
        pass

    async def do_logout(self, _words):
        await self.line("* BYE so long")

    async def do_id(self, _words):
        await self.line('* ID ("name" "scripted")')

    async def begin_tls(self, tag):
        """On the plain listener: True when the handshake may begin."""
        await self.line(tag + b" OK begin")
        return True

    def refuse_login(self):
        """NO text, or None."""

    def enter(self, user, password):
        if not re.fullmatch(r"[a-z0-9._-]+", user) or password != "pass":
            return "NO [AUTHENTICATIONFAILED] wrong user name or password"
        refused = self.refuse_login()
        if refused:
            return refused
        self.account = self.server.account(user)
        self.log(self.pending_note)
        done = self.account.memory.setdefault("furnished", set())
        for item in self.values.items():
            if item not in done:
                done.add(item)
                self.furnish(self.account)
                self.account.write()
        return "OK welcome"

    def furnish(self, account):
        """Once for each account, at the first login with the behaviour and its value."""

    async def do_login(self, words):
        return self.enter(*(raw(word).decode("latin-1") for word in words[:2]))

    async def do_authenticate(self, words):
        if len(words) > 1:
            reply = raw(words[1])
        else:
            await self.send(b"+ \r\n")
            reply = await self.read_line()
        try:
            _, user, password = base64.b64decode(reply).decode("latin-1").split("\0")
        except (ValueError, binascii.Error):
            return "BAD that is no PLAIN"
        return self.enter(user, password)

    # -- folders --

    def listed(self):
        """(attributes, delimiter, name) of each folder."""
        return [(folder.attributes, b'"/"', folder.name)
                for folder in self.account.folders.values()]

    async def do_list(self, words):
        if len(words) > 1 and words[1] == b"":
            await self.line(b'* LIST (\\Noselect) "/" ""')
            return
        for attributes, delimiter, name in self.listed():
            await self.line(b"* LIST (" + attributes + b") " + delimiter + b" " + quoted(name))

    async def do_namespace(self, _words):
        await self.line('* NAMESPACE (("" "/")) NIL NIL')

    def state_of(self, folder):
        """What STATUS tells: name -> number."""
        return {"MESSAGES": len(folder.messages), "UIDNEXT": folder.next_uid,
                "UIDVALIDITY": folder.validity}

    def refuse_folder(self, _command, _folder):
        """NO text, or None."""

    async def do_status(self, words):
        folder = self.account.folder(raw(words[0]))
        if not folder:
            return "NO [NONEXISTENT] no such folder"
        refused = self.refuse_folder("STATUS", folder)
        if refused:
            return refused
        told = self.state_of(folder)
        told = " ".join(f"{name} {told[name]}" for name in words[1] if name in told)
        await self.line(b"* STATUS " + quoted(folder.name) + f" ({told})".encode())

    def permanent(self, _folder):
        return " ".join(FLAGS) + " \\*"

    def selected_lines(self, folder):
        lines = [f"* FLAGS ({' '.join(FLAGS)})", f"* {len(folder.messages)} EXISTS", "* 0 RECENT",
                 f"* OK [UIDVALIDITY {folder.validity}] valid",
                 f"* OK [UIDNEXT {folder.next_uid}] next"]
        if self.is_writable:
            lines.append(f"* OK [PERMANENTFLAGS ({self.permanent(folder)})] kept")
        return lines

    async def select(self, words, is_writable):
        self.folder = None
        folder = self.account.folder(raw(words[0]))
        if not folder:
            return "NO [NONEXISTENT] no such folder"
        refused = self.refuse_folder("SELECT" if is_writable else "EXAMINE", folder)
        if refused:
            return refused
        self.folder, self.is_writable = folder, is_writable
        self.before_select()
        for line in self.selected_lines(self.folder):
            await self.line(line)
        return f"OK [READ-{'WRITE' if self.is_writable else 'ONLY'}] open"

    def before_select(self):
        pass

    async def do_select(self, words):
        return await self.select(words, True)

    async def do_examine(self, words):
        return await self.select(words, False)

    async def do_create(self, words):
        name = raw(words[0])
        if self.account.folder(name):
            return "NO [ALREADYEXISTS] it exists"
        self.account.make(name)

    async def do_subscribe(self, _words):
        pass

    async def do_getquotaroot(self, words):
        used = sum(len(message.data) for folder in self.account.folders.values()
                   for message in folder.messages) // 1024
        await self.line(b"* QUOTAROOT " + quoted(raw(words[0])) + b' ""')
        await self.line(f'* QUOTA "" (STORAGE {used} 1000000)')

    # -- messages --

    def chosen(self, text, by_uid):
        """(sequence number, message) for a set."""
        messages = self.folder.messages
        last = (messages[-1].uid if by_uid else len(messages)) if messages else 0
        return [(number, message) for number, message in enumerate(messages, 1)
                if in_set(text, message.uid if by_uid else number, last)]

    def fetch_values(self, message, items):
        """(name, value) of each item."""
        out = []
        for item in items:
            name = item.upper().replace("BODY.PEEK[", "BODY[")
            if name == "UID":
                value = b"%d" % message.uid
            elif name == "FLAGS":
                value = b"(" + " ".join(sorted(message.flags)).encode() + b")"
            elif name == "INTERNALDATE":
                value = b'"' + date_time(message.date) + b'"'
            elif name == "RFC822.SIZE":
                value = b"%d" % len(message.data)
            elif name == "BODY[]":
                value = b"{%d}\r\n" % len(message.data) + message.data
            elif name == "BODY[HEADER]":
                data = message.header + b"\r\n"
                value = b"{%d}\r\n" % len(data) + data
            elif name.startswith("BODY[HEADER.FIELDS"):
                data = message.fields(re.search(r"\(([^)]*)", name)[1].split())
                value = b"{%d}\r\n" % len(data) + data
            else:
                continue
            out.append((name.encode(), value))
        return out

    async def fetch_one(self, number, message, values):
        text = b" ".join(name + b" " + value for name, value in values)
        await self.send(b"* %d FETCH (" % number + text + b")\r\n")

    async def fetch(self, words, by_uid):
        items = words[1] if isinstance(words[1], list) else [words[1]]
        if by_uid and "UID" not in items:
            items = ["UID", *items]
        chosen = self.chosen(words[0], by_uid)
        refused = self.refuse_fetch(chosen, items)
        if refused:
            return refused
        for number, message in self.fetch_order(chosen):
            if any(item.upper().startswith("BODY[") for item in items):
                message.flags.add("\\Seen")
            await self.fetch_one(number, message, self.fetch_values(message, items))

    def refuse_fetch(self, _chosen, _items):
        """NO text, or None."""

    def fetch_order(self, chosen):
        return chosen

    async def do_fetch(self, words):
        return await self.fetch(words, False)

    async def do_uid_fetch(self, words):
        return await self.fetch(words, True)

    def found(self):
        return [message.uid for message in self.folder.messages]

    async def do_uid_search(self, words):
        words = [word for word in words if word != "ALL"]
        uids = self.found()
        if words and words[0] == "RETURN":
            told = f" ALL {ranges(uids)}" if uids else ""
            await self.line(f'* ESEARCH (TAG "{self.tag}") UID{told}')
        else:
            await self.line("* SEARCH" + "".join(f" {uid}" for uid in uids))

    def refuse_change(self, _command, _chosen):
        """NO text, or None."""

    async def do_uid_store(self, words):
        if not self.is_writable:
            return "NO [READ-ONLY] the folder is open read-only"
        chosen = self.chosen(words[0], True)
        refused = self.refuse_change("STORE", chosen)
        if refused:
            return refused
        how, flags = words[1].upper(), set(words[2] if isinstance(words[2], list) else words[2:])
        for number, message in chosen:
            if how.startswith("+"):
                message.flags |= flags
            elif how.startswith("-"):
                message.flags -= flags
            else:
                message.flags = flags
            if not how.endswith(".SILENT"):
                await self.fetch_one(number, message, self.fetch_values(message, ["UID", "FLAGS"]))
        self.account.write()

    def expunged(self, chosen):
        """What a UID EXPUNGE of those really deletes."""
        return [message for _, message in chosen if "\\Deleted" in message.flags]

    async def tell_expunged(self, numbers):
        for number in sorted(numbers, reverse=True):
            await self.line(f"* {number} EXPUNGE")

    async def do_uid_expunge(self, words):
        if not self.is_writable:
            return "NO [READ-ONLY] the folder is open read-only"
        chosen = self.chosen(words[0], True)
        refused = self.refuse_change("EXPUNGE", chosen)
        if refused:
            return refused
        going = self.expunged(chosen)
        messages = self.folder.messages
        numbers = [number for number, message in enumerate(messages, 1) if message in going]
        self.folder.messages = [message for message in messages if message not in going]
        self.account.write()
        await self.tell_expunged(numbers)

    async def expunge_all(self):
        messages = self.folder.messages
        self.folder.messages = [x for x in messages if "\\Deleted" not in x.flags]
        self.account.write()

    async def do_expunge(self, _words):
        await self.expunge_all()

    async def do_close(self, _words):
        await self.expunge_all()
        self.folder = None

    def refuse_append(self, _folder, _data):
        """NO text, or None."""

    def keep_appended(self, folder, data, flags, date):
        return folder.add(data, flags, date)

    def appended_answer(self, folder, message):
        return f"OK [APPENDUID {folder.validity} {message.uid}] taken"

    async def do_append(self, words):
        folder, data = self.account.folder(raw(words[0])), words[-1]
        if not folder:
            return "NO [TRYCREATE] no such folder"
        flags = next((word for word in words[1:-1] if isinstance(word, list)), [])
        date = next((unix_of(word.decode()) for word in words[1:-1] if isinstance(word, bytes)),
                    int(time.time()))
        refused = self.refuse_append(folder, data)
        if refused:
            return refused
        message = self.keep_appended(folder, data, flags, date)
        self.account.write()
        return self.appended_answer(folder, message)
