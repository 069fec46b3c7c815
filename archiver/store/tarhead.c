/* Owns:  nothing.
 * Knows: the ustar header block.
 * Spec:  IEEE Std 1003.1, pax, "ustar Interchange Format" */
#include "archiver/store/tarhead.h"

#include <stdio.h>
#include <string.h>

struct field {
	size_t at, bytes;
};

static const struct field name_field = {0, 100}, mode_field = {100, 8}, uid_field = {108, 8},
			  gid_field = {116, 8}, size_field = {124, 12}, time_field = {136, 12},
			  sum_field = {148, 8}, type_field = {156, 1}, magic_field = {257, 8};

static void put_octal(char *block, struct field field, uint64_t value)
{
	char text[24];

	/* Digits, then a NUL in the field's last byte. */
	snprintf(text, sizeof text, "%0*llo", (int)field.bytes - 1, (unsigned long long)value);
	memcpy(block + field.at, text, field.bytes);
}

static uint64_t get_octal(const char *block, struct field field, bool *ok)
{
	uint64_t value = 0;
	size_t i;

	for (i = field.at; i < field.at + field.bytes; i++) {
		if (block[i] == '\0' || block[i] == ' ')
			break;
		if (block[i] < '0' || block[i] > '7')
			*ok = false;
		value = value << 3 | (uint64_t)(block[i] & 7);
	}
	return value;
}

/* The sum of all bytes, those of the sum's own field counted as blanks. */
static unsigned sum_of(const char *block)
{
	unsigned sum = 0;
	size_t i;

	for (i = 0; i < TARHEAD_BYTES; i++)
		sum += i - sum_field.at < sum_field.bytes ? ' ' : (unsigned char)block[i];
	return sum;
}

static uint64_t fitting_time(int64_t time_unix)
{
	if (time_unix < 0)
		return 0;
	return (uint64_t)time_unix < TARHEAD_MAX_NUMBER ? (uint64_t)time_unix : TARHEAD_MAX_NUMBER;
}

void tarhead_format(const struct tarhead *head, char out[TARHEAD_BYTES])
{
	char sum[16];

	memset(out, 0, TARHEAD_BYTES);
	memcpy(out + name_field.at, head->name, strnlen(head->name, name_field.bytes));
	put_octal(out, mode_field, 0644);
	put_octal(out, uid_field, 0);
	put_octal(out, gid_field, 0);
	put_octal(out, size_field, head->content_bytes);
	put_octal(out, time_field, fitting_time(head->mtime_unix));
	out[type_field.at] = '0';
	memcpy(out + magic_field.at, "ustar\00000", magic_field.bytes);
	snprintf(sum, sizeof sum, "%06o", sum_of(out) & 0777777u);
	memcpy(out + sum_field.at, sum, 7);
	out[sum_field.at + 7] = ' ';
}

int tarhead_parse(const char block[TARHEAD_BYTES], struct tarhead *out, struct err *err)
{
	static const char zeros[TARHEAD_BYTES];
	struct tarhead head = {0};
	bool ok = true;

	if (memcmp(block, zeros, TARHEAD_BYTES) == 0)
		return 0;
	if (get_octal(block, sum_field, &ok) != sum_of(block) || !ok ||
	    memcmp(block + magic_field.at, "ustar", 5) != 0 || block[type_field.at] != '0')
		return err_set(err, ERR_DAMAGED, "a wrong tar header");
	memcpy(head.name, block + name_field.at, name_field.bytes);
	head.content_bytes = get_octal(block, size_field, &ok);
	head.mtime_unix = (int64_t)get_octal(block, time_field, &ok);
	if (!ok)
		return err_set(err, ERR_DAMAGED, "a wrong number in a tar header");
	*out = head;
	return 1;
}

size_t tarhead_filling(uint64_t content_bytes)
{
	return (size_t)(-content_bytes % TARHEAD_BYTES);
}
