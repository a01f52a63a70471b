#include "store/cache_rows.h"

#include "db_fixture.h"
#include "store/migrations.h"

static struct aps_db *db;
static struct aps_cache cache;
static struct aps_cache_store store;
static struct aps_err err;
static bool had_content;

static int setup(void **state)
{
	(void)state;
	db = db_open_memory();
	aps_entries_init(&cache.entries, 1, &store.backing);
	aps_names_init(&cache.names, 1);
	if (aps_migrations_run(db, &err) != APS_OK) return -1;
	if (aps_cache_store_open(&store, db, APS_STR("p"), APS_STR("i"), &cache, &err) != APS_OK) return -1;
	return aps_parts_make(db, APS_STR("p"), APS_STR("i"), &store.part, &err) == APS_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	aps_entries_clear(&cache.entries);
	aps_names_clear(&cache.names);
	aps_cache_store_clear(&store);
	aps_db_close(db);
	return aps_mem_live() == 0 ? 0 : -1;
}

/* Keys "a", "b", … of this part and of another one; the lists have none. */
static void fill(const char *keys, int n_lists)
{
	char sql[160];
	for (const char *key = keys; *key != '\0'; key++) {
		snprintf(sql, sizeof sql,
		         "INSERT INTO entry (part, key, content) VALUES (%d, CAST('%c' AS BLOB), X'0102'), (99, "
		         "CAST('%c' AS BLOB), NULL)",
		         (int)store.part, *key, *key);
		db_do(db, sql);
	}
	for (int i = 0; i < n_lists; i++) {
		snprintf(sql, sizeof sql, "INSERT INTO entry (part, content) VALUES (%d, X'01'), (99, X'01')",
		         (int)store.part);
		db_do(db, sql);
	}
}

struct seen {
	struct aps_rows_sink sink;
	char text[64];
	size_t n;
	uint64_t last_number;
};

static void see(struct aps_rows_sink *sink, uint64_t number, struct aps_str key)
{
	struct seen *seen = APS_CONTAINER_OF(sink, struct seen, sink);
	seen->text[seen->n++] = key.n != 0 ? key.p[0] : '.';
	seen->text[seen->n] = '\0';
	seen->last_number = number;
}

static const char *read_by(enum aps_rows_kind kind, size_t max_rows)
{
	static struct seen seen;
	struct aps_rows_at at;
	seen = (struct seen){.sink = {see}};
	aps_rows_init(&at, kind);
	while (!at.is_done) {
		size_t before = seen.n;
		assert_int_equal(aps_rows_read(&store, &at, max_rows, &seen.sink, &err), APS_OK);
		assert_true(seen.n - before <= max_rows);
	}
	aps_rows_clear(&at);
	return seen.text;
}

static void rows_are_read_in_slices_whatever_their_size(void **state)
{
	(void)state;
	assert_string_equal(read_by(APS_ROWS_WITH_KEY, 3), "");
	fill("RGFEcba", 5);
	for (size_t max_rows = 1; max_rows < 12; max_rows++) {
		assert_string_equal(read_by(APS_ROWS_WITH_KEY, max_rows), "EFGRabc");
		assert_string_equal(read_by(APS_ROWS_WITHOUT_KEY, max_rows), ".....");
	}
}

static void only_fields_are_read_where_those_are_asked_for(void **state)
{
	(void)state;
	fill("RGE", 1);
	db_do(db, "INSERT INTO entry (part, key) SELECT id, CAST('F1.a' AS BLOB) FROM part;"
	          "INSERT INTO entry (part, key) SELECT id, CAST('F10.b' AS BLOB) FROM part;"
	          "INSERT INTO entry (part, key) SELECT id, CAST('F2.c' AS BLOB) FROM part");
	for (size_t max_rows = 1; max_rows < 5; max_rows++)
		assert_string_equal(read_by(APS_ROWS_OF_FIELDS, max_rows), "FFF");
}

static void what_is_deleted_and_written_in_between_is_no_matter(void **state)
{
	(void)state;
	struct seen seen = {.sink = {see}};
	struct aps_rows_at at;
	fill("abcdef", 0);
	aps_rows_init(&at, APS_ROWS_WITH_KEY);
	assert_int_equal(aps_rows_read(&store, &at, 2, &seen.sink, &err), APS_OK);
	assert_int_equal(aps_rows_delete(&store, seen.last_number, &had_content, &err), APS_OK);
	assert_true(had_content);
	db_do(db, "DELETE FROM entry WHERE key = CAST('c' AS BLOB)");
	fill("B", 0);
	assert_int_equal(aps_rows_read(&store, &at, 9, &seen.sink, &err), APS_OK);
	assert_true(at.is_done);
	assert_string_equal(seen.text, "abdef");
	aps_rows_clear(&at);
}

static void deleting_and_emptying_keep_count(void **state)
{
	(void)state;
	fill("R", 1);
	int64_t number = db_int(db, "SELECT id FROM entry WHERE part <> 99 AND key IS NOT NULL");
	store.n_bytes = 1000;
	assert_int_equal(aps_rows_empty(&store, (uint64_t)number, &err), APS_OK);
	assert_int_equal(store.n_bytes, 998);
	assert_int_equal(db_int(db, "SELECT length(content) FROM entry WHERE part <> 99 AND key IS NOT NULL"), 0);
	assert_int_equal(aps_rows_delete(&store, (uint64_t)number, &had_content, &err), APS_OK);
	assert_false(had_content);
	assert_int_equal(store.n_bytes, 998 - 32 - 2);
	assert_int_equal(aps_rows_delete(&store, (uint64_t)number, &had_content, &err), APS_OK);
	assert_int_equal(aps_rows_empty(&store, (uint64_t)number, &err), APS_OK);
	assert_int_equal(store.n_bytes, 998 - 32 - 2);
	/* those of others are nobody's business here */
	int64_t other = db_int(db, "SELECT id FROM entry WHERE part = 99");
	assert_int_equal(aps_rows_delete(&store, (uint64_t)other, &had_content, &err), APS_OK);
	assert_int_equal(db_int(db, "SELECT count(*) FROM entry WHERE part = 99"), 2);
}

static void a_use_is_noted_unless_there_was_a_later_one(void **state)
{
	(void)state;
	fill("R", 0);
	uint64_t number = (uint64_t)db_int(db, "SELECT id FROM entry WHERE part <> 99");
	assert_int_equal(aps_rows_use(&store, number, 7, &err), APS_OK);
	assert_int_equal(aps_rows_use(&store, number, 5, &err), APS_OK);
	assert_int_equal(db_int(db, "SELECT used FROM entry WHERE part <> 99"), 7);
	uint64_t other = (uint64_t)db_int(db, "SELECT id FROM entry WHERE part = 99");
	assert_int_equal(aps_rows_use(&store, other, 7, &err), APS_OK);
	assert_int_equal(db_int(db, "SELECT max(used) FROM entry WHERE part = 99"), 0);
}

static void without_memory_it_is_told(void **state)
{
	(void)state;
	fill("abc", 0);
	for (size_t nth = 1;; nth++) {
		struct seen seen = {.sink = {see}};
		struct aps_rows_at at;
		aps_rows_init(&at, APS_ROWS_WITH_KEY);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_rows_read(&store, &at, 2, &seen.sink, &err);
		if (rc == APS_OK) rc = aps_rows_empty(&store, 3, &err);
		if (rc == APS_OK) rc = aps_rows_use(&store, 3, 4, &err);
		if (rc == APS_OK) rc = aps_rows_delete(&store, 3, &had_content, &err);
		aps_mem_fail_at(0);
		aps_rows_clear(&at);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(rows_are_read_in_slices_whatever_their_size),
	        TEST(only_fields_are_read_where_those_are_asked_for),
	        TEST(what_is_deleted_and_written_in_between_is_no_matter),
	        TEST(deleting_and_emptying_keep_count),
	        TEST(a_use_is_noted_unless_there_was_a_later_one),
	        TEST(without_memory_it_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
