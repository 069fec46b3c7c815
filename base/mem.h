/* Memory for small things: running out ends the process (exit status 70), which is safe at
 * any instruction. Sizes that a peer controls go through struct buf or struct spool, which
 * have a ceiling and fail politely. Everything is freed with free(). */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

/* What every call here does without memory: for libraries that tell of it in their own way. */
_Noreturn void mem_exhausted(void);

void *mem_alloc(size_t bytes);
void *mem_zero(size_t count, size_t bytes_each);
char *mem_string(const char *text);                 /* NULL gives NULL */
char *mem_string_n(const char *text, size_t bytes); /* adds a NUL */
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Make an array at least needed_count long; may move it. *room_count is its length. */
void *mem_grow(void *array, size_t *room_count, size_t needed_count, size_t bytes_each);

#endif
