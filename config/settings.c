/* Owns:  struct settings and all it holds.
 * Knows: what ties several keys together: one password, a user from somewhere, names that must
 *        exist. What a single key may hold is the table's.
 * Never: takes a password out of the file, or shows one that stands there.
 * Done when: every field has a value that was checked, or the error names file and line. */
#include "config/settings.h"

#include "base/file.h"
#include "base/mem.h"
#include "config/reader.h"
#include "config/table.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (1024 * 1024)

/* The section that is being read is open: its record is filled, and completed when the next
 * section begins or the file ends. */
struct parse {
	struct settings *settings;
	const struct section *section; /* NULL: none is open */
	void *record;
	char *title; /* "[account work]" */
	int line;    /* of its header */
	int given_line[SECTION_SETTINGS_MAX];
	int archive_line;
	int *account_line; /* for each rule, where it names its account; 0: it does not */
	size_t account_line_room;
};

static int wrong(struct parse *parse, int line, struct err *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int wrong(struct parse *parse, int line, struct err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	err_set_v(err, ERR_CONFIG, format, args);
	va_end(args);
	return err_add(err, "%s:%d", parse->settings->path, line);
}

/* "; did you mean "x"?", or nothing. For free(). */
static char *hint(const char *nearest)
{
	return nearest ? mem_format("; did you mean \"%s\"?", nearest) : mem_string("");
}

const struct settings_account *settings_account(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->account_count; i++)
		if (strcmp(settings->account[i].name, name) == 0)
			return &settings->account[i];
	return NULL;
}

/* Completing a section: what must be there, and the defaults. */

static int check_password(struct parse *parse, struct err *err)
{
	const struct section *section = parse->section;
	const struct setting *found = NULL;

	for (size_t i = 0; i < section->setting_count; i++) {
		const struct setting *setting = &section->setting[i];

		if (setting->need != SETTING_ONE_OF || parse->given_line[i] == 0)
			continue;
		if (found)
			return wrong(parse, parse->line, err,
			    "%s has both \"%s\" and \"%s\"; expected one of them", parse->title,
			    found->key, setting->key);
		found = setting;
	}
	if (found)
		return 0;
	return wrong(parse, parse->line, err,
	    "%s does not say where its password comes from; expected one of password-command, "
	    "password-file and password-env, for example password-command = pass show mail/work",
	    parse->title);
}

static int check_account(struct parse *parse, struct err *err)
{
	const struct settings_account *account = parse->record;

	if (!account->user)
		return wrong(parse, parse->line, err,
		    "%s names no user; expected imaps://USER@HOST in \"url\", or \"user\"",
		    parse->title);
	return check_password(parse, err);
}

static int check_archive(struct parse *parse, struct err *err)
{
	const struct settings_archive *archive = parse->record;

	if (archive->purge_needs_mirror && !archive->mirror)
		return wrong(parse, parse->line, err,
		    "%s says purge-needs-mirror = yes but names no mirror; for example mirror = "
		    "/media/me/disk/mail",
		    parse->title);
	return 0;
}

static int complete_section(struct parse *parse, struct err *err)
{
	const struct section *section = parse->section;

	if (!section)
		return 0;
	for (size_t i = 0; i < section->setting_count; i++) {
		const struct setting *setting = &section->setting[i];

		if (parse->given_line[i] != 0)
			continue;
		if (setting->need == SETTING_REQUIRED)
			return wrong(parse, parse->line, err,
			    "%s has no \"%s\"; for example %s = %s", parse->title, setting->key,
			    setting->key, setting->example);
		if (setting->fallback &&
		    value_set(setting, setting->fallback, parse->record, err) != 0)
			return -1;
	}
	if (section->kind == SECTION_ARCHIVE)
		return check_archive(parse, err);
	return section->kind == SECTION_ACCOUNT ? check_account(parse, err) : 0;
}

/* Beginning a section. */

static const struct settings_rule *find_rule(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->rule_count; i++)
		if (strcmp(settings->rule[i].name, name) == 0)
			return &settings->rule[i];
	return NULL;
}

/* The line of the section of that name, when it was there before; 0. */
static int line_before(const struct parse *parse, const struct section *section, const char *name)
{
	const struct settings_account *account;
	const struct settings_rule *rule;

	switch (section->kind) {
	case SECTION_ACCOUNT:
		account = settings_account(parse->settings, name);
		return account ? account->line : 0;
	case SECTION_RULE:
		rule = find_rule(parse->settings, name);
		return rule ? rule->line : 0;
	default:
		return parse->archive_line;
	}
}

static void add_account(struct parse *parse, const char *name)
{
	struct settings *settings = parse->settings;
	struct settings_account account = {.name = mem_string(name), .line = parse->line};

	settings->account = mem_grow(settings->account, &settings->account_room,
	    settings->account_count + 1, sizeof *settings->account);
	settings->account[settings->account_count] = account;
	parse->record = &settings->account[settings->account_count++];
}

static void add_rule(struct parse *parse, const char *name)
{
	struct settings *settings = parse->settings;
	struct settings_rule rule = {.name = mem_string(name), .line = parse->line};

	settings->rule = mem_grow(
	    settings->rule, &settings->rule_room, settings->rule_count + 1, sizeof *settings->rule);
	settings->rule[settings->rule_count] = rule;
	parse->account_line = mem_grow(parse->account_line, &parse->account_line_room,
	    settings->rule_count + 1, sizeof *parse->account_line);
	parse->account_line[settings->rule_count] = 0;
	parse->record = &settings->rule[settings->rule_count++];
}

static void open_section(
    struct parse *parse, const struct section *section, const char *name, int line)
{
	free(parse->title);
	parse->title =
	    mem_format("[%s%s%s]", section->name, section->example_name ? " " : "", name);
	parse->section = section;
	parse->line = line;
	memset(parse->given_line, 0, sizeof parse->given_line);
	switch (section->kind) {
	case SECTION_ACCOUNT:
		add_account(parse, name);
		break;
	case SECTION_RULE:
		add_rule(parse, name);
		break;
	default:
		parse->archive_line = line;
		parse->record = &parse->settings->archive;
		break;
	}
}

static int unknown_section(
    struct parse *parse, int line, struct bytes header, const char *kind, struct err *err)
{
	const char *nearest = table_nearest_section(kind);
	int n = header.n < 80 ? (int)header.n : 80;

	if (nearest)
		return wrong(parse, line, err, "unknown section [%.*s]; did you mean \"%s\"?", n,
		    header.p, nearest);
	return wrong(parse, line, err,
	    "unknown section [%.*s]; expected [archive], [account NAME] or [rule NAME]", n,
	    header.p);
}

static int check_section(
    struct parse *parse, const struct section *section, const char *name, int line, struct err *err)
{
	int before;

	if (!section->example_name && name[0])
		return wrong(parse, line, err, "[%s] takes no name", section->name);
	if (section->example_name && !value_is_name(bytes_of(name)))
		return wrong(parse, line, err,
		    "[%s] needs a name of letters, digits and . _ - (at most 64), for example "
		    "[%s %s]",
		    section->name, section->name, section->example_name);
	before = line_before(parse, section, name);
	if (before != 0)
		return wrong(parse, line, err, "[%s%s%s] stands twice, also in line %d",
		    section->name, name[0] ? " " : "", name, before);
	return 0;
}

static int take_section(void *arg, int line, struct bytes header, struct err *err)
{
	struct parse *parse = arg;
	const struct section *section;
	char *kind, *name;
	size_t n = 0;
	int result = -1;

	if (complete_section(parse, err) != 0)
		return -1;
	while (n < header.n && header.p[n] != ' ' && header.p[n] != '\t')
		n++;
	kind = bytes_string((struct bytes){header.p, n});
	name = bytes_string(bytes_trim(bytes_from(header, n)));
	section = table_section(bytes_of(kind));
	if (!section) {
		unknown_section(parse, line, header, kind, err);
	} else if (check_section(parse, section, name, line, err) == 0) {
		open_section(parse, section, name, line);
		result = 0;
	}
	free(kind);
	free(name);
	return result;
}

/* A key and its value. */

static int unknown_key(struct parse *parse, int line, const char *key, struct err *err)
{
	char *more;
	int result;

	if (parse->section->kind == SECTION_ACCOUNT && bytes_is_nocase(bytes_of(key), "password"))
		return wrong(parse, line, err,
		    "a password has no place in this file; say where it comes from with "
		    "password-command = COMMAND, password-file = FILE or password-env = VARIABLE");
	more = hint(table_nearest_key(parse->section, key));
	result = wrong(parse, line, err, "unknown key \"%.60s\" in %s%s", key, parse->title, more);
	free(more);
	return result;
}

static int check_pair(struct parse *parse, const struct setting *setting, int line,
    const char *value, struct err *err)
{
	int before = parse->given_line[setting - parse->section->setting];

	if (before != 0)
		return wrong(parse, line, err, "\"%s\" stands twice in %s, also in line %d",
		    setting->key, parse->title, before);
	if (!value[0])
		return wrong(parse, line, err, "\"%s\" in %s is empty; for example %s = %s",
		    setting->key, parse->title, setting->key, setting->example);
	if (setting->kind != SETTING_COMMAND && value_ends_in_comment(value))
		return wrong(parse, line, err,
		    "\"%s\" in %s seems to end in a comment; comments stand on lines of their own",
		    setting->key, parse->title);
	return 0;
}

static int take_pair(void *arg, int line, const char *key, const char *value, struct err *err)
{
	struct parse *parse = arg;
	const struct setting *setting;

	if (!parse->section)
		return wrong(parse, line, err,
		    "\"%.60s\" stands before the first section, for example [archive]", key);
	setting = table_setting(parse->section, key);
	if (!setting)
		return unknown_key(parse, line, key, err);
	if (check_pair(parse, setting, line, value, err) != 0)
		return -1;
	if (value_set(setting, value, parse->record, err) != 0)
		return err_add(
		    err, "%s:%d: \"%s\" in %s", parse->settings->path, line, key, parse->title);
	parse->given_line[setting - parse->section->setting] = line;
	if (setting->kind == SETTING_NAME)
		parse->account_line[parse->settings->rule_count - 1] = line;
	return 0;
}

/* The whole. */

static const char *nearest_account(const struct settings *settings, const char *wrong_name)
{
	const char **names = mem_zero(settings->account_count, sizeof *names), *nearest;

	for (size_t i = 0; i < settings->account_count; i++)
		names[i] = settings->account[i].name;
	nearest = settings_nearest(wrong_name, names, settings->account_count);
	free(names);
	return nearest;
}

static int check_rules(struct parse *parse, struct err *err)
{
	const struct settings *settings = parse->settings;

	for (size_t i = 0; i < settings->rule_count; i++) {
		const struct settings_rule *rule = &settings->rule[i];
		char *more;

		if (!rule->account || settings_account(settings, rule->account))
			continue;
		more = hint(nearest_account(settings, rule->account));
		wrong(parse, parse->account_line[i], err,
		    "[rule %s] is for account \"%s\", which has no section%s", rule->name,
		    rule->account, more);
		free(more);
		return -1;
	}
	return 0;
}

static int complete_file(struct parse *parse, struct err *err)
{
	if (complete_section(parse, err) != 0)
		return -1;
	if (parse->archive_line == 0)
		return wrong(parse, 1, err,
		    "the file has no [archive] section with the archive's path, for example path = "
		    "~/Mail/archive; \"mailcask init\" writes one");
	return check_rules(parse, err);
}

int settings_parse(struct settings **out, struct bytes text, const char *path, struct err *err)
{
	static const struct reader_calls calls = {.section = take_section, .pair = take_pair};
	struct parse parse = {.settings = mem_zero(1, sizeof *parse.settings)};
	int result = -1;

	parse.settings->path = mem_string(path);
	if (reader_run(text, path, &calls, &parse, err) == 0)
		result = complete_file(&parse, err);
	if (result == 0)
		*out = parse.settings;
	else
		settings_free(parse.settings);
	free(parse.title);
	free(parse.account_line);
	return result;
}

int settings_read(struct settings **out, const char *path, struct err *err)
{
	struct err why = {0};
	struct buf text;
	int result;

	buf_init(&text, FILE_BYTES_MAX);
	if (file_read_all(path, &text, &why) == 0)
		result = settings_parse(out, buf_view(&text), path, err);
	else if (why.code == ERR_ABSENT)
		result = err_set(err, ERR_CONFIG,
		    "%s does not exist; run \"mailcask init\" to write it, or name another with -c",
		    path);
	else
		result = err_set(err, ERR_CONFIG, "%s", why.text);
	buf_release(&text);
	return result;
}

void settings_free(struct settings *settings)
{
	if (!settings)
		return;
	value_release(&table[SECTION_ARCHIVE], &settings->archive);
	for (size_t i = 0; i < settings->account_count; i++) {
		value_release(&table[SECTION_ACCOUNT], &settings->account[i]);
		free(settings->account[i].name);
		free(settings->account[i].host);
	}
	for (size_t i = 0; i < settings->rule_count; i++) {
		value_release(&table[SECTION_RULE], &settings->rule[i]);
		free(settings->rule[i].name);
	}
	free(settings->account);
	free(settings->rule);
	free(settings->path);
	free(settings);
}

/* The XDG Base Directory Specification has relative values ignored. */
char *settings_default_path(void)
{
	const char *folder = getenv("XDG_CONFIG_HOME");

	if (folder && folder[0] == '/')
		return file_join(folder, "mailcask/config");
	return file_expand_home("~/.config/mailcask/config");
}
