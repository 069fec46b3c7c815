#!/bin/bash
# Exported files are the messages: .eml byte for byte, mbox as mboxrd readers see it.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_dovecot
generate_mail --seed 14 --count 200
load_mail bob
write_config bob
run 0 mailcask sync
run 0 mailcask export '*' -o "$WORK/eml"
find "$WORK/eml" -name '*.eml' -print0 | xargs -0 sha256sum | cut -d' ' -f1 | sort >"$WORK/sums"
json "$MANIFEST" 'o["sha256"]' | sort >"$WORK/expected"
check "every .eml has the bytes of its message" cmp "$WORK/sums" "$WORK/expected"
run 2 mailcask export '*' -o "$WORK/eml"
check "nothing is replaced" contains "$ERR" "exists already"
run 0 mailcask export '*' -f mbox -o "$WORK/all.mbox"
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
run 0 mailcask export folder:Archive/2019 -f mbox -o -
check "mbox goes to standard output" grep -q '^From mailcask@localhost ' "$OUT"
run 2 mailcask export '*' -f zip -o "$WORK/x"

# Attachments.
id=$(json "$MANIFEST" 'o["sha256"] if o.get("attachments") else ""' | grep . | head -n 1)
run 0 mailcask attachments "$id" --save "$WORK/parts"
check "attachments are saved" test "$(find "$WORK/parts" -type f | wc -l)" -ge 1
run 0 mailcask attachments "$id" --save "$WORK/parts"
check "saving again replaces nothing" test "$(find "$WORK/parts" -name '1-*' | wc -l)" -ge 1
