# shellcheck shell=bash
# Sourced by the scenarios that are other scenarios, on another server.
#
#   on_server SERVER SCENARIO...   runs each with that server, shows what they say, and ends with
#                                  the status and the last line that all scenarios have
set -eu

on_server() { # SERVER SCENARIO...
  local here server=$1 name child='' status passed=0 failed=0 line
  here=$(cd "$(dirname "$0")" && pwd)
  shift
  trap 'kill -TERM $child 2>/dev/null; wait; exit 130' INT TERM HUP
  for name; do
    status=0
    line=$(mktemp)
    SERVER=$server bash "$here/$name.sh" > >(tee "$line") &
    child=$!
    wait "$child" || status=$?
    wait # for tee
    if [[ $(tail -n 1 "$line") =~ :\ ([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
      passed=$((passed + BASH_REMATCH[1]))
      failed=$((failed + BASH_REMATCH[2]))
    else
      failed=$((failed + 1))
      echo "not ok - $name on $server gave no result (status $status)"
    fi
    rm "$line"
  done
  echo "scenario $(basename "$0" .sh): $passed passed, $failed failed"
  exit $((failed > 0))
}
