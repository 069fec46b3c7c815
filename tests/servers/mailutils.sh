# shellcheck shell=bash
# Private GNU mailutils imap4d 3.15 servers on loopback. To be sourced; how it runs: private.sh.
#
#   mailutils_start FOLDER [certs=FOLDER]  ready when it returns; everything lies below FOLDER
#   mailutils_stop FOLDER
#   mailutils_load FOLDER USER MAILDIR     USER must have nothing yet
#
# Folders are mbox files. Each message gets headers of imap4d's own (X-UID, Status), so that its
# bytes change from session to session; there is no UIDPLUS, no keywords, no quota, and no folder
# below another one. Users: $PRIVATE_USERS.

# shellcheck source=tests/servers/private.sh
. "${BASH_SOURCE[0]%/*}/private.sh"

mailutils_fetch() {
  private_fetch mailutils mailutils-imap4d
}

# imap4d takes its users from the system's password file.
mailutils_users() { # FOLDER
  local f=$1 user hash id
  hash=$(openssl passwd -6 pass)
  id=$(id -u "$(instance_owner)") || return 1
  cp /etc/passwd "$f/etc/passwd" || return 1
  mkdir -p "$f/mail/spool"
  for user in $PRIVATE_USERS; do
    mkdir -p "$f/mail/$user"
    touch "$f/mail/spool/$user" # without it there is no INBOX to append to
    printf '%s:%s:%s:%s::%s:/bin/sh\n' "$user" "$hash" "$id" "$(id -g "$id")" "$f/mail/$user"
  done >>"$f/etc/passwd"
}

mailutils_config() { # FOLDER
  cat <<END
mode daemon;
foreground yes;
pidfile /run/imap4d.pid;
max-children 40;
timeout 1800;
auth { authentication generic:system; authorization system; };
mailbox { mail-spool mbox:$1/mail/spool; mailbox-type mbox; };
logging { syslog no; };
gsasl { enable no; };
tcp-wrappers { enable no; };
tls { ssl-certificate-file $1/server.pem; ssl-key-file $1/root.key; ssl-ca-file $1/ca.pem; };
tls-file-checks { key-file none; cert-file none; ca-file none; };
server 127.0.0.1:$PRIVATE_IMAP { tls-mode ondemand; };
server 127.0.0.1:$PRIVATE_IMAPS { tls-mode connection; };
END
}

mailutils_start() { # FOLDER [certs=FOLDER]
  local f=$1 certs=${2:-certs=$1/certs}
  private_prepare "$f" "${certs#*=}" && mailutils_fetch || return 1
  private_ports
  install -m 600 "$f/server.key" "$f/root.key"
  mailutils_users "$f" || return 1
  instance_own "$f/mail"
  mailutils_config "$f" >"$f/imap4d.conf"
  private_launch mailutils "$f" imap4d --no-config "--config-file=$f/imap4d.conf"
}

mailutils_stop() { # FOLDER
  private_stop "$1"
}

mailutils_load() { # FOLDER USER MAILDIR
  private_load "$@"
}

mailutils_quota() { # FOLDER USER SIZE
  instance_fail "imap4d has no quota"
}
