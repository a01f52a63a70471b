#include "store/entry_find.h"

#include "outbox_fixture.h"

static const char SQL[] = "SELECT 1 FROM outbox WHERE id = ?1";

static int64_t find(int64_t number)
{
	int64_t id;
	ok(aps_entry_find(db, SQL, number, &id, &err));
	return id;
}

static int64_t put(int64_t owner, enum aps_entry_mode mode, int64_t number)
{
	struct aps_outbox_entry entry = entry_of(aps_entry_id(owner, mode, number));
	ok(aps_outbox_insert(db, &entry, &err));
	return entry.id;
}

static void each_lane_of_each_owner_is_looked_into(void **state)
{
	(void)state;
	int64_t number = 0, ids[3 * APS_ENTRY_MODE_COUNT];
	for (int who = 0; who < 3; who++) {
		static const char *const IDENTITIES[] = {"ann", "", "bob"};
		int64_t owner = owner_make(IDENTITIES[who]);
		for (int mode = 0; mode < APS_ENTRY_MODE_COUNT; mode++, number++)
			ids[number] = put(owner, (enum aps_entry_mode)mode, number + 1);
	}
	for (int64_t i = 0; i < number; i++) assert_int_equal(find(i + 1), ids[i]);
}

static void what_is_not_there_has_no_id(void **state)
{
	(void)state;
	assert_int_equal(find(1), 0); /* nobody has anything */
	int64_t owner = owner_make("ann");
	put(owner, APS_ENTRY_API_KEY, 2);
	assert_int_equal(find(1), 0);
	put(owner + 7, APS_ENTRY_API_KEY, 1); /* of nobody who is known */
	assert_int_equal(find(1), 0);
	int64_t id;
	ok(aps_entry_find(db, "SELECT 1 FROM dead_letter WHERE id = ?1", 2, &id, &err));
	assert_int_equal(id, 0);
}

static void no_number_is_taken_for_that_of_another_lane(void **state)
{
	(void)state;
	int64_t owner = owner_make("ann"), id = put(owner, APS_ENTRY_NONE, 1);
	assert_int_equal(find(1), id);
	assert_int_equal(find(APS_ENTRY_MAX_NUMBER), 0);
	assert_int_equal(find(APS_ENTRY_MAX_NUMBER + 2), id); /* the lane's bits are no part of a number */
}

static void owners_without_a_place_end_the_search(void **state)
{
	(void)state;
	int64_t owner = owner_make("ann"), id = put(owner, APS_ENTRY_API_KEY, 1);
	db_do(db, "INSERT INTO owner VALUES (9223372036854775807, 'p', 'x', 0); INSERT INTO owner VALUES (-5, 'p', "
	          "'y', 0)");
	assert_int_equal(find(1), id);
	assert_int_equal(find(2), 0);
}

static void what_cannot_be_read_is_an_error(void **state)
{
	(void)state;
	int64_t id;
	owner_make("ann");
	assert_int_equal(aps_entry_find(db, "SELECT 1 FROM nothing WHERE id = ?1", 1, &id, &err), APS_E_STORAGE);
	assert_int_equal(id, 0);
	db_do(db, "DROP TABLE owner");
	assert_int_equal(aps_entry_find(db, SQL, 1, &id, &err), APS_E_STORAGE);
}

static void without_memory_there_is_an_error(void **state)
{
	(void)state;
	int64_t expected = put(owner_make("ann"), APS_ENTRY_API_KEY, 1), id;
	size_t n_failed = 0;
	for (size_t nth = 1;; nth++) {
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_entry_find(db, SQL, 1, &id, &err);
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
		n_failed++;
	}
	assert_int_equal(id, expected);
	assert_true(n_failed < 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        OUTBOX_TEST(each_lane_of_each_owner_is_looked_into),
	        OUTBOX_TEST(what_is_not_there_has_no_id),
	        OUTBOX_TEST(no_number_is_taken_for_that_of_another_lane),
	        OUTBOX_TEST(owners_without_a_place_end_the_search),
	        OUTBOX_TEST(what_cannot_be_read_is_an_error),
	        OUTBOX_TEST(without_memory_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
