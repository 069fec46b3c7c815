/* Owns:  nothing.
 * Never: returns NULL for a request. */
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_NO_MEMORY 70

void mem_exhausted(void)
{
	fputs("mailcask: out of memory\n", stderr);
	_exit(EXIT_NO_MEMORY);
}

static void *need(void *got)
{
	if (!got)
		mem_exhausted();
	return got;
}

void *mem_alloc(size_t bytes)
{
	return need(malloc(bytes ? bytes : 1));
}

void *mem_zero(size_t count, size_t bytes_each)
{
	return need(calloc(count ? count : 1, bytes_each ? bytes_each : 1));
}

char *mem_string(const char *text)
{
	return text ? need(strdup(text)) : NULL;
}

char *mem_string_n(const char *text, size_t bytes)
{
	char *copy = mem_alloc(bytes + 1);

	if (bytes > 0)
		memcpy(copy, text, bytes);
	copy[bytes] = '\0';
	return copy;
}

char *mem_format(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	return need(length < 0 ? NULL : text);
}

void *mem_grow(void *array, size_t *room_count, size_t needed_count, size_t bytes_each)
{
	size_t room = *room_count;

	if (needed_count <= room)
		return array;
	while (room < needed_count)
		room = room < 8 ? 8 : room + room / 2;
	if (room > SIZE_MAX / bytes_each)
		need(NULL);
	array = need(realloc(array, room * bytes_each));
	*room_count = room;
	return array;
}
