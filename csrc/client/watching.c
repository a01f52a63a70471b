/* The watches of one partition are one group, which listens to the partition:
 *
 *    command --> stale --turn's end--> read --other than shown--> VIEW, is out --taken--> stale or not
 *                  ^                     |                                                   |
 *                  +------ changes ------+---------------------------------------------------+
 *
 * One that takes long to read rests after it, however often it is stale: a list of 20,000 that changes with each answer
 * would leave no time for answers.
 */
#include "client/watching.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/caching.h"
#include "client/core.h"
#include "client/partition.h"

#define MAX_VIEW_BYTES ((size_t)256 * 1024 * 1024)
#define LONG_READ_S    0.001
#define RESTS_PER_READ 15 /* reads of a watch take a sixteenth of the time at most, but for this: */
#define RESTS_PER_VIEW 4  /* likewise of the application's thread, which makes values of them: a fifth */
#define MAX_REST_MS    2000

struct group {
	struct aps_partition_listener listener;
	struct aps_partition_holder holder;
	struct aps_partition *partition; /* NULL: it has closed */
	struct aps_core *core;
	struct aps_watches watches;
};

struct watching {
	struct aps_watch watch; /* of the group */
	struct group *group;
	struct aps_binding binding;
	struct aps_operation operation;
	struct aps_buf gone;          /* uint64_t: not told yet */
	struct aps_view_event *spare; /* tells a failure, also when memory is out; NULL: it was used */
	uint64_t id;
	uint64_t client;
	bool big_integers_as_text;
	bool is_out;
	bool has_more; /* something was read that wasn't shown */
	bool has_failed;
	bool is_doubtful;      /* the service may know other values than those that are shown */
	bool is_asked;         /* to show what there is, changed or not */
	bool is_long;          /* it took long to read */
	struct aps_timer rest; /* set: it isn't read before */
	int64_t shown_ms;
	struct aps_reap reap;
};

static struct aps_table *table_of(const struct aps_core *core)
{
	return aps_core_part(core, &aps_watching_feature);
}

static void free_event(struct aps_view_event *event)
{
	if (event != NULL) event->head.mail.kind->free_mail(&event->head.mail);
}

static void free_watching(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	struct watching *watching = APS_CONTAINER_OF(reap, struct watching, reap);
	aps_binding_clear(&watching->binding);
	aps_operation_clear(&watching->operation);
	aps_buf_clear(&watching->gone);
	free_event(watching->spare);
	aps_free(watching);
}

/* What watches show stays. */
static void hold(struct aps_partition_holder *holder, struct aps_collect *collect)
{
	const struct group *group = APS_CONTAINER_OF(holder, struct group, holder);
	for (const struct aps_watch *watch = group->watches.first; watch != NULL; watch = watch->next) {
		const struct aps_segments *segments = &watch->result.segments;
		for (size_t i = 0; i < aps_segments_count_dependencies(segments); i++) {
			uint64_t entry = aps_segments_dependencies(segments)[i].entry;
			if (entry != 0) aps_collect_hold(collect, entry);
		}
	}
}

static void leave_partition(struct group *group)
{
	struct aps_partition_holder **at = &group->partition->holders;
	while (*at != &group->holder) at = &(*at)->next;
	*at = group->holder.next;
	group->partition->listener = NULL;
	group->partition = NULL;
}

static void free_group(struct group *group)
{
	if (group->partition != NULL) leave_partition(group);
	aps_changed_clear(&group->listener.changed);
	aps_buf_clear(&group->listener.stale);
	aps_watches_clear(&group->watches);
	aps_free(group);
}

static void leave_group(struct watching *watching)
{
	struct group *group = watching->group;
	if (group == NULL) return;
	watching->group = NULL;
	aps_watch_remove(&group->watches, &watching->watch);
	if (group->watches.first == NULL) free_group(group);
}

static void end(struct aps_core *core, struct watching *watching)
{
	aps_timer_stop(&core->timers, &watching->rest);
	leave_group(watching);
	aps_table_take(table_of(core), watching->id);
	aps_core_reap(core, &watching->reap, free_watching);
}

/* Once, until it can be read again; and whoever asks. */
static void tell_failure(struct aps_core *core, struct watching *watching, const struct aps_err *err)
{
	if ((watching->has_failed && !watching->is_asked) || watching->spare == NULL) return;
	watching->has_failed = true;
	watching->is_out = true;
	watching->spare->err = *err;
	watching->spare->is_asked = watching->is_asked;
	watching->is_asked = false;
	aps_core_emit(core, &watching->spare->head);
	watching->spare = NULL;
}

/* Without memory for it, it is shown at the end of a later turn. */
static void show(struct aps_core *core, struct watching *watching)
{
	struct aps_view *view = aps_view_new(&watching->watch.result, &watching->binding, &watching->gone);
	struct aps_view_event *event = view != NULL ? aps_view_event_new(watching->id, view, NULL) : NULL;
	watching->has_more = event == NULL;
	if (event == NULL) return;
	event->big_integers_as_text = watching->big_integers_as_text;
	event->is_asked = watching->is_asked;
	event->is_doubtful = watching->is_doubtful;
	event->head.client = watching->client;
	watching->is_asked = watching->is_doubtful = false;
	aps_buf_clear(&watching->gone);
	watching->is_out = true;
	watching->shown_ms = aps_clock_mono_ms();
	aps_core_emit_ahead(core, &event->head);
}

/* False: a failure, which was told. */
static bool read(struct aps_core *core, struct watching *watching)
{
	struct group *group = watching->group;
	struct aps_watch_change change;
	struct aps_err err;
	bool is_first = !watching->watch.is_read;
	enum aps_rc rc = aps_watch_read(&group->watches, &watching->watch, aps_partition_source(group->partition),
	                                &change, &err);
	if (rc != APS_OK) {
		aps_vault_suspect(group->partition->vault, &err);
		tell_failure(core, watching, &err);
	} else {
		watching->has_failed = false;
		aps_buf_add(&watching->gone, change.gone.p,
		            change.gone.n); /* without memory they stay a little longer */
		if (change.is_other) watching->has_more = true;
		if (is_first && watching->watch.result.n_expired != 0) watching->is_doubtful = true;
	}
	aps_buf_clear(&change.gone);
	return rc == APS_OK;
}

/* The end of the turn goes on with it. */
static void rest_over(struct aps_timer *timer APS_UNUSED, void *context APS_UNUSED, int64_t now_ms APS_UNUSED)
{
}

static void rest(struct aps_core *core, struct watching *watching, int64_t rest_ms)
{
	int64_t due_ms = aps_clock_mono_ms() + (rest_ms < MAX_REST_MS ? rest_ms : MAX_REST_MS);
	bool is_resting = watching->rest.index != 0 && watching->rest.at_ms >= due_ms;
	if (!is_resting) (void)aps_timer_set(&core->timers, &watching->rest, due_ms);
}

static void rest_after_read(struct aps_core *core, struct watching *watching, double took_s)
{
	watching->is_long = took_s >= LONG_READ_S;
	if (watching->is_long) rest(core, watching, (int64_t)(took_s * RESTS_PER_READ * 1000));
}

static void catch_up(struct aps_core *core, struct watching *watching)
{
	if ((watching->is_out || watching->rest.index != 0) && !watching->is_asked) return;
	bool was_stale = watching->watch.is_stale;
	double began_s = was_stale ? aps_clock_thread_s() : 0;
	if (watching->spare == NULL) watching->spare = aps_view_event_new(watching->id, NULL, NULL);
	bool has_read = !watching->watch.is_stale || read(core, watching);
	if (has_read && (watching->has_more || watching->is_asked || watching->is_doubtful)) show(core, watching);
	if (was_stale) rest_after_read(core, watching, aps_clock_thread_s() - began_s);
}

/* Whether one of these fields shows in it. */
static bool shows_any(const struct group *group, const struct watching *watching, const struct aps_buf *stale)
{
	const struct aps_stale_field *fields = (const struct aps_stale_field *)(const void *)stale->p;
	for (size_t i = 0; i < stale->n / sizeof *fields; i++)
		if (aps_watch_has_read(&group->watches, &watching->watch, fields[i].entry, fields[i].name)) return true;
	return false;
}

static void mark_doubtful(struct group *group)
{
	struct aps_buf *stale = &group->listener.stale;
	for (struct aps_watch *watch = group->watches.first; stale->n != 0 && watch != NULL; watch = watch->next) {
		struct watching *watching = APS_CONTAINER_OF(watch, struct watching, watch);
		if (shows_any(group, watching, stale)) watching->is_doubtful = true;
	}
	aps_buf_clear(stale);
}

static void turned(struct aps_partition_listener *listener)
{
	struct group *group = APS_CONTAINER_OF(listener, struct group, listener);
	aps_watches_mark(&group->watches, &listener->changed);
	aps_changed_clear(&listener->changed);
	mark_doubtful(group);
	for (struct aps_watch *watch = group->watches.first; watch != NULL; watch = watch->next)
		catch_up(group->core, APS_CONTAINER_OF(watch, struct watching, watch));
}

/* Nothing will change any more that they could show. */
static void closing(struct aps_partition_listener *listener)
{
	struct group *group = APS_CONTAINER_OF(listener, struct group, listener);
	leave_partition(group);
	while (group->watches.first != group->watches.last)
		leave_group(APS_CONTAINER_OF(group->watches.last, struct watching, watch));
	leave_group(APS_CONTAINER_OF(group->watches.first, struct watching, watch)); /* frees the group */
}

static enum aps_rc bind(struct watching *watching, struct aps_partition *partition, struct aps_err *err)
{
	watching->binding = (struct aps_binding){
	        .policies = partition->policies, .names = &partition->cache.names, .gives_numbers = true};
	return aps_binding_init(&watching->binding, watching->operation.document, watching->operation.definition,
	                        aps_operation_variables(&watching->operation), err);
}

/* The store has moved to where everything has other numbers. Without memory for that a watch ends. */
static void renumbered(struct aps_partition_listener *listener)
{
	struct group *group = APS_CONTAINER_OF(listener, struct group, listener);
	struct aps_core *core = group->core;
	struct aps_watch *next;
	aps_buf_clear(&listener->stale);
	for (struct aps_watch *watch = group->watches.first; watch != NULL; watch = next) {
		struct watching *watching = APS_CONTAINER_OF(watch, struct watching, watch);
		struct aps_err err;
		next = watch->next;
		aps_watch_forget(&group->watches, watch, &watching->gone);
		aps_binding_clear(&watching->binding);
		if (bind(watching, group->partition, &err) == APS_OK) continue;
		tell_failure(core, watching, &err);
		end(core, watching); /* the last one takes the group with it */
	}
}

static struct group *group_of(struct aps_core *core, struct aps_partition *partition)
{
	if (partition->listener != NULL) return APS_CONTAINER_OF(partition->listener, struct group, listener);
	struct group *group = aps_calloc(1, sizeof *group);
	if (group == NULL) return NULL;
	group->listener =
	        (struct aps_partition_listener){.turned = turned, .closing = closing, .renumbered = renumbered};
	aps_buf_init(&group->listener.stale, APS_BUF_ANY_SIZE);
	group->partition = partition;
	group->core = core;
	aps_watches_init(&group->watches);
	partition->listener = &group->listener;
	group->holder = (struct aps_partition_holder){partition->holders, hold};
	partition->holders = &group->holder;
	return group;
}

static enum aps_rc join(struct aps_core *core, struct watching *watching, struct aps_partition *partition,
                        int64_t now_s, struct aps_err *err)
{
	enum aps_rc rc = bind(watching, partition, err);
	if (rc != APS_OK) return rc;
	if (!aps_table_set(table_of(core), watching->id, watching)) return aps_fail(err, APS_E_NOMEM, "out of memory");
	struct group *group = group_of(core, partition);
	if (group == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"),
	                                         .is_packed = true,
	                                         .key_seed = partition->cache.entries.seed,
	                                         .now_s = now_s};
	watching->group = group;
	aps_watch_add(&group->watches, &watching->watch, &watching->binding, &options, MAX_VIEW_BYTES);
	return APS_OK;
}

static void begin(struct aps_core *core, struct aps_client *client, struct aps_watch_command *command,
                  struct aps_err *err)
{
	struct aps_partition *partition = aps_caching_partition(core, client, command->cache);
	struct watching *watching = partition != NULL ? aps_calloc(1, sizeof *watching) : NULL;
	if (partition == NULL) aps_fail_word(err, APS_E_STORAGE, "unavailable", 0, "the store can't be used");
	if (watching == NULL) return;
	watching->id = command->head.id;
	watching->rest.due = rest_over;
	watching->client = client->id;
	watching->big_integers_as_text = client->settings.big_integers_as_text;
	watching->operation = command->operation;
	watching->spare = command->spare;
	command->operation = (struct aps_operation){.document = NULL};
	command->spare = NULL;
	aps_buf_init(&watching->gone, APS_BUF_ANY_SIZE);
	aps_err_clear(err);
	if (join(core, watching, partition, aps_client_now_ms(client) / 1000, err) == APS_OK) return;
	tell_failure(core, watching, err);
	end(core, watching);
}

static void run_watch(struct aps_core *core, struct aps_command *head)
{
	struct aps_watch_command *command = (struct aps_watch_command *)head;
	struct aps_client *client = aps_core_client(core, head->client);
	struct aps_err err;
	aps_fail(&err, APS_E_NOMEM, "out of memory");
	if (client == NULL)
		aps_fail(&err, APS_E_CLOSED, "the client is closed");
	else
		begin(core, client, command, &err);
	if (command->spare != NULL) { /* it didn't even begin */
		command->spare->err = err;
		aps_core_emit(core, &command->spare->head);
		command->spare = NULL;
	}
	aps_command_free(head);
}

static struct watching *find(const struct aps_core *core, const struct aps_command *command)
{
	struct watching *watching = aps_table_get(table_of(core), command->id);
	return watching != NULL && watching->client == command->client ? watching : NULL;
}

static void run_unwatch(struct aps_core *core, struct aps_command *command)
{
	struct watching *watching = find(core, command);
	if (watching != NULL) end(core, watching);
	aps_command_free(command);
}

static void run_taken(struct aps_core *core, struct aps_command *command)
{
	struct watching *watching = find(core, command);
	if (watching != NULL) watching->is_out = false; /* the turn's end goes on with it */
	if (watching != NULL && watching->is_long)
		rest(core, watching, (aps_clock_mono_ms() - watching->shown_ms) * RESTS_PER_VIEW);
	aps_command_free(command);
}

static void run_show(struct aps_core *core, struct aps_command *command)
{
	struct watching *watching = find(core, command);
	if (watching != NULL) watching->is_asked = true;
	aps_command_free(command);
}

static void free_watch(struct aps_mail *mail)
{
	struct aps_watch_command *command = (struct aps_watch_command *)mail;
	aps_operation_clear(&command->operation);
	free_event(command->spare);
	aps_free(command);
}

static const struct aps_mail_kind WATCH_KIND = {"watch", free_watch};

struct aps_watch_command *aps_watch_command_new(uint64_t client, uint64_t watch)
{
	struct aps_watch_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &WATCH_KIND, sizeof *command}, run_watch, client, watch, true};
	command->spare = aps_view_event_new(watch, NULL, NULL);
	if (command->spare != NULL) return command;
	aps_command_free(&command->head);
	return NULL;
}

struct aps_command *aps_unwatch_command_new(uint64_t client, uint64_t watch)
{
	return aps_command_new(run_unwatch, client, watch);
}

struct aps_command *aps_view_taken_command_new(uint64_t client, uint64_t watch)
{
	return aps_command_new(run_taken, client, watch);
}

struct aps_command *aps_show_command_new(uint64_t client, uint64_t watch)
{
	return aps_command_new(run_show, client, watch);
}

static void end_all(struct aps_core *core, struct aps_client *client, const struct aps_err *err APS_UNUSED)
{
	size_t cursor = 0;
	void *state = NULL;
	struct watching *watching;
	while ((watching = aps_table_next(table_of(core), &cursor, &state)) != NULL)
		if (watching->client == client->id) end(core, watching);
}

const struct aps_feature aps_watching_feature = {
        .name = "watches",
        .open = aps_core_open_table,
        .client_closing = end_all,
        .close = aps_core_close_table,
};
