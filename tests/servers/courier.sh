# shellcheck shell=bash
# Private Courier IMAP 5.0 servers on loopback. To be sourced; how it runs: private.sh.
#
#   courier_start FOLDER [certs=FOLDER]   ready when it returns; everything lies below FOLDER
#   courier_stop FOLDER
#   courier_load FOLDER USER MAILDIR      USER must have nothing yet
#   courier_quota FOLDER USER SIZE        20K, 1M, 1G; from the next login on
#
# All folders are below INBOX, with "." between the levels: INBOX.Archive.2019. No LITERAL+, no
# CONDSTORE, no special folders. Users: $PRIVATE_USERS; "tiny" has a quota of 1 MiB.

# shellcheck source=tests/servers/private.sh
. "${BASH_SOURCE[0]%/*}/private.sh"

courier_fetch() {
  private_fetch courier courier-imap courier-authlib-userdb
}

courier_users() { # FOLDER
  local f=$1 user hash id
  hash=$(openssl passwd -6 pass)
  id=$(id -u "$(instance_owner)") || return 1
  for user in $PRIVATE_USERS; do
    mkdir -p "$f/mail/$user/Maildir/"{cur,new,tmp} || return 1
    printf '%s\tuid=%s|gid=%s|home=%s|shell=/bin/sh|systempw=%s\n' "$user" "$id" \
      "$(id -g "$id")" "$f/mail/$user" "$hash"
  done >"$f/etc/courier/userdb"
  chmod 600 "$f/etc/courier/userdb"
  [[ -f $f/mail/tiny/Maildir/maildirsize ]] || courier_quota "$f" tiny 1M
}

# The first process: the daemon that knows passwords, one for each port, and the end of all.
# What Courier's own start script (imapd.rc) sets is set here.
courier_run() { # FOLDER
  cat <<END
set -e
trap 'exit 0' TERM
mkdir -p /run/courier/authdaemon
makeuserdb
/usr/lib/courier/courier-authlib/authdaemond &
set -a
. /etc/courier/imapd
. /etc/courier/imapd-ssl
unset TLS_CACHEFILE
PROTOCOL=IMAP TLS_CERTFILE=$1/both.pem MAILDIRPATH=Maildir IMAP_EMPTYTRASH= IMAP_ULIMITD=1048576
set +a
serve() {
  couriertcpd -address=127.0.0.1 -nodnslookup -noidentlookup -maxprocs=40 -maxperip=40 "\$@" &
}
login='/usr/lib/courier/courier/imaplogin /usr/bin/imapd Maildir'
export IMAP_STARTTLS=YES
serve $PRIVATE_IMAP \$login
export IMAP_STARTTLS=NO IMAP_TLS=1
serve $PRIVATE_IMAPS /usr/bin/couriertls -server -tcpd \$login
wait
END
}

courier_start() { # FOLDER [certs=FOLDER]
  local f=$1 certs=${2:-certs=$1/certs}
  private_prepare "$f" "${certs#*=}" && courier_fetch || return 1
  private_ports
  mkdir -p "$f/etc/courier" || return 1
  cp -R --no-preserve=ownership "$PRIVATE_CACHE/courier/root/etc/courier/." "$f/etc/courier" || return 1
  cat "$f/server.pem" "$f/server.key" >"$f/both.pem"
  chmod 600 "$f/both.pem"
  sed -i 's/^authmodulelist=.*/authmodulelist="authuserdb"/' "$f/etc/courier/authdaemonrc"
  courier_users "$f" || return 1
  instance_own "$f/mail"
  courier_run "$f" >"$f/run.sh"
  private_launch courier "$f" bash "$f/run.sh"
}

courier_stop() { # FOLDER
  private_stop "$1"
}

courier_load() { # FOLDER USER MAILDIR
  private_load "$@"
}

courier_quota() { # FOLDER USER SIZE
  local file=$1/mail/$2/Maildir/maildirsize
  echo "$(numfmt --from=iec "$3")S" >"$file"
  instance_own "$file"
}
