/* What nobody needs any more of outcomes and temporary ids leaves, a little at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/queue_pruning.h"
#include "offline_queue_world.h"

static void add_outcomes(int n, bool is_told)
{
	int64_t owner = owner_of("ann");
	for (int i = 0; i < n; i++) put_outcome_of(owner, i, is_told, "{\"id\":\"x\"}"); /* of 1970 */
	core_world_turn(&world.core);
}

static void add_pair(const char *temporary, int64_t maker)
{
	const struct aps_id_made pair = {.owner = owner_of("ann"),
	                                 .temporary = aps_str_of(temporary),
	                                 .made = APS_STR("7"),
	                                 .is_made = true,
	                                 .maker = maker,
	                                 .at_ms = 1000};
	ok(aps_id_map_add(db(), &pair, &queue_err));
	core_world_turn(&world.core);
}

static int64_t n_outcomes(void)
{
	return value_of("SELECT count(*) FROM outcome");
}

static void old_outcomes_leave_after_the_start_a_hundred_at_a_time(void **state)
{
	(void)state;
	add_outcomes(250, true);
	add_outcomes(3, false);
	reopen_queue();
	assert_int_equal(n_outcomes(), 253);
	turn_later();
	assert_int_equal(n_outcomes(), 153);
	turn_later();
	assert_int_equal(n_outcomes(), 53);
	turn_later();
	assert_int_equal(n_outcomes(), 3); /* those that nobody was told of stay */
}

static void they_leave_every_hour(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		add_outcomes(5, true);
		turn_later();
		assert_int_equal(n_outcomes(), 0);
	}
}

static void a_temporary_id_stays_while_a_mutation_may_mean_it(void **state)
{
	(void)state;
	int64_t number;
	ok(aps_outbox_next_number(db(), &number, &queue_err));
	int64_t id = put_entry_of(owner_of("ann"), 9, "{}");
	ok(aps_outbox_pass_number(db(), 9, &queue_err));
	add_pair("meant", 5);
	add_pair("gone", 12);
	reopen_queue();
	turn_later();
	assert_int_equal(value_of("SELECT count(*) FROM id_map WHERE temporary = 'meant'"), 1);
	assert_int_equal(value_of("SELECT count(*) FROM id_map WHERE temporary = 'gone'"), 0);
	ok(aps_outbox_remove(db(), id, &queue_err));
	core_world_turn(&world.core);
	turn_later();
	assert_int_equal(value_of("SELECT count(*) FROM id_map"), 0);
}

static void put_pairs(int n)
{
	char temporary[16];
	for (int i = 0; i < n; i++) {
		snprintf(temporary, sizeof temporary, "t%06d", i);
		const struct aps_id_made pair = {.owner = queue->owner, .temporary = aps_str_of(temporary), .maker = 1};
		ok(aps_id_map_add(db(), &pair, &queue_err));
	}
}

static int64_t n_pairs(void)
{
	return value_of("SELECT count(*) FROM id_map");
}

static void of_many_temporary_ids_a_few_are_looked_at_in_a_turn(void **state)
{
	(void)state;
	(void)owner_of("ann");
	core_world_turn(&world.core);
	reopen_queue();
	put_pairs(1200); /* of 1970 */
	turn_later();
	assert_int_equal(n_pairs(), 700);
	turn_later();
	assert_int_equal(n_pairs(), 200);
	turn_later();
	assert_int_equal(n_pairs(), 0);
}

static void after_many_outcomes_only_these_are_looked_at(void **state)
{
	(void)state;
	(void)owner_of("ann");
	core_world_turn(&world.core);
	reopen_queue();
	turn_later();
	add_outcomes(5, true);
	put_pairs(5);
	for (int i = 0; i < 1000; i++) aps_queue_pruning_note(queue);
	turn_later();
	assert_int_equal(n_outcomes(), 0);
	assert_int_equal(n_pairs(), 5);
	turn_later(); /* in an hour */
	assert_int_equal(n_pairs(), 0);
}

static void a_queue_that_is_closed_prunes_nothing(void **state)
{
	(void)state;
	add_outcomes(5, true);
	aps_queue_close(queue, &(struct aps_err){.code = APS_E_CLOSED});
	turn_later();
	assert_int_equal(n_outcomes(), 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, queue_setup, collecting_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(old_outcomes_leave_after_the_start_a_hundred_at_a_time),
	        TEST(they_leave_every_hour),
	        TEST(a_temporary_id_stays_while_a_mutation_may_mean_it),
	        TEST(of_many_temporary_ids_a_few_are_looked_at_in_a_turn),
	        TEST(after_many_outcomes_only_these_are_looked_at),
	        TEST(a_queue_that_is_closed_prunes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
