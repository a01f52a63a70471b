/* What several processes on one store read, lead, and know of one another. */
#include "sharing_world.h"

#include <sqlite3.h>

static void both_have_the_file_and_one_leads(void **state)
{
	(void)state;
	assert_string_equal(tell("open"), "leads file");
	vault_world_open(&world);
	assert_true(aps_vault_is_available(world.vault));
	assert_false(aps_vault_leads(world.vault));
	assert_string_equal(vault_world_news(&world), "");
	look(&world);
	assert_false(aps_vault_leads(world.vault));
	assert_string_equal(tell("close"), "closed file");
	look(&world);
	look(&world); /* it is tried every other time */
	assert_true(aps_vault_leads(world.vault));
	assert_string_equal(tell("open"), "follows file");
}

static void what_one_writes_the_other_reads(void **state)
{
	(void)state;
	vault_world_open(&world);
	tell("open");
	vault_world_write(&world, A, record("a", "1", 1));
	vault_world_commit(&world);
	assert_string_equal(tell("read a"), record("a", "1", 1));
	tell("write b 1 2");
	/* what has to be looked for is found at once, and then nothing is of before */
	assert_reads(B, record("b", "1", 2));
	assert_reads(A, record("a", "1", 2));
	/* what is in memory is there until it is looked at */
	tell("write a 1 3");
	assert_reads(A, record("a", "1", 2));
	look(&world);
	assert_reads(A, record("a", "1", 3));
}

/* Reads again what is kept of A: a new one (true), or the one of before. */
static bool is_read_anew(struct aps_kept_read *kept, const char *expected)
{
	struct aps_err err;
	uint64_t before = kept->answer;
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY")};
	if (aps_reader_read_again(world.reader, kept, APS_STR(""), &options, &err) != APS_OK) fail_msg("%s", err.msg);
	assert_string_equal(kept->result.n_missing != 0 ? "missing" : kept->result.data.p, expected);
	return kept->answer != before;
}

static void a_kept_answer_ends_with_what_another_commits(void **state)
{
	(void)state;
	struct aps_kept_read kept;
	struct aps_operation operation = vault_world_operation(A);
	aps_kept_read_init(&kept, operation.document, operation.definition);
	vault_world_open(&world);
	vault_world_write(&world, A, record("a", "1", 1));
	vault_world_commit(&world);
	tell("open");
	assert_true(is_read_anew(&kept, record("a", "1", 1)));
	assert_false(is_read_anew(&kept, record("a", "1", 1)));
	tell("write a 1 2");
	look(&world);
	assert_true(is_read_anew(&kept, record("a", "1", 2)));
	/* what a read meets in the file is so for the others, too */
	tell("write b 1 3");
	assert_false(is_read_anew(&kept, record("a", "1", 2)));
	assert_reads("{ look(for: 1) }", "missing");
	assert_true(is_read_anew(&kept, record("a", "1", 3)));
	tell("hope 4");
	look(&world);
	assert_true(is_read_anew(&kept, record("a", "1", 4)));
	kill_other();
	look(&world);
	assert_true(is_read_anew(&kept, record("a", "1", 3)));
	assert_false(is_read_anew(&kept, record("a", "1", 3)));
	aps_kept_read_clear(&kept);
	aps_operation_clear(&operation);
}

static void what_another_clears_ends_a_kept_answer(void **state)
{
	(void)state;
	struct aps_kept_read kept;
	struct aps_operation operation = vault_world_operation(A);
	aps_kept_read_init(&kept, operation.document, operation.definition);
	tell("open");
	tell("write a 1 1");
	vault_world_open(&world);
	assert_true(is_read_anew(&kept, record("a", "1", 1)));
	assert_false(is_read_anew(&kept, record("a", "1", 1)));
	tell("clear");
	look(&world);
	assert_true(is_read_anew(&kept, "missing"));
	tell("write a 1 5");
	look(&world);
	assert_true(is_read_anew(&kept, record("a", "1", 5)));
	aps_kept_read_clear(&kept);
	aps_operation_clear(&operation);
}

static void who_writes_knows_what_others_have_written(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_write(&world, A, record("a", "1", 1));
	vault_world_commit(&world);
	tell("open");
	/* a record of its own, and names of its own */
	for (int i = 0; i < 50; i++) {
		char command[64], text[128];
		snprintf(command, sizeof command, "write b %d %d", i % 5, i);
		tell(command);
		snprintf(text, sizeof text, "{ f%d a { id n } }", i);
		char data[160];
		snprintf(data, sizeof data, "{\"f%d\":%d,\"a\":{\"id\":\"%d\",\"n\":%d,\"__typename\":\"T\"}}", i, i,
		         i % 7, i);
		vault_world_write(&world, text, data);
		vault_world_commit(&world);
		assert_reads(text, data);
		snprintf(text, sizeof text, "%d", i % 7);
		assert_string_equal(tell("read a"), record("a", text, i));
	}
	vault_world_close(&world);
	assert_string_equal(tell("read a"), record("a", "0", 49));
	vault_world_open(&world);
	assert_reads(A, record("a", "0", 49));
	assert_reads("{ f0 f49 }", "{\"f0\":0,\"f49\":49}");
}

static void what_another_has_cleared_is_begun_anew(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_write(&world, "{ x y a { id n } }",
	                  "{\"x\":1,\"y\":2,\"a\":{\"id\":\"1\",\"n\":1,\"__typename\":\"T\"}}");
	vault_world_commit(&world);
	assert_reads("{ x y }", "{\"x\":1,\"y\":2}");
	tell("open");
	tell("clear");
	tell("close");
	/* one that has known nothing gives names other numbers */
	tell("open");
	tell("write b 1 2");
	assert_reads("{ x y }", "{\"x\":1,\"y\":2}"); /* in memory */
	assert_reads("{ look(for: 1) }", "missing");
	assert_reads("{ x y }", "missing");
	assert_reads(B, record("b", "1", 2));
	look(&world);
	assert_reads(B, record("b", "1", 2));
	vault_world_write(&world, "{ x y }", "{\"x\":3,\"y\":4}");
	vault_world_commit(&world);
	assert_reads("{ x y }", "{\"x\":3,\"y\":4}");
	assert_reads(B, record("b", "1", 2));
	assert_string_equal(tell("read b"), record("b", "1", 2));
}

static void layers_of_calls_end_with_their_process_and_with_no_other(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_write(&world, A, record("a", "1", 1));
	vault_world_commit(&world);
	tell("open");
	tell("hope 2");
	look(&world);
	assert_reads(A, record("a", "1", 2));
	kill_other();
	look(&world);
	assert_reads(A, record("a", "1", 1));
	assert_true(aps_vault_leads(world.vault));
}

static void a_damaged_file_is_set_aside_once_all_have_let_go_of_it(void **state)
{
	(void)state;
	tell("open");
	tell("write a 1 1");
	vault_world_open(&world);
	aps_vault_damaged(world.vault, world.vault->place);
	vault_world_commit(&world);
	assert_false(aps_vault_is_available(world.vault));
	assert_non_null(strstr(vault_world_news(&world), "a record can't be read"));
	/* the other one still has it */
	aps_vault_retry(world.vault, 0);
	assert_false(aps_vault_is_available(world.vault));
	assert_int_equal(world.vault->wait_ms, 500);
	assert_int_equal(vault_world_files(&world, ".damaged-", NULL), 0);
	assert_string_equal(tell("look"), "leads memory");
	assert_string_equal(tell("retry"), "leads memory"); /* who mends it comes first */
	aps_vault_retry(world.vault, 0);
	vault_world_commit(&world);
	assert_true(aps_vault_is_available(world.vault));
	assert_true(aps_vault_leads(world.vault));
	assert_int_equal(vault_world_files(&world, ".damaged-", NULL), 1);
	assert_string_equal(tell("retry"), "follows file");
	assert_reads(A, "missing");
	tell("write b 1 2");
	look(&world);
	assert_reads(B, record("b", "1", 2));
}

/* What lies over a file would be in the way of what others write. */
static void who_cannot_write_a_file_that_others_have_works_from_memory(void **state)
{
	(void)state;
	struct aps_err full;
	vault_world_open(&world);
	tell("open");
	tell("write a 1 1");
	assert_int_equal(aps_fail_word(&full, APS_E_STORAGE, "full", 13, "the disk is full"), APS_E_STORAGE);
	assert_true(aps_vault_cope(world.vault, &full));
	vault_world_commit(&world);
	assert_int_equal(aps_place_kind(world.vault->place), APS_PLACE_MEMORY);
	assert_reads(A, "missing");
	vault_world_write(&world, A, record("a", "1", 5));
	vault_world_commit(&world);
	assert_string_equal(tell("read a"), record("a", "1", 1));
	/* the other one leads meanwhile, and its file has nothing of before when this one is back */
	tell("look");
	assert_string_equal(tell("look"), "leads file");
	aps_vault_retry(world.vault, 0);
	vault_world_commit(&world);
	assert_true(aps_vault_is_available(world.vault));
	assert_false(aps_vault_leads(world.vault));
	assert_reads(A, "missing");
	/* alone it keeps what the file has */
	tell("close");
	assert_true(aps_vault_cope(world.vault, &full));
	vault_world_commit(&world);
	assert_int_equal(aps_place_kind(world.vault->place), APS_PLACE_OVER);
	assert_string_equal(tell("open"), "leads memory");
	aps_vault_retry(world.vault, 0);
	vault_world_commit(&world);
	assert_string_equal(tell("retry"), "follows file");
}

/* While the numbers of a file are read that it has already. */
static bool is_opening;

static int write_between(unsigned what, void *context, void *stmt, void *more)
{
	(void)context;
	(void)more;
	const char *sql = sqlite3_sql(stmt);
	if (what != SQLITE_TRACE_PROFILE || !is_opening || sql == NULL || strstr(sql, "counter WHERE id = -1") == NULL)
		return 0;
	is_opening = false;
	tell("write b 7 7");
	return 0;
}

static int trace_opened(sqlite3 *db, char **message, const struct sqlite3_api_routines *routines)
{
	(void)message;
	(void)routines;
	return sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, write_between, NULL);
}

static void what_is_written_while_a_file_is_opened_has_numbers_of_its_own(void **state)
{
	(void)state;
	tell("open");
	tell("write a 1 1");
	is_opening = true;
	sqlite3_auto_extension((void (*)(void))trace_opened);
	vault_world_open(&world);
	sqlite3_cancel_auto_extension((void (*)(void))trace_opened);
	assert_false(is_opening);
	vault_world_write(&world, "{ c { id n } }", "{\"c\":{\"id\":\"3\",\"n\":3,\"__typename\":\"T\"}}");
	vault_world_commit(&world);
	assert_true(aps_vault_is_available(world.vault));
	assert_string_equal(vault_world_news(&world), "");
	assert_reads(B, record("b", "7", 7));
	assert_string_equal(tell("read b"), record("b", "7", 7));
	assert_reads("{ c { id n } }", record("c", "3", 3));
}

/* Another process's mutation was answered while a query was under way here. */
static void an_answer_yields_to_what_another_process_has_been_told_meanwhile(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_write(&world, A, record("a", "1", 1));
	vault_world_commit(&world);
	tell("open");
	uint32_t asked_at = aps_partition_moment(world.partition);
	tell("write a 1 2");
	answer_late(&world, asked_at, record("a", "1", 1));
	assert_string_equal(tell("read a"), record("a", "1", 2));
	/* the value is in doubt: a query asks again, and what it brings counts */
	answer_late(&world, aps_partition_moment(world.partition), record("a", "1", 3));
	assert_reads(A, record("a", "1", 3));
}

/* Else no answer would be kept while other processes ask, too. */
static void and_not_to_what_one_has_asked_for(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_write(&world, A, record("a", "1", 1));
	vault_world_commit(&world);
	tell("open");
	tell("look");
	uint32_t asked_at = aps_partition_moment(world.partition);
	tell("ask");
	answer_late(&world, asked_at, record("a", "1", 3));
	assert_reads(A, record("a", "1", 3));
	assert_int_equal(world.vault->n_overtaken, 1);
}

static void what_was_told_before_a_file_was_opened_is_nothing_new(void **state)
{
	(void)state;
	tell("open");
	tell("write a 1 1");
	vault_world_open(&world);
	uint32_t asked_at = aps_partition_moment(world.partition);
	tell("ask");
	answer_late(&world, asked_at, record("a", "1", 3));
	assert_reads(A, record("a", "1", 3));
	assert_int_equal(world.vault->n_overtaken, 1);
}

/* In the first second a process may not know of the others. */
static void who_has_come_is_met_by_what_it_writes(void **state)
{
	(void)state;
	vault_world_open(&world);
	assert_false(world.vault->has_others);
	tell("open");
	tell("write b 1 2");
	vault_world_write(&world, A, record("a", "1", 1));
	assert_true(world.vault->has_others);
	vault_world_commit(&world);
}

static void and_not_to_what_it_was_told_of_other_records(void **state)
{
	(void)state;
	meet();
	uint32_t asked_at = aps_partition_moment(world.partition);
	tell("write b 2 2");
	tell("many 20");
	answer_late(&world, asked_at, record("a", "1", 3));
	assert_string_equal(tell("read a"), record("a", "1", 3));
	assert_reads(A, record("a", "1", 3));
}

/* It may have had one that another process was told is gone. */
static void but_a_list_yields_to_what_was_told_of_any(void **state)
{
	(void)state;
	meet();
	vault_world_write(&world, "{ l(x: 1) { id } }", "{\"l\":[{\"id\":\"1\",\"__typename\":\"T\"}]}");
	vault_world_write(&world, "{ m }", "{\"m\":[1]}");
	vault_world_commit(&world);
	uint32_t asked_at = aps_partition_moment(world.partition);
	tell("write b 2 2");
	answer_query(&world, asked_at, "{ l(x: 1) { id } m }",
	             "{\"l\":[{\"id\":\"1\",\"__typename\":\"T\"},{\"id\":\"2\",\"__typename\":\"T\"}],\"m\":[2]}");
	assert_reads("{ l(x: 1) { id __typename } m }", "{\"l\":[{\"id\":\"1\",\"__typename\":\"T\"}],\"m\":[1]}");
}

static void nor_to_what_it_has_heard_of_before(void **state)
{
	(void)state;
	meet();
	tell("write a 1 2");
	look(&world);
	uint32_t asked_at = aps_partition_moment(world.partition);
	tell("ask");
	answer_late(&world, asked_at, record("a", "1", 3));
	assert_reads(A, record("a", "1", 3));
}

/* Of so many at once that it isn't noted of which. */
static void but_to_any_where_very_many_were_told_of(void **state)
{
	(void)state;
	meet();
	uint32_t asked_at = aps_partition_moment(world.partition);
	tell("many 100");
	answer_late(&world, asked_at, record("a", "1", 3));
	assert_string_equal(tell("read a"), record("a", "1", 1));
}

/* Another process's commit drops what memory knows of that. */
static void an_answer_yields_to_what_this_process_was_told_whatever_another_has_committed_since(void **state)
{
	(void)state;
	meet();
	uint32_t asked_at = aps_partition_moment(world.partition);
	vault_world_write(&world, A, record("a", "1", 5));
	vault_world_commit(&world);
	tell("write b 2 2");
	answer_late(&world, asked_at, record("a", "1", 1));
	assert_reads(A, record("a", "1", 5));
	answer_late(&world, aps_partition_moment(world.partition), record("a", "1", 6));
	assert_reads(A, record("a", "1", 6));
}

static unsigned n_failures;

static enum aps_rc fail_once(struct aps_vault_part *part, bool is_own, bool *is_other, struct aps_err *err)
{
	(void)part;
	(void)is_own;
	(void)is_other;
	return n_failures-- != 0 ? aps_fail(err, APS_E_NOMEM, "no memory just now") : APS_OK;
}

static enum aps_rc finish_nothing(struct aps_vault_part *part, struct aps_err *err)
{
	(void)part;
	(void)err;
	return APS_OK;
}

static void ignore_generation(struct aps_vault_part *part, uint64_t generation)
{
	(void)part;
	(void)generation;
}

static void what_others_told_isnt_lost_where_a_part_fails_when_it_is_to_hear_of_it(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_vault_part part = {.finish = finish_nothing,
	                              .announce = ignore_generation,
	                              .committed = ignore_generation,
	                              .overtaken = fail_once};
	meet();
	aps_vault_add(world.vault, &part);
	uint32_t asked_at = aps_partition_moment(world.partition);
	tell("write a 1 2");
	n_failures = 1;
	assert_int_equal(aps_vault_begin(world.vault, &err), APS_E_NOMEM);
	assert_int_equal(n_failures, 0);
	n_failures = 0;
	part.overtaken = NULL;
	answer_late(&world, asked_at, record("a", "1", 1));
	assert_reads(A, record("a", "1", 2));
	aps_vault_remove(world.vault, &part);
}

int main(void)
{
	struct aps_err err;
	if (aps_process_init(&err) != APS_OK) return 1;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(both_have_the_file_and_one_leads, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_one_writes_the_other_reads, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_kept_answer_ends_with_what_another_commits, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_another_clears_ends_a_kept_answer, setup, teardown),
	        cmocka_unit_test_setup_teardown(who_writes_knows_what_others_have_written, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_another_has_cleared_is_begun_anew, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_damaged_file_is_set_aside_once_all_have_let_go_of_it, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(who_cannot_write_a_file_that_others_have_works_from_memory, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(what_is_written_while_a_file_is_opened_has_numbers_of_its_own, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(an_answer_yields_to_what_another_process_has_been_told_meanwhile, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(and_not_to_what_one_has_asked_for, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_was_told_before_a_file_was_opened_is_nothing_new, setup, teardown),
	        cmocka_unit_test_setup_teardown(who_has_come_is_met_by_what_it_writes, setup, teardown),
	        cmocka_unit_test_setup_teardown(and_not_to_what_it_was_told_of_other_records, setup, teardown),
	        cmocka_unit_test_setup_teardown(but_a_list_yields_to_what_was_told_of_any, setup, teardown),
	        cmocka_unit_test_setup_teardown(nor_to_what_it_has_heard_of_before, setup, teardown),
	        cmocka_unit_test_setup_teardown(but_to_any_where_very_many_were_told_of, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                an_answer_yields_to_what_this_process_was_told_whatever_another_has_committed_since, setup,
	                teardown),
	        cmocka_unit_test_setup_teardown(what_others_told_isnt_lost_where_a_part_fails_when_it_is_to_hear_of_it,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(layers_of_calls_end_with_their_process_and_with_no_other, setup,
	                                        teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
