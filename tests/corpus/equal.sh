#!/bin/bash
# The round trip on real mail, where it is at hand: synced, rebuilt and restored messages are the
# server's, byte for byte, with folder, flags and date, as an independent client sees them.
#   CORPORA=FOLDER tests/corpus/equal.sh      FOLDER holds lists-6k.tar.zst
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/../scenario/lib.sh"

CORPORA=${CORPORA:-$ROOT/../shared/corpora}
[[ -f $CORPORA/lists-6k.tar.zst ]] || {
  echo "no lists-6k.tar.zst in $CORPORA"
  exit 1
}
mkdir "$WORK/unpacked"
zstd -dc --long=27 "$CORPORA/lists-6k.tar.zst" | tar -x -C "$WORK/unpacked"
start_dovecot
load_mail lists "$WORK/unpacked/lists"
write_config lists fresh
sed -i 's/^path = .*/&\nsegment-size = 8M/' "$CONFIG"
dump_account lists >"$WORK/server"
messages=$(wc -l <"$WORK/server")

run 0 mailcask sync lists
cat "$OUT"
archived lists >"$WORK/archived"
check "synced: $messages messages equal" compare_mail --by folder,uid,uidvalidity,sha256,flags,internaldate \
  "$WORK/archived" "$WORK/server"
run 0 mailcask export '*' -o "$WORK/eml"
find "$WORK/eml" -name '*.eml' -print0 | xargs -0 sha256sum | cut -d' ' -f1 | sort >"$WORK/sums"
check "exported: the bytes of each" cmp "$WORK/sums" <(json "$WORK/server" 'o["sha256"]' | sort)
rm "$WORK"/archive/*.db
run 0 mailcask rebuild
archived lists >"$WORK/archived"
check "rebuilt from the segments: equal" compare_mail --by folder,uid,uidvalidity,sha256,flags,internaldate \
  "$WORK/archived" "$WORK/server"
run 0 mailcask restore '*' --to fresh
cat "$OUT"
dump_account fresh >"$WORK/fresh"
check "restored into a fresh account: equal" compare_mail "$WORK/server" "$WORK/fresh"
run 0 mailcask verify
cat "$OUT"
for segment in "$WORK"/archive/segments/*; do
  check "zstd, tar and bsdtar accept $(basename "$segment")" sh -c \
    "zstd -qt '$segment' && tar --zstd -tf '$segment' >/dev/null && bsdtar -tf '$segment' >/dev/null"
done
run 0 mailcask status
cat "$OUT"
