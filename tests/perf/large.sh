#!/bin/bash
# One message of 1 GiB is stored, shown, proved, exported and restored with at most 64 MiB more
# memory than the same commands take for a small one. Prints a table; needs 12 GiB of disk below
# $TMPDIR and some minutes. The shapes:
#
#   attachment   base64 that is detached          text   lines that cannot be detached
#   broken       base64, one line in its middle   html   the same as one page
#                is none                          line   text without any line end
#   parts        base64 that every 60 lines has one that is none
#
#   SIZE_MIB=100 SHAPES="text html" tests/perf/large.sh
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/../scenario/lib.sh"

SIZE_MIB=${SIZE_MIB:-1024}
MOST_MIB=64
declare -A idle=()

# One message of exactly so many bytes; "small" is small whatever the size.
make_message() { # SHAPE FILE
  mkdir -p "$(dirname "$2")"/../{cur,new,tmp}
  "$PYTHON" - "$1" "$SIZE_MIB" "$2" <<'P'
import base64, random, sys
shape, size, path = sys.argv[1], int(sys.argv[2]) << 20, sys.argv[3]
source = random.Random(shape)
LINES = 13020
head = (f"From: a@example.org\r\nTo: b@example.org\r\nSubject: {shape}\r\n"
        f"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <{shape}@example.org>\r\n"
        f"MIME-Version: 1.0\r\n")
mixed = ("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
         "It is attached.\r\n--b\r\nContent-Type: application/octet-stream; name=x.bin\r\n"
         "Content-Transfer-Encoding: base64\r\n\r\n")
in_parts = shape in ("attachment", "broken", "parts")
head += mixed if in_parts else f"Content-Type: text/{'html' if shape == 'html' else 'plain'}\r\n\r\n"
tail = b"--b--\r\n" if in_parts else b""
if shape == "small":
    size = len(head) + 78

def line(n, digits):
    """The n-th line of the message, of 76 characters."""
    if shape in ("text", "small"):
        return digits[:30] + b" - " + digits[33:]
    if shape == "html":
        return b"<p>" + digits[:30] + b" <b>" + digits[30:60] + b"</b></p>" + digits[:1]
    if shape == "line":
        return digits[:30] + b" - " + digits[33:] + b"  "
    if shape == "parts" and n % 61 == 60 or shape == "broken" and n == size // 78 // 2:
        return digits[:40] + b"*" + digits[41:]
    return digits

end = b"" if shape == "line" else b"\r\n"
with open(path, "wb") as out:
    out.write(head.encode())
    left, n = size - len(head) - len(tail), 0
    while left > 0:
        data = base64.b64encode(source.randbytes(57 * LINES))
        piece = b"".join(line(n + i, data[76 * i:76 * i + 76]) + end for i in range(LINES))
        if left < len(piece):  # whole lines, and one of what is left
            rest = left % 78
            piece = piece[:left - rest] + (b"-" * (rest - 2) + b"\r\n" if rest > 1 else b"-" * rest)
        out.write(piece)
        left -= len(piece)
        n += LINES
    out.write(tail)
P
}

# Peak KiB and seconds of a command, whose output goes to a file.
peak() { # OUTPUT ARGUMENT...
  "$PYTHON" - "$MAILCASK" -c "$CONFIG" "${@:2}" >"$1" 2>"$ERR" <<'P'
import resource, subprocess, sys, time
start = time.monotonic()
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, "%.1f" % (time.monotonic() - start),
      file=sys.stderr)
sys.exit(done.returncode)
P
  tail -n 1 "$ERR"
}

measure() { # SHAPE NAME OUTPUT ARGUMENT...
  local figures kib seconds more
  figures=$(peak "${@:3}") || { indented "$ERR" && figures="999999999 -"; }
  read -r kib seconds <<<"$figures"
  if [[ $1 == small ]]; then
    idle[$2]=$kib
    return 0
  fi
  more=$(((kib - idle[$2] + 1023) / 1024))
  printf '%s\n' "| $1 | $2 | $seconds s | $((kib / 1024)) MiB | $((idle[$2] / 1024)) MiB | $more MiB |" \
    >>"$WORK/table"
  check "$1: $2 takes $more MiB more than for a small message, at most $MOST_MIB" \
    test "$more" -le "$MOST_MIB"
}

try_shape() { # SHAPE
  local shape=$1 sum
  local file=$WORK/dovecot/mail/$shape/cur/1.large:2,S
  rm -rf "$WORK/archive"
  make_message "$shape" "$file"
  dovecot_adopt "$WORK/dovecot" "$shape"
  sum=$(sha256sum <"$file" | cut -d' ' -f1)
  write_config "$shape" "to$shape"
  measure "$shape" sync "$OUT" sync "$shape" --no-index
  measure "$shape" index "$OUT" rebuild index
  measure "$shape" verify "$OUT" verify
  measure "$shape" rebuild "$OUT" rebuild catalog
  measure "$shape" "show --raw" "$WORK/shown" show "$sum" --raw
  check "$shape: byte for byte" same "$(sha256sum <"$WORK/shown" | cut -d' ' -f1)" "$sum"
  rm "$WORK/shown"
  measure "$shape" export "$OUT" export '*' -f eml -o "$WORK/eml"
  check "$shape: exported as it was" contains <(find "$WORK/eml" -type f -exec sha256sum {} +) "$sum"
  rm -r "$WORK/eml"
  measure "$shape" restore "$OUT" restore '*' --to "to$shape"
  check "$shape: restored as it was" contains \
    <(find "$WORK/dovecot/mail/to$shape" -path '*cur/*' -type f -exec sha256sum {} +) "$sum"
  rm -r "$WORK/dovecot/mail/$shape" "$WORK/dovecot/mail/to$shape"
}

start_dovecot setting='mail_save_crlf = yes'
echo "| $SIZE_MIB MiB as | command | time | peak | for a small message | more |" >"$WORK/table"
echo "|---|---|---|---|---|---|" >>"$WORK/table"
for shape in small ${SHAPES:-attachment text broken html line parts}; do
  try_shape "$shape"
done
cat "$WORK/table"
