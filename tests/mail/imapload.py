#!/usr/bin/python3
"""Put a Maildir++ tree of generate.py into an IMAP account, by APPEND.

  IMAP_PASSWORD=pass imapload.py --port 993 --ca ca.pem --user bob MAILDIR

Folders, flags, keywords and dates are those of the tree, as far as the server takes them. A
folder whose name is refused gets one with "_" in place of what is special in it; flags that are
refused are left out, and then the keywords; a message that is refused is left out. Each of that
is said on standard error. Exit status 1 when the server lets nothing in at all.
"""
import argparse
import imaplib
import os
import pathlib
import re
import socket
import ssl
import sys

sys.dont_write_bytecode = True  # the tree may be read-only
import foldername
from generate import LETTERS
from imapdump import asked, quoted, tokens, tree
from letter import crlf


class Target:
    def __init__(self, args):
        self.args, self.client = args, connect(args)
        client = self.client
        self.prefix, self.separator = b"", b"/"
        # NAMESPACE tells both; LIST "" "" only the separator.
        said = list(tokens(asked(client.namespace(), "NAMESPACE")))
        personal = tree(iter(said))[0]
        if isinstance(personal, list) and personal:
            self.prefix, self.separator = personal[0]
        self.made = {"INBOX": b"INBOX"}

    def raw(self, name):
        levels = [foldername.encode(level).encode("ascii") for level in name.split("/")]
        return self.prefix + self.separator.join(levels)

    def candidates(self, name):
        yield name
        yield re.sub(r'[%*"\\.]', "_", name)
        yield re.sub(r'[%*"\\./]', "_", name)

    def folder(self, name):
        """The name on the server of a folder that is there now."""
        if name not in self.made:
            listed = self.client.list('""', quoted(self.raw(name)).decode())[1]
            if listed != [None]:
                self.made[name] = self.raw(name)
        for candidate in self.candidates(name):
            if name in self.made:
                break
            raw = self.raw(candidate)
            if self.client.create(quoted(raw).decode("ascii"))[0] == "OK":
                self.made[name] = raw
                if candidate != name:
                    print(f"imapload: {name} is called {candidate}", file=sys.stderr)
        return self.made[name]

    def add(self, name, flags, unix, data):
        raw = quoted(self.folder(name)).decode("ascii")
        system = [flag for flag in flags if flag.startswith("\\")]
        said = None
        for chosen in (flags, system):
            try:
                status, said = self.client.append(raw, f"({' '.join(chosen)})",
                                                  imaplib.Time2Internaldate(unix), data)
            except imaplib.IMAP4.abort as end:  # a server may crash over a message
                said, self.client = end, connect(self.args)
                break
            except imaplib.IMAP4.error as bad:
                status, said = "BAD", bad
            if status == "OK":
                return True
        print(f"imapload: left out of {name}: {said}", file=sys.stderr)
        return False


def connect(args):
    context = ssl.create_default_context(cafile=args.ca)
    client = imaplib.IMAP4_SSL("127.0.0.1", args.port, ssl_context=context)
    # imaplib sends a literal in two parts: the second would wait for the peer's ACK.
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.login(args.user, os.environ.get("IMAP_PASSWORD", ""))
    return client


def folders(root):
    """(name, path), INBOX first."""
    yield "INBOX", root
    for path in sorted(root.glob(".*/cur")):
        yield foldername.decode(path.parent.name[1:].replace(".", "/")), path.parent


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca")
    parser.add_argument("--user", required=True)
    parser.add_argument("maildir", type=pathlib.Path)
    args = parser.parse_args()
    target = Target(args)
    taken = 0
    for name, path in folders(args.maildir):
        target.folder(name)
        for file in sorted([*path.glob("cur/*"), *path.glob("new/*")], key=lambda f: f.name):
            letters = file.name.partition(":2,")[2]
            taken += target.add(name, sorted(LETTERS[letter] for letter in letters),
                                file.stat().st_mtime, crlf(file.read_bytes()))
    target.client.logout()
    return 0 if taken else 1


if __name__ == "__main__":
    sys.exit(main())
