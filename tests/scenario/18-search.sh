#!/bin/bash
# Every operator of the query language finds exactly what it must, in mail of many languages.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_dovecot # about the index, not the server
generate_mail --seed 18 --count 400
load_mail bob
write_config bob
run 0 mailcask sync

run 0 "$PYTHON" "$ROOT/tests/mail/search_check.py" "$MANIFEST" "$MAILCASK" "$CONFIG"
cat "$OUT"
check "all operators and words were tried" grep -qE '^[1-9][0-9]{2} queries, 0 wrong' "$OUT"

# Newest first, counted, cut.
run 0 mailcask search '*' --json --limit 0 --no-snippet
json "$OUT" 'o["date"]' >"$WORK/dates"
check "newest first" cmp "$WORK/dates" <(sort -r "$WORK/dates")
run 0 mailcask search garden --json --limit 0 --no-snippet
json "$OUT" 'o["date"]' >"$WORK/dates"
check "newest first, for words too" cmp "$WORK/dates" <(sort -r "$WORK/dates")
run 0 mailcask search garden --count
check "--count counts" same "$(cat "$OUT")" "$(wc -l <"$WORK/dates")"
run 0 mailcask search garden --json --limit 3 --offset 2 --no-snippet
check "--limit and --offset" same "$(json "$OUT" 'o["date"]')" "$(sed -n 3,5p "$WORK/dates")"
run 0 mailcask search garden --sort rank --json --limit 5
check "by rank there are as many" same "$(wc -l <"$OUT")" 5
run 0 mailcask search garden --limit 3
check "a snippet shows the word" grep -qi garden "$OUT"
check "lines fit a terminal" fails grep -qE '.{81}' "$OUT"

# Wrong queries: one clear sentence, the place, exit status 2.
for query in 'from:' '(a' 'a)' '"a' 'is:nothing' 'before:yesteryear' 'larger:big' 'fron:anna' \
  'a OR' 'older:2019'; do
  run 2 mailcask search "$query"
  check "... in one line" same "$(wc -l <"$ERR")" 1
done
check "an unknown operator gets a suggestion" grep -q 'from' <(mailcask search fron:anna 2>&1)
# Text that would be syntax to SQL or FTS5.
for query in "a' OR 1=1 --" 'foo@bar.com' 'a*b' '^x' 'NEAR(a b)' 'a"b' '; DROP TABLE fts' \
  '{a b} : c' '日本語' '10:30' 'http://example.com/x?y=z'; do
  status=0
  mailcask search "$query" >"$OUT" 2>"$ERR" || status=$?
  check "harmless: $query" test "$status" = 0 -o "$status" = 2 -a "$(wc -l <"$ERR")" = 1
done

# Words as they are; a minus denies; what is no option is named.
run 0 mailcask search garden --count
all=$(cat "$OUT")
run 0 mailcask search garden -from:anna --count
check "a minus behind the first word denies" test "$(cat "$OUT")" -le "$all"
run 0 mailcask search --count -- -garden
run 2 mailcask search -garden
check "in front it is an option, and named" contains "$ERR" "unknown option -garden" "-- -garden"
run 0 mailcask search --explain from:anna -draft
check "--explain: the query in brackets" grep -qxF '(from:anna AND (NOT draft))' "$OUT"
check "... and each term" contains "$OUT" 'in From: "anna"' 'anywhere: "draft"'
run 0 mailcask search --explain from:anna -draft --json
check "... in JSON" same "$(json "$OUT" 'o["query"]')" '(from:anna AND (NOT draft))'
run 2 mailcask search --explain tea fron:anna
check "... and where a wrong one is wrong" grep -qx '      ^' "$ERR"

# Without an index one is made.
rm "$WORK"/archive/index.db*
run 0 mailcask search garden --count
check "a missing index is made again" same "$(cat "$OUT")" "$all"
check "... and told" contains "$ERR" "search index"
rm "$WORK"/archive/index.db*
exec 9>"$WORK/archive/lock"
flock 9
run 5 mailcask search garden --count
check "... unless the archive is taken" contains "$ERR" "none can be made now"
exec 9>&-
run 0 mailcask search garden --count

# Somebody who reads no further.
(mailcask search '*' --limit 0 --no-snippet 2>"$ERR" || echo "status $?" >>"$ERR") | head -n 1 >"$OUT"
check "head: nothing to complain of" same "$(cat "$ERR")" ""

# One message.
id=$(mailcask search garden --json --limit 1 --no-snippet | "$PYTHON" -c 'import json, sys
print(json.loads(sys.stdin.readline())["id"])')
run 0 mailcask show "$id" --text --json
check "show --text --json" same "$(json "$OUT" 'sorted(o)')" "['id', 'text']"
run 0 mailcask show "$id" --headers --json
check "show --headers --json" grep -q '"name":"Subject"' "$OUT"
run 2 mailcask show "${id:0:3}"
check "three digits: how many are needed" contains "$ERR" "at least 4 digits"
