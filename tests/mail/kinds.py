"""The kinds of generated messages: one function each, from a Letter to the bytes on the disk.

A function writes "\\n" line ends; some messages get CRLF instead afterwards, unless the kind is
"raw": then its line ends are part of what it shows. No message holds a NUL byte.
"""
import base64
import binascii
import html

from letter import DAY, base64_lines, crlf, date_text, encoded_words, quoted_printable

KINDS = {}  # name -> (function, weight, raw)


def kind(name, weight=1, raw=False):
    def register(function):
        KINDS[name] = (function, weight, raw)
        return function
    return register


def leaf(content, data, encoding=b"7bit", extra=b""):
    """The headers and the body of one part."""
    return (b"Content-Type: " + content + b"\nContent-Transfer-Encoding: " + encoding + b"\n"
            + extra + b"\n" + data)


def text_leaf(text, charset="utf-8", encoding="8bit", subtype="plain"):
    data = text.encode(charset)
    if encoding == "quoted-printable":
        data = quoted_printable(data)
    elif encoding == "base64":
        data = base64_lines(data)
    return leaf(f"text/{subtype}; charset={charset}".encode(), data, encoding.encode())


def file_name_header(name):
    """RFC 2231 where the name is not ASCII."""
    if name.isascii():
        return b'Content-Disposition: attachment; filename="' + name.encode() + b'"\n'
    quoted = "".join(f"%{b:02X}" for b in name.encode())
    return b"Content-Disposition: attachment;\n filename*=UTF-8''" + quoted.encode() + b"\n"


def file_leaf(name, body, content=b"application/pdf"):
    """A file whose body is base64 already, in whatever form."""
    return leaf(content, body, b"base64", file_name_header(name))


def multipart(letter, parts, subtype=b"mixed", parameters=b"", last=b"--"):
    boundary = letter.boundary()
    out = (b"Content-Type: multipart/" + subtype + b"; boundary=\"" + boundary + b"\""
           + parameters + b"\n\nThis is a message with several parts.\n")
    for part in parts:
        out += b"--" + boundary + b"\n" + part + b"\n"
    return out + b"--" + boundary + last + b"\n"


def message(letter, language, entity, **replaced):
    return letter.envelope(language, **replaced) + b"MIME-Version: 1.0\n" + entity


# Text and its encodings

@kind("plain", 30)
def plain(letter):
    return message(letter, "en", text_leaf(letter.text("en"), "us-ascii", "7bit"))


def as_html(text, entities=False):
    if entities:
        body = html.escape(text).encode("ascii", "xmlcharrefreplace").decode()
    else:
        body = html.escape(text)
    lines = "".join(f"<p class=\"x\">{line}</p>\n" for line in body.splitlines())
    return f"<html><head><style>p {{ color: red }}</style></head>\n<body>{lines}</body></html>\n"


@kind("html", 10)
def only_html(letter):
    language = letter.language()
    page = as_html(letter.text(language), letter.random.random() < 0.5)
    return message(letter, language, text_leaf(page, "utf-8", "quoted-printable", "html"))


def alternative_entity(letter, language):
    text = letter.text(language)
    return multipart(letter, [text_leaf(text, "utf-8", "quoted-printable"),
                              text_leaf(as_html(text), "utf-8", "base64", "html")],
                     b"alternative")


@kind("alternative", 15)
def alternative(letter):
    language = letter.language()
    return message(letter, language, alternative_entity(letter, language))


def charset_kind(name, language, charset, encoding):
    @kind(name, 2)
    def build(letter):
        text = letter.text(language)
        return message(letter, language, text_leaf(text, charset, encoding),
                       subject=encoded_words(subject_of(letter, language), charset,
                                             letter.random.choice("BQ")))


def subject_of(letter, language):
    letter.subject = letter.sentence(language, 3)
    return letter.subject


charset_kind("utf-8", "de", "utf-8", "8bit")
charset_kind("iso-8859-1", "fr", "iso-8859-1", "8bit")
charset_kind("iso-8859-1-qp", "es", "iso-8859-1", "quoted-printable")
charset_kind("iso-8859-2", "pl", "iso-8859-2", "quoted-printable")
charset_kind("iso-8859-7", "el", "iso-8859-7", "8bit")
charset_kind("koi8-r", "ru", "koi8-r", "8bit")
charset_kind("windows-1251", "ru", "windows-1251", "base64")
charset_kind("windows-1256", "ar", "windows-1256", "8bit")
charset_kind("iso-2022-jp", "ja", "iso-2022-jp", "7bit")
charset_kind("shift-jis", "ja", "shift_jis", "base64")
charset_kind("gb18030", "zh", "gb18030", "8bit")
charset_kind("euc-kr", "ko", "euc-kr", "quoted-printable")


@kind("wrong-charset")
def wrong_charset(letter):
    """Says ASCII, is latin-1: the words in it are anybody's guess and not noted."""
    data = letter.text("de", into=set()).encode("iso-8859-1")
    return message(letter, "en", leaf(b"text/plain; charset=us-ascii", data))


@kind("unknown-charset")
def unknown_charset(letter):
    data = letter.text("en").encode()
    return message(letter, "en", leaf(b"text/plain; charset=x-martian-7", data))


@kind("broken-quoted-printable")
def broken_quoted_printable(letter):
    data = letter.text("en").encode() + b"=\n=Z9 = =4\n===\n" + letter.text("en").encode()
    return message(letter, "en", leaf(b"text/plain", data, b"quoted-printable"))


@kind("flowed")
def flowed(letter):
    text = letter.text("en").replace("\n", " \n") + "-- \n" + letter.text("en")
    return message(letter, "en", leaf(b"text/plain; format=flowed; delsp=yes", text.encode()))


# Attachments: how the base64 is laid out

def with_file(letter, body, content=b"application/pdf", ending=".pdf"):
    text = text_leaf(letter.text("en"), "us-ascii", "7bit")
    name = letter.file_name(ending)
    return message(letter, "en", multipart(letter, [text, file_leaf(name, body, content)]))


def width_kind(name, width, weight):
    @kind(name, weight)
    def build(letter):
        return with_file(letter, base64_lines(letter.blob(), width))


for canonical, often in ((76, 8), (72, 2), (64, 2), (60, 2)):
    width_kind(f"base64-{canonical}", canonical, often)
width_kind("base64-odd-width", 75, 1)
width_kind("base64-998", 996, 1)
width_kind("base64-one-line", 1 << 30, 1)


@kind("base64-near-4k", 2)
def base64_near_4k(letter):
    """On both sides of the size from which attachments are worth storing apart."""
    size = letter.random.choice([3071, 3072, 3073, 4095, 4096, 4097, 4104])
    return with_file(letter, base64_lines(letter.random.randbytes(size)))


@kind("base64-lf-only", raw=True)
def base64_lf_only(letter):
    """A CRLF message whose attachment has bare LF."""
    whole = with_file(letter, b"%HERE%\n")
    return crlf(whole).replace(b"%HERE%\r\n", base64_lines(letter.blob()))


@kind("base64-mixed-line-ends", raw=True)
def base64_mixed(letter):
    lines = base64_lines(letter.blob()).splitlines()
    body = b"".join(line + letter.random.choice([b"\n", b"\r\n"]) for line in lines)
    return with_file(letter, body)


@kind("base64-ragged")
def base64_ragged(letter):
    """Every line as long as it likes."""
    text, lines = base64.b64encode(letter.blob()), []
    while text:
        cut = letter.random.randint(1, 100)
        lines.append(text[:cut])
        text = text[cut:]
    return with_file(letter, b"\n".join(lines) + b"\n")


@kind("base64-trailing-blanks")
def base64_trailing_blanks(letter):
    body = base64_lines(letter.blob(), end=b" \t\n")
    return with_file(letter, body)


@kind("base64-one-blank")
def base64_one_blank(letter):
    """Canonical but for one blank at the end of one line in the middle."""
    lines = base64_lines(letter.blob()).splitlines(keepends=True)
    lines[len(lines) // 2] = lines[len(lines) // 2].rstrip() + b" \n"
    return with_file(letter, b"".join(lines))


@kind("base64-inner-padding")
def base64_inner_padding(letter):
    """Two encodings one after the other: padding in the middle."""
    return with_file(letter, base64_lines(b"x" * 6001) + base64_lines(letter.blob()))


@kind("base64-no-padding")
def base64_no_padding(letter):
    body = base64_lines(letter.random.randbytes(6001)).rstrip().rstrip(b"=")
    return with_file(letter, body + b"\n")


@kind("base64-stray-bits")
def base64_stray_bits(letter):
    """The bits behind the last byte are not zero: decoding and encoding again differs."""
    body = base64_lines(b"m" * 6001)
    assert body.endswith(b"bQ==\n")
    return with_file(letter, body[:-4] + b"R==\n")


@kind("base64-garbage")
def base64_garbage(letter):
    lines = base64_lines(letter.blob()).splitlines(keepends=True)
    lines.insert(len(lines) // 2, b"*** inserted by a virus scanner! ***\n\n")
    return with_file(letter, b"".join(lines))


@kind("shared-attachment", 10)
def shared_attachment(letter):
    """One file in many messages, laid out in different widths."""
    name, data = letter.shared_blob()
    letter.attachments.append(name)
    body = base64_lines(data, letter.random.choice([76, 76, 72, 60]))
    text = text_leaf(letter.text("en"), "us-ascii", "7bit")
    return message(letter, "en", multipart(letter, [text, file_leaf(name, body)]))


@kind("large", 0.5)
def large(letter):
    return with_file(letter, base64_lines(letter.random.randbytes(3_500_000)))


@kind("attached-text", 3)
def attached_text(letter):
    """Text in an attachment: its words are noted apart."""
    text = letter.text("de", 40, into=letter.attached_words)
    return with_file(letter, base64_lines(text.encode()), b"text/plain; charset=utf-8", ".txt")


@kind("two-files", 3)
def two_files(letter):
    language = letter.language()
    parts = [text_leaf(letter.text(language), "utf-8", "8bit")]
    for ending in (".pdf", ".odt"):
        parts.append(file_leaf(letter.file_name(ending), base64_lines(letter.blob())))
    return message(letter, language, multipart(letter, parts))


@kind("uuencode")
def uuencode(letter):
    data = letter.blob(2000, 9000)
    lines = [binascii.b2a_uu(data[i:i + 45]) for i in range(0, len(data), 45)]
    body = letter.text("en").encode() + b"\nbegin 644 old.bin\n" + b"".join(lines) + b"`\nend\n"
    return message(letter, "en", leaf(b"text/plain", body))


@kind("binary-part")
def binary_part(letter):
    """8-bit bytes without an encoding; no NUL."""
    data = bytes(b or 1 for b in letter.random.randbytes(4000))
    part = leaf(b"application/octet-stream", data, b"binary", file_name_header("raw.bin"))
    letter.attachments.append("raw.bin")
    return message(letter, "en", multipart(letter, [text_leaf(letter.text("en")), part]))


# Structure

@kind("nested", 2)
def nested(letter):
    """Five multiparts deep; text on every level."""
    entity = alternative_entity(letter, "en")
    for _ in range(4):
        entity = multipart(letter, [text_leaf(letter.text("en", 1)), entity,
                                    file_leaf(letter.file_name(".pdf"),
                                              base64_lines(letter.blob(200, 9000)))])
    return message(letter, "en", entity)


@kind("related", 2)
def related(letter):
    page = as_html(letter.text("fr")).replace("</body>", "<img src=\"cid:pic@x\"></body>")
    picture = leaf(b"image/png", base64_lines(b"\x89PNG" + letter.blob()), b"base64",
                   b"Content-ID: <pic@x>\nContent-Disposition: inline\n")
    return message(letter, "fr", multipart(
        letter, [text_leaf(page, "utf-8", "8bit", "html"), picture], b"related"))


@kind("forwarded", 2)
def forwarded(letter):
    """message/rfc822 with an attachment of its own inside."""
    inner = type(letter)(letter.seed, f"{letter.number}/inner")
    original = with_file(inner, base64_lines(inner.blob()))
    letter.attached_words |= inner.words
    letter.attachments += inner.attachments
    part = leaf(b"message/rfc822", original, b"7bit", b"Content-Disposition: attachment\n")
    return message(letter, "en", multipart(letter, [text_leaf(letter.text("en")), part]))


@kind("calendar", 2)
def calendar(letter):
    event = ("BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REQUEST\nBEGIN:VEVENT\n"
             f"UID:{letter.number}@example.org\nDTSTART:20190304T100000Z\n"
             f"SUMMARY:{letter.sentence('en', 3, into=letter.attached_words)}\n"
             "END:VEVENT\nEND:VCALENDAR\n")
    part = leaf(b"text/calendar; charset=utf-8; method=REQUEST", event.encode())
    return message(letter, "en", multipart(letter, [text_leaf(letter.text("en")), part],
                                           b"alternative"))


@kind("signed", 2)
def signed(letter):
    signature = leaf(b"application/pgp-signature; name=\"signature.asc\"",
                     b"-----BEGIN PGP SIGNATURE-----\n\n" + base64_lines(b"s" * 300, 64)
                     + b"=abcd\n-----END PGP SIGNATURE-----\n")
    letter.attachments.append("signature.asc")
    return message(letter, "en", multipart(
        letter, [text_leaf(letter.text("en") + "trailing blanks \t \n"), signature], b"signed",
        b";\n micalg=pgp-sha256; protocol=\"application/pgp-signature\""))


@kind("bounce", 2)
def bounce(letter):
    status = leaf(b"message/delivery-status", b"Reporting-MTA: dns; mx.example.org\n\n"
                  b"Final-Recipient: rfc822; nobody@example.org\nAction: failed\n"
                  b"Status: 5.1.1\n")
    return message(letter, "en", multipart(
        letter, [text_leaf(letter.text("en")), status], b"report",
        b"; report-type=delivery-status"), **{"from": b"<>"})


@kind("unclosed-multipart")
def unclosed_multipart(letter):
    return message(letter, "en", multipart(letter, [text_leaf(letter.text("en"))], last=b""))


@kind("boundary-prefix")
def boundary_prefix(letter):
    """The outer boundary is the beginning of the inner one."""
    text = text_leaf(letter.text("en"))
    return message(letter, "en", (
        b"Content-Type: multipart/mixed; boundary=ab\n\n--ab\n"
        b"Content-Type: multipart/mixed; boundary=\"ab-c\"\n\n--ab-c\n" + text
        + b"\n--ab-c--\n--ab\n" + text_leaf(letter.text("en")) + b"\n--ab--\n"))


@kind("no-boundary")
def no_boundary(letter):
    """A multipart that does not say where its parts are. Its text is noted nowhere."""
    text = letter.text("en", into=set()).encode()
    return message(letter, "en", b"Content-Type: multipart/mixed\n\n" + text)


# Headers

@kind("latin1-header", 2)
def latin1_header(letter):
    """Raw latin-1 in Subject and From, against every rule."""
    letter.subject = letter.sentence("de", 3, into=set())
    return message(letter, "de", text_leaf(letter.text("de"), "iso-8859-1"),
                   subject=letter.subject.encode("iso-8859-1"),
                   **{"from": "Jürgen Groß <jg@example.de>".encode("iso-8859-1")})


@kind("utf8-header", 2)
def utf8_header(letter):
    """Raw UTF-8 (RFC 6532)."""
    letter.subject = letter.sentence("ru", 3)
    return message(letter, "ru", text_leaf(letter.text("ru")), subject=letter.subject.encode(),
                   **{"from": "Юрий <юрий@пример.example>".encode()})


@kind("broken-encoded-word")
def broken_encoded_word(letter):
    """A character cut in two, an unknown charset, no end."""
    half = base64.b64encode("ü".encode()[:1]).decode()
    return message(letter, "en", text_leaf(letter.text("en")), subject=(
        f"=?utf-8?B?{half}?= =?x-none?Q?abc?= =?utf-8?Q?=C3?= =?utf-8?B?////".encode()))


@kind("folded-headers", 2)
def folded_headers(letter):
    letter.subject = letter.sentence("en", 12)
    to = b",\n\t".join(letter.mailbox(letter.people()[0]) for _ in range(40))
    return message(letter, "en", text_leaf(letter.text("en")), to=to,
                   subject=letter.subject.replace(" ", "\n ").encode())


@kind("long-references")
def long_references(letter):
    ids = b"\n ".join(b"<%d.%x@example.org>" % (i, letter.random.getrandbits(64))
                      for i in range(300))
    return (b"References: " + ids + b"\nIn-Reply-To: <1@example.org>\n"
            + message(letter, "en", text_leaf(letter.text("en"))))


@kind("odd-headers")
def odd_headers(letter):
    """Twice, empty, a group, no colon, a name of control characters, an escape sequence."""
    letter.subject = letter.sentence("en", 3)
    return (message(letter, "en", b"", to=b"undisclosed-recipients:;",
                    subject=letter.subject.encode() + b" \x1b[31mred\x1b[0m\x07")
            + b"Subject: a second subject\nCc:\nthis line has no colon\nX-Empty:\n"
            b"Content-Type: text/plain; charset\n\n" + letter.text("en").encode())


@kind("list-mail", 6)
def list_mail(letter):
    head = (b"Received: from mx.example.org by mail.example.net;\n\t" + letter.date().encode()
            + b"\nList-Id: Developers <dev.example.org>\nPrecedence: list\n"
            b"List-Unsubscribe: <mailto:dev-leave@example.org>\n")
    quoted = "".join(f"> {line}\n" for line in letter.text("en").splitlines())
    return head + message(letter, "en", text_leaf(quoted + letter.text("en")))


@kind("no-message-id", 2)
def no_message_id(letter):
    return message(letter, "en", text_leaf(letter.text("en")), message_id=None)


def date_kind(name, value):
    @kind(name)
    def build(letter):
        return message(letter, "en", text_leaf(letter.text("en")), date=value)


date_kind("date-1970", b"Thu, 01 Jan 1970 00:00:00 +0000")
date_kind("date-2038", b"Tue, 19 Jan 2038 03:14:08 +0000")
date_kind("date-9999", b"Fri, 31 Dec 9999 23:59:60 -1200")
date_kind("date-none", None)
date_kind("date-garbage", b"yesterday, half past \xfcnf")
date_kind("date-two-digits", b"1 Feb 99 12:00 EST (or so)")


@kind("received-1970")
def received_1970(letter):
    letter.received_unix = DAY
    return plain(letter)


@kind("received-2040")
def received_2040(letter):
    """INTERNALDATE behind the end of 32 bits."""
    letter.received_unix = 2208988800
    return message(letter, "en", text_leaf(letter.text("en")),
                   date=date_text(2208988800).encode())


# Bytes

@kind("empty", raw=True)
def empty(letter):
    return b""


@kind("one-byte", raw=True)
def one_byte(letter):
    return b"x"


@kind("no-headers")
def no_headers(letter):
    return b"\n" + letter.text("en").encode()


@kind("header-only", 2)
def header_only(letter):
    return letter.envelope("en")


@kind("header-and-blank")
def header_and_blank(letter):
    return letter.envelope("en") + b"\n"


@kind("no-final-newline", 2)
def no_final_newline(letter):
    return message(letter, "en", text_leaf(letter.text("en"))).rstrip(b"\n")


@kind("ends-in-cr", raw=True)
def ends_in_cr(letter):
    return message(letter, "en", text_leaf(letter.text("en"))) + b"the end\r"


@kind("bare-cr", raw=True)
def bare_cr(letter):
    return message(letter, "en", text_leaf(letter.text("en") + "one\rtwo\r\r\nthree\n\rfour\n"))


@kind("bare-lf", 2, raw=True)
def bare_lf(letter):
    """A CRLF message with LF alone here and there, in the header too."""
    lines = message(letter, "en", text_leaf(letter.text("en"))).splitlines()
    return b"".join(line + (b"\n" if letter.random.random() < 0.3 else b"\r\n")
                    for line in lines)


@kind("long-line", 1)
def long_line(letter):
    words = (letter.sentence("en", 10) + " ") * 1500
    return message(letter, "en", text_leaf(words + "\n" + "y" * 100_000 + "\n"))


@kind("from-lines", 2)
def from_lines(letter):
    return message(letter, "en", text_leaf(
        "From the start\n>From quoted\n>>From twice\n\n"
        "From nobody@example.org Mon Jan  1 00:00:00 2018\n" + letter.text("en")))


@kind("dots", 2)
def dots(letter):
    return message(letter, "en", text_leaf(".\n..\n.hidden\n" + letter.text("en") + ".\n"))


@kind("looks-like-imap", 2)
def looks_like_imap(letter):
    return message(letter, "en", text_leaf(
        letter.text("en") + ")\n* 5 EXPUNGE\n* 1 FETCH (UID 1 FLAGS (\\Deleted) BODY[] {3}\nabc)\n"
        "A001 OK done\n1 OK x\n* BYE so long\n+ go ahead\n{10}\n{99999999999}\n"))


@kind("control-characters")
def control_characters(letter):
    every = bytes(b for b in range(1, 256) if b not in b"\r\n")
    return message(letter, "en", leaf(b"text/plain; charset=utf-8",
                                      letter.text("en").encode() + every + b"\n", b"8bit"))
