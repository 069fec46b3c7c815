#!/bin/bash
# verify finds what is wrong in segments, journal, catalogue and index, says which messages it
# costs, and a sample of it says what it left out.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

begin() { # the archive as it was
  rm -rf "$WORK/archive"
  cp -r "$WORK/kept" "$WORK/archive"
}

# Change one byte of FILE.
flip() { # FILE OFFSET
  "$PYTHON" - "$@" <<'P'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    byte = file.read(1)[0] ^ 1
    file.seek(int(sys.argv[2]))
    file.write(bytes([byte]))
P
}

sql() { # DATABASE STATEMENT
  "$PYTHON" - "$@" <<'P'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as database:
    for row in database.execute(sys.argv[2]):
        print(*row)
P
}

summary() { # KEY: of the last line of $OUT, JSON
  tail -n 1 "$OUT" >"$WORK/summary"
  json "$WORK/summary" "o$1"
}

start_dovecot # about the archive, not the server
generate_mail --seed 22 --count 400
load_mail bob
write_config bob
sed -i '/^path/a segment-size = 1M' "$CONFIG"
run 0 mailcask sync
cp -r "$WORK/archive" "$WORK/kept"
count=$(sql "$WORK/archive/catalog.db" "SELECT count(*) FROM message")

# All of it, some of it, none of it.
run 0 mailcask verify
check "all is well" contains "$OUT" "all is well" "$count of $count messages" "MB/s"
check "no bar where there is no terminal" lacks "$ERR" "verifying"
run 0 mailcask verify --json
check "one line" same "$(wc -l <"$OUT")" 1
check "proven: all" same "$(summary '["proven"], o["messages"], o["faults"]')" "($count, $count, 0)"
check "all bytes" same "$(summary '["proven_bytes"] == o["bytes"] > 0')" True
check "segments" same "$(summary '["segments"]')" "$(find "$WORK/archive/segments" -type f | wc -l)"
check "segment bytes" same "$(summary '["segment_bytes"]')" \
  "$(cat "$WORK"/archive/segments/* | wc -c)"
check "kinds" same "$(summary '["faults_by_kind"]')" \
  "{'segment': 0, 'journal': 0, 'message': 0, 'catalog': 0, 'index': 0}"
check "how long" same "$(summary '["seconds"] >= 0 and o["bytes_per_second"] > 0')" True
run 0 mailcask verify --quick
check "quick says what it left out" contains "$OUT" "structure and journal only" "all is well"
run 0 mailcask verify --sample 20%
check "a sample says how much" contains "$OUT" " of $count messages" "all is well"
run 0 mailcask verify --sample 20 --json
check "less than all" same "$(summary '["proven"] < o["messages"] and o["proven"] > 0')" True
run 0 mailcask verify --sample 100%
check "a sample of all" contains "$OUT" "$count of $count messages"
for wrong in 0 0% 101 101% -5 5%% % 1.5 five ''; do
  run 2 mailcask verify "--sample=$wrong"
  check "... says what it may be" contains "$ERR" "1% to 100%"
  check "... in one line" same "$(wc -l <"$ERR")" 1
done
run 2 mailcask verify --quick --sample 5%
check "one or the other" contains "$ERR" "--quick and --sample"

# Any flipped byte of data is found, the messages are named; the same each time.
bytes=$(stat -c %s "$WORK/archive/segments/000001.tar.zst")
for part in 1 3 5 7; do
  begin
  flip "$WORK/archive/segments/000001.tar.zst" $((bytes * part / 8))
  run 3 mailcask verify --json
  check "it is a fault of segment 1" same "$(json "$OUT" 'o.get("segment", 1)' | sort -u)" 1
  check "each message with its id" same \
    "$(json "$OUT" '"id" in o if o.get("kind") == "message" else True' | sort -u)" True
  check "the sum is right" same \
    "$(summary '["faults"] == sum(o["faults_by_kind"].values()) > 0')" True
  check "proven or bad" same \
    "$(summary '["proven"] + o["faults_by_kind"]["message"]')" "$count"
done

begin
frame=$(sql "$WORK/archive/catalog.db" "SELECT frame FROM message WHERE segment = 1 AND n = 5")
flip "$WORK/archive/segments/000001.tar.zst" $((frame + 1000))
in_frame=$(sql "$WORK/archive/catalog.db" \
  "SELECT count(*) FROM message WHERE segment = 1 AND frame = $frame")
run 3 mailcask verify
check "these messages and no others" contains "$OUT" "segment 1: " \
  "$in_frame messages cannot be given back" "$((count - in_frame)) of $count messages" \
  "attachments: $((in_frame + 1)) faults" "  1 in the segments" \
  "  $in_frame damaged messages" "What to do"
status=0
mailcask rebuild index >"$OUT" 2>"$ERR" || status=$?
check "what is not indexed is told in few lines" test "$(grep -c "is not indexed" "$ERR")" -eq 5
check "... and counted" contains "$ERR" "$((in_frame - 5)) more messages are not indexed"
run 3 mailcask verify --json
check "offset and kind" same \
  "$(json "$OUT" 'o["kind"], o["offset"]' 2>/dev/null | sort -u | head -n 1)" \
  "('message', $frame)"
found=0
for _ in $(seq 200); do
  status=0
  mailcask verify --sample 1% -q >"$OUT" 2>"$ERR" || status=$?
  ((status == 0)) || { found=$status && break; }
done
check "samples come by it" same "$found" 3

# The catalogue against the journal.
begin
sql "$WORK/archive/catalog.db" "UPDATE message SET subject = 'x' WHERE n = 7"
run 3 mailcask verify --json
check "a row that differs" same "$(summary '["faults_by_kind"]["catalog"]')" 1
check "is named" contains "$OUT" "table message" "mailcask rebuild"
run 3 mailcask verify --quick
check "quick finds it, too" contains "$OUT" "in catalog.db"
run 0 mailcask rebuild catalog
run 0 mailcask verify

# The index against the catalogue: the mail is safe, and the words say so.
index_fault() { # STATEMENT WORDS
  begin
  sql "$WORK/archive/index.db" "$1"
  run 3 mailcask verify
  check "$2" contains "$OUT" "$2" "run mailcask rebuild index" "no mail is in danger" \
    "in the search index" "$count of $count messages"
  run 3 mailcask verify --json
  check "of its own kind" same "$(summary '["faults_by_kind"]["index"], o["faults"]')" "(1, 1)"
  run 0 mailcask verify --quick
  run 0 mailcask rebuild index
  run 0 mailcask verify
}
index_fault "DELETE FROM doc WHERE n = 3" "lacks messages"
index_fault "UPDATE doc SET n = 100000 WHERE n = 3" "that the catalogue has not"
index_fault "UPDATE state SET indexed = indexed + 7" "made with another catalogue"
index_fault "UPDATE doc SET id = id + (5 << 29) WHERE n = 3" "under a wrong date"
index_fault "DELETE FROM fts_docsize WHERE id = (SELECT max(id) FROM doc)" "other texts"
begin
"$PYTHON" - "$WORK/archive/index.db" <<'P'
import sys
with open(sys.argv[1], "r+b") as file:
    pages = file.seek(0, 2) // 4096
    for page in range(pages // 2, pages // 2 + 3):
        file.seek(page * 4096)
        file.write(b"\xa5" * 4096)
P
run 3 mailcask verify
check "a damaged page" contains "$OUT" "search index is damaged" "no mail is in danger"
run 0 mailcask rebuild index
run 0 mailcask verify

# Stopped: at once, without a word of faults, and nothing is left behind.
begin
status=0
timeout -s INT 0.05 "$MAILCASK" -c "$CONFIG" verify >"$OUT" 2>"$ERR" || status=$?
check "it says nothing of faults" lacks "$OUT" "fault"
check "nothing is left behind" same "$(find "$WORK/archive" -name 'verify-*')" ""
run 0 mailcask verify
