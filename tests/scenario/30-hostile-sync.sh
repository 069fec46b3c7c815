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
TIMEOUT=1s hostile slow slow=20 4 "slow"

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
scripted_is_well
