/* Optimistic layers of queued mutations, which outlive their process: what they are to core and reader, and how they
 * end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "layer_world.h"

#define ONE ITEMS T("1", 1) "]}"

static void begin_with_a_list(void)
{
	vault_world_write(&world, LIST, ONE);
	vault_world_commit(&world);
}

static void layers_of_queued_mutations_survive_a_restart(void **state)
{
	(void)state;
	static const char SHOWN[] = ITEMS T("1", 7) "," T(X, 2) "]}";
	begin_with_a_list();
	uint64_t first = hope_for(X, MADE(X, 2));
	begin_edits();
	set_edit("T:1", "n", "{\"__json\":7}");
	uint64_t second = lay(APS_LAYER_QUEUED, 0);
	vault_world_commit(&world);
	assert_true(first != 0 && second > first);
	for (int round = 0; round < 3; round++) {
		assert_shows(LIST, SHOWN);
		assert_true(world.result.is_optimistic);
		forget_memory();
	}
	begin_edits();
	set_edit("T:1", "n", "{\"__json\":8}");
	assert_true(lay(APS_LAYER_QUEUED, 0) > second); /* the sequence goes on */
	vault_world_commit(&world);
	assert_shows(LIST, ITEMS T("1", 8) "," T(X, 2) "]}");
}

static void layers_of_calls_end_with_their_process_and_those_of_answers_are_told(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_buf ids;
	begin_with_a_list();
	aps_buf_init(&ids, APS_BUF_ANY_SIZE);
	uint64_t queued = hope_for(X, MADE(X, 2));
	begin_edits();
	set_edit("T:1", "n", "{\"__json\":7}");
	uint64_t passing = lay(APS_LAYER_PASSING, 99);
	uint64_t answered = hope_for(Y, MADE(Y, 3));
	assert_int_equal(aps_partition_find_layer(world.partition, 99), passing);
	assert_int_equal(aps_partition_answer_layer(world.partition, answered, &err), APS_OK);
	assert_int_equal(aps_partition_answer_layer(world.partition, 12345, &err), APS_OK); /* there is none */
	vault_world_commit(&world);
	assert_shows(LIST, ITEMS T("1", 7) "," T(X, 2) "," T(Y, 3) "]}");
	forget_memory();
	assert_shows(LIST, ITEMS T("1", 1) "," T(X, 2) "," T(Y, 3) "]}");
	assert_int_equal(aps_partition_find_layer(world.partition, 99), 0);
	assert_int_equal(aps_partition_list_answered(world.partition, &ids, &err), APS_OK);
	assert_int_equal(ids.n, sizeof answered);
	assert_memory_equal(ids.p, &answered, sizeof answered);
	assert_int_equal(in_store("SELECT count(*) FROM layer"), 2);
	assert_int_equal(aps_partition_settle_layer(world.partition, answered, NULL, &err), APS_OK);
	assert_int_equal(aps_partition_settle_layer(world.partition, queued, NULL, &err), APS_OK);
	vault_world_commit(&world);
	assert_shows(LIST, ONE);
	assert_int_equal(in_store("SELECT count(*) FROM layer"), 0);
	assert_int_equal(in_store("SELECT count(*) FROM patch"), 0);
	aps_buf_clear(&ids);
}

static void a_layer_without_a_patch_is_one(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_buf ids;
	aps_buf_init(&ids, APS_BUF_ANY_SIZE);
	begin_with_a_list();
	uint64_t id;
	assert_int_equal(aps_partition_add_layer(world.partition, 0, APS_LAYER_QUEUED, NULL, &id, &err), APS_OK);
	assert_int_equal(aps_partition_answer_layer(world.partition, id, &err), APS_OK);
	fill_disk(); /* in the same turn */
	vault_world_commit(&world);
	empty_disk();
	assert_int_equal(world.partition->cache.layers.by_id.n_items, 0);
	forget_memory();
	assert_int_equal(aps_partition_list_answered(world.partition, &ids, &err), APS_OK);
	assert_int_equal(ids.n, sizeof id);
	assert_int_equal(aps_partition_drop_layer(world.partition, id, true, &err), APS_OK);
	vault_world_commit(&world);
	assert_int_equal(in_store("SELECT count(*) FROM layer"), 0);
	aps_buf_clear(&ids);
}

/* A comment on what X will be, by a later mutation. */
static uint64_t say_of(const char *id, const char *text)
{
	char json[256], edit[64], field[32] = "said({\"x\":1})";
	snprintf(json, sizeof json,
	         "{\"say\":{\"id\":\"" Y "\",\"text\":\"%s\",\"of\":{\"id\":\"%s\",\"__typename\":\"T\"},"
	         "\"__typename\":\"C\"}}",
	         text, id);
	begin_edits();
	write_edit("", BY, json);
	snprintf(edit, sizeof edit, "T:%s", id);
	set_edit(edit, field, "{\"__list\":[{\"__ref\":\"C:" Y "\"}]}");
	set_edit("ROOT_QUERY", "last", "{\"__ref\":\"C:" Y "\"}");
	return lay(APS_LAYER_QUEUED, 0);
}

#define LAST "{ last { text of { id n } } }"
#define SAID "{ all { said(x: 1) { text } } }"

static void what_was_hoped_for_before_a_restart_is_the_services_own_after_the_answer(void **state)
{
	(void)state;
	struct aps_err err;
	for (int forgets = 0; forgets < 2; forgets++) {
		vault_world_write(&world, "{ all { id n } last { id } }", "{\"all\":[" T("1", 1) "],\"last\":null}");
		vault_world_commit(&world);
		uint64_t first = hope_for(X, MADE(X, 2)), second = say_of(X, "one");
		begin_edits();
		set_edit("T:1", "n", "{\"__json\":7}"); /* of nothing temporary */
		uint64_t third = lay(APS_LAYER_QUEUED, 0);
		vault_world_commit(&world);
		assert_shows(LAST, "{\"last\":{\"text\":\"one\",\"of\":{\"id\":\"" X
		                   "\",\"n\":2,\"__typename\":\"T\"},\"__typename\":\"C\"}}");
		if (forgets) forget_memory();
		assert_string_equal(answer(first, MAKE, MADE("9", 3)), "T " X " 9 ");
		vault_world_commit(&world);
		for (int round = 0; round < 2; round++) {
			assert_shows(LIST, ITEMS T("1", 7) "," T("9", 3) "]}");
			assert_shows(LAST, "{\"last\":{\"text\":\"one\",\"of\":{\"id\":\"9\",\"n\":3,"
			                   "\"__typename\":\"T\"},\"__typename\":\"C\"}}");
			assert_shows("{ all { id n said(x: 1) { text } } }", "missing"); /* of T:1 */
			forget_memory();
		}
		/* of the temporary record nothing is left */
		assert_int_equal(in_store("SELECT count(*) FROM patch WHERE entry IN"
		                          " (SELECT id FROM entry WHERE key = CAST('RT:" X "' AS BLOB))"),
		                 0);
		assert_int_equal(aps_partition_settle_layer(world.partition, first, NULL, &err), APS_OK);
		assert_string_equal(answer(second, BY,
		                           "{\"say\":{\"id\":\"5\",\"text\":\"two\",\"of\":{\"id\":\"9\","
		                           "\"__typename\":\"T\"},\"__typename\":\"C\"}}"),
		                    "C " Y " 5 ");
		vault_world_commit(&world);
		assert_shows(LAST, "{\"last\":{\"text\":\"two\",\"of\":{\"id\":\"9\",\"n\":3,"
		                   "\"__typename\":\"T\"},\"__typename\":\"C\"}}");
		assert_int_equal(aps_partition_settle_layer(world.partition, second, NULL, &err), APS_OK);
		assert_int_equal(aps_partition_settle_layer(world.partition, third, NULL, &err), APS_OK);
		vault_world_commit(&world);
		assert_shows(LIST, ONE);
		assert_int_equal(in_store("SELECT count(*) FROM patch"), 0);
	}
}

/* A queue of changes to one list: of those that say nothing of the record none is loaded for its answer. */
static void only_layers_that_speak_of_a_record_are_loaded_for_it(void **state)
{
	(void)state;
	char id[40], made[128];
	begin_with_a_list();
	uint64_t first = hope_for(X, MADE(X, 2));
	for (int i = 0; i < 50; i++) {
		begin_edits();
		snprintf(id, sizeof id, "0a1b2c3d-0000-4000-8000-0000000001%02d", i);
		snprintf(made, sizeof made, "{\"make\":{\"id\":\"%s\",\"n\":1,\"__typename\":\"T\"}}", id);
		write_edit("", MAKE, made);
		lay(APS_LAYER_QUEUED, 0);
	}
	uint64_t second = say_of(X, "one");
	vault_world_commit(&world);
	forget_memory();
	assert_int_equal(world.partition->cache.layers.by_id.n_items, 0);
	answer(first, MAKE, MADE("9", 3));
	size_t n = world.partition->cache.layers.by_id.n_items;
	assert_true(n >= 2 && n < 5);
	assert_non_null(aps_layers_find(&world.partition->cache.layers, second));
	vault_world_commit(&world);
	world.partition->max_bytes = 0; /* what nothing needs leaves */
	vault_world_write(&world, "{ b }", "{\"b\":1}");
	vault_world_commit(&world);
	vault_world_write(&world, "{ b }", "{\"b\":2}");
	vault_world_commit(&world);
	assert_int_equal(world.partition->cache.layers.by_id.n_items, 0);
	assert_int_equal(in_store("SELECT count(*) FROM layer"), 52);
}

static void a_mention_costs_one_row_and_a_layer_of_what_it_makes_itself_none(void **state)
{
	(void)state;
	begin_with_a_list();
	hope_for(X, MADE(X, 2));
	vault_world_commit(&world);
	assert_int_equal(in_store("SELECT count(*) FROM patch WHERE length(patch) = 0"), 0);
	begin_edits();
	set_edit("ROOT_QUERY", "last", "{\"__ref\":\"T:" X "\"}");
	lay(APS_LAYER_QUEUED, 0);
	vault_world_commit(&world);
	assert_int_equal(in_store("SELECT count(*) FROM patch WHERE length(patch) = 0"), 1);
	begin_edits(); /* of what the service knows */
	set_edit("ROOT_QUERY", "other", "{\"__ref\":\"T:1\"}");
	lay(APS_LAYER_QUEUED, 0);
	vault_world_commit(&world);
	assert_int_equal(in_store("SELECT count(*) FROM patch WHERE length(patch) = 0"), 1);
	assert_shows("{ last { n } }", "{\"last\":{\"n\":2,\"__typename\":\"T\"}}");
}

static off_t log_bytes(void)
{
	char path[160];
	struct stat status;
	snprintf(path, sizeof path, "%s-wal", world.path);
	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

/* The counters', the layer's and the patch's; where a table has several pages, those above that grow. */
static void a_layer_with_one_patch_changes_few_pages(void **state)
{
	(void)state;
	begin_with_a_list();
	for (int i = 0; i < 40; i++) {
		begin_edits();
		set_edit("T:1", "n", "{\"__json\":7}");
		off_t before = log_bytes();
		lay(APS_LAYER_QUEUED, 0);
		vault_world_commit(&world);
		off_t frame = 24 + in_store("PRAGMA page_size");
		off_t n_pages = (log_bytes() - before) / frame;
		assert_true(n_pages >= 1 && n_pages <= 3);
		begin_edits();
		set_edit("T:1", "n", "{\"__json\":8}");
		lay(APS_LAYER_QUEUED, 0);
		vault_world_commit(&world);
	}
}

static void what_is_in_a_turn_that_fails_is_gone_and_nothing_else(void **state)
{
	(void)state;
	struct aps_err err;
	begin_with_a_list();
	uint64_t first = hope_for(X, MADE(X, 2));
	begin_edits();
	set_edit("T:1", "n", "{\"__json\":7}");
	lay(APS_LAYER_PASSING, 5);
	vault_world_commit(&world);
	hope_for(Y, MADE(Y, 3));
	answer(first, MAKE, MADE("9", 4));
	begin_edits();
	set_edit("T:1", "n", "{\"__json\":8}");
	lay(APS_LAYER_PASSING, 6);
	aps_vault_abandon(world.vault);
	assert_shows(LIST, ITEMS T("1", 7) "," T(X, 2) "]}");
	assert_int_equal(aps_partition_find_layer(world.partition, 6), 0);
	/* a call has ended, whatever became of the turn in which it did */
	uint64_t id = aps_partition_find_layer(world.partition, 5);
	assert_true(id != 0);
	assert_int_equal(aps_partition_settle_layer(world.partition, id, NULL, &err), APS_OK);
	assert_int_equal(aps_partition_find_layer(world.partition, 5), 0);
	aps_vault_abandon(world.vault);
	assert_int_equal(aps_partition_find_layer(world.partition, 5), 0);
	vault_world_write(&world, "{ b }", "{\"b\":1}");
	vault_world_commit(&world);
	assert_shows(LIST, ITEMS T("1", 1) "," T(X, 2) "]}");
	assert_string_equal(answer(first, MAKE, MADE("9", 4)), "T " X " 9 ");
	vault_world_commit(&world);
	assert_shows(LIST, ITEMS T("1", 1) "," T("9", 4) "]}");
}

/* As any other row that isn't what was saved: the file is set aside. */
static void a_damaged_layer_is_damage_of_its_store(void **state)
{
	(void)state;
	static const char *const DAMAGE[] = {
	        "UPDATE layer SET sum = sum + 1",   "UPDATE layer SET kind = 7",
	        "UPDATE layer SET entries = X'FF'", "UPDATE patch SET sum = sum + 1",
	        "UPDATE patch SET patch = X'5858'", "DELETE FROM layer", /* and its patches are there */
	};
	for (size_t i = 0; i < APS_COUNTOF(DAMAGE); i++) {
		struct aps_err err;
		begin_with_a_list();
		uint64_t id = hope_for(X, MADE(X, 2));
		vault_world_commit(&world);
		forget_memory();
		assert_int_equal(aps_db_exec(world.vault->db, DAMAGE[i], &err), APS_OK);
		vault_world_is_alone(&world);
		struct aps_read_result result;
		if (i == 5) read_core(LIST, &result), aps_read_result_clear(&result); /* with what refers to it */
		assert_int_equal(aps_partition_settle_layer(world.partition, id, NULL, &err), APS_OK);
		vault_world_write(&world, LIST, ONE); /* which is under it */
		vault_world_commit(&world);
		assert_shows(LIST, ONE);
		assert_non_null(strstr(vault_world_news(&world), "an optimistic layer"));
		vault_world_close(&world);
		assert_int_equal(unlink(world.path), 0);
		vault_world_open(&world);
	}
}

static void layers_are_dropped_with_what_they_lie_on(void **state)
{
	(void)state;
	struct aps_err err;
	bool is_done = false;
	begin_with_a_list();
	uint64_t first = hope_for(X, MADE(X, 2));
	vault_world_commit(&world);
	aps_reader_clear(world.reader);
	int64_t part = world.partition->store.part;
	assert_int_equal(aps_partition_clear(world.partition, APS_PART_CLEARED, &err), APS_OK);
	vault_world_commit(&world);
	assert_shows(LIST, "missing");
	vault_world_write(&world, LIST, ONE);
	assert_string_equal(answer(first, MAKE, MADE("9", 4)), "");
	assert_int_equal(aps_partition_fold_layer(world.partition, first, &err), APS_OK);
	vault_world_commit(&world);
	assert_shows(LIST, ONE);
	while (!is_done) assert_int_equal(aps_parts_delete_rows(world.vault->db, part, 1, &is_done, &err), APS_OK);
	assert_int_equal(in_store("SELECT count(*) FROM layer"), 0);
	assert_int_equal(in_store("SELECT count(*) FROM patch"), 0);
}

static void a_layer_tells_which_ids_are_temporary_and_what_stands_at_its_root(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	begin_with_a_list();
	begin_edits();
	write_edit("", "mutation { make { id n of { id n } } known: make { id n } list { id } named { id n } }",
	           "{\"make\":{\"id\":\"" X "\",\"n\":1,\"of\":" T(Y, 2) ",\"__typename\":\"T\"},\"known\":" T(
	                   "1", 5) ",\"list\":[{\"id\":\"" X "\",\"__typename\":\"C\"}],\"named\":" T("short", 1) "}");
	uint64_t id = lay(APS_LAYER_QUEUED, 0);
	vault_world_commit(&world);
	for (int round = 0; round < 2; round++) {
		aps_buf_reset(&out);
		assert_int_equal(aps_partition_layer_temporary(world.partition, id, APS_STR(""), &out, &err), APS_OK);
		const char *text = texts_of(&out);
		assert_non_null(strstr(text, X " T:" X " "));
		assert_non_null(strstr(text, Y " T:" Y " "));
		assert_non_null(strstr(text, X " C:" X " "));
		assert_int_equal(strlen(text), 3 * (36 + 1 + 38 + 1));
		aps_buf_reset(&out);
		assert_int_equal(aps_partition_layer_roots(world.partition, id, &out, &err), APS_OK);
		text = texts_of(&out);
		assert_non_null(strstr(text, "T:" X " "));
		assert_non_null(strstr(text, "T:1 "));
		assert_non_null(strstr(text, "T:short "));
		assert_int_equal(strlen(text), 39 + 4 + 8);
		forget_memory();
	}
	aps_buf_reset(&out);
	assert_int_equal(aps_partition_layer_roots(world.partition, id + 7, &out, &err), APS_OK);
	assert_int_equal(out.n, 0);
	aps_buf_clear(&out);
}

static void an_id_of_a_known_record_is_temporary_only_if_it_was_made_here(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	begin_with_a_list();
	vault_world_write(&world, "{ one { id n } other { id n } }", "{\"one\":" T(X, 1) ",\"other\":" T(Y, 1) "}");
	vault_world_commit(&world);
	uint64_t id = hope_for(X, MADE(X, 2));
	vault_world_commit(&world);
	assert_int_equal(aps_partition_layer_temporary(world.partition, id, APS_STR(""), &out, &err), APS_OK);
	assert_int_equal(out.n, 0);
	assert_int_equal(aps_partition_layer_temporary(world.partition, id, APS_STR(Y), &out, &err), APS_OK);
	assert_int_equal(out.n, 0);
	assert_int_equal(aps_partition_layer_temporary(world.partition, id, APS_STR(Y X), &out, &err), APS_OK);
	assert_string_equal(texts_of(&out), X " T:" X " ");
	aps_buf_clear(&out);
}

/* A layer that edits a list unread, and then sets it all the same. */
static enum aps_rc edit_unread(size_t failing)
{
	struct aps_err err;
	uint64_t id;
	begin_edits();
	write_edit("", MAKE, MADE(X, 2));
	list_edit("ROOT_QUERY", "all", "{\"__edits\":[[\"-\",\"T:" X "\"],[\"+\",\"T:" X "\",\"\"]]}");
	set_edit("ROOT_QUERY", "all", "{\"__edits\":[[\"-\",\"T:1\"],[\"+\",\"T:1\",\"\"]]}");
	aps_mem_fail_at(failing);
	enum aps_rc rc = aps_partition_add_layer(world.partition, 0, APS_LAYER_QUEUED, edits, &id, &err);
	aps_mem_fail_at(0);
	drop_edits();
	return rc;
}

static void without_memory_a_list_is_not_edited_unread(void **state)
{
	(void)state;
	size_t n_failed = 0;
	begin_with_a_list();
	for (; edit_unread(n_failed + 1) != APS_OK; n_failed++) assert_shows(LIST, ONE);
	assert_true(n_failed > 10);
	vault_world_commit(&world);
	assert_shows(LIST, ITEMS T(X, 2) "," T("1", 1) "]}");
	forget_memory();
	assert_shows(LIST, ITEMS T(X, 2) "," T("1", 1) "]}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, layer_setup, layer_teardown)

int main(void)
{
	struct aps_err err;
	if (aps_process_init(&err) != APS_OK) return 1;
	const struct CMUnitTest tests[] = {
	        TEST(layers_of_queued_mutations_survive_a_restart),
	        TEST(layers_of_calls_end_with_their_process_and_those_of_answers_are_told),
	        TEST(a_layer_without_a_patch_is_one),
	        TEST(what_was_hoped_for_before_a_restart_is_the_services_own_after_the_answer),
	        TEST(only_layers_that_speak_of_a_record_are_loaded_for_it),
	        TEST(a_mention_costs_one_row_and_a_layer_of_what_it_makes_itself_none),
	        TEST(a_layer_with_one_patch_changes_few_pages),
	        TEST(what_is_in_a_turn_that_fails_is_gone_and_nothing_else),
	        TEST(a_damaged_layer_is_damage_of_its_store),
	        TEST(layers_are_dropped_with_what_they_lie_on),
	        TEST(a_layer_tells_which_ids_are_temporary_and_what_stands_at_its_root),
	        TEST(an_id_of_a_known_record_is_temporary_only_if_it_was_made_here),
	        TEST(without_memory_a_list_is_not_edited_unread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
