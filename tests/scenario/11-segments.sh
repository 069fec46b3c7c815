#!/bin/bash
# The segments are the archive: catalogue and index can be deleted, plain tools read it.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_dovecot # about the archive, not the server
generate_mail --seed 11 --count 250
load_mail bob
write_config bob
sed -i 's/^path = .*/&\nsegment-size = 1M/' "$CONFIG"
# A segment is sealed at a commit: some folders at a time make some commits.
for folders in INBOX 'Archive' '*'; do
  cp "$CONFIG" "$WORK/some"
  echo "folders = $folders" >>"$WORK/some"
  run 0 "$MAILCASK" -c "$WORK/some" sync
done
mailcask search '*' --limit 0 --json -q >"$WORK/before"
mailcask search 'invoice OR report' --limit 0 --json -q >"$WORK/found"

rm "$WORK"/archive/catalog.db* "$WORK"/archive/index.db*
run 0 mailcask rebuild
mailcask search '*' --limit 0 --json -q >"$WORK/after"
check "rebuild brings everything back, to the byte" cmp "$WORK/before" "$WORK/after"
mailcask search 'invoice OR report' --limit 0 --json -q >"$WORK/after"
check "... and the same search results" cmp "$WORK/found" "$WORK/after"

rm "$WORK"/archive/catalog.db*
run 0 mailcask search '*' --limit 0 --json
check "a reader makes a missing catalogue by itself" cmp "$WORK/before" "$OUT"
check "... and says so" contains "$ERR" "making the catalogue"

printf 'no database at all, but long enough to be looked at as one ....................' \
  >"$WORK/archive/catalog.db"
rm -f "$WORK"/archive/catalog.db-*
run 0 mailcask sync
mailcask search '*' --limit 0 --json -q >"$WORK/after"
check "a broken catalogue is made again by the next sync" cmp "$WORK/before" "$WORK/after"
"$PYTHON" - "$WORK/archive/catalog.db" <<'P'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as catalog:
    catalog.execute("DELETE FROM folder")
P
run 3 mailcask export '*' -o "$WORK/lacking"
check "a row that is missing is told, with what to do" contains "$ERR" "run mailcask rebuild"
run 0 mailcask rebuild catalog
mailcask search '*' --limit 0 --json -q >"$WORK/after"
check "and rebuild cures it" cmp "$WORK/before" "$WORK/after"
rm "$WORK/archive/index.db"
run 0 mailcask search invoice
check "without an index search makes it" test -s "$WORK/archive/index.db"
cp "$OUT" "$WORK/found"
run 0 mailcask rebuild index
run 0 mailcask search invoice
check "and rebuild makes the same" cmp "$OUT" "$WORK/found"
run 0 mailcask verify
check "verify is content" contains "$OUT" "all is well"

last=$(ls "$WORK/archive/segments" | tail -n 1)
sealed=0
for segment in "$WORK"/archive/segments/*; do
  name=$(basename "$segment")
  check "zstd -t $name" zstd -qt "$segment"
  check "tar lists $name" tar --zstd -tf "$segment"
  check "bsdtar lists $name" bsdtar -tf "$segment"
  [[ $name == "$last" ]] || sealed=$((sealed + 1))
done
check "several segments were sealed" test "$sealed" -ge 2
for segment in "$WORK"/archive/segments/*; do
  tar --zstd -xf "$segment" -C "$HOME"
done
id=$(json "$WORK/before" 'o["id"] if o["size"] < 3000 else ""' | grep . | head -n 1)
check "a message without attachments is readable with tar and zstd alone" \
  same "$(sha256sum <"$HOME/mail/$id.eml" | cut -d' ' -f1)" "$id"

# An archive that is damaged is told as such.
"$PYTHON" - "$WORK/archive/segments/000001.tar.zst" <<'P'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(5000)
    byte = f.read(1)
    f.seek(5000)
    f.write(bytes([byte[0] ^ 255]))
P
run 3 mailcask verify
check "verify finds a flipped byte" contains "$OUT" "segment 1"
run 0 mailcask search '*' --json --limit 1
echo "mailcask archive 2" >"$WORK/archive/FORMAT"
run 3 mailcask sync
check "a newer format is refused" contains "$ERR" "made by a newer mailcask"
run 3 mailcask search invoice
