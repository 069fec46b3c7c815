#!/bin/bash
# From nothing to a working archive: five questions, then the README's commands.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_server
generate_mail --seed 20 --count 100
load_mail bob
server=127.0.0.1:$(server imaps)
answer() { # ANSWER...: to mailcask init
  printf '%s\n' "$@" >"$WORK/answers"
  env XDG_CONFIG_HOME="$WORK/xdg" "$MAILCASK" init --tls-ca "$WORK/certs/ca.pem" <"$WORK/answers"
}
check_init() { # CODE ANSWER...
  local code=$1 status=0
  shift
  answer "$@" >"$OUT" 2>"$ERR" || status=$?
  check "init ends with status $code" same "$status" "$code"
}

check_init 4 bob@localhost "$server" bob "$WORK/archive" wrong "" wrong "" wrong
check "a refused password is told" contains "$ERR" "refuses user name or password"
check "... and nothing is written" test ! -e "$WORK/xdg/mailcask/config"

# What cannot work is told before the password is asked for.
check_init 2 nonsense nonsense nonsense
check "no address: what one looks like" contains "$ERR" "anna@example.org"
check_init 2 bob@localhost
check "the end of the input: nothing is written" \
  same "$(tail -n 1 "$ERR")" "mailcask: stopped; nothing was written"
for wrong in pop3://127.0.0.1 127.0.0.1:99999 127.0.0.1:143 imap://127.0.0.1:993 127.0.0.1:995 \
  127.0.0.1:1 no-such-host.invalid bob@127.0.0.1 'two words'; do
  check_init 2 bob@localhost "$wrong"
  check "... a wrong server is told at once: $wrong" lacks "$ERR" "User name" "Password"
  check "... and why" same "$(grep -o 'mailcask: ' "$ERR" | wc -l)" 2
done
check_init 2 bob@localhost "$server" bob "/x/a ;b" "/x/a ;b" "/x/a ;b"
check "a folder that settings cannot say is told at once" contains "$ERR" "cannot be written"
check "... before the password" lacks "$ERR" "Password"
printf '%s\n' bob@localhost "$server" >"$WORK/answers"
mkfifo "$WORK/fifo"
# At a question, Ctrl-C.
env XDG_CONFIG_HOME="$WORK/xdg" "$MAILCASK" init --tls-ca "$WORK/certs/ca.pem" \
  <"$WORK/fifo" >"$OUT" 2>"$ERR" &
pid=$!
exec 8>"$WORK/fifo"
cat "$WORK/answers" >&8
until grep -q "User name" "$ERR"; do
  kill -0 $pid
  read -rt 0.05 <> <(:) || :
done
kill -INT $pid
status=0
wait $pid || status=$?
exec 8>&-
check "Ctrl-C ends it" same "$status" 2
check "... and says so" same "$(tail -n 1 "$ERR")" "mailcask: stopped; nothing was written"

# A wrong user name can be corrected; paths may be relative; no password is replaced.
mkdir -p "$WORK/here"
echo precious >"$WORK/here/localhost.password"
cd "$WORK/here"
printf '%s\n' bob@localhost "$server" bobb ./arch wrong bob pass >"$WORK/answers"
run 0 sh -c "exec '$MAILCASK' init -c my.cfg --tls-ca ../certs/ca.pem <'$WORK/answers'"
check "the user name was corrected" grep -q '//bob@127' my.cfg
check "the other password is still there" same "$(cat localhost.password)" precious
check "paths are absolute" same "$(grep -cE '^(path|password-file|tls-ca) = /' my.cfg)" 3
cd /
run 0 "$MAILCASK" -c "$WORK/here/my.cfg" sync -q
sed -n '/^\[account/,/^tls-ca/p' "$WORK/here/my.cfg" | sed 's/^\[account.*/[account other]/' >"$WORK/other"
cat "$WORK/other" >>"$WORK/here/my.cfg"
run 0 "$MAILCASK" -c "$WORK/here/my.cfg" status
check "never synced: it says so" contains "$OUT" "not synced yet: mailcask sync other"
check "the archive is where it was wanted" test -d "$WORK/here/arch/segments"

check_init 0 bob@localhost "$server" bob "$WORK/archive" wrong "" pass
check "no more than five things are asked" same \
  "$(grep -oE '(Your mail address|IMAP server|User name|Folder for the archive|Password)' "$ERR" | sort -u | wc -l)" 5
check "the login was tried" contains "$ERR" "logged in"
config=$WORK/xdg/mailcask/config
check "only the owner can read it" \
  same "$(stat -c %a "$config" "$WORK"/xdg/mailcask/*.password | tr '\n' ' ')" "600 600 "
check "the password is not in the settings" fails grep -qE '= *pass$' "$config"
export XDG_CONFIG_HOME=$WORK/xdg
run 0 "$MAILCASK" sync
check "the settings work" contains "$OUT" "$(dump_account bob | wc -l) new"
run 0 "$MAILCASK" search garden
run 0 "$MAILCASK" status
check_init 2 bob@localhost
check "existing settings are not touched" contains "$ERR" "exists already"

# What became of a purge and a restore is told message by message.
printf '\n[rule r]\nmatch = subject:garden -is:flagged\naction = purge\nafter = 0s\nmax-share = 100%%\n' >>"$config"
run 0 "$MAILCASK" purge --yes
run 0 "$MAILCASK" log
purge=$(grep -o 'P[0-9]\{6\}' "$OUT" | head -n 1)
run 0 "$MAILCASK" log "$purge"
check "a purge: place, rule, outcome" contains "$OUT" "[rule r]:" "  purged" "localhost "
check "... with its subjects" grep -qi garden "$OUT"
check "... fits 80 columns" fails grep -qE '.{81}' "$OUT"
run 0 "$MAILCASK" log "$purge" --json
check "... also in JSON" same "$(json "$OUT" 'o["state"]' | sort -u)" confirmed
run 0 "$MAILCASK" restore is:purged --to localhost
run 0 "$MAILCASK" log
restore=$(grep -o 'R[0-9]\{6\}' "$OUT" | head -n 1)
run 0 "$MAILCASK" log "$restore"
check "a restore: its messages" grep -qE '^  [0-9a-f]{10} .*  restored$' "$OUT"
run 0 "$MAILCASK" log "$restore" --json
check "... also in JSON" same "$(json "$OUT" 'o["kind"]' | sort -u)" restore
run 1 "$MAILCASK" log R999999
check "no such run: told" contains "$ERR" "no run"
