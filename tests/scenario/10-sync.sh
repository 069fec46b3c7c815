#!/bin/bash
# A sync brings every message byte for byte, with folder, flags and date; the next one brings
# what changed and nothing else; nothing on the server is ever changed by it.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_server
generate_mail --seed 10 --count 300
load_mail bob
write_config bob
dump_account bob >"$WORK/server"

run 0 mailcask sync
check "all are new" contains "$OUT" "bob: $(wc -l <"$WORK/server") new"
archived >"$WORK/archived"
check "the archive has what the server sends" compare_mail "$WORK/archived" "$WORK/server"
# The others do not take all of it, or not by APPEND.
[[ $SERVER != dovecot ]] ||
  check "the archive has what was generated" compare_mail "$WORK/archived" "$MANIFEST"
dump_account bob >"$WORK/after"
check "the server is as it was, \\Seen and \\Recent included" cmp "$WORK/server" "$WORK/after"
for id in $(shuf -n 20 --random-source="$MANIFEST" "$WORK/archived" | json /dev/stdin 'o["sha256"]'); do
  mailcask show "$id" --raw | sha256sum | cut -d' ' -f1
  echo "$id"
done | uniq -c >"$WORK/sums"
check "show --raw gives the bytes of the id" fails grep -vq '^ *2 ' "$WORK/sums"
run 0 mailcask audit
check "audit finds nothing missing" fails grep -qE ' [1-9][0-9,]*$' "$OUT"

segments=$(cat "$WORK"/archive/segments/* | sha256sum)
run 0 mailcask sync
check "a second sync brings nothing" contains "$OUT" "bob: 0 new (0 B)"
check "... and does not make the archive grow" \
  same "$(cat "$WORK"/archive/segments/* | sha256sum)" "$segments"

# Somebody else works in the account meanwhile.
somebody bob <<'P'
imap.select("INBOX")
uids = imap.uid("SEARCH", "UNDELETED")[1][0].split()
imap.uid("STORE", b",".join(uids[:3]), "+FLAGS", r"(\Deleted)")
imap.uid("EXPUNGE", b",".join(uids[:3]))
imap.uid("STORE", b",".join(uids[3:6]), "+FLAGS", "(touched)")
for n in range(4):
    imap.append("INBOX", r"(\Seen)", None, b"Subject: late %d\r\n\r\nnew\r\n" % n)
imap.delete(box("Lists/dev"))
P
dump_account bob >"$WORK/server"
run 0 mailcask sync
check "four are new" contains "$OUT" "bob: 4 new"
check "three are gone from a folder that is still there" contains "$OUT" "3 gone from the server"
check "three have other flags" contains "$OUT" "flags of 3 changed"
archived >"$WORK/archived"
check "the archive follows" compare_mail "$WORK/archived" "$WORK/server"
archived bob gone >"$WORK/gone"
check "what is gone stays in the archive" test "$(wc -l <"$WORK/gone")" -gt 3
check "the folder that was deleted is told as gone" \
  contains "$WORK/gone" "\"folder\": \"$(shown Lists/dev)\""
run 0 mailcask show "$(json "$WORK/gone" 'o["sha256"]' | head -n 1)" --raw
check "a message that is gone from the server can be read" test -s "$OUT"

# The server numbers a folder anew: deleted, and made again with the same messages.
somebody bob <<'P'
import re
imap.select(box("Archive/2019"))
parts = imap.uid("FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1]
kept = []
for part in parts:
    if isinstance(part, tuple):
        head = part[0].decode()
        flags = " ".join(f for f in re.search(r"FLAGS \(([^)]*)\)", head)[1].split() if f != r"\Recent")
        kept.append((flags, re.search(r'INTERNALDATE ("[^"]*")', head)[1], part[1]))
imap.select("INBOX", readonly=True)
imap.delete(box("Archive/2019"))
import time
time.sleep(1.1)  # UIDVALIDITY is the second of the clock
imap.create(box("Archive/2019"))
for flags, date, text in kept:
    imap.append(box("Archive/2019"), f"({flags})", date, text)
P
dump_account bob >"$WORK/server"
stored=$(mailcask status --json | tail -n 1)
run 1 mailcask sync
check "a new UIDVALIDITY is told" contains "$ERR" "numbered this folder anew"
archived >"$WORK/archived"
check "the archive follows the new numbers" compare_mail "$WORK/archived" "$WORK/server"
check "what was known is not stored again" test \
  "$(($(mailcask status --json | tail -n 1 | json /dev/stdin 'o["messages"]') - \
    $(json /dev/stdin 'o["messages"]' <<<"$stored")))" -le 3
run 0 mailcask verify
check "verify is content" contains "$OUT" "all is well"
