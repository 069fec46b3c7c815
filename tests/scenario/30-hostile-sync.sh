#!/bin/bash
# A sync with a server that misbehaves: the right exit status, one clear sentence, never a wrong
# message under a UID, nothing but reading; and what could not be had comes with a later sync.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenario/hostile.sh
. "$(dirname "$0")/hostile.sh"

start_scripted

# The server is well again.
well() {
  behave
  try 0 "then all is well" sync
  sound
  holds "and complete" complete "$NOW" "$WORK/archive.json"
  holds "nothing was changed" only-reads "$LOG"
}

# NAME BEHAVIOUR CODE TEXT...: a fresh account synced with the behaviour, then without.
hostile() {
  local name=$1 behaviour=$2 code=$3
  shift 3
  account "$name" "timeout = ${TIMEOUT:-5s}"
  behave "$behaviour"
  try "$code" "sync with $behaviour" sync
  ((!$#)) || says "$@"
  archive_json
  holds "nothing wrong under any UID" true "$EVER" "$WORK/archive.json"
  [[ $code != 0 ]] || holds "all is there at once" complete "$NOW" "$WORK/archive.json"
  well
}

# Odd, and legal: nobody should notice.
hostile good "" 0
hostile split split 0
hostile order any-order 0
hostile interleaved interleaved,large=300 0
check "two commands were under way together" test "$(grep -c 'BODY.PEEK\[\]' "$LOG")" -gt 3
hostile uidlast uid-last 0
hostile descending descending 0
hostile chatter chatter 0
hostile chatter2 chatter,split,descending,any-order 0
hostile unasked unasked-texts 0
hostile sparse sparse 0
hostile noesearch no-esearch 0
hostile liststatus list-status 0
hostile nosaslir no-sasl-ir 0
hostile loginonly login-only 0
hostile nouidnext no-uidnext 0
hostile statusrefused status-refused=Archive 0
hostile folders many-folders=2000 0

# Connections that end.
hostile droponce drop-once=5 1 "connecting again"
hostile byeliteral bye-in-literal=5 1 "connecting again"
hostile byebetween bye-between=5 1 "server shutting down" "connecting again"
hostile dropat drop-at=5 1 "UID 5 cannot be archived"
hostile dropmany drop-at=3+4+5+6+7+8+9+10+11 1 "UID 3 cannot be archived"
hostile dropafter drop-after=9000 1 "connecting again"
hostile byegreeting bye-greeting 4
hostile garbage garbage 1 "cannot be read" "connecting again"
hostile garbagealways garbage=always 4 "cannot be read"
hostile longline long-line=100 1 "more than"
TIMEOUT=1s hostile silent silent 4 "silent for 1 seconds"
TIMEOUT=1s hostile slow slow=5 1 "UID 5 cannot be archived" "too slow"

# Messages that cannot be had.
hostile huge huge-literal=5 1 "UID 5 cannot be archived" "1099511627776"
hostile oddliteral odd-literal=5 1 "UID 5 cannot be archived"
hostile nofor no-for=5 1 "UID 5 cannot be archived" "reference 17"
hostile nothingfor nothing-for=5 1 "UID 5 cannot be archived"
hostile nilfor nil-for=5 1 "UID 5 cannot be archived"
hostile twotexts two-texts=5 1 "UID 5 cannot be archived"

# UIDs and listings.
hostile shortlisting short-listing=3 1 "lists only"
hostile renumberedtold renumbered-told 1 "numbered"
hostile renumberedsilently renumbered-silently 1 "numbered"
hostile noexists no-exists 1 "how many"
hostile listempty list-empty 4 "lists no folders"
hostile listno list-no 4 "no list today"
hostile openrefused open-refused=Archive 1 "Archive" "locked by somebody"
hostile throttled throttled 4 "does not let us in now" "THROTTLED"
hostile unavailable unavailable 4 "does not let us in now" "UNAVAILABLE"

# From one sync to the next.

# NAME BEHAVIOUR CODE TEXT...: synced well, and then with the behaviour.
then_hostile() {
  local name=$1 behaviour=$2 code=$3
  shift 3
  account "$name" "timeout = 5s"
  try 0 "a first sync" sync
  cp "$LOG" "$WORK/first.log"
  behave "$behaviour"
  try "$code" "then one with $behaviour" sync
  ((!$#)) || says "$@"
  sound
}

texts_fetched() { # since the first sync
  tail -n +$(($(wc -l <"$WORK/first.log") + 1)) "$LOG" | grep -c 'BODY.PEEK\[\]' || true
}

then_hostile renumbered renumbered 1 "numbered this folder anew"
well
then_hostile deleted deleted=3+4 0
holds "complete" complete "$NOW" "$WORK/archive.json"
behave returned
try 0 "they are back" sync
check "$NAME: known again, not fetched again" same "$(texts_fetched)" 0
well
then_hostile replaced deleted=3+4 0
behave returned-others
try 1 "other messages are back" sync
says "meant others before"
well
then_hostile recreated recreated=5 1 "meant others before"
well

# A server that has forgotten everything for a while: the archive forgets nothing.
then_hostile emptied empty 0
check "$NAME: what is gone is in the archive" contains "$WORK/archive.json" '"gone"'
well
check "$NAME: and known again, not fetched again" same "$(texts_fetched)" 0
then_hostile partly list-partly 0
check "$NAME: what is gone is in the archive" contains "$WORK/archive.json" '"gone"'
well
check "$NAME: and known again, not fetched again" same "$(texts_fetched)" 0
then_hostile listedshort short-listing=3 1 "deletions are not judged"
check "$NAME: nothing is called gone" lacks "$WORK/archive.json" '"gone"'
well

# Exceptions: tried again, told once to the archive, forgotten when they are gone.
then_hostile exceptions deleted=1 0
behave drop-at=5
rm -rf "$WORK/archive.$NAME"
try 1 "one is an exception" sync
try 0 "it still is, which is no news" sync
size=$(cat "$WORK/archive.$NAME"/segments/* | wc -c)
try 0 "and still" sync
check "$NAME: an exception that is known does not grow the archive" \
  same "$(cat "$WORK/archive.$NAME"/segments/* | wc -c)" "$size"
try 0 "an exception is in the audit" audit --json -q
check "$NAME: one exception, nothing missing" contains "$OUT" '"exceptions":1,"missing":0'
behave drop-at=5,deleted=5
try 0 "it is deleted from INBOX" sync
try 0 "then it is none any more" audit --json -q
check "$NAME: it is none any more" grep -q '"INBOX".*"exceptions":0' "$OUT"
account large "timeout = 5s"
sed -i 's/max-message = 1M/max-message = 64K/' "$CONFIG"
behave large=8
try 1 "eight messages in a row that are larger than max-message" sync
says "larger than max-message"
try 0 "they are no news" sync
check "$NAME: but counted" contains "$OUT" "8 as before could not"
check "$NAME: and not asked for again" same "$(grep -c 'BODY.PEEK\[\]' "$LOG")" \
  "$(grep -c 'BODY.PEEK\[\]' "$LOG")"
sed -i 's/max-message = 64K/max-message = 1M/' "$CONFIG"
well

# UIDs that do not last: everything is there, nothing is claimed.
for behaviour in validity-zero not-sticky; do
  account "$behaviour"
  behave "$behaviour"
  try 0 "a sync" sync
  try 0 "and another" sync
  archive_json
  check "$NAME: all messages" same "$(json "$WORK/archive.json" 'o["id"]' | sort)" \
    "$(json "$NOW" 'o["sha256"]' | sort)"
  try 0 "verify is clean" verify -q
  holds "nothing was changed" only-reads "$LOG"
done

# Names that want to be something else.
account names
behave names
try 1 "folders with odd names" sync
says "line end or NUL" "longer than 1000 bytes"
check "$NAME: no control characters on the terminal" fails grep -q "$(printf '[\001-\010\013-\037]')" "$ERR"
archive_json
check "$NAME: all but six folders are archived" \
  same "$(wc -l <"$WORK/archive.json")" $(($(wc -l <"$NOW") - 6))
check "$NAME: none is shown without a name" lacks "$WORK/archive.json" '"folder":""'
holds "nothing was changed" only-reads "$LOG"
for format in mbox eml; do
  try 0 "exported as $format" export '*' -o "$WORK/export/$format" --format "$format"
done
check "$NAME: nothing was written elsewhere" \
  same "$(find "$WORK" -newer "$CONFIG" -path '*cron*' -not -path "$WORK/export/*")" ""

# Without encryption nothing is said.
for behaviour in no-starttls preauth starttls-injection; do
  account "$behaviour" "timeout = 5s"
  sed -i "s|^url = .*|url = imap://$NAME@localhost:$(scripted_port imap)|" "$CONFIG"
  behave "$behaviour"
  try 4 "refused" sync
  check "$NAME: no login in clear text" same "$(cat "$LOG")" ""
done
account starttls
sed -i "s|^url = .*|url = imap://$NAME@localhost:$(scripted_port imap)|" "$CONFIG"
try 0 "STARTTLS" sync
sound
scripted_is_well
