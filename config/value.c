/* Owns:  nothing: strings belong to the record.
 * Knows: how sizes, spans, shares and the like are written.
 * Never: shows a value that may be a secret. */
#include "config/value.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "config/mailurl.h"
#include "config/patterns.h"
#include "config/settings.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 64
#define PIN_START      "sha256//"
#define PIN_DIGITS     BASE64_ENCODED_BYTES(SHA256_BYTES)

static void *field_of(const struct setting *setting, void *record)
{
	return (char *)record + setting->offset;
}

static int take_string(const struct setting *setting, void *record, char *text)
{
	char **field = field_of(setting, record);

	free(*field);
	*field = text;
	return 0;
}

/* Without the value, which may be a password in the wrong place. */
static int expected(const struct setting *setting, const char *what, struct err *err)
{
	return err_set(err, ERR_CONFIG, "expected %s, for example %s", what, setting->example);
}

static int expected_not(
    const struct setting *setting, const char *text, const char *what, struct err *err)
{
	return err_set(err, ERR_CONFIG, "expected %s, for example %s, not \"%.60s\"", what,
	    setting->example, text);
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '_';
}

bool value_is_name(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!is_word(text.p[i]) && (i == 0 || (text.p[i] != '.' && text.p[i] != '-')))
			return false;
	return text.n > 0 && text.n <= NAME_BYTES_MAX;
}

bool value_ends_in_comment(const char *text)
{
	bool in_quotes = false;

	for (const char *p = text; *p; p++) {
		if (*p == '"')
			in_quotes = !in_quotes;
		if (in_quotes || p == text || (p[-1] != ' ' && p[-1] != '\t'))
			continue;
		if (*p == ';' || (*p == '#' && (p[1] == ' ' || p[1] == '\t' || p[1] == '\0')))
			return true;
	}
	return false;
}

static bool parse_size(struct bytes text, int64_t *out)
{
	static const char units[] = "kmg";
	unsigned long long number;
	unsigned shift = 0;

	for (unsigned i = 0; i < sizeof units - 1 && text.n > 0; i++)
		if ((text.p[text.n - 1] | 0x20) == units[i])
			shift = 10 * (i + 1);
	if (shift > 0)
		text.n--;
	if (!bytes_u64(text, &number) || number > (unsigned long long)INT64_MAX >> shift)
		return false;
	*out = (int64_t)(number << shift);
	return true;
}

static bool parse_number(enum setting_kind kind, const char *value, int64_t *out)
{
	struct bytes text = bytes_of(value);
	unsigned long long number;

	if (kind == SETTING_SIZE)
		return parse_size(text, out);
	if (kind == SETTING_SPAN)
		return clock_parse_span(text, out);
	if (kind == SETTING_SHARE) {
		if (text.n == 0 || text.p[text.n - 1] != '%')
			return false;
		text.n--;
	}
	if (!bytes_u64(text, &number) || number > INT64_MAX)
		return false;
	*out = (int64_t)number;
	return true;
}

static int set_number(
    const struct setting *setting, const char *text, void *record, struct err *err)
{
	static const char *const what[] = {
	    [SETTING_SIZE] = "a size in bytes or with K, M or G",
	    [SETTING_SPAN] = "a time with its unit (s, m, h, d, w, mo or y)",
	    [SETTING_COUNT] = "a number",
	    [SETTING_SHARE] = "a share with %",
	};
	int64_t value = 0, least = 0, most = 0;
	char words[128];

	parse_number(setting->kind, setting->least, &least);
	parse_number(setting->kind, setting->most, &most);
	if (!parse_number(setting->kind, text, &value) || value < least || value > most) {
		snprintf(words, sizeof words, "%s from %s to %s", what[setting->kind],
		    setting->least, setting->most);
		return expected_not(setting, text, words, err);
	}
	if (setting->kind == SETTING_SIZE)
		*(uint64_t *)field_of(setting, record) = (uint64_t)value;
	else
		*(int64_t *)field_of(setting, record) = value;
	return 0;
}

static int set_path(const struct setting *setting, const char *text, void *record, struct err *err)
{
	char *path = file_expand_home(text);

	if (path[0] == '/')
		return take_string(setting, record, path);
	free(path);
	return expected(setting, "a path that begins with / or ~/", err);
}

static int set_variable(
    const struct setting *setting, const char *text, void *record, struct err *err)
{
	size_t i = 0;

	while (is_word(text[i]))
		i++;
	if (text[i] || (text[0] >= '0' && text[0] <= '9'))
		return expected(setting, "the name of an environment variable", err);
	return take_string(setting, record, mem_string(text));
}

static int set_folders(
    const struct setting *setting, const char *text, void *record, struct err *err)
{
	if (!patterns_valid(bytes_of(text)))
		return expected_not(
		    setting, text, "patterns with one comma between each and the next", err);
	return take_string(setting, record, mem_string(text));
}

static int set_name(const struct setting *setting, const char *text, void *record, struct err *err)
{
	if (!value_is_name(bytes_of(text)))
		return expected_not(setting, text, "the name of an account", err);
	return take_string(setting, record, mem_string(text));
}

static int set_pin(const struct setting *setting, const char *text, void *record, struct err *err)
{
	uint8_t key[PIN_DIGITS / 4 * 3];
	size_t key_bytes;
	struct bytes pin = bytes_of(text);

	if (!bytes_starts(pin, PIN_START) || pin.n != strlen(PIN_START) + PIN_DIGITS ||
	    !base64_decode(bytes_from(pin, strlen(PIN_START)), key, &key_bytes) ||
	    key_bytes != SHA256_BYTES)
		return expected(setting, PIN_START " and 44 characters of base64", err);
	return take_string(setting, record, mem_string(text));
}

/* A "user" of its own, above or below, wins over the url's. */
static int set_url(const char *text, struct settings_account *account, struct err *err)
{
	struct mailurl url = {0};

	if (mailurl_parse(text, &url, err) != 0)
		return -1;
	free(account->url);
	free(account->host);
	account->url = url.base;
	account->host = url.host;
	if (account->user)
		free(url.user);
	else
		account->user = url.user;
	return 0;
}

static int set_budget(
    const struct setting *setting, const char *text, void *record, struct err *err)
{
	int64_t bytes = 0;

	if (bytes_is_nocase(bytes_of(text), "auto")) {
		*(uint64_t *)field_of(setting, record) = SETTINGS_OF_HOST;
		return 0;
	}
	if (!parse_size(bytes_of(text), &bytes))
		return expected_not(
		    setting, text, "auto, or a size in bytes or with K, M or G (0: none)", err);
	*(uint64_t *)field_of(setting, record) = (uint64_t)bytes;
	return 0;
}

static int set_switch(
    const struct setting *setting, const char *text, void *record, struct err *err)
{
	bool is_yes = bytes_is_nocase(bytes_of(text), "yes");

	if (!is_yes && !bytes_is_nocase(bytes_of(text), "no"))
		return expected_not(setting, text, "yes or no", err);
	*(bool *)field_of(setting, record) = is_yes;
	return 0;
}

static int set_action(
    const struct setting *setting, const char *text, void *record, struct err *err)
{
	bool is_keep = bytes_is(bytes_of(text), "keep");

	if (!is_keep && !bytes_is(bytes_of(text), "purge"))
		return expected_not(setting, text, "keep or purge", err);
	*(enum settings_action *)field_of(setting, record) =
	    is_keep ? SETTINGS_KEEP : SETTINGS_PURGE;
	return 0;
}

int value_set(const struct setting *setting, const char *text, void *record, struct err *err)
{
	switch (setting->kind) {
	case SETTING_TEXT:
	case SETTING_COMMAND:
	case SETTING_QUERY:
		return take_string(setting, record, mem_string(text));
	case SETTING_PATH:
		return set_path(setting, text, record, err);
	case SETTING_VARIABLE:
		return set_variable(setting, text, record, err);
	case SETTING_FOLDERS:
		return set_folders(setting, text, record, err);
	case SETTING_NAME:
		return set_name(setting, text, record, err);
	case SETTING_PIN:
		return set_pin(setting, text, record, err);
	case SETTING_URL:
		return set_url(text, record, err);
	case SETTING_SIZE:
	case SETTING_SPAN:
	case SETTING_COUNT:
	case SETTING_SHARE:
		return set_number(setting, text, record, err);
	case SETTING_BUDGET:
		return set_budget(setting, text, record, err);
	case SETTING_SWITCH:
		return set_switch(setting, text, record, err);
	case SETTING_ACTION:
		return set_action(setting, text, record, err);
	}
	return err_set(err, ERR_BUG, "a setting of no known kind");
}

void value_release(const struct section *section, void *record)
{
	for (size_t i = 0; i < section->setting_count; i++)
		if (section->setting[i].kind <= SETTING_URL)
			take_string(&section->setting[i], record, NULL);
}
