#include "store/dead_letters.h"

#include "outbox_fixture.h"

static struct aps_dead_letter letter;

static int setup(void **state)
{
	aps_dead_letter_init(&letter);
	return outbox_setup(state);
}

static int teardown(void **state)
{
	aps_dead_letter_clear(&letter);
	aps_dead_letter_clear(&letter);
	return outbox_teardown(state);
}

static enum aps_rc bury(int64_t id, const char *outcome, int64_t blocked_by)
{
	struct aps_death death = {.died_ms = 7000,
	                          .outcome = aps_str_of(outcome),
	                          .blocked_by = blocked_by,
	                          .cause = APS_STR("{\"kind\":\"graphql\"}")};
	return aps_dead_letters_bury(db, id, &death, &err);
}

static void a_buried_entry_keeps_all_that_it_had(void **state)
{
	(void)state;
	int64_t id = enqueue(owner_make("ann")), n;
	ok(aps_delivery_mark(db, id, 1, 1, 3, &err));
	ok(bury(id, "refused", 0));
	ok(aps_outbox_count(db, aps_entry_all(), &n, &err));
	assert_int_equal(n, 0);
	assert_int_equal(db_int(db, "SELECT count(*) FROM delivery"), 0);
	ok(aps_dead_letters_find(db, id, &letter, &err));
	assert_int_equal(letter.entry.id, id);
	assert_int_equal(letter.entry.created_ms, 1000);
	assert_int_equal(letter.entry.flags, 5);
	assert_text(letter.entry.document, "mutation M { a }");
	assert_text(letter.entry.name, "M");
	assert_text(letter.entry.variables, "{\"x\":1}");
	assert_text(letter.entry.optimistic, "");
	assert_text(letter.entry.extra, "{}");
	assert_int_equal(letter.death.n_attempts, 3);
	assert_int_equal(letter.death.died_ms, 7000);
	assert_text(letter.death.outcome, "refused");
	assert_int_equal(letter.death.blocked_by, 0);
	assert_text(letter.death.cause, "{\"kind\":\"graphql\"}");
	is_corrupt(bury(id, "refused", 0));
}

static void dead_letters_are_listed_counted_and_found_by_number(void **state)
{
	(void)state;
	int64_t ann = owner_make("ann"), bob = owner_make("bob"), n;
	int64_t one = enqueue(ann), two = enqueue(bob), three = enqueue(bob);
	ok(bury(one, "unknown", 0));
	ok(bury(two, "refused", 1));
	ok(bury(three, "refused", 1));
	ok(aps_dead_letters_next(db, aps_entry_all(), 0, &letter, &err));
	assert_int_equal(letter.entry.id, one);
	ok(aps_dead_letters_next(db, aps_entry_all(), one, &letter, &err));
	assert_int_equal(letter.entry.id, two);
	ok(aps_dead_letters_next(db, aps_entry_owned(ann), one, &letter, &err));
	assert_int_equal(letter.entry.id, 0);
	ok(aps_dead_letters_count(db, aps_entry_owned(bob), &n, &err));
	assert_int_equal(n, 2);
	ok(aps_dead_letters_find_number(db, 3, &letter, &err));
	assert_int_equal(letter.entry.id, three);
	ok(aps_dead_letters_find_number(db, 4, &letter, &err));
	assert_int_equal(letter.entry.id, 0);
	ok(aps_dead_letters_next_blocked(db, 1, 0, &letter, &err));
	assert_int_equal(letter.entry.id, two);
	ok(aps_dead_letters_next_blocked(db, 1, two, &letter, &err));
	assert_int_equal(letter.entry.id, three);
	ok(aps_dead_letters_next_blocked(db, 1, three, &letter, &err));
	assert_int_equal(letter.entry.id, 0);
}

static void one_that_is_taken_or_discarded_is_none_any_more(void **state)
{
	(void)state;
	int64_t owner = owner_make("ann"), one = enqueue(owner), two = enqueue(owner), n;
	ok(bury(one, "unknown", 0));
	ok(bury(two, "discarded", 0));
	ok(aps_dead_letters_take(db, one, &letter, &err));
	assert_int_equal(letter.entry.id, one);
	ok(aps_outbox_insert(db, &letter.entry, &err));
	ok(aps_dead_letters_take(db, one, &letter, &err));
	assert_int_equal(letter.entry.id, 0);
	ok(bury(one, "unknown", 0));
	ok(aps_dead_letters_discard(db, one, &err));
	ok(aps_dead_letters_discard(db, one, &err));
	ok(aps_dead_letters_count(db, aps_entry_all(), &n, &err));
	assert_int_equal(n, 1);
}

static void a_damaged_letter_is_an_error_that_one_can_go_past(void **state)
{
	(void)state;
	static const char *const ROWS[] = {
	        "created = 1",      "flags = 4",      "document = ''", "name = ''",    "variables = ''",
	        "optimistic = 'x'", "extra = ''",     "sum = 0",       "attempts = 9", "died = 1",
	        "outcome = ''",     "blocked_by = 2", "cause = '{}'",  "id = id + 32",
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		char sql[128];
		teardown(NULL);
		setup(NULL);
		int64_t owner = owner_make("ann"), first = enqueue(owner);
		ok(bury(first, "refused", 0));
		snprintf(sql, sizeof sql, "UPDATE dead_letter SET %s", ROWS[i]);
		db_do(db, sql);
		int64_t damaged = db_int(db, "SELECT id FROM dead_letter");
		ok(aps_outbox_pass_number(db, 40, &err));
		int64_t last = enqueue(owner);
		ok(bury(last, "refused", 0));
		is_corrupt(aps_dead_letters_find(db, damaged, &letter, &err));
		is_corrupt(aps_dead_letters_next(db, aps_entry_all(), 0, &letter, &err));
		assert_int_equal(letter.entry.id, damaged);
		ok(aps_dead_letters_next(db, aps_entry_all(), damaged, &letter, &err));
		assert_int_equal(letter.entry.id, last);
		is_corrupt(aps_dead_letters_take(db, damaged, &letter, &err));
		assert_int_equal(db_int(db, "SELECT count(*) FROM dead_letter"), 2);
	}
}

static void without_memory_there_is_an_error(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		teardown(NULL);
		setup(NULL);
		int64_t id = enqueue(owner_make("ann")), n;
		aps_mem_fail_at(nth);
		enum aps_rc rc = bury(id, "refused", 0);
		if (rc == APS_OK) rc = aps_dead_letters_next(db, aps_entry_all(), 0, &letter, &err);
		if (rc == APS_OK) rc = aps_dead_letters_next_blocked(db, 1, 0, &letter, &err);
		if (rc == APS_OK) rc = aps_dead_letters_find_number(db, 1, &letter, &err);
		if (rc == APS_OK) rc = aps_dead_letters_count(db, aps_entry_all(), &n, &err);
		if (rc == APS_OK) rc = aps_dead_letters_take(db, id, &letter, &err);
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_buried_entry_keeps_all_that_it_had),
	        TEST(dead_letters_are_listed_counted_and_found_by_number),
	        TEST(one_that_is_taken_or_discarded_is_none_any_more),
	        TEST(a_damaged_letter_is_an_error_that_one_can_go_past),
	        TEST(without_memory_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
