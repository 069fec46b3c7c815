#!/bin/bash
# A purge with a server that misbehaves: nothing goes that is not proved to be in the archive,
# nothing but what was planned is marked or deleted, nothing is called purged that is still
# there; and the next purge, with a server that is well, settles what was left open.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenario/hostile.sh
. "$(dirname "$0")/hostile.sh"

start_scripted
ALL=37 # of 40 messages: 22 in INBOX, 7 in Archive, 8 in Lists/dev; the others are flagged
FIRST=10 # the first group of an account

tells() { # TEXT...
  cat "$OUT" "$ERR" >"$WORK/told"
  check "$NAME: tells \"$*\"" contains "$WORK/told" "$@"
}

called_purged() { # COUNT
  check "$NAME: so many are called purged" \
    same "$(grep -c '"state":"purged"' "$WORK/archive.json" || :)" "$1"
}

# What must hold after each purge. MARKED: FOLDER/UID that others have marked, or that we could
# not take our mark off.
purge_is_sound() { # [-- CHECK ARGUMENT...]...
  runs_json
  # shellcheck disable=SC2086
  sound -- only-planned "$LOG" "$WORK/plan.json" -- unmarked "$NOW" ${MARKED:-} "$@"
}

synced() { # NAME [BEHAVIOUR] [CODE]
  account "$1" "timeout = 5s"
  behave "${2:-}"
  try "${3:-0}" "a sync" sync -q
  plan_json
}

# CODE COUNT BEHAVIOUR TEXT...: a purge with the behaviour, after which COUNT are purged in all.
purge_with() {
  local code=$1 count=$2 behaviour=$3
  shift 3
  behave "$behaviour"
  try "$code" "purge with ${behaviour:-a good server}" purge --yes
  ((!$#)) || tells "$@"
  purge_is_sound
  called_purged "$count"
}

# NAME CODE COUNT BEHAVIOUR TEXT...: the same of a fresh account.
hostile() {
  synced "$1"
  purge_with "${@:2}"
}

# The server is well again: all the rest goes, and everything is settled. UNPURGED: FOLDER/UID
# that have gone otherwise.
well() { # [COUNT]
  behave
  "$MAILCASK" -c "$CONFIG" sync -q 2>/dev/null || :
  "$MAILCASK" -c "$CONFIG" plan --json >>"$WORK/plan.json"
  try 0 "then all is well" purge --yes
  # shellcheck disable=SC2086
  MARKED='' purge_is_sound -- settled "$NOW" "$WORK/archive.json" "$WORK/plan.json" \
    "$WORK/runs.json" ${UNPURGED:-}
  called_purged "${1:-$ALL}"
}

in_folder() { # FOLDER UID...
  printf "$1/%s " "${@:2}"
}

# Odd, and legal: nobody should notice.
hostile good 0 $ALL ""
well
hostile order 0 $ALL chatter,split,any-order
hostile uidlast 0 $ALL uid-last,descending
synced sparse sparse
purge_with 0 $ALL sparse
synced liststatus list-status
purge_with 0 $ALL list-status
hostile noesearch 0 $ALL no-esearch
hostile searchlies 0 $ALL search-lies
hostile noise 0 $ALL expunge-noise
hostile vanished 0 $ALL expunge-vanished
hostile arrivedatstore 0 $ALL arrived-at-store
well $((ALL + 1))

# Servers and folders from which nothing may be deleted.
hostile nouidplus 1 0 no-uidplus "no UIDPLUS"
well
hostile notdeletable 1 0 not-deletable 'does not keep \Deleted'
well
hostile readonly 1 0 read-only "opens the folder read-only"
well
for behaviour in not-sticky validity-zero; do
  synced "$behaviour" "$behaviour"
  try 1 "purge" purge --yes
  tells "UIDs do not last"
  holds "nothing was changed" only-planned "$LOG" /dev/null
  check "$NAME: nothing went" same "$(wc -l <"$NOW")" 40
done

# What has changed since the sync.
hostile renumbered 1 15 renumbered-for-writing "UIDVALIDITY is 1007 now, and 1000"
well
hostile flagged 1 $((ALL - 1)) flagged-for-writing=2 "it is flagged on the server now"
well $((ALL - 1))
hostile read 1 $((ALL - 1)) read-for-writing=2 "its flags have changed"
well
hostile labelled 1 $((ALL - 1)) labelled-for-writing=2 "its flags have changed"
well
hostile arrived 0 $ALL arrived-for-writing
well $((ALL + 1))
hostile deleted 1 30 deleted-for-writing=Archive "no such folder"
UNPURGED=$(in_folder Archive {1..7}) well 30
hostile short 1 0 short-for-writing "but lists"
well
hostile hidden 1 $((ALL - 3)) hidden=2 "does not tell enough about it"
well

# UIDs that mean other messages: the folder is left alone, and the next sync fetches them.
hostile swapped 1 15 swapped=2 "its Message-ID on the server is another" "is left alone"
UNPURGED=INBOX/2 well
hostile redated 1 15 redated=2 "its INTERNALDATE on the server is another" "is left alone"
well
hostile resized 1 29 resized=2 "its text on the server is another one" "is left alone"
UNPURGED=Lists/dev/2 well
hostile regrown 1 15 regrown=2 "its text on the server is another one" "is left alone"
UNPURGED=INBOX/2 well
hostile between 1 $((FIRST + 15)) swapped-between=20 "its Message-ID on the server is another"
UNPURGED=INBOX/20 well

# Texts that were cut short when they were fetched: what is right about them is found in time.
synced truncatedonce truncated-once=3
purge_with 0 $ALL ""
synced truncated truncated=3
behave
for status in 1 0; do
  try $status "purge of a text that was cut short" purge --yes
  ((status == 0)) || tells "its text on the server is another one"
  archive_json
  holds "nothing is lost" kept "$NOW" "$EVER" "$WORK/archive.json"
done
called_purged $ALL
hostile estimates 0 $ALL wrong-sizes
synced estimated wrong-sizes
purge_with 0 $ALL ""

# STORE. INBOX_FIRST are the first that are tried.
INBOX_FIRST=$(in_folder INBOX 1 2 3 4 5 6 7 8 10 11)
hostile storeno 1 0 store-no "[LIMIT]: too many"
well
hostile storebad 1 0 store-bad "UID STORE: the server says BAD"
well
MARKED="$INBOX_FIRST $(in_folder Archive {1..7}) $(in_folder Lists/dev {1..8})"
hostile storedoneno 1 0 store-done-no "[SERVERBUG]: or so"
MARKED='' well
MARKED=''
hostile storenothing 1 0 store-nothing "did not delete everything"
well
hostile flaggedatstore 1 15 flagged-at-store=2 "was flagged while it was to be deleted"
well $((ALL - 1))
MARKED=$INBOX_FIRST
hostile renumberedatstore 4 0 renumbered-at-store "numbered anew"
MARKED=''
well

# UID EXPUNGE.
hostile expungeno 1 0 expunge-no "[NOPERM]: not you"
well
hostile expungebad 1 0 expunge-bad "UID EXPUNGE: the server says BAD"
well
hostile expungedoneno 1 25 expunge-done-no "[SERVERBUG]: or so"
well
hostile expungenothing 1 0 expunge-nothing "did not delete everything"
well
hostile expungeless 1 22 expunge-less "did not delete everything"
well
hostile claims 1 0 expunge-claims "did not delete everything"
well
hostile hides 1 0 expunge-hides "messages but lists"
well
MARKED=$INBOX_FIRST
hostile othertag 4 0 expunge-other-tag "out of turn"
MARKED=''
well

# What goes unasked ends the purge, the other folders included.
hostile more 5 $FIRST expunge-more "not told to delete (UID 24; 1 of them" "ends here"
UNPURGED=INBOX/24 well $((ALL - 1))
hostile moresilently 5 $FIRST expunge-more-silently "not told to delete (UID 24; 1 of them"
UNPURGED=INBOX/24 well $((ALL - 1))
hostile all 5 $FIRST expunge-all "14 messages went that the server was not told to delete"
UNPURGED=$(in_folder INBOX {12..24}) well $((FIRST + 15))
synced theirs marked=9
MARKED=INBOX/9 purge_with 0 $ALL "" "purged $ALL"
check "$NAME: what others have marked is not ours to delete" grep -q '"INBOX".*"uid": 9,' "$NOW"
synced plainexpunge marked=9
purge_with 5 $FIRST expunge-marked "not told to delete (UID 9; 1 of them"
well

# Connections that end: what had been done is known at once, or at the next purge.
hostile dropbeforestore 4 0 drop-before-store "mailcask log P"
well
hostile dropafterstore 4 0 drop-after-store
well
hostile dropbeforeexpunge 4 0 drop-before-expunge
well
hostile dropwithinexpunge 4 5 drop-within-expunge
well
hostile dropafterexpunge 4 $FIRST drop-after-expunge
well
hostile expungebye 4 $FIRST expunge-bye "maintenance"
well
synced forgood
behave drop-for-good
try 4 "the connection ends for good" purge --yes
sound
runs_json
check "$NAME: its intents are open" same "$(grep -c '"state":"intent"' "$WORK/runs.json")" $FIRST
behave
try 0 "a sync" sync
sound
called_purged 0
well

# What the archive cannot give back, or must not, stays.
synced exception no-for=5 1
purge_with 0 $((ALL - 3)) no-for=5 "3 as before could not"
well
synced held
try 0 "one is held" hold 'subject:"message 5"'
purge_with 0 $((ALL - 1)) "" "it is on hold"
try 0 "and released" hold 'subject:"message 5"' --release
well
flip() { # FILE: bytes in its middle; twice is as before
  "$PYTHON" - "$1" <<'P'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(8000)
    data = file.read(64)
    file.seek(8000)
    file.write(bytes(x ^ 0x55 for x in data))
P
}

synced damaged
segment=$(find "$WORK/archive.$NAME/segments" -type f | sort | head -n 1)
flip "$segment"
try 1 "purge with a damaged archive" purge --yes
tells "its stored copy could not be proved"
holds "nothing was changed" only-planned "$LOG" /dev/null
check "$NAME: nothing went" cmp "$NOW" "$EVER"
flip "$segment"
well
scripted_is_well
