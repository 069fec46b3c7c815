#!/usr/bin/python3
"""A scripted IMAP server for tests: behaves well, or misbehaves as it is told.

  scripted.py --folder DIR --cert FILE.pem --key FILE.key [--behaviour NAME[=VALUE],...]
      [--maildir DIR | --count 40]
  scripted.py --list                      the behaviours, one to a line

Listens on 127.0.0.1 with TLS. Any user name with the password "pass" is an account of its own,
made at its first login of the mail in the Maildir++ tree, or of made-up messages. DIR gets:

  ports          imaps=N and imap=N (with STARTTLS)
  behaviour      may be written at any time: what connections from then on do
  USER.log       every command of that user, one to a line: "CONNECTION COMMAND", literals
                 as {n}, no passwords
  USER.now       what the account holds, as the JSON lines of imapdump.py; written before
                 any command that changes something is answered
  USER.ever      the same of all that it ever held

Behaviours are classes of behaviours.py; several work together, with commas between them.
"""
import argparse
import asyncio
import logging
import os
import pathlib
import signal
import ssl
import sys

sys.dont_write_bytecode = True  # the tree may be read-only
import behaviours
import provider_behaviours  # noqa: F401, adds its own to the behaviours
from scripted_session import Account, Lost, furnish_made_up, furnish_maildir

LITERAL_MAX = 64 << 20


class Server:
    def __init__(self, args):
        self.args = args
        self.directory = pathlib.Path(args.folder)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(args.cert, args.key)
        self.accounts = {}
        self.count = 0

    def next_number(self):
        self.count += 1
        return self.count

    def account(self, user):
        if user not in self.accounts:
            account = self.accounts[user] = Account(user, self.directory)
            if self.args.maildir:
                furnish_maildir(account, self.args.maildir)
            elif not user.startswith("empty"):
                furnish_made_up(account, self.args.count)
            else:
                account.make(b"INBOX")
            account.write()
        return self.accounts[user]

    def session_class(self):
        try:
            names = (self.directory / "behaviour").read_text().strip()
        except FileNotFoundError:
            names = self.args.behaviour
        return behaviours.combine(names)

    async def serve(self, reader, writer, is_secure=True):
        session = self.session_class()(self, reader, writer, is_secure)
        try:
            await session.run()
        except (Lost, OSError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort() if session.__dict__.get("is_abrupt") else writer.close()

    async def serve_plain(self, reader, writer):
        """Up to STARTTLS: nothing else is possible in clear text."""
        session = self.session_class()(self, reader, writer, False)
        try:
            await session.greet()
            while True:
                tag, name, words = await session.read_command()
                if name == "STARTTLS" and await session.begin_tls(tag):
                    break
                if name != "STARTTLS":
                    await session.obey(tag, name, words)
            await writer.start_tls(self.context)
            session.is_secure = True
            while name != "LOGOUT":
                tag, name, words = await session.read_command()
                await session.obey(tag, name, words)
        except (Lost, OSError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def pass_over_lost(loop, context):
    """Python 3.11 may stumble over a connection that is aborted twice; nothing of ours is wrong."""
    if "_call_connection_lost" not in context.get("message", ""):
        loop.default_exception_handler(context)


async def main_loop(args):
    server = Server(args)
    asyncio.get_running_loop().set_exception_handler(pass_over_lost)
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # not each client that is gone
    imaps = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=server.context,
                                       limit=LITERAL_MAX)
    imap = await asyncio.start_server(server.serve_plain, "127.0.0.1", 0, limit=LITERAL_MAX)
    ports = [x.sockets[0].getsockname()[1] for x in (imaps, imap)]
    part = server.directory / "ports.part"
    part.write_text(f"imaps={ports[0]}\nimap={ports[1]}\n")
    part.replace(server.directory / "ports")
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    os._exit(0)  # connections that are stuck on purpose are not waited for


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--behaviour", default="")
    parser.add_argument("--maildir")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    if args.list:
        print(behaviours.listing())
        return
    if not (args.folder and args.cert and args.key):
        parser.error("--folder, --cert and --key")
    asyncio.run(main_loop(args))


if __name__ == "__main__":
    main()
