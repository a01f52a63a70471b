/* Replays the traces in golden/: each line of input, then exactly the actions that follow. The format is explained in
 * golden/README.md. APS_GOLDEN_WRITE=1 writes what the machine does into the files instead of comparing. */
#include "base/buf.h"
#include "base/mem.h"
#include "proto/realtime.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAX_SUBS 8

struct replay {
	struct aps_realtime_options options;
	struct aps_rand rand;
	struct aps_realtime *rt;
	int64_t now_ms;
	uint64_t started; /* the subscription that the present input starts */
	char ids[MAX_SUBS + 1][APS_UUID_CHARS + 1];
	struct aps_buf out;  /* the trace as it came out */
	struct aps_buf text; /* an input with its ids filled in */
};

static const char *golden_dir(void)
{
	static char dir[512];
	const char *slash = strrchr(__FILE__, '/');
	snprintf(dir, sizeof dir, "%.*s/golden", (int)(slash - __FILE__), __FILE__);
	return dir;
}

static char *read_whole(const char *path)
{
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	struct aps_buf buf;
	aps_buf_init(&buf, APS_BUF_ANY_SIZE);
	char chunk[4096];
	size_t n;
	while ((n = fread(chunk, 1, sizeof chunk, file)) > 0) aps_buf_add(&buf, chunk, n);
	fclose(file);
	return aps_buf_take(&buf, NULL);
}

/* Learns the id of the subscription that is being started, and writes known ids as $1, $2, … */
static void add_text(struct replay *p, struct aps_str text)
{
	const char *id = aps_str_find(text, "\"id\":\"");
	if (p->started != 0 && id != NULL && p->ids[p->started][0] == '\0')
		memcpy(p->ids[p->started], id + 6, APS_UUID_CHARS);
	for (size_t i = 0; i < text.n; i++) {
		size_t n = 0;
		for (int k = 1; k <= MAX_SUBS && n == 0; k++) {
			if (p->ids[k][0] == '\0' || text.n - i < APS_UUID_CHARS) continue;
			if (memcmp(text.p + i, p->ids[k], APS_UUID_CHARS) != 0) continue;
			aps_buf_addf(&p->out, "$%d", k);
			n = APS_UUID_CHARS;
		}
		if (n != 0)
			i += n - 1;
		else
			aps_buf_add_byte(&p->out, text.p[i]);
	}
}

static void add_err(struct replay *p, const struct aps_err *err)
{
	if (err == NULL) return;
	aps_buf_addf(&p->out, " %s", aps_rc_name(err->code));
	if (aps_err_word(err) != NULL) aps_buf_addf(&p->out, " word=%s", aps_err_word(err));
	if (err->native != 0) aps_buf_addf(&p->out, " native=%ld", err->native);
	if (err->retryable) aps_buf_add_text(&p->out, " retryable");
	aps_buf_addf(&p->out, " (%s)", err->msg);
}

static void add_action(struct replay *p, const struct aps_realtime_action *a)
{
	unsigned long long sub = (unsigned long long)a->sub;
	aps_buf_add_text(&p->out, "< ");
	switch (a->kind) {
	case APS_REALTIME_DO_CONNECT: aps_buf_add_text(&p->out, "connect"); break;
	case APS_REALTIME_DO_SEND:
		aps_buf_add_text(&p->out, "send ");
		add_text(p, a->text);
		break;
	case APS_REALTIME_DO_CLOSE:
		aps_buf_addf(&p->out, "close %d", a->code);
		if (a->text.n != 0) aps_buf_addf(&p->out, " %.*s", (int)a->text.n, a->text.p);
		break;
	case APS_REALTIME_DO_START: aps_buf_addf(&p->out, "start %llu", sub); break;
	case APS_REALTIME_SUB_STARTED: aps_buf_addf(&p->out, "started %llu%s", sub, a->is_again ? " again" : ""); break;
	case APS_REALTIME_SUB_DATA:
		aps_buf_addf(&p->out, "data %llu %.*s", sub, (int)a->payload.n, a->payload.p);
		break;
	case APS_REALTIME_SUB_RECONNECTING: aps_buf_addf(&p->out, "reconnecting %llu", sub); break;
	case APS_REALTIME_SUB_ENDED: aps_buf_addf(&p->out, "ended %llu", sub); break;
	case APS_REALTIME_AUTH_REFUSED: aps_buf_addf(&p->out, "auth_refused %llu", sub); break;
	case APS_REALTIME_STATE: aps_buf_addf(&p->out, "state %s", aps_conn_state_name(a->state)); break;
	case APS_REALTIME_NOTICE: aps_buf_addf(&p->out, "notice %.*s", (int)a->text.n, a->text.p); break;
	}
	add_err(p, a->err);
	aps_buf_add_byte(&p->out, '\n');
}

static void take_actions(struct replay *p)
{
	struct aps_realtime_action action;
	while (aps_realtime_next(p->rt, &action)) add_action(p, &action);
	p->started = 0;
}

static enum aps_rc rc_named(const char *name)
{
	for (int rc = 0; rc < APS_RC_COUNT; rc++)
		if (strcmp(aps_rc_name((enum aps_rc)rc), name) == 0) return (enum aps_rc)rc;
	fail_msg("no error is called %s", name);
	return APS_OK;
}

static struct aps_err err_of(const char *args)
{
	struct aps_err err;
	char name[32] = "", message[160] = "";
	long native = 0;
	assert_true(sscanf(args, "%31s %ld %159[^\n]", name, &native, message) >= 1);
	aps_fail_word(&err, rc_named(name), NULL, native, "%s", message);
	return err;
}

static struct aps_str with_ids(struct replay *p, const char *text)
{
	aps_buf_reset(&p->text);
	for (; *text != '\0'; text++) {
		bool has_number = text[1] >= '1' && text[1] <= '8';
		if (text[0] == '$' && has_number)
			aps_buf_add_text(&p->text, p->ids[*++text - '0']);
		else if (text[0] == '~' && has_number)
			for (const char *id = p->ids[*++text - '0']; *id != '\0'; id++)
				aps_buf_addf(&p->text, "\\u%04x", (unsigned)(unsigned char)*id);
		else
			aps_buf_add_byte(&p->text, *text);
	}
	return aps_buf_str(&p->text);
}

static bool input_subs(struct replay *p, const char *op, const char *args)
{
	char *rest = NULL;
	uint64_t sub = strtoull(args, &rest, 10);
	while (*rest == ' ') rest++;
	if (strcmp(op, "add") == 0) {
		assert_int_equal(aps_realtime_add(p->rt, sub, p->now_ms), APS_OK);
	} else if (strcmp(op, "remove") == 0) {
		aps_realtime_remove(p->rt, sub, p->now_ms);
	} else if (strcmp(op, "start") == 0) {
		p->started = sub;
		aps_realtime_start(p->rt, sub, aps_str_of(rest), p->now_ms);
	} else if (strcmp(op, "end") == 0) {
		struct aps_err err = err_of(rest);
		aps_realtime_end(p->rt, sub, &err, p->now_ms);
	} else if (strcmp(op, "retry_auth") == 0) {
		aps_realtime_retry_auth(p->rt, sub, p->now_ms);
	} else {
		return false;
	}
	return true;
}

static void input(struct replay *p, const char *op, const char *args)
{
	if (input_subs(p, op, args)) return;
	if (strcmp(op, "fail") == 0) {
		struct aps_err err = err_of(args);
		aps_realtime_fail(p->rt, &err, p->now_ms);
	} else if (strcmp(op, "opened") == 0) {
		aps_realtime_opened(p->rt, aps_str_of(args), p->now_ms);
	} else if (strcmp(op, "text") == 0) {
		aps_realtime_text(p->rt, with_ids(p, args), p->now_ms);
	} else if (strcmp(op, "too_big") == 0) {
		aps_realtime_too_big(p->rt, with_ids(p, args), p->now_ms);
	} else if (strcmp(op, "closed") == 0) {
		struct aps_err err = err_of(args);
		aps_realtime_closed(p->rt, &err, p->now_ms);
	} else if (strcmp(op, "pause") == 0 || strcmp(op, "resume") == 0) {
		aps_realtime_paused(p->rt, op[0] == 'p', p->now_ms);
	} else if (strcmp(op, "online") == 0 || strcmp(op, "offline") == 0) {
		aps_realtime_set_online(p->rt, op[1] == 'n', p->now_ms);
	} else if (strcmp(op, "tick") == 0) {
		aps_realtime_tick(p->rt, p->now_ms);
	} else {
		fail_msg("no input is called %s", op);
	}
}

static void set_option(struct replay *p, const char *line)
{
	char name[32] = "", value[32] = "";
	assert_int_equal(sscanf(line, "@ %31s %31s", name, value), 2);
	if (strcmp(name, "protocol") == 0)
		p->options.protocol =
		        strcmp(value, "transport-ws") == 0 ? APS_REALTIME_TRANSPORT_WS : APS_REALTIME_APPSYNC;
	else if (strcmp(name, "n_attempts") == 0)
		p->options.reconnect.n_attempts = (unsigned)atoi(value);
	else if (strcmp(name, "seed") == 0)
		aps_rand_init(&p->rand, strtoull(value, NULL, 10));
	else
		fail_msg("no option is called %s", name);
}

static void add_answer(struct replay *p, const char *question)
{
	if (strncmp(question, "deadline", 8) == 0)
		aps_buf_addf(&p->out, "? deadline %lld\n", (long long)aps_realtime_deadline_ms(p->rt));
	else if (strncmp(question, "state", 5) == 0)
		aps_buf_addf(&p->out, "? state %s\n", aps_conn_state_name(aps_realtime_state(p->rt)));
	else if (strncmp(question, "subscriptions", 13) == 0)
		aps_buf_addf(&p->out, "? subscriptions %zu\n", aps_realtime_n_subscriptions(p->rt));
	else
		fail_msg("no question is called %s", question);
}

static void replay_line(struct replay *p, char *line)
{
	if (line[0] == '<') return;
	if (line[0] == '@') set_option(p, line);
	if (p->rt == NULL && (line[0] == '>' || line[0] == '?')) {
		p->rt = aps_realtime_new(&p->options, &p->rand);
		assert_non_null(p->rt);
	}
	if (line[0] == '?') {
		add_answer(p, line + 2);
		return;
	}
	aps_buf_addf(&p->out, "%s\n", line);
	if (line[0] != '>') return;
	char time[24] = "", op[24] = "";
	int at = 0;
	assert_int_equal(sscanf(line, "> %23s %23s%n", time, op, &at), 2);
	p->now_ms = strcmp(time, "deadline") == 0 ? aps_realtime_deadline_ms(p->rt) : strtoll(time, NULL, 10);
	input(p, op, line[at] == ' ' ? line + at + 1 : line + at);
	take_actions(p);
}

static void write_whole(const char *path, struct aps_str text)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(text.p, 1, text.n, file), text.n);
	fclose(file);
}

static void replay_file(void **state)
{
	const char *path = *state;
	char *expected = read_whole(path);
	struct replay p = {.now_ms = 0};
	aps_realtime_options_init(&p.options);
	aps_rand_init(&p.rand, 1);
	aps_buf_init(&p.out, APS_BUF_ANY_SIZE);
	aps_buf_init(&p.text, APS_BUF_ANY_SIZE);
	char *lines = aps_strndup(expected, strlen(expected));
	assert_non_null(lines);
	char *save = NULL;
	/* An empty line stays one: strtok_r would swallow it, so line breaks are found by hand. */
	for (char *line = lines; line != NULL; line = save) {
		save = strchr(line, '\n');
		if (save != NULL) *save++ = '\0';
		if (save == NULL && *line == '\0') break;
		replay_line(&p, line);
	}
	if (getenv("APS_GOLDEN_WRITE") != NULL)
		write_whole(path, aps_buf_str(&p.out));
	else
		assert_string_equal(p.out.p, expected);
	aps_realtime_free(p.rt);
	aps_buf_clear(&p.out);
	aps_buf_clear(&p.text);
	aps_free(lines);
	aps_free(expected);
	assert_int_equal(aps_mem_live(), 0);
}

int main(void)
{
	static struct CMUnitTest tests[64];
	static char paths[64][1024];
	size_t n = 0;
	DIR *dir = opendir(golden_dir());
	if (dir == NULL) return 1;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		const char *dot = strrchr(entry->d_name, '.');
		if (dot == NULL || strcmp(dot, ".trace") != 0 || n == APS_COUNTOF(tests)) continue;
		snprintf(paths[n], sizeof paths[n], "%s/%s", golden_dir(), entry->d_name);
		tests[n] = (struct CMUnitTest){strrchr(paths[n], '/') + 1, replay_file, NULL, NULL, paths[n]};
		n++;
	}
	closedir(dir);
	if (n == 0) return 1;
	return _cmocka_run_group_tests("realtime traces", tests, n, NULL, NULL);
}
