# shellcheck shell=bash
# Sourced by the scenarios that are other scenarios, on another server.
#
#   on_server SERVER SCENARIO...   runs each with that server, shows what they say, and ends with
#                                  the status and the last line that all scenarios have
set -eu

on_server() { # SERVER SCENARIO...
  local here server=$1 name child='' status passed=0 failed=0 said=''
  here=$(cd "$(dirname "$0")" && pwd)
  shift
  trap 'kill -TERM $child 2>/dev/null; wait; rm -f "$said"; exit 130' INT TERM HUP
  for name; do
    status=0
    said=$(mktemp)
    SERVER=$server bash "$here/$name.sh" >"$said" 2>&1 &
    child=$!
    wait "$child" || status=$?
    cat "$said"
    if [[ $(tail -n 1 "$said") =~ :\ ([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
      passed=$((passed + BASH_REMATCH[1]))
      failed=$((failed + BASH_REMATCH[2]))
    else
      failed=$((failed + 1))
      echo "not ok - $name on $server gave no result (status $status)"
    fi
    rm "$said"
  done
  echo "scenario $(basename "$0" .sh): $passed passed, $failed failed"
  exit $((failed > 0))
}
