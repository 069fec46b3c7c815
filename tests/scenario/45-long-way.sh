#!/bin/bash
# A server that is far away: many messages are asked for at once, over more than one connection;
# what comes is the same.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

RTT_MS=40
WINDOW=65536 # on the way at once: 1.6 MB/s for one connection

start_dovecot
generate_mail --seed 45 --count 3000 --plain
load_mail bob
"$PYTHON" "$ROOT/tests/servers/delay.py" --to "$(server imaps)" --rtt "$RTT_MS" --window "$WINDOW" \
  --folder "$WORK" &
proxy=$!
trap 'kill "$proxy" 2>/dev/null; finish' EXIT
for _ in $(seq 100); do
  [[ -s $WORK/port ]] && break
  sleep 0.05
done
port=$(cat "$WORK/port")
write_config bob
sed -i "s|^url = .*|url = imaps://bob@localhost:$port\nconnections = CONNECTIONS|" "$CONFIG"

far_sync() { # CONNECTIONS: prints the milliseconds
  local from
  rm -rf "$WORK/archive"
  sed "s|CONNECTIONS|$1|" "$CONFIG" >"$CONFIG.$1"
  from=$(date +%s%N)
  "$MAILCASK" -c "$CONFIG.$1" sync --no-index >"$OUT" 2>"$ERR" || return 1
  echo $((($(date +%s%N) - from) / 1000000))
}

# As a program does that asks for one message after the other.
singly=$("$PYTHON" - "$port" "$WORK/certs/ca.pem" <<'P'
import imaplib, ssl, sys, time
client = imaplib.IMAP4_SSL("localhost", int(sys.argv[1]),
                           ssl_context=ssl.create_default_context(cafile=sys.argv[2]))
client.login("bob", "pass")
count = int(client.select("INBOX", readonly=True)[1][0])
start = time.monotonic()
asked = min(count, 50)
for number in range(1, asked + 1):
    client.fetch(str(number), "(UID FLAGS INTERNALDATE BODY.PEEK[])")
print(int((time.monotonic() - start) * 1000 / asked * 3000))
P
)
one=$(far_sync 1)
check "one connection brings all" contains "$OUT" "3,000 new"
before=$(cat "$WORK/connections")
two=$(far_sync 2)
check "two connections bring all" contains "$OUT" "3,000 new"
check "they are two" same "$(cat "$WORK/connections")" $((before + 2))
four=$(far_sync 4)
check "... and four" contains "$OUT" "3,000 new"
echo "# $RTT_MS ms away: one by one $singly ms, one connection $one ms, two $two ms, four $four ms"
check "two are faster than one" test $((two * 10)) -lt $((one * 8))
check "at least five times as fast as one by one" test $((singly)) -gt $((one * 5))
mv "$CONFIG.4" "$CONFIG"
run 0 mailcask sync
check "nothing is fetched twice" contains "$OUT" "0 new (0 B)"
run 0 mailcask verify
dump_account bob >"$WORK/server"
archived bob >"$WORK/archived"
check "all of it is as the server has it" compare_mail "$WORK/server" "$WORK/archived"
