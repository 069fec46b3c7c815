#!/bin/bash
# A restore into a server that misbehaves, or refuses: nothing is there twice, nothing that was
# there is changed, what is missing is told; and the next restore, when the server is well,
# completes it.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenario/hostile.sh
. "$(dirname "$0")/hostile.sh"

start_scripted

account source "timeout = 5s"
behave twins
try 0 "what is to be restored" sync
SOURCE=$NOW
ALL=$(wc -l <"$SOURCE")
check "all of it" same "$ALL" 43

# A fresh account NAME of the server, empty, and a fresh copy of the archive.
target() { # NAME
  account "empty.$1" "timeout = 5s"
  printf '\n[account source]\nurl = imaps://source@localhost:%s\n' "$(scripted_port imaps)" \
    >>"$CONFIG"
  printf 'tls-ca = %s\npassword-file = %s\n' "$WORK/certs/ca.pem" "$WORK/password" >>"$CONFIG"
  cp -r "$WORK/archive.source" "$WORK/archive.$NAME"
}

# CODE COUNT BEHAVIOUR TEXT...: after it the target has COUNT messages. AS: options of "restored".
restore_with() {
  local code=$1 count=$2 behaviour=$3
  shift 3
  behave "$behaviour"
  try "$code" "restore with ${behaviour:-a good server}" restore '*' --to "$NAME"
  cat "$OUT" "$ERR" >"$WORK/told"
  ((!$#)) || check "$NAME: tells \"$*\"" contains "$WORK/told" "$@"
  # shellcheck disable=SC2086
  holds "nothing twice, so many in all" restored "$SOURCE" "$NOW" "$count" ${AS:-} \
    -- only-appends "$LOG"
}

# NAME CODE COUNT BEHAVIOUR TEXT...: into a fresh account.
hostile() {
  target "$1"
  restore_with "${@:2}"
}

# The server is well again: the rest comes.
well() {
  restore_with 0 "$ALL" "" "compared: $ALL of $ALL"
  again
}

# Once more adds nothing, not even from an archive that knows nothing of the first restore.
again() { # [BEHAVIOUR]
  restore_with 0 "$ALL" "${1:-}" "put 0 messages" "compared: $ALL of $ALL"
  rm -r "$WORK/archive.$NAME"
  cp -r "$WORK/archive.source" "$WORK/archive.$NAME"
  restore_with 0 "$ALL" "${1:-}" "put 0 messages"
  try 0 "verify is clean" verify -q
}

# Odd, and legal: nobody should notice.
for behaviour in "" no-literal-plus literal-minus no-appenduid zero-appenduid create-exists \
  append-slow no-uidplus chatter,split,any-order no-literal-plus,chatter; do
  hostile "odd-${behaviour//,/.}" 0 "$ALL" "$behaviour"
  again "$behaviour"
done
AS=sep=. hostile dots 0 "$ALL" delimiter=.
AS=sep=. again delimiter=.
AS=sep=_ hostile flat 0 "$ALL" delimiter=nil
AS=sep=_ again delimiter=nil
AS=prefix=INBOX/ hostile prefix 0 "$ALL" prefix
AS=prefix=INBOX/ again prefix
AS='flags=\Seen,\Flagged' hostile nokeywords 0 "$ALL" no-keywords
AS='flags=\Seen,\Flagged' again no-keywords

# What is there already is known again, or nothing is sent.
target refusedonce
restore_with 0 "$ALL" ""
restore_with 0 "$ALL" open-refused-once "put 0 messages"
again
target short
restore_with 0 "$ALL" ""
restore_with 1 "$ALL" short-listing=3 "but lists" "put 0 messages"
again
target hidden
restore_with 0 "$ALL" ""
restore_with 0 "$ALL" hidden=2 "put 0 messages"
again
target recreated
restore_with 0 "$ALL" ""
behave recreated=5
try 0 "restore into a folder that was made anew" restore '*' --to "$NAME"
check "$NAME: nothing passes for there that is not" contains "$OUT" "put 27 messages"
holds "complete" holding "$SOURCE" "$NOW"
target changed
behave append-changes
for text in "put $ALL messages" "put 0 messages"; do
  try 0 "a restore into a server that changes messages" restore '*' --to "$NAME"
  check "$NAME: $text" contains "$OUT" "$text" "compared: $ALL of $ALL"
done

# Refusals.
hostile createrefused 1 35 create-refused=Archive "Archive" "not that one" "8 were refused"
well
hostile openrefused 1 35 open-refused=Archive "Archive" "locked by somebody"
well
hostile trycreate 1 27 trycreate "no such folder"
well
hostile appendno 1 $((ALL - 1)) append-no=7 "a header that I dislike"
well
hostile appendbad 1 $((ALL - 1)) append-bad=7 "was refused"
well
hostile toobig 1 $((ALL - 1)) append-toobig=7 "at most a little"
well
hostile overquota 4 10 append-overquota=10 "over its quota"
well
hostile nogo 4 0 append-no-go,no-literal-plus "over its quota"
well
hostile lies 1 $((ALL - 1)) append-lies=7 "compared: $((ALL - 1)) of $ALL"
well

# Connections that end.
hostile bye 4 14 append-bye=7 "that was too much"
well
hostile byeonce 1 "$ALL" append-bye=-7 "connecting again"
again
hostile drop 1 "$ALL" append-drop=7 "connecting again"
again
hostile dropnouid 1 "$ALL" append-drop=7,no-appenduid "connecting again"
again
hostile dropwithin 1 "$ALL" append-drop-within=5 "connecting again"
again
hostile dropwithin2 1 "$ALL" append-drop-within=5,no-literal-plus "connecting again"
again

# kill -9 in the middle: the next one completes it.
for count in 1 12 24 32; do
  target "killed$count"
  behave append-slow
  "$MAILCASK" -c "$CONFIG" restore '*' --to "$NAME" >/dev/null 2>&1 &
  pid=$!
  until (($(wc -l <"$NOW") >= count)); do
    sleep 0.01
  done
  kill -9 "$pid" && wait "$pid" 2>/dev/null || :
  check "$NAME: in the middle" test "$(wc -l <"$NOW")" -lt "$ALL"
  well
done
scripted_is_well
