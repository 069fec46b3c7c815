#!/bin/bash
# A sync brings every message byte for byte, with folder, flags and date; the next one brings
# what changed and nothing else; nothing on the server is ever changed by it.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_dovecot
generate_mail --seed 10 --count 300
load_mail bob
write_config bob
dump_account bob >"$WORK/server"

run 0 mailcask sync
check "all are new" contains "$OUT" "bob: $(wc -l <"$WORK/server") new"
archived >"$WORK/archived"
check "the archive has what the server sends" compare_mail "$WORK/archived" "$WORK/server"
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
mail=$(server mail)/bob
"$PYTHON" - "$mail" <<'P'
import os, sys
cur = os.path.join(sys.argv[1], "cur")
names = sorted(os.listdir(cur))
for name in names[:3]:
    os.unlink(os.path.join(cur, name))
for name in names[3:6]:
    base, _, flags = name.partition(":2,")
    flags = "".join(sorted(set(flags) ^ {"F"}))
    os.rename(os.path.join(cur, name), os.path.join(cur, f"{base}:2,{flags}"))
P
generate_mail --seed 10 --first 300 --count 25
load_mail more
cp -r "$(server mail)"/more/.Archive.2019/cur/. "$mail/.Archive.2019/cur/" 2>/dev/null || true
rm -rf "$mail/.Lists.dev"
dump_account bob >"$WORK/server"
run 0 mailcask sync
check "three are gone from a folder that is still there" contains "$OUT" "3 gone from the server"
check "three have other flags" contains "$OUT" "flags of 3 changed"
archived >"$WORK/archived"
check "the archive follows" compare_mail "$WORK/archived" "$WORK/server"
archived bob gone >"$WORK/gone"
check "what is gone stays in the archive" test "$(wc -l <"$WORK/gone")" -gt 3
check "the folder that was deleted is told as gone" \
  contains "$WORK/gone" '"folder": "Lists/dev"'
run 0 mailcask show "$(json "$WORK/gone" 'o["sha256"]' | head -n 1)" --raw
check "a message that is gone from the server can be read" test -s "$OUT"

# The server numbers a folder anew.
uid_list=$mail/.Archive.2019/dovecot-uidlist
sed -i '1s/V[0-9]*/V1234567/' "$uid_list"
rm -f "$mail"/.Archive.2019/dovecot.index*
stop_dovecot
start_dovecot again mail="$WORK/dovecot/mail"
write_config bob="$(url bob again)"
dump_account bob again >"$WORK/server"
run 1 mailcask sync
check "a new UIDVALIDITY is told" contains "$ERR" "numbered this folder anew"
archived >"$WORK/archived"
check "the archive follows the new numbers" compare_mail "$WORK/archived" "$WORK/server"
run 0 mailcask verify
check "verify is content" contains "$OUT" "all is well"
