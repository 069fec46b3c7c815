/* Owns:  the connection, its input, the response that is being read.
 * Knows: how responses are put together from lines and literals, and commands answered.
 * Never: goes on after something it could not follow; reads a message's text as protocol.
 * Spec:  RFC 9051 sections 2.2, 4.3, 7; departures in VIOLATIONS.md */
#include "archiver/endpoint/imap_session.h"

#include "archiver/endpoint/backoff.h"
#include "archiver/endpoint/budget.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define IN_BYTES            (256u << 10)
#define CONNECT_TIMEOUT_S   30
#define MAX_MESSAGE_DEFAULT ((uint64_t)2 << 30)
#define THROTTLED_MS        1000
#define THROTTLED_MOST_MS   30000
#define SLOWEST_BYTES_S     256 /* of one response, once two timeouts have passed */

/* The host of imaps://host[:port], or of imaps://[address]:port. */
static struct bytes host_of(const char *url)
{
	const char *start = strstr(url, "://");
	struct bytes host;

	start = start ? start + 3 : url;
	host = (struct bytes){start, strcspn(start, ":/")};
	if (start[0] == '[')
		host = (struct bytes){start + 1, strcspn(start + 1, "]")};
	return host;
}

/* What the words of a refused login mean, and what may help. */
static void explain_login(const struct imap_session *session, const char *said, struct err *err)
{
	enum refusal refusal = refusal_of_login(bytes_of(said));
	const char *advice;
	size_t n;

	/* One that ends the connection, whatever it says of the credentials but that. */
	if (err->code == ERR_NETWORK && refusal == REFUSAL_PASSWORD &&
	    !strcasestr(said, "[AUTHENTICATIONFAILED]"))
		refusal = REFUSAL_PASSES;
	if (refusal_passes(refusal)) {
		err_set(err, ERR_SERVER, "the server does not let us in now: %s", said);
		err_class(err, RETRY_LATER, SCOPE_ACCOUNT);
		return;
	}
	if (err->code != ERR_LOGIN)
		err_set(err, ERR_LOGIN, "%s", said);
	advice = provider_advice(session->provider, bytes_of(said));
	n = strlen(err->text);
	if (advice[0])
		snprintf(err->text + n, sizeof err->text - n, " (%s)", advice);
}

int imap_session_open(
    struct imap_session *session, const struct endpoint_options *options, struct err *err)
{
	char said[NET_SAID_BYTES] = "";
	struct err why = {0};
	struct net_options net = {.url = options->url,
	    .user = options->user,
	    .password = options->password,
	    .ca_file = options->tls_ca,
	    .pin = options->tls_pin,
	    .connect_timeout_s = CONNECT_TIMEOUT_S,
	    .idle_timeout_s = options->timeout_s,
	    .stop = options->stop,
	    .said = said};
	uint32_t random;
	int i;

	session->in = mem_alloc(IN_BYTES);
	buf_init(&session->line, RESPONSE_SET_BYTES);
	response_text_init(&session->text);
	buf_init(&session->selected, 4096);
	buf_init(&session->permanent, RESPONSE_LINE_BYTES);
	buf_init(&session->prefix, 4096);
	buf_init(&session->host, 4096);
	buf_init(&session->id_name, 4096);
	buf_init(&session->id_version, 4096);
	buf_init(&session->capabilities, RESPONSE_LINE_BYTES);
	buf_bytes(&session->host, host_of(options->url));
	session->provider = provider_find(buf_view(&session->host), BYTES(""), BYTES(""));
	session->stop = options->stop;
	session->budget = options->budget;
	session->max_message_bytes =
	    options->max_message_bytes ? options->max_message_bytes : MAX_MESSAGE_DEFAULT;
	session->timeout_s = options->timeout_s;
	if (getrandom(&random, sizeof random, 0) != sizeof random)
		random = (uint32_t)(uintptr_t)session;
	for (i = 0; i < 6; i++, random /= 26)
		session->tag_letters[i] = (char)('A' + random % 26);
	if (net_open(&session->net, &net, &why) == 0)
		return 0;
	if (said[0])
		explain_login(session, said, &why);
	if (err)
		*err = why;
	return -1;
}

void imap_session_close(struct imap_session *session)
{
	struct imap_tag tag;

	/* A good-bye, and no waiting for what it says to that. */
	if (session->net && !session->is_broken)
		(void)imap_command(session, &tag, NULL, "LOGOUT");
	net_close(session->net);
	free(session->in);
	buf_release(&session->line);
	response_text_release(&session->text);
	buf_release(&session->selected);
	buf_release(&session->permanent);
	buf_release(&session->prefix);
	buf_release(&session->host);
	buf_release(&session->id_name);
	buf_release(&session->id_version);
	buf_release(&session->capabilities);
}

static int broken(struct imap_session *session)
{
	session->is_broken = true;
	return -1;
}

/* ---- commands ---- */

void imap_make_tag(struct imap_session *session, struct imap_tag *out)
{
	snprintf(out->text, sizeof out->text, "%s%u", session->tag_letters, ++session->tag_number);
}

int imap_send(struct imap_session *session, struct bytes data, struct err *err)
{
	if (session->is_broken)
		return err_set(err, ERR_NETWORK, "the connection is broken");
	if (net_send(session->net, data.p, data.n, err) == 0)
		return 0;
	return broken(session);
}

static int send_command(struct imap_session *session, struct imap_tag *tag_out, struct err *err,
    const char *format, va_list args) __attribute__((format(printf, 4, 0)));

static int send_command(struct imap_session *session, struct imap_tag *tag_out, struct err *err,
    const char *format, va_list args)
{
	struct buf command;
	int result;

	imap_make_tag(session, tag_out);
	buf_init(&command, 4 * IMAP_COMMAND_BYTES);
	buf_text(&command, tag_out->text);
	buf_char(&command, ' ');
	buf_format_v(&command, format, args);
	buf_text(&command, "\r\n");
	if (command.overflow)
		result = err_set(err, ERR_BUG, "an IMAP command is too long");
	else
		result = imap_send(session, buf_view(&command), err);
	buf_release(&command);
	return result;
}

int imap_command(struct imap_session *session, struct imap_tag *tag_out, struct err *err,
    const char *format, ...)
{
	va_list args;
	int result;

	va_start(args, format);
	result = send_command(session, tag_out, err, format, args);
	va_end(args);
	return result;
}

int imap_command_unawaited(struct imap_session *session, struct err *err, const char *format, ...)
{
	struct imap_tag tag;
	va_list args;
	int result;

	if (session->unawaited_count == IMAP_UNAWAITED)
		return err_set(err, ERR_BUG, "too many IMAP commands that nobody waits for");
	va_start(args, format);
	result = send_command(session, &tag, err, format, args);
	va_end(args);
	if (result == 0)
		session->unawaited[session->unawaited_count++] = tag;
	return result;
}

/* ---- input ---- */

/* A server that sends a byte now and then is never silent, and never done. */
static int check_pace(const struct imap_session *session, struct err *err)
{
	uint64_t s = (clock_monotonic_ms() - session->response_ms) / 1000;

	if (s <= 2 * (uint64_t)session->timeout_s + session->response_bytes / SLOWEST_BYTES_S)
		return 0;
	return err_set(err, ERR_NETWORK,
	    "the server is too slow: %llu bytes of one response in %llu seconds",
	    (unsigned long long)session->response_bytes, (unsigned long long)s);
}

static int fill(struct imap_session *session, struct err *err)
{
	ssize_t got;

	if (session->in_at < session->in_end)
		return 0;
	got = check_pace(session, err);
	if (got == 0)
		got = net_receive(session->net, session->in, IN_BYTES, err);
	if (got < 0)
		return broken(session);
	budget_spend(session->budget, (uint64_t)got);
	session->response_bytes += (uint64_t)got;
	session->in_at = 0;
	session->in_end = (size_t)got;
	return 0;
}

/* A line without its CRLF (or bare LF); a view that is good until the next. */
static int read_line(struct imap_session *session, struct bytes *out, struct err *err)
{
	buf_clear(&session->line);
	for (;;) {
		const char *start, *end;
		size_t have;

		if (fill(session, err) != 0)
			return -1;
		start = session->in + session->in_at;
		have = session->in_end - session->in_at;
		end = memchr(start, '\n', have);
		buf_add(&session->line, start, end ? (size_t)(end - start) : have);
		session->in_at += end ? (size_t)(end - start) + 1 : have;
		if (session->line.overflow) {
			err_set(err, ERR_PROTOCOL, "the server sent a line of more than %u bytes",
			    RESPONSE_SET_BYTES);
			return broken(session);
		}
		if (end)
			break;
	}
	*out = buf_view(&session->line);
	if (out->n > 0 && out->p[out->n - 1] == '\r')
		out->n--;
	return 0;
}

typedef int (*piece_fn)(void *arg, const void *data, size_t bytes, struct err *err);

static int read_pieces(
    struct imap_session *session, uint64_t bytes, piece_fn fn, void *arg, struct err *err)
{
	while (bytes > 0) {
		size_t have;

		if (fill(session, err) != 0)
			return -1;
		have = session->in_end - session->in_at;
		if (have > bytes)
			have = (size_t)bytes;
		if (fn && fn(arg, session->in + session->in_at, have, err) != 0)
			return broken(session); /* in the middle of a literal */
		session->in_at += have;
		bytes -= have;
	}
	return 0;
}

static int keep_piece(void *arg, const void *data, size_t bytes, struct err *err)
{
	(void)err;
	buf_add(arg, data, bytes);
	return 0;
}

/* A literal that belongs to the response: a name, a header. One that is larger than any of
 * these should be is passed over, and its item is not there. */
static int keep_literal(struct imap_session *session, uint64_t bytes, struct err *err)
{
	struct buf kept;
	int result = -1;

	if (bytes > session->max_message_bytes) {
		err_set(err, ERR_PROTOCOL, "the server announced a literal of %llu bytes",
		    (unsigned long long)bytes);
		return broken(session);
	}
	if (bytes > RESPONSE_LITERAL_BYTES) {
		if (read_pieces(session, bytes, NULL, NULL, err) != 0)
			return -1;
		response_text_streamed(&session->text);
		return 0;
	}
	buf_init(&kept, RESPONSE_LITERAL_BYTES);
	if (read_pieces(session, bytes, keep_piece, &kept, err) == 0) {
		result = response_text_literal(&session->text, buf_view(&kept), err);
		if (result != 0)
			broken(session);
	}
	buf_release(&kept);
	return result;
}

/* The text of a message: to whoever wants it. */
static int stream_literal(
    struct imap_session *session, const struct imap_body *body, uint64_t bytes, struct err *err)
{
	if (bytes > session->max_message_bytes) {
		err_set(err, ERR_LIMIT, "a message of %llu bytes is larger than max-message",
		    (unsigned long long)bytes);
		return broken(session);
	}
	if (body && body->begin && body->begin(body->arg, bytes, err) != 0)
		return broken(session);
	if (read_pieces(session, bytes, body ? body->data : NULL, body ? body->arg : NULL, err) !=
	    0)
		return -1;
	if (body && body->end && body->end(body->arg, err) != 0)
		return broken(session);
	response_text_streamed(&session->text);
	return 0;
}

static void note_exists(struct imap_session *session, const struct response *response)
{
	if (response->kind == RESPONSE_EXISTS) {
		session->exists = response->number;
		session->has_exists = true;
	} else if (response->kind == RESPONSE_EXPUNGE && session->exists > 0) {
		session->exists--;
	}
}

/* The folder that is open was numbered anew: no UID that we know means anything in it. */
static int check_uidvalidity(
    struct imap_session *session, const struct response *response, struct err *err)
{
	uint64_t number;

	if (session->selected.n == 0 || !bytes_is_nocase(response->code, "UIDVALIDITY") ||
	    (response_code_number(response, &number) && number == session->state.uidvalidity))
		return 0;
	err_set(err, ERR_PROTOCOL,
	    "the folder was numbered anew (UIDVALIDITY %.*s) while it was open",
	    (int)response->code_argument.n, response->code_argument.p);
	return broken(session);
}

/* Who is asked for less must not come again at once. */
static int give_time(const struct imap_session *session, struct bytes words, struct err *err)
{
	uint64_t ms = backoff_ms(THROTTLED_MS, THROTTLED_MS, 1, backoff_random());
	uint64_t asked_ms = refusal_wait_ms(words);

	if (asked_ms > ms && asked_ms <= THROTTLED_MOST_MS)
		ms = asked_ms;
	return backoff_wait(ms, session->stop, err);
}

/* BYE: nothing will come any more, with a tag or without. */
static int said_bye(struct imap_session *session, const struct response *response, struct err *err)
{
	struct buf words;

	buf_init(&words, 400);
	utf8_print(&words, response->human, 0);
	err_set(err, ERR_NETWORK, "the server ended the connection: %s", buf_string(&words));
	if (refusal_of_command(buf_view(&words)) == REFUSAL_THROTTLED)
		(void)give_time(session, buf_view(&words), err);
	buf_release(&words);
	return broken(session);
}

static bool has_word(struct bytes list, const char *word)
{
	while (list.n > 0) {
		size_t n = 0;

		while (n < list.n && list.p[n] != ' ')
			n++;
		if (bytes_is_nocase((struct bytes){list.p, n}, word))
			return true;
		list = bytes_from(list, n + 1);
	}
	return false;
}

/* The end of a command that nobody waits for: not a matter of whoever reads. */
static bool is_unawaited(struct imap_session *session, const struct response *response)
{
	if (session->unawaited_count == 0 || !imap_is_tag(response, &session->unawaited[0]))
		return false;
	session->unawaited_count--;
	memmove(session->unawaited, session->unawaited + 1,
	    session->unawaited_count * sizeof *session->unawaited);
	return true;
}

static int read_response(struct imap_session *session, const struct imap_body *body,
    struct response *out, struct err *err)
{
	struct bytes line;
	int got;

	if (session->is_broken)
		return err_set(err, ERR_NETWORK, "the connection is broken");
	response_text_clear(&session->text);
	session->response_ms = clock_monotonic_ms();
	session->response_bytes = 0;
	for (;;) {
		if (read_line(session, &line, err) != 0)
			return -1;
		got = response_text_line(&session->text, line, err);
		if (got < 0) {
			/* Not a matter of the message that happens to be asked for. */
			err_class(err, RETRY_LATER, SCOPE_ACCOUNT);
			return broken(session);
		}
		if (got == 1)
			break;
		got = response_text_is_body(&session->text)
		    ? stream_literal(session, body, session->text.pending_bytes, err)
		    : keep_literal(session, session->text.pending_bytes, err);
		if (got != 0)
			return -1;
	}
	if (response_parse(&session->text, out, err) != 0)
		return broken(session);
	if (out->kind == RESPONSE_STATUS && out->condition == CONDITION_BYE)
		return said_bye(session, out, err);
	note_exists(session, out);
	if (out->kind == RESPONSE_ENABLED && has_word(out->list, "QRESYNC"))
		session->has_qresync = true;
	return check_uidvalidity(session, out, err);
}

int imap_read(struct imap_session *session, const struct imap_body *body, struct response *out,
    struct err *err)
{
	do {
		if (read_response(session, body, out, err) != 0)
			return -1;
	} while (is_unawaited(session, out));
	return 0;
}

/* ---- answers ---- */

bool imap_is_tag(const struct response *response, const struct imap_tag *tag)
{
	return response->kind == RESPONSE_TAGGED && bytes_is(response->tag, tag->text);
}

/* What the server wrote, made fit for a terminal. */
static void copy_words(char *out, size_t room, struct bytes words)
{
	struct buf clean;

	buf_init(&clean, 4096);
	utf8_print(&clean, words, 200);
	snprintf(out, room, "%s", buf_string(&clean));
	buf_release(&clean);
}

void imap_take_result(const struct response *response, struct imap_result *result)
{
	memset(result, 0, sizeof *result);
	result->ok = response->condition == CONDITION_OK;
	result->bad = response->condition == CONDITION_BAD;
	copy_words(result->code, sizeof result->code, response->code);
	copy_words(result->reason, sizeof result->reason, response->human);
}

int imap_await_body(struct imap_session *session, const struct imap_tag *tag,
    const struct imap_body *body, imap_handler handler, void *arg, struct imap_result *result,
    struct err *err)
{
	struct response response;

	for (;;) {
		if (imap_read(session, body, &response, err) != 0)
			return -1;
		if (handler && response.kind != RESPONSE_TAGGED &&
		    handler(arg, &response, err) != 0)
			return broken(session); /* the rest of the answer is still to come */
		if (response.kind != RESPONSE_TAGGED)
			continue;
		if (!imap_is_tag(&response, tag)) {
			err_set(err, ERR_PROTOCOL, "the server answered a command out of turn");
			return broken(session);
		}
		/* The handler sees the tagged reply too: codes may stand in it. */
		if (handler && response.condition == CONDITION_OK &&
		    handler(arg, &response, err) != 0)
			return -1;
		imap_take_result(&response, result);
		return imap_is_logged_out(session, result, err) ? -1 : 0;
	}
}

int imap_await(struct imap_session *session, const struct imap_tag *tag, imap_handler handler,
    void *arg, struct imap_result *result, struct err *err)
{
	return imap_await_body(session, tag, NULL, handler, arg, result, err);
}

enum refusal imap_refusal(const struct imap_result *result)
{
	char said[sizeof result->code + sizeof result->reason + 4];

	if (result->ok)
		return REFUSAL_OTHER;
	snprintf(said, sizeof said, "[%s] %s", result->code, result->reason);
	return refusal_of_command(bytes_of(said));
}

bool imap_is_logged_out(
    struct imap_session *session, const struct imap_result *result, struct err *err)
{
	if (imap_refusal(result) != REFUSAL_SESSION)
		return false;
	err_set(err, ERR_NETWORK, "the server ended the session: %s%s%s%s",
	    result->code[0] ? "[" : "", result->code, result->code[0] ? "] " : "", result->reason);
	session->is_broken = true;
	return true;
}

int imap_refused(const struct imap_result *result, const char *what, struct err *err)
{
	enum refusal refusal = imap_refusal(result);

	err_set(err, ERR_SERVER, "%s: the server says %s%s%s%s: %s%s", what,
	    result->bad ? "BAD" : "NO", result->code[0] ? " [" : "", result->code,
	    result->code[0] ? "]" : "", result->reason,
	    refusal == REFUSAL_THROTTLED ? "; it wants to be asked less: try again in some minutes"
					 : "");
	/* One that is throttled is so with the next folder, too. */
	err_class(err, refusal_passes(refusal) ? RETRY_LATER : RETRY_NEVER,
	    refusal == REFUSAL_THROTTLED ? SCOPE_ACCOUNT : SCOPE_FOLDER);
	return -1;
}

int imap_do(struct imap_session *session, imap_handler handler, void *arg, struct err *err,
    const char *format, ...)
{
	struct imap_result result;
	struct imap_tag tag;
	char what[64];
	va_list args;
	int sent;

	va_start(args, format);
	sent = send_command(session, &tag, err, format, args);
	va_end(args);
	if (sent != 0 || imap_await(session, &tag, handler, arg, &result, err) != 0)
		return -1;
	if (result.ok)
		return 0;
	/* The command's words, without arguments that came from outside. */
	snprintf(what, sizeof what, "%.*s", (int)strcspn(format, "%(\""), format);
	while (what[0] && what[strlen(what) - 1] == ' ')
		what[strlen(what) - 1] = '\0';
	return imap_refused(&result, what, err);
}
