#!/usr/bin/python3
"""Write down what an IMAP account holds, as JSON lines, to compare accounts with.

  IMAP_PASSWORD=pass imapdump.py --port 993 --ca ca.pem --user bob
      [--host 127.0.0.1] [--password-env IMAP_PASSWORD] [--folder NAME]... [--no-body] [--list]

It is a client of its own (Python's imaplib): it shares nothing with the program under test. It
only reads: EXAMINE and BODY.PEEK. One line per message, sorted by folder and UID:

  folder        as people read it, with "/" between levels
  uid, uidvalidity, size
  flags         sorted, without \\Recent
  internaldate  ISO 8601, UTC
  sha256        of the whole message; null with --no-body
  message-id    of its header, or null

With --list one line per folder instead: folder, messages, uidvalidity, uidnext, attributes;
folders that cannot be selected too, with null. Exit status 1 when the server does not let us,
or says NO.
"""
import argparse
import hashlib
import imaplib
import json
import os
import re
import ssl
import sys
import time

sys.dont_write_bytecode = True  # the tree may be read-only
import foldername

imaplib._MAXLINE = 100_000_000
CHUNK_MESSAGES, CHUNK_BYTES = 500, 16 << 20
TOKEN = re.compile(rb'BODY\[[^\]]*\]|"(?:[^"\\]|\\.)*"|[()]|\{\d+\}|[^\s()"]+|\s+')


class Refused(Exception):
    pass


def quoted(raw):
    return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def asked(reply, what):
    status, data = reply
    if status != "OK":
        raise Refused(f"{what}: {status} {data}")
    return [item for item in data if item is not None]


def tokens(parts):
    """The tokens of one reply; imaplib gives (line up to a literal, literal) pairs and rests."""
    for part in parts:
        line, literal = part if isinstance(part, tuple) else (part, None)
        found = [token for token in TOKEN.findall(line) if not token.isspace()]
        if literal is not None:
            found[-1] = ("literal", literal)
        for token in found:
            if isinstance(token, bytes) and token[:1] == b'"':
                token = ("literal", re.sub(rb"\\(.)", rb"\1", token[1:-1]))
            yield token


def tree(stream):
    """Nested lists for parentheses; strings of any form are bytes, atoms are str."""
    out = []
    for token in stream:
        if token == b"(":
            out.append(tree(stream))
        elif token == b")":
            return out
        else:
            out.append(token[1] if isinstance(token, tuple) else token.decode("latin-1"))
    return out


def replies(data):
    """Group what imaplib returns for FETCH into one list of parts per message."""
    group = []
    for part in data:
        group.append(part)
        if not isinstance(part, tuple):
            yield group
            group = []


def fetched(data):
    """A dict for each FETCH reply that has a UID."""
    for group in replies(data):
        parsed = tree(tokens(group))
        if len(parsed) < 2 or not isinstance(parsed[1], list):
            continue
        names = [name.upper() if isinstance(name, str) else name for name in parsed[1][::2]]
        item = dict(zip(names, parsed[1][1::2]))
        if "UID" in item:
            yield item


def folders(client):
    """(raw name, decoded name with "/", attributes) of each."""
    out = []
    for line in asked(client.list('""', "*"), "LIST"):
        attributes, separator, raw = tree(tokens([line]))[:3]
        raw = raw if isinstance(raw, bytes) else raw.encode("latin-1")
        name = foldername.decode(raw.decode("latin-1"))
        if isinstance(separator, bytes) and separator not in (b"/", b""):
            name = name.replace(separator.decode(), "/")
        out.append((raw, name, sorted(attributes)))
    return sorted(out, key=lambda entry: entry[1])


def examine(client, raw):
    """(messages, uidvalidity, uidnext)."""
    messages = int(asked(client.select(quoted(raw).decode("latin-1"), readonly=True),
                         "EXAMINE")[0])

    def told(name):
        value = client.response(name)[1][0]
        return None if value is None else int(value)

    return messages, told("UIDVALIDITY"), told("UIDNEXT")


def unix_of(text):
    stamp, zone = text.decode().strip().rsplit(" ", 1)
    day, month, rest = stamp.split("-", 2)
    number = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split().index(month) + 1
    parsed = time.strptime(f"{int(day):02d} {number:02d} {rest}", "%d %m %Y %H:%M:%S")
    sign = -1 if zone[0] == "-" else 1
    seconds = sign * (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60)
    return int((ssl.cert_time_to_seconds(time.strftime("%b %d %H:%M:%S %Y GMT", parsed)))
               - seconds)


def message_id(header):
    """The first Message-ID, unfolded."""
    got = re.search(rb"^message-id[ \t]*:(.*(?:\r?\n[ \t].*)*)", header, re.I | re.M)
    return re.sub(r"\r?\n", "", got[1].decode("latin-1")).strip() if got else None


def header_of(body):
    end = re.search(rb"(?:\A|\r?\n)\r?\n", body)
    return body[:end.start()] if end else body


def describe(name, validity, item, with_body):
    body = next((value for key, value in item.items() if str(key).startswith("BODY[")), b"")
    body = body if isinstance(body, bytes) else b""
    return {
        "folder": name, "uid": int(item["UID"]), "uidvalidity": validity,
        "flags": sorted(flag for flag in item["FLAGS"] if flag != "\\Recent"),
        "internaldate": time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                      time.gmtime(unix_of(item["INTERNALDATE"]))),
        "size": int(item["RFC822.SIZE"]),
        "sha256": hashlib.sha256(body).hexdigest() if with_body else None,
        "message-id": message_id(header_of(body)),
    }


def chunks(client, messages):
    """Sequence sets that hold neither many messages nor many bytes."""
    for first in range(1, messages + 1, CHUNK_MESSAGES):
        last = min(first + CHUNK_MESSAGES - 1, messages)
        sizes = asked(client.fetch(f"{first}:{last}", "(UID RFC822.SIZE)"), "FETCH")
        start, total = first, 0
        for number, item in enumerate(fetched(sizes), first):
            total += int(item["RFC822.SIZE"])
            if total > CHUNK_BYTES and number > start:
                yield f"{start}:{number - 1}"
                start, total = number, int(item["RFC822.SIZE"])
        yield f"{start}:{last}"


def dump_folder(client, raw, name, with_body, out):
    messages, validity, _ = examine(client, raw)
    what = "BODY.PEEK[]" if with_body else "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
    lines = []
    for chosen in chunks(client, messages):
        data = asked(client.fetch(chosen, f"(UID FLAGS INTERNALDATE RFC822.SIZE {what})"), "FETCH")
        lines += [describe(name, validity, item, with_body) for item in fetched(data)]
    if len(lines) != messages:
        raise Refused(f"{name}: {messages} messages announced, {len(lines)} sent")
    for line in sorted(lines, key=lambda entry: entry["uid"]):
        out.write(json.dumps(line, ensure_ascii=False) + "\n")


def list_folder(client, raw, name, attributes, out):
    line = {"folder": name, "messages": None, "uidvalidity": None, "uidnext": None,
            "attributes": attributes}
    if not is_closed(attributes):
        line["messages"], line["uidvalidity"], line["uidnext"] = examine(client, raw)
    out.write(json.dumps(line, ensure_ascii=False) + "\n")


def is_closed(attributes):
    return any(word.lower() in ("\\noselect", "\\nonexistent") for word in attributes)


def connect(args):
    context = ssl.create_default_context(cafile=args.ca)
    client = imaplib.IMAP4_SSL(args.host, args.port, ssl_context=context)
    asked(client.login(args.user, os.environ.get(args.password_env, "")), "LOGIN")
    return client


def dump(args, out):
    client = connect(args)
    wanted = set(args.folder or [])
    found = [entry for entry in folders(client) if not wanted or entry[1] in wanted]
    missing = wanted - {entry[1] for entry in found}
    if missing:
        raise Refused(f"no such folder: {' '.join(sorted(missing))}")
    for raw, name, attributes in found:
        if args.list:
            list_folder(client, raw, name, attributes, out)
        elif not is_closed(attributes):
            dump_folder(client, raw, name, not args.no_body, out)
    client.logout()


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca")
    parser.add_argument("--user", required=True)
    parser.add_argument("--password-env", default="IMAP_PASSWORD")
    parser.add_argument("--folder", action="append")
    parser.add_argument("--no-body", action="store_true")
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def main():
    sys.stdout.reconfigure(encoding="utf-8")
    try:
        dump(arguments(), sys.stdout)
    except (Refused, imaplib.IMAP4.error, OSError) as problem:
        print(f"imapdump: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
