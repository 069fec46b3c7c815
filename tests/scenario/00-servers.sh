#!/bin/bash
# The ground of all scenarios: the servers are as they say, generated mail arrives in them as
# the manifest tells, comparing finds every difference, and nothing is left running.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

try() { # OPTION...: what login.py says, in $OUT
  "$PYTHON" "$ROOT/tests/servers/login.py" --ca "$WORK/certs/ca.pem" "$@" >"$OUT"
}

# What OpenSSL says of a server's certificate: "0 (ok)" or the number of the error and a text.
certificate() { # SERVER [OPTION...]
  local port
  port=$(server imaps "$1")
  shift
  openssl s_client -connect "127.0.0.1:$port" -verify_hostname localhost "$@" </dev/null 2>&1 |
    sed -n 's/^ *Verify return code: //p' | tail -n 1
}

without() { # LINE FILE
  sed "$1d" "$2"
}

check "the tools pass their tests" "$PYTHON" "$ROOT/tests/mail/test_mail.py"

# Mail
start_dovecot # the others are tried by 40 to 42
generate_mail --seed 1 --count 300
load_mail bob
dump_account bob >"$WORK/bob"
check "300 messages are there" same "$(wc -l <"$WORK/bob")" 300
check "the server sends what the manifest says" compare_mail "$MANIFEST" "$WORK/bob"
check "sizes and message ids too" compare_mail --by folder,size,message-id "$MANIFEST" "$WORK/bob"
without 7 "$WORK/bob" >"$WORK/less"
check "a missing message is noticed" fails compare_mail "$MANIFEST" "$WORK/less"
sed '9s/"flags": \[/&"\\\\Odd", /' "$WORK/bob" >"$WORK/flag"
check "a flag is noticed" fails compare_mail "$MANIFEST" "$WORK/flag"
dump_account bob --no-body >"$WORK/short"
check "without bodies the rest is the same" \
  compare_mail --by folder,uid,uidvalidity,flags,internaldate,size,message-id "$WORK/bob" "$WORK/short"
dump_account bob --list >"$WORK/list"
check "special folders and odd names are listed" contains "$WORK/list" '"\\Drafts"' '"\\Junk"' \
  '"\\Sent"' '"\\Trash"' '"folder": "Verträge"' '"folder": "R&D"' '"folder": "Empty", "messages": 0' \
  '"folder": "Archive", "messages": null' '"folder": "Archive/2020/Q1"' 'bin 🗑 old'
check "an unknown folder is an error" fails dump_account bob --folder Nowhere
check "doveadm counts the same" same \
  "$(dovecot_doveadm "$WORK/dovecot" -f flow mailbox status -u bob messages INBOX)" \
  "INBOX messages=$(grep -c '"folder": "INBOX"' "$WORK/bob")"
dovecot_drop "$WORK/dovecot" bob
check "a dropped user has no mail" same "$(dump_account bob)" ''

# Login
try --port "$(server imaps)"
check "login over TLS" contains "$OUT" 'tls: TLSv1.3' 'login: OK' 'UIDPLUS' 'CONDSTORE' \
  'COMPRESS=DEFLATE' 'quota: 0 10485760'
try --port "$(server imaps)" --password wrong
check "a wrong password is refused" contains "$OUT" 'login: [AUTHENTICATIONFAILED]'
try --port "$(server imap)" --security starttls
check "login after STARTTLS" contains "$OUT" STARTTLS 'tls: TLSv1.3' 'login: OK'
try --port "$(server imap)" --security none
check "no login in clear text" contains "$OUT" 'login: [AUTHENTICATIONFAILED]'
try --port "$(server imap)" --security none --host 127.0.0.2
check "and it is told where the peer is not the same" contains "$OUT" LOGINDISABLED PRIVACYREQUIRED
try --port "$(server imap)" --security starttls --host 127.0.0.2
check "the certificate holds there" contains "$OUT" 'login: OK'
try --port "$(server imaps)" --user tiny --append 2000000
check "the small quota is full" contains "$OUT" 'quota: 0 1024' 'append: [OVERQUOTA]'
dovecot_quota "$WORK/dovecot" small 3M
try --port "$(server imaps)" --user small --append 2000000
check "another quota is not" contains "$OUT" 'quota: 0 3072' 'append: OK'

# Certificates
start_dovecot expired cert=expired mail="$(server mail)"
start_dovecot elsewhere cert=wrong-name mail="$(server mail)"
start_dovecot clear cert=none mail="$(server mail)"
ca=(-CAfile "$WORK/certs/ca.pem")
check "the good certificate" same "$(certificate dovecot "${ca[@]}")" '0 (ok)'
check "its authority is nobody else's" same "$(certificate dovecot -no-CAfile -no-CApath -no-CAstore)" \
  '21 (unable to verify the first certificate)'
check "the expired one" same "$(certificate expired "${ca[@]}")" '10 (certificate has expired)'
check "the one for another name" same "$(certificate elsewhere "${ca[@]}")" \
  '62 (hostname mismatch)'
try --port "$(server imaps expired)"
check "a client refuses the expired one" contains "$OUT" 'tls: ' 'certificate has expired'
try --port "$(server imap elsewhere)" --security starttls
check "a client refuses the other name" contains "$OUT" 'tls: ' 'not valid for'
try --port "$(server imap clear)" --security starttls
check "a server without TLS has no STARTTLS" contains "$OUT" 'tls: TLS not supported'
try --port "$(server imap clear)" --security none --user small
check "there clear text is all there is, with the same mail" contains "$OUT" 'login: OK' \
  'quota: 1954 10485760'
check "it has no TLS port" same "$(server imaps clear)" 0

# Several, and their end
pids=()
for n in 1 2 3 4; do
  start_dovecot "more$n"
  pids+=("$(server imaps "more$n")")
done
check "servers have ports of their own" same "$(printf '%s\n' "${pids[@]}" | sort -u | wc -l)" 4
start_dovecot more1 setting='imap_capability = IMAP4rev1'
try --port "$(server imaps more1)"
check "a setting can be added, a server started again" same "$(grep ^after "$OUT")" 'after: IMAP4rev1'

ended() { # FOLDER: wait for the end of its processes, as the kernel brings it about
  local tries
  for ((tries = 0; tries < 500; tries++)); do
    dovecot_processes "$1"
    ((${#DOVECOT_LEFT[@]})) || return 0
    sleep 0.02
  done
  return 1
}

dovecot_processes "$WORK/dovecot"
check "a server has processes" test "${#DOVECOT_LEFT[@]}" -gt 2
cp "$WORK/dovecot/instance" "$WORK/instance"
stop_server
mkdir "$WORK/stopped"
cp "$WORK/instance" "$WORK/stopped/instance"
dovecot_processes "$WORK/stopped"
check "none is left after stop" same "${DOVECOT_LEFT[*]}" ''
# shellcheck disable=SC2016 # it is for the shell that dies
(bash -c '. "$0/tests/servers/dovecot.sh" && dovecot_start "$1" certs="$2" && kill -9 $$' \
  "$ROOT" "$WORK/orphan" "$WORK/certs" || true) 2>/dev/null
check "a server was there when its shell was killed" test -s "$WORK/orphan/instance"
check "none is left when the shell is killed" ended "$WORK/orphan"
status=0
# shellcheck disable=SC2016
"$ROOT/tests/servers/dovecot" run "$WORK/command" certs="$WORK/certs" -- \
  bash -c 'cp "$IMAP_FOLDER/instance" "$0" && exit 7' "$WORK/stopped/instance" || status=$?
check "the command passes the status on" same "$status" 7
check "and leaves nothing" ended "$WORK/stopped"
# shellcheck disable=SC2016
"$ROOT/tests/servers/dovecot" run "$WORK/command" certs="$WORK/certs" -- \
  bash -c 'cp "$IMAP_FOLDER/instance" "$0" && echo $$ >"$1" && exec sleep 1000' \
  "$WORK/stopped/instance" "$WORK/sleeper" &
command=$!
until [[ -s $WORK/sleeper ]]; do
  sleep 0.02
done
kill -TERM "$command"
wait "$command" 2>/dev/null || true
check "nor when it is told to end early" ended "$WORK/stopped"
check "then its command ends too" fails instance_lives "$(<"$WORK/sleeper")"
check "no server complained" lacks "$WORK/dovecot/dovecot.log" Error Fatal Panic
