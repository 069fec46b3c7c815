"""Folder names in modified UTF-7 (RFC 3501, section 5.1.3) and as Maildir++ folders."""
import base64


def encode(name):
    """The name as IMAP writes it."""
    out, run = [], []

    def flush():
        if run:
            packed = base64.b64encode("".join(run).encode("utf-16-be")).decode()
            out.append("&" + packed.rstrip("=").replace("/", ",") + "-")
            run.clear()

    for char in name:
        if " " <= char <= "~":
            flush()
            out.append("&-" if char == "&" else char)
        else:
            run.append(char)
    flush()
    return "".join(out)


def decode(name):
    """The name as people read it; a name that is not modified UTF-7 stays as it is."""
    out, rest = [], name
    while rest:
        plain, shift, rest = rest.partition("&")
        out.append(plain)
        if not shift:
            break
        packed, end, rest = rest.partition("-")
        if not end:
            return name
        if packed:
            padded = packed.replace(",", "/") + "=" * (-len(packed) % 4)
            try:
                out.append(base64.b64decode(padded, validate=True).decode("utf-16-be"))
            except ValueError:
                return name
        else:
            out.append("&")
    return "".join(out)


def maildir(name):
    """The folder of a Maildir++ tree that holds it; "" for INBOX."""
    return "" if name == "INBOX" else "." + encode(name).replace("/", ".")
