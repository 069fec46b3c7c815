#!/bin/bash
# What is new in a folder is found without listing it where the server can tell, in few round
# trips; and where what it tells cannot be, a listing is made after all and nothing is lost.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenario/hostile.sh
. "$(dirname "$0")/hostile.sh"

start_scripted

mark() {
  cp "$LOG" "$WORK/mark.log"
}

since_mark() {
  tail -n +$(($(wc -l <"$WORK/mark.log") + 1)) "$LOG"
}

listings() { # since the mark
  since_mark | grep -cxE '[0-9]+ UID FETCH 1:\* \(UID FLAGS INTERNALDATE\)' || true
}

asked() { # PATTERN: how often, since the mark
  since_mark | grep -cE -e "$1" || true
}

# NAME BEHAVIOUR: others work between the syncs, and no folder is listed for it.
told() {
  local name=$1 behaviour=$2 n
  account "$name"
  behave "$behaviour"
  try 0 "a first sync" sync
  mark
  for n in 1 2 3 4 5 6; do
    behave "$behaviour,busy=$n"
    try 0 "sync of what others did ($n)" sync
    sound
    holds "complete ($n)" complete "$NOW" "$WORK/archive.json"
  done
  check "$NAME: nothing is listed" same "$(listings)" 0
  holds "nothing was changed" only-reads "$LOG"
}

told qresync qresync
check "qresync: asked with the name of each folder" same "$(asked 'EXAMINE .* \(QRESYNC \(')" 18
check "qresync: no search" same "$(asked 'UID SEARCH')" 0
told qresyncstatus qresync,list-status
told chatter-free condstore
check "condstore: searched" same "$(asked 'UID SEARCH RETURN \(ALL\) UID 1:\*')" 18
told condstatus condstore,list-status
told noesearch condstore,no-esearch
check "without ESEARCH: searched" same "$(asked 'UID SEARCH UID 1:\*')" 18
told enablesilent enable-silent
check "what is not said to be enabled is not used" same "$(asked 'QRESYNC \(')" 0
told forgetful vanished-unknown
told noid no-id,qresync
told newnottold new-not-told
told splitnews qresync,split,descending

# NAME BEHAVIOUR BASE: synced with an honest server, which then does that. One look at it is
# enough for the run.
refuted() {
  local name=$1 behaviour=$2 base=${3:-qresync}
  account "$name" "timeout = 5s"
  behave "$base"
  try 0 "a first sync" sync
  mark
  behave "$behaviour,busy=1"
  try "${CODE:-0}" "then one with $behaviour" sync
  sound
  holds "complete all the same" complete "$NOW" "$WORK/archive.json"
  check "$NAME: folders are listed" same "$(listings)" "${LISTINGS:-3}"
  [[ $base != qresync ]] ||
    check "$NAME: it is not asked again" same "$(asked 'EXAMINE .* \(QRESYNC \(')" "${ASKED:-1}"
  mark
  behave "$base,busy=2"
  try 0 "the server is well again" sync
  sound
  holds "complete then" complete "$NOW" "$WORK/archive.json"
  check "$NAME: nothing is listed then" same "$(listings)" 0
  holds "nothing was changed" only-reads "$LOG"
}

refuted vanishedall vanished-all
refuted vanishedlive vanished-live
refuted vanishedtold vanished-told
refuted vanishednot vanished-not
refuted vanishednow vanished-now
refuted withoutuid changes-without-uid
refuted withoutflags changes-without-flags
refuted refused qresync-refused
CODE=1 refuted broken qresync-broken
refuted searchshort condstore,search-short condstore
refuted searchshifted condstore,search-shifted condstore
refuted searchsilent condstore,search-silent condstore
refuted modseqback modseq-back condstore

# What is no contradiction, and no proof.
refuted nottold changes-not-told
account untold
behave qresync
try 0 "a first sync" sync
mark
behave changes-not-told,touched=1
try 0 "flags change, and only the count of changes tells" sync
check "untold: all is listed" same "$(listings)" 3
check "untold: each folder was asked" same "$(asked 'EXAMINE .* \(QRESYNC \(')" 3
sound
holds "complete" complete "$NOW" "$WORK/archive.json"
for behaviour in nomodseq modseq-zero modseq-negative; do
  account "$behaviour"
  behave "$behaviour"
  try 0 "a first sync" sync
  mark
  behave "$behaviour,busy=1"
  try 0 "what others did" sync
  sound
  holds "complete" complete "$NOW" "$WORK/archive.json"
  check "$NAME: all is listed" same "$(listings)" 3
done
account some
behave nomodseq=Archive
try 0 "a first sync" sync
mark
behave nomodseq=Archive,busy=1
try 0 "what others did" sync
holds "nothing was changed" only-reads "$LOG"
sound
holds "complete" complete "$NOW" "$WORK/archive.json"
check "one folder of three is listed" same "$(listings)" 1

# Folders that are not what they were.
for behaviour in renumbered empty recreated=5; do
  account "${behaviour%%=*}"
  behave qresync
  try 0 "a first sync" sync
  behave "$behaviour,qresync"
  "$MAILCASK" -c "$CONFIG" sync >"$OUT" 2>"$ERR" </dev/null || true
  behave qresync
  try 0 "and another" sync
  sound
  holds "complete" complete "$NOW" "$WORK/archive.json"
done
for behaviour in qresync condstore; do
  account "reused-$behaviour"
  behave "$behaviour"
  try 0 "a first sync" sync
  mark
  behave "reused=3+4,$behaviour"
  try 1 "two numbers mean other messages" sync
  says "2 messages stand under numbers (UIDs) that meant others before"
  sound
  holds "complete" complete "$NOW" "$WORK/archive.json"
  check "$NAME: nothing is listed" same "$(listings)" 0
done
account returned
behave qresync
try 0 "a first sync" sync
behave qresync,deleted=3+4
try 0 "two are deleted" sync
behave qresync,deleted=3+4,returned
try 0 "and are back" sync
sound
holds "complete" complete "$NOW" "$WORK/archive.json"

# A message that could not be had, in a folder that tells its changes.
account exception
behave no-for=5,qresync
try 1 "one is an exception" sync
mark
behave no-for=5,qresync,busy=1
try 0 "it stays one" sync
behave qresync,busy=2
try 0 "it comes when it can" sync
sound
holds "complete" complete "$NOW" "$WORK/archive.json"
check "$NAME: nothing is listed" same "$(listings)" 0

# Round trips: the server keeps each answer back until nothing more comes without it.
trips() {
  grep -v ' LOGOUT$' "$SCRIPTED/$NAME.trips" >"$WORK/trips" || true
  cat "$WORK/trips"
  wc -l <"$WORK/trips" >"$WORK/trips.count"
}

# CHECK COUNT
takes() {
  trips >/dev/null
  if (($(cat "$WORK/trips.count") != $2)); then indented "$WORK/trips"; fi
  check "$NAME: $1: $2 round trips after the login" same "$(cat "$WORK/trips.count")" "$2"
  rm "$SCRIPTED/$NAME.trips"
}

for behaviour in qresync,list-status qresync condstore,list-status condstore; do
  account "trips-${behaviour/,/-}"
  behave "$behaviour,full-folders=20,many-messages=2000"
  try 0 "a first sync" sync
  behave "$behaviour,latency=100"
  try 0 "nothing new" sync
  [[ $behaviour == *list-status ]] && more=0 || more=1
  takes "nothing new in 20 folders" $((2 + more))
  behave "$behaviour,latency=100,arrived=1"
  try 0 "one new message" sync
  check "$NAME: it came" contains "$OUT" "1 new"
  [[ $behaviour == qresync* ]] && takes "one new message" $((4 + more)) ||
    takes "one new message" $((5 + more))
  holds "nothing was changed" only-reads "$LOG"
done

# Where only listings tell of flags, all folders are listed in one go.
account trips-plain
behave full-folders=20
try 0 "a first sync" sync
behave latency=100
try 0 "nothing new" sync
takes "nothing new in 20 folders" 4
behave latency=100,touched=1
try 0 "flags" sync
check "trips-plain: of every third message" contains "$OUT" "flags of 34 changed"
takes "flags in 20 folders" 4
sound
holds "complete" complete "$NOW" "$WORK/archive.json"
for n in 1 2 3; do
  behave "busy=$n"
  try 0 "what others did ($n)" sync
  sound
  holds "complete ($n)" complete "$NOW" "$WORK/archive.json"
done
behave touched=2,open-refused=Archive
try 1 "one folder cannot be opened" sync
says "locked by somebody"
behave touched=3,stays-open=Archive
try 1 "nor then, and the one before stays open" sync
says "locked by somebody"
sound
behave touched=4,drop-listing=7
try 0 "the connection is lost meanwhile" sync
sound
holds "complete" complete "$NOW" "$WORK/archive.json"
behave reused=3+4
try 1 "two numbers mean other messages" sync
says "2 messages stand under numbers (UIDs) that meant others before"
sound
holds "complete" complete "$NOW" "$WORK/archive.json"
holds "nothing was changed" only-reads "$LOG"

# The real thing: Dovecot, and somebody else who works there.
generate_mail --seed 44 --count 200
start_dovecot
"$PYTHON" - "$MAIL" <<'P'
import pathlib, sys
folder = pathlib.Path(sys.argv[1], ".Many")
for name in ("cur", "new", "tmp"):
    (folder / name).mkdir(parents=True)
for n in range(10000):
    (folder / "cur" / f"{1400000000 + n}.M{n}.many:2,").write_text(
        f"Message-ID: <{n}@many.example>\nSubject: {n}\n\n{n}\n")
P
load_mail bob
write_config bob
run 0 mailcask sync

follows() { # NAME
  dump_account bob >"$WORK/server"
  run "${2:-0}" mailcask sync
  archived >"$WORK/archived"
  check "$1" compare_mail "$WORK/archived" "$WORK/server"
}

somebody bob <<'P'
imap.select("Many")
imap.uid("STORE", "1:10000", "+FLAGS.SILENT", r"(\Flagged)")
P
timed() { # COMMAND...: milliseconds in $took
  local began
  began=$(date +%s%N)
  run 0 "$@"
  took=$((($(date +%s%N) - began) / 1000000))
}

timed mailcask sync
with=$took
check "flags of 10,000 messages" contains "$OUT" "flags of 10,000 changed"
timed mailcask sync
echo "# flags of 10,000 messages: $with ms, nothing new: $took ms"
check "... in at most a second more than nothing" test $((with - took)) -le 1000
follows "all flags are in the archive"

for n in 1 2 3; do
  somebody bob dovecot "$n" <<'P'
import random
source = random.Random(int(sys.argv[1]))
for folder in ("INBOX", "Many", "Archive/2019"):
    imap.select(f'"{folder}"')
    uids = imap.uid("SEARCH", "ALL")[1][0].split()
    n = min(10, len(uids) // 4)
    chosen = source.sample(uids, 3 * n)
    imap.uid("STORE", b",".join(chosen[:n]), "+FLAGS", r"(\Deleted)")
    imap.uid("EXPUNGE", b",".join(chosen[:n]))
    imap.uid("STORE", b",".join(chosen[n:2 * n]), "+FLAGS", r"(\Answered $work)")
    imap.uid("STORE", b",".join(chosen[2 * n:]), "-FLAGS", r"(\Seen \Flagged)")
    for m in range(5):
        imap.append(f'"{folder}"', r"(\Seen)", None, b"Subject: late %d\r\n\r\n%s\r\n" % (m, folder.encode()))
P
  follows "what others did is in the archive ($n)"
done

somebody bob <<'P'
import time
imap.rename("Archive/2019", "Archive/renamed")
imap.create("Nested/deep/deeper")
imap.append("Nested/deep/deeper", None, None, b"Subject: deep\r\n\r\ndeep\r\n")
imap.delete("Lists/dev")
P
follows "folders renamed, nested and deleted"
somebody bob <<'P'
import time
time.sleep(1.1)  # UIDVALIDITY is the second of the clock
for name in ("Lists/dev", "Archive/2019"):
    imap.create(name)
    imap.append(name, None, None, b"Subject: again\r\n\r\n" + name.encode() + b"\r\n")
P
dump_account bob >"$WORK/server"
mailcask sync >"$OUT" 2>"$ERR" || true
follows "folders made again with the same name"
run 0 mailcask verify
run 0 mailcask audit
check "audit finds nothing missing" fails grep -qE ' [1-9][0-9,]*$' "$OUT"
scripted_is_well
