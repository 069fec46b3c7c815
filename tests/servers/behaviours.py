#!/usr/bin/python3
"""What servers do wrong, or differently: the behaviours of scripted.py.

Each is a class with a name; its docstring is its description, its value stands in
self.values[name]. "once" means: once for each account, remembered from connection to connection.
"""
import asyncio
import random
import time

from scripted_session import FLAGS, Lost, Message, Session, made_up, quoted, ranges

BEHAVIOURS = {}


def behaviour(name):
    def add(cls):
        cls.name = name
        BEHAVIOURS[name] = cls
        return cls
    return add


def combine(text):
    """The class of a session that does all of "NAME[=VALUE],..."."""
    values = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        values[name] = value
    bases = (*(BEHAVIOURS[name] for name in values), Session)
    return type("Scripted", bases, {"names": tuple(values), "values": values})


def listing():
    return "\n".join(f"{name:24}{' '.join((cls.__doc__ or '').split())}"
                     for name, cls in sorted(BEHAVIOURS.items()))


class Named(Session):
    def amount(self, name, default=0):
        return int(self.values.get(name) or default)

    def first_time(self, what):
        """True the first time for this account."""
        seen = self.account.memory.setdefault("seen", set())
        is_first = what not in seen
        seen.add(what)
        return is_first

    async def drop(self):
        self.writer.transport.abort()
        raise Lost


def is_text(values):
    return any(name == b"BODY[]" for name, _ in values)


# ---- logging in ----

@behaviour("throttled")
class Throttled(Session):
    """Refuses every login with [THROTTLED]."""
    def refuse_login(self):
        return "NO [THROTTLED] Too many requests, suggested backoff 300 seconds"


@behaviour("unavailable")
class Unavailable(Session):
    """Refuses every login with [UNAVAILABLE]."""
    def refuse_login(self):
        return "NO [UNAVAILABLE] the mail store sleeps"


@behaviour("no-sasl-ir")
class NoSaslIr(Session):
    """AUTHENTICATE only with a continuation."""
    def capabilities(self):
        return [x for x in super().capabilities() if x != "SASL-IR"]


@behaviour("login-only")
class LoginOnly(Session):
    """No SASL at all: LOGIN."""
    def capabilities(self):
        return [x for x in super().capabilities() if x not in ("SASL-IR", "AUTH=PLAIN")]


@behaviour("silent")
class Silent(Session):
    """Says nothing any more after the login."""
    async def do_list(self, words):
        await asyncio.sleep(3600)


@behaviour("bye-greeting")
class ByeGreeting(Session):
    """Greets with BYE."""
    async def greet(self):
        await self.line("* BYE closed for the winter")
        raise Lost


@behaviour("no-starttls")
class NoStarttls(Session):
    """Offers no STARTTLS, and does not do it."""
    def capabilities(self):
        return [x for x in super().capabilities() if x != "STARTTLS"]

    async def begin_tls(self, tag):
        await self.line(tag + b" BAD no such command")
        return False


@behaviour("preauth")
class Preauth(Session):
    """Greets with PREAUTH, so that STARTTLS cannot be had any more."""
    async def greet(self):
        await self.line("* PREAUTH you are in")


@behaviour("starttls-injection")
class StarttlsInjection(Session):
    """Somebody between us adds a login to the answer to STARTTLS."""
    async def begin_tls(self, tag):
        await self.send(tag + b" OK begin\r\nA003 OK logged in\r\n* CAPABILITY IMAP4rev1\r\n")
        return True


# ---- the whole connection ----

@behaviour("slow")
class Slow(Named):
    """Sends the text of UID VALUE at 20 bytes a second."""
    async def fetch_one(self, number, message, values):
        if not is_text(values) or message.uid != self.amount("slow"):
            await super().fetch_one(number, message, values)
            return
        text = b" ".join(name + b" " + value for name, value in values)
        for byte in b"* %d FETCH (" % number + text + b")\r\n":
            await self.send(bytes([byte]))
            await asyncio.sleep(0.05)


@behaviour("chatter")
class Chatter(Named):
    """Says true but unasked things wherever it may."""
    async def line(self, text):
        if self.folder and not isinstance(text, bytes):
            await self.chat()
        await super().line(text)

    async def answer(self, tag, name, text):
        if self.folder:
            await self.chat()
        await super().answer(tag, name, text)

    async def fetch_one(self, number, message, values):
        await self.chat()
        await super().fetch_one(number, message, values)

    async def chat(self):
        messages = self.folder.messages
        last = messages[-1] if messages else Message(1, b"")
        flags = " ".join(sorted(last.flags))
        said = [b"* OK still here", b"* OK [ALERT] your mailbox is nearly full", b"* 0 RECENT",
                b"* %d EXISTS" % (len(messages) + 1), b"* %d EXPUNGE" % (len(messages) + 1),
                b"* FLAGS (" + " ".join(FLAGS).encode() + b")"]
        if messages:
            said.append(b"* %d FETCH (FLAGS (%s))" % (len(messages), flags.encode()))
            said.append(b"* %d FETCH (UID %d FLAGS (%s))"
                        % (len(messages), last.uid, flags.encode()))
        await self.send(b"\r\n".join(said) + b"\r\n")


@behaviour("garbage")
class Garbage(Named):
    """A line that is no IMAP before the answer to the first FETCH, once; "always": each time."""
    async def fetch(self, words, by_uid):
        if self.values["garbage"] == "always" or self.first_time("garbage"):
            await self.send(b"\x00\xff(((%PDF-1.7\r\n<html>502 Bad Gateway</html>\r\n")
        return await super().fetch(words, by_uid)


@behaviour("long-line")
class LongLine(Named):
    """A line of VALUE MB in the answer to the first listing, once."""
    async def fetch(self, words, by_uid):
        if self.first_time("long-line"):
            await self.send(b"* OK ")
            for _ in range(self.amount("long-line", 100)):
                await self.send(b"x" * 1_000_000)
            await self.send(b"\r\n")
        return await super().fetch(words, by_uid)


@behaviour("drop-after")
class DropAfter(Named):
    """The connection is lost after VALUE bytes of texts, on every connection."""
    async def fetch_one(self, number, message, values):
        limit = self.amount("drop-after")
        text = b" ".join(name + b" " + value for name, value in values)
        data = b"* %d FETCH (" % number + text + b")\r\n"
        if is_text(values) and self.sent + len(data) > limit:
            await self.send(data[:max(0, limit - self.sent)])
            await self.drop()
        await self.send(data)


@behaviour("drop-once")
class DropOnce(Named):
    """The connection is lost in the middle of the text of UID VALUE, once."""
    async def fetch_one(self, number, message, values):
        if is_text(values) and message.uid == self.amount(self.name) and self.breaks():
            data = b"* %d FETCH (UID %d BODY[] {%d}\r\n" % (
                number, message.uid, len(message.data))
            await self.send(data + message.data[:len(message.data) // 2])
            await self.end()
        await super().fetch_one(number, message, values)

    def breaks(self):
        return self.first_time(self.name)

    async def end(self):
        await self.drop()


@behaviour("drop-at")
class DropAt(DropOnce):
    """The same, each time that it is asked for. VALUE may be several: 3+4+5."""
    def breaks(self):
        return True

    def amount(self, name, default=0):
        uids = [int(x) for x in self.values[name].split("+")]
        return next((x for x in uids if x == self.current), 0)

    async def fetch_one(self, number, message, values):
        self.current = message.uid
        await super().fetch_one(number, message, values)


@behaviour("bye-in-literal")
class ByeInLiteral(DropOnce):
    """In the middle of the text of UID VALUE comes "* BYE", and the end; once."""
    async def end(self):
        await self.send(b"\r\n* BYE server shutting down\r\n")
        raise Lost


@behaviour("bye-between")
class ByeBetween(DropOnce):
    """"* BYE" instead of the text of UID VALUE, once."""
    async def fetch_one(self, number, message, values):
        if is_text(values) and message.uid == self.amount(self.name) and self.breaks():
            await self.send(b"* BYE server shutting down\r\n")
            raise Lost
        await Session.fetch_one(self, number, message, values)


# ---- how FETCH answers ----

@behaviour("split")
class Split(Session):
    """One response for each item of a FETCH."""
    async def fetch_one(self, number, message, values):
        for name, value in values:
            if name != b"UID":
                await super().fetch_one(
                    number, message, [(b"UID", b"%d" % message.uid), (name, value)])
        if len(values) == 1:
            await super().fetch_one(number, message, values)


@behaviour("any-order")
class AnyOrder(Session):
    """The items of a FETCH in any order."""
    async def fetch_one(self, number, message, values):
        values = list(values)
        random.Random(message.uid).shuffle(values)
        await super().fetch_one(number, message, values)


def asks_for_texts(name, words):
    return name == "UID" and len(words) > 2 and str(words[0]).upper() == "FETCH" and any(
        item.upper().startswith("BODY") for item in words[2])


@behaviour("interleaved")
class Interleaved(Session):
    """Two commands for texts that are under way together: what they ask for comes mixed, and the
    second one is answered first (RFC 9051 section 5.5)."""
    async def run(self):
        await self.greet()
        while True:
            first = await self.read_command()
            if asks_for_texts(*first[1:]):
                try:
                    second = await asyncio.wait_for(self.read_command(), 0.1)
                except asyncio.TimeoutError:
                    second = None
                if second and asks_for_texts(*second[1:]):
                    await self.mix(first, second)
                    continue
                await self.obey(*first)
                first = second
            if first:
                await self.obey(*first)
                if first[1] == "LOGOUT":
                    return

    async def mix(self, first, second):
        mixed = []
        for turn, (_, _, words) in enumerate((first, second)):
            items = words[2] if "UID" in words[2] else ["UID", *words[2]]
            for place, (number, message) in enumerate(self.chosen(words[1], True)):
                mixed.append((place, turn, number, message, items))
        for _, _, number, message, items in sorted(mixed, key=lambda one: one[:2]):
            await self.fetch_one(number, message, self.fetch_values(message, items))
        for tag, _, _ in (second, first):
            await self.answer(tag, "UID", "OK done")


@behaviour("uid-last")
class UidLast(Session):
    """UID behind everything else."""
    async def fetch_one(self, number, message, values):
        await super().fetch_one(number, message, sorted(values, key=lambda x: x[0] == b"UID"))


@behaviour("descending")
class Descending(Session):
    """The newest first."""
    def fetch_order(self, chosen):
        return chosen[::-1]


@behaviour("huge-literal")
class HugeLiteral(Named):
    """Announces 2^40 bytes for the text of UID VALUE."""
    async def fetch_one(self, number, message, values):
        if is_text(values) and message.uid == self.amount("huge-literal"):
            await self.send(b"* %d FETCH (UID %d BODY[] {%d}\r\nhm" % (number, message.uid, 2**40))
            await asyncio.sleep(3600)
        await super().fetch_one(number, message, values)


@behaviour("odd-literal")
class OddLiteral(Named):
    """Announces -1, or more than 2^64, bytes for the text of UID VALUE."""
    async def fetch_one(self, number, message, values):
        if is_text(values) and message.uid == self.amount("odd-literal"):
            size = b"-1" if self.first_time("odd") else b"99999999999999999999999"
            await self.send(b"* %d FETCH (UID %d BODY[] {%s}\r\nhm" % (number, message.uid, size))
            await asyncio.sleep(3600)
        await super().fetch_one(number, message, values)


@behaviour("no-for")
class NoFor(Named):
    """A FETCH of texts with UID VALUE among them is answered NO."""
    def refuse_fetch(self, chosen, items):
        uids = [message.uid for _, message in chosen]
        if "BODY.PEEK[]" in items and self.amount("no-for") in uids:
            return "NO [SERVERBUG] internal error, reference 17"
        return super().refuse_fetch(chosen, items)


@behaviour("nothing-for")
class NothingFor(Named):
    """UID VALUE is listed, but no FETCH of anything else brings anything."""
    async def fetch_one(self, number, message, values):
        names = {name for name, _ in values}
        if message.uid != self.amount("nothing-for") or names <= {b"UID", b"FLAGS", b"INTERNALDATE"}:
            await super().fetch_one(number, message, values)


@behaviour("nil-for")
class NilFor(Named):
    """BODY[] of UID VALUE is NIL."""
    def fetch_values(self, message, items):
        values = super().fetch_values(message, items)
        if message.uid == self.amount("nil-for"):
            values = [(n, b"NIL" if n == b"BODY[]" else v) for n, v in values]
        return values


@behaviour("two-texts")
class TwoTexts(Named):
    """UID VALUE comes twice, with different texts."""
    async def fetch_one(self, number, message, values):
        await super().fetch_one(number, message, values)
        if is_text(values) and message.uid == self.amount("two-texts"):
            other = Message(message.uid, b"Subject: another\r\n\r\nanother\r\n", (), message.date)
            await super().fetch_one(number, other, self.fetch_values(other, ["UID", "BODY[]"]))


@behaviour("unasked-texts")
class UnaskedTexts(Named):
    """Texts of other UIDs, of none, and of UID 0 come unasked."""
    async def fetch_one(self, number, message, values):
        if is_text(values):
            text = b"Subject: unasked\r\n\r\nunasked\r\n"
            body = b"BODY[] {%d}\r\n" % len(text) + text
            await self.send(b"* %d FETCH (UID 4000000000 %s)\r\n" % (number, body)
                            + b"* %d FETCH (UID 0 %s)\r\n" % (number, body)
                            + b"* %d FETCH (%s)\r\n" % (number, body))
        await super().fetch_one(number, message, values)


@behaviour("short-listing")
class ShortListing(Named):
    """Lists all but the last VALUE messages."""
    def chosen(self, text, by_uid):
        chosen = super().chosen(text, by_uid)
        listed = len(self.folder.messages) - self.amount("short-listing", 3)
        return [x for x in chosen if x[0] <= listed] if text.endswith(":*") else chosen

    def found(self):
        return super().found()[:-self.amount("short-listing", 3)]


# ---- UIDs ----

@behaviour("sparse")
class Sparse(Session):
    """UIDs far apart, up to 2^32 - 1."""
    def furnish(self, account):
        for folder in account.folders.values():
            count = len(folder.messages)
            for number, message in enumerate(folder.messages, 1):
                message.uid = (2**32 - 1) * number // count
            folder.next_uid = 2**32 - 1
        super().furnish(account)


def renumber(account):
    for folder in account.folders.values():
        folder.validity += 500
        for message in folder.messages:
            message.uid += 3
        folder.next_uid += 3


@behaviour("renumbered")
class Renumbered(Session):
    """The folders have got another UIDVALIDITY, and other UIDs."""
    def furnish(self, account):
        renumber(account)
        super().furnish(account)


@behaviour("renumbered-told")
class RenumberedTold(Named):
    """Between opening INBOX and its first texts it is numbered anew, which is told; once."""
    async def fetch(self, words, by_uid):
        if "BODY.PEEK[]" in words[1] and self.first_time("renumbered-told"):
            renumber(self.account)
            self.account.write()
            await self.line(f"* OK [UIDVALIDITY {self.folder.validity}] numbered anew")
        return await super().fetch(words, by_uid)


@behaviour("renumbered-silently")
class RenumberedSilently(Named):
    """The same, not told, and the connection is lost in between."""
    async def fetch(self, words, by_uid):
        if "BODY.PEEK[]" in words[1] and self.first_time("renumbered-silently"):
            renumber(self.account)
            self.account.write()
            await self.drop()
        return await super().fetch(words, by_uid)


@behaviour("validity-zero")
class ValidityZero(Session):
    """UIDVALIDITY is 0."""
    def furnish(self, account):
        for folder in account.folders.values():
            folder.validity = 0
        super().furnish(account)


@behaviour("not-sticky")
class NotSticky(Session):
    """UIDNOTSTICKY."""
    def selected_lines(self, folder):
        return [*super().selected_lines(folder), "* NO [UIDNOTSTICKY] not for long"]


@behaviour("no-uidnext")
class NoUidnext(Session):
    """UIDNEXT is not told, neither by STATUS nor when a folder is opened."""
    def state_of(self, folder):
        return {k: v for k, v in super().state_of(folder).items() if k != "UIDNEXT"}

    def selected_lines(self, folder):
        return [x for x in super().selected_lines(folder) if "UIDNEXT" not in x]


@behaviour("no-exists")
class NoExists(Session):
    """Opening a folder does not tell how many messages it has."""
    def selected_lines(self, folder):
        return [x for x in super().selected_lines(folder) if not x.endswith("EXISTS")]


@behaviour("empty")
class Empty(Named):
    """INBOX shows nothing as long as this lasts."""
    def before_select(self):
        if self.folder.name == b"INBOX":
            self.folder = type(self.folder)(b"INBOX", self.folder.validity)
            self.folder.next_uid = self.account.folders[b"INBOX"].next_uid
        super().before_select()

    def state_of(self, folder):
        told = super().state_of(folder)
        return {**told, "MESSAGES": 0} if folder.name == b"INBOX" else told


@behaviour("large")
class Large(Named):
    """VALUE messages of 100 kB arrive in INBOX."""
    def furnish(self, account):
        for number in range(self.amount("large")):
            data, flags, date = made_up(7000 + number)
            account.folders[b"INBOX"].add(data + b"large\r\n" * 15000, flags, date)
        super().furnish(account)


@behaviour("reused")
class Reused(Named):
    """Other messages stand under the UIDs of VALUE (3+4) in INBOX, under the same UIDVALIDITY."""
    def furnish(self, account):
        inbox = account.folders[b"INBOX"]
        for uid in (int(x) for x in self.values["reused"].split("+")):
            message = next(x for x in inbox.messages if x.uid == uid)
            message.data, message.flags, message.date = made_up(1000 + uid)
        super().furnish(account)


@behaviour("deleted")
class Deleted(Named):
    """Somebody else has deleted the UIDs of VALUE (3+4) from INBOX."""
    def furnish(self, account):
        inbox = account.folders[b"INBOX"]
        uids = {int(x) for x in self.values["deleted"].split("+")}
        account.memory["deleted"] = [x for x in inbox.messages if x.uid in uids]
        inbox.messages = [x for x in inbox.messages if x.uid not in uids]
        super().furnish(account)


@behaviour("returned")
class Returned(Named):
    """The messages that "deleted" took are back under their UIDs."""
    def furnish(self, account):
        inbox = account.folders[b"INBOX"]
        inbox.messages += account.memory.pop("deleted")
        inbox.messages.sort(key=lambda x: x.uid)
        super().furnish(account)


@behaviour("returned-others")
class ReturnedOthers(Named):
    """Under the UIDs that "deleted" took stand other messages."""
    def furnish(self, account):
        inbox = account.folders[b"INBOX"]
        for old in account.memory.pop("deleted"):
            inbox.add(*made_up(1000 + old.uid), old.uid)
        inbox.messages.sort(key=lambda x: x.uid)
        super().furnish(account)


@behaviour("recreated")
class Recreated(Named):
    """INBOX was deleted and made anew with the same UIDVALIDITY: other messages from UID 1 on."""
    def furnish(self, account):
        old = account.folders[b"INBOX"]
        inbox = account.folders[b"INBOX"] = type(old)(b"INBOX", old.validity)
        for number in range(2000, 2000 + self.amount("recreated", 5)):
            inbox.add(*made_up(number))
        super().furnish(account)


# ---- folders ----

@behaviour("names")
class Names(Session):
    """Folders with names that want to be something else."""
    ODD = [b"../../../etc/cron.d", b"..", b"/", b"a/../../b", b".", b"esc\x1b[31mred", b"bell\x07",
           b"rtl\xe2\x80\xaegnp.exe", b"bad\xff\xfeutf8", b"&AAA-", b"&2AA-x", b"two  blanks ",
           b'quote"back\\slash', b"%n%s", b"{5}", b"percent%", b"star*", b"new\nline",
           b"cr\rreturn", b"crlf\r\nA1 DELETE INBOX", b"nul\0byte", b"", b"n" * 1200, b"inbox/x"]

    def furnish(self, account):
        for number, name in enumerate(self.ODD):
            account.make(name).add(*made_up(3000 + number))
        super().furnish(account)

    def listed(self):
        return [*super().listed(), (b"\\Noselect", b'"/"', b"view"), (b"", b"NIL", b"flat"),
                (b"\\HasNoChildren", b'"/"', b"INBOX")]


@behaviour("many-folders")
class ManyFolders(Named):
    """VALUE folders, each inside the one before as far as names go; one message in the last."""
    def furnish(self, account):
        name = b"d"
        for number in range(self.amount("many-folders", 2000)):
            folder = account.make(name)
            name = name + b"/d" if len(name) < 400 else b"e%d" % number
        folder.add(*made_up(4000))
        super().furnish(account)


@behaviour("full-folders")
class FullFolders(Named):
    """VALUE more folders with three messages in each."""
    def furnish(self, account):
        for number in range(self.amount("full-folders", 20)):
            folder = account.make(b"full-%d" % number)
            for message in range(3):
                folder.add(*made_up(7000 + 10 * number + message))
        super().furnish(account)


@behaviour("stays-open")
class StaysOpen(Session):
    """The folder VALUE cannot be opened, and the one before stays open then."""
    async def select(self, words, is_writable):
        before = self.folder
        name = words[0] if isinstance(words[0], bytes) else words[0].encode()
        if name == self.values["stays-open"].encode():
            return "NO [INUSE] locked by somebody"
        answer = await super().select(words, is_writable)
        self.folder = self.folder or before
        return answer


@behaviour("list-empty")
class ListEmpty(Session):
    """LIST shows nothing."""
    def listed(self):
        return []


@behaviour("list-partly")
class ListPartly(Session):
    """LIST shows INBOX only."""
    def listed(self):
        return [x for x in super().listed() if x[2] == b"INBOX"]


@behaviour("list-no")
class ListNo(Session):
    """LIST is refused."""
    async def do_list(self, words):
        return "NO [SERVERBUG] no list today"


@behaviour("list-status")
class ListStatus(Session):
    """LIST-STATUS, CONDSTORE and SPECIAL-USE."""
    def capabilities(self):
        return [*super().capabilities(), "LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE",
                "CONDSTORE"]

    def state_of(self, folder):
        seen = sum(1 + len(message.flags) for message in folder.messages)
        return {**super().state_of(folder), "HIGHESTMODSEQ": 1000 * folder.next_uid + seen}

    def selected_lines(self, folder):
        modseq = self.state_of(folder)["HIGHESTMODSEQ"]
        return [*super().selected_lines(folder), f"* OK [HIGHESTMODSEQ {modseq}] highest"]

    async def do_list(self, words):
        await super().do_list(words)
        if "RETURN" in words:
            items = words[-1][words[-1].index("STATUS") + 1]
            for _, _, name in self.listed():
                if self.account.folder(name):
                    await self.do_status([name, items])


@behaviour("status-refused")
class StatusRefused(Session):
    """STATUS of the folder VALUE is refused."""
    def refuse_folder(self, command, folder):
        if command == "STATUS" and folder.shown == self.values["status-refused"]:
            return "NO [NOPERM] not this one"
        return super().refuse_folder(command, folder)


@behaviour("open-refused")
class OpenRefused(Session):
    """SELECT and EXAMINE of the folder VALUE are refused."""
    def refuse_folder(self, command, folder):
        if command != "STATUS" and folder.shown == self.values["open-refused"]:
            return "NO [INUSE] locked by somebody"
        return super().refuse_folder(command, folder)


# ---- deleting ----

@behaviour("no-uidplus")
class NoUidplus(Session):
    """No UIDPLUS."""
    def capabilities(self):
        return [x for x in super().capabilities() if x != "UIDPLUS"]

    async def do_uid_expunge(self, words):
        return "BAD no such command"


@behaviour("no-esearch")
class NoEsearch(Session):
    """No ESEARCH."""
    def capabilities(self):
        return [x for x in super().capabilities() if x != "ESEARCH"]


@behaviour("search-lies")
class SearchLies(Session):
    """SEARCH finds only half of what is there."""
    def found(self):
        return super().found()[::2]


@behaviour("not-deletable")
class NotDeletable(Session):
    """PERMANENTFLAGS without \\Deleted."""
    def permanent(self, folder):
        return super().permanent(folder).replace("\\Deleted ", "")


@behaviour("read-only")
class ReadOnly(Session):
    """SELECT opens read-only."""
    async def do_select(self, words):
        return await self.select(words, False)


class ForWriting(Named):
    """Something happens when a folder is opened for writing, once for each folder."""
    def before_select(self):
        if self.is_writable and self.first_time((self.name, self.folder.name)):
            self.change(self.folder)
            self.account.write()
        super().before_select()

    def message(self, default=2):
        uid = self.amount(self.name, default)
        return next((x for x in self.folder.messages if x.uid == uid), None)


@behaviour("renumbered-for-writing")
class RenumberedForWriting(ForWriting):
    """Another UIDVALIDITY shows when INBOX is opened for writing."""
    def change(self, folder):
        if folder.name == b"INBOX":
            folder.validity += 7


@behaviour("flagged-for-writing")
class FlaggedForWriting(ForWriting):
    """UID VALUE is flagged meanwhile."""
    def change(self, folder):
        if folder.name == b"INBOX":
            self.message().flags.add("\\Flagged")


@behaviour("read-for-writing")
class ReadForWriting(ForWriting):
    """UID VALUE is marked unread, or read, meanwhile."""
    def change(self, folder):
        if folder.name == b"INBOX":
            self.message().flags ^= {"\\Seen"}


@behaviour("labelled-for-writing")
class LabelledForWriting(ForWriting):
    """UID VALUE gets a keyword meanwhile."""
    def change(self, folder):
        if folder.name == b"INBOX":
            self.message().flags.add("$todo")


@behaviour("deleted-for-writing")
class DeletedForWriting(Named):
    """The folder VALUE is deleted, with its mail, before it can be opened for writing."""
    def refuse_folder(self, command, folder):
        if command == "SELECT" and folder.shown == self.values["deleted-for-writing"]:
            del self.account.folders[folder.name]
            self.account.write()
            return "NO [NONEXISTENT] no such folder"
        return super().refuse_folder(command, folder)


@behaviour("arrived-for-writing")
class ArrivedForWriting(ForWriting):
    """A message has arrived meanwhile."""
    def change(self, folder):
        folder.add(*made_up(5000))


@behaviour("short-for-writing")
class ShortForWriting(Named):
    """Lists two messages less than it counts, in a folder that is open for writing."""
    def chosen(self, text, by_uid):
        chosen = super().chosen(text, by_uid)
        return chosen[:-2] if text == "1:*" and self.is_writable else chosen

    def found(self):
        return super().found()[:-2] if self.is_writable else super().found()


@behaviour("swapped")
class Swapped(ForWriting):
    """UID VALUE of INBOX is another message now, of the same date."""
    def change(self, folder):
        if folder.name == b"INBOX":
            message = self.message()
            message.data = made_up(6000)[0]


@behaviour("redated")
class Redated(ForWriting):
    """UID VALUE of INBOX has another INTERNALDATE now."""
    def change(self, folder):
        if folder.name == b"INBOX":
            self.message().date += 3600


@behaviour("resized")
class Resized(ForWriting):
    """UID VALUE of Lists/dev (2 has no Message-ID) is a longer message now."""
    def change(self, folder):
        if folder.name == b"Lists/dev":
            self.message().data += b"PS\r\n"


@behaviour("regrown")
class Regrown(ForWriting):
    """UID VALUE of INBOX is a longer message now, of the same Message-ID and date."""
    def change(self, folder):
        if folder.name == b"INBOX":
            self.message().data += b"PS\r\n"


@behaviour("truncated")
class Truncated(Named):
    """BODY[] of UID VALUE of INBOX is only its first half; RFC822.SIZE is true."""
    def is_cut(self, message):
        return self.folder.name == b"INBOX" and message.uid == self.amount(self.name)

    def fetch_values(self, message, items):
        values = super().fetch_values(message, items)
        if not is_text(values) or not self.is_cut(message):
            return values
        cut = message.data[:len(message.data) // 2]
        return [(name, b"{%d}\r\n" % len(cut) + cut if name == b"BODY[]" else value)
                for name, value in values]


@behaviour("truncated-once")
class TruncatedOnce(Truncated):
    """The same, but only the first time."""
    def is_cut(self, message):
        return super().is_cut(message) and self.first_time("cut")


@behaviour("wrong-sizes")
class WrongSizes(Named):
    """RFC822.SIZE is a little more than the truth."""
    def fetch_values(self, message, items):
        return [(name, b"%d" % (int(value) + 7) if name == b"RFC822.SIZE" else value)
                for name, value in super().fetch_values(message, items)]


@behaviour("swapped-between")
class SwappedBetween(Named):
    """Once the first group has gone, UID VALUE of INBOX is another message, of the same date."""
    async def tell_expunged(self, numbers):
        await super().tell_expunged(numbers)
        uid = self.amount(self.name)
        for message in self.folder.messages:
            if self.folder.name == b"INBOX" and message.uid == uid and self.first_time(self.name):
                message.data = made_up(6000)[0]
                self.account.write()


@behaviour("hidden")
class Hidden(Named):
    """UID VALUE of INBOX is listed, but nothing else is told of it, once open for writing."""
    def fetch_values(self, message, items):
        values = super().fetch_values(message, items)
        if self.is_writable and message.uid == self.amount("hidden") and len(values) > 2:
            return values[:2]
        return values


@behaviour("store-no")
class StoreNo(Session):
    """STORE marks one message, and is answered NO."""
    async def do_uid_store(self, words):
        if words[1].startswith("+"):
            await super().do_uid_store([words[0].partition(",")[0].partition(":")[0], *words[1:]])
            return "NO [LIMIT] too many"
        return await super().do_uid_store(words)


@behaviour("store-nothing")
class StoreNothing(Session):
    """STORE says OK and marks nothing."""
    async def do_uid_store(self, words):
        pass


@behaviour("store-bad")
class StoreBad(Session):
    """STORE of \\Deleted is BAD."""
    async def do_uid_store(self, words):
        return "BAD what is that" if words[1].startswith("+") else await super().do_uid_store(words)


@behaviour("store-done-no")
class StoreDoneNo(Session):
    """STORE marks all that it is told to, and is answered NO; marks cannot be taken off."""
    async def do_uid_store(self, words):
        if words[1].startswith("+"):
            await super().do_uid_store(words)
        return "NO [SERVERBUG] or so"


@behaviour("drop-before-store")
class DropBeforeStore(Named):
    """The connection is lost at STORE, which is not done; once."""
    async def do_uid_store(self, words):
        if words[1].startswith("+") and self.first_time("drop-before-store"):
            await self.drop()
        return await super().do_uid_store(words)


@behaviour("flagged-at-store")
class FlaggedAtStore(Named):
    """UID VALUE is flagged by somebody before STORE is answered, which is told."""
    async def do_uid_store(self, words):
        answer = await super().do_uid_store(words)
        for number, message in self.chosen(words[0], True):
            if message.uid == self.amount("flagged-at-store", 2) and self.first_time("flagged"):
                message.flags.add("\\Flagged")
                self.account.write()
                await self.fetch_one(
                    number, message, self.fetch_values(message, ["UID", "FLAGS"]))
        return answer


@behaviour("renumbered-at-store")
class RenumberedAtStore(Named):
    """Another UIDVALIDITY is told with the answer to STORE."""
    async def do_uid_store(self, words):
        if self.first_time("renumbered-at-store"):
            await self.line(f"* OK [UIDVALIDITY {self.folder.validity + 9}] oh")
        return await super().do_uid_store(words)


@behaviour("arrived-at-store")
class ArrivedAtStore(Named):
    """A message arrives while the first STORE is answered."""
    async def do_uid_store(self, words):
        if self.first_time("arrived-at-store"):
            self.folder.add(*made_up(5001))
            await self.line(f"* {len(self.folder.messages)} EXISTS")
        return await super().do_uid_store(words)


@behaviour("drop-after-store")
class DropAfterStore(Named):
    """The connection is lost after STORE was done, before it is answered; once."""
    async def do_uid_store(self, words):
        answer = await super().do_uid_store(words)
        if words[1].startswith("+") and self.first_time("drop-after-store"):
            await self.drop()
        return answer


@behaviour("drop-before-expunge")
class DropBeforeExpunge(Named):
    """The connection is lost at UID EXPUNGE, which is not done; once."""
    async def do_uid_expunge(self, words):
        if self.first_time("drop-before-expunge"):
            await self.drop()
        return await super().do_uid_expunge(words)


@behaviour("drop-after-expunge")
class DropAfterExpunge(Named):
    """The connection is lost after UID EXPUNGE was done, before it is answered; once."""
    async def tell_expunged(self, numbers):
        if self.first_time("drop-after-expunge"):
            await self.drop()
        await super().tell_expunged(numbers)


@behaviour("drop-within-expunge")
class DropWithinExpunge(Named):
    """The connection is lost at UID EXPUNGE, which is done by half; once."""
    def expunged(self, chosen):
        going = super().expunged(chosen)
        if self.first_time("half"):
            self.is_half = True
            return going[::2]
        return going

    async def tell_expunged(self, numbers):
        if self.__dict__.pop("is_half", False):
            await self.drop()
        await super().tell_expunged(numbers)


@behaviour("drop-for-good")
class DropForGood(Named):
    """The connection is lost after UID EXPUNGE was done, and nobody can log in any more."""
    async def tell_expunged(self, numbers):
        self.account.memory["is shut"] = True
        await self.drop()

    def enter(self, user, password):
        account = self.server.accounts.get(user)
        if account and "is shut" in account.memory:
            return "NO [UNAVAILABLE] the mail store sleeps"
        return super().enter(user, password)


@behaviour("expunge-no")
class ExpungeNo(Session):
    """UID EXPUNGE is refused."""
    async def do_uid_expunge(self, words):
        return "NO [NOPERM] not you"


@behaviour("expunge-bad")
class ExpungeBad(Session):
    """UID EXPUNGE is BAD."""
    async def do_uid_expunge(self, words):
        return "BAD what is that"


@behaviour("expunge-done-no")
class ExpungeDoneNo(Session):
    """UID EXPUNGE deletes, and is answered NO."""
    async def do_uid_expunge(self, words):
        await super().do_uid_expunge(words)
        return "NO [SERVERBUG] or so"


@behaviour("expunge-other-tag")
class ExpungeOtherTag(Session):
    """UID EXPUNGE deletes nothing, and what is answered OK is another command."""
    async def do_uid_expunge(self, words):
        await self.line("ZZ999 OK [HIGHESTMODSEQ 99] done")


@behaviour("expunge-bye")
class ExpungeBye(Session):
    """UID EXPUNGE deletes, then says BYE."""
    async def tell_expunged(self, numbers):
        await self.line("* BYE maintenance")
        raise Lost


@behaviour("expunge-nothing")
class ExpungeNothing(Session):
    """UID EXPUNGE says OK and deletes nothing."""
    def expunged(self, chosen):
        return []


@behaviour("expunge-less")
class ExpungeLess(Session):
    """UID EXPUNGE leaves one."""
    def expunged(self, chosen):
        return super().expunged(chosen)[1:]


@behaviour("expunge-more")
class ExpungeMore(Session):
    """UID EXPUNGE also deletes the last message of the folder, and tells it."""
    def expunged(self, chosen):
        last = self.folder.messages[-1]
        going = super().expunged(chosen)
        return going if last in going else [*going, last]


@behaviour("expunge-more-silently")
class ExpungeMoreSilently(ExpungeMore):
    """UID EXPUNGE also deletes the last message of the folder, and does not tell it."""
    async def tell_expunged(self, numbers):
        await super().tell_expunged(sorted(numbers)[:-1])


@behaviour("expunge-marked")
class ExpungeMarked(Session):
    """UID EXPUNGE deletes everything that is marked, like EXPUNGE."""
    def expunged(self, chosen):
        return [x for x in self.folder.messages if "\\Deleted" in x.flags]


@behaviour("expunge-all")
class ExpungeAll(Session):
    """UID EXPUNGE empties the folder."""
    def expunged(self, chosen):
        return list(self.folder.messages)


@behaviour("expunge-claims")
class ExpungeClaims(Session):
    """UID EXPUNGE deletes nothing, but tells that all of the folder went."""
    async def do_uid_expunge(self, words):
        await self.tell_expunged(range(1, len(self.folder.messages) + 1))


@behaviour("expunge-hides")
class ExpungeHides(Session):
    """UID EXPUNGE deletes nothing; what is marked is counted, but not listed any more."""
    hides = False

    def expunged(self, chosen):
        self.hides = True
        return []

    def chosen(self, text, by_uid):
        chosen = super().chosen(text, by_uid)
        return [x for x in chosen
                if not (self.hides and text == "1:*") or "\\Deleted" not in x[1].flags]

    def found(self):
        return [message.uid for message in self.folder.messages
                if not self.hides or "\\Deleted" not in message.flags]


@behaviour("expunge-vanished")
class ExpungeVanished(Session):
    """What goes is told with VANISHED, which nobody has asked for."""
    async def tell_expunged(self, numbers):
        uids = sorted(self.going)
        if uids:
            await self.line(f"* VANISHED {ranges(uids)}")

    def expunged(self, chosen):
        going = super().expunged(chosen)
        self.going = [message.uid for message in going]
        return going


@behaviour("expunge-noise")
class ExpungeNoise(Session):
    """Before UID EXPUNGE is answered it tells of messages that never were, and of gone ones."""
    async def tell_expunged(self, numbers):
        await self.line("* 1 FETCH (UID 1 FLAGS (\\Seen))")
        await super().tell_expunged(numbers)
        await self.line("* VANISHED 1,4000000000")
        await self.line("* 4000000000 EXPUNGE")
        await self.line("* 1 FETCH (UID 1 FLAGS (\\Seen))")
        await self.line(f"* {len(self.folder.messages)} EXISTS")


@behaviour("marked")
class Marked(Named):
    """Somebody else has marked UID VALUE of INBOX as \\Deleted."""
    def furnish(self, account):
        uid = self.amount("marked", 3)
        for message in account.folders[b"INBOX"].messages:
            if message.uid == uid:
                message.flags.add("\\Deleted")
        super().furnish(account)


# ---- to restore from, and into ----

@behaviour("twins")
class Twins(Session):
    """INBOX has two messages twice, one of them without Message-ID; some have keywords."""
    def furnish(self, account):
        inbox = account.folders[b"INBOX"]
        for number in (0, 9, 9):
            inbox.add(*made_up(number))
        for message in inbox.messages[::3]:
            message.flags |= {"$todo", "Junk"}
        super().furnish(account)


@behaviour("no-keywords")
class NoKeywords(Session):
    """PERMANENTFLAGS without \\*, and a keyword in an APPEND is BAD."""
    def permanent(self, folder):
        return super().permanent(folder).replace(" \\*", "")

    async def do_append(self, words):
        if any(set(word) - set(FLAGS) for word in words if isinstance(word, list)):
            return "BAD no keywords here"
        return await super().do_append(words)


@behaviour("delimiter")
class Delimiter(Session):
    """Between the levels of a name stands VALUE; "nil": there are no levels."""
    @property
    def told(self):
        value = self.values["delimiter"].encode()
        return b"NIL" if value == b"nil" else b'"' + value + b'"'

    def listed(self):
        return [(attributes, self.told, name) for attributes, _, name in super().listed()]

    async def do_list(self, words):
        if len(words) > 1 and words[1] == b"":
            await self.line(b"* LIST (\\Noselect) " + self.told + b' ""')
            return
        await super().do_list(words)

    async def do_namespace(self, _words):
        await self.line(b'* NAMESPACE (("" ' + self.told + b")) NIL NIL")


@behaviour("prefix")
class Prefix(Session):
    """All folders are below INBOX, as their NAMESPACE says."""
    async def do_namespace(self, _words):
        await self.line('* NAMESPACE (("INBOX/" "/")) NIL NIL')

    async def do_create(self, words):
        if not quoted(words[0]).strip(b'"').startswith(b"INBOX/"):
            return "NO [CANNOT] below INBOX only"
        return await super().do_create(words)


@behaviour("open-refused-once")
class OpenRefusedOnce(Named):
    """SELECT of each folder is refused for the first time."""
    def refuse_folder(self, command, folder):
        if command == "SELECT" and self.first_time(("open", folder.name)):
            return "NO [INUSE] locked by somebody"
        return super().refuse_folder(command, folder)


@behaviour("create-exists")
class CreateExists(Session):
    """CREATE makes the folder, and says that it had been there."""
    async def do_create(self, words):
        await super().do_create(words)
        return "NO [ALREADYEXISTS] it is there"


@behaviour("trycreate")
class Trycreate(Named):
    """A folder is gone again when the third message is to be put into it; once for each."""
    def refuse_append(self, folder, data):
        if (folder.name != b"INBOX" and len(folder.messages) == 2 and
                self.first_time(("gone", folder.name))):
            del self.account.folders[folder.name]
            self.account.write()
            return "NO [TRYCREATE] no such folder"
        return super().refuse_append(folder, data)


@behaviour("append-slow")
class AppendSlow(Session):
    """Each APPEND takes 10 ms."""
    def keep_appended(self, folder, data, flags, date):
        time.sleep(0.01)
        return super().keep_appended(folder, data, flags, date)


# ---- APPEND ----

@behaviour("no-literal-plus")
class NoLiteralPlus(Session):
    """No LITERAL+."""
    def capabilities(self):
        return [x for x in super().capabilities() if x != "LITERAL+"]


@behaviour("literal-minus")
class LiteralMinus(Session):
    """LITERAL-: at most 4096 bytes without asking."""
    def capabilities(self):
        return ["LITERAL-" if x == "LITERAL+" else x for x in super().capabilities()]

    async def read_literal(self, announced):
        if announced > 4096 and self.is_plus:
            await self.line("* BYE [TOOBIG] ask first")
            raise Lost
        return await super().read_literal(announced)

    async def read_line(self):
        line = await super().read_line()
        self.is_plus = line.endswith(b"+}")
        return line


class OneAppend(Named):
    """Something happens to the message with "Subject: message VALUE"."""
    def is_it(self, data):
        return f"Subject: message {self.amount(self.name, 7)}\r\n".encode() in data


@behaviour("append-no")
class AppendNo(OneAppend):
    """One message is refused."""
    def refuse_append(self, folder, data):
        return "NO [CANNOT] it has a header that I dislike" if self.is_it(data) else None


@behaviour("append-bad")
class AppendBad(OneAppend):
    """One message is BAD."""
    def refuse_append(self, folder, data):
        return "BAD what is that" if self.is_it(data) else None


@behaviour("append-toobig")
class AppendToobig(OneAppend):
    """One message is too big."""
    def refuse_append(self, folder, data):
        return "NO [TOOBIG] at most a little" if self.is_it(data) else None


@behaviour("append-overquota")
class AppendOverquota(Named):
    """No room any more after VALUE messages."""
    def refuse_append(self, folder, data):
        held = sum(len(x.messages) for x in self.account.folders.values())
        if held >= self.amount("append-overquota", 10):
            return "NO [OVERQUOTA] full"
        return None


@behaviour("append-no-go")
class AppendNoGo(Session):
    """Without LITERAL+: every APPEND is refused before its text."""
    async def refuse_literal(self, line):
        return "NO [OVERQUOTA] full" if b" APPEND " in line.upper() else None


@behaviour("append-bye")
class AppendBye(OneAppend):
    """BYE at one message; "once" when VALUE is negative."""
    def is_it(self, data):
        number = self.amount(self.name, 7)
        return f"Subject: message {abs(number)}\r\n".encode() in data and (
            number > 0 or self.first_time(self.name))

    def refuse_append(self, folder, data):
        return "BYE" if self.is_it(data) else None

    async def answer(self, tag, name, text):
        if text == "BYE":
            await self.line("* BYE that was too much")
            raise Lost
        await super().answer(tag, name, text)


@behaviour("append-drop")
class AppendDrop(AppendBye):
    """The connection is lost after one message was taken, before it is answered; once."""
    def refuse_append(self, folder, data):
        return None

    def keep_appended(self, folder, data, flags, date):
        self.is_last = (f"Subject: message {self.amount(self.name, 7)}\r\n".encode() in data
                        and self.first_time(self.name))
        return super().keep_appended(folder, data, flags, date)

    async def answer(self, tag, name, text):
        if name == "APPEND" and self.is_last:
            await self.drop()
        await super().answer(tag, name, text)


@behaviour("append-drop-within")
class AppendDropWithin(Named):
    """The connection is lost in the middle of the VALUEth text that comes, once."""
    async def read_literal(self, announced):
        if self.account:
            count = self.account.memory["texts"] = self.account.memory.get("texts", 0) + 1
            if count == self.amount("append-drop-within", 5):
                await self.reader.readexactly(announced // 2)
                await self.drop()
        return await super().read_literal(announced)


@behaviour("append-lies")
class AppendLies(OneAppend):
    """One message is taken with OK, and thrown away."""
    def keep_appended(self, folder, data, flags, date):
        message = super().keep_appended(folder, data, flags, date)
        if self.is_it(data):
            folder.messages.remove(message)
        return message


@behaviour("append-changes")
class AppendChanges(Session):
    """Every message gets a header field more."""
    def keep_appended(self, folder, data, flags, date):
        return super().keep_appended(folder, b"X-Taken: yes\r\n" + data, flags, date)


@behaviour("no-appenduid")
class NoAppenduid(Session):
    """APPENDUID is not told."""
    def appended_answer(self, folder, message):
        return "OK taken"


@behaviour("zero-appenduid")
class ZeroAppenduid(Session):
    """APPENDUID with a UIDVALIDITY of 0."""
    def appended_answer(self, folder, message):
        return f"OK [APPENDUID 0 {message.uid}] taken"


@behaviour("create-refused")
class CreateRefused(Session):
    """CREATE of the folder VALUE is refused."""
    async def do_create(self, words):
        if words and quoted(words[0]).strip(b'"').decode() == self.values["create-refused"]:
            return "NO [NOPERM] not that one"
        return await super().do_create(words)


@behaviour("no-id")
class NoId(Session):
    """No ID."""
    def capabilities(self):
        return [x for x in super().capabilities() if x != "ID"]

    async def do_id(self, words):
        return "BAD no such command"


# ---- what is new ----

@behaviour("condstore")
class Condstore(Named):
    """CONDSTORE: mod-sequences of every change, however it came about."""
    def capabilities(self):
        return [*super().capabilities(), "CONDSTORE"]

    def notice(self, folder):
        """Number what changed since the last look."""
        seen = folder.__dict__.setdefault("seen", {})
        folder.__dict__.setdefault("highest", 100)
        gone = folder.__dict__.setdefault("gone", {})
        now = {message.uid: message for message in folder.messages}
        for uid, message in now.items():
            facts = (frozenset(message.flags), message.data, message.date)
            if seen.get(uid) != facts:
                folder.highest += 1
                seen[uid], message.modseq = facts, folder.highest
                gone.pop(uid, None)
        for uid in seen.keys() - now.keys():
            folder.highest += 1
            gone[uid] = folder.highest
            del seen[uid]

    async def obey(self, tag, name, words):
        for folder in self.account.folders.values() if self.account else ():
            self.notice(folder)
        await super().obey(tag, name, words)

    def highest_of(self, folder):
        if "highest" not in folder.__dict__:
            self.notice(folder)
        return folder.highest

    def state_of(self, folder):
        return {**super().state_of(folder), "HIGHESTMODSEQ": self.highest_of(folder)}

    def selected_lines(self, folder):
        lines = [x for x in super().selected_lines(folder) if "HIGHESTMODSEQ" not in x]
        highest = self.highest_of(folder)
        return [*lines, f"* OK [HIGHESTMODSEQ {highest}] highest" if highest is not None
                else "* OK [NOMODSEQ] none here"]

    def chosen(self, text, by_uid):
        since = self.__dict__.get("since", 0)
        return [(number, message) for number, message in super().chosen(text, by_uid)
                if getattr(message, "modseq", 1) > since]

    def fetch_values(self, message, items):
        values = super().fetch_values(message, items)
        if "MODSEQ" in items:
            values.append((b"MODSEQ", b"(%d)" % message.modseq))
        return values

    async def fetch(self, words, by_uid):
        if len(words) > 2 and words[2][0] == "CHANGEDSINCE":
            if self.highest_of(self.folder) is None:
                return "BAD this folder counts no changes"
            self.since = int(words[2][1])
            words = [words[0], [*words[1], "MODSEQ"]]
        answer = await super().fetch(words, by_uid)
        self.since = 0
        return answer


@behaviour("qresync")
class Qresync(Condstore):
    """QRESYNC, and CONDSTORE."""
    is_enabled = False

    def capabilities(self):
        return [*super().capabilities(), "ENABLE", "QRESYNC"]

    async def do_enable(self, words):
        if "QRESYNC" in words:
            self.is_enabled = True
            await self.line("* ENABLED QRESYNC")

    async def select(self, words, is_writable):
        known = words[1][1] if len(words) > 1 and words[1][0] == "QRESYNC" else None
        if known and not self.is_enabled:
            return "BAD enable it first"
        if self.folder and self.is_enabled:
            await self.line("* OK [CLOSED] that was that")
        answer = await super().select(words[:1], is_writable)
        if known and self.folder and int(known[0]) == self.folder.validity and \
                self.highest_of(self.folder) is not None:
            await self.tell_since(int(known[1]))
        return answer

    def vanished_since(self, since):
        return [uid for uid, modseq in self.folder.gone.items() if modseq > since]

    async def tell_since(self, since):
        vanished = self.vanished_since(since)
        if vanished:
            await self.line(f"* VANISHED (EARLIER) {ranges(vanished)}")
        await self.tell_changed(since)

    async def tell_changed(self, since):
        for number, message in enumerate(self.folder.messages, 1):
            if message.modseq > since:
                await self.fetch_one(number, message, self.fetch_values(
                    message, ["UID", "FLAGS", "MODSEQ"]))


@behaviour("busy")
class Busy(Named):
    """Others work in every folder: arrivals, flags, deletions, each VALUE other ones."""
    def furnish(self, account):
        super().furnish(account)
        if ("busy", self.values["busy"]) in account.memory.setdefault("worked", set()):
            return
        account.memory["worked"].add(("busy", self.values["busy"]))
        source = random.Random(self.amount("busy"))
        for folder in account.folders.values():
            for message in source.sample(folder.messages, len(folder.messages) // 5):
                message.flags ^= {source.choice(["\\Seen", "\\Flagged", "$work", "\\Answered"])}
            for message in source.sample(folder.messages, len(folder.messages) // 10):
                folder.messages.remove(message)
            for _ in range(source.randrange(5)):
                folder.add(*made_up(source.randrange(10**6)))


@behaviour("touched")
class Touched(Named):
    """Flags have changed in every folder, for each VALUE."""
    def furnish(self, account):
        super().furnish(account)
        if ("touched", self.values["touched"]) not in account.memory.setdefault("worked", set()):
            account.memory["worked"].add(("touched", self.values["touched"]))
            for folder in account.folders.values():
                for message in folder.messages[::3]:
                    message.flags ^= {"\\Flagged"}


@behaviour("latency")
class Latency(Named):
    """Far away: VALUE ms for a way there and back. USER.trips has the commands that came without
    waiting for an answer in one line."""
    async def read_line(self):
        queue = self.__dict__.setdefault("queue", [])
        if not queue:
            queue.append(await super().read_line())
            try:
                while True:
                    queue.append(await asyncio.wait_for(
                        super().read_line(), self.amount("latency", 100) / 1000))
            except (TimeoutError, asyncio.TimeoutError):
                pass
            if self.account:
                name = self.server.directory / f"{self.account.user}.trips"
                with open(name, "a", encoding="latin-1") as trips:
                    said = b" | ".join(x.partition(b" ")[2] for x in queue).decode("latin-1")
                    trips.write(f"{self.connection} {said}\n")
        return queue.pop(0)


@behaviour("many-messages")
class ManyMessages(Named):
    """INBOX has VALUE small messages."""
    def furnish(self, account):
        super().furnish(account)
        folder = account.folders[b"INBOX"]
        while len(folder.messages) < self.amount("many-messages"):
            number = folder.next_uid
            folder.add(b"Message-ID: <%d@many.example>\r\n\r\n%d\r\n" % (number, number),
                       (), 1400000000 + number)


@behaviour("arrived")
class Arrived(Named):
    """One message has arrived in INBOX, for each VALUE."""
    def furnish(self, account):
        super().furnish(account)
        if ("arrived", self.values["arrived"]) not in account.memory.setdefault("worked", set()):
            account.memory["worked"].add(("arrived", self.values["arrived"]))
            account.folders[b"INBOX"].add(*made_up(500000 + self.amount("arrived")))


@behaviour("vanished-all")
class VanishedAll(Qresync):
    """VANISHED (EARLIER) names everything."""
    async def tell_since(self, since):
        await self.line("* VANISHED (EARLIER) 1:*")
        await self.tell_changed(since)


@behaviour("vanished-unknown")
class VanishedUnknown(Qresync):
    """Has forgotten when: VANISHED (EARLIER) names whatever is not there, known ever or not."""
    def vanished_since(self, since):
        there = {message.uid for message in self.folder.messages}
        return [uid for uid in range(1, self.folder.next_uid + 1000) if uid not in there]


@behaviour("vanished-live")
class VanishedLive(Qresync):
    """VANISHED names a message that is there, and a change of another one."""
    def vanished_since(self, since):
        return [*super().vanished_since(since), *(x.uid for x in self.folder.messages[:1])]


@behaviour("vanished-told")
class VanishedTold(Qresync):
    """VANISHED names a message that is told as changed as well; there is one too many."""
    async def tell_since(self, since):
        first = self.folder.messages[0]
        await self.line(f"* VANISHED (EARLIER) {first.uid}")
        await super().tell_since(since)
        await self.fetch_one(1, first, self.fetch_values(first, ["UID", "FLAGS", "MODSEQ"]))


@behaviour("vanished-not")
class VanishedNot(Qresync):
    """VANISHED is not said."""
    def vanished_since(self, since):
        return []


@behaviour("vanished-now")
class VanishedNow(Qresync):
    """VANISHED without EARLIER, of what is there, wherever it may stand."""
    async def fetch_one(self, number, message, values):
        if self.is_enabled:
            await self.line(f"* VANISHED {message.uid}")
        await super().fetch_one(number, message, values)

    async def tell_since(self, since):
        await self.line("* VANISHED 1:*")
        await super().tell_since(since)


@behaviour("new-not-told")
class NewNotTold(Qresync):
    """Takes an arrival for no change."""
    async def select(self, words, is_writable):
        folder = self.account.folder(words[0] if isinstance(words[0], bytes) else words[0].encode())
        self.next_before = folder.__dict__.get("next_before", 1)
        folder.next_before = folder.next_uid
        return await super().select(words, is_writable)

    async def tell_changed(self, since):
        messages = self.folder.messages
        self.folder.messages = [x for x in messages if x.uid < self.next_before]
        await super().tell_changed(since)
        self.folder.messages = messages


@behaviour("changes-without-uid")
class ChangesWithoutUid(Qresync):
    """The changes that it tells are without UIDs."""
    async def fetch_one(self, number, message, values):
        if any(name == b"MODSEQ" for name, _ in values):
            values = [(name, value) for name, value in values if name != b"UID"]
        await super().fetch_one(number, message, values)


@behaviour("changes-without-flags")
class ChangesWithoutFlags(Qresync):
    """The changes that it tells are without flags."""
    async def fetch_one(self, number, message, values):
        if any(name == b"MODSEQ" for name, _ in values):
            values = [(name, value) for name, value in values if name != b"FLAGS"]
        await super().fetch_one(number, message, values)


@behaviour("changes-not-told")
class ChangesNotTold(Qresync):
    """Counts changes, and tells none."""
    async def tell_since(self, since):
        pass

    def chosen(self, text, by_uid):
        return [] if self.__dict__.get("since") else super().chosen(text, by_uid)


@behaviour("qresync-refused")
class QresyncRefused(Qresync):
    """EXAMINE with QRESYNC is a syntax error."""
    async def select(self, words, is_writable):
        return "BAD parse error" if len(words) > 1 else await super().select(words, is_writable)


@behaviour("qresync-broken")
class QresyncBroken(Qresync):
    """EXAMINE with QRESYNC is answered with what cannot be read."""
    async def tell_since(self, since):
        await self.line("* VANISHED (EARLIER {3}")


@behaviour("enable-silent")
class EnableSilent(Qresync):
    """ENABLE is OK, and enables nothing."""
    async def do_enable(self, words):
        pass


@behaviour("modseq-back")
class ModseqBack(Condstore):
    """HIGHESTMODSEQ goes backwards."""
    def highest_of(self, folder):
        return super().highest_of(folder) // 2


@behaviour("modseq-zero")
class ModseqZero(Condstore):
    """HIGHESTMODSEQ is 0."""
    def highest_of(self, folder):
        return 0


@behaviour("modseq-negative")
class ModseqNegative(Condstore):
    """HIGHESTMODSEQ is -1."""
    def highest_of(self, folder):
        return -1


@behaviour("nomodseq")
class Nomodseq(Condstore):
    """NOMODSEQ; only in the folder VALUE when there is one."""
    def highest_of(self, folder):
        only = self.values["nomodseq"]
        return super().highest_of(folder) if only and folder.shown != only else None

    def state_of(self, folder):
        return {**super().state_of(folder), "HIGHESTMODSEQ": self.highest_of(folder) or 0}


@behaviour("drop-listing")
class DropListing(Named):
    """The connection is lost in the listing number VALUE, once."""
    async def fetch_one(self, number, message, values):
        if number == 2 and not is_text(values):
            self.listings = self.__dict__.get("listings", 0) + 1
            if self.listings == self.amount("drop-listing") and self.first_time("drop-listing"):
                await self.drop()
        await super().fetch_one(number, message, values)


@behaviour("search-short")
class SearchShort(Session):
    """SEARCH leaves the last message out."""
    def found(self):
        return super().found()[:-1]


@behaviour("search-shifted")
class SearchShifted(Session):
    """SEARCH finds as many as there are, but not the first."""
    def found(self):
        found = super().found()
        return [*found[1:], found[-1] + 1] if found else []


@behaviour("search-silent")
class SearchSilent(Session):
    """SEARCH is OK, and says nothing."""
    async def do_uid_search(self, words):
        pass
