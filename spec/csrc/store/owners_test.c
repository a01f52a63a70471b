#include "store/owners.h"

#include "outbox_fixture.h"
#include "store/entry_id.h"

static int64_t find(const char *prefix, const char *identity)
{
	int64_t id;
	ok(aps_owners_find(db, aps_str_of(prefix), aps_str_of(identity), &id, &err));
	return id;
}

static void an_owner_keeps_the_number_that_it_was_given(void **state)
{
	(void)state;
	assert_int_equal(find("p", "ann"), 0);
	int64_t ann = owner_make("ann"), bob = owner_make("bob");
	assert_true(ann > 0 && bob > ann);
	assert_int_equal(owner_make("ann"), ann);
	assert_int_equal(find("p", "bob"), bob);
	assert_int_equal(find("q", "ann"), 0);
	assert_int_equal(db_int(db, "SELECT count(*) FROM owner JOIN owner_copy USING (id, prefix, identity, sum)"), 2);
}

static void owners_are_listed_past_one_that_is_damaged(void **state)
{
	(void)state;
	struct aps_owner owner;
	int64_t ann = owner_make("ann"), bob = owner_make("bob"), carl = owner_make("carl");
	db_do(db, "UPDATE owner SET sum = sum + 1 WHERE identity = 'bob'");
	aps_owner_init(&owner);
	ok(aps_owners_next(db, 0, &owner, &err));
	assert_int_equal(owner.id, ann);
	assert_text(owner.prefix, "p");
	assert_text(owner.identity, "ann");
	is_corrupt(aps_owners_next(db, ann, &owner, &err));
	assert_int_equal(owner.id, bob);
	ok(aps_owners_next(db, bob, &owner, &err));
	assert_int_equal(owner.id, carl);
	assert_text(owner.identity, "carl");
	ok(aps_owners_next(db, carl, &owner, &err));
	assert_int_equal(owner.id, 0);
	aps_owner_clear(&owner);
	aps_owner_clear(&owner);
	is_corrupt(aps_owners_find(db, APS_STR("p"), APS_STR("bob"), &bob, &err));
}

static void an_owner_that_its_index_has_lost_is_damage_and_no_new_one(void **state)
{
	(void)state;
	int64_t id = owner_make("ann");
	char sql[128];
	/* the row itself is changed where the index doesn't see it */
	snprintf(sql, sizeof sql, "DROP INDEX owner_name; CREATE UNIQUE INDEX owner_name ON owner (prefix, sum)");
	db_do(db, sql);
	db_do(db, "PRAGMA writable_schema = ON;"
	          "UPDATE sqlite_master SET sql = 'CREATE UNIQUE INDEX owner_name ON owner (prefix, identity)'"
	          " WHERE name = 'owner_name'; PRAGMA writable_schema = RESET");
	is_corrupt(aps_owners_make(db, APS_STR("p"), APS_STR("ann"), &id, &err));
}

static void an_owner_can_become_one_that_is_new(void **state)
{
	(void)state;
	int64_t guest = owner_make(""), bob = owner_make("bob");
	ok(aps_owners_rename(db, guest, APS_STR("p"), APS_STR("ann"), &err));
	assert_int_equal(find("p", ""), 0);
	assert_int_equal(find("p", "ann"), guest);
	assert_int_equal(db_int(db, "SELECT count(*) FROM owner JOIN owner_copy USING (id, prefix, identity, sum)"), 2);
	ok(aps_owners_rename(db, guest, APS_STR("p"), APS_STR("ann"), &err));
	assert_int_equal(aps_owners_rename(db, guest, APS_STR("p"), APS_STR("bob"), &err), APS_E_USAGE);
	ok(aps_owners_remove(db, bob, &err));
	assert_int_equal(find("p", "bob"), 0);
	assert_int_equal(db_int(db, "SELECT count(*) FROM owner_copy"), 1);
}

static void there_are_as_many_owners_as_ids_have_room_for(void **state)
{
	(void)state;
	int64_t id;
	char sql[96];
	snprintf(sql, sizeof sql, "INSERT INTO owner_copy VALUES (%lld, '', '', 0)", (long long)APS_ENTRY_MAX_OWNER);
	db_do(db, sql);
	assert_int_equal(aps_owners_make(db, APS_STR("p"), APS_STR("ann"), &id, &err), APS_E_STORAGE);
	assert_null(err.word);
	assert_int_equal(id, 0);
}

static void without_memory_there_is_an_error(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		struct aps_owner owner;
		int64_t id;
		outbox_teardown(NULL);
		outbox_setup(NULL);
		aps_owner_init(&owner);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_owners_make(db, APS_STR("p"), APS_STR("ann"), &id, &err);
		if (rc == APS_OK) rc = aps_owners_rename(db, id, APS_STR("p"), APS_STR("bob"), &err);
		if (rc == APS_OK) rc = aps_owners_next(db, 0, &owner, &err);
		aps_mem_fail_at(0);
		aps_owner_clear(&owner);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
	}
}

static void an_owner_that_is_lost_is_found_at_the_start(void **state)
{
	(void)state;
	static const char *const LOSSES[] = {"DELETE FROM owner WHERE identity = 'bob'",
	                                     "DELETE FROM owner; DELETE FROM owner_copy"};
	enqueue(owner_make("ann"));
	owner_make("bob");
	ok(aps_owners_check(db, &err));
	for (size_t i = 0; i < APS_COUNTOF(LOSSES); i++) {
		db_do(db, LOSSES[i]);
		is_corrupt(aps_owners_check(db, &err));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        OUTBOX_TEST(an_owner_keeps_the_number_that_it_was_given),
	        OUTBOX_TEST(owners_are_listed_past_one_that_is_damaged),
	        OUTBOX_TEST(an_owner_that_its_index_has_lost_is_damage_and_no_new_one),
	        OUTBOX_TEST(an_owner_can_become_one_that_is_new),
	        OUTBOX_TEST(there_are_as_many_owners_as_ids_have_room_for),
	        OUTBOX_TEST(without_memory_there_is_an_error),
	        OUTBOX_TEST(an_owner_that_is_lost_is_found_at_the_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
