/* config/sample.c and the table it shows. When the table has changed, this makes the sample in
 * the tree anew, and its difference is for you to read:
 *
 *   UPDATE=1 make T=test_sample unit */
#include "config/settings.h"

#include "../suite.h"
#include "base/file.h"
#include "config/table.h"
#include "config/value.h"

#include <string.h>

#define SAMPLE "config/mailcask.conf.sample"

static struct buf text;

static const char *sample(void)
{
	buf_release(&text);
	buf_init(&text, 1 << 20);
	settings_print_sample(&text);
	return buf_string(&text);
}

static void check_columns(struct bytes all)
{
	while (all.n > 0) {
		const char *end = memchr(all.p, '\n', all.n);

		ck_assert_ptr_nonnull(end);
		ck_assert_msg(end - all.p <= 80, "%.*s", (int)(end - all.p), all.p);
		ck_assert_msg(
		    end == all.p || (end[-1] != ' ' && end[-1] != '\t'), "blank at an end");
		all = bytes_from(all, (size_t)(end + 1 - all.p));
	}
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || c == '[';
}

/* The sample with all that is commented out put in, but for two of the three passwords. */
static char *with_everything(const char *from)
{
	struct buf all;

	buf_init(&all, 1 << 20);
	while (*from) {
		size_t n = strcspn(from, "\n") + 1;
		bool is_other = strncmp(from, "#password", 9) == 0;

		if (from[0] == '#' && is_word(from[1]) && !is_other)
			buf_add(&all, from + 1, n - 1);
		else
			buf_add(&all, from, n);
		from += n;
	}
	return buf_take(&all);
}

START_TEST(the_sample_in_the_tree_is_the_generators)
{
	struct bytes made = bytes_of(sample());
	struct buf kept;

	if (getenv("UPDATE"))
		OK(file_replace(SAMPLE, made, 0644, err));
	buf_init(&kept, 1 << 20);
	OK(file_read_all(SAMPLE, &kept, err));
	ck_assert_msg(bytes_equal(buf_view(&kept), made),
	    SAMPLE
	    " is not what settings_print_sample makes; run: UPDATE=1 make T=test_sample unit");
	buf_release(&kept);
}
END_TEST

START_TEST(the_sample_can_be_read)
{
	struct settings *settings = NULL;

	setenv("HOME", "/home/x", 1);
	OK(settings_parse(&settings, bytes_of(sample()), "sample", err));
	ck_assert_str_eq(settings->archive.path, "/home/x/Mail/archive");
	ck_assert_uint_eq(settings->account_count, 1);
	ck_assert_uint_eq(settings->rule_count, 0);
	settings_free(settings);
}
END_TEST

START_TEST(what_the_sample_comments_out_can_be_read_too)
{
	struct settings *settings = NULL;
	char *all = with_everything(sample());

	setenv("HOME", "/home/x", 1);
	OK(settings_parse(&settings, bytes_of(all), "sample", err));
	ck_assert_str_eq(settings->archive.databases, "/home/x/.cache/mailcask");
	ck_assert_str_eq(settings->account[0].user, "me@example.org");
	ck_assert_str_eq(settings->account[0].folders, "*, !Spam, !Trash");
	ck_assert_uint_eq(settings->rule_count, 1);
	ck_assert(!settings->rule[0].is_auto);
	settings_free(settings);
	free(all);
}
END_TEST

START_TEST(sample_and_help_fit_a_terminal)
{
	struct buf help;

	check_columns(bytes_of(sample()));
	buf_init(&help, 1 << 20);
	settings_print_help(&help);
	check_columns(buf_view(&help));
	buf_release(&help);
}
END_TEST

START_TEST(sample_and_help_show_every_key)
{
	struct buf help;
	char line[128];

	buf_init(&help, 1 << 20);
	settings_print_help(&help);
	sample();
	for (size_t i = 0; i < SECTION_KINDS; i++)
		for (size_t j = 0; j < table[i].setting_count; j++) {
			snprintf(line, sizeof line, "\n  %s = ", table[i].setting[j].key);
			ck_assert_msg(strstr(buf_string(&help), line) != NULL, "%s", line);
			snprintf(line, sizeof line, "%s = %s\n", table[i].setting[j].key,
			    table[i].setting[j].example);
			ck_assert_msg(strstr(buf_string(&text), line) != NULL, "%s", line);
		}
	buf_release(&help);
}
END_TEST

static void check_setting(const struct setting *setting, void *record)
{
	ck_assert_msg(setting->example && setting->meaning, "%s", setting->key);
	ck_assert_msg(!setting->least == !setting->most, "%s", setting->key);
	OK(value_set(setting, setting->example, record, err));
	if (setting->fallback)
		OK(value_set(setting, setting->fallback, record, err));
	if (setting->least)
		OK(value_set(setting, setting->least, record, err));
	if (setting->most)
		OK(value_set(setting, setting->most, record, err));
	if (setting->kind >= SETTING_SIZE && setting->kind <= SETTING_SHARE)
		ck_assert_msg(setting->least != NULL, "%s", setting->key);
}

START_TEST(the_tables_own_values_are_valid)
{
	struct settings_archive archive = {0};
	struct settings_account account = {0};
	struct settings_rule rule = {0};
	void *records[] = {&archive, &account, &rule};

	setenv("HOME", "/home/x", 1);
	for (size_t i = 0; i < SECTION_KINDS; i++) {
		ck_assert_uint_eq(table[i].kind, i);
		for (size_t j = 0; j < table[i].setting_count; j++)
			check_setting(&table[i].setting[j], records[i]);
		value_release(&table[i], records[i]);
	}
	free(account.host);
}
END_TEST

START_TEST(the_table_answers_by_name)
{
	const struct section *section = table_section(BYTES("account"));

	ck_assert_ptr_eq(section, &table[SECTION_ACCOUNT]);
	ck_assert_ptr_null(table_section(BYTES("accounts")));
	ck_assert_str_eq(table_setting(section, "url")->key, "url");
	ck_assert_ptr_null(table_setting(section, "path"));
	ck_assert_pstr_eq(table_nearest_section("rules"), "rule");
	ck_assert_pstr_eq(table_nearest_section("zzz"), NULL);
	ck_assert_pstr_eq(table_nearest_key(section, "time-out"), "timeout");
	ck_assert_pstr_eq(table_nearest_key(section, "zzz"), NULL);
}
END_TEST

SUITE(the_sample_in_the_tree_is_the_generators, the_sample_can_be_read,
    what_the_sample_comments_out_can_be_read_too, sample_and_help_fit_a_terminal,
    sample_and_help_show_every_key, the_tables_own_values_are_valid, the_table_answers_by_name)
