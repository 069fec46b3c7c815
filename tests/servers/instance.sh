# shellcheck shell=bash
# What all private servers of the tests share. To be sourced.
#
# An instance lies in a FOLDER; while it runs, FOLDER/instance has lines of KEY=VALUE:
# server imap imaps ca mail owner pid start ...
#
#   instance_info FOLDER KEY      1 when there is no such line, or nothing runs
#   instance_own PATH...          give files to the owner of the mail
#   instance_fail TEXT            say it, and return 1
#
# The mail is owned by the caller when that is an ordinary user, by $TEST_MAIL_USER (default
# nobody) when it is root.
[[ $PATH: == */sbin:* ]] || PATH=$PATH:/usr/sbin:/sbin

instance_fail() {
  echo "tests/servers: $*" >&2
  return 1
}

instance_owner() {
  if ((EUID == 0)); then
    echo "${TEST_MAIL_USER:-nobody}"
  else
    id -un
  fi
}

instance_own() { # PATH...
  ((EUID != 0)) || chown -R "$(instance_owner):$(id -g "$(instance_owner)")" "$@"
}

instance_info() { # FOLDER KEY
  local key value
  [[ -f $1/instance ]] || return 1
  while IFS='=' read -r key value; do
    if [[ $key == "$2" ]]; then
      echo "$value"
      return 0
    fi
  done <"$1/instance"
  return 1
}

# Set INSTANCE_STAT to state, session and start time of a process. (No subshells here: these run
# in loops over all processes.)
instance_stat() { # PID
  local text=
  read -r -d '' text 2>/dev/null <"/proc/$1/stat" || [[ -n $text ]] || return 1
  # The name in front may hold anything; it ends with the last ")".
  # shellcheck disable=SC2086
  set -- ${text##*)}
  INSTANCE_STAT=("$1" "$4" "${20}")
}

instance_lives() { # PID
  instance_stat "$1" 2>/dev/null && [[ ${INSTANCE_STAT[0]} != Z ]]
}
