/* Owns:  the tables of catalog.db.
 * Knows: why each index is there.
 * Never: holds a fact that is not in the journal. */
#include "archiver/catalog/catalog_private.h"

const char catalog_schema[] =
    /* up to where the journal has been applied: one row */
    "CREATE TABLE position("
    "  one INTEGER PRIMARY KEY CHECK(one = 1),"
    "  schema INTEGER NOT NULL, segment INTEGER NOT NULL, at INTEGER NOT NULL,"
    "  batch INTEGER NOT NULL, sum BLOB NOT NULL,"
    "  lost INTEGER NOT NULL DEFAULT 0," /* batches before it that could not be read */
    "  archive BLOB);"                   /* sum of the first commit: which archive it is */

    /* segments that compact has written anew: which of their files the places are of */
    "CREATE TABLE rewritten(segment INTEGER PRIMARY KEY, generation INTEGER NOT NULL);"

    /* each message once; n follows the journal; date is the INTERNALDATE of its first place */
    "CREATE TABLE message("
    "  n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
    "  size INTEGER NOT NULL, stored INTEGER NOT NULL,"
    "  segment INTEGER NOT NULL, frame INTEGER NOT NULL, entry INTEGER NOT NULL,"
    "  date INTEGER, sent INTEGER, archived INTEGER NOT NULL,"
    "  msgid TEXT, sender TEXT, recipient TEXT, copy TEXT, subject TEXT,"
    /* 1: the stored copy could not be proven; 2: salvaged, its mail event is lost */
    "  doubt INTEGER NOT NULL DEFAULT 0,"
    "  expired INTEGER);" /* when; then segment is 0 and nothing is known of what it said */

    /* detached runs of base64 */
    "CREATE TABLE part("
    "  message INTEGER NOT NULL, at INTEGER NOT NULL, blob BLOB NOT NULL,"
    "  size INTEGER NOT NULL, line INTEGER NOT NULL, crlf INTEGER NOT NULL,"
    "  PRIMARY KEY(message, at)) WITHOUT ROWID;"
    "CREATE TABLE blob("
    "  id BLOB PRIMARY KEY, size INTEGER NOT NULL,"
    "  segment INTEGER NOT NULL, frame INTEGER NOT NULL, entry INTEGER NOT NULL) WITHOUT ROWID;"

    "CREATE TABLE account(number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    /* name: the server's bytes, the key; shown: UTF-8 with / between levels */
    "CREATE TABLE folder("
    "  number INTEGER PRIMARY KEY, account INTEGER NOT NULL, name BLOB NOT NULL,"
    "  shown TEXT NOT NULL, delimiter TEXT, attributes TEXT, gone INTEGER NOT NULL DEFAULT 0,"
    "  uidvalidity INTEGER NOT NULL DEFAULT 0, uidnext INTEGER NOT NULL DEFAULT 0,"
    "  modseq INTEGER NOT NULL DEFAULT 0, messages INTEGER NOT NULL DEFAULT 0,"
    "  listed INTEGER NOT NULL DEFAULT 0, UNIQUE(account, name));"

    /* a message at a place; state: enum place_state; bits: flags for fast questions */
    "CREATE TABLE place("
    "  number INTEGER PRIMARY KEY, folder INTEGER NOT NULL, uidvalidity INTEGER NOT NULL,"
    "  uid INTEGER NOT NULL, message INTEGER NOT NULL, flags TEXT NOT NULL,"
    "  bits INTEGER NOT NULL, date INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,"
    "  since INTEGER NOT NULL, UNIQUE(folder, uidvalidity, uid));"

    "CREATE TABLE skipped("
    "  folder INTEGER NOT NULL, uidvalidity INTEGER NOT NULL, uid INTEGER NOT NULL,"
    "  reason TEXT NOT NULL, since INTEGER NOT NULL,"
    "  PRIMARY KEY(folder, uidvalidity, uid)) WITHOUT ROWID;"
    "CREATE TABLE hold(message INTEGER PRIMARY KEY, since INTEGER NOT NULL, reason TEXT);"
    "CREATE TABLE sync("
    "  number INTEGER PRIMARY KEY, account INTEGER NOT NULL, time INTEGER NOT NULL,"
    "  messages INTEGER NOT NULL, bytes INTEGER NOT NULL, reason TEXT);"
    "CREATE TABLE audit("
    "  folder INTEGER PRIMARY KEY, time INTEGER NOT NULL, uidvalidity INTEGER NOT NULL,"
    "  server INTEGER NOT NULL, archived INTEGER NOT NULL, exceptions INTEGER NOT NULL,"
    "  missing INTEGER NOT NULL);"

    "CREATE TABLE run("
    "  number INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, type TEXT NOT NULL,"
    "  account INTEGER NOT NULL, state TEXT NOT NULL, begun INTEGER NOT NULL,"
    "  ended INTEGER NOT NULL DEFAULT 0, messages INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    "  reason TEXT);"
    "CREATE TABLE purge("
    "  run TEXT NOT NULL, folder INTEGER NOT NULL, uidvalidity INTEGER NOT NULL,"
    "  uid INTEGER NOT NULL, message INTEGER NOT NULL, rule TEXT, state TEXT NOT NULL,"
    "  reason TEXT, time INTEGER NOT NULL,"
    "  PRIMARY KEY(run, folder, uidvalidity, uid)) WITHOUT ROWID;"
    "CREATE TABLE restored("
    "  account TEXT NOT NULL, folder BLOB NOT NULL, uidvalidity INTEGER NOT NULL,"
    "  uid INTEGER NOT NULL, id BLOB NOT NULL, run TEXT, time INTEGER NOT NULL,"
    "  PRIMARY KEY(account, folder, uidvalidity, uid)) WITHOUT ROWID;";

const char catalog_indexes[] =
    "CREATE INDEX message_doubt ON message(n) WHERE doubt > 0;" /* to be fetched again */
    "CREATE INDEX message_expired ON message(n) WHERE expired IS NOT NULL;"
    "CREATE INDEX message_date ON message(date, n);" /* newest first */
    "CREATE INDEX message_msgid ON message(msgid);"
    "CREATE INDEX part_blob ON part(blob);" /* is it still needed? */
    "CREATE INDEX place_message ON place(message);"
    /* outcome unknown */
    "CREATE INDEX purge_intent ON purge(state) WHERE state = 'intent';";
