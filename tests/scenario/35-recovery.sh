#!/bin/bash
# Disks that lie: what is damaged is told, everything else stays in reach, and the next sync brings
# back what the server still has. Archives that cannot be written to can be read.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_dovecot # about the archive, not the server
generate_mail --seed 35 --count 120
load_mail bob
write_config bob
sed -i "s|^path = .*|&\nsegment-size = 256K\nbatch-size = 64K|" "$CONFIG"
sed -i "s|^tls-ca|connections = 1\n&|" "$CONFIG" # so that each message is where it always is
dump_account bob >"$WORK/server"
run 0 mailcask sync
cp -a "$WORK/archive" "$WORK/whole"

begin() {
  rm -rf "$WORK/archive"
  cp -a "$WORK/whole" "$WORK/archive"
}

# What can be done to a segment: a bit in the journal or in the first data of its batch NUMBER,
# or its end cut off behind it.
harm() { # FILE log|data|cut NUMBER
  "$PYTHON" - "$@" <<'P'
import sys
path, what, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
data = bytearray(open(path, "rb").read())
marks, at = [], data.find(b"mailcask log\r\n\x1a\0")
while at >= 0:
    marks.append(at - 8)
    at = data.find(b"mailcask log\r\n\x1a\0", at + 1)
if what == "log":
    data[marks[number] + 32 + 200] ^= 1
elif what == "data":
    data[(marks[number - 1] + 2000 if number else 0) + 100] ^= 1
else:
    del data[marks[number] + 40:]
open(path, "wb").write(data)
P
}

archive_is_complete() {
  archived >"$WORK/archived"
  compare_mail "$WORK/archived" "$WORK/server"
}

# Stored bytes that are wrong: verify notes them down, sync fetches those messages again.
harm "$WORK/archive/segments/000001.tar.zst" data 0
run 3 mailcask verify
check "messages are bad" contains "$OUT" "cannot be given back"
run 0 mailcask sync
run 3 mailcask verify # the old copy is still there
check "no message is bad any more" lacks "$OUT" "cannot be given back"
check "the archive is complete" archive_is_complete
run 0 mailcask sync
check "fetched once" contains "$OUT" "bob: 0 new"

# A sector that the disk does not give any more is damage like any other.
bad() { # COMMAND...
  LD_PRELOAD=${BADSECTOR_SO:-$ROOT/build/plain/tests/crash/badsector.so} \
    BADSECTOR=$WORK/archive/segments/000002.tar.zst:20480:24576 \
    "$MAILCASK" -c "$CONFIG" "$@"
}
begin
run 3 bad verify
check "a bad sector costs some messages" contains "$OUT" "cannot be given back"
lost=$(sed -n 's/^ *\([0-9]*\) messages\{0,1\} cannot be given back.*/\1/p' "$OUT")
check "... and not all" contains "$OUT" "$((118 - lost)) of 118 messages"
run 3 bad verify --json
check "... and they are named" contains "$OUT" '"kind":"message"'
mkdir "$WORK/export"
run 1 bad export '*' -o "$WORK/export" --format eml
count=$(find "$WORK/export" -name '*.eml' | wc -l)
check "everything else is exported" test "$count" -ge $((120 - 2 * lost)) -a "$count" -lt 120
rm -rf "$WORK/export"
run 0 bad rebuild catalog
run 0 bad sync
check "what the server has comes again" archive_is_complete
run 0 mailcask verify

# Something else under the name of a segment: nobody waits for it.
begin
mv "$WORK/archive/segments/000002.tar.zst" "$WORK/kept.tar.zst"
mkfifo "$WORK/archive/segments/000002.tar.zst"
run 3 timeout 20 "$MAILCASK" -c "$CONFIG" verify
check "a FIFO is told" contains "$ERR" "is no ordinary file"
run 3 timeout 20 "$MAILCASK" -c "$CONFIG" rebuild
rm "$WORK/archive/segments/000002.tar.zst"
: >"$WORK/archive/segments/000002.tar.zst"
run 0 mailcask rebuild
run 0 mailcask sync
check "an empty one costs what was in it, and the server gives it again" archive_is_complete

# A journal that cannot be read, and no catalogue.
begin
rm "$WORK"/archive/catalog.db* "$WORK"/archive/index.db*
harm "$WORK/archive/segments/000001.tar.zst" log 1
run 0 mailcask status
check "what is lost is told" contains "$ERR" "segment 1, offset" "is lost" "salvaged"
run 0 mailcask sync
check "the next sync brings all of it" archive_is_complete
run 3 mailcask verify
check "no message is bad" lacks "$OUT" "cannot be given back"
run 0 mailcask rebuild
check "and so it stays" archive_is_complete
run 0 mailcask sync
check "... without anything new" contains "$OUT" "bob: 0 new"

# A segment whose end was cut off, under a catalogue that knows it.
for segment in 000001 000002; do
  begin
  last=$(cd "$WORK/archive/segments" && ls | tail -n 1)
  file=$segment.tar.zst
  [[ $segment == 000001 ]] || file=$last
  harm "$WORK/archive/segments/$file" cut 0
  if [[ $file == "$last" ]]; then
    run 3 mailcask sync
    check "the cure is named" contains "$ERR" "run mailcask rebuild"
  fi
  run 0 mailcask rebuild
  check "what is lost is told" contains "$ERR" "segment " "lost" "catalog.db.old"
  run 0 mailcask sync
  check "the next sync brings all of it ($file)" archive_is_complete
done

# The databases.
begin
"$PYTHON" - "$WORK/archive/catalog.db" <<'P'
import sys
with open(sys.argv[1], "r+b") as file:
    size = file.seek(0, 2)
    for page in range(3, size // 4096):
        file.seek(page * 4096)
        file.write(b"\xa5" * 4096)
P
mailcask sync >"$OUT" 2>"$ERR" || true
check "it is told and cured" contains "$ERR" "catalog.db" "damaged" "from the segments"
run 0 mailcask sync
check "nothing is missing" archive_is_complete
run 0 mailcask verify
begin
"$PYTHON" - "$WORK/archive/index.db" <<'P'
import sys
with open(sys.argv[1], "r+b") as file:
    size = file.seek(0, 2)
    for page in range(2, size // 4096):
        file.seek(page * 4096)
        file.write(b"\xa5" * 4096)
P
run 3 mailcask search subject
check "the file and the cure are named" contains "$ERR" "index.db is damaged" "mailcask rebuild"
run 0 mailcask rebuild index
run 0 mailcask verify

# Two archives, one folder for their databases.
begin
sed -e "s|^path = .*|path = $WORK/second\ndatabases = $WORK/shared|" "$CONFIG" >"$WORK/second.config"
sed -e "s|^path = .*|&\ndatabases = $WORK/shared|" "$CONFIG" >"$WORK/first.config"
load_mail carol "$MAIL"
sed -i -e "s|bob|carol|g" "$WORK/second.config"
run 0 "$MAILCASK" -c "$WORK/first.config" sync
"$MAILCASK" -c "$WORK/second.config" rebuild >"$OUT" 2>"$ERR" || true
run 0 "$MAILCASK" -c "$WORK/second.config" sync
for turn in first second; do
  run 0 "$MAILCASK" -c "$WORK/$turn.config" status
  check "it is told" contains "$ERR" "another archive"
  run 0 "$MAILCASK" -c "$WORK/$turn.config" rebuild
  run 0 "$MAILCASK" -c "$WORK/$turn.config" verify
done

# An old copy beside a segment that was written anew, and no catalogue: nothing may be dropped.
begin
old=$(basename "$(find "$WORK/archive/segments" -name '*.tar.zst' | sort | tail -n 1)")
cp "$WORK/archive/segments/$old" "$WORK/old.copy"
"$PYTHON" - "$(server imaps)" "$WORK/certs/ca.pem" <<'P'
import imaplib, ssl, sys
client = imaplib.IMAP4_SSL("localhost", int(sys.argv[1]),
                           ssl_context=ssl.create_default_context(cafile=sys.argv[2]))
client.login("bob", "pass")
for n in range(9):
    client.append("INBOX", None, None, b"Subject: late %d\r\n\r\n%s\r\n" % (n, b"text %d " % n * 400))
P
run 0 mailcask sync
dump_account bob >"$WORK/later"
run 0 mailcask compact --best
cp "$WORK/old.copy" "$WORK/archive/segments/$old"
rm "$WORK"/archive/*.db*
run 0 mailcask compact --best
check "no message is dropped" lacks "$OUT" "without"
archived >"$WORK/archived"
check "the archive is complete" compare_mail "$WORK/archived" "$WORK/later"
run 0 mailcask verify

# An archive that cannot be written to.
begin
run 0 mailcask search subject
mailcask search '*' --limit 0 --no-snippet --json -q >"$WORK/found"
id=$(json "$WORK/found" 'o["id"]' | sed -n 1p)
chmod -R a-w,a+rX "$WORK/archive"
chmod a+rx "$WORK" "$HOME"
chmod a+r "$CONFIG" "$WORK/password" "$WORK/certs/ca.pem"
mkdir -m 777 "$WORK/export" "$WORK/tmp"
reader=()
((EUID)) || reader=(setpriv --reuid=65534 --regid=65534 --clear-groups)
frozen() {
  TMPDIR=$WORK/tmp "${reader[@]}" "$MAILCASK" -c "$CONFIG" "$@"
}
chmod a+x "$MAILCASK"
for command in "search subject" "show $id --raw" status log verify; do
  # shellcheck disable=SC2086
  run 0 frozen $command
done
run 0 frozen export -o "$WORK/export" '*'
check "all of it can be exported" \
  same "$(find "$WORK/export" -name '*.eml' | wc -l)" "$(wc -l <"$WORK/server")"
check "nothing is left behind" same "$(ls -A "$WORK/tmp")" ""
run 1 frozen sync
chmod -R u+w "$WORK/archive"
