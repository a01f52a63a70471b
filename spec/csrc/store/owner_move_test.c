#include "store/owner_move.h"

#include "outbox_fixture.h"

static struct aps_outbox_row row;
static struct aps_dead_letter letter;
static struct aps_kept_outcome outcome;
static struct aps_id_made pair;

static int setup(void **state)
{
	aps_outbox_row_init(&row);
	aps_dead_letter_init(&letter);
	aps_kept_outcome_init(&outcome);
	aps_id_made_init(&pair);
	return outbox_setup(state);
}

static int teardown(void **state)
{
	aps_outbox_row_clear(&row);
	aps_dead_letter_clear(&letter);
	aps_kept_outcome_clear(&outcome);
	aps_id_made_clear(&pair);
	return outbox_teardown(state);
}

static void add_pair(int64_t owner, const char *temporary, int64_t maker)
{
	struct aps_id_made own = {.owner = owner, .temporary = aps_str_of(temporary), .maker = maker};
	ok(aps_id_map_add(db, &own, &err));
}

/* One row in each table, and one more mutation; the number of the first one. */
static int64_t fill(int64_t owner)
{
	struct aps_death death = {.outcome = APS_STR("refused")};
	struct aps_kept_outcome own = {.owner = owner, .content = APS_STR("{}")};
	int64_t queued = enqueue(owner), dead = enqueue(owner), number;
	ok(aps_delivery_mark(db, queued, 1, 2, 3, &err));
	ok(aps_dead_letters_bury(db, dead, &death, &err));
	ok(aps_outcomes_add(db, &own, &err));
	add_pair(owner, "both", aps_entry_number(queued));
	ok(aps_outbox_next_number(db, &number, &err));
	struct aps_outbox_entry iam = entry_of(aps_entry_id(owner, APS_ENTRY_AWS_IAM, number));
	ok(aps_outbox_insert(db, &iam, &err));
	return aps_entry_number(queued);
}

static int64_t n_of(int64_t owner)
{
	char sql[512];
	struct aps_entry_range range = aps_entry_owned(owner);
	int n = 0;
	static const char *const TABLES[] = {"outbox", "delivery", "dead_letter"};
	n += snprintf(sql, sizeof sql,
	              "SELECT (SELECT count(*) FROM owner WHERE id = %lld)"
	              " + (SELECT count(*) FROM owner_copy WHERE id = %lld)"
	              " + (SELECT count(*) FROM outcome WHERE owner = %lld)"
	              " + (SELECT count(*) FROM id_map WHERE owner = %lld)",
	              (long long)owner, (long long)owner, (long long)owner, (long long)owner);
	for (size_t i = 0; i < 3; i++)
		n += snprintf(sql + n, sizeof sql - (size_t)n,
		              " + (SELECT count(*) FROM %s WHERE id BETWEEN %lld AND %lld)", TABLES[i],
		              (long long)range.first, (long long)range.last);
	return db_int(db, sql);
}

static void all_of_a_guest_becomes_the_users_in_the_order_of_its_numbers(void **state)
{
	(void)state;
	int64_t guest = owner_make(""), ann = owner_make("ann"), bob = owner_make("bob");
	int64_t first = fill(guest), second = fill(ann), n;
	(void)fill(bob);
	int64_t third = aps_entry_number(enqueue(guest));
	add_pair(guest, "only", first);
	ok(aps_owner_move(db, guest, ann, &err));
	assert_int_equal(n_of(guest), 0);
	assert_int_equal(n_of(bob), 8);
	struct aps_entry_range lane = aps_entry_lane(ann, APS_ENTRY_API_KEY);
	const int64_t numbers[] = {first, second, third};
	int64_t after = 0;
	for (size_t i = 0; i < APS_COUNTOF(numbers); i++) {
		ok(aps_outbox_next(db, lane, after, &row, &err));
		assert_int_equal(aps_entry_number(row.entry.id), numbers[i]);
		assert_int_equal(row.delivery.is_sending, i < 2);
		after = row.entry.id;
	}
	ok(aps_outbox_count(db, aps_entry_lane(ann, APS_ENTRY_AWS_IAM), &n, &err));
	assert_int_equal(n, 2);
	ok(aps_dead_letters_next(db, aps_entry_owned(ann), 0, &letter, &err));
	assert_int_equal(aps_entry_number(letter.entry.id), first + 1);
	ok(aps_outcomes_next(db, ann, 0, &outcome, &err));
	assert_int_equal(outcome.owner, ann);
	assert_int_equal(outcome.number, first + 2);
	ok(aps_id_map_find(db, ann, APS_STR("only"), &pair, &err));
	assert_int_equal(pair.maker, first);
	ok(aps_id_map_find(db, ann, APS_STR("both"), &pair, &err));
	assert_int_equal(pair.maker, second);
	ok(aps_owner_move(db, ann, ann, &err));
	assert_true(n_of(ann) > 0);
}

static void a_wiped_owner_has_nothing_any_more(void **state)
{
	(void)state;
	int64_t ann = owner_make("ann"), bob = owner_make("bob"), n;
	(void)fill(ann);
	(void)fill(bob);
	ok(aps_owner_wipe(db, ann, &n, &err));
	assert_int_equal(n, 5);
	assert_int_equal(n_of(ann), 0);
	assert_int_equal(n_of(bob), 8);
	ok(aps_owner_wipe(db, ann, &n, &err));
	assert_int_equal(n, 0);
}

static void without_memory_there_is_an_error(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		int64_t n;
		teardown(NULL);
		setup(NULL);
		int64_t ann = owner_make("ann"), bob = owner_make("bob");
		(void)fill(ann);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_owner_move(db, ann, bob, &err);
		if (rc == APS_OK) rc = aps_owner_wipe(db, bob, &n, &err);
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(all_of_a_guest_becomes_the_users_in_the_order_of_its_numbers),
	        TEST(a_wiped_owner_has_nothing_any_more),
	        TEST(without_memory_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
