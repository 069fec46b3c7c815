#!/bin/bash
# Neither a message nor the mailbox decides how much memory is needed: a message of 160 MB goes
# in, is proved, shown and exported within what a small one takes, and a little.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

MOST_MIB=64

# So many KiB at most. The command's own output goes to a file.
peak_kib() { # OUTPUT ARGUMENT...
  "$PYTHON" - "$MAILCASK" -c "$CONFIG" "${@:2}" >"$1" 2>"$ERR" <<'P'
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(done.returncode)
P
  tail -n 1 "$ERR"
}

stays_flat() { # NAME OUTPUT ARGUMENT...
  local kib
  kib=$(peak_kib "${@:2}") || { indented "$ERR" && kib=; }
  check "$1 takes ${kib:-no} KiB, at most $MOST_MIB MiB" \
    test "${kib:-999999999}" -le $((MOST_MIB * 1024))
}

start_dovecot # load_mail is fast enough for such mail only there
mkdir -p "$MAIL"/{cur,new,tmp}
"$PYTHON" - "$MAIL/cur/1.large:2,S" <<'P'
import base64, random, sys
source = random.Random(21)
with open(sys.argv[1], "wb") as out:
    out.write(b"From: a@example.org\r\nSubject: large\r\nMessage-ID: <large@example.org>\r\n"
              b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
              b"--b\r\nContent-Type: text/plain\r\n\r\n")
    line = b"a line of a text that has no end and says little else than that\r\n"
    for _ in range(40):
        out.write(line * (1 << 14))
    for part in range(2):
        out.write(b"--b\r\nContent-Type: application/octet-stream; name=x\r\n"
                  b"Content-Transfer-Encoding: base64\r\n\r\n")
        for _ in range(43):
            data = base64.b64encode(source.randbytes(57 * 19000))
            out.write(b"".join(data[i:i + 76] + b"\r\n" for i in range(0, len(data), 76)))
    out.write(b"--b--\r\n")
P
sum=$(sha256sum <"$MAIL/cur/1.large:2,S" | cut -d' ' -f1)
load_mail bob
write_config bob carol
stays_flat "a sync" "$OUT" sync bob --no-index
stays_flat "the index" "$OUT" rebuild index
stays_flat "verify" "$OUT" verify
stays_flat "show" "$WORK/shown" show "$sum" --raw
check "byte for byte" same "$(sha256sum <"$WORK/shown" | cut -d' ' -f1)" "$sum"
stays_flat "export" "$OUT" export '*' -f mbox -o "$WORK/mbox"
stays_flat "restore" "$OUT" restore '*' --to carol
dump_account carol >"$WORK/carol"
check "and restored as it was" grep -q "$sum" "$WORK/carol"
