#!/bin/bash
# Wrong input of every kind gets one clear sentence and the right exit status, and loses nothing.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_dovecot # its certificates, STARTTLS and plain port are settings of Dovecot
generate_mail --seed 15 --count 120
load_mail bob
write_config bob
run 0 mailcask sync
before=$(cat "$WORK"/archive/segments/* | sha256sum)

one_line() { # what the last run said on standard error
  check "... in one line" same "$(wc -l <"$ERR")" 1
}

echo wrong >"$WORK/wrong"
chmod 600 "$WORK/wrong"
sed "s|^password-file = .*|password-file = $WORK/wrong|" "$CONFIG" >"$WORK/c"
run 4 "$MAILCASK" -c "$WORK/c" sync
check "a wrong password is told" contains "$ERR" "refuses user name or password for bob"
one_line
check "the password is not" lacks "$ERR" wrong

sed "s|@127.0.0.1:|@no-such-host.invalid:|" "$CONFIG" >"$WORK/c"
run 4 "$MAILCASK" -c "$WORK/c" sync
check "an unknown host is told" contains "$ERR" "unknown host" "no-such-host.invalid"
one_line
sed "s|@127.0.0.1:[0-9]*|@127.0.0.1:1|" "$CONFIG" >"$WORK/c"
run 4 "$MAILCASK" -c "$WORK/c" sync
check "a port where nobody listens is told" contains "$ERR" "127.0.0.1 port 1"
one_line

start_dovecot expired cert=expired
sed "s|^url = .*|url = $(url bob expired)|" "$CONFIG" >"$WORK/c"
run 4 "$MAILCASK" -c "$WORK/c" sync
check "an expired certificate is told" contains "$ERR" "certificate" "expired"
one_line
start_dovecot other cert=wrong-name
sed "s|^url = .*|url = $(url bob other)|" "$CONFIG" >"$WORK/c"
run 4 "$MAILCASK" -c "$WORK/c" sync
check "a certificate for another name is told" contains "$ERR" "certificate"
one_line
sed "/^tls-ca/d" "$CONFIG" >"$WORK/c"
run 4 "$MAILCASK" -c "$WORK/c" sync
check "a certificate of an unknown authority is told" contains "$ERR" "certificate"
one_line
start_dovecot clear cert=none
sed "s|^url = .*|url = $(url bob clear imap)|" "$CONFIG" >"$WORK/c"
run 4 "$MAILCASK" -c "$WORK/c" sync
check "a server without TLS is refused" contains "$ERR" "no encryption" "clear text"
one_line
sed "s|^url = .*|url = imaps://bob@127.0.0.1:$(server imap clear)|" "$CONFIG" >"$WORK/c"
run 4 "$MAILCASK" -c "$WORK/c" sync
check "imaps to a port without TLS is told" contains "$ERR" "encrypted"
one_line
sed "s|^url = .*|url = $(url bob dovecot imap)|" "$CONFIG" >"$WORK/c"
run 0 "$MAILCASK" -c "$WORK/c" sync
check "STARTTLS works" contains "$OUT" "bob: 0 new"
pin=$(openssl x509 -in "$WORK/certs/good.pem" -pubkey -noout | openssl pkey -pubin -outform der |
  openssl dgst -sha256 -binary | base64)
sed "s|^tls-ca = .*|tls-pin = sha256//$pin|" "$CONFIG" >"$WORK/c"
run 0 "$MAILCASK" -c "$WORK/c" sync
sed "s|^tls-ca = .*|tls-pin = sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=|" "$CONFIG" >"$WORK/c"
run 4 "$MAILCASK" -c "$WORK/c" sync
check "a key that is not the pinned one is told" contains "$ERR" "pinned"
one_line

chmod 644 "$WORK/wrong"
sed "s|^password-file = .*|password-file = $WORK/wrong|" "$CONFIG" >"$WORK/c"
run 2 "$MAILCASK" -c "$WORK/c" sync
check "a password file that others can read is refused" contains "$ERR" "chmod 600"
one_line
sed "s|^password-file = .*|password-command = echo pass|" "$CONFIG" >"$WORK/c"
run 0 "$MAILCASK" -c "$WORK/c" sync
sed "s|^password-file = .*|password-command = exit 7|" "$CONFIG" >"$WORK/c"
run 2 "$MAILCASK" -c "$WORK/c" sync
check "a password command that fails is told" contains "$ERR" "status 7"
one_line
sed "s|^password-file = .*|password-env = MC_TEST_PASSWORD|" "$CONFIG" >"$WORK/c"
run 0 env MC_TEST_PASSWORD=pass "$MAILCASK" -c "$WORK/c" sync
run 2 "$MAILCASK" -c "$WORK/c" sync
one_line

# Settings.
sed "s|^password-file = .*|pasword-file = x|" "$CONFIG" >"$WORK/c"
run 2 "$MAILCASK" -c "$WORK/c" sync
check "an unknown key: file, line, suggestion" contains "$ERR" "$WORK/c:7" '"password-file"'
one_line
run 2 "$MAILCASK" -c "$WORK/none" sync
check "no settings: what to do" contains "$ERR" "mailcask init"
one_line
cp "$CONFIG" "$WORK/c"
printf '\n[rule r]\nmatch = fron:anna\naction = purge\n' >>"$WORK/c"
run 2 "$MAILCASK" -c "$WORK/c" plan
check "a wrong query in a rule: file and line" contains "$ERR" "$WORK/c:9" "[rule r]"
one_line

# The command line.
run 2 mailcask snyc
check "an unknown command gets a suggestion" contains "$ERR" '"sync"'
run 2 mailcask sync nobody
check "an unknown account: those there are" contains "$ERR" '"nobody"' "bob"
run 2 mailcask search
run 2 mailcask search --limit many invoice
run 2 mailcask search --frobnicate invoice
run 1 mailcask show 0123456789abcdef
check "an unknown message is told" contains "$ERR" "no message"
run 2 mailcask rebuild everything
for command in init sync run status search show attachments plan purge hold audit log restore \
  export verify rebuild; do
  run 0 mailcask "$command" --help
  check "... in 80 columns" test -z "$(awk 'length > 80' "$OUT")"
  check "... fits 80 columns" fails grep -qE '.{81}' "$OUT"
  check "... has an example" contains "$OUT" "Example:" "mailcask $command"
done

# The archive.
mkdir "$WORK/full" && touch "$WORK/full/somebody's file"
run 2 "$MAILCASK" search invoice --archive "$WORK/full"
check "a folder that is no archive is left alone" contains "$ERR" "no archive"
run 2 "$MAILCASK" search invoice --archive "$WORK/nothing"
check "... and none is made for a question" test ! -e "$WORK/nothing"
exec 9>"$WORK/archive/lock"
flock 9
run 5 mailcask sync
check "a second writer is refused" contains "$ERR" "another mailcask"
one_line
run 0 mailcask search invoice
exec 9>&-
if ((EUID != 0)); then
  chmod 000 "$WORK/archive/segments"
  run 1 mailcask sync
  check "an archive that cannot be read is told" contains "$ERR" "segments"
  chmod 700 "$WORK/archive/segments"
fi
mv "$WORK/archive/segments/000001.tar.zst" "$WORK/segment"
run 3 mailcask sync
check "a missing segment is told" contains "$ERR" "segment 1 is missing"
mv "$WORK/segment" "$WORK/archive/segments/000001.tar.zst"
check "after all this the archive is as it was" \
  same "$(cat "$WORK"/archive/segments/* | sha256sum)" "$before"
run 0 mailcask verify

# Damage: which messages, which segment, what to do.
run 0 mailcask hold from:nobody-at-all-has-this-name
check "a hold of nothing says so" contains "$OUT" "nothing"
dd if=/dev/urandom of="$WORK/archive/segments/000001.tar.zst" bs=1 seek=20000 count=3000 \
  conv=notrunc 2>/dev/null
run 3 mailcask verify
check "verify names the messages" grep -qE '^  [0-9a-f]{10} [0-9]{4}-' "$OUT"
check "... the segment once for each kind of fault" \
  same "$(grep -c '^segment 1' "$OUT")" "$(grep '^segment 1' "$OUT" | sort -u | wc -l)"
check "... and what to do" contains "$OUT" "What to do"
check "... and fits 80 columns" fails grep -qE '.{81}' "$OUT"
