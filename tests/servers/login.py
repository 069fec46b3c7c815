#!/usr/bin/python3
"""Try to log in to an IMAP server and tell what happened, one fact to a line.

  login.py --port N [--host 127.0.0.1] [--ca FILE] [--security tls|starttls|none]
      [--user NAME] [--password pass] [--append BYTES]

  before: CAPABILITY...     what the server offers in clear text (not with tls)
  tls: TLSv1.3              or why there is none
  login: OK                 or what the server said
  after: CAPABILITY...
  quota: USED LIMIT         in KiB
  append: OK                or what the server said to a message of so many bytes
"""
import argparse
import imaplib
import re
import ssl


def tell(name, value):
    print(f"{name}: {value.decode() if isinstance(value, bytes) else value}")


def connect(args):
    context = ssl.create_default_context(cafile=args.ca)
    if args.security == "tls":
        client = imaplib.IMAP4_SSL(args.host, args.port, ssl_context=context)
    else:
        client = imaplib.IMAP4(args.host, args.port)
        tell("before", " ".join(client.capabilities))
        if args.security == "starttls":
            client.starttls(context)
    if args.security != "none":
        tell("tls", client.sock.version())
    return client


def use(client, args):
    try:
        client.login(args.user, args.password)
    except imaplib.IMAP4.error as problem:
        tell("login", problem.args[0])
        return
    tell("login", "OK")
    tell("after", client.capability()[1][0])
    _, (_, quota) = client.getquotaroot("INBOX")
    got = re.search(rb"STORAGE (\d+) (\d+)", quota[0] or b"")
    tell("quota", f"{int(got[1])} {int(got[2])}" if got else "none")
    if args.append:
        text = b"Subject: filler\r\n\r\n" + b"filler line\r\n" * (args.append // 13)
        status, said = client.append("INBOX", None, None, text)
        tell("append", "OK" if status == "OK" else said[0])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca")
    parser.add_argument("--security", choices=["tls", "starttls", "none"], default="tls")
    parser.add_argument("--user", default="somebody")
    parser.add_argument("--password", default="pass")
    parser.add_argument("--append", type=int, default=0)
    args = parser.parse_args()
    try:
        client = connect(args)
    except (ssl.SSLError, imaplib.IMAP4.error) as problem:
        tell("tls", problem)
        return
    use(client, args)
    client.logout()


if __name__ == "__main__":
    main()
