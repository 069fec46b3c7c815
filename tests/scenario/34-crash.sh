#!/bin/bash
# Stopped, robbed of power, or refused at every step that changes the archive: nothing that was
# committed is lost, and the next sync completes the rest (tests/crash/crash.py tells how).
# EVERY=1 for all steps, MODES=kill,... for some of the ways.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

EXPIRE=${EXPIRE:-$ROOT/build/plain/tests/crash/expire}
STEPS=${STEPS:-$ROOT/build/plain/tests/crash/steps.so}
start_dovecot # about the archive, not the server
write_config bob
# One connection: a step of one run is then the same step of every other.
sed -e "s|^path = .*|path = ARCHIVE\nsegment-size = 256K\nbatch-size = 64K\nfree-floor = 0|" \
  -e "s|^tls-ca|connections = 1\n&|" "$CONFIG" >"$WORK/crash.config"

# An archive of an account that then changes.
generate_mail --seed 34 --count 150
load_mail bob
sed "s|ARCHIVE|$WORK/base|" "$WORK/crash.config" >"$CONFIG"
run 0 mailcask sync
dump_account bob >"$WORK/before"
cp -a "$WORK/base" "$WORK/old"
"$PYTHON" - "$(server imaps)" "$WORK/certs/ca.pem" <<'P'
import imaplib, ssl, sys
client = imaplib.IMAP4_SSL("localhost", int(sys.argv[1]),
                           ssl_context=ssl.create_default_context(cafile=sys.argv[2]))
client.login("bob", "pass")
client.select("INBOX")
client.store("1:5", "+FLAGS", r"(\Flagged)")
client.store("6:9", "+FLAGS", r"(\Deleted)")
client.expunge()
client.create("New")
for n in range(40):
    client.append("New", None, None, b"Subject: new %d\r\n\r\n%s\r\n" % (n, b"text %d " % n * 400))
P
dump_account bob >"$WORK/server"
# The same with messages that are expired, for compact.
cp -a "$WORK/old" "$WORK/expired"
"$EXPIRE" "$WORK/expired" 7 >"$WORK/expired.ids"
check "messages expire" test -s "$WORK/expired.ids"
for side in before server; do
  grep -vFf "$WORK/expired.ids" "$WORK/$side" >"$WORK/$side.kept"
done
"$PYTHON" - "$WORK" >"$WORK/jobs" <<'P'
import json, sys
work = sys.argv[1]
def job(name, base, *command, done="server", expected="server"):
    print(json.dumps({"name": name, "base": base and f"{work}/{base}", "command": command,
                      "config": f"{work}/crash.config", "expected": f"{work}/{expected}",
                      "done": f"{work}/{done}"}))
job("first sync", None, "sync")
job("second sync", "old", "sync")
job("rebuild", "old", "rebuild", "catalog", done="before")
job("compact", "expired", "compact", done="before.kept", expected="server.kept")
job("compact --best", "old", "compact", "--best", done="before")
P
if "$PYTHON" "$ROOT/tests/crash/crash.py" --mailcask "$MAILCASK" --steps "$STEPS" \
  --work "$WORK/crash" --jobs "$WORK/jobs" --every "${EVERY:-150}" --requests "${REQUESTS:-4}" \
  --modes "${MODES:-kill,torn,power,fault,memory}" 2>&1 | tee "$OUT"; then
  cases=$(sed -n 's/^crash: \([0-9]*\) passed, 0 failed$/\1/p' "$OUT")
  check "all of ${cases:-no} cases" test "${cases:-0}" -gt 0
fi
