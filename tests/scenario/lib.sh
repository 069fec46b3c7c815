# shellcheck shell=bash
# What every scenario sources first:
#
#   #!/bin/bash
#   # What it proves.
#   . "$(dirname "$0")/lib.sh"
#
#   start_server
#   generate_mail --seed 1 --count 100
#   load_mail bob
#   write_config bob
#   run 0 mailcask sync
#   check "the summary counts the mail" contains "$OUT" "100 new"
#
# A scenario works in $WORK, which goes away at its end (not with KEEP=1), and its servers with
# it. "check" notes a result and goes on; "run" ends the scenario when the exit code is not the
# expected one; any other command that fails ends it too (set -e), and counts as a failure. The
# last line is "scenario NAME: N passed, M failed", the exit status 0 only when M is 0.
#
#   check NAME COMMAND...     ok when COMMAND succeeds; what it prints is shown when not
#   run CODE COMMAND...       its output is in the files $OUT and $ERR
#
# Commands for check:
#   same ACTUAL EXPECTED      equal strings
#   contains FILE TEXT...     each text stands somewhere in the file
#   lacks FILE TEXT...
#   fails COMMAND...
#
# The server is $SERVER: dovecot (when not set), cyrus, courier or mailutils, those of
# tests/servers. A scenario that calls start_dovecot is one for Dovecot only, and says why.
#
# $MAILCASK is the program; "mailcask ARGUMENT..." runs it with -c $CONFIG.
set -eu

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
MAILCASK=${MAILCASK:-$ROOT/mailcask}
SCENARIO=$(basename "$0" .sh)
PYTHON=/usr/bin/python3
export PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8 TZ=UTC IMAP_PASSWORD=pass
unset XDG_CONFIG_HOME
SERVER=${SERVER:-dovecot}
[[ $SERVER == dovecot || $SCENARIO == *"$SERVER" ]] || SCENARIO=$SCENARIO@$SERVER

# shellcheck source=tests/servers/dovecot.sh
. "$ROOT/tests/servers/dovecot.sh"
# shellcheck source=tests/servers/cyrus.sh
[[ $SERVER == dovecot ]] || . "$ROOT/tests/servers/$SERVER.sh"

# Short, because of sockets, and on a way that the servers' user can go.
WORK=$(mktemp -d "${TMPDIR:-/tmp}/mailcask.XXXXXX")
if ((${#WORK} > DOVECOT_FOLDER_MAX - 20)); then
  rmdir "$WORK"
  WORK=$(mktemp -d /tmp/mailcask.XXXXXX)
fi
((EUID != 0)) || chmod 711 "$WORK"
OUT=$WORK/out ERR=$WORK/err CONFIG=$WORK/config MAIL=$WORK/mail MANIFEST=$WORK/manifest
HOME=$WORK/home
export HOME
mkdir "$HOME"
: >"$OUT"
: >"$ERR"

passed=0 failed=0
servers=() mounts=()

finish() {
  local status=$? server mount
  trap - EXIT
  trap '' INT TERM HUP
  set +e
  if ((status && !failed)); then
    failed=1
    echo "not ok - the scenario ended early (status $status)"
  fi
  for server in ${servers+"${servers[@]}"}; do
    stop_server "$server"
  done
  for mount in ${mounts+"${mounts[@]}"}; do
    umount -l "$mount" 2>/dev/null
  done
  if [[ -n ${KEEP:-} ]]; then
    echo "# kept: $WORK"
  else
    rm -rf "$WORK"
  fi
  echo "scenario $SCENARIO: $passed passed, $failed failed"
  exit $((failed > 0 || status > 0))
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

indented() { # FILE...
  cat "$@" | head -n 60 | sed 's/^/#   /'
}

check() { # NAME COMMAND...
  local name=$1
  shift
  if "$@" >"$WORK/check.out" 2>&1; then
    passed=$((passed + 1))
    echo "ok - $name"
  else
    failed=$((failed + 1))
    echo "not ok - $name"
    echo "#   $*" | head -c 500 | head -n 3
    indented "$WORK/check.out"
  fi
}

run() { # CODE COMMAND...
  local expected=$1 status=0
  shift
  "$@" >"$OUT" 2>"$ERR" </dev/null || status=$?
  if ((status == expected)); then
    passed=$((passed + 1))
    echo "ok - $* (status $status)"
    return 0
  fi
  failed=$((failed + 1))
  echo "not ok - $*: status $status, not $expected"
  indented "$OUT" "$ERR"
  exit 1
}

same() { # ACTUAL EXPECTED
  [[ $1 == "$2" ]] || { printf 'actual:   %s\nexpected: %s\n' "$1" "$2" && return 1; }
}

contains() { # FILE TEXT...
  local file=$1 text
  shift
  for text; do
    grep -qF -e "$text" "$file" || { printf 'not there: %s\n' "$text" && cat "$file" && return 1; }
  done
}

lacks() { # FILE TEXT...
  local file=$1 text
  shift
  for text; do
    ! grep -nF -e "$text" "$file" || return 1
  done
}

fails() { # COMMAND...
  ! "$@"
}

# Servers. NAME is one of several; that of the kind of server when left out.

start_server() { # [NAME] [KEY=VALUE...]
  local name=$SERVER
  if (($#)) && [[ $1 != *=* ]]; then
    name=$1
    shift
  fi
  servers+=("$name")
  [[ $SERVER != dovecot ]] || set -- fsync=never "$@"
  "${SERVER}_start" "$WORK/$name" certs="$WORK/certs" "$@"
}

start_dovecot() { # [NAME] [KEY=VALUE...]
  if [[ $SERVER != dovecot ]]; then
    echo "this scenario is one for Dovecot only" >&2
    return 1
  fi
  start_server "$@"
}

server() { # KEY [NAME]: server, imap, imaps, ca, mail, pid
  instance_info "$WORK/${2:-$SERVER}" "$1"
}

stop_server() { # [NAME]
  local kind
  kind=$(server server "${1:-$SERVER}") || return 0
  "${kind}_stop" "$WORK/${1:-$SERVER}"
}

set_quota() { # USER SIZE: 1M, 1G
  "${SERVER}_quota" "$WORK/$SERVER" "$@"
}

# How mailcask and dump_account call a folder.
shown() { # FOLDER
  if [[ $SERVER == courier && $1 != INBOX ]]; then
    echo "INBOX/$1"
  else
    echo "$1"
  fi
}

# Mail. generate_mail writes $MAIL and $MANIFEST; load_mail gives a copy of it to a user.

generate_mail() { # OPTION...
  rm -rf "$MAIL"
  "$PYTHON" "$ROOT/tests/mail/generate.py" --maildir "$MAIL" --manifest "$MANIFEST" "$@"
}

load_mail() { # USER [MAILDIR] [NAME]
  "${SERVER}_load" "$WORK/${3:-$SERVER}" "$1" "${2:-$MAIL}" 2>"$WORK/load.err" ||
    { cat "$WORK/load.err" >&2 && return 1; }
}

dump_account() { # USER [NAME] [OPTION...]: JSON lines
  local user=$1 name=$SERVER
  shift
  if (($#)) && [[ $1 != -* ]]; then
    name=$1
    shift
  fi
  "$PYTHON" "$ROOT/tests/mail/imapdump.py" --port "$(server imaps "$name")" \
    --ca "$WORK/certs/ca.pem" --user "$user" "$@"
}

compare_mail() { # [OPTION...] A B: dumps or manifests
  "$PYTHON" "$ROOT/tests/mail/compare.py" "$@"
}

# The program.

url() { # USER [NAME] [imap|imaps]
  local scheme=${3:-imaps}
  echo "$scheme://$1@127.0.0.1:$(server "$scheme" "${2:-$SERVER}")"
}

# A config of one archive, $WORK/archive, and of accounts; more can be appended to $CONFIG.
write_config() { # NAME[=URL]...
  local account
  (umask 077 && echo pass >"$WORK/password")
  printf '[archive]\npath = %s\n' "$WORK/archive" >"$CONFIG"
  for account; do
    [[ $account == *=* ]] || account="$account=$(url "$account")"
    printf '\n[account %s]\nurl = %s\ntls-ca = %s\npassword-file = %s\n' "${account%%=*}" \
      "${account#*=}" "$WORK/certs/ca.pem" "$WORK/password" >>"$CONFIG"
  done
}

mailcask() {
  "$MAILCASK" -c "$CONFIG" "$@"
}

# What the archive says it has of an account, as lines for compare_mail.
archived() { # [ACCOUNT] [STATES]
  mailcask search '*' --limit 0 --no-snippet --json -q |
    "$PYTHON" "$ROOT/tests/mail/archived.py" ${1:+--account "$1"} --state "${2:-present}"
}

json() { # FILE EXPRESSION: of each JSON line "o"; prints it
  "$PYTHON" -c 'import json, sys
for line in open(sys.argv[1]):
    o = json.loads(line)
    print(eval(sys.argv[2]))' "$1" "$2"
}

# Python from standard input, with "imap" (imaplib) logged in as USER: somebody else's client.
# box("Archive/2019") is that folder as this server calls it.
somebody() { # USER [NAME] [ARGUMENT...]
  local user=$1 name=${2:-$SERVER}
  shift $(($# > 1 ? 2 : 1))
  "$PYTHON" -c 'import imaplib, re, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
imap = imaplib.IMAP4_SSL("127.0.0.1", int(sys.argv[1]), ssl_context=context)
imap.login(sys.argv[3], "pass")
sys.argv = sys.argv[3:]
personal = re.match(r"\(\(\"(.*?)\" \"(.)\"", imap.namespace()[1][0].decode())
def box(name):
    return "\"" + (name if name == "INBOX" else personal[1] + name.replace("/", personal[2])) + "\""
exec(compile(sys.stdin.read(), "somebody", "exec"))
imap.logout()' "$(server imaps "$name")" "$WORK/certs/ca.pem" "$user" "$@"
}
