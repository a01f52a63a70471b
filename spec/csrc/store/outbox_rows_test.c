#include "store/outbox_rows.h"

#include "outbox_fixture.h"

static struct aps_outbox_row row;

static int setup(void **state)
{
	aps_outbox_row_init(&row);
	return outbox_setup(state);
}

static int teardown(void **state)
{
	aps_outbox_row_clear(&row);
	aps_outbox_row_clear(&row);
	return outbox_teardown(state);
}

static void numbers_are_given_once(void **state)
{
	(void)state;
	int64_t first, second;
	uint32_t nonce;
	ok(aps_outbox_next_number(db, &first, &err));
	ok(aps_outbox_next_number(db, &second, &err));
	assert_int_equal(first, 1);
	assert_int_equal(second, 2);
	ok(aps_outbox_pass_number(db, 10, &err));
	ok(aps_outbox_pass_number(db, 5, &err));
	ok(aps_outbox_last_number(db, &second, &err));
	assert_int_equal(second, 10);
	ok(aps_outbox_next_number(db, &second, &err));
	assert_int_equal(second, 11);
	ok(aps_outbox_nonce(db, &nonce, &err));
	assert_int_equal(nonce, db_int(db, "SELECT value FROM counter WHERE id = -3"));
}

static void counters_that_are_none_are_damage(void **state)
{
	(void)state;
	static const char *const ROWS[] = {
	        "UPDATE counter SET value = -1 WHERE id < -1",
	        "UPDATE counter SET value = 1 << 41 WHERE id < -1",
	        "DELETE FROM counter WHERE id < -1",
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		int64_t number;
		uint32_t nonce;
		db_do(db, ROWS[i]);
		is_corrupt(aps_outbox_next_number(db, &number, &err));
		assert_int_equal(number, 0);
		is_corrupt(aps_outbox_nonce(db, &nonce, &err));
	}
	db_do(db, "INSERT INTO counter VALUES (-2, (1 << 40) - 1)");
	int64_t number;
	assert_int_equal(aps_outbox_next_number(db, &number, &err), APS_E_STORAGE);
	assert_null(err.word);
}

static void a_counter_that_has_gone_back_is_damage(void **state)
{
	(void)state;
	struct aps_death death = {.outcome = APS_STR("refused")};
	struct aps_kept_outcome outcome = {.content = APS_STR("{}")};
	ok(aps_outbox_check_numbers(db, &err));
	(void)owner_make("ann");
	int64_t first = enqueue(owner_make("bob"));
	ok(aps_outbox_check_numbers(db, &err));
	db_do(db, "UPDATE counter SET value = 0 WHERE id = -2");
	is_corrupt(aps_outbox_check_numbers(db, &err));
	ok(aps_dead_letters_bury(db, first, &death, &err));
	is_corrupt(aps_outbox_check_numbers(db, &err));
	ok(aps_dead_letters_discard(db, first, &err));
	ok(aps_outbox_check_numbers(db, &err));
	ok(aps_outcomes_add(db, &outcome, &err));
	ok(aps_outbox_check_numbers(db, &err));
	db_do(db, "UPDATE counter SET value = 0 WHERE id = -2");
	is_corrupt(aps_outbox_check_numbers(db, &err));
}

static void an_entry_comes_back_as_it_was(void **state)
{
	(void)state;
	int64_t id = enqueue(owner_make("ann"));
	ok(aps_outbox_find(db, id, &row, &err));
	assert_int_equal(row.entry.id, id);
	assert_int_equal(row.entry.created_ms, 1000);
	assert_int_equal(row.entry.flags, 5);
	assert_text(row.entry.document, "mutation M { a }");
	assert_text(row.entry.name, "M");
	assert_text(row.entry.variables, "{\"x\":1}");
	assert_text(row.entry.optimistic, "");
	assert_text(row.entry.extra, "{}");
	assert_false(row.delivery.is_begun);
	ok(aps_outbox_find(db, id + 1, &row, &err));
	assert_int_equal(row.entry.id, 0);
}

static void entries_come_in_the_order_of_their_lane(void **state)
{
	(void)state;
	int64_t ann = owner_make("ann"), bob = owner_make("bob"), n;
	int64_t one = enqueue(ann), other = enqueue(bob), two = enqueue(ann);
	struct aps_outbox_entry iam = entry_of(aps_entry_id(ann, APS_ENTRY_AWS_IAM, 9));
	ok(aps_outbox_insert(db, &iam, &err));
	struct aps_entry_range lane = aps_entry_lane(ann, APS_ENTRY_API_KEY);
	ok(aps_outbox_next(db, lane, 0, &row, &err));
	assert_int_equal(row.entry.id, one);
	ok(aps_outbox_next(db, lane, one, &row, &err));
	assert_int_equal(row.entry.id, two);
	ok(aps_outbox_next(db, lane, two, &row, &err));
	assert_int_equal(row.entry.id, 0);
	ok(aps_outbox_next(db, aps_entry_owned(ann), two, &row, &err));
	assert_int_equal(row.entry.id, iam.id);
	ok(aps_outbox_next(db, aps_entry_all(), iam.id, &row, &err));
	assert_int_equal(row.entry.id, other);
	ok(aps_outbox_count(db, aps_entry_owned(ann), &n, &err));
	assert_int_equal(n, 3);
	ok(aps_outbox_find_number(db, 9, &row, &err));
	assert_int_equal(row.entry.id, iam.id);
	ok(aps_outbox_find_number(db, 2, &row, &err));
	assert_int_equal(row.entry.id, other);
	ok(aps_outbox_find_number(db, 10, &row, &err));
	assert_int_equal(row.entry.id, 0);
}

static void an_entry_can_be_changed_and_leaves_with_its_delivery(void **state)
{
	(void)state;
	int64_t id = enqueue(owner_make("ann")), n;
	ok(aps_outbox_find(db, id, &row, &err));
	row.entry.variables = APS_STR("{\"x\":2}");
	row.entry.extra = APS_STR("[1]");
	ok(aps_outbox_update(db, &row.entry, &err));
	ok(aps_outbox_find(db, id, &row, &err));
	assert_text(row.entry.variables, "{\"x\":2}");
	assert_text(row.entry.extra, "[1]");
	ok(aps_delivery_mark(db, id, 1, 2, 1, &err));
	ok(aps_outbox_remove(db, id, &err));
	ok(aps_outbox_count(db, aps_entry_all(), &n, &err));
	assert_int_equal(n, 0);
	assert_int_equal(db_int(db, "SELECT count(*) FROM delivery"), 0);
	is_corrupt(aps_outbox_remove(db, id, &err));
	is_corrupt(aps_outbox_update(db, &row.entry, &err));
}

static void a_damaged_entry_is_an_error_that_one_can_go_past(void **state)
{
	(void)state;
	static const char *const ROWS[] = {
	        "created = created + 1",
	        "flags = 4",
	        "document = 'mutation M { b }'",
	        "name = 'N'",
	        "variables = '{\"x\":2}'",
	        "optimistic = '{}'",
	        "extra = ''",
	        "sum = sum + 1",
	        /* of another */
	        "id = id + (1 << 44)",
	        "id = id + (1 << 40)",
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		char sql[128];
		teardown(NULL);
		setup(NULL);
		int64_t owner = owner_make("ann"), first = enqueue(owner), second = enqueue(owner);
		(void)owner_make("bob");
		snprintf(sql, sizeof sql, "UPDATE outbox SET %s WHERE id = %lld", ROWS[i], (long long)first);
		db_do(db, sql);
		int64_t damaged = db_int(db, "SELECT id FROM outbox WHERE id & 255 = 1");
		is_corrupt(aps_outbox_find(db, damaged, &row, &err));
		is_corrupt(aps_outbox_find_number(db, 1, &row, &err));
		is_corrupt(aps_outbox_next(db, aps_entry_all(), damaged - 1, &row, &err));
		assert_int_equal(row.entry.id, damaged);
		ok(aps_outbox_next(db, aps_entry_all(), second - 1, &row, &err));
		assert_int_equal(row.entry.id, second);
	}
}

static void a_delivery_is_told_with_its_entry(void **state)
{
	(void)state;
	int64_t id = enqueue(owner_make("ann"));
	ok(aps_delivery_unmark(db, id, &err));
	assert_int_equal(db_int(db, "SELECT count(*) FROM delivery"), 0);
	ok(aps_delivery_mark(db, id, 3, 5000, 1, &err));
	ok(aps_outbox_find(db, id, &row, &err));
	assert_true(row.delivery.is_begun && row.delivery.is_sending);
	assert_int_equal(row.delivery.slot, 3);
	assert_int_equal(row.delivery.lease_ms, 5000);
	assert_int_equal(row.delivery.n_attempts, 1);
	struct aps_delivery_row counts = {
	        .n_attempts = 2, .n_counted = 1, .n_rounds = 4, .cause = APS_STR("{\"k\":1}")};
	ok(aps_delivery_count(db, id, &counts, &err));
	ok(aps_outbox_next(db, aps_entry_all(), 0, &row, &err));
	assert_true(row.delivery.is_sending);
	assert_int_equal(row.delivery.slot, 3);
	assert_int_equal(row.delivery.n_attempts, 2);
	assert_int_equal(row.delivery.n_counted, 1);
	assert_int_equal(row.delivery.n_rounds, 4);
	assert_text(row.delivery.cause, "{\"k\":1}");
	ok(aps_delivery_unmark(db, id, &err));
	ok(aps_outbox_find(db, id, &row, &err));
	assert_true(row.delivery.is_begun);
	assert_false(row.delivery.is_sending);
	assert_int_equal(row.delivery.lease_ms, 0);
	assert_int_equal(row.delivery.n_attempts, 2);
	ok(aps_delivery_mark(db, id, 4, 6000, 3, &err));
	ok(aps_outbox_find(db, id, &row, &err));
	assert_int_equal(row.delivery.n_counted, 1);
	assert_text(row.delivery.cause, "{\"k\":1}");
	assert_text(row.entry.document, "mutation M { a }");
}

static void what_is_being_sent_is_found_at_the_start(void **state)
{
	(void)state;
	int64_t ann = owner_make("ann"), bob = owner_make("bob");
	int64_t first = enqueue(ann), second = enqueue(ann), third = enqueue(bob);
	ok(aps_delivery_mark(db, third, 1, 1, 1, &err));
	ok(aps_delivery_mark(db, first, 1, 1, 1, &err));
	ok(aps_delivery_unmark(db, first, &err));
	ok(aps_delivery_mark(db, second, 1, 1, 1, &err));
	ok(aps_outbox_next_sending(db, 0, &row, &err));
	assert_int_equal(row.entry.id, second);
	assert_text(row.entry.name, "M");
	ok(aps_outbox_next_sending(db, second, &row, &err));
	assert_int_equal(row.entry.id, third);
	ok(aps_outbox_next_sending(db, third, &row, &err));
	assert_int_equal(row.entry.id, 0);
	/* that it isn't being sent is believed of no damaged row */
	db_do(db, "UPDATE delivery SET sending = 0");
	is_corrupt(aps_outbox_next_sending(db, first, &row, &err));
	assert_int_equal(row.entry.id, second);
	is_corrupt(aps_outbox_find(db, second, &row, &err));
	db_do(db, "UPDATE delivery SET sending = 1; DELETE FROM outbox");
	is_corrupt(aps_outbox_next_sending(db, first, &row, &err));
	assert_int_equal(row.entry.id, second);
}

static void without_memory_there_is_an_error(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		struct aps_delivery_row counts = {.cause = APS_STR("{}")};
		teardown(NULL);
		setup(NULL);
		int64_t id = enqueue(owner_make("ann")), n;
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_outbox_next_number(db, &n, &err);
		if (rc == APS_OK) rc = aps_outbox_next(db, aps_entry_all(), 0, &row, &err);
		if (rc == APS_OK) rc = aps_outbox_update(db, &row.entry, &err);
		if (rc == APS_OK) rc = aps_delivery_count(db, id, &counts, &err);
		if (rc == APS_OK) rc = aps_delivery_mark(db, id, 1, 1, 1, &err);
		if (rc == APS_OK) rc = aps_outbox_next_sending(db, 0, &row, &err);
		if (rc == APS_OK) rc = aps_outbox_find_number(db, 1, &row, &err);
		if (rc == APS_OK) rc = aps_outbox_count(db, aps_entry_all(), &n, &err);
		if (rc == APS_OK) rc = aps_outbox_remove(db, id, &err);
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(numbers_are_given_once),
	        TEST(counters_that_are_none_are_damage),
	        TEST(a_counter_that_has_gone_back_is_damage),
	        TEST(an_entry_comes_back_as_it_was),
	        TEST(entries_come_in_the_order_of_their_lane),
	        TEST(an_entry_can_be_changed_and_leaves_with_its_delivery),
	        TEST(a_damaged_entry_is_an_error_that_one_can_go_past),
	        TEST(a_delivery_is_told_with_its_entry),
	        TEST(what_is_being_sent_is_found_at_the_start),
	        TEST(without_memory_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
