/* Owns:  nothing.
 * Knows: the names on the wire, and what one capability says of another.
 * Never: believes in a capability that this list does not name.
 * Spec:  RFC 9051 section 7.2.2, appendices A and E; RFC 7162 section 3.2.3; RFC 7889. */
#include "archiver/imapwire/capability.h"

#include <string.h>

static const char *const names[CAP_COUNT] = {
    [CAP_IMAP4REV1] = "IMAP4rev1",
    [CAP_IMAP4REV2] = "IMAP4rev2",
    [CAP_UIDPLUS] = "UIDPLUS",
    [CAP_MOVE] = "MOVE",
    [CAP_CONDSTORE] = "CONDSTORE",
    [CAP_QRESYNC] = "QRESYNC",
    [CAP_ENABLE] = "ENABLE",
    [CAP_ESEARCH] = "ESEARCH",
    [CAP_LITERAL_PLUS] = "LITERAL+",
    [CAP_LITERAL_MINUS] = "LITERAL-",
    [CAP_MULTIAPPEND] = "MULTIAPPEND",
    [CAP_LIST_EXTENDED] = "LIST-EXTENDED",
    [CAP_LIST_STATUS] = "LIST-STATUS",
    [CAP_SPECIAL_USE] = "SPECIAL-USE",
    [CAP_STATUS_SIZE] = "STATUS=SIZE",
    [CAP_NAMESPACE] = "NAMESPACE",
    [CAP_ID] = "ID",
    [CAP_IDLE] = "IDLE",
    [CAP_NOTIFY] = "NOTIFY",
    [CAP_QUOTA] = "QUOTA",
    [CAP_COMPRESS_DEFLATE] = "COMPRESS=DEFLATE",
    [CAP_OBJECTID] = "OBJECTID",
    [CAP_PARTIAL] = "PARTIAL",
    [CAP_UTF8_ACCEPT] = "UTF8=ACCEPT",
    [CAP_UNSELECT] = "UNSELECT",
    [CAP_GMAIL] = "X-GM-EXT-1",
    [CAP_APPENDLIMIT] = "APPENDLIMIT",
};

static const enum capability in_rev2[] = {CAP_NAMESPACE, CAP_UNSELECT, CAP_UIDPLUS, CAP_ESEARCH,
    CAP_ENABLE, CAP_IDLE, CAP_LIST_EXTENDED, CAP_LIST_STATUS, CAP_MOVE, CAP_LITERAL_MINUS,
    CAP_STATUS_SIZE};

static void add(struct capability_set *set, enum capability what)
{
	set->bits |= (uint64_t)1 << what;
}

static void add_name(struct capability_set *set, struct bytes name)
{
	static const char limit[] = "APPENDLIMIT=";
	unsigned long long bytes;
	int i;

	for (i = 0; i < CAP_COUNT; i++)
		if (bytes_is_nocase(name, names[i]))
			add(set, (enum capability)i);
	if (!bytes_starts_nocase(name, limit))
		return;
	add(set, CAP_APPENDLIMIT);
	if (bytes_u64(bytes_from(name, sizeof limit - 1), &bytes))
		set->append_limit_bytes = bytes;
}

void capability_parse(struct capability_set *set, struct bytes list)
{
	size_t i;

	memset(set, 0, sizeof *set);
	for (list = bytes_trim(list); list.n > 0; list = bytes_trim(bytes_from(list, i))) {
		for (i = 0; i < list.n && list.p[i] != ' ' && list.p[i] != '\t';)
			i++;
		add_name(set, (struct bytes){list.p, i});
	}
	if (capability_has(set, CAP_QRESYNC))
		add(set, CAP_CONDSTORE);
	/* Beside rev1 it has to be enabled first, and brings nothing by itself. */
	if (!capability_has(set, CAP_IMAP4REV2) || capability_has(set, CAP_IMAP4REV1))
		return;
	for (i = 0; i < sizeof in_rev2 / sizeof *in_rev2; i++)
		add(set, in_rev2[i]);
}

void capability_drop(struct capability_set *set, enum capability what)
{
	set->bits &= ~((uint64_t)1 << what);
}

bool capability_has(const struct capability_set *set, enum capability what)
{
	return (set->bits >> what & 1) != 0;
}

const char *capability_name(enum capability what)
{
	return names[what];
}
