/* Replays the traces in golden/: each line of input, then exactly the actions that follow. The format is explained in
 * golden/README.md. */
#include "golden.h"
#include "proto/realtime.h"

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
	case APS_REALTIME_SUB_DELAYED: aps_buf_addf(&p->out, "delayed %llu", sub); break;
	case APS_REALTIME_SUB_ENDED: aps_buf_addf(&p->out, "ended %llu", sub); break;
	case APS_REALTIME_AUTH_REFUSED:
		aps_buf_addf(&p->out, "auth_refused %llu%s", sub, a->is_final ? " final" : "");
		break;
	case APS_REALTIME_STATE: aps_buf_addf(&p->out, "state %s", aps_conn_state_name(a->state)); break;
	case APS_REALTIME_NOTICE: aps_buf_addf(&p->out, "notice %.*s", (int)a->text.n, a->text.p); break;
	}
	golden_add_err(&p->out, a->err);
	aps_buf_add_byte(&p->out, '\n');
}

static void take_actions(struct replay *p)
{
	struct aps_realtime_action action;
	while (aps_realtime_next(p->rt, &action)) add_action(p, &action);
	p->started = 0;
}

static struct aps_err err_of(const char *args)
{
	struct aps_err err;
	char name[32] = "", message[160] = "";
	long native = 0;
	assert_true(sscanf(args, "%31s %ld %159[^\n]", name, &native, message) >= 1);
	char *mark = strchr(name, '!');
	if (mark != NULL) *mark = '\0';
	aps_fail_word(&err, golden_rc(name), NULL, native, "%s", message);
	if (mark != NULL) err.retryable = false;
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
		aps_realtime_retry_auth(p->rt, sub, strcmp(rest, "stale") != 0, p->now_ms);
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
	} else if (strcmp(op, "heard") == 0) {
		aps_realtime_heard(p->rt, atoi(args), p->now_ms);
	} else if (strcmp(op, "closed") == 0) {
		struct aps_err err = err_of(args);
		aps_realtime_closed(p->rt, &err, p->now_ms);
	} else if (strcmp(op, "pause") == 0 || strcmp(op, "resume") == 0) {
		aps_realtime_paused(p->rt, op[0] == 'p', p->now_ms);
	} else if (strcmp(op, "online") == 0 || strcmp(op, "offline") == 0) {
		aps_realtime_set_online(p->rt, op[1] == 'n', p->now_ms);
	} else if (strcmp(op, "hint") == 0) {
		aps_realtime_hint(p->rt, p->now_ms);
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
	else if (strcmp(name, "keep_alive_ms") == 0) {
		p->options.keep_alive_ms = atoi(value);
		p->options.is_keep_alive_fixed = true;
	} else if (strcmp(name, "seed") == 0)
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

static void replay_line(void *replay, char *line)
{
	struct replay *p = replay;
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

static void replay_file(void **state)
{
	struct replay p = {.now_ms = 0};
	aps_realtime_options_init(&p.options);
	aps_rand_init(&p.rand, 1);
	aps_buf_init(&p.out, APS_BUF_ANY_SIZE);
	aps_buf_init(&p.text, APS_BUF_ANY_SIZE);
	golden_replay(*state, replay_line, &p, &p.out);
	aps_realtime_free(p.rt);
	aps_buf_clear(&p.out);
	aps_buf_clear(&p.text);
	assert_int_equal(aps_mem_live(), 0);
}

int main(void)
{
	return golden_run("proto/golden", "realtime traces", replay_file);
}
