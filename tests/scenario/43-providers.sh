#!/bin/bash
# Hosts that are unlike others, or have had enough of us: what they are is known and shown; a
# refused password is never tried a second time; one that says "not now" is waited for; what they
# do wrong loses nothing, and the next sync finds nothing new.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenario/hostile.sh
. "$(dirname "$0")/hostile.sh"

start_scripted

logins() {
  wc -l <"$SCRIPTED/$NAME.logins"
}

# ---- a worker whose password is refused: watched while all the rest is done ----

account worker "every = 1m"
WORKER=$NAME
sed -i "s|^password-file = .*|password-command = echo again >>$WORK/asked; echo wrong|" "$CONFIG"
behave login-says=wrong
"$MAILCASK" run -c "$CONFIG" >"$WORK/worker.out" 2>"$WORK/worker.err" &
WORKER_PID=$!
until grep -q "not tried again" "$WORK/worker.err"; do
  kill -0 "$WORKER_PID"
  read -rt 0.1 <> <(:) || :
done

# ---- what a server is ----

account probe
try 0 "probe" probe
check "it says what the server calls itself" contains "$OUT" "localhost, calls itself scripted"
check "and what it offers and what for" contains "$OUT" "UIDPLUS              purge deletes exactly" \
  "mailcask uses" "TLSv1.3" "3; 40 messages" 'CONDSTORE            each sync lists'
check "in 80 columns" same "$(awk 'length > 80' "$OUT")" ""
try 0 "probe --json" probe --json
check "as JSON" same "$(json "$OUT" 'o["id_name"], o["folders"], o["messages"], o["provider"]')" \
  "('scripted', 3, 40, '')"
check "no password in it" lacks "$OUT" '"pass"'
try 2 "probe of no account" probe nobody
behave gmail
try 0 "probe of Gmail" probe
check "it is known" contains "$OUT" "known as     Gmail" "folders are labels" "2.1 GB a day"
behave calls-itself=Proton-Mail-Bridge
try 0 "probe of the Bridge" probe
check "it is known by its name" contains "$OUT" "known as     Proton Mail Bridge" "1.2 (3)"
behave exchange
try 0 "probe of Exchange" probe
check "it is known by its name, without NAMESPACE" contains "$OUT" "known as     Exchange" \
  "up to 50 messages"
behave login-says=wrong
try 4 "probe with a wrong password" probe
cp "$ERR" "$WORK/probe.err"
try 4 "sync with it" sync
check "probe and sync say the same" same "$(cat "$ERR")" "$(cat "$WORK/probe.err")"

# ---- logins that are refused ----

# NAME ADVICE: asked once, with advice.
refused() {
  account "refused-$1"
  behave "login-says=$1"
  try 4 "refused: $1" sync
  says "refuses user name or password" "$2"
  check "$NAME: one login" same "$(logins)" 1
}
refused wrong "please try again"
refused app-password "takes an app password"
refused off "IMAP must be switched on"
refused oauth "only OAuth"
refused web "web browser"
refused admin "administrator"

# NAME: refused twice, then not.
passing() {
  account "passing-$1"
  behave "login-says=$1:2"
  try 0 "not now: $1" sync
  check "$NAME: three logins" same "$(logins)" 3
  archive_json
  holds "all is there" complete "$NOW" "$WORK/archive.json"
}
passing too-many
passing limit
passing backoff

account busy
behave login-says=busy
try 4 "never now" sync
says "does not let us in now" "try again in some minutes"
check "$NAME: four logins" same "$(logins)" 4
account long
behave login-says=backoff-long
try 4 "not for five minutes" sync
says "for 300 seconds"
check "$NAME: one login" same "$(logins)" 1
account bye
behave login-bye=2
try 0 "BYE instead of an answer" sync
check "$NAME: three logins" same "$(logins)" 3

# Ctrl-C while it waits.
account stopped
behave login-says=inuse
"$MAILCASK" sync -c "$CONFIG" >"$OUT" 2>"$ERR" &
pid=$!
until [[ -s $SCRIPTED/$NAME.logins ]]; do
  kill -0 "$pid"
  read -rt 0.02 <> <(:) || :
done
kill -INT "$pid"
status=0
wait "$pid" || status=$?
check "$NAME: status 1" same "$status" 1
check "$NAME: one login" same "$(logins)" 1

# ---- hosts, in use ----

# NAME BEHAVIOUR CODE TEXT...: all comes, once; nothing is called gone; the next sync is no news.
host() {
  local name=$1 behaviour=$2 code=$3 size
  shift 3
  account "$name" "timeout = 5s"
  behave "$behaviour"
  try "$code" "sync with $behaviour" sync
  ((!$#)) || says "$@"
  sound
  [[ $code != 0 ]] || holds "all is there" complete "$NOW" "$WORK/archive.json"
  behave "$behaviour"
  try 0 "again" sync
  check "$NAME: nothing new" grep -q ": 0 new\|1 new" "$OUT"
  size=$(cat "$WORK/archive.$NAME"/segments/* | wc -c)
  try 0 "and again" sync
  check "$NAME: nothing new" contains "$OUT" ": 0 new"
  check "$NAME: the archive does not grow" \
    same "$(cat "$WORK/archive.$NAME"/segments/* | wc -c)" "$size"
  check "$NAME: nothing is called gone" lacks "$WORK/archive.json" '"gone"'
  archive_json
  holds "all is there in the end" complete "$NOW" "$WORK/archive.json"
  holds "nothing was changed" only-reads "$LOG"
}

host yahoo yahoo=7 0
host icloud icloud 0
host exchange exchange=0 0
host throttledtwice texts-throttled=2 0
host limitedtwice texts-limited=2 0
host atmost texts-at-most=20 0
host expired token-expires 1 "the access token has expired" "connecting again"
host notconnected not-connected 1 "not connected" "connecting again"
host throttledbye throttled-bye=2 1 "Request is throttled" "connecting again"
host tokenbye token-bye 1 "AccessTokenExpired" "connecting again"
for NAME in expired notconnected tokenbye; do
  check "$NAME: two logins for the first sync, one for each of the others" same "$(logins)" 4
done

# One that is throttled for good: told, and what came is kept; nothing is an exception.
account throttled
behave texts-throttled
try 4 "throttled for good" sync
says "THROTTLED" "try again in some minutes"
try 1 "all is missing" audit --json -q
check "$NAME: none" lacks "$OUT" '"exceptions":1'
behave
try 0 "then all comes" sync
sound

# ---- folders that only show mail of others ----

# PATTERN: what is on the server, without those folders, is what is archived.
all_but() {
  grep -v "$1" "$NOW" >"$WORK/now" || true
  archive_json
  holds "all is there but $1" complete "$WORK/now" "$WORK/archive.json"
}
account gmail "timeout = 5s"
behave gmail
try 0 "Gmail" sync
says "[Gmail]/Starred: not archived" "[Gmail]/Important: not archived" 'name it in "folders"'
check "$NAME: each message is stored once" contains "$OUT" "of them already stored"
all_but 'Starred\|Important'
# A text is asked for in All Mail only: 40 messages, one command; the others are known by number.
check "$NAME: nothing is fetched twice" same "$(grep -c 'BODY.PEEK\[\]' "$LOG")" 1
check "$NAME: because the server numbers them" contains "$LOG" "X-GM-MSGID"
try 0 "verify is clean" verify -q
try 0 "again" sync
check "$NAME: said once" same "$(cat "$ERR")" ""
check "$NAME: nothing new" contains "$OUT" ": 0 new"
try 0 "the audit does not miss them" audit
sed -i 's/^timeout.*/folders = *, [Gmail]\/Starred/' "$CONFIG"
try 0 "one of them is named" sync
all_but 'Important'
holds "nothing was changed" only-reads "$LOG"
account views0
behave views=0
try 0 "all that it shows is elsewhere" sync
says "virtual/all: not archived" "virtual/flagged: not archived"
all_but 'virtual'
account views1
behave views=1
try 0 "it holds a message that is nowhere else" sync
all_but 'virtual/flagged'

# ---- so much a day ----

account budget "bytes-per-day = 8M"
behave large=300
try 1 "more than is allowed in a day" sync
says "paused" "of 8 MB a day (bytes-per-day)" "it can go on from"
check "$NAME: one sentence" same "$(wc -l <"$ERR")" 1
sound
some=$(wc -l <"$WORK/archive.json")
check "$NAME: some of it came, and is kept" test "$some" -gt 50 -a "$some" -lt 250
try 1 "and again: it is remembered" sync
check "$NAME: nothing more came" contains "$OUT" ": 0 new"
try 0 "the search index has it" search '*' --count
check "$NAME: all that came" same "$(cat "$OUT")" "$some"
# A day later.
awk '{ print $1, $2 - 25, $3 }' "$WORK/archive.$NAME/traffic" >"$WORK/traffic"
cp "$WORK/traffic" "$WORK/archive.$NAME/traffic"
try 1 "a day later it goes on" sync
archive_json
check "$NAME: there is more now" test "$(wc -l <"$WORK/archive.json")" -gt "$some"
# Without the file it begins to count anew; without a limit it ends.
rm "$WORK/archive.$NAME/traffic"
sed -i 's/^bytes-per-day.*/bytes-per-day = 0/' "$CONFIG"
try 0 "no limit" sync
sound
holds "all is there" complete "$NOW" "$WORK/archive.json"
check "$NAME: and nothing is written down" test ! -e "$WORK/archive.$NAME/traffic"

# ---- slow ones ----

account loris1 "timeout = 1s"
behave loris-greeting
try 4 "a greeting that never ends" sync
account loris2 "timeout = 1s"
behave loris-list
try 4 "a list that never ends" sync
says "too slow"

# ---- the worker, again ----

until (($(wc -l <"$WORK/asked") > 1)); do
  kill -0 "$WORKER_PID"
  read -rt 0.2 <> <(:) || :
done
NAME=$WORKER
kill -TERM "$WORKER_PID"
wait "$WORKER_PID" || true
check "worker: it asked for the password again, and did not try it" same "$(logins)" 1
check "worker: and says it once" same "$(grep -c 'not tried again' "$WORK/worker.err")" 1

scripted_is_well
