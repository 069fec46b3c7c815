# shellcheck shell=bash
# Private Dovecot 2.3 servers on loopback, for tests, the demo and measurements. To be sourced;
# tests/servers/dovecot is the same as a command.
#
#   dovecot_start FOLDER [KEY=VALUE...]   ready when it returns; everything lies below FOLDER
#   instance_info FOLDER KEY              imap imaps ca mail pid owner cert server
#   dovecot_stop FOLDER                   returns when its last process is gone
#
#   cert=good          or expired, wrong-name (certificates.sh), none (no TLS, no STARTTLS at
#                      all: plain IMAP only)
#   certs=FOLDER       where the certificates are or shall be (default FOLDER/certs)
#   mail=FOLDER        mail folders, one per user (default FOLDER/mail); instances may share it
#   fsync=optimized    Dovecot's own default; "never" where nobody measures or pulls the plug
#   setting=TEXT       one more line of dovecot.conf, e.g. setting='imap_capability = IMAP4rev1'
#   stay=yes           keep running when this shell is gone
#
# Users: any name, with the password "pass"; a wrong one is refused at once. A user is made by
# the first login or by dovecot_load; Drafts, Junk, Sent and Trash are there, with their
# special-use flags. "tiny" has a quota of 1 MiB, the others 10 GiB; dovecot_quota changes it.
# Ports: imap and imaps, on localhost (127.0.0.1 and ::1) and on 127.0.0.2. Before STARTTLS the
# right password is a wrong one. Dovecot calls a peer with its own address secure, so only a
# client of 127.0.0.2 is also told so: LOGINDISABLED, and NO [PRIVACYREQUIRED].
#
# Who runs it: the caller, when that is an ordinary user. Called by root, all of Dovecot runs as
# $TEST_MAIL_USER (default nobody), who owns the mail, and must be able to enter FOLDER.
#
# Nothing is left running: the master gets SIGTERM from the kernel when the shell that called
# dovecot_start ends in any way, kill -9 included, and takes its children with it. So do not
# call dovecot_start in a subshell ($(...) or a pipe), unless with stay=yes.
#
# Ports are taken by trying: Dovecot itself binds two at random below the ephemeral range, and
# when one is taken it does not start and two others are tried. So nobody can get between the
# choice and the bind.

# shellcheck source=tests/servers/certificates.sh
. "${BASH_SOURCE[0]%/*}/certificates.sh"
# shellcheck source=tests/servers/instance.sh
. "${BASH_SOURCE[0]%/*}/instance.sh"

# Unix sockets have room for 108 bytes; Dovecot's longest name below FOLDER/run takes 31.
DOVECOT_FOLDER_MAX=76

# Run as the owner of the mail.
dovecot_as_owner() {
  if ((EUID == 0)); then
    local owner
    owner=$(instance_owner)
    setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups "$@"
  else
    "$@"
  fi
}

# Set DOVECOT_LEFT to the processes of a session, zombies not counted.
dovecot_session() { # SESSION
  local entry
  DOVECOT_LEFT=()
  for entry in /proc/[0-9]*; do
    if instance_lives "${entry#/proc/}" && [[ ${INSTANCE_STAT[1]} == "$1" ]]; then
      DOVECOT_LEFT+=("${entry#/proc/}")
    fi
  done
}

# The first passdb accepts nobody: it only says that a refusal shall not wait (500 ms even with
# auth_failure_delay = 0).
dovecot_config_users() { # FOLDER OWNER CERT
  local password='%{if;%{secured};eq;TLS;pass;not-before-TLS}'
  [[ $3 != none ]] || password=pass
  cat <<END
passdb {
  driver = static
  args = noauthenticate=y nodelay=y
}
passdb {
  driver = static
  args = password=$password
}
userdb {
  driver = passwd-file
  args = username_format=%u $1/users
  result_success = return-ok
}
userdb {
  driver = static
  args = uid=$(id -u "$2") gid=$(id -g "$2") home=$1/home/%u allow_all_users=yes
}
END
}

dovecot_config_mail() { # MAIL FSYNC
  local mailbox
  cat <<END
mail_location = maildir:$1/%u
mail_fsync = $2
first_valid_uid = 1
first_valid_gid = 1
mail_plugins = quota
protocol imap {
  mail_plugins = quota imap_quota imap_zlib
  mail_max_userip_connections = 100
}
plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:storage=10G
}
namespace inbox {
  inbox = yes
  separator = /
END
  for mailbox in Drafts Junk Sent Trash; do
    printf '  mailbox %s {\n    special_use = \\%s\n    auto = create\n  }\n' "$mailbox" "$mailbox"
  done
  echo '}'
}

dovecot_config_tls() { # FOLDER CERT
  if [[ $2 == none ]]; then
    printf 'ssl = no\ndisable_plaintext_auth = no\n'
  else
    printf 'ssl = required\ndisable_plaintext_auth = yes\n'
    printf 'ssl_cert = <%s/server.pem\nssl_key = <%s/server.key\n' "$1" "$1"
  fi
}

dovecot_config() { # FOLDER OWNER CERT MAIL FSYNC IMAP IMAPS
  local listen='127.0.0.1, 127.0.0.2'
  ! grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null || listen="$listen, ::1"
  cat <<END
base_dir = $1/run
state_dir = $1/run/state
log_path = $1/dovecot.log
protocols = imap
listen = $listen
default_internal_user = $2
default_internal_group = $(id -gn "$2")
default_login_user = $2
auth_mechanisms = plain login
auth_failure_delay = 0
service imap-login {
  chroot =
  inet_listener imap {
    port = $6
  }
  inet_listener imaps {
    port = $7
    ssl = yes
  }
}
service anvil {
  chroot =
  # Without this socket there is no penalty (seconds, growing) for wrong passwords.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
END
  dovecot_config_tls "$1" "$3"
  dovecot_config_users "$1" "$2" "$3"
  dovecot_config_mail "$4" "$5"
}

# The folder, its certificate and its users.
dovecot_prepare() { # FOLDER CERT CERTS MAIL
  local f=$1 owned=("$1/run" "$1/home" "$1/users" "$1/dovecot.log" "$4")
  mkdir -p "$f/run" "$f/home" "$4" || return 1
  printf 'owner=%s\n' "$(instance_owner)" >"$f/instance" || return 1
  touch "$f/dovecot.log" || return 1
  [[ -f $f/users ]] || dovecot_quota "$f" tiny 1M || return 1
  if [[ $2 != none ]]; then
    certificates_make "$3" || return 1
    install -m 644 "$3/ca.pem" "$f/ca.pem" || return 1
    install -m 600 "$3/$2.pem" "$f/server.pem" || return 1
    install -m 600 "$3/$2.key" "$f/server.key" || return 1
    owned+=("$f/server.pem" "$f/server.key")
  fi
  instance_own "${owned[@]}" || return 1
  dovecot_as_owner test -w "$f/run" || instance_fail "$(instance_owner) cannot get into $f"
}

# Start the master once, in the foreground of a session of its own, and set DOVECOT_PID.
# 1: it ended by itself.
dovecot_launch() { # FOLDER STAY
  local f=$1 owner how=(setsid)
  owner=$(instance_owner)
  if ((EUID == 0)); then
    how+=(setpriv "--reuid=$owner" "--regid=$(id -g "$owner")" --clear-groups)
  fi
  # Last, because a change of user would clear it.
  [[ $2 == yes ]] || how+=(setpriv --pdeathsig TERM)
  rm -f "$f/run/master.pid"
  "${how[@]}" dovecot -F -c "$f/dovecot.conf" >"$f/start.log" 2>&1 </dev/null &
  DOVECOT_PID=$!
  disown "$DOVECOT_PID" 2>/dev/null || true
  # Dovecot writes this file when all listeners are bound.
  until [[ -s $f/run/master.pid ]]; do
    instance_lives "$DOVECOT_PID" || return 1
    sleep 0.01
  done
}

dovecot_try() { # FOLDER CERT MAIL FSYNC STAY SETTING...
  local f=$1 cert=$2 mail=$3 fsync=$4 stay=$5 owner imap imaps tries logged
  shift 5
  owner=$(instance_owner)
  logged=$(stat -c %s "$f/dovecot.log")
  for ((tries = 0; tries < 20; tries++)); do
    imap=$((10000 + SRANDOM % 20000))
    imaps=$((imap + 1))
    [[ $cert != none ]] || imaps=0
    {
      dovecot_config "$f" "$owner" "$cert" "$mail" "$fsync" "$imap" "$imaps"
      ((!$#)) || printf '%s\n' "$@"
    } >"$f/dovecot.conf"
    if dovecot_launch "$f" "$stay"; then
      instance_stat "$DOVECOT_PID" || return 1
      printf '%s=%s\n' server dovecot imap "$imap" imaps "$imaps" ca "$f/ca.pem" mail "$mail" owner "$owner" \
        cert "$cert" pid "$DOVECOT_PID" start "${INSTANCE_STAT[2]}" \
        >"$f/instance"
      return 0
    fi
    grep -q 'Address already in use' "$f/start.log" || break
    truncate -s "$logged" "$f/dovecot.log"
  done
  instance_fail "it does not start:"
  cat "$f/start.log" >&2
  return 1
}

dovecot_start() { # FOLDER [KEY=VALUE...]
  local f option cert=good certs mail fsync=optimized stay=no settings=()
  mkdir -p "$1" && f=$(cd "$1" && pwd) || return 1
  certs=$f/certs mail=$f/mail
  shift
  for option; do
    case $option in
      cert=good | cert=expired | cert=wrong-name | cert=none) cert=${option#*=} ;;
      certs=/*) certs=${option#*=} ;;
      mail=/*) mail=${option#*=} ;;
      fsync=never | fsync=optimized | fsync=always) fsync=${option#*=} ;;
      setting=*) settings+=("${option#*=}") ;;
      stay=yes | stay=no) stay=${option#*=} ;;
      *)
        instance_fail "no such option: $option"
        return 1
        ;;
    esac
  done
  # 2.4 has other settings.
  [[ $(dovecot --version 2>&1) == 2.3.* ]] || instance_fail "Dovecot 2.3 is not here" || return 1
  ((${#f} <= DOVECOT_FOLDER_MAX)) || instance_fail "too long for sockets: $f" || return 1
  [[ ! -f $f/instance ]] || dovecot_stop "$f" || return 1
  dovecot_prepare "$f" "$cert" "$certs" "$mail" || return 1
  dovecot_try "$f" "$cert" "$mail" "$fsync" "$stay" ${settings+"${settings[@]}"}
}

# Set DOVECOT_LEFT to what is certainly ours: a process with the number and the start time of
# our master, and what is left of the session that it led.
dovecot_processes() { # FOLDER
  local pid start
  DOVECOT_LEFT=()
  pid=$(instance_info "$1" pid) && start=$(instance_info "$1" start) || return 0
  if instance_stat "$pid" 2>/dev/null && [[ ${INSTANCE_STAT[2]} != "$start" ]]; then
    return 0
  fi
  dovecot_session "$pid"
}

dovecot_stop() { # FOLDER
  local tries
  [[ -f $1/instance ]] || return 0
  dovecot_processes "$1"
  # The master alone: it tells its children, but itself and its logger stay for a second more,
  # when nobody is left who could write mail or log. These two need not be waited for.
  ((!${#DOVECOT_LEFT[@]})) || kill -TERM "$(instance_info "$1" pid)" 2>/dev/null || true
  for ((tries = 0; tries < 500; tries++)); do
    dovecot_processes "$1"
    if ((!${#DOVECOT_LEFT[@]})); then
      rm -f "$1/instance"
      return 0
    fi
    ((${#DOVECOT_LEFT[@]} > 2 && tries != 200)) || kill -KILL "${DOVECOT_LEFT[@]}" 2>/dev/null || true
    sleep 0.01
  done
  instance_fail "does not stop: processes ${DOVECOT_LEFT[*]}"
}

# Users and their mail. A user name is a folder below the mail folder.

dovecot_user_folder() { # FOLDER USER
  if [[ ! $2 =~ ^[a-z0-9_][a-z0-9@._-]*$ ]]; then
    instance_fail "odd user name: $2"
    return 1
  fi
  echo "$(instance_info "$1" mail)/$2"
}

dovecot_drop() { # FOLDER USER
  local box
  box=$(dovecot_user_folder "$1" "$2") || return 1
  rm -rf "$box" "${1:?}/home/${2:?}"
}

# A copy of a Maildir++ tree becomes all that the user has.
dovecot_load() { # FOLDER USER MAILDIR
  local box
  box=$(dovecot_user_folder "$1" "$2") || return 1
  [[ -d $3/cur ]] || instance_fail "no Maildir: $3" || return 1
  dovecot_drop "$1" "$2" || return 1
  cp -a --no-preserve=ownership --reflink=auto "$3" "$box" && instance_own "$box"
}

# What somebody wrote into the user's folder without asking becomes the server's own.
dovecot_adopt() { # FOLDER USER
  local box
  box=$(dovecot_user_folder "$1" "$2") && instance_own "$box"
}

dovecot_quota() { # FOLDER USER SIZE (1M, 20K); from the next login on
  local owner rest written
  owner=$(instance_info "$1" owner)
  rest=$(grep -sv "^$2:" "$1/users") || true
  printf '%s\n' ${rest:+"$rest"} \
    "$2::$(id -u "$owner"):$(id -g "$owner")::$1/home/$2::userdb_quota_rule=*:storage=$3" \
    >"$1/users"
  # A running Dovecot looks at the file at most once in a second of the clock.
  written=$EPOCHSECONDS
  while instance_info "$1" pid >/dev/null && ((EPOCHSECONDS == written)); do
    sleep 0.02
  done
}

dovecot_doveadm() { # FOLDER ARGUMENT...
  local f=$1
  shift
  dovecot_as_owner doveadm -c "$f/dovecot.conf" "$@"
}
