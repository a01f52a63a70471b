/* Replays the traces in golden/delta_sync/: each event, then exactly what it leads to. The format is explained in
 * golden/delta_sync/README.md. */
#include "golden.h"
#include "sync/sync_world.h"

struct replay {
	struct sync_world *world;
	struct aps_buf out;
};

static void begin_live(struct sync_world *w)
{
	w->options.has_base = false;
	w->options.begins_live = true;
	w->options.window_ms = 36500 * DAY_MS;
}

static void set_option(struct replay *p, const char *line)
{
	struct aps_delta_sync_options *options = &p->world->options;
	char name[32] = "";
	long long value = 0;
	assert_true(sscanf(line, "@ %31s %lld", name, &value) >= 1);
	if (strcmp(name, "no_base") == 0)
		options->has_base = false;
	else if (strcmp(name, "no_delta") == 0)
		options->has_delta = false;
	else if (strcmp(name, "no_subscription") == 0)
		options->has_subscription = false;
	else if (strcmp(name, "window") == 0)
		options->window_ms = value;
	else if (strcmp(name, "max_records") == 0)
		options->max_records = (uint64_t)value;
	else if (strcmp(name, "begins_live") == 0)
		begin_live(p->world);
	else
		fail_msg("no option is called %s", name);
	world_kill(p->world);
}

static enum aps_sync_event_kind event_named(const char *name)
{
	for (int kind = 0; kind < APS_SYNC_EVENT_COUNT; kind++)
		if (strcmp(aps_sync_event_name((enum aps_sync_event_kind)kind), name) == 0)
			return (enum aps_sync_event_kind)kind;
	fail_msg("no event is called %s", name);
	return APS_SYNC_EVENT_COUNT;
}

static enum aps_sync_failure_kind failure_named(const char *name)
{
	for (int kind = 0; kind < APS_SYNC_FAILURE_COUNT; kind++)
		if (strcmp(aps_sync_failure_name((enum aps_sync_failure_kind)kind), name) == 0)
			return (enum aps_sync_failure_kind)kind;
	fail_msg("no failure is called %s", name);
	return APS_SYNC_FAILURE_COUNT;
}

static void feed(struct replay *p, const char *line)
{
	struct sync_world *w = p->world;
	char name[32] = "", word[64] = "", more[64] = "";
	assert_true(sscanf(line, "%31s %63s %63s", name, word, more) >= 1);
	struct aps_sync_event event = {.kind = event_named(name)};
	if (event.kind == APS_SYNC_ON_FAILED || event.kind == APS_SYNC_ON_ENDED) {
		world_fail(w, event.kind, failure_named(word), atoll(more));
	} else if (event.kind == APS_SYNC_ON_ANSWERED) {
		world_answer(w, (uint64_t)atoll(word), more);
	} else {
		event.n_more = (uint64_t)atoll(word);
		event.is_behind = strcmp(word, "behind") == 0;
		if (event.kind == APS_SYNC_ON_DUE) event.heard_at_ms = w->mono_ms - atoll(more);
		world_feed_event(w, event);
	}
	char *save = NULL;
	for (char *said = strtok_r(w->said.p, "\n", &save); said != NULL; said = strtok_r(NULL, "\n", &save))
		aps_buf_addf(&p->out, "< %s\n", said);
	if (w->actions.err.code == APS_OK) return;
	aps_buf_add_text(&p->out, "< reject");
	golden_add_err(&p->out, &w->actions.err);
	aps_buf_add_byte(&p->out, '\n');
}

static void step(struct replay *p, const char *line)
{
	struct sync_world *w = p->world;
	char unit = 0;
	long long n = 0;
	bool is_time = sscanf(line, "time %lld%c", &n, &unit) >= 1;
	if (is_time || sscanf(line, "jump %lld%c", &n, &unit) >= 1) {
		n *= unit == 'd' ? DAY_MS : unit == 'h' ? HOUR_MS : unit == 'm' ? 60000 : unit == 's' ? 1000 : 1;
		if (is_time)
			world_pass_time(w, n);
		else
			w->jump_ms += n;
	} else if (strcmp(line, "kill") == 0) {
		world_kill(w);
	} else {
		feed(p, line);
	}
}

static void add_store(struct replay *p)
{
	struct sync_world *w = p->world;
	struct aps_checkpoint c;
	aps_checkpoint_init(&c);
	if (w->stored.n > 0) assert_true(aps_checkpoint_take(&c, aps_buf_str(&w->stored)));
	aps_buf_reset(&w->said);
	aps_buf_add_text(&w->said, "base ");
	world_say_time(w, c.base_ms);
	aps_buf_add_text(&w->said, ", last_sync ");
	world_say_time(w, c.last_sync_ms);
	const struct aps_sync_pass *const passes[] = {&c.base, &c.delta};
	for (int i = 0; i < 2; i++) {
		if (!passes[i]->is_open && passes[i]->token.n == 0) continue;
		aps_buf_addf(&w->said, ", %s pass at %.*s since ", i == 0 ? "base" : "delta", (int)passes[i]->token.n,
		             passes[i]->token.p);
		world_say_time(w, passes[i]->since_ms);
		aps_buf_addf(&w->said, " with %llu", (unsigned long long)passes[i]->n_records);
	}
	aps_buf_addf(&p->out, "? store: %s%s%s\n", w->said.p, c.is_truncated ? ", truncated" : "",
	             c.has_missed ? ", missed" : "");
	aps_checkpoint_clear(&c);
}

static void replay_line(void *replay, char *line)
{
	struct replay *p = replay;
	if (line[0] == '<') return; /* written anew */
	if (strncmp(line, "? store", 7) == 0) {
		add_store(p);
		return;
	}
	if (line[0] == '@') set_option(p, line);
	aps_buf_addf(&p->out, "%s\n", line);
	if (line[0] == '>') step(p, line + 2);
}

static void replay_file(void **state)
{
	struct replay p = {.world = world_init(&WORLD_OPTIONS)};
	aps_buf_init(&p.out, APS_BUF_ANY_SIZE);
	golden_replay(*state, replay_line, &p, &p.out);
	aps_buf_clear(&p.out);
	world_clear(p.world);
}

int main(void)
{
	return golden_run("sync/golden/delta_sync", "delta sync traces", replay_file);
}
