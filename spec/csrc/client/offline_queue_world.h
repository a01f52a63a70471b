/* A client with a queue in a file of its own, which has nothing to send with. Include after cmocka.h. */
#ifndef APS_SPEC_OFFLINE_QUEUE_WORLD_H
#define APS_SPEC_OFFLINE_QUEUE_WORLD_H

#include "client/partition.h"
#include "client/queue_change.h"
#include "client/queue_run.h"
#include "client/queueing.h"
#include "collecting_world.h"
#include "store/dead_letters.h"
#include "store/id_map.h"
#include "store/outbox_number.h"
#include "store/outcomes.h"
#include "store/owners.h"

static struct aps_queue *queue;
static bool has_updates; /* of the client: functions for answers */

static struct aps_err queue_err;

static void ok(enum aps_rc rc)
{
	if (rc != APS_OK) fail_msg("%s", queue_err.msg);
}

static struct aps_partition *partition(void)
{
	return aps_caching_partition(world.core.core, world.client, CACHE);
}

static struct aps_db *db(void)
{
	return partition()->vault->db;
}

static int64_t value_of(const char *sql)
{
	int64_t value;
	ok(aps_db_read_int(db(), sql, &value, &queue_err));
	return value;
}

static struct aps_queue *open_queue_of(uint64_t cache)
{
	struct aps_queue_settings settings = {.has_updates = has_updates, .max_tries = 3};
	aps_arena_init(&settings.arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&settings.headers, &settings.arena);
	ok(aps_queueing_open(world.core.core, world.client, cache, &settings, &queue_err));
	aps_queue_settings_clear(&settings);
	struct aps_queue *opened = aps_queueing_find(world.core.core, world.client, cache);
	assert_non_null(opened);
	aps_queue_set_reach(opened, APS_OUTBOX_OFFLINE, 0);
	return opened;
}

static void open_queue(void)
{
	queue = open_queue_of(CACHE);
}

static APS_UNUSED void reopen_queue(void)
{
	close_client();
	open_client();
	open_queue();
	core_world_turn(&world.core);
}

static int queue_setup(void **state)
{
	has_updates = false;
	if (collecting_setup(state) != 0) return -1;
	open_queue();
	core_world_turn(&world.core);
	return 0;
}

/* Of another identity as of this one: its number. */
static APS_UNUSED int64_t owner_of(const char *identity)
{
	int64_t id;
	ok(aps_owners_make(db(), APS_STR("p"), aps_str_of(identity), &id, &queue_err));
	return id;
}

/* In the turn that runs. */
static APS_UNUSED int64_t put_entry_of(int64_t owner, int64_t number, const char *variables)
{
	const struct aps_outbox_entry entry = {.id = aps_entry_id(owner, APS_ENTRY_API_KEY, number),
	                                       .created_ms = 1000,
	                                       .flags = APS_ENTRY_LAYER,
	                                       .document = APS_STR("mutation M($t: String) { say(text: $t) { id } }"),
	                                       .name = APS_STR("M"),
	                                       .variables = aps_str_of(variables),
	                                       .optimistic = APS_STR(""),
	                                       .extra = APS_STR("{}")};
	ok(aps_outbox_insert(db(), &entry, &queue_err));
	return entry.id;
}

static APS_UNUSED int64_t put_outcome_of(int64_t owner, int64_t entry, bool is_told, const char *content)
{
	struct aps_kept_outcome kept;
	aps_kept_outcome_init(&kept);
	kept.owner = owner;
	kept.entry = entry;
	kept.is_told = is_told;
	kept.finished_ms = 1000;
	kept.content = aps_str_of(content);
	ok(aps_outcomes_add(db(), &kept, &queue_err));
	int64_t number = kept.number;
	aps_kept_outcome_clear(&kept);
	return number;
}

/* A layer that sets a field of the root; its number. */
static APS_UNUSED uint64_t put_layer(enum aps_layer_kind kind, const char *field, const char *json)
{
	uint64_t id;
	struct aps_edits *edits = aps_edits_new();
	const struct aps_edit_what what = {.kind = APS_EDIT_SET,
	                                   .key = APS_STR("ROOT_QUERY"),
	                                   .field = aps_str_of(field),
	                                   .json = aps_str_of(json)};
	assert_true(aps_edits_add(edits, &what));
	ok(aps_partition_add_layer(partition(), 0, APS_LAYER_QUEUED, edits, &id, &queue_err));
	if (kind == APS_LAYER_ANSWERED) ok(aps_partition_answer_layer(partition(), id, &queue_err));
	aps_edits_unref(edits);
	return id;
}

#endif
