#!/bin/bash
# kill -9 at any moment of a sync: the next one completes it, nothing is there twice, verify is
# clean. KILLS=50 for the long form.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_server
generate_mail --seed 17 --count 600
load_mail bob
write_config bob
sed -i 's/^path = .*/&\nsegment-size = 2M/' "$CONFIG"
dump_account bob >"$WORK/server"
kills=${KILLS:-12}

start=$(date +%s%N)
run 0 mailcask sync
whole_ms=$((($(date +%s%N) - start) / 1000000))
rm -rf "$WORK/archive"

RANDOM=17 killed=0
for ((n = 0; n < kills; n++)); do
  # Every other time from nothing; in between what was begun goes on.
  ((n % 2)) || rm -rf "$WORK/archive"
  "$MAILCASK" -c "$CONFIG" sync >/dev/null 2>&1 &
  pid=$!
  ms=$((RANDOM % (n % 2 ? whole_ms / 2 : whole_ms)))
  read -rt "$((ms / 1000)).$(printf %03d $((ms % 1000)))" <> <(:) || :
  if kill -9 "$pid" 2>/dev/null; then killed=$((killed + 1)); fi
  wait "$pid" 2>/dev/null || :
  # Whatever the moment: what is there can be read, and is right.
  if ((n % 3 == 0)) && [[ -e $WORK/archive/FORMAT ]]; then
    run 0 mailcask verify
  fi
  if ((n % 6 == 5)); then
    run 0 mailcask sync
    archived >"$WORK/archived"
    check "complete after kill $((n + 1))" compare_mail "$WORK/archived" "$WORK/server"
  fi
done
check "most kills hit a running sync" test $((killed * 2)) -ge "$kills"
run 0 mailcask sync
archived >"$WORK/archived"
check "the set of messages is complete, nothing twice" compare_mail "$WORK/archived" "$WORK/server"
for segment in "$WORK"/archive/segments/*; do
  tar --zstd -tf "$segment"
done | grep -v ^log/ | sort | uniq -d >"$WORK/twice"
check "no message or attachment is stored twice" same "$(cat "$WORK/twice")" ""
run 0 mailcask verify
check "verify is clean" contains "$OUT" "all is well"
segments=$(cat "$WORK"/archive/segments/* | sha256sum)
run 0 mailcask sync
check "one more sync changes nothing" same "$(cat "$WORK"/archive/segments/* | sha256sum)" "$segments"
