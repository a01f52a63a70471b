/* How optimistic layers of queued mutations end, and that nothing depends on all of them: not a move of their store,
 * not what it takes to open and to read it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "layer_world.h"

#define ONE ITEMS T("1", 1) "," T("2", 2) "]}"

static void begin_with_a_list(void)
{
	vault_world_write(&world, LIST, ONE);
	vault_world_commit(&world);
}

static void fold(uint64_t id)
{
	struct aps_err err;
	if (aps_partition_fold_layer(world.partition, id, &err) != APS_OK) fail_msg("%s", err.msg);
}

static void drop(uint64_t id, bool is_doubtful)
{
	struct aps_err err;
	if (aps_partition_drop_layer(world.partition, id, is_doubtful, &err) != APS_OK) fail_msg("%s", err.msg);
}

static void assert_no_rows(void)
{
	assert_int_equal(in_store("SELECT count(*) FROM layer"), 0);
	assert_int_equal(in_store("SELECT count(*) FROM patch"), 0);
}

static void folded_lists_keep_what_the_layer_did_to_them_and_values_are_the_services(void **state)
{
	(void)state;
	begin_with_a_list();
	begin_edits();
	write_edit("", MAKE, MADE(X, 5));
	set_edit("ROOT_QUERY", "all", "{\"__edits\":[[\"+\",\"T:" X "\",\"T:1\"],[\"-\",\"T:2\"]]}");
	set_edit("T:1", "n", "{\"__json\":9}");
	uint64_t id = lay(APS_LAYER_QUEUED, 0);
	vault_world_commit(&world);
	assert_shows(LIST, ITEMS T("1", 9) "," T(X, 5) "]}");
	forget_memory();
	answer(id, MAKE, MADE("7", 6));
	fold(id);
	vault_world_commit(&world);
	for (int round = 0; round < 2; round++) {
		assert_shows(LIST, ITEMS T("1", 1) "," T("7", 6) "]}");
		assert_false(world.result.is_optimistic);
		assert_no_rows();
		forget_memory();
	}
	fold(id); /* there is none any more */
}

static void what_somebody_else_has_put_into_the_list_is_there_once_after_the_fold(void **state)
{
	(void)state;
	begin_with_a_list();
	uint64_t id = hope_for(X, MADE(X, 5));
	vault_world_commit(&world);
	vault_world_write(&world, LIST, ITEMS T("7", 6) "," T("1", 1) "]}");
	answer(id, MAKE, MADE("7", 6));
	fold(id);
	vault_world_commit(&world);
	assert_shows(LIST, ITEMS T("7", 6) "," T("1", 1) "]}");
	assert_no_rows();
}

static void lists_of_the_base_are_the_only_ones_that_a_fold_changes(void **state)
{
	(void)state;
	begin_with_a_list();
	vault_world_write(&world, "{ at(x: 1) { id } box { list { id } k } }",
	                  "{\"at\":[" T("1", 1) "],\"box\":{\"list\":[" T("1", 1) "],\"k\":1}}");
	vault_world_commit(&world);
	begin_edits();
	write_edit("", MAKE, MADE(X, 5));
	set_edit("ROOT_QUERY", "unknown", "{\"__list\":[{\"__ref\":\"T:" X "\"}]}"); /* half of what there is */
	set_edit("ROOT_QUERY", "at({\"x\":1})", "{\"__edits\":[[\"^\",\"T:" X "\"]]}");
	set_edit("ROOT_QUERY", "at({\"x\":2})", "{\"__list\":[{\"__ref\":\"T:" X "\"}]}");
	set_edit("ROOT_QUERY", "box",
	         "{\"__fields\":{\"list\":{\"__edits\":[[\"+\",\"T:" X "\",\"T:1\"]]},\"k\":{\"__json\":2}}}");
	set_edit("T:2", "n", "");
	evict_edit("T:1");
	uint64_t id = lay(APS_LAYER_QUEUED, 0);
	vault_world_commit(&world);
	answer(id, MAKE, MADE("7", 6));
	fold(id);
	vault_world_commit(&world);
	for (int round = 0; round < 2; round++) {
		assert_shows("{ unknown { id } }", "missing");
		assert_shows("{ at(x: 2) { id } }", "missing");
		/* what was evicted is so */
		assert_shows("{ at(x: 1) { id } }", "{\"at\":[{\"id\":\"7\",\"__typename\":\"T\"}]}");
		assert_shows("{ box { list { id } k } }",
		             "{\"box\":{\"list\":[{\"id\":\"7\",\"__typename\":\"T\"}],\"k\":1}}");
		assert_shows("{ all { n } }", "missing"); /* of T:2 */
		forget_memory();
	}
}

static void a_long_list_is_folded_by_its_items(void **state)
{
	(void)state;
	struct aps_buf data;
	aps_buf_init(&data, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&data, ITEMS);
	for (int i = 0; i < 600; i++)
		aps_buf_addf(&data, "%s{\"id\":\"%d\",\"n\":1,\"__typename\":\"T\"}", i != 0 ? "," : "", i);
	size_t at = data.n;
	aps_buf_add_text(&data, "]}");
	vault_world_write(&world, LIST, data.p);
	vault_world_commit(&world);
	uint64_t id = hope_for(X, MADE(X, 5));
	vault_world_commit(&world);
	forget_memory();
	answer(id, MAKE, MADE("new", 6));
	fold(id);
	vault_world_commit(&world);
	data.n = at;
	aps_buf_add_text(&data, ",{\"id\":\"new\",\"n\":6,\"__typename\":\"T\"}]}");
	for (int round = 0; round < 2; round++) {
		assert_shows(LIST, data.p);
		forget_memory();
	}
	assert_no_rows();
	aps_buf_clear(&data);
}

/* What is read so has to be asked for again. */
static size_t n_expired(const char *query)
{
	struct aps_err err;
	struct aps_operation operation = vault_world_operation(query);
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .now_s = 1};
	enum aps_rc rc = aps_reader_read(world.reader, &operation, &options, &world.result, &err);
	aps_operation_clear(&operation);
	assert_int_equal(rc, APS_OK);
	assert_int_equal(world.result.n_missing, 0);
	return world.result.n_expired;
}

static void a_dead_mutation_leaves_no_trace(void **state)
{
	(void)state;
	begin_with_a_list();
	begin_edits();
	write_edit("", MAKE, MADE(X, 5));
	set_edit("ROOT_QUERY", "all", "{\"__edits\":[[\"+\",\"T:" X "\",\"T:1\"],[\"-\",\"T:2\"]]}");
	set_edit("T:1", "n", "{\"__json\":9}");
	uint64_t id = lay(APS_LAYER_QUEUED, 0);
	vault_world_commit(&world);
	forget_memory();
	drop(id, false);
	vault_world_commit(&world);
	for (int round = 0; round < 2; round++) {
		assert_shows(LIST, ONE);
		assert_int_equal(n_expired(LIST), 0);
		assert_no_rows();
		forget_memory();
	}
}

static void what_an_unknown_outcome_may_have_changed_is_in_doubt_until_it_is_said(void **state)
{
	(void)state;
	static const char WITH[] = "{ all { id n m } at(x: 1) { id } other { id } one { id n } }";
	begin_with_a_list();
	vault_world_write(
	        &world, WITH,
	        "{\"all\":[{\"id\":\"1\",\"n\":1,\"m\":1,\"__typename\":\"T\"},{\"id\":\"2\",\"n\":2,\"m\":2,"
	        "\"__typename\":\"T\"}],\"at\":[" T("2", 2) "],\"other\":" T("2", 2) ",\"one\":" T("1", 1) "}");
	vault_world_commit(&world);
	begin_edits();
	write_edit("", MAKE, MADE(X, 5));
	set_edit("T:1", "n", "{\"__json\":9}");
	set_edit("ROOT_QUERY", "at({\"x\":1})", "{\"__edits\":[[\"^\",\"T:" X "\"]]}");
	uint64_t id = lay(APS_LAYER_QUEUED, 0);
	vault_world_commit(&world);
	forget_memory();
	drop(id, true);
	vault_world_commit(&world);
	assert_no_rows();
	for (int round = 0; round < 2; round++) {
		assert_shows("{ one { n } }", "{\"one\":{\"n\":1,\"__typename\":\"T\"}}");
		assert_true(n_expired("{ one { n } }") != 0);
		assert_true(n_expired("{ all { m } }") != 0); /* another field of the same record */
		assert_true(n_expired("{ at(x: 1) { id } }") != 0);
		assert_int_equal(n_expired("{ other { id n } }"), 0);
		forget_memory();
	}
	vault_world_write(
	        &world, WITH,
	        "{\"all\":[{\"id\":\"1\",\"n\":1,\"m\":1,\"__typename\":\"T\"},{\"id\":\"2\",\"n\":2,\"m\":2,"
	        "\"__typename\":\"T\"}],\"at\":[" T("2", 2) "],\"other\":" T("2", 2) ",\"one\":" T("1", 1) "}");
	vault_world_commit(&world);
	assert_int_equal(n_expired(WITH), 0);
}

static void close_listener(struct aps_partition_listener *listener)
{
	aps_changed_clear(&listener->changed);
	aps_buf_clear(&listener->stale);
}

static void whoever_watches_what_is_in_doubt_is_told(void **state)
{
	(void)state;
	static struct aps_partition_listener listener = {.closing = close_listener};
	struct aps_entry *record;
	begin_with_a_list();
	begin_edits();
	set_edit("T:1", "n", "{\"__json\":9}");
	uint64_t id = lay(APS_LAYER_QUEUED, 0);
	vault_world_commit(&world);
	aps_buf_init(&listener.stale, APS_BUF_ANY_SIZE);
	world.partition->listener = &listener;
	drop(id, true);
	assert_int_equal(aps_entries_find(&world.partition->cache.entries, APS_STR("RT:1"), &record, NULL), APS_OK);
	const struct aps_stale_field *stale = (const struct aps_stale_field *)(const void *)listener.stale.p;
	size_t n = listener.stale.n / sizeof *stale, n_found = 0;
	for (size_t i = 0; i < n; i++)
		n_found += stale[i].entry == record->number &&
		           stale[i].name == aps_names_find(&world.partition->cache.names, APS_STR("n"));
	assert_int_equal(n_found, 1);
	vault_world_commit(&world);
}

/* All that may happen in one turn, in one that has no room. */
static void layers_go_with_a_store_that_moves_whether_they_are_in_memory_or_not(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_buf ids;
	aps_buf_init(&ids, APS_BUF_ANY_SIZE);
	begin_with_a_list();
	uint64_t first = hope_for(X, MADE(X, 5));
	uint64_t second = hope_for(Y, MADE(Y, 6));
	begin_edits();
	set_edit("T:1", "n", "{\"__json\":7}");
	uint64_t third = lay(APS_LAYER_QUEUED, 0);
	begin_edits();
	set_edit("T:2", "n", "{\"__json\":8}");
	lay(APS_LAYER_QUEUED, 0); /* which nobody touches */
	vault_world_commit(&world);
	forget_memory();
	assert_string_equal(answer(first, MAKE, MADE("3", 5)), "T " X " 3 ");
	assert_int_equal(aps_partition_answer_layer(world.partition, second, &err), APS_OK);
	drop(third, false);
	begin_edits();
	set_edit("T:1", "n", "{\"__json\":10}");
	uint64_t fifth = lay(APS_LAYER_QUEUED, 0);
	fill_disk();
	vault_world_commit(&world);
	static const char SHOWN[] = ITEMS T("1", 10) "," T("2", 8) "," T("3", 5) "," T(Y, 6) "]}";
	assert_shows(LIST, SHOWN);
	fold(first); /* in memory */
	begin_edits();
	set_edit("T:3", "n", "{\"__json\":11}");
	assert_true(lay(APS_LAYER_QUEUED, 0) > fifth);
	vault_world_commit(&world);
	empty_disk();
	for (int round = 0; round < 2; round++) {
		assert_shows(LIST, ITEMS T("1", 10) "," T("2", 8) "," T("3", 11) "," T(Y, 6) "]}");
		assert_int_equal(in_store("SELECT count(*) FROM layer"), 4);
		aps_buf_reset(&ids);
		assert_int_equal(aps_partition_list_answered(world.partition, &ids, &err), APS_OK);
		assert_int_equal(ids.n, sizeof second);
		assert_memory_equal(ids.p, &second, sizeof second);
		forget_memory();
	}
	assert_string_equal(answer(second, MAKE, MADE("4", 6)), "T " Y " 4 ");
	vault_world_commit(&world);
	assert_shows(LIST, ITEMS T("1", 10) "," T("2", 8) "," T("3", 11) "," T("4", 6) "]}");
	aps_buf_clear(&ids);
}

/* What it is to be if all of it is, and if none of it is. */
static void without_memory_an_end_is_all_or_nothing(void **state)
{
	(void)state;
	static const char BEFORE[] = ITEMS T("1", 9) "," T("2", 2) "," T(X, 5) "]}";
	static const char *const AFTER[] = {
	        ITEMS T("1", 9) "," T("2", 2) "," T("7", 6) "]}", /* answered */
	        ONE,                                              /* folded, without an answer */
	        ONE,                                              /* dropped */
	        ONE,                                              /* likewise, in doubt */
	        BEFORE,                                           /* its kind */
	};
	for (size_t how = 0; how < APS_COUNTOF(AFTER); how++) {
		size_t n_failed = 0;
		for (size_t nth = 1; nth < 250; nth++) {
			struct aps_err err;
			struct aps_buf mapped;
			struct aps_operation operation = vault_world_operation(MAKE);
			aps_buf_init(&mapped, APS_BUF_ANY_SIZE);
			begin_with_a_list();
			begin_edits();
			write_edit("", MAKE, MADE(X, 5));
			set_edit("ROOT_QUERY", "all", "{\"__edits\":[[\"+\",\"T:" X "\",\"T:2\"]]}");
			set_edit("T:1", "n", "{\"__json\":9}");
			uint64_t id = lay(APS_LAYER_QUEUED, 0);
			vault_world_commit(&world);
			forget_memory();
			struct aps_partition *partition = world.partition;
			const struct aps_partition_data data = {
			        .operation = &operation, .data = APS_STR(MADE("7", 6)), .layer = id, .mapped = &mapped};
			aps_mem_fail_at(nth);
			enum aps_rc rc = how == 0   ? aps_partition_write(partition, &data, &err)
			                 : how == 1 ? aps_partition_fold_layer(partition, id, &err)
			                 : how == 4 ? aps_partition_answer_layer(partition, id, &err)
			                            : aps_partition_drop_layer(partition, id, how == 3, &err);
			aps_mem_fail_at(0);
			n_failed += rc != APS_OK;
			vault_world_commit(&world);
			const char *expected = rc == APS_OK ? AFTER[how] : BEFORE;
			assert_shows(LIST, expected);
			forget_memory();
			assert_shows(LIST, expected);
			drop(id, false);
			vault_world_commit(&world);
			assert_no_rows();
			aps_buf_clear(&mapped);
			aps_operation_clear(&operation);
			if (rc == APS_OK && nth > 150) break;
			if (!aps_mem_has_failed()) break;
		}
		assert_true(n_failed > 10);
	}
}

#define N_LAYERS 100000

/* Rows that nobody may look at: their sums are wrong. */
static void add_layers_of_others(void)
{
	struct aps_err err;
	char sql[512];
	snprintf(sql, sizeof sql,
	         "WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
	         " INSERT INTO layer SELECT i, %lld, 1, X'01', X'', 7 FROM n",
	         1000 + N_LAYERS - 1, (long long)world.partition->store.part);
	assert_int_equal(aps_db_exec(world.vault->db, sql, &err), APS_OK);
	assert_int_equal(aps_db_exec(world.vault->db,
	                             "INSERT INTO patch SELECT (SELECT id FROM entry WHERE key = CAST('RT:2' AS BLOB)),"
	                             " id, X'46', 7 FROM layer WHERE id >= 1000",
	                             &err),
	                 APS_OK);
	assert_int_equal(aps_db_exec(world.vault->db, "UPDATE counter SET value = 200000 WHERE id = -2", &err), APS_OK);
}

static void a_hundred_thousand_layers_cost_nothing_until_they_are_needed(void **state)
{
	(void)state;
	size_t n_few = 0;
	begin_with_a_list();
	vault_world_write(&world, "{ one { id n } }", "{\"one\":" T("1", 1) "}");
	begin_edits();
	set_edit("T:1", "n", "{\"__json\":9}");
	lay(APS_LAYER_QUEUED, 0);
	vault_world_commit(&world);
	for (int has_many = 0; has_many < 2; has_many++) {
		if (has_many) add_layers_of_others();
		vault_world_close(&world);
		size_t n_before = aps_mem_live();
		vault_world_open(&world);
		assert_shows("{ one { n } }", "{\"one\":{\"n\":9,\"__typename\":\"T\"}}");
		assert_int_equal(world.partition->cache.layers.by_id.n_items, 1);
		begin_edits();
		set_edit("T:1", "n", "{\"__json\":9}");
		uint64_t id = lay(APS_LAYER_QUEUED, 0);
		vault_world_commit(&world);
		answer(id, MAKE, MADE("1", 9));
		fold(id);
		vault_world_commit(&world);
		size_t n_taken = aps_mem_live() - n_before;
		if (has_many) assert_true(n_taken < n_few + 20);
		n_few = n_taken;
	}
	assert_int_equal(in_store("SELECT count(*) FROM layer"), N_LAYERS + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, layer_setup, layer_teardown)

int main(void)
{
	struct aps_err err;
	if (aps_process_init(&err) != APS_OK) return 1;
	const struct CMUnitTest tests[] = {
	        TEST(folded_lists_keep_what_the_layer_did_to_them_and_values_are_the_services),
	        TEST(what_somebody_else_has_put_into_the_list_is_there_once_after_the_fold),
	        TEST(lists_of_the_base_are_the_only_ones_that_a_fold_changes),
	        TEST(a_long_list_is_folded_by_its_items),
	        TEST(a_dead_mutation_leaves_no_trace),
	        TEST(what_an_unknown_outcome_may_have_changed_is_in_doubt_until_it_is_said),
	        TEST(whoever_watches_what_is_in_doubt_is_told),
	        TEST(layers_go_with_a_store_that_moves_whether_they_are_in_memory_or_not),
	        TEST(without_memory_an_end_is_all_or_nothing),
	        TEST(a_hundred_thousand_layers_cost_nothing_until_they_are_needed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
