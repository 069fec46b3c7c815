#!/bin/bash
# Nothing leaves the server without proof; exactly what was planned leaves it, and nothing else.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_server
generate_mail --seed 12 --count 300
load_mail bob
write_config bob
cat >>"$CONFIG" <<'E2'

[rule shield]
match  = subject:invoice
action = keep

[rule old]
match     = older:2y
action    = purge
after     = 0s
max-share = 100%
E2
dump_account bob >"$WORK/before"
run 0 mailcask sync
run 0 mailcask plan --json
json "$OUT" 'o["action"], o["id"], o["folder"], o["uid"]' | sort >"$WORK/plan"
check "the plan purges something" grep -q "'purge'" "$WORK/plan"
check "what one rule keeps is not planned by the next" \
  fails contains "$OUT" '"rule":"shield"'
run 0 mailcask plan
check "the plan tells flagged mail that stays" contains "$OUT" "it is flagged"

# Holds and fences.
run 0 mailcask hold "folder:$(shown Archive/2020)" --reason "case 1"
run 0 mailcask plan
check "held mail stays" contains "$OUT" "it is on hold"
run 0 mailcask search is:held --json
check "it can be found" contains "$OUT" "Archive/2020"
run 0 mailcask hold "folder:$(shown Archive/2020)" --release
run 0 mailcask plan
check "released mail may go" lacks "$OUT" "it is on hold"
sed 's/max-share = 100%/max-share = 25%/' "$CONFIG" >"$WORK/fenced"
run 0 "$MAILCASK" -c "$WORK/fenced" plan
check "no more than max-share of a folder goes" contains "$OUT" "max-share"
sed 's/max-share = 100%/&\nmax-count = 7/' "$CONFIG" >"$WORK/fenced"
run 0 "$MAILCASK" -c "$WORK/fenced" plan
check "no more than max-count goes" contains "$OUT" "to purge: 7 messages"

run 5 mailcask purge
check "without a terminal and --yes it refuses" contains "$ERR" "--yes"
run 0 mailcask purge --dry-run
check "a rehearsal changes nothing" contains "$OUT" "nothing was changed"
dump_account bob >"$WORK/after"
check "... on the server" cmp "$WORK/before" "$WORK/after"

# Somebody else has marked two messages as deleted, one planned and one not: neither mark may
# make more go than was planned.
foreign=$("$PYTHON" - "$WORK/before" "$WORK/plan" <<'P'
import ast, json, sys
planned = {(t[2], t[3]) for t in map(ast.literal_eval, open(sys.argv[2])) if t[0] == "purge"}
for line in open(sys.argv[1]):
    o = json.loads(line)
    if o["folder"] == "INBOX" and ("INBOX", o["uid"]) not in planned:
        print(o["uid"])
        break
P
)
somebody bob "$SERVER" "$foreign" <<'P'
imap.select("INBOX")
imap.uid("STORE", sys.argv[1], "+FLAGS", r"(\Deleted)")
P

run 0 mailcask purge --yes -v
check "the run has a name" contains "$OUT" "mailcask log P"
dump_account bob >"$WORK/after"
"$PYTHON" - "$WORK/before" "$WORK/after" "$WORK/plan" >"$WORK/result" <<'P'
import ast, json, sys
key = lambda o: (o["folder"], o["uid"])
before = {key(json.loads(l)) for l in open(sys.argv[1])}
after = {key(json.loads(l)) for l in open(sys.argv[2])}
plan = {(t[2], t[3]) for t in map(ast.literal_eval, open(sys.argv[3])) if t[0] == "purge"}
print("gone but not planned:", sorted(before - after - plan))
print("planned but still there:", sorted(plan & after))
print("new:", sorted(after - before))
P
check "exactly the planned messages are gone" \
  same "$(cat "$WORK/result")" "$(printf 'gone but not planned: []\nplanned but still there: []\nnew: []')"
archived bob purged >"$WORK/purged"
check "they are marked as purged in the archive" \
  same "$(wc -l <"$WORK/purged")" "$(grep -c "'purge'" "$WORK/plan")"
run 0 mailcask log
name=$(grep -o 'P[0-9]*' "$OUT" | head -n 1)
run 0 mailcask log "$name" --json
check "the log names every message" \
  same "$(json "$OUT" 'o["state"]' | sort | uniq -c | tr -s ' ')" " $(wc -l <"$WORK/purged") confirmed"
for id in $(json "$WORK/purged" 'o["sha256"]' | sort -u | head -n 15); do
  mailcask show "$id" --raw | sha256sum | cut -d' ' -f1
  echo "$id"
done | uniq -c >"$WORK/sums"
check "purged messages are in the archive, byte for byte" fails grep -vq '^ *2 ' "$WORK/sums"
run 0 mailcask purge --yes
check "a second purge finds nothing" contains "$OUT" "to purge: 0 messages"
mailcask search '*' --limit 0 --json -q >"$WORK/before.json"
rm "$WORK"/archive/*.db*
run 0 mailcask rebuild
mailcask search '*' --limit 0 --json -q >"$WORK/after.json"
check "a rebuilt catalogue knows what was purged" cmp "$WORK/before.json" "$WORK/after.json"

mailcask search 'is:flagged -is:gone' --json -q --limit 0 >"$WORK/flagged"
check "flagged mail is still on the server" test -s "$WORK/flagged"
