#include "store/doubted_rows.h"

#include "outbox_fixture.h"

enum { ANN = 7, BOB = 8 };

static struct aps_buf entries;

static int setup(void **state)
{
	aps_buf_init(&entries, APS_BUF_ANY_SIZE);
	return outbox_setup(state);
}

static int teardown(void **state)
{
	aps_buf_clear(&entries);
	return outbox_teardown(state);
}

static void doubt(int64_t part, const char *text)
{
	uint64_t numbers[8];
	size_t n = 0;
	char *rest;
	for (; *text != '\0'; text = rest) numbers[n++] = strtoull(text, &rest, 10);
	ok(aps_doubted_rows_add(db, part, numbers, n, &err));
}

static int64_t last_of(int64_t part)
{
	int64_t last;
	ok(aps_doubted_rows_last(db, part, &last, &err));
	return last;
}

/* "3 4", of so many rows. */
static const char *list(struct aps_doubted_at *at, size_t max_rows)
{
	static char text[64];
	size_t n = 0;
	text[0] = '\0';
	aps_buf_reset(&entries);
	ok(aps_doubted_rows_list(db, at, max_rows, &entries, &err));
	const uint64_t *all = (const uint64_t *)(const void *)entries.p;
	for (size_t i = 0; i < entries.n / sizeof *all; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%d", n != 0 ? " " : "", (int)all[i]);
	return text;
}

static const char *list_all(int64_t part)
{
	return list(&(struct aps_doubted_at){part, 0, INT64_MAX}, 100);
}

/* Whether all are gone. */
static bool remove_up_to(int64_t part, int64_t last, size_t max_rows)
{
	bool are_gone;
	ok(aps_doubted_rows_remove(db, part, last, max_rows, &are_gone, &err));
	return are_gone;
}

static void each_part_has_its_own(void **state)
{
	(void)state;
	assert_int_equal(last_of(ANN), 0);
	assert_string_equal(list_all(ANN), "");
	doubt(ANN, "3 4");
	doubt(BOB, "5");
	doubt(ANN, "");
	doubt(ANN, "70000 3");
	assert_string_equal(list_all(ANN), "3 4 70000 3");
	assert_string_equal(list_all(BOB), "5");
	assert_int_equal(last_of(ANN), 2);
	assert_int_equal(last_of(BOB), 1);
	assert_true(remove_up_to(ANN, last_of(ANN), 100));
	assert_int_equal(last_of(ANN), 0);
	assert_string_equal(list_all(BOB), "5");
}

static void they_are_read_and_removed_so_many_rows_at_a_time_and_later_ones_stay(void **state)
{
	(void)state;
	static const char *const ALL[] = {"1", "2", "3", "4", "5"};
	for (size_t i = 0; i < APS_COUNTOF(ALL); i++) doubt(ANN, ALL[i]);
	struct aps_doubted_at at = {.part = ANN, .last = last_of(ANN)};
	doubt(ANN, "2");
	assert_string_equal(list(&at, 2), "1 2");
	assert_true(at.after < at.last);
	assert_string_equal(list(&at, 2), "3 4");
	assert_string_equal(list(&at, 2), "5");
	assert_int_equal(at.after, at.last);
	assert_string_equal(list(&at, 2), "");
	assert_false(remove_up_to(ANN, at.last, 3));
	assert_string_equal(list_all(ANN), "4 5 2");
	doubt(ANN, "9");
	assert_true(
	        remove_up_to(ANN, at.last, 2)); /* and no more were asked for: that they are gone is known at once */
	assert_string_equal(list_all(ANN), "2 9");
	assert_true(remove_up_to(ANN, at.last, 2));
	assert_string_equal(list_all(ANN), "2 9");
}

static void many_take_few_rows(void **state)
{
	(void)state;
	enum { N = 100000 };
	uint64_t *numbers = calloc(N, sizeof *numbers);
	for (size_t i = 0; i < N; i++) numbers[i] = 3 * i + 1;
	ok(aps_doubted_rows_add(db, ANN, numbers, N, &err));
	assert_int_equal(db_int(db, "SELECT count(*) FROM doubted"), 500);
	struct aps_doubted_at at = {.part = ANN, .last = last_of(ANN)};
	aps_buf_reset(&entries);
	while (at.after != at.last) ok(aps_doubted_rows_list(db, &at, 7, &entries, &err));
	assert_int_equal(entries.n, N * sizeof *numbers);
	assert_memory_equal(entries.p, numbers, entries.n);
	free(numbers);
}

static void damaged_rows_are_as_if_they_were_not_there(void **state)
{
	(void)state;
	static const char *const DAMAGES[] = {
	        "UPDATE doubted SET sum = sum + 1 WHERE number = 2",
	        "UPDATE doubted SET entries = X'FFFFFFFFFFFFFFFFFFFF' WHERE number = 2",
	        "UPDATE doubted SET entries = NULL WHERE number = 2",
	        "UPDATE doubted SET number = 9 WHERE number = 2",
	        "UPDATE doubted SET number = 9223372036854775807 WHERE number = 2",
	        "UPDATE doubted SET part = 8 WHERE number = 2",
	};
	for (size_t i = 0; i < APS_COUNTOF(DAMAGES); i++) {
		db_do(db, "DELETE FROM doubted");
		doubt(ANN, "1");
		doubt(ANN, "2");
		db_do(db, DAMAGES[i]);
		assert_string_equal(list_all(ANN), "1");
		assert_string_equal(list_all(BOB), "");
		doubt(ANN, "3");
		assert_string_equal(list_all(ANN), "1 3");
		assert_true(remove_up_to(ANN, last_of(ANN), 100));
		assert_int_equal(last_of(ANN), 0);
	}
}

static void without_memory_nothing_is_half_read(void **state)
{
	(void)state;
	size_t n_failures = 0;
	for (size_t nth = 1;; nth++) {
		static const uint64_t NUMBERS[] = {1, 2};
		struct aps_doubted_at at = {.part = ANN};
		bool are_gone;
		teardown(NULL);
		setup(NULL);
		ok(aps_db_begin(db, &err));
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_doubted_rows_add(db, ANN, NUMBERS, 2, &err);
		if (rc == APS_OK) rc = aps_doubted_rows_last(db, ANN, &at.last, &err);
		if (rc == APS_OK) rc = aps_doubted_rows_list(db, &at, 5, &entries, &err);
		if (rc == APS_OK) rc = aps_doubted_rows_remove(db, ANN, at.last, 5, &are_gone, &err);
		aps_mem_fail_at(0);
		aps_db_rollback(db);
		if (rc == APS_OK) break;
		n_failures++;
		assert_int_equal(rc, APS_E_NOMEM);
	}
	assert_true(n_failures > 4);
	assert_int_equal(entries.n, 2 * sizeof(uint64_t));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(each_part_has_its_own),
	        TEST(they_are_read_and_removed_so_many_rows_at_a_time_and_later_ones_stay),
	        TEST(many_take_few_rows),
	        TEST(damaged_rows_are_as_if_they_were_not_there),
	        TEST(without_memory_nothing_is_half_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
