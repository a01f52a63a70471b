/* Replays the traces in golden/attempt/: each event, then exactly the action that follows. The format is explained in
 * golden/attempt/README.md. */
#include "golden.h"
#include "proto/attempt.h"

#define WALL_MS INT64_C(1445412480000) /* Wed, 21 Oct 2015 07:28:00 GMT */

struct replay {
	struct aps_attempt_options options;
	struct aps_attempt attempt;
	bool has_begun;
	struct aps_rand rand;
	int64_t skew_ms; /* as an owner keeps it */
	struct aps_buf out;
};

/* What the present event points to. */
struct input {
	struct aps_attempt_event event;
	struct aps_err err;
	enum aps_rc code;
	const char *message;
	long native;
	bool sent;
};

static void set_option(struct replay *p, const char *line)
{
	char name[32] = "", value[32] = "";
	assert_int_equal(sscanf(line, "@ %31s %31s", name, value), 2);
	bool is_yes = strcmp(value, "yes") == 0;
	if (strcmp(name, "n_attempts") == 0)
		p->options.retry.n_attempts = (unsigned)atoi(value);
	else if (strcmp(name, "cap") == 0)
		p->options.retry.cap_ms = strtoll(value, NULL, 10);
	else if (strcmp(name, "can_retry") == 0)
		p->options.can_retry = is_yes;
	else if (strcmp(name, "is_safe") == 0)
		p->options.is_safe = is_yes;
	else if (strcmp(name, "has_credential") == 0)
		p->options.has_credential = is_yes;
	else if (strcmp(name, "is_signed") == 0)
		p->options.is_signed = is_yes;
	else
		fail_msg("no option is called %s", name);
}

static enum aps_attempt_event_kind kind_named(const char *name)
{
	for (int kind = 0; kind < APS_ATTEMPT_EVENT_COUNT; kind++)
		if (strcmp(aps_attempt_event_name((enum aps_attempt_event_kind)kind), name) == 0)
			return (enum aps_attempt_event_kind)kind;
	fail_msg("no event is called %s", name);
	return APS_ATTEMPT_EVENT_COUNT;
}

static void set_member(struct input *in, const char *name, const char *value)
{
	if (strcmp(name, "status") == 0)
		in->event.status = in->native = atol(value);
	else if (strcmp(name, "err") == 0)
		in->code = golden_rc(value);
	else if (strcmp(name, "msg") == 0)
		in->message = value;
	else if (strcmp(name, "sent") == 0)
		in->sent = strcmp(value, "yes") == 0;
	else if (strcmp(name, "type") == 0)
		in->event.error_type = aps_str_of(value);
	else if (strcmp(name, "after") == 0)
		in->event.retry_after = aps_str_of(value);
	else if (strcmp(name, "date") == 0)
		in->event.date = aps_str_of(value);
	else if (strcmp(name, "left") == 0)
		in->event.left_ms = strcmp(value, "forever") == 0 ? APS_ATTEMPT_FOREVER : strtoll(value, NULL, 10);
	else if (strcmp(name, "timeout") == 0)
		in->event.timeout_ms = strtoll(value, NULL, 10);
	else
		fail_msg("no member of an event is called %s", name);
}

/* name=value or name="some words", in place. */
static void read_members(struct input *in, char *text)
{
	while (*text != '\0') {
		char *name = text;
		char *value = strchr(text, '=');
		assert_non_null(value);
		*value++ = '\0';
		char end = *value == '"' ? '"' : ' ';
		if (end == '"') value++;
		text = value + strcspn(value, end == '"' ? "\"" : " ");
		if (*text != '\0') *text++ = '\0';
		while (*text == ' ') text++;
		set_member(in, name, value);
	}
}

static void add_action(struct replay *p, const struct aps_attempt_action *action)
{
	if (action->learned.has_skew) {
		p->skew_ms = action->learned.skew_ms;
		aps_buf_addf(&p->out, "< skew %lld\n", (long long)action->learned.skew_ms);
	}
	if (action->learned.is_clock_told) aps_buf_add_text(&p->out, "< clock told\n");
	if (action->learned.is_accepted) aps_buf_add_text(&p->out, "< accepted\n");
	aps_buf_addf(&p->out, "< %s", aps_attempt_action_name(action->kind));
	if (action->kind == APS_ATTEMPT_DO_WAIT) aps_buf_addf(&p->out, " %lld", (long long)action->delay_ms);
	bool is_outcome = action->kind == APS_ATTEMPT_DO_DONE || action->kind == APS_ATTEMPT_DO_TELL;
	if (is_outcome) aps_buf_addf(&p->out, " %s", aps_attempt_outcome_name(action->outcome));
	bool is_error = is_outcome && action->err.code != APS_OK;
	if (is_error || action->kind == APS_ATTEMPT_DO_REJECT) golden_add_err(&p->out, &action->err);
	if (action->is_retry) aps_buf_add_text(&p->out, " retry");
	aps_buf_add_byte(&p->out, '\n');
}

static void feed(struct replay *p, char *line)
{
	struct input in = {.message = "no reason", .event = {.left_ms = 30000, .timeout_ms = 30000}};
	size_t n_name = strcspn(line, " ");
	char *rest = line + n_name + (line[n_name] == ' ');
	line[n_name] = '\0';
	in.event.kind = kind_named(line);
	in.event.wall_ms = WALL_MS;
	in.event.skew_ms = p->skew_ms;
	read_members(&in, rest);
	if (in.code != APS_OK) {
		aps_fail_word(&in.err, in.code, NULL, in.native, "%s", in.message);
		in.err.sent = in.sent;
		in.event.err = &in.err;
	}
	struct aps_attempt_action action = aps_attempt_feed(&p->attempt, &in.event, &p->rand);
	add_action(p, &action);
}

static void replay_line(void *replay, char *line)
{
	struct replay *p = replay;
	if (line[0] == '<') return;
	if (line[0] == '@') set_option(p, line);
	if (!p->has_begun && (line[0] == '>' || line[0] == '?')) {
		aps_attempt_init(&p->attempt, &p->options);
		p->has_begun = true;
	}
	if (strcmp(line, "? state") == 0 || strncmp(line, "? state ", 8) == 0)
		aps_buf_addf(&p->out, "? state %s\n", aps_attempt_state_name(p->attempt.state));
	else if (strncmp(line, "? attempts", 10) == 0)
		aps_buf_addf(&p->out, "? attempts %u\n", p->attempt.n_attempts);
	else
		aps_buf_addf(&p->out, "%s\n", line);
	if (line[0] == '>') feed(p, line + 2);
}

static void replay_file(void **state)
{
	struct replay p = {
	        .options = {.retry = {.base_ms = 100, .cap_ms = 300000},
	                    .can_retry = true,
	                    .is_safe = true,
	                    .has_credential = true},
	};
	aps_rand_init(&p.rand, 1);
	aps_buf_init(&p.out, APS_BUF_ANY_SIZE);
	golden_replay(*state, replay_line, &p, &p.out);
	aps_buf_clear(&p.out);
	assert_int_equal(aps_mem_live(), 0);
}

int main(void)
{
	return golden_run("proto/golden/attempt", "attempt traces", replay_file);
}
