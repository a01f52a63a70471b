#include "store/outbox_counts.h"

#include "base/rand.h"
#include "outbox_fixture.h"
#include "store/owner_move.h"
#include "store/salvage.h"

#define N_HISTORIES 40
#define N_STEPS     120

static const char *const IDENTITIES[] = {"", "ann", "bob", "eve"};

static struct db_place place;
static struct aps_db *first, *second; /* of one file: two processes, one after the other */
static struct aps_rand rand_;

static int setup(void **state)
{
	(void)state;
	const struct aps_db_options options = {.has_own_tables = true, .busy_ms = APS_DB_BUSY_MS};
	db_place_make(&place);
	first = db_open_as(place.path, &options);
	ok(aps_migrations_run(first, &err));
	second = db_open_as(place.path, &options);
	db = first;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aps_db_close(second);
	aps_db_close(first);
	db_place_remove(&place);
	return aps_mem_live() == 0 ? 0 : -1;
}

/* Of each owner that there is, and of nobody else. */
static void check(struct aps_db *of)
{
	struct aps_owner owner;
	int64_t after = 0, n_owners = 0;
	aps_owner_init(&owner);
	for (;;) {
		struct aps_outbox_counts kept, rows;
		bool is_whole;
		ok(aps_owners_next(of, after, &owner, &err));
		after = owner.id;
		if (after == 0) break;
		ok(aps_outbox_counts_read(of, after, &kept, &is_whole, &err));
		ok(aps_outbox_counts_by_rows(of, after, &rows, &err));
		assert_true(is_whole);
		assert_int_equal(kept.n_queued, rows.n_queued);
		assert_int_equal(kept.n_dead, rows.n_dead);
		n_owners++;
	}
	aps_owner_clear(&owner);
	assert_int_equal(db_int(of, "SELECT count(*) FROM counter WHERE id < -3"), 2 * n_owners);
}

static size_t below(size_t n)
{
	return (size_t)aps_rand_below(&rand_, n);
}

static struct aps_str any_identity(void)
{
	return aps_str_of(IDENTITIES[below(APS_COUNTOF(IDENTITIES))]);
}

static int64_t any_owner(void)
{
	int64_t owner;
	ok(aps_owners_make(db, APS_STR("p"), any_identity(), &owner, &err));
	return owner;
}

/* 0: there is none. */
static int64_t any_row(const char *table)
{
	char sql[128];
	snprintf(sql, sizeof sql, "SELECT id FROM %s ORDER BY id * %d %% 1009 LIMIT 1", table, (int)below(1000) + 1);
	return db_int(db, sql);
}

static void put_letter(int64_t owner)
{
	const struct aps_death death = {.died_ms = 1, .outcome = APS_STR("refused")};
	int64_t number;
	ok(aps_outbox_next_number(db, &number, &err));
	struct aps_outbox_entry entry = entry_of(aps_entry_id(owner, APS_ENTRY_AWS_IAM, number));
	ok(aps_dead_letters_insert(db, &entry, &death, &err));
}

static void retry(int64_t id)
{
	struct aps_dead_letter letter;
	aps_dead_letter_init(&letter);
	ok(aps_dead_letters_take(db, id, &letter, &err));
	if (letter.entry.id != 0) (void)enqueue(aps_entry_owner(id));
	aps_dead_letter_clear(&letter);
}

static void edit(int64_t id)
{
	struct aps_outbox_entry entry = entry_of(id);
	entry.variables = APS_STR("{\"x\":2}");
	ok(aps_outbox_update(db, &entry, &err));
}

static void rename_one(int64_t owner)
{
	int64_t other;
	struct aps_str identity = any_identity();
	ok(aps_owners_find(db, APS_STR("p"), identity, &other, &err));
	if (other == 0) ok(aps_owners_rename(db, owner, APS_STR("p"), identity, &err));
}

static void step(void)
{
	const struct aps_death death = {.died_ms = 1, .outcome = APS_STR("refused")};
	int64_t owner = any_owner(), queued = any_row("outbox"), dead = any_row("dead_letter"), n;
	switch (below(12)) {
	case 0:
		if (queued != 0) ok(aps_outbox_remove(db, queued, &err));
		break;
	case 1:
		if (queued != 0) ok(aps_dead_letters_bury(db, queued, &death, &err));
		break;
	case 2: ok(aps_dead_letters_discard(db, dead, &err)); break; /* or one that isn't there */
	case 3: retry(dead); break;
	case 4: put_letter(owner); break;
	case 5:
		if (queued != 0) edit(queued);
		break;
	case 6:
		if (below(4) == 0) ok(aps_owner_move(db, owner, any_owner(), &err));
		break;
	case 7:
		if (below(6) == 0) ok(aps_owner_wipe(db, owner, &n, &err));
		break;
	case 8: rename_one(owner); break;
	default: (void)enqueue(owner);
	}
}

/* One of a few steps, by either process, which may be for nothing. */
static void transact(void)
{
	db = below(4) == 0 ? second : first;
	ok(aps_db_begin(db, &err));
	for (size_t n = 1 + below(4); n > 0; n--) step();
	if (below(5) == 0)
		aps_db_rollback(db);
	else
		ok(aps_db_commit(db, &err));
}

static void salvage(void)
{
	struct aps_salvage result;
	const struct aps_db_options options = {.has_own_tables = true};
	struct aps_db *to = db_open_as(":memory:", &options);
	ok(aps_migrations_run(to, &err));
	ok(aps_db_begin(to, &err));
	ok(aps_salvage_run(place.path, to, &result, &err));
	ok(aps_db_commit(to, &err));
	assert_int_equal(db_int(to, "SELECT count(*) FROM outbox"), db_int(db, "SELECT count(*) FROM outbox"));
	check(to);
	aps_db_close(to);
}

static void they_are_what_the_rows_say_after_whatever_has_happened(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= N_HISTORIES; seed++) {
		printf("seed %d\n", (int)seed);
		aps_rand_init(&rand_, seed);
		for (int i = 0; i < N_STEPS; i++) {
			transact();
			check(i % 2 == 0 ? first : second);
		}
		salvage();
	}
}

/* A value; the count by the rows is 2, and one dead letter. */
static void is_found_and_mended(int64_t owner, const char *sql)
{
	struct aps_outbox_counts counts;
	bool is_whole;
	db_do(db, sql);
	ok(aps_outbox_counts_read(db, owner, &counts, &is_whole, &err));
	if (is_whole) fail_msg("%s is taken for a count", sql);
	assert_int_equal(counts.n_queued, 2);
	assert_int_equal(counts.n_dead, 1);
	ok(aps_outbox_counts_renew(db, owner, &err));
	check(db);
}

static void what_is_no_count_is_found_and_mended(void **state)
{
	(void)state;
	static const char *const ROWS[] = {
	        "DELETE FROM counter WHERE id < -3",
	        "UPDATE counter SET value = 0 WHERE id < -3",
	        "UPDATE counter SET value = -1 WHERE id < -3",
	        "UPDATE counter SET value = -value WHERE id < -3",
	        "UPDATE counter SET value = value + 1 WHERE id < -3",
	        "UPDATE counter SET value = 9e99 WHERE id < -3",
	        "UPDATE counter SET value = 'many' WHERE id < -3",
	        "UPDATE counter SET value = 9223372036854775807 WHERE id < -3",
	        "UPDATE counter SET value = (SELECT min(value) FROM counter WHERE id = -18) WHERE id = -19",
	        "UPDATE counter SET value = (SELECT max(value) FROM counter WHERE id < -3) WHERE id < -3",
	};
	int64_t owner = owner_make("ann");
	(void)enqueue(owner);
	(void)enqueue(owner);
	put_letter(owner);
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) is_found_and_mended(owner, ROWS[i]);
	for (int a = 0; a < 63; a++)
		for (int b = a; b < 63; b++) {
			char sql[128];
			int64_t bits = INT64_C(1) << a | INT64_C(1) << b;
			snprintf(sql, sizeof sql,
			         "UPDATE counter SET value = (value | %lld) - (value & %lld) WHERE id < -3",
			         (long long)bits, (long long)bits);
			is_found_and_mended(owner, sql);
		}
}

static void one_that_is_damaged_stays_so_while_rows_come_and_go(void **state)
{
	(void)state;
	int64_t owner = owner_make("ann"), id = enqueue(owner);
	(void)enqueue(owner);
	db_do(db, "UPDATE counter SET value = 5 WHERE id < -3");
	(void)enqueue(owner);
	ok(aps_outbox_remove(db, id, &err));
	put_letter(owner);
	is_found_and_mended(owner, "");
}

static void an_owner_who_comes_again_has_nothing(void **state)
{
	(void)state;
	int64_t owner = owner_make("ann"), n;
	struct aps_outbox_counts counts;
	bool is_whole;
	(void)enqueue(owner);
	ok(aps_owner_wipe(db, owner, &n, &err));
	assert_int_equal(db_int(db, "SELECT count(*) FROM counter WHERE id < -3"), 0);
	assert_int_equal(owner_make("ann"), owner);
	ok(aps_outbox_counts_read(db, owner, &counts, &is_whole, &err));
	assert_true(is_whole && counts.n_queued == 0 && counts.n_dead == 0);
}

/* A counter of an owner whose number is as high as one can be. */
static void as_many_can_be_counted_as_there_are_numbers(void **state)
{
	(void)state;
	struct aps_outbox_counts counts;
	bool is_whole;
	static const int64_t OWNERS[] = {1, APS_ENTRY_MAX_OWNER};
	for (size_t i = 0; i < APS_COUNTOF(OWNERS); i++) {
		ok(aps_outbox_counts_make(db, OWNERS[i], &err));
		ok(aps_outbox_counts_add(db, OWNERS[i], APS_OUTBOX_DEAD, APS_ENTRY_MAX_NUMBER, &err));
		ok(aps_outbox_counts_add(db, OWNERS[i], APS_OUTBOX_QUEUED, APS_ENTRY_MAX_NUMBER, &err));
		ok(aps_outbox_counts_read(db, OWNERS[i], &counts, &is_whole, &err));
		assert_true(is_whole);
		assert_true(counts.n_queued == APS_ENTRY_MAX_NUMBER && counts.n_dead == APS_ENTRY_MAX_NUMBER);
	}
}

static void no_row_is_read_for_them(void **state)
{
	(void)state;
	struct aps_outbox_counts counts;
	bool is_whole;
	int64_t owner = owner_make("ann");
	(void)enqueue(owner);
	db_do(db, "ALTER TABLE outbox RENAME TO hidden; ALTER TABLE dead_letter RENAME TO buried");
	ok(aps_outbox_counts_read(db, owner, &counts, &is_whole, &err));
	assert_true(is_whole && counts.n_queued == 1 && counts.n_dead == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(they_are_what_the_rows_say_after_whatever_has_happened, setup,
	                                        teardown),
	        OUTBOX_TEST(what_is_no_count_is_found_and_mended),
	        OUTBOX_TEST(one_that_is_damaged_stays_so_while_rows_come_and_go),
	        OUTBOX_TEST(an_owner_who_comes_again_has_nothing),
	        OUTBOX_TEST(as_many_can_be_counted_as_there_are_numbers),
	        OUTBOX_TEST(no_row_is_read_for_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
