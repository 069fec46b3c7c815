/* Calls that are never right here: each has a bounded or checked sibling in base/. The
 * compiler is told to include this file in front of every source file (Makefile), so that
 * using one of them is a compile error. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

/* With clang the C library's checked forms are macros. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat stpcpy sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll atof asctime ctime gmtime localtime tmpnam tempnam mktemp
#pragma GCC poison system popen

#endif
