# shellcheck shell=bash
# A private authority and server certificates for tests. To be sourced.
#
#   certificates_make FOLDER
#
# leaves in FOLDER, all with keys (mode 0600) of their own and without passphrases:
#   ca.pem                   the authority; the tests' clients trust it and nothing else
#   good.pem, .key           localhost, 127.0.0.1, 127.0.0.2, ::1; valid now
#   expired.pem, .key        the same names; ended in 2021
#   wrong-name.pem, .key     valid now, but for elsewhere.example
# A folder that holds them already is left as it is.

certificates_config() { # FOLDER: what "openssl ca" wants to be told
  cat <<END
[ca]
default_ca = here
[here]
database = $1/index.txt
rand_serial = yes
new_certs_dir = $1
certificate = $1/ca.pem
private_key = $1/ca.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[good]
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:127.0.0.2, IP:::1
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[wrong-name]
subjectAltName = DNS:elsewhere.example
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
}

certificates_one() { # FOLDER NAME SECTION FIRST LAST
  local f=$1 name=$2
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
    -config /dev/null -keyout "$f/$name.key" -out "$f/$name.csr"
  openssl ca -batch -notext -config "$f/ca.conf" -extensions "$3" -startdate "$4" -enddate "$5" \
    -in "$f/$name.csr" -out "$f/$name.pem"
}

certificates_all() { # FOLDER
  local f=$1
  certificates_config "$f" >"$f/ca.conf"
  : >"$f/index.txt"
  # -config /dev/null: nothing of the machine's own openssl.cnf
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -config /dev/null -subj '/CN=mailcask test authority' \
    -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
    -addext 'subjectKeyIdentifier=hash' -keyout "$f/ca.key" -out "$f/ca.pem"
  certificates_one "$f" good good 20200101000000Z 20491231000000Z
  certificates_one "$f" expired good 20200101000000Z 20210101000000Z
  certificates_one "$f" wrong-name wrong-name 20200101000000Z 20491231000000Z
}

certificates_make() { # FOLDER
  local f=$1 part
  [[ ! -f $f/ca.pem ]] || return 0
  # Made aside and moved into place whole: two scenarios may share the folder.
  part=$(mktemp -d "$f.XXXXXX") || return 1
  if ! (set -e && certificates_all "$part") >"$part/openssl.log" 2>&1; then
    echo "certificates: openssl failed:" >&2
    cat "$part/openssl.log" >&2
    rm -rf "$part"
    return 1
  fi
  chmod 755 "$part"
  rm -f "$part"/*.csr "$part"/index.txt* "$part"/[0-9A-F]*.pem "$part"/ca.conf
  mv -T "$part" "$f" 2>/dev/null || { rm -rf "$part" && [[ -f $f/ca.pem ]]; }
}
