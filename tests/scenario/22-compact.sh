#!/bin/bash
# compact: what is expired goes for good, everything else stays to the byte, and the archive is
# smaller; plain tools read it as before.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

EXPIRE=${EXPIRE:-$ROOT/build/plain/tests/crash/expire}
start_dovecot # about the archive, not the server
generate_mail --seed 22 --count 300
load_mail bob
write_config bob
sed -i 's/^path = .*/&\nsegment-size = 1M\nbatch-size = 64K/' "$CONFIG"
run 0 mailcask sync
mailcask search '*' --limit 0 --json -q >"$WORK/all"

everything() { # FOLDER: every message as a file
  run 0 mailcask export '*' -o "$1" --format eml
  (cd "$1" && find . -type f -exec sha256sum {} + | sort) >"$1.sums"
}
segments_read_well() {
  for segment in "$WORK"/archive/segments/*; do
    check "$(basename "$segment") is read by zstd, tar and bsdtar" \
      bash -c "zstd -tq '$segment' && tar --zstd -tf '$segment' && bsdtar -tf '$segment'"
  done
}

everything "$WORK/before"
run 0 mailcask compact
check "without anything expired nothing is done" contains "$OUT" "nothing to compact"
run 0 mailcask compact --best --dry-run
check "dry run: what would be done" contains "$OUT" "would be written anew"
check "... and nothing was" test -z "$(find "$WORK/archive/segments" -name '*.1.tar.zst')"

bytes=$(du -sb "$WORK/archive/segments" | cut -f1)
run 0 mailcask compact --best
check "what was gained is told" contains "$OUT" "written anew" "gained"
check "smaller" test "$(du -sb "$WORK/archive/segments" | cut -f1)" -lt "$bytes"
check "one file of each segment" test "$(find "$WORK/archive/segments" -type f | wc -l)" = \
  "$(find "$WORK/archive/segments" -type f | sed 's|.*/\([0-9]*\)\..*|\1|' | sort -u | wc -l)"
everything "$WORK/after"
check "every message as before, to the byte" cmp "$WORK/before.sums" "$WORK/after.sums"
segments_read_well
run 0 mailcask verify
check "verify is content" contains "$OUT" "all is well"
run 0 mailcask compact --best
check "the second time there is nothing to do" contains "$OUT" "nothing to compact"
run 0 mailcask sync
run 0 mailcask status

# What is expired.
"$EXPIRE" "$WORK/archive" 9 >"$WORK/gone"
count=$(wc -l <"$WORK/gone")
cp "$WORK/archive/index.db" "$WORK/index.db"
first=$(head -n 1 "$WORK/gone")
# A subject that only messages have that are gone.
subject=$("$PYTHON" - "$WORK/all" "$WORK/gone" <<'P'
import json, re, sys
with open(sys.argv[1]) as lines, open(sys.argv[2]) as ids:
    mails, gone = [json.loads(line) for line in lines], set(ids.read().split())
kept = "\n".join(m["subject"] or "" for m in mails if m["id"] not in gone)
print(next(m["subject"] for m in mails if m["id"] in gone
           and re.fullmatch(r"[A-Za-z ]{12,}", m["subject"] or "") and m["subject"] not in kept))
P
)
check "one that has a subject of its own" test -n "$subject"
run 1 mailcask show "$first"
check "what is expired says so" contains "$ERR" "is expired"
check "... but not what it said" lacks "$OUT" "Subject:"
check "what is expired is not found" bash -c \
  "'$MAILCASK' -c '$CONFIG' search '*' --limit 0 --json -q | grep -cFf '$WORK/gone' | grep -qx 0"
run 0 mailcask compact --json
check "the messages are dropped" test \
  "$(json "$OUT" 'o["messages_dropped"]' | awk '{ n += $1 } END { print n }')" = "$count"
check "their bytes are gone" bash -c \
  "! tar --zstd -tf '$WORK/archive/segments/'*.2.tar.zst | grep -qFf '$WORK/gone'"
check "and what they said" bash -c \
  "! for f in '$WORK'/archive/segments/*; do zstd -dcq \$f; done | grep -aqF -- '$subject'"
in_index() { # messages that are expired, and have words in the index
  "$PYTHON" - "$WORK/archive" <<'P'
import sqlite3, sys
with sqlite3.connect(sys.argv[1] + "/index.db") as index:
    index.execute("ATTACH ? AS cat", (sys.argv[1] + "/catalog.db",))
    print(index.execute("SELECT count(*) FROM doc JOIN cat.message USING(n)"
                        " WHERE expired IS NOT NULL").fetchone()[0])
P
}
check "... and their words" test "$(in_index)" = 0
# As if it had been stopped before it came to the index.
rm -f "$WORK"/archive/index.db*
cp "$WORK/index.db" "$WORK/archive"
check "an index with words of what is gone" test "$(in_index)" -gt 0
run 0 mailcask compact
check "... loses them with the next compact" test "$(in_index)" = 0
check "... also in the catalogue" bash -c "! grep -aqF -- '$subject' '$WORK'/archive/catalog.db"
run 0 mailcask verify
run 0 mailcask rebuild
run 0 mailcask verify
check "all else is there" test \
  "$(mailcask search '*' --limit 0 --json -q | wc -l)" = "$(($(wc -l <"$WORK/all") - count))"
run 0 mailcask sync
check "a sync does not bring it back" test \
  "$(mailcask search '*' --limit 0 --json -q | wc -l)" = "$(($(wc -l <"$WORK/all") - count))"

# It comes back where the server shows it at another place.
"$PYTHON" - "$(server imaps)" "$WORK/certs/ca.pem" <<'P'
import imaplib, ssl, sys
client = imaplib.IMAP4_SSL("localhost", int(sys.argv[1]),
                           ssl_context=ssl.create_default_context(cafile=sys.argv[2]))
client.login("bob", "pass")
for folder in ("INBOX", "Trash"):
    client.select(folder)
    client.copy("1:*", "Copied") if client.create("Copied") else None
P
run 0 mailcask sync
copied=$(mailcask search 'folder:Copied' --limit 0 --json -q | grep -cFf "$WORK/gone" || true)
check "what the server shows elsewhere comes back" test "$copied" -gt 0
check "and is found by its words" test "$copied" = \
  "$(mailcask search 'folder:Copied -thisisnoword' --limit 0 --json -q | grep -cFf "$WORK/gone")"
run 0 mailcask verify

# Damage: told, and the segment stays.
victim=$(find "$WORK/archive/segments" -name '000001*')
"$PYTHON" - "$victim" <<'P'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(100)
    byte = file.read(1)[0]
    file.seek(100)
    file.write(bytes([byte ^ 1]))
P
"$EXPIRE" "$WORK/archive" 5 >"$WORK/more"
run 1 mailcask compact
check "a damaged segment is left and named" contains "$ERR" "segment 1 stays as it is"
check "... and is there" test -e "$victim"
run 2 mailcask compact now
