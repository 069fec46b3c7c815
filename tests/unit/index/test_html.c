#include "tests/unit/suite.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "index/html.h"

#include <string.h>
#include <unistd.h>

static void expect_bytes(struct bytes html, const char *expected)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	buf_text(&out, "before ");
	html_text(&out, html);
	ck_assert_str_eq(buf_string(&out) + strlen("before "), expected);
	ck_assert(utf8_valid(buf_view(&out)));
	buf_release(&out);
}

static void expect(const char *html, const char *expected)
{
	expect_bytes(bytes_of(html), expected);
}

START_TEST(text_is_what_stands_between_tags)
{
	expect("", "");
	expect("just text", "just text");
	expect("<p>one <b>t</b>wo</p>", "one two");
	expect("<html><head><title>T</title></head><body>x</body></html>", "T\nx");
	expect("a &amp; b &lt;c&gt; &euro;&#8364;&#x20ac;",
	    "a & b <c> \xe2\x82\xac\xe2\x82\xac\xe2\x82\xac");
	expect("1 < 2 &unknown; & done", "1 < 2 &unknown; & done");
	expect("n\xc3\xa4h", "n\xc3\xa4h");
}
END_TEST

START_TEST(blanks_run_together)
{
	expect("  one \t\r\n two  ", "one two");
	expect("one&nbsp;\xc2\xa0 two", "one two");
	expect("one <b> two</b>", "one two");
	expect("<p> </p><p>\n</p>x<p> </p>", "x");
}
END_TEST

START_TEST(blocks_and_breaks_become_newlines)
{
	expect("<p>one</p><p>two</p>", "one\ntwo");
	expect("<div><div>one</div></div><div>two</div>", "one\ntwo");
	expect("one<br>two<br/>three", "one\ntwo\nthree");
	expect("one<br><br>two<br><br><br>three", "one\n\ntwo\n\nthree");
	expect("<h1>one</h1>two<ul><li>three<li>four</ul>", "one\ntwo\nthree\nfour");
	expect("<table><tr><td>a</td><td>b</td></tr><tr><th>c<td>d</table>", "a b\nc d");
	expect("<pre>one\n  two\n</pre>three", "one\ntwo\nthree");
	expect("one\ntwo", "one two");
}
END_TEST

START_TEST(what_no_reader_sees_is_left_out)
{
	expect("<script>var x = '<p>no</p>';</script>yes", "yes");
	expect("<style>p { color: red }</style>yes", "yes");
	expect("<template><p>no</p></template>yes", "yes");
	expect("<head><meta name=a content=no><title>T</title><style>no</style></head>", "T");
	expect("<!-- no <p>no</p> -->yes", "yes");
	expect("<div hidden>no <b>no</b></div><p hidden=\"\">no</p>yes", "yes");
	expect("<div style=\"color:red; DISPLAY : none !important\">no<br>no</div>yes", "yes");
	expect("<div style='display:block'>yes</div>", "yes");
	expect("<div style=display:none><div>no</div>no</div><i>yes</i>", "yes");
	expect("<img hidden alt=no><input type=hidden value=no>yes", "yes");
}
END_TEST

START_TEST(conditional_comments_of_outlook_are_left_out)
{
	expect("<!--[if gte mso 9]><xml>no</xml><![endif]-->yes", "yes");
	expect("<![if !supportLists]>yes<![endif]>", "yes");
	expect("<!--[if !mso]><!-->yes<!--<![endif]-->", "yes");
	expect("a<!VR>b<!>c", "abc");
	expect("a <! b", "a <! b");
}
END_TEST

START_TEST(images_give_their_alternative_text)
{
	expect("<img src=x alt=\"Our  logo\">Welcome", "Our logo Welcome");
	expect("a<img src=x alt=''>b<img src=x>c", "a bc");
	expect("<img alt='&lt;x&gt;'>", "<x>");
}
END_TEST

START_TEST(links_keep_their_targets)
{
	expect("<a href='https://x.example/y'>click <b>here</b></a>!",
	    "click here <https://x.example/y>!");
	expect("<a href=HTTP://x.example/>x</a>", "x <HTTP://x.example/>");
	expect("<a href='mailto:bob@x.example'>Bob</a>", "Bob <mailto:bob@x.example>");
	expect("<a href='https://x.example/y'><img src=z></a>", "<https://x.example/y>");
	expect("<a href=' https://x.example/\ny '>z</a>", "z <https://x.example/y>");
	expect("<a href='https://a.example'>a<a href='https://b.example'>b</a>",
	    "a <https://a.example>b <https://b.example>");
	expect("<a href='https://a.example'>never closed", "never closed <https://a.example>");
}
END_TEST

START_TEST(a_target_that_is_its_text_is_not_repeated)
{
	expect("<a href='https://x.example/'>https://x.example/</a>", "https://x.example/");
	expect("<a href='https://x.example/'>X.example</a>", "X.example");
	expect("<a href='mailto:bob@x.example'>bob@x.example</a>", "bob@x.example");
	expect("<p>see <a href='http://x.example'>\nx.example </a></p>", "see x.example");
}
END_TEST

START_TEST(other_targets_are_not_kept)
{
	expect("<a href='#top'>top</a> <a name=x>x</a> <a href='javascript:y()'>y</a>", "top x y");
	expect("<a href='cid:z'>z</a> <a href=''>e</a> <a href>f</a>", "z e f");
	expect("<a hidden href='http://no.example'>no</a>yes", "yes");
}
END_TEST

START_TEST(a_target_of_any_length_is_no_trouble)
{
	struct buf html;

	buf_init(&html, 1 << 20);
	buf_text(&html, "<a href='http://x.example/");
	for (int i = 0; i < 10000; i++)
		buf_text(&html, "long");
	buf_text(&html, "'>x</a>");
	expect_bytes(buf_view(&html), "x");
	buf_release(&html);
}
END_TEST

START_TEST(broken_html_gives_what_can_be_read)
{
	expect("<p>one<p>two</b></i><div>three", "one\ntwo\nthree");
	expect("one</body></html>two<b>three</b>", "one\ntwothree");
	expect("<html><body>one</body></html>\n<html><body>two</body></html>", "one\ntwo");
	expect("<b", "");
	expect("one<b", "one");
	expect("one</", "one");
	expect("one<a href='http", "one");
	expect("one<!--two", "one");
	expect("<b <i>x", "x");
}
END_TEST

START_TEST(any_bytes_are_taken)
{
	expect_bytes(BYTES("a\0b"),
	    "a\xef\xbf\xbd"
	    "b");
	expect_bytes(BYTES("a\xff<p>b\xe4"), "a\xef\xbf\xbd\nb\xef\xbf\xbd");
	expect_bytes(BYTES("\xef\xbb\xbf<p>x"), "x");
	expect_bytes(BYTES("<meta charset=utf-16><p>n\xc3\xa4h"), "n\xc3\xa4h");
	expect_bytes(
	    BYTES("<?xml version='1.0' encoding='iso-8859-1'?><p>n\xc3\xa4h"), "n\xc3\xa4h");
	expect("a&#0;b&#27;c&#xd800;d", "abcd");
}
END_TEST

/* Nothing from outside: the file is there, and stays unread. */
START_TEST(entities_from_outside_are_not_read)
{
	char *html = mem_string("<!DOCTYPE html SYSTEM \"file:///etc/hostname\" [<!ENTITY x SYSTEM "
				"\"file:///etc/hostname\">]><p>&x;</p>");
	char host[256] = "";
	struct buf out;

	ck_assert_int_eq(gethostname(host, sizeof host - 1), 0);
	buf_init(&out, 1 << 16);
	html_text(&out, bytes_of(html));
	ck_assert_ptr_nonnull(strstr(buf_string(&out), "&x;"));
	ck_assert_ptr_null(strstr(buf_string(&out), host));
	buf_release(&out);
	free(html);
}
END_TEST

START_TEST(nothing_is_written_to_standard_error)
{
	int saved = dup(2), pipes[2];
	char c;

	ck_assert_int_eq(pipe(pipes), 0);
	dup2(pipes[1], 2);
	expect("<p <<</x>&nope;<!DOCTYPE x><b></i>\x01", "&nope;");
	dup2(saved, 2);
	close(pipes[1]);
	ck_assert_int_eq(read(pipes[0], &c, 1), 0);
	close(pipes[0]);
	close(saved);
}
END_TEST

START_TEST(the_ceiling_of_the_buffer_cuts)
{
	struct buf out;

	buf_init(&out, 12);
	html_text(&out, BYTES("<p>one</p><p>seventeen</p><p>two</p>"));
	ck_assert(out.overflow);
	ck_assert(bytes_starts(buf_view(&out), "one"));
	ck_assert_ptr_null(strstr(buf_string(&out), "two"));
	buf_release(&out);
}
END_TEST

/* Every text of a page that nests 100,000 deep, in order. */
START_TEST(depth_is_bounded_and_loses_no_text)
{
	static const char *const tags[] = {"<b>", "<div>", "<font color=red>", "<table><tr><td>"};

	for (size_t t = 0; t < 4; t++) {
		struct buf html, out;
		const char *at;
		char word[32];

		buf_init(&html, 1 << 24);
		buf_init(&out, 1 << 24);
		for (int i = 0; i < 100000; i++)
			buf_format(&html, "%sw%d ", tags[t], i);
		html_text(&out, buf_view(&html));
		at = buf_string(&out);
		for (int i = 0; i < 100000; i++) {
			snprintf(word, sizeof word, "w%d", i);
			ck_assert_msg(strncmp(at, word, strlen(word)) == 0, "%s", word);
			at += strlen(word);
			at += strspn(at, " \n");
		}
		ck_assert_str_eq(at, "");
		buf_release(&html);
		buf_release(&out);
	}
}
END_TEST

/* A piece many times over, and "end" behind it; each took minutes in some parser. */
static void expect_end(const char *start, const char *piece, bool is_seen)
{
	struct buf html, out;
	struct bytes last;

	buf_init(&html, 1 << 24);
	buf_init(&out, 1 << 24);
	buf_text(&html, start);
	for (int i = 0; html.n < 2 * 1024 * 1024; i++)
		buf_format(&html, "%s%d ", piece, i);
	buf_text(&html, "><p>end");
	html_text(&out, buf_view(&html));
	last = bytes_from(buf_view(&out), out.n > 30 ? out.n - 30 : 0);
	ck_assert_msg(!is_seen || memmem(last.p, last.n, "end", 3), "%s", piece);
	buf_release(&html);
	buf_release(&out);
}

START_TEST(junk_of_megabytes_is_read_in_a_moment)
{
	expect_end("<a ", "x", true);
	expect_end("<p><p y='<!' ", "x=y z", true);
	expect_end("<a href='", "x", false);
	expect_end("<!--", "<!-- ", false);
	expect_end("", "</html>", true);
	expect_end("", "<form><p><a href=http://x.example>", true);
	expect_end("", "&", true);
	expect_end("", "</", true);
	expect_end("", "<b></i></u>", true);
	expect_end("", "<select><option>", true);
}
END_TEST

/* A picture in an attribute is no reason to lose the tag. */
START_TEST(a_tag_of_a_megabyte_is_read)
{
	struct buf html;

	buf_init(&html, 1 << 24);
	buf_text(&html, "<p>one<img alt=two src=\"data:image/png;base64,");
	while (html.n < 1024 * 1024)
		buf_text(&html, "QUJD/+");
	buf_text(&html, "\">three");
	expect_bytes(buf_view(&html), "one two three");
	buf_release(&html);
}
END_TEST

SUITE(text_is_what_stands_between_tags, blanks_run_together, blocks_and_breaks_become_newlines,
    what_no_reader_sees_is_left_out, conditional_comments_of_outlook_are_left_out,
    images_give_their_alternative_text, links_keep_their_targets,
    a_target_that_is_its_text_is_not_repeated, other_targets_are_not_kept,
    a_target_of_any_length_is_no_trouble, broken_html_gives_what_can_be_read, any_bytes_are_taken,
    entities_from_outside_are_not_read, nothing_is_written_to_standard_error,
    the_ceiling_of_the_buffer_cuts, depth_is_bounded_and_loses_no_text,
    junk_of_megabytes_is_read_in_a_moment, a_tag_of_a_megabyte_is_read)
