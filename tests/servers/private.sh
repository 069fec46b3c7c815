# shellcheck shell=bash
# Mail servers whose packages cannot be installed beside Dovecot's (or shall not be). To be
# sourced by the scripts of these servers; tests/servers/fetch calls private_fetch.
#
#   private_fetch NAME PACKAGE...    download and unpack the packages, and all that they depend
#                                    on and that is not installed, into build/servers/NAME. Done
#                                    once; apt decides what that is, and nothing is installed.
#   private_prepare FOLDER CERTS     the folders and the certificate of an instance
#   private_launch NAME FOLDER COMMAND...    run it, and wait until $PRIVATE_IMAP and
#                                    $PRIVATE_IMAPS (set before, by private_ports) answer
#   private_stop FOLDER              returns when its last process is gone
#   private_load FOLDER USER MAILDIR  put a Maildir++ tree into an account, by IMAP
#
# COMMAND runs as root, in namespaces of its own, where the packages lie
# over /usr, the packages' settings and FOLDER/etc over /etc (its folders can be written to, and
# replace those of the packages), and FOLDER/run is /run. It gets SIGTERM to end; with it ends every process that it has started. When the shell that called
# private_launch ends in any way, kill -9 included, all of them are killed by the kernel.
#
# Users: $PRIVATE_USERS, with the password "pass".

# shellcheck source=tests/servers/certificates.sh
. "${BASH_SOURCE[0]%/*}/certificates.sh"
# shellcheck source=tests/servers/instance.sh
. "${BASH_SOURCE[0]%/*}/instance.sh"

PRIVATE_TREE=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
PRIVATE_CACHE=${PRIVATE_CACHE:-$PRIVATE_TREE/build/servers}
# shellcheck disable=SC2034 # the servers' scripts use it
PRIVATE_USERS=$(echo bob fresh other tiny bob{0..63})

# What apt would install for them; downloaded only.
private_download() { # FOLDER PACKAGE...
  local folder=$1 try
  shift
  mkdir -p "$folder/partial"
  for try in 1 2; do
    # The lists may be missing, or too old: then once more with new ones.
    ((try == 1)) || apt-get update -qq || return 1
    if apt-get install -qq -y --no-install-recommends --download-only \
      -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o "Dir::Cache::archives=$folder" "$@"; then
      return 0
    fi
  done
  return 1
}

# Moves what was unpacked where a system with a merged /usr has it.
private_unpack() { # FOLDER ROOT
  local package part
  mkdir -p "$2/usr" "$2/etc"
  for package in "$1"/*.deb; do
    dpkg -x "$package" "$2" || return 1
  done
  for part in bin sbin lib lib64; do
    [[ ! -d $2/$part || -L $2/$part ]] || cp -a "$2/$part" "$2/usr/" || return 1
  done
}

private_fetch() { # NAME PACKAGE...
  local name=$1 part=$PRIVATE_CACHE/$1.part.$$ log=$PRIVATE_CACHE/$1.log lock
  shift
  set -- "$@" libeatmydata1
  mkdir -p "$PRIVATE_CACHE" || return 1
  exec {lock}>"$PRIVATE_CACHE/lock"
  flock "$lock"
  if [[ ! -d $PRIVATE_CACHE/$name ]]; then
    if ! { private_download "$part/packages" "$@" &&
      private_unpack "$part/packages" "$part/root"; } >"$log" 2>&1 {lock}>&-; then
      rm -rf "$part"
      exec {lock}>&-
      instance_fail "the real server $name cannot be tested here: its packages ($*) could not be" \
        "downloaded with apt-get. Is there a network, and a Debian 12 in /etc/apt? It said:" || true
      tail -n 5 "$log" >&2
      return 1
    fi
    rm -rf "$part/packages"
    mv -T "$part" "$PRIVATE_CACHE/$name"
  fi
  exec {lock}>&-
}

private_prepare() { # FOLDER CERTS
  local f=$1
  if ((EUID != 0)); then
    instance_fail "only root can start this server (it runs in a mount namespace)"
    return 1
  fi
  mkdir -p "$f"/{etc,run,mail} || return 1
  certificates_make "$2" || return 1
  install -m 644 "$2/ca.pem" "$f/ca.pem" || return 1
  install -m 644 "$2/good.pem" "$f/server.pem" || return 1
  install -m 600 "$2/good.key" "$f/server.key" || return 1
  instance_own "$f/mail" "$f/server.key"
}

private_answers() { # PORT
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Two ports below the ephemeral range that nobody listens at.
private_ports() {
  local port
  for ((;;)); do
    port=$((10000 + SRANDOM % 20000))
    private_answers $port || private_answers $((port + 1)) || break
  done
  PRIVATE_IMAP=$port PRIVATE_IMAPS=$((port + 1))
}

# The shell in the namespaces.
# shellcheck disable=SC2016
PRIVATE_INSIDE='
set -e
packages=$1 folder=$2
shift 2
mount -t proc proc /proc
mount -t overlay private -o "lowerdir=$packages/usr:/usr" /usr
mount -t overlay private -o "lowerdir=$folder/etc:$packages/etc:/etc" /etc
mount --bind "$folder/run" /run
for part in "$folder"/etc/*/; do
  [ ! -d "$part" ] || mount --bind "$part" "/etc/$(basename "$part")"
done
# Nobody pulls the plug here: no fsync.
export LD_PRELOAD=libeatmydata.so
# This shell stays the first process, because a server that changes its user or group would lose
# the signal that the kernel has for us.
"$@" &
trap "kill -TERM $!" TERM
wait || true
wait'

private_launch() { # NAME FOLDER COMMAND...
  local name=$1 f=$2 packages=$PRIVATE_CACHE/$1/root pid tries
  shift 2
  setsid setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child=KILL \
    bash -c "$PRIVATE_INSIDE" private "$packages" "$f" "$@" >>"$f/server.log" 2>&1 </dev/null &
  pid=$!
  disown "$pid" 2>/dev/null || true
  for ((tries = 0; tries < 1500; tries++)); do
    instance_lives "$pid" || break
    if private_answers "$PRIVATE_IMAP" && private_answers "$PRIVATE_IMAPS"; then
      printf '%s=%s\n' server "$name" imap "$PRIVATE_IMAP" imaps "$PRIVATE_IMAPS" \
        ca "$f/ca.pem" mail "$f/mail" owner "$(instance_owner)" pid "$pid" >"$f/instance"
      return 0
    fi
    sleep 0.02
  done
  kill -KILL "$pid" 2>/dev/null || true
  instance_fail "$name does not start:" || true
  tail -n 20 "$f/server.log" >&2
  return 1
}

private_stop() { # FOLDER
  local pid tries inside=
  pid=$(instance_info "$1" pid) || return 0
  # The first process of the namespace ends all; "unshare" waits for it.
  read -r inside _ 2>/dev/null <"/proc/$pid/task/$pid/children" || true
  [[ -z $inside ]] || kill -TERM "$inside" 2>/dev/null || true
  for ((tries = 0; tries < 500; tries++)); do
    instance_lives "$pid" || break
    ((tries != 250)) || kill -KILL "$pid" 2>/dev/null || true
    sleep 0.02
  done
  ! instance_lives "$pid" || instance_fail "does not stop: process $pid" || return 1
  rm -f "$1/instance"
}

private_load() { # FOLDER USER MAILDIR
  IMAP_PASSWORD=pass /usr/bin/python3 "$PRIVATE_TREE/tests/mail/imapload.py" \
    --port "$(instance_info "$1" imaps)" --ca "$1/ca.pem" --user "$2" "$3"
}
