#!/bin/bash
# Exported files are the messages: .eml byte for byte, mbox as mboxrd readers see it.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_server
generate_mail --seed 14 --count 200
load_mail bob
write_config bob
dump_account bob >"$WORK/server"
count=$(wc -l <"$WORK/server")
run 0 mailcask sync
run 0 mailcask export '*' -o "$WORK/eml"
find "$WORK/eml" -name '*.eml' -print0 | xargs -0 sha256sum | cut -d' ' -f1 | sort >"$WORK/sums"
json "$WORK/server" 'o["sha256"]' | sort >"$WORK/expected"
check "every .eml has the bytes of its message" cmp "$WORK/sums" "$WORK/expected"
check "the summary counts them" contains "$OUT" "$count messages ("
# Whatever is left of an export that was interrupted: it goes on.
whole() { # FOLDER
  find "$1" -name '*.eml' -print0 | xargs -0 sha256sum | cut -d' ' -f1 | sort | cmp - "$WORK/expected"
}
find "$WORK/eml" -name '*.eml' | sort >"$WORK/files"
sed -n '1~3p' "$WORK/files" | xargs -d '\n' rm
first=$(sed -n 2p "$WORK/files") inode=$(stat -c %i "$(sed -n 2p "$WORK/files")")
sed -n 1p "$WORK/files" | while read -r file; do echo "cut in the middle" >"$file.part"; done
run 0 mailcask export '*' -o "$WORK/eml"
check "an export goes on where it ended" whole "$WORK/eml"
check "... and counts all" contains "$OUT" "$count messages ("
check "... what was there stays as it is" same "$(stat -c %i "$first")" "$inode"
check "... and nothing half is left" same "$(find "$WORK/eml" -name '*.part')" ""
echo x >>"$first"
run 2 mailcask export '*' -o "$WORK/eml"
check "another file of that name is not replaced" contains "$ERR" "exists already" "$first"
check "... really" same "$(tail -n 1 "$first")" x
rm "$first"
run 0 mailcask export '*' -o "$WORK/eml"
run 0 mailcask export "$(json "$MANIFEST" '"id:" + o["sha256"]' | sed -n 1p)" -o "$WORK/one"
check "one message is one message" contains "$OUT" "1 message ("

# Stopped in the middle, or at the end, if it was faster: there is all of it or nothing.
stopped() { # PATH ARGUMENT...
  local path=$1
  status=0
  "$MAILCASK" -c "$CONFIG" export '*' -o "$@" >"$OUT" 2>"$ERR" &
  until [[ -e $path || -e $path.part ]] || ! kill -0 $! 2>/dev/null; do :; done
  kill -TERM $! 2>/dev/null || true
  wait $! || status=$?
  check "stopped or ready (status $status)" test "$status" -le 1
  check "nothing half is left" same "$(find "$WORK" -name '*.part')" ""
}
stopped "$WORK/stopped"
run 0 mailcask export '*' -o "$WORK/stopped"
check "the same command completes it" whole "$WORK/stopped"
stopped "$WORK/stopped.mbox" -f mbox
check "there is all of it or nothing" \
  same "$(grep -shc '^From mailcask@' "$WORK/stopped.mbox" /dev/null | head -n 1)" "$((count * (status == 0)))"

# No room: as the kernel says it of a file that may not grow.
status=0
(trap '' XFSZ && ulimit -f 100 && exec "$MAILCASK" -c "$CONFIG" export '*' -f mbox -o "$WORK/all.mbox") \
  >"$OUT" 2>"$ERR" || status=$?
check "no room for the mbox" same "$status" 1
check "... is told" contains "$ERR" "all.mbox"
check "... and leaves nothing" same "$(find "$WORK" -name 'all.mbox*')" ""

echo "what a crash left" >"$WORK/all.mbox.part"
run 0 mailcask export '*' -f mbox -o "$WORK/all.mbox"
check "... nor of a crash" test ! -e "$WORK/all.mbox.part"
run 2 mailcask export '*' -f mbox -o "$WORK/all.mbox"
check "nothing is replaced" contains "$ERR" "exists already"
"$PYTHON" - "$WORK/all.mbox" >"$WORK/sums" <<'P'
# An mboxrd reader of its own: messages between "From " lines, one ">" taken off quoted ones.
import hashlib, re, sys
data = open(sys.argv[1], "rb").read()
parts = re.split(rb"(?m)^From mailcask@localhost .*\n", data)[1:]
for part in parts:
    body = re.sub(rb"(?m)^>(>*From )", rb"\1", part[:-1])
    print(hashlib.sha256(body).hexdigest())
P
"$PYTHON" - "$WORK/eml" >"$WORK/expected" <<'P'
import hashlib, pathlib, sys
for path in pathlib.Path(sys.argv[1]).rglob("*.eml"):
    data = path.read_bytes().replace(b"\r\n", b"\n")
    if data and not data.endswith(b"\n"):
        data += b"\n"
    print(hashlib.sha256(data).hexdigest())
P
check "the mbox holds every message" cmp <(sort "$WORK/sums") <(sort "$WORK/expected")
run 0 mailcask export "folder:$(shown Archive/2019)" -f mbox -o -
check "mbox goes to standard output" grep -q '^From mailcask@localhost ' "$OUT"
run 2 mailcask export '*' -f zip -o "$WORK/x"

# Attachments.
id=$(json "$MANIFEST" 'o["sha256"] if o.get("attachments") else ""' | grep . | head -n 1)
run 0 mailcask attachments "$id" --save "$WORK/parts"
check "attachments are saved" test "$(find "$WORK/parts" -type f | wc -l)" -ge 1
run 0 mailcask attachments "$id" --save "$WORK/parts"
check "saving again replaces nothing" test "$(find "$WORK/parts" -name '1-*' | wc -l)" -ge 1
