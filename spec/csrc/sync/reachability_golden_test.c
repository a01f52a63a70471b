/* Replays the traces in golden/reachability/: each event, then exactly what it leads to. The format is explained in
 * golden/reachability/README.md. */
#include "golden.h"
#include "sync/reachability.h"

struct replay {
	struct aps_reachability reachability;
	struct aps_rand rand;
	int64_t now_ms;
	struct aps_buf out;
};

static enum aps_reachability_event event_named(const char *name)
{
	for (int event = 0; event < APS_REACHABILITY_EVENT_COUNT; event++)
		if (strcmp(aps_reachability_event_name((enum aps_reachability_event)event), name) == 0)
			return (enum aps_reachability_event)event;
	fail_msg("no event is called %s", name);
	return APS_REACHABILITY_EVENT_COUNT;
}

static void add_action(struct aps_buf *out, const struct aps_reachability_action *action)
{
	static const char *const CHANGES[] = {"", "< online\n", "< offline\n"};
	aps_buf_add_text(out, CHANGES[action->change]);
	if (action->timer == APS_REACHABILITY_ARM) aps_buf_addf(out, "< arm %lld\n", (long long)action->delay_ms);
	if (action->timer == APS_REACHABILITY_STOP) aps_buf_add_text(out, "< stop\n");
	if (action->may_probe) aps_buf_add_text(out, "< probe\n");
	if (action->err.code == APS_OK) return;
	aps_buf_add_text(out, "< reject");
	golden_add_err(out, &action->err);
	aps_buf_add_text(out, "\n");
}

static void replay_line(void *replay, char *line)
{
	struct replay *p = replay;
	if (line[0] == '<') return; /* written anew */
	if (line[0] == '?') {
		aps_buf_addf(&p->out, "? %s%s\n", aps_reachability_state_name(p->reachability.state),
		             p->reachability.is_wanted ? ", wanted" : "");
		return;
	}
	aps_buf_addf(&p->out, "%s\n", line);
	if (line[0] != '>') return;
	if (line[2] == '+') {
		p->now_ms += strtoll(line + 3, NULL, 10);
		return;
	}
	struct aps_reachability_action action =
	        aps_reachability_feed(&p->reachability, event_named(line + 2), p->now_ms, &p->rand);
	add_action(&p->out, &action);
}

static void replay_file(void **state)
{
	struct replay p = {.now_ms = 0};
	aps_reachability_init(&p.reachability);
	aps_rand_init(&p.rand, 1);
	aps_buf_init(&p.out, APS_BUF_ANY_SIZE);
	golden_replay(*state, replay_line, &p, &p.out);
	aps_buf_clear(&p.out);
}

int main(void)
{
	return golden_run("sync/golden/reachability", "reachability traces", replay_file);
}
