#!/bin/bash
# The same on a real Cyrus imapd 3.6: CONDSTORE and MULTIAPPEND as Dovecot has them, but other
# names of folders are refused, the special folders are told in small letters, headers of 8 bits
# are changed and some are refused.
. "$(dirname "$0")/on-server.sh"
export KILLS=${KILLS:-6}
on_server cyrus 10-sync 12-purge 13-restore 14-export 17-kill 19-run 20-init 33-kill-purge
