/* What a partition has that isn't only entries, when its store moves: that it was dropped, and its optimistic layers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vault_world.h"

#include "cache/edit.h"
#include "store/sync_rows.h"

static struct vault_world world;
static char elsewhere[256];
static size_t n_live;

static int setup(void **state)
{
	(void)state;
	n_live = aps_mem_live();
	vault_world_begin(&world);
	snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", world.folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vault_world_end(&world);
	return aps_mem_live() == n_live ? 0 : -1;
}

static void assert_reads(const char *query, const char *expected)
{
	assert_string_equal(vault_world_read(&world, query), expected);
}

static void assert_kind(enum aps_place_kind kind)
{
	assert_int_equal(aps_place_kind(world.vault->place), kind);
}

static void set_max_pages(struct aps_db *db, int n)
{
	char sql[64];
	struct aps_err err;
	snprintf(sql, sizeof sql, "PRAGMA max_page_count = %d", n);
	assert_int_equal(aps_db_exec(db, sql, &err), APS_OK);
}

static void open_with(const char *query, const char *data)
{
	vault_world_open(&world);
	vault_world_write(&world, query, data);
	vault_world_commit(&world);
}

/* The vault is closed, and opened where its file can't be found. */
static void hide_file(void)
{
	vault_world_close(&world);
	assert_int_equal(rename(world.path, elsewhere), 0);
	assert_int_equal(mkdir(world.path, 0700), 0);
	vault_world_open(&world);
	assert_kind(APS_PLACE_MEMORY);
}

static void return_file(void)
{
	assert_int_equal(rmdir(world.path), 0);
	assert_int_equal(rename(elsewhere, world.path), 0);
	aps_vault_retry(world.vault, 0);
	assert_kind(APS_PLACE_FILE);
	vault_world_commit(&world);
}

/* What is written has no room in the file. */
static enum aps_rc try_to_fill_disk(size_t fails_at, struct aps_err *err)
{
	char data[70000];
	struct aps_operation operation = vault_world_operation("{ filler }");
	set_max_pages(world.vault->db, 1); /* as many as there are */
	int n = snprintf(data, sizeof data, "{\"filler\":\"");
	memset(data + n, 'y', 60000);
	snprintf(data + n + 60000, sizeof data - (size_t)n - 60000, "\"}");
	aps_mem_fail_at(fails_at);
	enum aps_rc rc = vault_world_try_write(&world, &operation, data, err);
	aps_mem_fail_at(0);
	aps_operation_clear(&operation);
	return rc;
}

static void fill_disk(void)
{
	struct aps_err err;
	if (try_to_fill_disk(0, &err) != APS_OK) fail_msg("%s", err.msg);
	assert_kind(APS_PLACE_OVER);
}

static void empty_disk(void)
{
	set_max_pages(world.vault->base, 100000);
	aps_vault_retry(world.vault, 0);
	assert_kind(APS_PLACE_FILE);
	vault_world_commit(&world);
}

static void clear(enum aps_part_drop how)
{
	struct aps_err err;
	aps_reader_clear(world.reader);
	if (aps_partition_clear(world.partition, how, &err) != APS_OK) fail_msg("%s", err.msg);
}

static void what_was_cleared_in_memory_is_gone_from_the_file(void **state)
{
	(void)state;
	static const enum aps_part_drop HOW[] = {APS_PART_CLEARED, APS_PART_WIPED};
	for (size_t i = 0; i < APS_COUNTOF(HOW); i++) {
		struct aps_dropped_part dropped;
		struct aps_err err;
		open_with("{ a b(x: 1) }", "{\"a\":1,\"b\":1}");
		hide_file();
		vault_world_write(&world, "{ c(x: 1) }", "{\"c\":1}");
		clear(HOW[i]);
		vault_world_write(&world, "{ d(x: 1) }", "{\"d\":1}");
		vault_world_commit(&world);
		assert_reads("{ c(x: 1) }", "missing");
		assert_reads("{ d(x: 1) }", "{\"d\":1}");
		return_file();
		assert_reads("{ a }", "missing");
		assert_reads("{ b(x: 1) }", "missing"); /* memory has never had it */
		assert_int_equal(aps_parts_find_dropped(world.vault->db, &dropped, &err), APS_OK);
		assert_int_not_equal(dropped.part, 0);
		assert_int_equal(dropped.how, HOW[i]);
		vault_world_write(&world, "{ a }", "{\"a\":2}");
		vault_world_commit(&world);
		assert_reads("{ a }", "{\"a\":2}");
		vault_world_close(&world);
		assert_int_equal(unlink(world.path), 0);
	}
}

static void a_clear_without_memory_is_none(void **state)
{
	(void)state;
	size_t n_failures = 0;
	open_with("{ a }", "{\"a\":1}");
	hide_file();
	for (size_t nth = 1; nth < 30; nth++) {
		struct aps_err err;
		vault_world_write(&world, "{ b }", "{\"b\":1}");
		vault_world_commit(&world);
		aps_reader_clear(world.reader);
		aps_mem_fail_at(nth);
		bool is_clear = aps_partition_clear(world.partition, APS_PART_CLEARED, &err) == APS_OK;
		aps_mem_fail_at(0);
		if (!is_clear) n_failures++;
		vault_world_commit(&world);
		assert_reads("{ b }", is_clear ? "missing" : "{\"b\":1}");
	}
	assert_true(n_failures > 0);
	return_file();
	assert_reads("{ a }", "missing");
}

static void a_clear_in_a_turn_that_has_no_room_is_one(void **state)
{
	(void)state;
	open_with("{ a b(x: 1) }", "{\"a\":1,\"b\":1}");
	vault_world_write(&world, "{ before }", "{\"before\":1}");
	clear(APS_PART_CLEARED);
	vault_world_write(&world, "{ after }", "{\"after\":1}");
	fill_disk();
	vault_world_commit(&world);
	for (int round = 0; round < 3; round++) {
		assert_reads("{ a }", "missing");
		assert_reads("{ b(x: 1) }", "missing");
		assert_reads("{ before }", "missing");
		assert_reads("{ after }", "{\"after\":1}");
		if (round == 0) empty_disk();
		if (round == 1) {
			vault_world_close(&world);
			vault_world_open(&world);
		}
	}
}

static void what_is_cleared_while_there_is_no_room_is_gone_later(void **state)
{
	(void)state;
	open_with("{ a b(x: 1) }", "{\"a\":1,\"b\":1}");
	fill_disk();
	vault_world_commit(&world);
	assert_reads("{ a b(x: 1) }", "{\"a\":1,\"b\":1}");
	clear(APS_PART_CLEARED);
	vault_world_write(&world, "{ a }", "{\"a\":2}");
	vault_world_commit(&world);
	for (int round = 0; round < 3; round++) {
		assert_reads("{ a }", "{\"a\":2}");
		assert_reads("{ b(x: 1) }", "missing");
		assert_reads("{ filler }", "missing");
		if (round == 0) empty_disk();
		if (round == 1) {
			vault_world_close(&world);
			vault_world_open(&world);
		}
	}
}

/* A layer that says this of the field `a`; its edits settle it when `settles`. */
static void edit(uint64_t layer, const char *json, bool settles)
{
	struct aps_err err;
	struct aps_gql_document *doc;
	struct aps_edits *edits = aps_edits_new();
	assert_int_equal(aps_gql_document_new(APS_STR("{ a { id n } }"), &doc, NULL, NULL), APS_OK);
	const struct aps_edit_what what = {
	        .kind = APS_EDIT_WRITE,
	        .key = APS_STR("ROOT_QUERY"),
	        .document = doc,
	        .definition = aps_gql_document_operation(doc, 0),
	        .json = aps_str_of(json),
	};
	if (json[0] != '\0') assert_true(aps_edits_add(edits, &what));
	uint64_t id = aps_partition_find_layer(world.partition, layer);
	enum aps_rc rc = settles ? aps_partition_settle_layer(world.partition, id, edits, &err)
	                         : aps_partition_add_layer(world.partition, layer, APS_LAYER_PASSING, edits, &id, &err);
	if (rc != APS_OK) fail_msg("%s", err.msg);
	aps_edits_unref(edits);
	aps_gql_document_unref(doc);
}

#define A(n) "{\"a\":{\"id\":\"1\",\"n\":" #n ",\"__typename\":\"T\"}}"
#define READ "{ a { id n } }"

static void layers_go_with_what_lies_below_them(void **state)
{
	(void)state;
	open_with(READ, A(1));
	edit(7, A(7), false);
	vault_world_commit(&world);
	edit(8, A(8), false); /* in the turn that fails */
	fill_disk();
	vault_world_commit(&world);
	assert_reads(READ, A(8));
	edit(9, A(9), false);
	vault_world_commit(&world);
	assert_reads(READ, A(9));
	vault_world_write(&world, READ, A(2));
	edit(8, "", true);
	vault_world_commit(&world);
	assert_reads(READ, A(9));
	empty_disk();
	assert_reads(READ, A(9));
	edit(9, "", true);
	vault_world_commit(&world);
	assert_reads(READ, A(7));
	edit(7, A(3), true);
	vault_world_commit(&world);
	assert_reads(READ, A(3));
	vault_world_close(&world);
	vault_world_open(&world);
	assert_reads(READ, A(3));
}

static void a_layer_is_settled_in_a_turn_that_has_no_room(void **state)
{
	(void)state;
	open_with(READ, A(1));
	edit(7, A(7), false);
	edit(8, A(8), false);
	vault_world_commit(&world);
	edit(8, "", true);
	edit(7, A(3), true);
	fill_disk();
	vault_world_commit(&world);
	assert_reads(READ, A(3));
	empty_disk();
	assert_reads(READ, A(3));
	assert_false(world.result.is_optimistic);
}

/* They were about what isn't known any more. */
static void layers_end_where_everything_begins_anew(void **state)
{
	(void)state;
	open_with("{ b }", "{\"b\":1}");
	hide_file();
	edit(7, A(7), false);
	vault_world_commit(&world);
	assert_reads(READ, A(7));
	return_file();
	assert_reads(READ, "missing");
	edit(7, A(4), true); /* what it is settled with is kept */
	vault_world_commit(&world);
	assert_reads(READ, A(4));
}

/* Whatever is short: the turn is kept or it isn't, and after the next one no layer shows that nobody knows. */
static void without_memory_layers_are_settled_or_given_up(void **state)
{
	(void)state;
	size_t n_lost = 0;
	for (size_t nth = 1; nth < 250; nth++) {
		struct aps_err err;
		open_with(READ, A(1));
		edit(7, A(7), false);
		vault_world_commit(&world);
		edit(7, A(3), true);
		bool is_kept = try_to_fill_disk(nth, &err) == APS_OK;
		is_kept = aps_vault_commit(world.vault, &err) == APS_OK && is_kept;
		set_max_pages(world.vault->db, 100000);
		vault_world_write(&world, "{ b(x: 1) }", "{\"b\":1}");
		vault_world_commit(&world);
		for (int round = 0; round < 2; round++) {
			const char *text = vault_world_read(&world, READ);
			bool is_lost = strcmp(text, A(3)) != 0;
			if (is_lost && (is_kept || strcmp(text, A(1)) != 0)) fail_msg("%zu: %s", nth, text);
			n_lost += is_lost;
			if (world.vault->base != NULL) empty_disk();
		}
		vault_world_close(&world);
		assert_int_equal(unlink(world.path), 0);
		if (!aps_mem_has_failed()) break;
	}
	assert_true(n_lost > 0);
}

/* What a sync keeps, before there is any record. */
static void keep_sync(const char *checkpoint)
{
	struct aps_err err;
	struct aps_sync_name sync = {.name = APS_STR("aa")};
	if (aps_vault_begin(world.vault, &err) != APS_OK ||
	    aps_cache_store_part(&world.partition->store, &sync.part, &err) != APS_OK ||
	    aps_sync_rows_save(world.vault->db, sync, aps_str_of(checkpoint), &err) != APS_OK)
		fail_msg("%s", err.msg);
	vault_world_commit(&world);
}

static void assert_keeps(const char *checkpoint)
{
	struct aps_err err;
	struct aps_buf text;
	const struct aps_sync_name sync = {world.partition->store.part, APS_STR("aa")};
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_sync_rows_load(world.vault->db, sync, &text, &err), APS_OK);
	if (!aps_str_is(aps_buf_str(&text), checkpoint)) fail_msg("%.*s", (int)text.n, text.p);
	aps_buf_clear(&text);
}

static void what_syncs_keep_follows_their_part_into_memory_and_back(void **state)
{
	(void)state;
	vault_world_open(&world);
	keep_sync("1");
	vault_world_write(&world, "{ a }", "{\"a\":1}");
	vault_world_commit(&world);
	assert_keeps("1");
	fill_disk();
	vault_world_commit(&world);
	assert_keeps("1");
	keep_sync("2");
	assert_keeps("2");
	empty_disk();
	assert_keeps("2");
	vault_world_close(&world);
	vault_world_open(&world);
	assert_keeps("2");
}

static void what_syncs_keep_is_gone_with_a_part_that_was_cleared_in_memory(void **state)
{
	(void)state;
	open_with("{ a }", "{\"a\":1}");
	keep_sync("1");
	fill_disk();
	clear(APS_PART_CLEARED);
	vault_world_commit(&world);
	assert_keeps("");
	empty_disk();
	assert_keeps("");
}

static void syncs_begin_anew_where_memory_has_had_what_they_keep(void **state)
{
	(void)state;
	open_with("{ a }", "{\"a\":1}");
	keep_sync("1");
	hide_file();
	keep_sync("2");
	assert_keeps("2");
	return_file();
	assert_keeps("");
	assert_reads("{ a }", "{\"a\":1}");
}

/* A rollback takes the part with it. */
static void a_part_that_was_made_for_a_sync_is_made_again_after_a_failure(void **state)
{
	(void)state;
	struct aps_err err;
	int64_t part;
	vault_world_open(&world);
	assert_int_equal(aps_vault_begin(world.vault, &err), APS_OK);
	assert_int_equal(aps_cache_store_part(&world.partition->store, &part, &err), APS_OK);
	assert_true(part != 0 && part == world.partition->store.part);
	aps_vault_abandon(world.vault);
	assert_int_equal(world.partition->store.part, 0);
	keep_sync("1");
	vault_world_write(&world, "{ a }", "{\"a\":1}");
	vault_world_commit(&world);
	assert_keeps("1");
	assert_reads("{ a }", "{\"a\":1}");
}

int main(void)
{
	struct aps_err err;
	if (aps_process_init(&err) != APS_OK) return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(what_was_cleared_in_memory_is_gone_from_the_file),
	        TEST(a_clear_without_memory_is_none),
	        TEST(a_clear_in_a_turn_that_has_no_room_is_one),
	        TEST(what_is_cleared_while_there_is_no_room_is_gone_later),
	        TEST(layers_go_with_what_lies_below_them),
	        TEST(a_layer_is_settled_in_a_turn_that_has_no_room),
	        TEST(layers_end_where_everything_begins_anew),
	        TEST(without_memory_layers_are_settled_or_given_up),
	        TEST(what_syncs_keep_follows_their_part_into_memory_and_back),
	        TEST(what_syncs_keep_is_gone_with_a_part_that_was_cleared_in_memory),
	        TEST(syncs_begin_anew_where_memory_has_had_what_they_keep),
	        TEST(a_part_that_was_made_for_a_sync_is_made_again_after_a_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
