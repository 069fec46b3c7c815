#!/bin/bash
# The worker syncs, indexes and purges by itself, only by rules with auto = yes, and ends
# politely.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_server
generate_mail --seed 19 --count 150
load_mail bob
write_config bob
cat >>"$CONFIG" <<E2

[rule manual]
match     = folder:INBOX -folder:$(shown Junk) older:2y
action    = purge
after     = 0s
max-share = 100%

[rule by-itself]
match     = folder:$(shown Junk) older:2y
action    = purge
after     = 0s
max-share = 100%
auto      = yes
E2
dump_account bob >"$WORK/before"
run 0 mailcask run --once
dump_account bob --no-body >"$WORK/after"
count() { json "$1" 'o["folder"]' | grep -cx "$2" || true; }
check "a rule without auto = yes purges nothing" \
  same "$(count "$WORK/after" INBOX)" "$(count "$WORK/before" INBOX)"
check "a rule with it does" test "$(count "$WORK/after" "$(shown Junk)")" -lt \
  "$(count "$WORK/before" "$(shown Junk)")"
run 0 mailcask search '*' --count
check "everything is archived and indexed" \
  same "$(cat "$OUT")" "$(json "$WORK/before" 'o["sha256"]' | sort -u | wc -l)"

# As a service: works at its start, waits, ends on SIGTERM.
"$MAILCASK" run -c "$CONFIG" >"$OUT" 2>"$ERR" &
pid=$!
for ((i = 0; i < 100; i++)); do
  ! grep -q "bob: 0 new" "$OUT" || break
  read -rt 0.1 <> <(:) || :
done
check "it works at once" contains "$OUT" "bob: 0 new"
for ((i = 0; i < 100; i++)); do
  ! flock -n "$WORK/archive/lock" true || break
  read -rt 0.1 <> <(:) || :
done
run 0 mailcask sync
check "the archive is free while it waits" contains "$OUT" "bob: 0 new"
: >"$OUT" # what the last command said must not be taken for the worker's
"$MAILCASK" run -c "$CONFIG" >"$OUT" 2>"$ERR" &
second=$!
for ((i = 0; i < 100; i++)); do
  ! grep -q "bob: 0 new" "$OUT" || break
  read -rt 0.1 <> <(:) || :
done
check "another one works meanwhile" contains "$OUT" "bob: 0 new"
for pid in "$pid" "$second"; do
  kill -TERM "$pid"
  status=0
  wait "$pid" || status=$?
  check "SIGTERM ends it with status 0" same "$status" 0
done

# A sync that is asked to stop keeps what it has.
rm -rf "$WORK/archive"
"$MAILCASK" sync -c "$CONFIG" >"$OUT" 2>"$ERR" &
pid=$!
for ((i = 0; i < 100; i++)); do
  [[ ! -s $WORK/archive/segments/000001.tar.zst ]] || break
  read -rt 0.02 <> <(:) || :
done
kill -INT "$pid" 2>/dev/null || true
status=0
wait "$pid" || status=$?
check "SIGINT ends a sync with status 1 (or it was done)" test "$status" = 1 -o "$status" = 0
run 0 mailcask verify
run 0 mailcask sync
archived >"$WORK/archived"
dump_account bob >"$WORK/server"
check "the next one completes it" compare_mail "$WORK/archived" "$WORK/server"
