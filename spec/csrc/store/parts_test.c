#include "store/parts.h"

#include "db_fixture.h"
#include "store/migrations.h"

static struct aps_db *db;
static struct aps_err err;

static int setup(void **state)
{
	(void)state;
	db = db_open_memory();
	return aps_migrations_run(db, &err) == APS_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	aps_db_close(db);
	return aps_mem_live() == 0 ? 0 : -1;
}

static int64_t find(const char *prefix, const char *identity)
{
	int64_t part;
	assert_int_equal(aps_parts_find(db, aps_str_of(prefix), aps_str_of(identity), &part, &err), APS_OK);
	return part;
}

static int64_t make(const char *prefix, const char *identity)
{
	int64_t part;
	assert_int_equal(aps_parts_make(db, aps_str_of(prefix), aps_str_of(identity), &part, &err), APS_OK);
	return part;
}

static void a_part_is_found_by_its_owner(void **state)
{
	(void)state;
	assert_int_equal(find("p", "ann"), 0);
	int64_t ann = make("p", "ann"), bob = make("p", "bob"), other = make("q", "ann");
	assert_true(ann != 0 && ann != bob && bob != other && ann != other);
	assert_int_equal(find("p", "ann"), ann);
	assert_int_equal(find("q", "ann"), other);
	assert_int_equal(find("p", ""), 0);
}

static void a_dropped_part_is_gone_at_once_and_its_number_is_never_given_again(void **state)
{
	(void)state;
	struct aps_dropped_part dropped;
	int64_t first = make("p", "ann");
	assert_int_equal(aps_parts_find_dropped(db, &dropped, &err), APS_OK);
	assert_int_equal(dropped.part, 0);
	assert_int_equal(aps_parts_drop(db, first, APS_PART_CLEARED, &err), APS_OK);
	assert_int_equal(find("p", "ann"), 0);
	int64_t second = make("p", "ann");
	assert_true(second != first);
	assert_int_equal(aps_parts_drop(db, second, APS_PART_WIPED, &err), APS_OK);
	assert_int_equal(db_int(db, "SELECT count(*) FROM part WHERE identity <> ''"), 0);
	/* those that are wiped come first */
	assert_int_equal(aps_parts_find_dropped(db, &dropped, &err), APS_OK);
	assert_int_equal(dropped.part, second);
	assert_int_equal(dropped.how, APS_PART_WIPED);
	assert_int_equal(aps_parts_remove(db, second, &err), APS_OK);
	assert_int_equal(aps_parts_find_dropped(db, &dropped, &err), APS_OK);
	assert_int_equal(dropped.part, first);
	assert_int_equal(dropped.how, APS_PART_CLEARED);
	assert_int_equal(aps_parts_remove(db, first, &err), APS_OK);
	assert_true(make("p", "ann") > second);
}

static int64_t n_rows(void)
{
	return db_int(db, "SELECT (SELECT count(*) FROM entry) + (SELECT count(*) FROM name)"
	                  " + (SELECT count(*) FROM layer) + (SELECT count(*) FROM patch)"
	                  " + (SELECT count(*) FROM sync) + (SELECT count(*) FROM tombstone)"
	                  " + (SELECT count(*) FROM quarantine) + (SELECT count(*) FROM doubted)");
}

static void rows_are_deleted_so_many_at_a_time(void **state)
{
	(void)state;
	bool is_done = false;
	int64_t part = make("p", "ann"), other = make("p", "bob");
	char sql[1024];
	for (int i = 0; i < 2; i++) {
		long long of = (long long)(i == 0 ? part : other);
		snprintf(sql, sizeof sql,
		         "INSERT INTO entry (part, key) VALUES (%lld, X'0%d01'), (%lld, X'0%d02'), (%lld, NULL);"
		         "INSERT INTO name VALUES (%lld, 1, 'a', 0), (%lld, 2, 'b', 0);"
		         "INSERT INTO layer VALUES (%d, %lld, 1, X'', X'', 0);"
		         "INSERT INTO patch SELECT id, %d, X'00', 0 FROM entry WHERE part = %lld AND key IS NOT NULL;"
		         "INSERT INTO sync VALUES (%lld, 'a', '', 0), (%lld, 'b', '', 0);"
		         "INSERT INTO tombstone VALUES (%lld, 'a', 'x', '', '', 0, 0), (%lld, 'a', 'y', '', '', 0, 0),"
		         " (%lld, 'b', 'x', '', '', 0, 0);"
		         "INSERT INTO quarantine VALUES (%lld, 'a', 'x', '', 0, 0), (%lld, 'b', 'x', '', 0, 0);"
		         "INSERT INTO doubted VALUES (%lld, 1, X'', 0), (%lld, 2, X'', 0), (%lld, 4, X'', 0)",
		         of, i, of, i, of, of, of, i, of, i, of, of, of, of, of, of, of, of, of, of, of);
		db_do(db, sql);
	}
	assert_int_equal(n_rows(), 36);
	for (int64_t left = 36; !is_done;) {
		assert_int_equal(aps_parts_delete_rows(db, part, 2, &is_done, &err), APS_OK);
		int64_t n = n_rows();
		assert_true(left - n <= 2);
		left = n;
	}
	assert_int_equal(n_rows(), 18);
	assert_int_equal(db_int(db, "SELECT count(*) FROM layer WHERE id = 1"), 1);
	assert_int_equal(find("p", "bob"), other);
}

static void without_memory_nothing_is_dropped(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		int64_t part = 0;
		struct aps_dropped_part dropped;
		bool is_done;
		teardown(NULL);
		setup(NULL);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_parts_make(db, APS_STR("p"), APS_STR("ann"), &part, &err);
		if (rc == APS_OK) rc = aps_parts_drop(db, part, APS_PART_WIPED, &err);
		if (rc == APS_OK) rc = aps_parts_find_dropped(db, &dropped, &err);
		if (rc == APS_OK) rc = aps_parts_delete_rows(db, part, 10, &is_done, &err);
		if (rc == APS_OK) rc = aps_parts_remove(db, part, &err);
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_part_is_found_by_its_owner),
	        TEST(a_dropped_part_is_gone_at_once_and_its_number_is_never_given_again),
	        TEST(rows_are_deleted_so_many_at_a_time),
	        TEST(without_memory_nothing_is_dropped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
