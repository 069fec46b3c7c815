# shellcheck shell=bash
# What the scenarios with the scripted server share (tests/servers/scripted.py). Sourced after
# lib.sh.
#
#   start_scripted [OPTION...]
#   account NAME [SETTING...]     a fresh account NAME and archive: from here on $CONFIG, $LOG,
#                                 $NOW and $EVER are its own
#   behave [NAME[=VALUE],...]     what the server does on connections from now on
#   try CODE NAME ARGUMENT...     mailcask ends with that status; goes on when it does not
#   says TEXT...                  each stands in what the last command said on standard error
#   sound [-- CHECK...]           all that must hold after anything, and more checks of hostile.py

SCRIPTED=$WORK/scripted

start_scripted() { # OPTION...
  mkdir -p "$SCRIPTED"
  certificates_make "$WORK/certs"
  # Ends with this shell, however that ends.
  setpriv --pdeathsig TERM "$PYTHON" "$ROOT/tests/servers/scripted.py" --folder "$SCRIPTED" \
    --cert "$WORK/certs/good.pem" --key "$WORK/certs/good.key" "$@" 2>"$WORK/scripted.err" &
  SCRIPTED_PID=$!
  disown
  until [[ -s $SCRIPTED/ports ]]; do
    kill -0 "$SCRIPTED_PID" || { cat "$WORK/scripted.err" && return 1; }
    sleep 0.01
  done
}

scripted_port() { # imaps|imap
  sed -n "s/^$1=//p" "$SCRIPTED/ports"
}

behave() { # [NAME[=VALUE],...]
  echo "${1:-}" >"$SCRIPTED/behaviour.part"
  mv "$SCRIPTED/behaviour.part" "$SCRIPTED/behaviour"
}

account() { # NAME [SETTING...]
  NAME=$1
  CONFIG=$WORK/$NAME.config
  LOG=$SCRIPTED/$NAME.log NOW=$SCRIPTED/$NAME.now EVER=$SCRIPTED/$NAME.ever
  shift
  (umask 077 && echo pass >"$WORK/password")
  {
    printf '[archive]\npath = %s/archive.%s\nmax-message = 1M\n\n' "$WORK" "$NAME"
    printf '[account %s]\nurl = imaps://%s@localhost:%s\ntls-ca = %s\npassword-file = %s\n' \
      "$NAME" "$NAME" "$(scripted_port imaps)" "$WORK/certs/ca.pem" "$WORK/password"
    ((!$#)) || printf '%s\n' "$@"
    printf '\n[rule old]\nmatch = older:1y\naction = purge\nafter = 0s\nmax-share = 100%%\n'
  } >"$CONFIG"
  touch "$NOW" "$EVER" "$LOG" # it may never get so far that the server makes them
  behave
}

try() { # CODE NAME COMMAND...
  local code=$1 name=$2 status=0
  shift 2
  (exec timeout -k 1 60 "$MAILCASK" -c "$CONFIG" "$@") >"$OUT" 2>"$ERR" </dev/null || status=$?
  check "$NAME: $name (status $code)" same "$status" "$code" || true
  ((status == code)) || indented "$OUT" "$ERR"
}

says() { # TEXT...
  check "$NAME: says \"$*\"" contains "$ERR" "$@"
}

holds() { # NAME ARGUMENT... of hostile.py
  check "$NAME: $1" "$PYTHON" "$ROOT/tests/scenario/hostile.py" "${@:2}"
}

archive_json() {
  "$MAILCASK" -c "$CONFIG" search '*' --limit 0 --no-snippet --json -q >"$WORK/archive.json"
}

plan_json() {
  "$MAILCASK" -c "$CONFIG" plan --json >"$WORK/plan.json"
}

# Every message of every purge.
runs_json() {
  local run
  "$MAILCASK" -c "$CONFIG" log --json >"$WORK/log.json"
  for run in $(grep -o '"run":"P[0-9]*"' "$WORK/log.json" | cut -d'"' -f4); do
    "$MAILCASK" -c "$CONFIG" log "$run" --json
  done >"$WORK/runs.json"
}

# Nothing is wrong under any UID, nothing lost, and what is called purged is gone.
sound() { # [-- CHECK ARGUMENT...]...
  try 0 "verify is clean" verify -q
  archive_json
  holds "sound" true "$EVER" "$WORK/archive.json" -- kept "$NOW" "$EVER" "$WORK/archive.json" \
    -- purged "$NOW" "$WORK/archive.json" "$@"
}

# At the end: the server itself made no mistake.
scripted_is_well() {
  check "the scripted server had no trouble of its own" same "$(cat "$WORK/scripted.err")" ""
}
