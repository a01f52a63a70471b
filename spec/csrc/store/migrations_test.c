#include "store/migrations.h"

#include "outbox_fixture.h"
#include "store/doubted_rows.h"
#include "store/parts.h"
#include "store/sync_rows.h"

static int setup(void **state)
{
	(void)state;
	const struct aps_db_options options = {.busy_ms = 0};
	return aps_db_open(":memory:", &options, &db, &err) == APS_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	aps_migrations_add_step(NULL);
	aps_db_close(db);
	return aps_mem_live() == 0 ? 0 : -1;
}

static int64_t number(const char *sql)
{
	struct aps_stmt *stmt;
	bool has_row;
	if (aps_db_prepare(db, aps_str_of(sql), &stmt, &err) != APS_OK) fail_msg("%s", err.msg);
	assert_int_equal(aps_stmt_step(stmt, &has_row, &err), APS_OK);
	int64_t value = has_row ? aps_stmt_column_int(stmt, 0) : -1;
	aps_stmt_reset(stmt);
	return value;
}

static void a_new_database_gets_the_tables_once(void **state)
{
	(void)state;
	bool are_done;
	assert_int_equal(aps_migrations_are_done(db, &are_done, &err), APS_OK);
	assert_false(are_done);
	assert_int_equal(aps_migrations_run(db, &err), APS_OK);
	assert_true(number("SELECT count(*) FROM sqlite_master WHERE type = 'table'") > 4);
	assert_int_equal(aps_db_exec(db, "INSERT INTO entry (part, key, content) VALUES (1, x'00', x'01')", &err),
	                 APS_OK);
	assert_int_equal(aps_migrations_run(db, &err), APS_OK);
	assert_int_equal(number("SELECT count(*) FROM entry"), 1);
	assert_int_equal(aps_migrations_are_done(db, &are_done, &err), APS_OK);
	assert_true(are_done);
}

static void a_store_of_a_later_version_is_refused_and_left_alone(void **state)
{
	(void)state;
	bool are_done;
	assert_int_equal(aps_migrations_run(db, &err), APS_OK);
	assert_int_equal(aps_db_exec(db, "PRAGMA user_version = 99; INSERT INTO entry (part) VALUES (1)", &err),
	                 APS_OK);
	assert_int_equal(aps_migrations_run(db, &err), APS_E_STORAGE);
	assert_string_equal(err.word, "newer");
	assert_non_null(strstr(err.msg, "version 99"));
	assert_int_equal(number("SELECT count(*) FROM entry"), 1);
	assert_int_equal(aps_migrations_are_done(db, &are_done, &err), APS_OK);
	assert_false(are_done);
}

static void one_of_a_version_that_none_can_have_is_damaged(void **state)
{
	(void)state;
	static const char *const IMPOSSIBLE[] = {"1001", "490340356", "-1"};
	assert_int_equal(aps_migrations_run(db, &err), APS_OK);
	for (size_t i = 0; i < APS_COUNTOF(IMPOSSIBLE); i++) {
		char sql[64];
		snprintf(sql, sizeof sql, "PRAGMA user_version = %s", IMPOSSIBLE[i]);
		assert_int_equal(aps_db_exec(db, sql, &err), APS_OK);
		assert_int_equal(aps_migrations_run(db, &err), APS_E_STORAGE);
		assert_string_equal(err.word, "corrupt");
		assert_non_null(strstr(err.msg, IMPOSSIBLE[i]));
	}
	assert_int_equal(aps_db_exec(db, "PRAGMA user_version = 1000", &err), APS_OK);
	assert_int_equal(aps_migrations_run(db, &err), APS_E_STORAGE);
	assert_string_equal(err.word, "newer");
}

static void a_database_of_others_is_refused_and_left_alone(void **state)
{
	(void)state;
	static const char *const ROWS[] = {
	        "CREATE TABLE theirs (a)",
	        "PRAGMA user_version = 1",
	        "PRAGMA application_id = 7",
	        "PRAGMA application_id = 7; PRAGMA user_version = 99",
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		teardown(NULL);
		setup(NULL);
		assert_int_equal(aps_db_exec(db, ROWS[i], &err), APS_OK);
		int64_t n_tables = number("SELECT count(*) FROM sqlite_master");
		assert_int_equal(aps_migrations_run(db, &err), APS_E_STORAGE);
		assert_null(err.word);
		assert_string_equal(err.msg, "the file is a database of another application");
		assert_int_equal(number("SELECT count(*) FROM sqlite_master"), n_tables);
	}
}

/* The root of the schema's own table is page 1; as long as it has no other, what is lost elsewhere takes no table. */
static void the_schema_is_on_the_files_first_page(void **state)
{
	(void)state;
	struct db_place place;
	unsigned char kind = 0;
	db_place_make(&place);
	aps_db_close(db);
	db = db_open_as(place.path, &db_defaults);
	ok(aps_migrations_run(db, &err));
	aps_db_close(db);
	int fd = open(place.path, O_RDONLY);
	assert_int_equal(pread(fd, &kind, 1, 100), 1);
	close(fd);
	assert_int_equal(kind, 13); /* a leaf: https://www.sqlite.org/fileformat2.html#b_tree_pages */
	db = db_open_as(place.path, &db_defaults);
	db_place_remove(&place);
}

/* What the first version wrote. */
static const char FIRST[] =
        "CREATE TABLE counter (id INTEGER PRIMARY KEY, value INTEGER NOT NULL);"
        "INSERT INTO counter VALUES (0, 0), (-1, 0);"
        "CREATE TABLE part (id INTEGER PRIMARY KEY AUTOINCREMENT, prefix TEXT NOT NULL, identity TEXT NOT NULL,"
        " dropped INTEGER NOT NULL DEFAULT 0, sum INTEGER NOT NULL);"
        "CREATE UNIQUE INDEX part_owner ON part (prefix, identity) WHERE dropped = 0;"
        "CREATE INDEX part_dropped ON part (dropped) WHERE dropped <> 0;"
        "CREATE TABLE name (part INTEGER NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL,"
        " sum INTEGER NOT NULL, PRIMARY KEY (part, number)) WITHOUT ROWID;"
        "CREATE TABLE entry (id INTEGER PRIMARY KEY, part INTEGER NOT NULL, key BLOB, used INTEGER NOT NULL DEFAULT 0,"
        " sum INTEGER NOT NULL DEFAULT 0, content BLOB);"
        "CREATE UNIQUE INDEX entry_key ON entry (part, key);"
        "CREATE TABLE layer (id INTEGER PRIMARY KEY, part INTEGER NOT NULL);"
        "CREATE TABLE patch (layer INTEGER NOT NULL, entry INTEGER NOT NULL, patch BLOB NOT NULL,"
        " sum INTEGER NOT NULL);"
        "CREATE INDEX patch_layer ON patch (layer);"
        "CREATE INDEX patch_entry ON patch (entry);"
        "PRAGMA application_id = 1634759545; PRAGMA user_version = 1";

static void a_store_of_the_first_version_keeps_its_records_and_gets_an_outbox(void **state)
{
	(void)state;
	struct db_place place;
	int64_t part;
	bool are_done;
	db_place_make(&place);
	aps_db_close(db);
	db = db_open_as(place.path, &db_defaults);
	db_do(db, FIRST);
	ok(aps_parts_make(db, APS_STR("p"), APS_STR("ann"), &part, &err));
	db_do(db, "INSERT INTO entry (part, key, content) VALUES (1, x'52', x'01'), (1, x'53', x'02');"
	          "UPDATE counter SET value = 2 WHERE id = -1;"
	          "INSERT INTO layer VALUES (3, 1); INSERT INTO patch VALUES (3, 1, x'58', 0)");
	aps_db_close(db);
	db = db_open_as(place.path, &db_defaults);
	assert_int_equal(aps_migrations_check(db, &err), APS_E_STORAGE);
	assert_non_null(strstr(err.msg, "is brought to version"));
	ok(aps_migrations_run(db, &err));
	ok(aps_migrations_check(db, &err));
	ok(aps_migrations_are_done(db, &are_done, &err));
	assert_true(are_done);
	assert_int_equal(number("SELECT count(*) FROM entry WHERE content = x'02'"), 1);
	assert_int_equal(number("SELECT value FROM counter WHERE id = -1"), 2);
	/* layers were those of a process that is no more */
	assert_int_equal(number("SELECT count(kind) + count(identified) FROM layer"), 0);
	assert_int_equal(number("SELECT count(*) FROM patch"), 0);
	int64_t same;
	ok(aps_parts_find(db, APS_STR("p"), APS_STR("ann"), &same, &err));
	assert_int_equal(same, part);
	assert_int_equal(number("SELECT value FROM counter WHERE id = -2"), 0);
	int64_t nonce = number("SELECT value FROM counter WHERE id = -3");
	assert_true(nonce > 0 && nonce <= UINT32_MAX);
	int64_t id = enqueue(owner_make("ann"));
	assert_int_equal(aps_entry_number(id), 1);
	aps_db_close(db);
	db = db_open_as(place.path, &db_defaults);
	ok(aps_migrations_run(db, &err));
	assert_int_equal(number("SELECT value FROM counter WHERE id = -3"), nonce);
	assert_int_equal(number("SELECT count(*) FROM outbox"), 1);
	db_place_remove(&place);
}

/* What the second version added to the first. */
static const char SECOND[] =
        "DROP TABLE patch; DROP TABLE layer;"
        "CREATE TABLE layer (id INTEGER PRIMARY KEY, part INTEGER NOT NULL, kind INTEGER NOT NULL,"
        " entries BLOB NOT NULL, identified BLOB NOT NULL, sum INTEGER NOT NULL);"
        "CREATE INDEX layer_kind ON layer (kind) WHERE kind <> 1;"
        "CREATE TABLE patch (entry INTEGER NOT NULL, layer INTEGER NOT NULL, patch BLOB NOT NULL,"
        " sum INTEGER NOT NULL, PRIMARY KEY (entry, layer)) WITHOUT ROWID;"
        "CREATE TABLE owner (id INTEGER PRIMARY KEY, prefix TEXT NOT NULL, identity TEXT NOT NULL,"
        " sum INTEGER NOT NULL);"
        "CREATE UNIQUE INDEX owner_name ON owner (prefix, identity);"
        "CREATE TABLE owner_copy (id INTEGER PRIMARY KEY, prefix TEXT NOT NULL, identity TEXT NOT NULL,"
        " sum INTEGER NOT NULL);"
        "CREATE TABLE outbox (id INTEGER PRIMARY KEY, created INTEGER NOT NULL, flags INTEGER NOT NULL,"
        " document TEXT NOT NULL, name TEXT NOT NULL, variables TEXT NOT NULL, optimistic TEXT NOT NULL,"
        " extra TEXT NOT NULL, sum INTEGER NOT NULL);"
        "CREATE TABLE delivery (id INTEGER PRIMARY KEY, sending INTEGER NOT NULL, slot INTEGER NOT NULL,"
        " lease INTEGER NOT NULL, attempts INTEGER NOT NULL, counted INTEGER NOT NULL, rounds INTEGER NOT NULL,"
        " cause TEXT NOT NULL, sum INTEGER NOT NULL);"
        "CREATE TABLE dead_letter (id INTEGER PRIMARY KEY, created INTEGER NOT NULL, flags INTEGER NOT NULL,"
        " document TEXT NOT NULL, name TEXT NOT NULL, variables TEXT NOT NULL, optimistic TEXT NOT NULL,"
        " extra TEXT NOT NULL, attempts INTEGER NOT NULL, died INTEGER NOT NULL, outcome TEXT NOT NULL,"
        " blocked_by INTEGER NOT NULL, cause TEXT NOT NULL, sum INTEGER NOT NULL);"
        "CREATE TABLE outcome (number INTEGER PRIMARY KEY, owner INTEGER NOT NULL, entry INTEGER NOT NULL,"
        " finished INTEGER NOT NULL, told INTEGER NOT NULL, content TEXT NOT NULL, sum INTEGER NOT NULL);"
        "CREATE INDEX outcome_untold ON outcome (number) WHERE told = 0;"
        "CREATE TABLE id_map (owner INTEGER NOT NULL, temporary TEXT NOT NULL, made TEXT, maker INTEGER NOT NULL,"
        " at INTEGER NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (owner, temporary)) WITHOUT ROWID;"
        "INSERT INTO counter VALUES (-2, 0), (-3, 7);"
        "PRAGMA user_version = 2";

static void a_store_of_the_second_version_keeps_its_queue_and_layers_and_gets_syncs(void **state)
{
	(void)state;
	struct db_place place;
	struct aps_outbox_row row;
	struct aps_buf text;
	int64_t part;
	uint32_t nonce;
	db_place_make(&place);
	aps_db_close(db);
	db = db_open_as(place.path, &db_defaults);
	db_do(db, FIRST);
	db_do(db, SECOND);
	ok(aps_parts_make(db, APS_STR("p"), APS_STR("ann"), &part, &err));
	db_do(db, "INSERT INTO entry (part, key, content) VALUES (1, x'52', x'01');"
	          "INSERT INTO layer VALUES (3, 1, 1, x'', x'', 5); INSERT INTO patch VALUES (1, 3, x'58', 6)");
	int64_t id = enqueue(owner_make("ann"));
	aps_db_close(db);
	db = db_open_as(place.path, &db_defaults);
	assert_int_equal(aps_migrations_check(db, &err), APS_E_STORAGE);
	assert_string_equal(err.msg, "the store has version 2, and is brought to version 4 by the next client");
	ok(aps_migrations_run(db, &err));
	ok(aps_migrations_check(db, &err));
	assert_int_equal(number("SELECT count(*) FROM entry WHERE content = x'01'"), 1);
	assert_int_equal(number("SELECT sum FROM layer WHERE id = 3"), 5);
	assert_int_equal(number("SELECT sum FROM patch WHERE layer = 3"), 6);
	ok(aps_outbox_nonce(db, &nonce, &err));
	assert_int_equal(nonce, 7);
	aps_outbox_row_init(&row);
	ok(aps_outbox_find(db, id, &row, &err));
	assert_text(row.entry.document, "mutation M { a }");
	aps_outbox_row_clear(&row);
	const struct aps_sync_name sync = {part, APS_STR("aa")};
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	ok(aps_sync_rows_load(db, sync, &text, &err));
	assert_int_equal(text.n, 0);
	ok(aps_sync_rows_save(db, sync, APS_STR("c"), &err));
	ok(aps_sync_rows_load(db, sync, &text, &err));
	assert_text(aps_buf_str(&text), "c");
	aps_buf_clear(&text);
	/* as the library of the second version would see it */
	aps_db_close(db);
	db = db_open_as(place.path, &db_defaults);
	db_do(db, "PRAGMA user_version = 5");
	assert_int_equal(aps_migrations_run(db, &err), APS_E_STORAGE);
	assert_string_equal(err.word, "newer");
	db_place_remove(&place);
}

/* What the third version added to the second. */
static const char THIRD[] =
        "CREATE TABLE sync (part INT, name TEXT, checkpoint TEXT, sum INT, PRIMARY KEY (part, name)) WITHOUT ROWID;"
        "CREATE TABLE tombstone (part INT, sync TEXT, key TEXT, version TEXT, changed TEXT, seen INT, sum INT,"
        " PRIMARY KEY (part, sync, key)) WITHOUT ROWID;"
        "CREATE TABLE quarantine (part INT, sync TEXT, key TEXT, reason TEXT, seen INT, sum INT,"
        " PRIMARY KEY (part, sync, key)) WITHOUT ROWID;"
        "PRAGMA user_version = 3";

static void a_store_of_the_third_version_keeps_its_syncs_and_may_have_doubted_records(void **state)
{
	(void)state;
	struct db_place place;
	struct aps_buf text;
	int64_t part, last;
	static const uint64_t ENTRIES[] = {3, 4};
	db_place_make(&place);
	aps_db_close(db);
	db = db_open_as(place.path, &db_defaults);
	db_do(db, FIRST);
	db_do(db, SECOND);
	db_do(db, THIRD);
	ok(aps_parts_make(db, APS_STR("p"), APS_STR("ann"), &part, &err));
	const struct aps_sync_name sync = {part, APS_STR("aa")};
	const struct aps_tombstone tombstone = {APS_STR("Post:1"), APS_STR("1"), APS_STR(""), 10};
	ok(aps_sync_rows_save(db, sync, APS_STR("c"), &err));
	ok(aps_tombstone_put(db, sync, &tombstone, &err));
	aps_db_close(db);
	db = db_open_as(place.path, &db_defaults);
	assert_int_equal(aps_migrations_check(db, &err), APS_E_STORAGE);
	ok(aps_migrations_run(db, &err));
	ok(aps_migrations_check(db, &err));
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	ok(aps_sync_rows_load(db, sync, &text, &err));
	assert_text(aps_buf_str(&text), "c");
	aps_buf_clear(&text);
	assert_int_equal(number("SELECT count(*) FROM tombstone"), 1);
	ok(aps_doubted_rows_last(db, part, &last, &err));
	assert_int_equal(last, 0);
	ok(aps_doubted_rows_add(db, part, ENTRIES, 2, &err));
	ok(aps_doubted_rows_last(db, part, &last, &err));
	assert_int_equal(last, 1);
	db_place_remove(&place);
}

static void stores_draw_different_nonces(void **state)
{
	(void)state;
	int64_t nonces[2];
	for (size_t i = 0; i < 2; i++) {
		teardown(NULL);
		setup(NULL);
		ok(aps_migrations_run(db, &err));
		nonces[i] = number("SELECT value FROM counter WHERE id = -3");
	}
	assert_true(nonces[0] != nonces[1]);
}

static void later_steps_keep_what_is_queued(void **state)
{
	(void)state;
	struct aps_outbox_row row;
	bool are_done;
	ok(aps_migrations_run(db, &err));
	int64_t id = enqueue(owner_make("ann")), last;
	ok(aps_delivery_mark(db, id, 1, 2, 3, &err));
	aps_migrations_add_step("CREATE TABLE more (a); ALTER TABLE outbox ADD COLUMN later INTEGER;"
	                        "INSERT INTO more VALUES (1)");
	ok(aps_migrations_are_done(db, &are_done, &err));
	assert_false(are_done);
	ok(aps_migrations_run(db, &err));
	ok(aps_migrations_run(db, &err));
	assert_int_equal(number("SELECT count(*) FROM more"), 1);
	assert_int_equal(number("PRAGMA user_version"), 5);
	aps_outbox_row_init(&row);
	ok(aps_outbox_find(db, id, &row, &err));
	assert_text(row.entry.document, "mutation M { a }");
	assert_true(row.delivery.is_sending);
	ok(aps_outbox_last_number(db, &last, &err));
	assert_int_equal(last, 1);
	aps_outbox_row_clear(&row);
	/* from the first step on, too */
	teardown(NULL);
	setup(NULL);
	aps_migrations_add_step("CREATE TABLE more (a)");
	ok(aps_migrations_run(db, &err));
	assert_int_equal(number("PRAGMA user_version"), 5);
}

static void a_store_without_some_of_its_tables_is_damaged(void **state)
{
	(void)state;
	static const char *const ROWS[] = {
	        "DROP TABLE entry",
	        "DROP TABLE owner",
	        "DROP TABLE outbox",
	        "DROP TABLE delivery",
	        "DROP TABLE dead_letter",
	        "DROP TABLE outcome",
	        "DROP TABLE id_map",
	        "DROP TABLE owner_copy",
	        "DROP TABLE sync",
	        "DROP TABLE tombstone",
	        "DROP TABLE quarantine",
	        "DROP TABLE doubted",
	        "DROP TABLE doubted; DROP TABLE quarantine; PRAGMA user_version = 3",
	        "PRAGMA user_version = 3",
	        "DROP TABLE quarantine; DROP TABLE doubted; PRAGMA user_version = 2",
	        "PRAGMA user_version = 2",
	        "DROP TABLE id_map; PRAGMA user_version = 1",
	        "PRAGMA user_version = 1",
	        "PRAGMA user_version = 0",
	        "PRAGMA application_id = 0",
	        ("DROP TABLE entry; DROP TABLE owner; DROP TABLE owner_copy; DROP TABLE outbox; DROP TABLE delivery;"
	         "DROP TABLE dead_letter; DROP TABLE outcome; DROP TABLE id_map; PRAGMA user_version = 1"),
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		teardown(NULL);
		setup(NULL);
		ok(aps_migrations_run(db, &err));
		db_do(db, ROWS[i]);
		is_corrupt(aps_migrations_run(db, &err));
		is_corrupt(aps_migrations_check(db, &err));
	}
}

static void a_step_that_fails_leaves_what_was_there(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		teardown(NULL);
		setup(NULL);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_migrations_run(db, &err);
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
		assert_false(aps_db_in_transaction(db));
		assert_int_equal(number("SELECT count(*) FROM sqlite_master"), 0);
		assert_int_equal(aps_migrations_run(db, &err), APS_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_new_database_gets_the_tables_once, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_store_of_a_later_version_is_refused_and_left_alone, setup, teardown),
	        cmocka_unit_test_setup_teardown(one_of_a_version_that_none_can_have_is_damaged, setup, teardown),
	        cmocka_unit_test_setup_teardown(the_schema_is_on_the_files_first_page, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_database_of_others_is_refused_and_left_alone, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_store_of_the_first_version_keeps_its_records_and_gets_an_outbox,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(a_store_of_the_second_version_keeps_its_queue_and_layers_and_gets_syncs,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                a_store_of_the_third_version_keeps_its_syncs_and_may_have_doubted_records, setup, teardown),
	        cmocka_unit_test_setup_teardown(stores_draw_different_nonces, setup, teardown),
	        cmocka_unit_test_setup_teardown(later_steps_keep_what_is_queued, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_store_without_some_of_its_tables_is_damaged, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_step_that_fails_leaves_what_was_there, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
