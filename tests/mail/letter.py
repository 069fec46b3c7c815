"""One message under construction, and the encoders that it needs."""
import base64
import math
import quopri
import random
import re
import time

from words import BETWEEN, FILES, PEOPLE, STOP, WORDS

DAY = 86400
FIRST_UNIX = 1356998400  # 2013-01-01
SPAN = 12 * 365 * DAY + 3 * DAY  # to the end of 2024
RARER = 0.84  # of one word to the next; the last English ones are in 2 % of the messages
ZONES = [0, 0, 60, 120, -300, -480, 330, 540, 765]
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def crlf(data):
    """What Dovecot sends for these bytes of a Maildir file."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", data)


def base64_lines(data, width=76, end=b"\n"):
    text = base64.b64encode(data)
    return b"".join(text[i:i + width] + end for i in range(0, len(text), width))


def quoted_printable(data):
    return quopri.encodestring(data, quotetabs=False)


def encoded_words(text, charset="utf-8", how="B", room=70):
    """RFC 2047: as many encoded words as it needs, cut between characters."""
    words, piece = [], ""

    def packed(part):
        raw = part.encode(charset)
        if how == "B":
            inner = base64.b64encode(raw).decode()
        else:
            inner = "".join(chr(b) if chr(b).isalnum() and b < 128 else "_" if b == 32
                            else f"={b:02X}" for b in raw)
        return f"=?{charset}?{how}?{inner}?="

    for char in text:
        if piece and len(packed(piece + char)) > room:
            words.append(packed(piece))
            piece = ""
        piece += char
    words.append(packed(piece))
    return "\n ".join(words).encode("ascii")


def header_text(text):
    return text.encode("ascii") if text.isascii() else encoded_words(text)


def date_text(unix, zone_min=0):
    """RFC 5322; by hand, because strftime speaks the locale."""
    t = time.gmtime(unix + zone_min * 60)
    day = "Mon Tue Wed Thu Fri Sat Sun".split()[t.tm_wday]
    sign, minutes = ("-", -zone_min) if zone_min < 0 else ("+", zone_min)
    return (f"{day}, {t.tm_mday:02d} {MONTHS[t.tm_mon - 1]} {t.tm_year} {t.tm_hour:02d}:"
            f"{t.tm_min:02d}:{t.tm_sec:02d} {sign}{minutes // 60:02d}{minutes % 60:02d}")


class Letter:
    """Gathers, while a kind (kinds.py) builds the bytes, what the manifest says about them."""

    def __init__(self, seed, number):
        self.seed, self.number = seed, number
        self.random = random.Random(f"{seed}/mail/{number}")
        self.words, self.attached_words = set(), set()
        self.subject = self.message_id = self.sender = None
        self.attachments = []
        self.received_unix = None  # only when the kind wants a certain INTERNALDATE
        self.wanted_id = None  # instead of a Message-ID of its own

    def language(self):
        return self.random.choice(["en", "en", "en", "de", "de", "fr", "es", "pl", "ru", "el",
                                   "ja", "zh", "ko", "ar"])

    def word(self, language):
        """Each word of the list comes less often than the one before it."""
        choice = WORDS[language]
        part = self.random.random() * (1 - RARER ** len(choice))
        return choice[int(math.log(1 - part, RARER))]

    def sentence(self, language, words=None, into=None):
        """Its words are noted in "into": the message's own words unless told otherwise."""
        picked = [self.word(language) for _ in range(words or self.random.randint(4, 11))]
        (self.words if into is None else into).update(picked)
        return BETWEEN.get(language, " ").join(picked)

    def text(self, language, sentences=None, into=None):
        """One sentence to a line, an empty line here and there."""
        lines = []
        for _ in range(sentences or self.random.randint(3, 12)):
            lines.append(self.sentence(language, into=into) + STOP.get(language, "."))
            if self.random.random() < 0.2:
                lines.append("")
        return "\n".join(lines) + "\n"

    def new_id(self):
        own = f"<{self.seed}.{self.number}.{self.random.getrandbits(48):x}@example.org>"
        self.message_id = self.wanted_id or own
        return self.message_id

    def date(self):
        """Mostly near the time of arrival; sometimes far from it."""
        unix = FIRST_UNIX + int(SPAN * self.random.random())
        return date_text(unix, self.random.choice(ZONES))

    def people(self):
        return self.random.choice(PEOPLE), self.random.choice(PEOPLE)

    @staticmethod
    def mailbox(person):
        _, name, address = person
        if name.isascii():
            name = '"' + name.replace('"', '\\"') + '"'
        return header_text(name) + b" <" + address.encode() + b">"

    def envelope(self, language, **replaced):
        """From, To, Subject, Date, Message-ID in this order, as bytes. A value given as bytes
        replaces the usual one, None leaves the header out."""
        sender, receiver = self.people()
        self.sender = sender[2]
        if "subject" not in replaced:
            self.subject = self.sentence(language, self.random.randint(2, 6))
        usual = {
            "from": lambda: self.mailbox(sender),
            "to": lambda: self.mailbox(receiver),
            "subject": lambda: header_text(self.subject),
            "date": lambda: self.date().encode(),
            "message_id": lambda: self.new_id().encode(),
        }
        names = {"from": b"From", "to": b"To", "subject": b"Subject", "date": b"Date",
                 "message_id": b"Message-ID"}
        out = b""
        for key, make in usual.items():
            value = replaced[key] if key in replaced else make()
            if value is not None:
                out += names[key] + b": " + value + b"\n"
        return out

    def file_name(self, ending):
        name = self.random.choice(FILES) + ending
        self.attachments.append(name)
        return name

    def blob(self, low=5000, high=60000):
        return b"%PDF-1.4\n" + self.random.randbytes(self.random.randint(low, high))

    def shared_blob(self):
        """One of four files that many messages carry."""
        which = self.random.randrange(4)
        source = random.Random(f"{self.seed}/shared/{which}")
        return f"shared-{which}.pdf", b"%PDF-1.4\n" + source.randbytes(9000 + 30000 * which)

    def boundary(self):
        return f"=_{self.random.getrandbits(64):016x}".encode()
