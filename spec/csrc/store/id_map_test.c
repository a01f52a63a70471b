#include "store/id_map.h"

#include "outbox_fixture.h"

static struct aps_id_made found;

static int setup(void **state)
{
	aps_id_made_init(&found);
	return outbox_setup(state);
}

static int teardown(void **state)
{
	aps_id_made_clear(&found);
	aps_id_made_clear(&found);
	return outbox_teardown(state);
}

static void add(int64_t owner, const char *temporary, int64_t maker, int64_t at_ms)
{
	struct aps_id_made pair = {.owner = owner, .temporary = aps_str_of(temporary), .maker = maker, .at_ms = at_ms};
	ok(aps_id_map_add(db, &pair, &err));
}

static void set_made(int64_t owner, const char *temporary, int64_t maker, const char *made)
{
	struct aps_id_made pair = {
	        .owner = owner, .temporary = aps_str_of(temporary), .maker = maker, .made = aps_str_of(made)};
	ok(aps_id_map_set_made(db, &pair, &err));
}

static void find(int64_t owner, const char *temporary)
{
	ok(aps_id_map_find(db, owner, aps_str_of(temporary), &found, &err));
}

static void a_temporary_id_is_known_until_the_service_names_the_record(void **state)
{
	(void)state;
	find(1, "t");
	assert_int_equal(found.owner, 0);
	add(1, "t", 7, 1000);
	find(1, "t");
	assert_int_equal(found.owner, 1);
	assert_text(found.temporary, "t");
	assert_false(found.is_made);
	assert_int_equal(found.maker, 7);
	assert_int_equal(found.at_ms, 1000);
	set_made(1, "t", 8, "other");
	find(1, "t");
	assert_false(found.is_made);
	set_made(1, "t", 7, "");
	find(1, "t");
	assert_true(found.is_made);
	assert_text(found.made, "");
	set_made(1, "t", 7, "server");
	find(1, "t");
	assert_text(found.made, "server");
	find(2, "t");
	assert_int_equal(found.owner, 0);
	set_made(1, "none", 7, "server");
	find(1, "none");
	assert_int_equal(found.owner, 0);
	/* the later record */
	add(1, "t", 9, 2000);
	find(1, "t");
	assert_int_equal(found.maker, 9);
	assert_false(found.is_made);
}

static bool claim(int64_t owner, const char *temporary, int64_t maker, int64_t former)
{
	struct aps_id_made pair = {.owner = owner, .temporary = aps_str_of(temporary), .maker = maker, .at_ms = 5};
	bool is_maker;
	ok(aps_id_map_claim(db, &pair, former, &is_maker, &err));
	find(owner, temporary);
	assert_int_equal(is_maker, found.maker == maker);
	return is_maker;
}

static void a_record_has_one_maker(void **state)
{
	(void)state;
	struct aps_death death = {.outcome = APS_STR("refused")};
	int64_t owner = owner_make("ann"), id = enqueue(owner), maker = aps_entry_number(id);
	assert_true(claim(owner, "t", maker, 0));
	assert_int_equal(found.at_ms, 5);
	assert_false(found.is_made);
	assert_true(claim(owner + 1, "t", maker, 0));
	/* while it is queued, and when it is dead */
	assert_false(claim(owner, "t", maker + 1, 0));
	ok(aps_dead_letters_bury(db, id, &death, &err));
	assert_false(claim(owner, "t", maker + 1, 0));
	/* itself, tried again */
	assert_true(claim(owner, "t", maker + 2, maker));
	/* nobody is left who could make it */
	assert_true(claim(owner, "t", maker + 3, 0));
	set_made(owner, "t", maker + 3, "server");
	assert_false(claim(owner, "t", maker + 4, 0));
	assert_false(claim(owner, "t", maker + 4, maker + 3));
	assert_text(found.made, "server");
}

static void whether_a_maker_is_queued_or_dead_is_known(void **state)
{
	(void)state;
	bool is_queued, is_dead;
	struct aps_death death = {.outcome = APS_STR("refused")};
	int64_t owner = owner_make("ann"), id = enqueue(owner);
	struct aps_id_made pair = {.owner = owner, .maker = aps_entry_number(id)};
	ok(aps_id_map_has_maker(db, &pair, &is_queued, &is_dead, &err));
	assert_true(is_queued && !is_dead);
	ok(aps_dead_letters_bury(db, id, &death, &err));
	ok(aps_id_map_has_maker(db, &pair, &is_queued, &is_dead, &err));
	assert_true(!is_queued && is_dead);
	pair.owner++; /* another owner's entry of this number */
	ok(aps_id_map_has_maker(db, &pair, &is_queued, &is_dead, &err));
	assert_true(!is_queued && !is_dead);
}

static void whether_an_owner_has_any_pair_is_known(void **state)
{
	(void)state;
	bool has_any;
	add(2, "t", 7, 1000);
	ok(aps_id_map_has_any(db, 1, &has_any, &err));
	assert_false(has_any);
	ok(aps_id_map_has_any(db, 2, &has_any, &err));
	assert_true(has_any);
}

static void a_pair_is_as_old_as_the_id_that_the_service_gave(void **state)
{
	(void)state;
	struct aps_id_made pair = {
	        .owner = 1, .temporary = APS_STR("t"), .made = APS_STR("m"), .maker = 7, .at_ms = 9000};
	add(1, "t", 7, 1000);
	ok(aps_id_map_set_made(db, &pair, &err));
	find(1, "t");
	assert_int_equal(found.at_ms, 9000);
}

static void pairs_are_listed_past_one_that_is_damaged(void **state)
{
	(void)state;
	static const char *const ROWS[] = {"owner = 2 + owner", "temporary = 'x'", "made = 'x'",
	                                   "maker = 8",         "at = 1",          "sum = 0"};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		char sql[96];
		teardown(NULL);
		setup(NULL);
		add(1, "a", 7, 0);
		snprintf(sql, sizeof sql, "UPDATE id_map SET %s", ROWS[i]);
		db_do(db, sql);
		add(3, "y", 7, 0);
		is_corrupt(aps_id_map_next(db, 0, APS_STR(""), &found, &err));
		assert_true(found.owner != 0);
		char temporary[8];
		snprintf(temporary, sizeof temporary, "%.*s", (int)found.temporary.n, found.temporary.p);
		ok(aps_id_map_next(db, found.owner, aps_str_of(temporary), &found, &err));
		assert_int_equal(found.owner, 3);
		assert_text(found.temporary, "y");
		ok(aps_id_map_next(db, 3, APS_STR("y"), &found, &err));
		assert_int_equal(found.owner, 0);
	}
}

static int64_t prune(int64_t owner, int64_t now_ms)
{
	struct aps_id_pruning pruning = {.owner = owner, .max_rows = INT64_MAX};
	aps_buf_init(&pruning.after, APS_BUF_ANY_SIZE);
	ok(aps_id_map_prune(db, &pruning, now_ms, &err));
	assert_int_equal(pruning.after.n, 0);
	return pruning.n_deleted;
}

static void old_pairs_leave_when_nothing_can_mean_them_any_more(void **state)
{
	(void)state;
	int64_t owner = owner_make("ann"), now_ms = 1 + APS_ID_MAP_MAX_AGE_MS;
	int64_t maker = aps_entry_number(enqueue(owner)), dependent = enqueue(owner);
	add(owner, "a", maker, 0);
	add(owner, "young", maker, 1);
	ok(aps_outbox_remove(db, aps_entry_id(owner, APS_ENTRY_API_KEY, maker), &err));
	assert_int_equal(prune(owner, now_ms), 0);
	set_made(owner, "a", maker, "server");
	set_made(owner, "young", maker, "server");
	assert_int_equal(prune(owner, now_ms), 0);
	struct aps_death death = {.outcome = APS_STR("refused")};
	ok(aps_dead_letters_bury(db, dependent, &death, &err));
	assert_int_equal(prune(owner, now_ms), 0);
	ok(aps_dead_letters_discard(db, dependent, &err));
	assert_int_equal(prune(owner + 1, now_ms), 0);
	assert_int_equal(prune(owner, now_ms), 1);
	find(owner, "young");
	assert_int_equal(found.owner, owner);
	/* one whose record never got a name, once nobody is left who could make it */
	maker = aps_entry_number(enqueue(owner));
	add(owner, "b", maker, 0);
	assert_int_equal(prune(owner, now_ms), 0);
	ok(aps_outbox_remove(db, aps_entry_id(owner, APS_ENTRY_API_KEY, maker), &err));
	assert_int_equal(prune(owner, now_ms), 1);
}

static void old_pairs_are_looked_for_a_few_at_a_time(void **state)
{
	(void)state;
	struct aps_id_pruning pruning = {.owner = owner_make("ann"), .max_rows = 3};
	int64_t owner = pruning.owner;
	char temporary[8];
	for (int i = 0; i < 8; i++) {
		snprintf(temporary, sizeof temporary, "t%d", i);
		add(owner, temporary, 1, i % 3 == 0 ? 1 : 0); /* every third one is young */
	}
	add(owner + 1, "t9", 1, 0);
	aps_buf_init(&pruning.after, APS_BUF_ANY_SIZE);
	for (size_t i = 0; i < 3; i++) {
		ok(aps_id_map_prune(db, &pruning, 1 + APS_ID_MAP_MAX_AGE_MS, &err));
		assert_int_equal(pruning.n_deleted, i < 2 ? 2 : 1);
		assert_int_equal(pruning.after.n, i < 2 ? 2 : 0);
	}
	assert_int_equal(db_int(db, "SELECT count(*) FROM id_map"), 4);
	/* where one is behind which there are no more */
	for (size_t i = 0; i < 2; i++) {
		ok(aps_id_map_prune(db, &pruning, 1 + APS_ID_MAP_MAX_AGE_MS, &err));
		assert_int_equal(pruning.n_deleted, 0);
		assert_int_equal(pruning.after.n, i == 0 ? 2 : 0);
	}
}

/* Its maker was tried again, and comes after what had to wait for it. */
static void what_is_parked_for_a_later_one_keeps_its_pairs(void **state)
{
	(void)state;
	int64_t owner = owner_make("ann"), now_ms = 1 + APS_ID_MAP_MAX_AGE_MS;
	int64_t dependent = enqueue(owner), id = enqueue(owner), maker = aps_entry_number(id);
	const struct aps_death death = {.outcome = APS_STR("blocked"), .blocked_by = maker};
	add(owner, "a", maker, 0);
	set_made(owner, "a", maker, "server");
	ok(aps_dead_letters_bury(db, dependent, &death, &err));
	ok(aps_outbox_remove(db, id, &err));
	assert_int_equal(prune(owner, now_ms), 0);
	ok(aps_dead_letters_discard(db, dependent, &err));
	assert_int_equal(prune(owner, now_ms), 1);
}

static void without_memory_there_is_an_error(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		struct aps_id_made pair = {
		        .owner = 1, .temporary = APS_STR("t"), .made = APS_STR("m"), .maker = 1, .at_ms = 1};
		struct aps_id_pruning pruning = {.owner = 1, .max_rows = 1};
		bool is_maker;
		aps_buf_init(&pruning.after, APS_BUF_ANY_SIZE);
		teardown(NULL);
		setup(NULL);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_id_map_add(db, &pair, &err);
		if (rc == APS_OK) rc = aps_id_map_set_made(db, &pair, &err);
		if (rc == APS_OK) rc = aps_id_map_next(db, 0, APS_STR(""), &found, &err);
		if (rc == APS_OK) rc = aps_id_map_prune(db, &pruning, 0, &err);
		if (rc == APS_OK) rc = aps_id_map_claim(db, &pair, 0, &is_maker, &err);
		if (rc == APS_OK) rc = aps_id_map_has_any(db, 1, &is_maker, &err);
		aps_mem_fail_at(0);
		aps_buf_clear(&pruning.after);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_temporary_id_is_known_until_the_service_names_the_record),
	        TEST(a_record_has_one_maker),
	        TEST(whether_a_maker_is_queued_or_dead_is_known),
	        TEST(whether_an_owner_has_any_pair_is_known),
	        TEST(a_pair_is_as_old_as_the_id_that_the_service_gave),
	        TEST(pairs_are_listed_past_one_that_is_damaged),
	        TEST(old_pairs_leave_when_nothing_can_mean_them_any_more),
	        TEST(old_pairs_are_looked_for_a_few_at_a_time),
	        TEST(what_is_parked_for_a_later_one_keeps_its_pairs),
	        TEST(without_memory_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
