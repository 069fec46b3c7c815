/* Knows: by what a message is known again.
 * Never: counts a server's silence as a match.
 * Spec:  RFC 9051 section 2.3.1.1 */
#include "archiver/sync/recognise.h"

enum recognition recognise(
    struct mimehead *head, const struct endpoint_identity *live, const struct archived *archived)
{
	if (!live->has_flags || !live->has_date || !live->has_header || !live->has_size)
		return RECOGNISED_NOT_TOLD;
	if (live->date_unix != archived->date_unix)
		return RECOGNISED_OTHER_DATE;
	mimehead_parse(head, live->header);
	if (!bytes_equal(buf_view(&head->message_id), archived->message_id))
		return RECOGNISED_OTHER_MESSAGE_ID;
	if (live->size_bytes != archived->size_bytes)
		return RECOGNISED_OTHER_SIZE;
	return RECOGNISED;
}
