#!/bin/bash
# The same on a real Courier IMAP 5.0: all folders are below "INBOX.", a literal waits for its
# "+", there is no CONDSTORE, no UIDNEXT on EXAMINE, and an empty INBOX has a new UIDVALIDITY in
# each session.
. "$(dirname "$0")/on-server.sh"
export KILLS=${KILLS:-6}
on_server courier 10-sync 12-purge 13-restore 14-export 17-kill 19-run 20-init 33-kill-purge
