/* base/jsonout.c. What is expected was read by another program too: the last test gives
 * everything to Python's json module. Forms: RFC 8259. */
#include "base/jsonout.h"

#include "../suite.h"
#include "base/child.h"
#include "base/file.h"
#include "base/mem.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static struct buf buf;
static struct jsonout json;

static void start(void)
{
	buf_release(&buf);
	buf_init(&buf, 1 << 20);
	jsonout_start(&json, &buf);
}

static void check_text(struct bytes text, const char *expected)
{
	start();
	jsonout_text(&json, NULL, text);
	ck_assert_str_eq(buf_string(&buf), expected);
}

START_TEST(writes_objects_and_arrays)
{
	start();
	jsonout_object(&json, NULL);
	jsonout_text(&json, "a", BYTES("x"));
	jsonout_array(&json, "b");
	jsonout_u64(&json, NULL, 1);
	jsonout_object(&json, NULL);
	jsonout_end(&json);
	jsonout_array(&json, NULL);
	jsonout_end(&json);
	jsonout_null(&json, NULL);
	jsonout_end(&json);
	jsonout_bool(&json, "c", true);
	jsonout_object(&json, "d");
	jsonout_bool(&json, "e", false);
	jsonout_end(&json);
	jsonout_null(&json, "f\"");
	jsonout_end(&json);
	ck_assert_str_eq(buf_string(&buf),
	    "{\"a\":\"x\",\"b\":[1,{},[],null],\"c\":true,\"d\":{\"e\":false},\"f\\\"\":null}");
}
END_TEST

START_TEST(writes_whole_numbers)
{
	start();
	jsonout_array(&json, NULL);
	jsonout_u64(&json, NULL, UINT64_MAX);
	jsonout_i64(&json, NULL, INT64_MIN);
	jsonout_i64(&json, NULL, INT64_MAX);
	jsonout_u64(&json, NULL, 0);
	jsonout_end(&json);
	ck_assert_str_eq(
	    buf_string(&buf), "[18446744073709551615,-9223372036854775808,9223372036854775807,0]");
}
END_TEST

static void check_real(double value, const char *expected)
{
	start();
	jsonout_real(&json, NULL, value);
	ck_assert_str_eq(buf_string(&buf), expected);
}

START_TEST(writes_three_decimals)
{
	check_real(0, "0.000");
	check_real(1.5, "1.500");
	check_real(-1.25, "-1.250");
	check_real(0.0004, "0.000");
	check_real(0.0006, "0.001");
	check_real(0.9996, "1.000");
	check_real(-0.9996, "-1.000");
	check_real(1234567.891, "1234567.891");
	check_real(999999999999999, "999999999999999.000");
	check_real(1e15, "1000000000000000.000");
	check_real(-1e18, "-1000000000000000000.000");
	start();
	jsonout_object(&json, NULL);
	jsonout_real(&json, "a", 1);
	jsonout_real(&json, "b", (double)NAN);
	jsonout_end(&json);
	ck_assert_str_eq(buf_string(&buf), "{\"a\":1.000,\"b\":null}");
}
END_TEST

START_TEST(writes_what_is_no_number_as_null)
{
	check_real((double)NAN, "null");
	check_real((double)INFINITY, "null");
	check_real(-(double)INFINITY, "null");
	start();
	jsonout_real(&json, NULL, -DBL_MAX);
	ck_assert_uint_eq(buf.n, 1 + 309 + 4);
	ck_assert(strncmp(buf.p, "-17976931348623157", 18) == 0);
}
END_TEST

START_TEST(escapes_what_must_be_escaped)
{
	check_text(BYTES("\"\\/"), "\"\\\"\\\\/\"");
	check_text(BYTES("\b\t\n\f\r"), "\"\\b\\t\\n\\f\\r\"");
	check_text(BYTES("\0\x01\x0b\x1f\x7f"), "\"\\u0000\\u0001\\u000b\\u001f\\u007f\"");
	check_text(BYTES(""), "\"\"");
	check_text((struct bytes){NULL, 0}, "\"\"");
	check_text(BYTES(" ~"), "\" ~\"");
}
END_TEST

START_TEST(writes_utf8_and_replaces_the_rest)
{
	check_text(BYTES("gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x98\x80"),
	    "\"gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x98\x80\"");
	check_text(BYTES("a\xff\x62\xc3"), "\"a\xef\xbf\xbd\x62\xef\xbf\xbd\"");
	check_text(BYTES("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}
END_TEST

static void check_exact(struct bytes text, const char *expected)
{
	start();
	jsonout_array(&json, NULL);
	jsonout_exact(&json, NULL, text);
	jsonout_exact(&json, NULL, text);
	jsonout_end(&json);
	ck_assert_str_eq(buf_string(&buf), expected);
}

START_TEST(exact_strings_come_back_exactly)
{
	check_exact(BYTES("\xc3\xbc\n"), "[\"\xc3\xbc\\n\",\"\xc3\xbc\\n\"]");
	check_exact(BYTES(""), "[\"\",\"\"]");
	check_exact((struct bytes){NULL, 0}, "[\"\",\"\"]");
	check_exact(BYTES("foo\xff"), "[{\"b64\":\"Zm9v/w==\"},{\"b64\":\"Zm9v/w==\"}]");
	check_exact(BYTES("a\0b"), "[{\"b64\":\"YQBi\"},{\"b64\":\"YQBi\"}]");
	start();
	jsonout_object(&json, NULL);
	jsonout_exact(&json, "k", BYTES("\xff"));
	jsonout_u64(&json, "l", 1);
	jsonout_end(&json);
	ck_assert_str_eq(buf_string(&buf), "{\"k\":{\"b64\":\"/w==\"},\"l\":1}");
}
END_TEST

START_TEST(writes_sums_and_times)
{
	struct sha256 sum;

	sha256_of(BYTES("abc"), &sum);
	start();
	jsonout_object(&json, NULL);
	jsonout_hex(&json, "id", &sum);
	jsonout_time(&json, "t", 1551773350);
	jsonout_end(&json);
	ck_assert_str_eq(buf_string(&buf),
	    "{\"id\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\","
	    "\"t\":\"2019-03-05T08:09:10Z\"}");
}
END_TEST

START_TEST(goes_as_deep_as_it_says)
{
	start();
	for (int i = 0; i < JSONOUT_DEPTH; i++)
		jsonout_array(&json, NULL);
	for (int i = 0; i < JSONOUT_DEPTH; i++)
		jsonout_end(&json);
	ck_assert_str_eq(buf_string(&buf), "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]");
}
END_TEST

START_TEST(a_full_buffer_overflows)
{
	buf_init(&buf, 10);
	jsonout_start(&json, &buf);
	jsonout_object(&json, NULL);
	jsonout_text(&json, "key", BYTES("a long value"));
	jsonout_end(&json);
	ck_assert(buf.overflow);
}
END_TEST

/* Every byte, in strings and keys; Python must read the same back. It prints a line for each
 * value as hexadecimal code points. */
START_TEST(python_reads_the_same)
{
	char file[] = "/tmp/test_jsonout-XXXXXX", *command, key[2] = "", line[16];
	struct buf expected, got;
	int fd = mkstemp(file);

	start();
	buf_init(&expected, 1 << 20);
	buf_init(&got, 1 << 20);
	jsonout_object(&json, NULL);
	for (int c = 0; c < 256; c++) {
		char text[1] = {(char)c};

		key[0] = (char)(c < 128 && c > 0 ? c : 'x');
		jsonout_text(&json, key, (struct bytes){text, 1});
		snprintf(
		    line, sizeof line, "%x %x\n", (unsigned)key[0], c < 128 ? (unsigned)c : 0xfffd);
		buf_text(&expected, line);
	}
	jsonout_end(&json);
	OK(file_write(fd, buf.p, buf.n, file, err));
	command =
	    mem_format("python3 -c \"import json\nfor k, v in json.load(open('%s', "
		       "encoding='utf-8'), object_pairs_hook=list): print('%%x %%x' %% (ord(k), "
		       "ord(v)))\"",
		file);
	OK(child_output(command, &got, err));
	ck_assert_str_eq(buf_string(&got), buf_string(&expected));
	unlink(file);
	close(fd);
	free(command);
	buf_release(&expected);
	buf_release(&got);
	buf_release(&buf);
}
END_TEST

SUITE(writes_objects_and_arrays, writes_whole_numbers, writes_three_decimals,
    writes_what_is_no_number_as_null, escapes_what_must_be_escaped,
    writes_utf8_and_replaces_the_rest, exact_strings_come_back_exactly, writes_sums_and_times,
    goes_as_deep_as_it_says, a_full_buffer_overflows, python_reads_the_same)
