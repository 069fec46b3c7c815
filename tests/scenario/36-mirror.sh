#!/bin/bash
# The second copy: made, verified, never harmed; needed for a purge when the settings say so; and
# an archive that is lost comes back from it with one command, byte for byte.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

# Disks of our own; without root in a mount namespace of our own.
if [[ -z ${MC_MOUNTED:-} ]] && ! mount -t tmpfs -o size=1M none "$HOME" 2>/dev/null; then
  export MC_MOUNTED=yes
  trap - EXIT
  rm -rf "$WORK"
  exec unshare -rm bash "$0" "$@"
fi
mountpoint -q "$HOME" && umount "$HOME"

A=$WORK/archive
M=$WORK/disk/mail
start_dovecot # about the archive, not the server
generate_mail --seed 36 --count 300
load_mail bob
write_config bob
sed -i "s|^path = .*|&\nmirror = $M\nsegment-size = 256K\nbatch-size = 64K\nfree-floor = 0|" "$CONFIG"
cat >>"$CONFIG" <<'E2'

[rule old]
match     = older:1y
action    = purge
after     = 0s
max-share = 100%
max-count = 5
E2
mkdir "$WORK/disk"
mounts+=("$WORK/disk")

mount_disk() { # SIZE
  mount -t tmpfs -o "size=$1" none "$WORK/disk"
}
same_segments() { # ARCHIVE MIRROR: the mirror has all of the archive and nothing else
  diff <(cd "$1/segments" && sha256sum -- *.zst) <(cd "$2/segments" && sha256sum -- *.zst)
  cmp "$1/FORMAT" "$2/FORMAT"
}
flip() { # FILE OFFSET
  "$PYTHON" - "$1" "$2" <<'P'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    b = f.read(1)
    f.seek(int(sys.argv[2]))
    f.write(bytes([b[0] ^ 64]))
P
}
sums() { # [OPTION...]: of every message, as the program gives it out
  mkdir "$WORK/export"
  mailcask export "$@" '*' -o "$WORK/export" --format eml >/dev/null
  find "$WORK/export" -name '*.eml' -exec sha256sum {} + | cut -d' ' -f1 | sort
  rm -rf "$WORK/export"
}

# A disk that is full from the start: the sync is fine, the mirror is told.
mount_disk 600K
run 1 mailcask sync
check "the mail is archived" contains "$OUT" "300 new"
check "a full mirror disk is told" contains "$ERR" "the disk of the mirror $M is full"
check "nothing torn is left" test -z "$(find "$M/segments" -type f ! -name '*.zst')"
run 1 mailcask verify --mirror
check "what is there is whole, and it says how far behind" contains "$OUT" "all is well" "behind by"
mount -o remount,size=200M "$WORK/disk"
run 0 mailcask sync
check "with room it is made complete" same_segments "$A" "$M"
run 0 mailcask sync
check "then there is nothing to copy" lacks "$OUT" "copied"
run 0 mailcask verify --mirror
check "it verifies" contains "$OUT" "all is well"
run 0 mailcask verify --mirror --json
check "... in JSON, too" same "$(json "$OUT" 'o["behind"], o["faults"]')" "(0, 0)"
run 0 mailcask status
check "status shows it" contains "$OUT" "  mirror         $M, complete"
check "... and nothing is behind" lacks "$OUT" "behind"
sums >"$WORK/sums"
check "there is mail to compare" test "$(wc -l <"$WORK/sums")" -ge 290

# It is an archive like any other.
cp -a "$M" "$WORK/copy"
run 0 "$MAILCASK" rebuild --archive "$WORK/copy"
run 0 "$MAILCASK" verify --archive "$WORK/copy"
sums --archive "$WORK/copy" >"$WORK/sums2"
check "all mail comes from the mirror alone" cmp "$WORK/sums" "$WORK/sums2"
rm -rf "$WORK/copy"

# What is only a fact goes there, too.
run 0 mailcask hold folder:INBOX --reason "a case"
check "there is one" contains "$OUT" "on hold"
run 0 mailcask hold folder:INBOX --release
check "a hold is in the mirror" same_segments "$A" "$M"

# The worker keeps it, too; and a file that it lost comes back.
rm "$M/segments/000002.tar.zst"
run 0 mailcask run --once
check "the lost file is told" contains "$ERR" "000002.tar.zst was missing in the mirror"
check "... and copied again" same_segments "$A" "$M"

# The disk is not mounted: an empty folder, which is not filled.
umount -l "$WORK/disk"
mkdir "$M"
"$PYTHON" - "$(server imaps)" "$WORK/certs/ca.pem" <<'P'
import imaplib, ssl, sys
imap = imaplib.IMAP4_SSL("localhost", int(sys.argv[1]),
                         ssl_context=ssl.create_default_context(cafile=sys.argv[2]))
imap.login("bob", "pass")
for n in range(5):
    imap.append("INBOX", None, None, b"Subject: new %d\r\n\r\n%s\r\n" % (n, b"text %d " % n * 400))
P
run 1 mailcask sync
check "the mail is archived all the same" contains "$OUT" "5 new"
check "the mirror is missed" contains "$ERR" "mirror" "is its disk mounted?"
check "the folder stays empty" test -z "$(ls -A "$M")"
run 0 mailcask status
check "status says so" contains "$OUT" "NOT THERE" "behind by"
run 1 mailcask verify --mirror
check "verify says so" contains "$ERR" "is its disk mounted?"

# A purge that needs the mirror.
sed -i "s|^mirror = .*|&\npurge-needs-mirror = yes|" "$CONFIG"
dump_account bob >"$WORK/before"
run 1 mailcask purge --yes
check "without it nothing is purged" contains "$OUT" "not proven in the mirror" "purged 0 messages"
dump_account bob >"$WORK/after"
check "... nor gone" cmp "$WORK/before" "$WORK/after"
run 1 mailcask mirror
check "only when told it is made anew" contains "$ERR" "mailcask mirror --new"
run 0 mailcask mirror --new
check "then it is" same_segments "$A" "$M"
check "its disk is that of the archive" contains "$ERR" "does not help when that disk dies"
for file in "$M"/segments/*.zst; do # in the first frames of all
  flip "$file" 700
done
run 1 mailcask purge --yes
check "what is damaged there is not purged" contains "$OUT" "not proven in the mirror"
run 3 mailcask verify --mirror
check "verify finds it" contains "$OUT" "fault"
run 0 mailcask mirror --compare
check "it is mended" contains "$ERR" "was damaged: copied again"
check "... wholly" same_segments "$A" "$M"
run 0 mailcask purge --yes
check "then the purge goes on" contains "$OUT" "purged 5 messages"
check "and is in the mirror" same_segments "$A" "$M"
run 0 mailcask verify --mirror
sums >"$WORK/sums"

# Damage in the archive: read from the mirror, mended from the mirror.
flip "$A/segments/000002.tar.zst" 3000
sums 2>"$ERR" >"$WORK/sums2"
check "damaged mail comes from the mirror" cmp "$WORK/sums" "$WORK/sums2"
check "with one notice" same "$(grep -c 'taken from the mirror' "$ERR")" 1
run 3 mailcask verify
run 0 mailcask rebuild --from-mirror
check "the damaged file is kept" test -f "$A/segments/000002.tar.zst.damaged"
run 0 mailcask verify
check "the archive is whole again" same_segments "$A" "$M"
rm "$A/segments/000002.tar.zst.damaged"

# Killed at every step of a restore: it is done again, and nothing opens half of an archive.
cp -a "$A" "$WORK/kept"
STEPS=${STEPS:-$ROOT/build/plain/tests/crash/steps.so}
rm -rf "$A"
run 5 mailcask sync
check "no new archive beside the mirror of a lost one" contains "$ERR" "rebuild --from-mirror"
run 0 mailcask rebuild --from-mirror
check "the archive folder comes back with one command" same_segments "$M" "$A"
sums >"$WORK/sums2"
check "every message, byte for byte" cmp "$WORK/sums" "$WORK/sums2"
run 0 mailcask verify
mailcask search '*' --limit 0 --json -q >"$WORK/restored"
rm -rf "$WORK/new"
mv "$A" "$WORK/new"
mv "$WORK/kept" "$A"
mailcask search '*' --limit 0 --json -q >"$WORK/original"
check "with everything that was known of it" cmp "$WORK/restored" "$WORK/original"
mv "$A" "$WORK/kept"
json "$WORK/original" 'o["id"]' >"$WORK/ids"
some=$(head -n 1 "$WORK/ids")
wrong=0 killed=0
for step in 1 2 3 5 8 12 17 23 30 38 47 57; do
  rm -rf "$A"
  LD_PRELOAD=$STEPS STEPS_UNDER=$A STEPS_AT=$step STEPS_DO=torn \
    mailcask rebuild --from-mirror >"$OUT" 2>&1 || killed=$((killed + 1))
  # Whatever opens now opens all of it.
  if mailcask show "$some" --raw >/dev/null 2>&1; then
    run 0 mailcask verify --mirror
  fi
  mailcask rebuild --from-mirror >"$OUT" 2>&1 || wrong=$step
  diff <(cd "$M/segments" && sha256sum -- *.zst) <(cd "$A/segments" && sha256sum -- *.zst) || wrong=$step
done
check "killed at any step it is done again" same "$wrong $((killed > 8))" "0 1"
rm -rf "$A"
mv "$WORK/kept" "$A"

# Killed at any step of an update: the next one completes it.
cp -a "$M" "$WORK/whole"
note=$A/mirror
cp "$note" "$WORK/note"
wrong=0 killed=0
for step in 1 2 3 4 6 9 13 18 24 31 39 48 58 69; do
  rm -rf "$M"
  rm -f "$note"
  LD_PRELOAD=$STEPS STEPS_UNDER=$M STEPS_AT=$step STEPS_DO=torn mailcask mirror >"$OUT" 2>&1 ||
    killed=$((killed + 1))
  mailcask mirror >"$OUT" 2>&1 || wrong=$step
  same_segments "$A" "$M" || wrong=$step
done
check "killed at any step it is completed" same "$wrong $((killed > 10))" "0 1"

# The archive lost its end, or was set back: the mirror is not cut.
cp -a "$A" "$WORK/kept"
run 0 mailcask hold '*' --reason "another case"
check "there is something that only the mirror has" contains "$OUT" "on hold"
cp "$M/segments/"*.zst "$WORK/whole/segments/"
rm -rf "$A"
mv "$WORK/kept" "$A"
cp -a "$A" "$WORK/kept"
run 5 mailcask mirror
check "a mirror that is longer is refused" contains "$ERR" "holds what the archive lacks"
check "... and left alone" same_segments "$WORK/whole" "$M"
run 5 mailcask verify --mirror
run 0 mailcask rebuild --from-mirror
check "what it has comes back" same_segments "$A" "$M"

# Set back, and gone on: two histories, of which neither is harmed.
rm -rf "$A"
mv "$WORK/kept" "$A"
run 1 mailcask hold folder:INBOX --reason "a third case"
check "two histories are refused" contains "$ERR" "went different ways"
check "... and the mirror left alone" same_segments "$WORK/whole" "$M"
cp -a "$A" "$WORK/kept"
run 5 mailcask rebuild --from-mirror
check "... from both sides" contains "$ERR" "nothing was changed"
check "... and the archive left alone" same_segments "$A" "$WORK/kept"
rm -rf "$WORK/kept"

# Segments that are written anew: the mirror takes the new files, and lets the old ones go.
cp -a "$M" "$WORK/old-mirror"
rm -rf "$A"
run 0 mailcask rebuild --from-mirror
sums >"$WORK/all.sums"
run 0 mailcask compact --best
check "compact: the mirror follows" same_segments "$A" "$M"
check "... with the new files" test -n "$(find "$M/segments" -name '*.1.tar.zst')"
run 0 mailcask verify --mirror
check "... and is content" contains "$OUT" "all is well"
rm -rf "$A"
run 0 mailcask rebuild --from-mirror
check "an archive comes back compacted" same_segments "$A" "$M"
sums >"$WORK/again.sums"
check "... with every message" cmp "$WORK/all.sums" "$WORK/again.sums"
run 0 mailcask verify
# One that was written anew and is damaged comes back as its mirror has it.
victim=$(find "$A/segments" -name '000001.*')
flip "$victim" 200
run 3 mailcask verify
run 0 mailcask rebuild --from-mirror
run 0 mailcask verify
sums >"$WORK/again.sums"
check "a damaged new file is mended" cmp "$WORK/all.sums" "$WORK/again.sums"
# A mirror that was away while segments were written anew.
mv "$M" "$WORK/whole-mirror"
cp -a "$WORK/old-mirror" "$WORK/old-kept"
mv "$WORK/old-mirror" "$M"
run 0 mailcask mirror
check "a mirror with the old files catches up" same_segments "$A" "$M"
run 0 mailcask verify --mirror
# A damaged new file never takes the place of the mirror's whole old one.
rm -rf "$M"
cp -a "$WORK/old-kept" "$M"
cp -a "$A" "$WORK/kept"
flip "$(find "$A/segments" -name '000001*.zst')" 200
run 3 mailcask verify
check "the mirror's whole file stays" test -n "$(find "$M/segments" -name '000001.tar.zst')"
run 3 mailcask mirror
check "... and why is told" contains "$ERR" "is damaged, so it is not copied"
run 0 mailcask rebuild --from-mirror
run 0 mailcask verify
sums >"$WORK/again.sums"
check "... and mends the archive" cmp "$WORK/all.sums" "$WORK/again.sums"
# Set back to an old file, which the mirror's new one goes on from.
rm -rf "$A" "$M"
cp -a "$WORK/kept" "$M"
cp -a "$WORK/kept" "$A"
rm "$A"/segments/* "$A"/*.db
cp -a "$WORK/old-kept/segments/000001.tar.zst" "$A/segments"
run 5 mailcask mirror
run 0 mailcask rebuild --from-mirror
sums >"$WORK/again.sums"
check "set back: all comes back" cmp "$WORK/all.sums" "$WORK/again.sums"
rm -rf "$WORK/whole" "$WORK/whole-mirror" "$WORK/kept" "$A" "$M"
cp -a "$WORK/old-kept" "$M"
run 0 mailcask rebuild --from-mirror
cp -a "$M" "$WORK/whole"

# Another archive's mirror.
mv "$A" "$WORK/kept"
sed "s|^mirror = .*||; s|^purge-needs-mirror.*||" "$CONFIG" >"$WORK/without"
run 0 "$MAILCASK" -c "$WORK/without" sync
run 1 mailcask sync
check "another archive's mirror is refused" contains "$ERR" "is the mirror of another archive"
run 5 mailcask rebuild --from-mirror
run 5 mailcask mirror
check "... and left alone" same_segments "$WORK/whole" "$M"

# Links to the archive's own files are no second copy.
rm -rf "$A"
mv "$WORK/kept" "$A"
cp -al "$A" "$WORK/linked"
sed -i "s|^mirror = .*|mirror = $WORK/linked|" "$CONFIG"
run 5 mailcask verify --mirror
check "a mirror of links does not verify" contains "$ERR" "links to the archive's own files"
run 5 mailcask mirror
check "... and is not brought up to date" contains "$ERR" "links to the archive's own files"
