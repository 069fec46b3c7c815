#!/usr/bin/python3
"""A mailbox that is never at rest: messages arrive, flags change, messages go.

  restless.py --port PORT --ca FILE.pem --user NAME --seed N --ledger FILE [--pause MS]

Until SIGTERM. Each line of the ledger: TIME come|gone ID, with the message's SHA-256; come is
written when the server has it, gone before it is asked to delete it.
"""
import argparse
import hashlib
import imaplib
import random
import signal
import ssl
import sys
import time

FOLDERS = ["INBOX", "Work", "Work/Old", "Lists"]


class Mailbox:
    def __init__(self, args):
        self.args, self.dice = args, random.Random(args.seed)
        self.ledger = open(args.ledger, "a", encoding="ascii", buffering=1)
        self.there = {name: {} for name in FOLDERS}  # UID -> id
        self.number = 0
        self.imap = imaplib.IMAP4_SSL(
            "localhost", args.port, ssl_context=ssl.create_default_context(cafile=args.ca))
        self.imap.login(args.user, "pass")
        for name in FOLDERS[1:]:
            self.imap.create(name)

    def note(self, what, sha):
        self.ledger.write(f"{time.time():.3f} {what} {sha}\n")

    def come(self, folder):
        self.number += 1
        size = int(self.dice.expovariate(1 / 4000)) + 10
        text = (f"From: a@example.org\r\nSubject: restless {self.args.seed} {self.number}\r\n"
                f"Message-ID: <{self.args.seed}.{self.number}@example.org>\r\n\r\n").encode()
        text += b"%d of a day that does not end\r\n" % self.number * (size // 30 + 1)
        done = self.imap.append(folder, None, None, text)
        uid = int(done[1][0].split(b"]")[0].split()[-1])
        self.there[folder][uid] = hashlib.sha256(text).hexdigest()
        self.note("come", self.there[folder][uid])

    def go(self, folder):
        uids = self.dice.sample(sorted(self.there[folder]), min(3, len(self.there[folder])))
        if not uids:
            return
        for uid in uids:
            self.note("gone", self.there[folder].pop(uid))
        self.imap.select(folder)
        self.imap.uid("STORE", ",".join(map(str, uids)), "+FLAGS", r"(\Deleted)")
        self.imap.uid("EXPUNGE", ",".join(map(str, uids)))

    def flag(self, folder):
        uids = self.dice.sample(sorted(self.there[folder]), min(5, len(self.there[folder])))
        if uids:
            self.imap.select(folder)
            self.imap.uid("STORE", ",".join(map(str, uids)),
                          self.dice.choice(["+FLAGS", "-FLAGS"]), r"(\Flagged)")

    def change(self):
        folder = self.dice.choice(FOLDERS)
        step = self.dice.random()
        if step < 0.7:
            self.come(folder)
        elif step < 0.85:
            self.flag(folder)
        else:
            self.go(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    for name in ("ca", "user", "ledger"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=5, help="milliseconds")
    args = parser.parse_args()
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    mailbox = Mailbox(args)
    while not stop:
        mailbox.change()
        time.sleep(args.pause / 1000)
    mailbox.imap.logout()
    return 0


if __name__ == "__main__":
    sys.exit(main())
