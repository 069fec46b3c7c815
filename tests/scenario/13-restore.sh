#!/bin/bash
# A restore makes another account equal: bytes, folders, flags, dates; again adds nothing.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_server
generate_mail --seed 13 --count 250 --appendable
load_mail bob
write_config bob fresh other
run 0 mailcask sync bob
dump_account bob >"$WORK/bob"

run 0 mailcask restore '*' --to fresh --dry-run
check "a rehearsal says what it would do" contains "$OUT" "nothing was changed"
head -n 1 "$OUT" | sed 's/would put/put/; s/; nothing was changed//' >"$WORK/rehearsed"
run 0 mailcask restore '*' --to fresh --dry-run --json
cp "$OUT" "$WORK/rehearsed.json"
dump_account fresh >"$WORK/fresh"
check "... and does nothing" same "$(wc -l <"$WORK/fresh")" 0
run 0 mailcask restore '*' --to fresh
check "... in the words of what was done then" \
  same "$(cat "$WORK/rehearsed")" "$(head -n 1 "$OUT")"
check "... as JSON, too" contains "$WORK/rehearsed.json" "\"put\":$(wc -l <"$WORK/bob"),"
check "all is compared" contains "$OUT" "compared: $(wc -l <"$WORK/bob") of $(wc -l <"$WORK/bob")"
dump_account fresh >"$WORK/fresh"
check "the accounts are equal" compare_mail "$WORK/bob" "$WORK/fresh"

run 0 mailcask restore '*' --to fresh
check "a second run adds nothing" contains "$OUT" "put 0 messages"
dump_account fresh >"$WORK/again"
check "... really" cmp "$WORK/fresh" "$WORK/again"

# What was restored is archived: that makes no more of it.
run 0 mailcask sync fresh
run 0 mailcask restore '*' --to fresh
check "a run after a sync adds nothing" contains "$OUT" "put 0 messages"
run 0 mailcask sync fresh
run 0 mailcask restore '*' --to fresh --map Sent=Sent
dump_account fresh >"$WORK/again"
check "... really" cmp "$WORK/fresh" "$WORK/again"
run 0 mailcask restore account:bob --to bob
check "an account is not restored into itself" contains "$OUT" "put 0 messages" \
  "own mail $(wc -l <"$WORK/bob") messages stay as they are"

# What somebody deleted comes back, whether the archive knows of it or not yet.
for synced in no yes; do
  somebody fresh <<'P'
imap.select("INBOX")
imap.uid("STORE", "1:20", "+FLAGS", "\\Deleted")
imap.expunge()
P
  dump_account fresh >"$WORK/less"
  check "some are gone" fails compare_mail "$WORK/bob" "$WORK/less"
  [[ $synced == no ]] || run 0 mailcask sync fresh
  run 0 mailcask restore '*' --to fresh
  dump_account fresh >"$WORK/again"
  check "... and come back (synced: $synced)" compare_mail "$WORK/bob" "$WORK/again"
done
somebody bob <<'P'
imap.select("INBOX")
imap.uid("STORE", "1:*", "+FLAGS", "\\Deleted")
imap.expunge()
P
run 0 mailcask restore account:bob --to bob
dump_account bob >"$WORK/again"
check "an account is made whole from its own mail" compare_mail "$WORK/bob" "$WORK/again"
run 0 mailcask sync bob

# Without the journal's memory: another archive of the same account.
sed "s|^path = .*|path = $WORK/second|" "$CONFIG" >"$WORK/config2"
"$MAILCASK" -c "$WORK/config2" sync bob >/dev/null
run 0 "$MAILCASK" -c "$WORK/config2" restore '*' --to fresh
dump_account fresh >"$WORK/again"
check "an archive that never restored there adds nothing either" \
  same "$(wc -l <"$WORK/again")" "$(wc -l <"$WORK/bob")"

run 0 mailcask restore "folder:$(shown Archive)" --to other --prefix Old \
  --map "$(shown Archive/2019)=Nineteen"
dump_account other >"$WORK/other"
check "--map and --prefix name the folders" \
  same "$(json "$WORK/other" 'o["folder"]' | sort -u | tr '\n' ' ')" "$(
    for folder in Old/"$(shown Archive/2020)" Old/"$(shown Archive/2020/Q1)" Old/Nineteen; do
      shown "$folder"
    done | sort | tr '\n' ' '
  )"

# A target that refuses: 1 MiB of quota.
cat >>"$CONFIG" <<E2

[account tiny]
url = $(url tiny)
tls-ca = $WORK/certs/ca.pem
password-file = $WORK/password
E2
run 4 mailcask restore '*' --to tiny
check "a full target is told" contains "$ERR" "quota"
set_quota tiny 1G
run 0 mailcask restore '*' --to tiny
dump_account tiny >"$WORK/tiny"
check "... and completed when there is room" compare_mail "$WORK/bob" "$WORK/tiny"

# One folder that cannot be made, even when the refusal is in two lines, is left out.
case $SERVER in
  courier) refused=('bin 🗑') ;; # it takes a line end
  cyrus) refused=('50%' $'with a\nline') ;;
  *) refused=('with a . dot' $'with a\nline') ;;
esac
sent=$(json "$WORK/bob" 'o["folder"]' | grep -cx "$(shown Sent)")
all=$(wc -l <"$WORK/bob")
for name in "${refused[@]}"; do
  run 1 mailcask restore '*' --to tiny --prefix Again --map "$(shown Sent)=$name"
  check "a folder that is refused is told" contains "$ERR" "$sent messages not restored: "
  check "... in one line" same "$(wc -l <"$ERR")" 1
  check "... and counted" contains "$OUT" "$sent were refused" \
    "compared: $((all - sent)) of $all"
done
# A prefix, and a sync after each turn: what is below it is no source.
for turn in 1 2 3; do
  run 0 mailcask restore "folder:$(shown Archive)" --to other --prefix Kept/Mail
  dump_account other >"$WORK/other.$turn"
  run 0 mailcask sync other
done
check "with a prefix nothing is there twice" cmp "$WORK/other.1" "$WORK/other.2"
check "... ever" cmp "$WORK/other.1" "$WORK/other.3"
check "... and something is there" test -s "$WORK/other.1"

run 2 mailcask restore '*' --to nobody-there
check "an unknown account is told with those there are" contains "$ERR" "fresh"
run 0 mailcask verify
