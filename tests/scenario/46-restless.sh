#!/bin/bash
# Messages arrive, flags change and others expunge while syncs are killed and their connections cut
# at any moment: every message that was there while a sync that ended well went on is archived, once.
# STOPS=200 for the long form.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_server
generate_mail --seed 46 --count 600
load_mail bob
write_config bob
cp "$CONFIG" "$CONFIG.near"
sed -i 's/^path = .*/&\nsegment-size = 2M\nbatch-size = 64K/' "$CONFIG.near"
sed -i 's/^tls-ca/connections = 3\n&/' "$CONFIG.near"
stops=${STOPS:-10} SEED=${SEED:-46}
RANDOM=$SEED

"$PYTHON" "$ROOT/tests/mail/restless.py" --port "$(server imaps)" --ca "$WORK/certs/ca.pem" \
  --user bob --seed "$SEED" --ledger "$WORK/ledger" --pause 4 &
writer=$!
mkdir "$WORK/proxy"
"$PYTHON" "$ROOT/tests/servers/delay.py" --to "$(server imaps)" --rtt 2 --cut 300000 \
  --seed "$SEED" --folder "$WORK/proxy" &
proxy=$!
trap 'kill "$proxy" "$writer" 2>/dev/null; finish' EXIT
for _ in $(seq 100); do
  [[ -s $WORK/proxy/port && -s $WORK/ledger ]] && break
  sleep 0.05
done
sed "s|^url = .*|url = imaps://bob@localhost:$(cat "$WORK/proxy/port")|" "$CONFIG.near" \
  >"$CONFIG.cut"
cp "$CONFIG.near" "$CONFIG"

# What a sync must have that began and ended at these moments: what had come before, and had not
# begun to go when it ended.
visible() { # BEGAN ENDED
  awk -v began="$1" -v ended="$2" '
    $2 == "come" && $1 < began { there[$3] = 1 }
    $2 == "gone" && $1 <= ended { delete there[$3] }
    END { for (id in there) print id }' "$WORK/ledger" | sort
}
: >"$WORK/must"
whole=0 cut=0 killed=0
stop_somewhere() {
  local began ended pid status=0 config=$CONFIG.near ms=$((RANDOM % 150))
  ((RANDOM % 2)) && config=$CONFIG.cut
  began=$(date +%s.%3N)
  "$MAILCASK" -c "$config" sync --no-index >"$OUT" 2>"$ERR" &
  pid=$!
  if [[ $config == *near ]]; then
    read -rt "$(printf '0.%03d' "$ms")" <> <(:) || :
    kill -9 "$pid" 2>/dev/null && killed=$((killed + 1))
  fi
  wait "$pid" 2>/dev/null || status=$?
  ended=$(date +%s.%3N)
  [[ $config == *cut ]] && grep -q "connecting again\|another connection\|broke\|closed" "$ERR" &&
    cut=$((cut + 1))
  if ((status == 0)); then
    whole=$((whole + 1))
    visible "$began" "$ended" >>"$WORK/must"
  fi
}
for ((n = 0; n < stops; n++)); do
  stop_somewhere
done
for _ in 1 2 3; do
  began=$(date +%s.%3N)
  run 0 mailcask sync --no-index
  visible "$began" "$(date +%s.%3N)" >>"$WORK/must"
done
kill "$writer"
wait "$writer" || :
echo "# $stops stops: $killed killed, $cut cut, $whole ended well; $(grep -c come "$WORK/ledger") came," \
  "$(grep -c gone "$WORK/ledger") went, $(sort -u "$WORK/must" | wc -l) had to be archived"
check "some were killed" test "$killed" -gt 0
check "some were cut" test "$cut" -gt 0

run 0 mailcask sync
run 0 mailcask verify
mailcask search '*' --limit 0 --no-snippet --json -q >"$WORK/found"
json "$WORK/found" 'o["id"]' | sort -u >"$WORK/has"
check "every message that was there is archived" \
  same "$(sort -u "$WORK/must" | comm -23 - "$WORK/has")" ""
for segment in "$WORK"/archive/segments/*; do
  tar --zstd -tf "$segment"
done | grep -v ^log/ | sort | uniq -d >"$WORK/twice"
check "no message or attachment is stored twice" same "$(cat "$WORK/twice")" ""
dump_account bob >"$WORK/server"
archived >"$WORK/archived"
check "what is there now is as the server has it" compare_mail "$WORK/archived" "$WORK/server"
segments=$(cat "$WORK"/archive/segments/* | sha256sum)
run 0 mailcask sync
check "one more sync changes nothing" \
  same "$(cat "$WORK"/archive/segments/* | sha256sum)" "$segments"
