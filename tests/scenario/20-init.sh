#!/bin/bash
# From nothing to a working archive: five questions, then the README's commands.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_dovecot
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

check_init 4 bob@localhost "$server" bob "$WORK/archive" wrong wrong wrong
check "a refused password is told" contains "$ERR" "refuses user name or password"
check "... and nothing is written" test ! -e "$WORK/xdg/mailcask/config"
check_init 2 nonsense
check_init 0 bob@localhost "$server" bob "$WORK/archive" wrong pass
check "no more than five things are asked" same \
  "$(grep -oE '(Your mail address|IMAP server|User name|Folder for the archive|Password)[^:]*: ' "$ERR" | sort -u | wc -l)" 5
check "the login was tried" contains "$ERR" "logged in"
config=$WORK/xdg/mailcask/config
check "only the owner can read it" \
  same "$(stat -c %a "$config" "$WORK"/xdg/mailcask/*.password | tr '\n' ' ')" "600 600 "
check "the password is not in the settings" fails grep -qE '= *pass$' "$config"
export XDG_CONFIG_HOME=$WORK/xdg
run 0 "$MAILCASK" sync
check "the settings work" contains "$OUT" "100 new"
run 0 "$MAILCASK" search garden
run 0 "$MAILCASK" status
check_init 2 bob@localhost
check "existing settings are not touched" contains "$ERR" "exists already"
