#!/bin/bash
# A disk that is full: a clear sentence, nothing lost, and the next sync goes on.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

# A disk of 3 MiB of our own; without root in a mount namespace of our own.
if [[ -z ${MC_MOUNTED:-} ]] && ! mount -t tmpfs -o size=1M none "$HOME" 2>/dev/null; then
  export MC_MOUNTED=yes
  trap - EXIT
  rm -rf "$WORK"
  exec unshare -rm bash "$0" "$@"
fi
mountpoint -q "$HOME" && umount "$HOME"

start_dovecot # about the disk, not the server
generate_mail --seed 16 --count 300
load_mail bob
write_config bob
mkdir "$WORK/disk"
mount -t tmpfs -o size=3M none "$WORK/disk"
sed -i "s|^path = .*|path = $WORK/disk/archive\nfree-floor = 0|" "$CONFIG"
dump_account bob >"$WORK/server"

run 1 mailcask sync
check "a full disk is told" grep -qE 'No space left|MiB left|disk is full' "$ERR"
run 1 mailcask sync
mount -o remount,size=200M "$WORK/disk"
run 0 mailcask sync
archived >"$WORK/archived"
check "with room the sync completes" compare_mail "$WORK/archived" "$WORK/server"
run 0 mailcask verify
check "nothing is damaged" contains "$OUT" "all is well"

# The floor: refused before the disk is full, with the numbers.
rm -rf "$WORK/disk/archive"
sed -i "s|^free-floor = .*|free-floor = 1G|" "$CONFIG"
run 1 mailcask sync
check "the floor is told with its numbers" contains "$ERR" "must stay free (free-floor)"
umount "$WORK/disk"
