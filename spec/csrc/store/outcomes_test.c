#include "store/outcomes.h"

#include "outbox_fixture.h"

static struct aps_kept_outcome outcome;

static int setup(void **state)
{
	aps_kept_outcome_init(&outcome);
	return outbox_setup(state);
}

static int teardown(void **state)
{
	aps_kept_outcome_clear(&outcome);
	aps_kept_outcome_clear(&outcome);
	return outbox_teardown(state);
}

static int64_t add(int64_t owner, bool is_told, int64_t finished_ms)
{
	struct aps_kept_outcome own = {.owner = owner,
	                               .entry = 3,
	                               .finished_ms = finished_ms,
	                               .is_told = is_told,
	                               .content = APS_STR("{\"data\":{\"a\":1}}")};
	ok(aps_outcomes_add(db, &own, &err));
	return own.number;
}

static void an_outcome_comes_back_as_it_was(void **state)
{
	(void)state;
	int64_t number = add(2, false, 5000);
	ok(aps_outcomes_next(db, 0, 0, &outcome, &err));
	assert_int_equal(outcome.number, number);
	assert_int_equal(outcome.owner, 2);
	assert_int_equal(outcome.entry, 3);
	assert_int_equal(outcome.finished_ms, 5000);
	assert_false(outcome.is_told);
	assert_text(outcome.content, "{\"data\":{\"a\":1}}");
	ok(aps_outcomes_next(db, 0, number, &outcome, &err));
	assert_int_equal(outcome.number, 0);
}

static void the_newest_comes_first_where_that_is_asked_for(void **state)
{
	(void)state;
	int64_t one = add(1, false, 1), other = add(2, false, 1), two = add(1, true, 1);
	ok(aps_outcomes_last(db, 1, INT64_MAX, &outcome, &err));
	assert_int_equal(outcome.number, two);
	ok(aps_outcomes_last(db, 1, two, &outcome, &err));
	assert_int_equal(outcome.number, one);
	ok(aps_outcomes_last(db, 0, two, &outcome, &err));
	assert_int_equal(outcome.number, other);
	ok(aps_outcomes_last(db, 1, one, &outcome, &err));
	assert_int_equal(outcome.number, 0);
}

static void what_is_not_told_comes_in_its_order(void **state)
{
	(void)state;
	int64_t one = add(1, false, 1), other = add(2, false, 1), told = add(1, true, 1), two = add(1, false, 1);
	ok(aps_outcomes_next_untold(db, 1, 0, &outcome, &err));
	assert_int_equal(outcome.number, one);
	ok(aps_outcomes_next_untold(db, 1, one, &outcome, &err));
	assert_int_equal(outcome.number, two);
	ok(aps_outcomes_next_untold(db, 0, one, &outcome, &err));
	assert_int_equal(outcome.number, other);
	ok(aps_outcomes_next(db, 1, one, &outcome, &err));
	assert_int_equal(outcome.number, told);
	ok(aps_outcomes_set_told(db, one, NULL, &err));
	ok(aps_outcomes_next_untold(db, 1, 0, &outcome, &err));
	assert_int_equal(outcome.number, two);
	ok(aps_outcomes_set_told(db, two, &APS_STR("{}"), &err));
	ok(aps_outcomes_next_untold(db, 1, 0, &outcome, &err));
	assert_int_equal(outcome.number, 0);
	ok(aps_outcomes_next(db, 0, 0, &outcome, &err));
	assert_true(outcome.is_told);
	assert_text(outcome.content, "{\"data\":{\"a\":1}}");
	ok(aps_outcomes_next(db, 0, told, &outcome, &err));
	assert_true(outcome.is_told);
	assert_text(outcome.content, "{}");
	is_corrupt(aps_outcomes_set_told(db, 99, NULL, &err));
}

static void old_ones_leave_once_they_are_told(void **state)
{
	(void)state;
	int64_t now_ms = 2 * APS_OUTCOMES_MAX_AGE_MS, border = now_ms - APS_OUTCOMES_MAX_AGE_MS, n;
	int64_t untold = add(1, false, 0), kept = add(1, true, border);
	(void)add(1, true, border - 1);
	ok(aps_outcomes_prune(db, now_ms, INT64_MAX, &n, &err));
	assert_int_equal(n, 1);
	ok(aps_outcomes_next(db, 0, 0, &outcome, &err));
	assert_int_equal(outcome.number, untold);
	ok(aps_outcomes_next(db, 0, untold, &outcome, &err));
	assert_int_equal(outcome.number, kept);
	ok(aps_outcomes_next(db, 0, kept, &outcome, &err));
	assert_int_equal(outcome.number, 0);
}

static void no_more_than_ten_thousand_are_kept_that_are_told(void **state)
{
	(void)state;
	int64_t n, untold = add(1, false, 0);
	ok(aps_db_begin(db, &err));
	for (int i = 0; i < APS_OUTCOMES_MAX_TOLD + 3; i++) (void)add(1, true, 0);
	ok(aps_outcomes_prune(db, 0, 2, &n, &err));
	assert_int_equal(n, 2);
	ok(aps_outcomes_prune(db, 0, INT64_MAX, &n, &err));
	ok(aps_db_commit(db, &err));
	assert_int_equal(n, 1);
	assert_int_equal(db_int(db, "SELECT count(*) FROM outcome WHERE told = 1"), APS_OUTCOMES_MAX_TOLD);
	ok(aps_outcomes_next(db, 0, 0, &outcome, &err));
	assert_int_equal(outcome.number, untold);
	ok(aps_outcomes_next(db, 0, untold, &outcome, &err));
	assert_int_equal(outcome.number, untold + 4);
	/* the number of one that is gone isn't given again */
	db_do(db, "DELETE FROM outcome");
	assert_int_equal(add(1, true, 0), untold + APS_OUTCOMES_MAX_TOLD + 4);
}

static void a_damaged_outcome_is_an_error_that_one_can_go_past(void **state)
{
	(void)state;
	static const char *const ROWS[] = {"owner = 2",      "entry = 4", "finished = 1",
	                                   "content = '{}'", "sum = 0",   "number = 0 - number"};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		char sql[96];
		teardown(NULL);
		setup(NULL);
		int64_t first = add(1, false, 0);
		snprintf(sql, sizeof sql, "UPDATE outcome SET %s", ROWS[i]);
		db_do(db, sql);
		int64_t damaged = db_int(db, "SELECT number FROM outcome"), second = add(1, false, 0);
		is_corrupt(aps_outcomes_next(db, 0, damaged - 1, &outcome, &err));
		assert_int_equal(outcome.number, damaged);
		is_corrupt(aps_outcomes_next_untold(db, 0, damaged - 1, &outcome, &err));
		assert_int_equal(outcome.number, damaged);
		is_corrupt(aps_outcomes_set_told(db, damaged, NULL, &err));
		ok(aps_outcomes_next(db, 0, damaged, &outcome, &err));
		assert_int_equal(outcome.number, second);
		assert_true(first > 0);
	}
}

static void without_memory_there_is_an_error(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		struct aps_kept_outcome own = {.owner = 1, .content = APS_STR("{}")};
		int64_t n;
		teardown(NULL);
		setup(NULL);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_outcomes_add(db, &own, &err);
		if (rc == APS_OK) rc = aps_outcomes_next_untold(db, 0, 0, &outcome, &err);
		if (rc == APS_OK) rc = aps_outcomes_set_told(db, own.number, &APS_STR("[]"), &err);
		if (rc == APS_OK) rc = aps_outcomes_next(db, 0, 0, &outcome, &err);
		if (rc == APS_OK) rc = aps_outcomes_prune(db, 0, INT64_MAX, &n, &err);
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(an_outcome_comes_back_as_it_was),
	        TEST(the_newest_comes_first_where_that_is_asked_for),
	        TEST(what_is_not_told_comes_in_its_order),
	        TEST(old_ones_leave_once_they_are_told),
	        TEST(no_more_than_ten_thousand_are_kept_that_are_told),
	        TEST(a_damaged_outcome_is_an_error_that_one_can_go_past),
	        TEST(without_memory_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
