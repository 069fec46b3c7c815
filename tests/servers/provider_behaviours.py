#!/usr/bin/python3
"""How hosts of mail act: behaviours of scripted.py, beside those of behaviours.py.

Each login that is tried, with whatever outcome, is a line of USER.logins.
"""
import asyncio
import random
import zlib

from behaviours import Named, behaviour
from scripted_session import CAPABILITIES, Lost, made_up

# What a refused login is told.
SAID = {
    "app-password": "NO [ALERT] Application-specific password required: "
                    "https://support.google.com/accounts/answer/185833 (Failure)",
    "off": "NO [ALERT] Your account is not enabled for IMAP use. Please visit your settings.",
    "oauth": "NO AUTHENTICATE failed. LogonDenied-BasicAuthBlocked",
    "web": "NO [WEBALERT https://example.org/x] Web login required",
    "admin": "NO [CONTACTADMIN] This account is suspended",
    "wrong": "NO [AUTHENTICATIONFAILED] Invalid credentials, please try again",
    "too-many": "NO [ALERT] Too many simultaneous connections. (Failure)",
    "limit": "NO [LIMIT] LOGIN Rate limit hit",
    "inuse": "NO [INUSE] Mailbox in use",
    "overquota": "NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)",
    "backoff": "BAD Request is throttled. Suggested Backoff Time: 1200 milliseconds",
    "backoff-long": "BAD Request is throttled. Suggested Backoff Time: 299473 milliseconds",
    "busy": "NO Server Unavailable. 15",
}


class Counted(Named):
    """Notes each login that is tried."""
    def enter(self, user, password):
        with open(self.server.directory / f"{user}.logins", "a", encoding="latin-1") as logins:
            logins.write(f"{self.connection}\n")
        return super().enter(user, password)


@behaviour("login-says")
class LoginSays(Counted):
    """A login is refused with the words named VALUE; "VALUE:N": the first N only."""
    def enter(self, user, password):
        self.user = user
        return super().enter(user, password)

    def refuse_login(self):
        name, _, times = self.values["login-says"].partition(":")
        said = self.server.__dict__.setdefault("said", {})
        key = self.user, name
        said[key] = said.get(key, 0) + 1
        return SAID[name] if not times or said[key] <= int(times) else None


@behaviour("login-bye")
class LoginBye(Counted):
    """Says BYE instead of an answer to the first VALUE logins."""
    async def answer(self, tag, name, text):
        if name in ("LOGIN", "AUTHENTICATE") and self.account:
            count = self.account.memory["byes"] = self.account.memory.get("byes", 0) + 1
            if count <= self.amount("login-bye", 1):
                await self.line("* BYE [UNAVAILABLE] too many at once")
                raise Lost
        await super().answer(tag, name, text)


@behaviour("calls-itself")
class CallsItself(Named):
    """ID says that the name is VALUE; "-" stands for a blank."""
    async def do_id(self, _words):
        name = self.values["calls-itself"].replace("-", " ")
        await self.line(f'* ID ("name" "{name}" "version" "1.2 (3)")')


class Texts(Counted):
    """Something happens to a FETCH of texts; how often it came is counted for the account."""
    def is_of_texts(self, words):
        items = words[1] if isinstance(words[1], list) else [words[1]]
        return any(item.upper() == "BODY.PEEK[]" for item in items)

    def count(self):
        memory = self.account.memory
        memory["texts"] = memory.get("texts", 0) + 1
        return memory["texts"]

    async def do_uid_fetch(self, words):
        if self.is_of_texts(words):
            answer = await self.disturb(self.count())
            if answer:
                return answer
        return await super().do_uid_fetch(words)

    async def disturb(self, number):
        """An answer instead of the texts, or None."""


@behaviour("texts-throttled")
class TextsThrottled(Texts):
    """A FETCH of texts is answered NO [THROTTLED], the first VALUE times."""
    said = "NO [THROTTLED] Request rate too high"

    async def disturb(self, number):
        return self.said if number <= self.amount(self.name, 10**9) else None


@behaviour("texts-limited")
class TextsLimited(TextsThrottled):
    """A FETCH of texts is answered NO [LIMIT], the first VALUE times."""
    said = "NO [LIMIT] UID FETCH Rate limit hit"


@behaviour("texts-at-most")
class TextsAtMost(Texts):
    """A FETCH of texts of more than VALUE messages is answered NO [LIMIT]."""
    async def do_uid_fetch(self, words):
        if (self.is_of_texts(words)
                and len(self.chosen(words[0], True)) > self.amount("texts-at-most")):
            return "NO [LIMIT] too many messages at once"
        return await super().do_uid_fetch(words)


@behaviour("throttled-bye")
class ThrottledBye(Texts):
    """Every second FETCH of texts ends with BYE, in the middle; VALUE times."""
    async def disturb(self, number):
        if number % 2 == 0 and number <= 2 * self.amount("throttled-bye"):
            await self.line("* BYE Request is throttled. Suggested Backoff Time: 20 milliseconds")
            raise Lost


class Expires(Texts):
    """After three FETCH of texts a login does not count any more; once."""
    async def disturb(self, number):
        if number == 2 and self.first_time(self.name):
            return await self.expire()
        return None


@behaviour("token-expires")
class TokenExpires(Expires):
    """The second FETCH of texts is NO: the token has expired, and so is all that follows."""
    is_expired = False

    async def expire(self):
        self.is_expired = True

    async def answer(self, tag, name, text):
        if self.is_expired and name != "LOGOUT":
            text = "NO [AUTHENTICATIONFAILED] the access token has expired"
        await super().answer(tag, name, text)


@behaviour("token-bye")
class TokenBye(Expires):
    """The second FETCH of texts ends in the middle: BYE, AccessTokenExpired."""
    async def expire(self):
        await self.line("* BYE Session invalidated - AccessTokenExpired")
        raise Lost


@behaviour("not-connected")
class NotConnected(Expires):
    """The second FETCH of texts is BAD: authenticated but not connected, and so is what follows."""
    is_expired = False

    async def expire(self):
        self.is_expired = True

    async def answer(self, tag, name, text):
        if self.is_expired and name != "LOGOUT":
            text = "BAD User is authenticated but not connected."
        await super().answer(tag, name, text)


@behaviour("loris-greeting")
class LorisGreeting(Named):
    """The greeting comes at four bytes a second, and never ends."""
    async def greet(self):
        await self.send(b"* OK ")
        while True:
            await self.send(b"x")
            await asyncio.sleep(0.25)


@behaviour("loris-list")
class LorisList(Named):
    """The answer to LIST comes at four bytes a second, and never ends."""
    async def do_list(self, words):
        await self.send(b"* LIST () ")
        while True:
            await self.send(b" ")
            await asyncio.sleep(0.25)


# ---- whole hosts ----

@behaviour("gmail")
class Gmail(Counted):
    """Labels: all mail in [Gmail]/All Mail, the same messages in INBOX and other folders; views."""
    views = ((b"[Gmail]/All Mail", b"\\All"), (b"[Gmail]/Starred", b"\\Flagged"),
             (b"[Gmail]/Important", b"\\Important"))

    def capabilities(self):
        if not self.is_secure:
            return super().capabilities()
        return [x for x in CAPABILITIES if x not in ("LITERAL+", "ESEARCH")] + [
            "X-GM-EXT-1", "CHILDREN", "XLIST", "UNSELECT", "IDLE", "MOVE", "LITERAL-",
            "APPENDLIMIT=35651584"]

    async def do_id(self, _words):
        await self.line('* ID ("name" "GImap" "vendor" "Google, Inc." "version" "gmail_imap_1")')

    def furnish(self, account):
        super().furnish(account)
        labelled = [x for folder in list(account.folders.values()) for x in folder.messages]
        for name, attribute in self.views:
            folder = account.make(name)
            folder.attributes = b"\\HasNoChildren " + attribute
            for number, message in enumerate(labelled):
                if attribute == b"\\All" or number % 4 == 1:
                    folder.add(message.data, message.flags, message.date)
        for name, attribute in ((b"[Gmail]/Trash", b"\\Trash"), (b"[Gmail]/Spam", b"\\Junk")):
            account.make(name).attributes = b"\\HasNoChildren " + attribute

    def fetch_values(self, message, items):
        values = super().fetch_values(message, items)
        if "X-GM-MSGID" in [item.upper() for item in items]:
            values.append((b"X-GM-MSGID", b"%d" % (10**18 + zlib.crc32(message.data))))
        return values


@behaviour("views")
class Views(Counted):
    """Folders that show what is in others: \\All and \\Flagged; VALUE messages are in \\All alone."""
    def furnish(self, account):
        super().furnish(account)
        held = [x for folder in list(account.folders.values()) for x in folder.messages]
        for name, attribute in ((b"virtual/all", b"\\All"), (b"virtual/flagged", b"\\Flagged")):
            folder = account.make(name)
            folder.attributes = attribute
            for message in held:
                if attribute == b"\\All" or "\\Flagged" in message.flags:
                    folder.add(message.data, message.flags, message.date)
        for number in range(self.amount("views")):
            account.folders[b"virtual/all"].add(*made_up(8000 + number))


@behaviour("exchange")
class Exchange(Counted):
    """Sizes are estimates; UID VALUE (or 0: none) has another boundary at each FETCH; folders of
    other things; no NAMESPACE."""
    def capabilities(self):
        if not self.is_secure:
            return super().capabilities()
        return ["IMAP4", "IMAP4rev1", "AUTH=PLAIN", "AUTH=XOAUTH2", "SASL-IR", "UIDPLUS", "MOVE",
                "ID", "UNSELECT", "CLIENTACCESSRULES", "CLIENTNETWORKPRESENCELOCATION",
                "BACKENDAUTHENTICATE", "CHILDREN", "IDLE", "NAMESPACE", "LITERAL+"]

    async def do_id(self, _words):
        await self.line(
            '* ID ("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "15.20")')

    async def do_namespace(self, _words):
        return "BAD Command Argument Error. 11"

    def furnish(self, account):
        super().furnish(account)
        for name in (b"Calendar", b"Contacts", b"Sync Issues"):
            account.make(name)

    def fetch_values(self, message, items):
        out = []
        for name, value in super().fetch_values(message, items):
            if name == b"RFC822.SIZE":
                value = b"%d" % (len(message.data) + 1 + message.uid % 50)
            elif name == b"BODY[]" and message.uid == self.amount("exchange"):
                data = message.data + b"--_000_%d_\r\n" % random.randrange(10**12)
                value = b"{%d}\r\n" % len(data) + data
            out.append((name, value))
        return out


@behaviour("yahoo")
class Yahoo(Counted):
    """At most VALUE messages in an answer to FETCH, without a word about the rest; newest first."""
    def capabilities(self):
        if not self.is_secure:
            return super().capabilities()
        return ["IMAP4rev1", "SASL-IR", "AUTH=PLAIN", "AUTH=XOAUTH2", "ID", "MOVE", "NAMESPACE",
                "XYMHIGHESTMODSEQ", "UIDPLUS", "LITERAL+", "CHILDREN", "X-MSG-EXT"]

    async def do_id(self, _words):
        await self.line('* ID ("vendor" "Yahoo! Inc." "support-url" "http://help.yahoo.com/")')

    def fetch_order(self, chosen):
        return super().fetch_order(chosen)[::-1][:self.amount("yahoo", 1000)]


@behaviour("icloud")
class Icloud(Counted):
    """QRESYNC is offered, not enabled, and lies; RFC822 is empty; the first BODY[] of each
    message is NIL."""
    def capabilities(self):
        if not self.is_secure:
            return super().capabilities()
        return ["XAPPLEPUSHSERVICE", "IMAP4", "IMAP4rev1", "SASL-IR", "AUTH=PLAIN", "ENABLE",
                "ESEARCH", "ID", "QRESYNC", "CONDSTORE", "UIDPLUS", "UNSELECT", "NAMESPACE",
                "CHILDREN", "QUOTA", "XAPPLELITERAL"]

    async def do_enable(self, _words):
        pass

    def state_of(self, folder):
        return {**super().state_of(folder), "HIGHESTMODSEQ": 1000 + folder.next_uid}

    async def select(self, words, is_writable):
        answer = await super().select(words, is_writable)
        if self.folder:
            await self.line(f"* OK [HIGHESTMODSEQ {1000 + self.folder.next_uid}] so far")
        if self.folder and len(words) > 1:
            await self.line("* VANISHED (EARLIER) 1:1000")
        return answer

    def fetch_values(self, message, items):
        values = super().fetch_values(message, items)
        if any(name == b"BODY[]" for name, _ in values) and self.first_time(
                ("nil", self.folder.name, message.uid)) and message.uid % 3 == 0:
            values = [(n, b"NIL" if n == b"BODY[]" else v) for n, v in values]
        return values
