#!/bin/bash
# A real imap4d of GNU mailutils, with all that a server should not do: the bytes of a message
# change when somebody else works in the folder, deleting numbers the folder anew, there are no
# keywords and no UIDPLUS. What it sends is archived and told honestly; nothing is ever purged,
# not even marked.
SERVER=mailutils
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_server
generate_mail --seed 42 --count 90
load_mail bob
write_config bob
cat >>"$CONFIG" <<'E2'

[rule old]
match     = older:2y
action    = purge
after     = 0s
max-share = 100%
E2
dump_account bob >"$WORK/server"

run 0 mailcask sync
check "all are new" contains "$OUT" "bob: $(wc -l <"$WORK/server") new"
archived >"$WORK/archived"
check "the archive has what the server sends" compare_mail "$WORK/archived" "$WORK/server"
dump_account bob >"$WORK/after"
check "the server is as it was" cmp "$WORK/server" "$WORK/after"

complete() { # every folder that the server lists, and no message missing
  run 0 mailcask audit --json
  check "audit finds every message" same \
    "$(json "$OUT" 'o["server"], o["archived"], o["complete"]' | sort | uniq -c)" \
    "$(dump_account bob --list | grep -v '"messages": null' |
      json /dev/stdin 'o["messages"], o["messages"], True' | sort | uniq -c)"
}
complete
run 0 mailcask sync
check "a second sync brings nothing" contains "$OUT" "bob: 0 new (0 B)"

refuses() { # with all on the server as it was, marks included
  dump_account bob >"$WORK/before"
  run 0 mailcask plan
  check "something would be purged" fails contains "$OUT" "to purge: 0 messages"
  for how in --dry-run --yes; do
    run 1 mailcask purge $how
    check "purge $how refuses, and says why" contains "$ERR" "no UIDPLUS"
    check "... and does nothing" contains "$OUT" "0 messages, 0 B"
  done
  dump_account bob >"$WORK/after"
  check "nothing is changed on the server" cmp "$WORK/before" "$WORK/after"
  run 0 mailcask log --json
  check "no purge was begun" lacks "$OUT" '"purge"'
}
refuses

# Somebody else reads, marks and deletes: imap4d writes other bytes and numbers INBOX anew.
somebody bob <<'P'
imap.select("INBOX")
imap.uid("STORE", "1:3", "+FLAGS", r"(\Deleted)")
imap.uid("STORE", "5:9", "+FLAGS", r"(\Seen \Answered)")
imap.expunge()
imap.append("INBOX", r"(\Seen)", None, b"From: a@example.org\r\nSubject: late\r\n\r\nnew\r\n")
imap.close()
P
dump_account bob >"$WORK/server"
check "the bytes of other messages have changed" fails \
  compare_mail --by folder,uid,sha256 <(grep '"INBOX", "uid": 1[0-9],' "$WORK/archived") \
  <(grep '"INBOX", "uid": 1[0-9],' "$WORK/server")
status=0
mailcask sync >"$OUT" 2>"$ERR" || status=$?
check "a sync goes on (status $status)" test "$status" -le 1
archived >"$WORK/archived"
check "the archive follows: UIDs, flags, dates" \
  compare_mail --by folder,uid,uidvalidity,flags,internaldate "$WORK/archived" "$WORK/server"
complete
archived bob gone,retired >"$WORK/gone"
check "what was deleted stays in the archive" test -s "$WORK/gone"
refuses
run 0 mailcask verify
check "verify is content" contains "$OUT" "all is well"

# Of all servers this one changes its group, and would outlive a shell that is killed.
# shellcheck disable=SC2016 # it is for the shell that dies
(bash -c '. "$0/tests/servers/mailutils.sh" && mailutils_start "$1" certs="$2" && kill -9 $$' \
  "$ROOT" "$WORK/orphan" "$WORK/certs" || true) 2>/dev/null
ended() { # PORT
  local tries
  for ((tries = 0; tries < 500; tries++)); do
    private_answers "$1" || return 0
    sleep 0.02
  done
  return 1
}
check "a server was there when its shell was killed" test -s "$WORK/orphan/instance"
check "none is left then" ended "$(server imaps orphan)"
