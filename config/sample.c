/* Owns:  nothing; appends to the caller's buffer.
 * Knows: how the table is shown: as a file to edit, and as a list to read. */
#include "config/settings.h"
#include "config/table.h"

#include <string.h>

#define COLUMNS 80

/* Text in lines of at most COLUMNS, each behind the prefix. */
static void put_wrapped(struct buf *out, const char *prefix, const char *text)
{
	size_t used = 0;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (used > 0 && used + 1 + word > COLUMNS) {
			buf_char(out, '\n');
			used = 0;
		}
		if (used == 0) {
			buf_text(out, prefix);
			used = strlen(prefix);
		} else {
			buf_char(out, ' ');
			used++;
		}
		buf_add(out, text, word);
		used += word;
		text += word + strspn(text + word, " ");
	}
	buf_char(out, '\n');
}

/* What the table says beside the meaning. */
static void put_limits(struct buf *out, const struct setting *setting)
{
	if (setting->need == SETTING_REQUIRED)
		buf_text(out, " Required.");
	if (setting->need == SETTING_ONE_OF)
		buf_text(out,
		    " Exactly one of password-command, password-file and password-env stands "
		    "here.");
	if (setting->least)
		buf_format(out, " From %s to %s.", setting->least, setting->most);
	if (setting->fallback)
		buf_format(out, " Default: %s.", setting->fallback);
}

static void put_setting(struct buf *out, const struct setting *setting, const char *prefix)
{
	struct buf text;

	buf_init(&text, 4096);
	buf_text(&text, setting->meaning);
	put_limits(&text, setting);
	put_wrapped(out, prefix, buf_string(&text));
	buf_release(&text);
}

/* In the sample a key is commented out unless it must be there. */
static bool is_commented(const struct section *section, size_t at)
{
	const struct setting *setting = &section->setting[at];

	if (section->is_commented || setting->need == SETTING_OPTIONAL)
		return true;
	return setting->need == SETTING_ONE_OF && at > 0 &&
	    section->setting[at - 1].need == SETTING_ONE_OF;
}

static void put_header(struct buf *out, const struct section *section)
{
	buf_format(out, "[%s%s%s]\n", section->name, section->example_name ? " " : "",
	    section->example_name ? section->example_name : "");
}

static void put_sample_section(struct buf *out, const struct section *section)
{
	buf_char(out, '\n');
	put_wrapped(out, "# ", section->meaning);
	buf_text(out, section->is_commented ? "#" : "");
	put_header(out, section);
	for (size_t i = 0; i < section->setting_count; i++) {
		const struct setting *setting = &section->setting[i];

		buf_char(out, '\n');
		put_setting(out, setting, "# ");
		buf_format(out, "%s%s = %s\n", is_commented(section, i) ? "#" : "", setting->key,
		    setting->example);
	}
}

void settings_print_sample(struct buf *out)
{
	put_wrapped(out, "# ",
	    "The settings of mailcask, with all that there are. The file is "
	    "$XDG_CONFIG_HOME/mailcask/config, which is ~/.config/mailcask/config unless you "
	    "moved it; \"mailcask -c FILE\" takes another, and \"mailcask init\" writes a short "
	    "one for you.");
	buf_text(out, "#\n");
	put_wrapped(out, "# ",
	    "Sections and keys begin at the left margin, and a value ends with its line. Comments "
	    "stand on lines of their own, with # or ; at the start. Lines below that begin with # "
	    "and no blank show what need not be there. Sizes are in bytes or with K, M or G "
	    "(1024); "
	    "times "
	    "have a unit: s, m (minutes), h, d, w, mo (months) or y.");
	for (size_t i = 0; i < SECTION_KINDS; i++)
		put_sample_section(out, &table[i]);
}

void settings_print_help(struct buf *out)
{
	for (size_t i = 0; i < SECTION_KINDS; i++) {
		if (i > 0)
			buf_char(out, '\n');
		put_header(out, &table[i]);
		put_wrapped(out, "  ", table[i].meaning);
		for (size_t j = 0; j < table[i].setting_count; j++) {
			const struct setting *setting = &table[i].setting[j];

			buf_format(out, "\n  %s = %s\n", setting->key, setting->example);
			put_setting(out, setting, "      ");
		}
	}
}
