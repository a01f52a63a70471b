/* Optimistic layers of a partition and what core and reader show of them. Include after cmocka.h. */
#ifndef APS_SPEC_LAYER_WORLD_H
#define APS_SPEC_LAYER_WORLD_H

#include "edit_calls.h"
#include "vault_world.h"

#include "cache/cell.h"

#define X     "0a1b2c3d-0000-4000-8000-00000000000a" /* ids that clients make */
#define Y     "0a1b2c3d-0000-4000-8000-00000000000b"
#define MAKE  "mutation { make { id n } }"
#define BY    "mutation { say { id text of { id } } }"
#define LIST  "{ all { id n } }"
#define ITEMS "{\"all\":[" /* … ]} */

#define MADE(id, n) "{\"make\":" T(id, n) "}"
#define T(id, n)    "{\"id\":\"" id "\",\"n\":" #n ",\"__typename\":\"T\"}"

/* The second one is for those who compare two. */
static struct vault_world worlds[2], *the_world = &worlds[0];
#define world (*the_world)

static void field_edit(enum aps_edit_kind kind, const char *key, const char *field, const char *json)
{
	const struct aps_edit_what what = {.kind = kind,
	                                   .key = aps_str_of(key),
	                                   .field = aps_str_of(field),
	                                   .is_apart = strchr(field, '(') != NULL,
	                                   .json = aps_str_of(json)};
	assert_true(aps_edits_add(edits, &what));
}

/* A field of a record, or of the root. */
static void set_edit(const char *key, const char *field, const char *json)
{
	field_edit(APS_EDIT_SET, key, field, json);
}

APS_UNUSED static void list_edit(const char *key, const char *field, const char *json)
{
	field_edit(APS_EDIT_LIST, key, field, json);
}

/* What was added becomes a layer, in the turn that runs. */
static uint64_t lay(enum aps_layer_kind kind, uint64_t handle)
{
	struct aps_err err;
	uint64_t id;
	if (aps_partition_add_layer(world.partition, handle, kind, edits, &id, &err) != APS_OK) fail_msg("%s", err.msg);
	drop_edits();
	return id;
}

/* T:id is hoped for, and comes last in the list. */
APS_UNUSED static uint64_t hope_for(const char *id, const char *made)
{
	char json[128];
	begin_edits();
	write_edit("", MAKE, made);
	snprintf(json, sizeof json, "{\"__edits\":[[\"+\",\"T:%s\",\"\"]]}", id);
	set_edit("ROOT_QUERY", "all", json);
	return lay(APS_LAYER_QUEUED, 0);
}

static enum aps_rc try_to_answer(uint64_t layer, const char *query, const char *json, struct aps_buf *mapped,
                                 struct aps_err *err)
{
	struct aps_operation operation = vault_world_operation(query);
	const struct aps_partition_data data = {
	        .operation = &operation, .data = aps_str_of(json), .layer = layer, .mapped = mapped};
	enum aps_rc rc = aps_partition_write(world.partition, &data, err);
	aps_operation_clear(&operation);
	return rc;
}

/* Texts of a list, each followed by a space. */
APS_UNUSED static const char *texts_of(const struct aps_buf *list)
{
	static char text[512];
	struct aps_str rest = aps_buf_str(list);
	size_t n = 0;
	uint64_t n_bytes;
	while (rest.n != 0) {
		assert_true(aps_cell_take_count(&rest, &n_bytes) && n_bytes <= rest.n);
		n += (size_t)snprintf(text + n, sizeof text - n, "%.*s ", (int)n_bytes, rest.p);
		rest = (struct aps_str){rest.p + n_bytes, rest.n - (size_t)n_bytes};
	}
	text[n] = '\0';
	return text;
}

/* Returns the pairs that were mapped. */
APS_UNUSED static const char *answer(uint64_t layer, const char *query, const char *json)
{
	struct aps_err err;
	struct aps_buf mapped;
	aps_buf_init(&mapped, APS_BUF_ANY_SIZE);
	if (try_to_answer(layer, query, json, &mapped, &err) != APS_OK) fail_msg("%s", err.msg);
	const char *text = texts_of(&mapped);
	aps_buf_clear(&mapped);
	return text;
}

/* Also what lacks something. */
static void read_core(const char *query, struct aps_read_result *result)
{
	struct aps_operation operation = vault_world_operation(query);
	struct aps_binding binding = {.policies = &world.policies, .names = &world.partition->cache.names};
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_partial = true};
	struct aps_err err;
	aps_read_result_init(result, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_binding_init(&binding, operation.document, operation.definition,
	                                  aps_operation_variables(&operation), &err),
	                 APS_OK);
	if (aps_denormalize(aps_partition_source(world.partition), &binding, &options, result, &err) != APS_OK)
		fail_msg("%s", err.msg);
	aps_binding_clear(&binding);
	aps_operation_clear(&operation);
}

/* Core and reader alike. */
APS_UNUSED static void assert_shows(const char *query, const char *expected)
{
	struct aps_read_result result;
	read_core(query, &result);
	assert_string_equal(result.n_missing != 0 ? "missing" : result.data.p, expected);
	aps_read_result_clear(&result);
	assert_string_equal(vault_world_read(&world, query), expected);
}

/* All that is in memory of core and reader is gone. */
static void forget_memory(void)
{
	struct aps_err err;
	vault_world_close(&world);
	vault_world_open(&world);
	aps_reader_free(world.reader);
	world.reader = aps_reader_new(world.path, "p", "", &world.policies, world.channel, &err);
	assert_non_null(world.reader);
}

static int64_t in_store(const char *sql)
{
	int64_t n;
	struct aps_err err;
	if (aps_db_read_int(world.vault->db, sql, &n, &err) != APS_OK) fail_msg("%s", err.msg);
	return n;
}

APS_UNUSED static void set_max_pages(struct aps_db *db, int n)
{
	char sql[64];
	struct aps_err err;
	snprintf(sql, sizeof sql, "PRAGMA max_page_count = %d", n);
	assert_int_equal(aps_db_exec(db, sql, &err), APS_OK);
}

/* What is written has no room in the file; the turn goes on in memory. */
APS_UNUSED static void fill_disk(void)
{
	static unsigned n_fillers;
	char data[70000], query[64];
	set_max_pages(world.vault->db, 1); /* as many as there are */
	snprintf(query, sizeof query, "{ filler%u { id text } }", ++n_fillers);
	/* a record of its own: each change of the root writes the root anew */
	int n = snprintf(data, sizeof data, "{\"filler%u\":{\"id\":\"%u\",\"__typename\":\"Filler\",\"text\":\"",
	                 n_fillers, n_fillers);
	memset(data + n, 'y', 60000);
	snprintf(data + n + 60000, sizeof data - (size_t)n - 60000, "\"}}");
	vault_world_write(&world, query, data);
	assert_int_equal(aps_place_kind(world.vault->place), APS_PLACE_OVER);
}

APS_UNUSED static void empty_disk(void)
{
	set_max_pages(world.vault->base, 100000);
	aps_vault_retry(world.vault, 0);
	assert_int_equal(aps_place_kind(world.vault->place), APS_PLACE_FILE);
	vault_world_commit(&world);
}

static size_t n_live;

static int layer_setup(void **state)
{
	(void)state;
	n_live = aps_mem_live();
	vault_world_begin(&world);
	vault_world_open(&world);
	return 0;
}

static int layer_teardown(void **state)
{
	(void)state;
	vault_world_end(&world);
	return aps_mem_live() == n_live ? 0 : -1;
}

#endif
