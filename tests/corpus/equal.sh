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

# As small as one solid stream of the same Maildir, at the default segment size.
sed "s|^path = .*|path = $WORK/best|; /^segment-size/d" "$CONFIG" >"$WORK/best.config"
run 0 "$MAILCASK" -c "$WORK/best.config" sync lists
usual=$(du -sb "$WORK/best/segments" | cut -f1)
run 0 "$MAILCASK" -c "$WORK/best.config" compact --best
best=$(du -sb "$WORK/best/segments" | cut -f1)
solid=$(tar -c -C "$WORK/unpacked" lists | zstd -19 --long=27 -T0 -q | wc -c)
raw=$(json "$WORK/server" 'o["size"]' | awk '{ n += $1 } END { print n }')
echo "raw $raw, archive $usual, after compact --best $best, tar | zstd -19 --long=27 $solid bytes"
check "at the default level at most 32 % of raw" test "$((usual * 100))" -le "$((raw * 32))"
check "compact --best: no larger than one solid stream" test "$best" -le "$solid"
run 0 "$MAILCASK" -c "$WORK/best.config" verify
run 0 "$MAILCASK" -c "$WORK/best.config" export '*' -o "$WORK/best-eml"
find "$WORK/best-eml" -name '*.eml' -print0 | xargs -0 sha256sum | cut -d' ' -f1 | sort >"$WORK/best.sums"
check "... and the bytes of each" cmp "$WORK/best.sums" "$WORK/sums"
