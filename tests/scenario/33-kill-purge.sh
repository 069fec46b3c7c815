#!/bin/bash
# kill -9 at any moment of a purge: whatever went is in the archive, byte for byte; the next
# purge goes on to the end and knows what became of all that was begun; what stays is as it was.
# KILLS=50 for the long form.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenario/hostile.sh
. "$(dirname "$0")/hostile.sh"

start_server
generate_mail --seed 33 --count 80
kills=${KILLS:-12}

# A fresh account NAME with the mail, synced: what it has is in $EVER, the plan in plan.json.
fresh() { # NAME
  NAME=$1 NOW=$WORK/now EVER=$WORK/before
  load_mail "$NAME"
  write_config "$NAME"
  sed -i "s|^path = .*|path = $WORK/archive.$NAME|" "$CONFIG"
  printf '\n[rule old]\nmatch = older:2y\naction = purge\nafter = 0s\nmax-share = 100%%\n' \
    >>"$CONFIG"
  "$MAILCASK" -c "$CONFIG" sync -q
  plan_json
  dump_account "$NAME" >"$EVER"
}

# Begins a purge, and kills it at random, as soon as it has told its plan: after some time (even
# N), or a moment after the server's files have changed for the first time, or the second, ...
# (odd N): marks and deletions by turns. Messages are files of a Maildir, or lines of an index. Prints what came first: killed, or ended.
purge_and_kill() { # N MAILDIR
  "$PYTHON" - "$@" "$MAILCASK" -c "$CONFIG" purge --yes <<'P'
import pathlib
import random
import subprocess
import sys
import time

number, root = int(sys.argv[1]), pathlib.Path(sys.argv[2])
source = random.Random(number)
purge = subprocess.Popen(sys.argv[3:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
for line in purge.stdout:
    if line.startswith(b"to purge:"):
        break


def files():
    return ([path.name for path in root.glob("**/cur/*")]
            + [path.stat().st_mtime_ns for path in root.glob("**/cyrus.index")])


seen, changes = files(), 0
if number % 2 == 0:
    time.sleep(source.uniform(0, 0.15))
else:
    last = source.randrange(1, 8)
    while purge.poll() is None and changes < last:
        now = files()
        changes += now != seen
        seen = now
    time.sleep(source.choice((0, 0, 0.0005, 0.001, 0.002)))
print("killed" if purge.poll() is None else "ended")
purge.kill()
purge.wait()
P
}

mail_of() { # NAME
  local own
  own=$(server mail)/$1
  [[ -d $own ]] || own=$(server mail) # the server has names of its own
  echo "$own"
}

stays_as_it_was() {
  fails grep -vxFf "$EVER" "$NOW"
}

shows_their_bytes() { # some that are gone
  local id
  for id in $(json "$EVER" 'o["sha256"]' | sort | comm -23 - \
    <(json "$NOW" 'o["sha256"]' | sort) | uniq | shuf -n 4); do
    same "$("$MAILCASK" -c "$CONFIG" show "$id" --raw | sha256sum | cut -d' ' -f1)" "$id" ||
      return 1
  done
}

killed=0 open=0
for ((n = 0; n < kills; n++)); do
  fresh "bob$n"
  [[ $(purge_and_kill "$n" "$(mail_of "$NAME")") != killed ]] || killed=$((killed + 1))

  dump_account "$NAME" >"$NOW"
  sound
  runs_json
  open=$((open + $(grep -c '"state":"intent"' "$WORK/runs.json" || :)))
  # Every other time a sync sees it first.
  ((n % 2)) || try 0 "a sync" sync -q
  try 0 "to the end" purge --yes
  dump_account "$NAME" >"$NOW"
  runs_json
  sound -- planned-gone "$NOW" "$EVER" "$WORK/plan.json" \
    -- settled "$NOW" "$WORK/archive.json" "$WORK/plan.json" "$WORK/runs.json"
  check "$NAME: what stays is as it was, without marks of ours" stays_as_it_was
  check "$NAME: what went comes back from the archive" shows_their_bytes
done
check "most kills hit a running purge" test $((killed * 2)) -ge "$kills"
echo "# $killed of $kills kills hit, and left $open intents open"
