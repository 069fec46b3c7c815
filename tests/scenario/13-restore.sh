#!/bin/bash
# A restore makes another account equal: bytes, folders, flags, dates; again adds nothing.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

start_dovecot
generate_mail --seed 13 --count 250 --appendable
load_mail bob
write_config bob fresh other
run 0 mailcask sync bob
dump_account bob >"$WORK/bob"

run 0 mailcask restore '*' --to fresh --dry-run
check "a rehearsal says what it would do" contains "$OUT" "nothing was changed"
dump_account fresh >"$WORK/fresh"
check "... and does nothing" same "$(wc -l <"$WORK/fresh")" 0
run 0 mailcask restore '*' --to fresh
check "all is compared" contains "$OUT" "compared: $(wc -l <"$WORK/bob") of $(wc -l <"$WORK/bob")"
dump_account fresh >"$WORK/fresh"
check "the accounts are equal" compare_mail "$WORK/bob" "$WORK/fresh"

run 0 mailcask restore '*' --to fresh
check "a second run adds nothing" contains "$OUT" "put 0 messages"
dump_account fresh >"$WORK/again"
check "... really" cmp "$WORK/fresh" "$WORK/again"

# Without the journal's memory: another archive of the same account.
sed "s|^path = .*|path = $WORK/second|" "$CONFIG" >"$WORK/config2"
"$MAILCASK" -c "$WORK/config2" sync bob >/dev/null
run 0 "$MAILCASK" -c "$WORK/config2" restore '*' --to fresh
dump_account fresh >"$WORK/again"
check "an archive that never restored there adds nothing either" cmp "$WORK/fresh" "$WORK/again"

run 0 mailcask restore folder:Archive --to other --prefix Old --map Archive/2019=Nineteen
dump_account other >"$WORK/other"
check "--map and --prefix name the folders" \
  same "$(json "$WORK/other" 'o["folder"]' | sort -u | tr '\n' ' ')" "Old/Archive/2020 Old/Archive/2020/Q1 Old/Nineteen "

# A target that refuses: 1 MiB of quota.
cat >>"$CONFIG" <<E2

[account tiny]
url = $(url tiny)
tls-ca = $WORK/certs/ca.pem
password-file = $WORK/password
E2
run 4 mailcask restore '*' --to tiny
check "a full target is told" contains "$ERR" "quota"
dovecot_quota "$WORK/dovecot" tiny 1G
run 0 mailcask restore '*' --to tiny
dump_account tiny >"$WORK/tiny"
check "... and completed when there is room" compare_mail "$WORK/bob" "$WORK/tiny"
run 2 mailcask restore '*' --to nobody-there
check "an unknown account is told with those there are" contains "$ERR" "fresh"
run 0 mailcask verify
