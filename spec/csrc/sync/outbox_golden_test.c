/* Replays the traces in golden/outbox/: each step, then exactly the actions that follow. The format is explained in
 * golden/outbox/README.md. */
#include "golden.h"
#include "sync/outbox_world.h"

struct replay {
	struct outbox_world *world;
	struct aps_buf out;
};

static void add_said(struct replay *p, const char *said)
{
	while (*said != '\0') {
		const char *comma = strstr(said, ", ");
		size_t n = comma != NULL ? (size_t)(comma - said) : strlen(said);
		aps_buf_addf(&p->out, "< %.*s\n", (int)n, said);
		said += comma != NULL ? n + 2 : n;
	}
}

static void set_option(struct replay *p, const char *line)
{
	char name[32] = "", value[32] = "";
	assert_int_equal(sscanf(line, "@ %31s %31s", name, value), 2);
	struct aps_outbox_options *options = &p->world->outbox.options;
	if (strcmp(name, "order") == 0)
		options->order = strcmp(value, "entity") == 0 ? APS_OUTBOX_ENTITY : APS_OUTBOX_SERIAL;
	else if (strcmp(name, "max_tries") == 0)
		options->delivery.max_tries = (unsigned)atoi(value);
	else
		fail_msg("no option is called %s", name);
	p->world->options = *options;
}

static enum aps_resend resend_named(const char *name)
{
	for (int i = 0; i < APS_RESEND_COUNT; i++)
		if (strcmp(aps_resend_name((enum aps_resend)i), name) == 0) return (enum aps_resend)i;
	fail_msg("nothing is sent again %s", name);
	return APS_RESEND_COUNT;
}

static void set_member(struct journal_entry *entry, const char *name, const char *value)
{
	if (strcmp(name, "mode") == 0)
		entry->mode = (uint8_t)atoi(value);
	else if (strcmp(name, "record") == 0)
		entry->records[entry->n_records++] = (uint8_t)atoi(value);
	else if (strcmp(name, "waits_for") == 0)
		entry->waits_for = (uint32_t)atoi(value);
	else if (strcmp(name, "resend") == 0)
		entry->resend = (uint8_t)resend_named(value);
	else
		fail_msg("no member of an entry is called %s", name);
}

static void insert(struct replay *p, char *members)
{
	struct journal_entry entry = {.mode = 1};
	char *save = NULL;
	for (char *word = strtok_r(members, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		char *value = strchr(word, '=');
		assert_non_null(value);
		*value++ = '\0';
		set_member(&entry, word, value);
	}
	bool is_sent = world_insert(p->world, entry);
	assert_int_equal(p->world->rc, APS_OK);
	aps_buf_addf(&p->out, "< %u inserted%s\n", (unsigned)p->world->journal.open.last_number,
	             is_sent ? ", marked" : "");
}

static void feed(struct replay *p, const char *line)
{
	unsigned number = 0;
	char name[32] = "", member[32] = "";
	assert_true(sscanf(line, "%u %31s %31s", &number, name, member) >= 2);
	for (int kind = 0; kind < APS_DELIVERY_EVENT_COUNT; kind++)
		if (strcmp(aps_delivery_event_name((enum aps_delivery_event_kind)kind), name) == 0) {
			bool has_record = strcmp(member, "record") == 0;
			add_said(p, world_feed_with(p->world, number, (enum aps_delivery_event_kind)kind, has_record));
			if (p->world->rc == APS_OK) return;
			aps_buf_add_text(&p->out, "< error");
			golden_add_err(&p->out, &p->world->err);
			aps_buf_add_byte(&p->out, '\n');
			return;
		}
	fail_msg("no event is called %s", name);
}

static void withdraw(struct replay *p, uint64_t number)
{
	bool is_away = aps_outbox_withdraw(&p->world->outbox, number);
	aps_buf_add_text(&p->out, is_away ? "< withdrawn\n" : "< under way\n");
	if (is_away) memory_journal_discard(&p->world->journal, number);
}

/* Something that changes what may go. False: it is none of these. */
static bool change(struct replay *p, const char *line)
{
	struct aps_outbox *outbox = &p->world->outbox;
	char name[32] = "";
	long long n = 0;
	sscanf(line, "%31s %lld", name, &n);
	if (strcmp(name, "online") == 0)
		aps_outbox_set_reach(outbox, APS_OUTBOX_ONLINE);
	else if (strcmp(name, "offline") == 0)
		aps_outbox_set_reach(outbox, APS_OUTBOX_OFFLINE);
	else if (strcmp(name, "probe") == 0)
		aps_outbox_set_reach(outbox, APS_OUTBOX_PROBE);
	else if (strcmp(name, "store_away") == 0)
		aps_outbox_set_store(outbox, false);
	else if (strcmp(name, "store_back") == 0)
		aps_outbox_set_store(outbox, true);
	else if (strcmp(name, "auth") == 0)
		aps_outbox_auth_changed(outbox, (unsigned)n);
	else if (strcmp(name, "time") == 0)
		aps_outbox_pass_time(outbox, p->world->now_ms += n);
	else if (strcmp(name, "success") == 0)
		outbox->successes++;
	else if (strcmp(name, "look_again") == 0)
		aps_outbox_look_again(outbox);
	else if (strcmp(name, "withdraw") == 0)
		withdraw(p, (uint64_t)n);
	else if (strcmp(name, "go_on") != 0)
		return false;
	return true;
}

static void step(struct replay *p, char *line)
{
	if (strncmp(line, "insert", 6) == 0)
		insert(p, line + 6);
	else if (strcmp(line, "commit") == 0)
		add_said(p, world_commit(p->world));
	else if (strcmp(line, "lose") == 0)
		add_said(p, world_lose(p->world));
	else if (strcmp(line, "kill") == 0)
		add_said(p, world_restart(p->world, true));
	else if (strcmp(line, "power_cut") == 0)
		add_said(p, world_restart(p->world, false));
	else if (change(p, line))
		add_said(p, world_pump(p->world));
	else
		feed(p, line);
}

static void add_reason(struct replay *p)
{
	const struct aps_outbox_item *first = p->world->outbox.items;
	const char *reason = NULL;
	if (first != NULL) reason = aps_outbox_reason_name(aps_outbox_reason(&p->world->outbox, first));
	aps_buf_addf(&p->out, "? reason %s\n", reason != NULL ? reason : "none");
}

static void replay_line(void *replay, char *line)
{
	struct replay *p = replay;
	if (line[0] == '<') return;
	if (line[0] == '@') set_option(p, line);
	if (strncmp(line, "? reason", 8) == 0)
		add_reason(p);
	else
		aps_buf_addf(&p->out, "%s\n", line);
	if (line[0] == '>') step(p, line + 2);
}

static void replay_file(void **state)
{
	struct replay p = {.world = world_init(APS_OUTBOX_SERIAL)};
	aps_buf_init(&p.out, APS_BUF_ANY_SIZE);
	golden_replay(*state, replay_line, &p, &p.out);
	aps_buf_clear(&p.out);
	world_clear(p.world);
}

int main(void)
{
	return golden_run("sync/golden/outbox", "outbox traces", replay_file);
}
