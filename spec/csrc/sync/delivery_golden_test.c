/* Replays the traces in golden/delivery/: each event, then exactly the action that follows. The format is explained in
 * golden/delivery/README.md. */
#include "golden.h"
#include "sync/delivery.h"

struct replay {
	struct aps_delivery_options options;
	enum aps_resend resend;
	struct aps_delivery delivery;
	bool is_found, has_begun;
	uint64_t successes;
	struct aps_buf out;
};

static void set_option(struct replay *p, const char *line)
{
	char name[32] = "", value[32] = "";
	assert_int_equal(sscanf(line, "@ %31s %31s", name, value), 2);
	bool is_yes = strcmp(value, "yes") == 0;
	if (strcmp(name, "max_tries") == 0)
		p->options.max_tries = (unsigned)atoi(value);
	else if (strcmp(name, "has_resolver") == 0)
		p->options.has_resolver = is_yes;
	else if (strcmp(name, "resolves_doubt") == 0)
		p->options.resolves_doubt = is_yes;
	else if (strcmp(name, "found") == 0)
		p->is_found = is_yes;
	else if (strcmp(name, "resend") == 0)
		while (strcmp(aps_resend_name(p->resend), value) != 0) p->resend = (enum aps_resend)(p->resend + 1);
	else
		fail_msg("no option is called %s", name);
	assert_true(p->resend < APS_RESEND_COUNT);
}

static void add_action(struct replay *p, const struct aps_delivery_action *action)
{
	if (action->store != APS_DELIVERY_STORE_NOTHING) {
		aps_buf_addf(&p->out, "< store %s", aps_delivery_store_name(action->store));
		if (action->store == APS_DELIVERY_STORE_FINISH || action->store == APS_DELIVERY_STORE_BURY)
			aps_buf_addf(&p->out, " %s", aps_delivery_outcome_name(p->delivery.outcome));
		aps_buf_add_byte(&p->out, '\n');
	}
	if (action->kind == APS_DELIVERY_DO_NOTHING) return;
	aps_buf_addf(&p->out, "< %s", aps_delivery_action_name(action->kind));
	if (action->kind == APS_DELIVERY_DO_WAIT) aps_buf_addf(&p->out, " %u", p->delivery.n_failures);
	if (action->kind == APS_DELIVERY_DO_REJECT) golden_add_err(&p->out, &action->err);
	aps_buf_add_byte(&p->out, '\n');
}

static void feed(struct replay *p, const char *line)
{
	struct aps_delivery_event event = {.kind = APS_DELIVERY_ON_GO};
	char name[32] = "", member[32] = "";
	int n = sscanf(line, "%31s %31s", name, member);
	assert_true(n >= 1);
	while (strcmp(aps_delivery_event_name(event.kind), name) != 0) {
		event.kind = (enum aps_delivery_event_kind)(event.kind + 1);
		if (event.kind == APS_DELIVERY_EVENT_COUNT) fail_msg("no event is called %s", name);
	}
	event.has_record = strcmp(member, "record") == 0;
	event.successes = p->successes;
	struct aps_delivery_action action = aps_delivery_feed(&p->delivery, &p->options, &event);
	add_action(p, &action);
}

static void begin(struct replay *p)
{
	struct aps_delivery_action action = {.kind = APS_DELIVERY_DO_NOTHING};
	p->has_begun = true;
	if (p->is_found)
		action = aps_delivery_init_found(&p->delivery, p->resend);
	else
		aps_delivery_init(&p->delivery, p->resend);
	add_action(p, &action);
}

static void replay_line(void *replay, char *line)
{
	struct replay *p = replay;
	if (line[0] == '<') return;
	if (line[0] == '@') set_option(p, line);
	if (!p->has_begun && (line[0] == '>' || line[0] == '?')) begin(p);
	if (strncmp(line, "? state", 7) == 0)
		aps_buf_addf(&p->out, "? state %s%s\n", aps_delivery_state_name(p->delivery.state),
		             p->delivery.is_in_doubt ? ", in doubt" : "");
	else if (strncmp(line, "? numbers", 9) == 0)
		aps_buf_addf(&p->out, "? numbers %u attempts, %u counted, %u rounds\n", p->delivery.n_attempts,
		             p->delivery.n_counted, p->delivery.n_rounds);
	else
		aps_buf_addf(&p->out, "%s\n", line);
	if (strncmp(line, "> success", 9) == 0)
		p->successes++;
	else if (line[0] == '>')
		feed(p, line + 2);
}

static void replay_file(void **state)
{
	struct replay p = {.options = {.max_tries = 10}, .successes = 1};
	aps_buf_init(&p.out, APS_BUF_ANY_SIZE);
	golden_replay(*state, replay_line, &p, &p.out);
	aps_buf_clear(&p.out);
	assert_int_equal(aps_mem_live(), 0);
}

int main(void)
{
	return golden_run("sync/golden/delivery", "delivery traces", replay_file);
}
