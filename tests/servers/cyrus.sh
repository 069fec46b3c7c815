# shellcheck shell=bash
# Private Cyrus imapd 3.6 servers on loopback. To be sourced; how it runs: private.sh.
#
#   cyrus_start FOLDER [certs=FOLDER]     ready when it returns; everything lies below FOLDER
#   cyrus_stop FOLDER
#   cyrus_load FOLDER USER MAILDIR        USER must have nothing yet
#   cyrus_quota FOLDER USER SIZE          20K, 1M, 1G
#
# Folders with "/" between the levels, and no prefix, as Dovecot has them here. Any user, with
# the password "pass", who gets an INBOX, Drafts, Junk, Sent and Trash at the first login; "tiny"
# with a quota of 1 MiB.

# shellcheck source=tests/servers/private.sh
. "${BASH_SOURCE[0]%/*}/private.sh"

cyrus_fetch() {
  private_fetch cyrus cyrus-imapd libsasl2-modules libsasl2-modules-sql
}

# Everybody's password comes from a query that always answers the same.
cyrus_config() { # FOLDER
  cat <<END
configdirectory: $1/conf
defaultpartition: default
partition-default: $1/mail
sievedir: $1/conf/sieve
proc_path: $1/conf/proc
mboxname_lockpath: $1/conf/lock
idlesocket: $1/conf/idle
lmtpsocket: $1/conf/lmtp
notifysocket: $1/conf/notify
cyrus_user: $(instance_owner)
servername: localhost
admins: cyrus
allowplaintext: no
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sql
sasl_sql_engine: sqlite3
sasl_sql_database: $1/conf/passwords
sasl_sql_select: SELECT 'pass'
sasl_mech_list: PLAIN LOGIN
altnamespace: yes
unixhierarchysep: yes
autocreate_quota: 10485760
autocreate_inbox_folders: Drafts|Junk|Sent|Trash
autocreate_subscribe_folders: Drafts|Junk|Sent|Trash
xlist-drafts: Drafts
xlist-junk: Junk
xlist-sent: Sent
xlist-trash: Trash
imapidlepoll: 1
skiplist_unsafe: yes
tls_server_cert: $1/server.pem
tls_server_key: $1/server.key
END
}

cyrus_services() { # FOLDER
  local bin=/usr/lib/cyrus/bin settings="-C $1/imapd.conf"
  cat <<END
START {
  recover cmd="$bin/ctl_cyrusdb $settings -r"
  idled cmd="$bin/idled $settings"
}
SERVICES {
  imap cmd="$bin/imapd $settings" listen="127.0.0.1:$PRIVATE_IMAP" prefork=0
  imaps cmd="$bin/imapd -s $settings" listen="127.0.0.1:$PRIVATE_IMAPS" prefork=1
}
END
}

cyrus_start() { # FOLDER [certs=FOLDER]
  local f=$1 certs=${2:-certs=$1/certs}
  private_prepare "$f" "${certs#*=}" && cyrus_fetch || return 1
  private_ports
  mkdir -p "$f"/conf/{sieve,proc,lock} || return 1
  cyrus_config "$f" >"$f/imapd.conf"
  cyrus_services "$f" >"$f/cyrus.conf"
  instance_own "$f/conf"
  CYRUS_USER=$(instance_owner) private_launch cyrus "$f" /usr/lib/cyrus/bin/master \
    -C "$f/imapd.conf" -M "$f/cyrus.conf" -p /run/cyrus.pid || return 1
  cyrus_quota "$f" tiny 1M
}

cyrus_stop() { # FOLDER
  private_stop "$1"
}

cyrus_load() { # FOLDER USER MAILDIR
  private_load "$@"
}

cyrus_quota() { # FOLDER USER SIZE
  local kib
  kib=$(($(numfmt --from=iec "$3") / 1024))
  /usr/bin/python3 - "$(instance_info "$1" imaps)" "$1/ca.pem" "$2" "$kib" <<'P'
import imaplib, ssl, sys
port, ca, user, kib = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
for name in (user, "cyrus"):  # the first login makes the mailbox
    imap = imaplib.IMAP4_SSL("127.0.0.1", int(port), ssl_context=context)
    imap.login(name, "pass")
    if name == "cyrus":
        status, said = imap.setquota(f"user/{user}", f"(STORAGE {kib})")
        assert status == "OK", said
    imap.logout()
P
}
