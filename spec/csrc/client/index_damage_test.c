/* Damage that no row tells of: an index that has lost what is in its table. */
#include "reader_world.h"
#include "store/counters.h"

#include <glob.h>
#include <sqlite3.h>
#include <string.h>

/* The index has rows as this says, which its text in the schema doesn't tell. */
static void make_index(const char *columns_and_condition)
{
	sqlite3 *other;
	char sql[1024];
	snprintf(sql, sizeof sql,
	         "BEGIN IMMEDIATE;"
	         "DROP INDEX entry_key;"
	         "CREATE UNIQUE INDEX entry_key ON entry %s;"
	         "PRAGMA writable_schema = ON;"
	         "UPDATE sqlite_schema SET sql = 'CREATE UNIQUE INDEX entry_key ON entry (part, key)' WHERE name = "
	         "'entry_key';"
	         "COMMIT",
	         columns_and_condition);
	assert_int_equal(sqlite3_open(world.path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

static void remove_damaged(void)
{
	glob_t found;
	char pattern[128];
	snprintf(pattern, sizeof pattern, "%s/*damaged*", world.folder);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) assert_int_equal(unlink(found.gl_pathv[i]), 0);
	globfree(&found);
}

/* No key is found any more, and all rows are there by their numbers. */
static void empty_index(void)
{
	make_index("(part, key) WHERE id < 0");
}

static void a_key_that_leads_to_another_row_is_damage(void **state)
{
	(void)state;
	uint64_t place;
	struct aps_operation one = make("{ f(x: 1) }", "{}"), two = make("{ f(x: 2) }", "{}");
	open_core();
	write_one(&one, "{\"f\":1}");
	write_one(&two, "{\"f\":2}");
	commit();
	make_index("(part, CASE WHEN CAST(key AS TEXT) LIKE 'F%' "
	           "THEN CAST(replace(replace(replace(key, ':1}', ':3}'), ':2}', ':1}'), ':3}', ':2}') AS BLOB) ELSE "
	           "key END)");
	assert_string_equal(read_alone(&one), "missing");
	assert_true(aps_reader_take_damage(world.reader, &place));
	close_core();
	aps_operation_clear(&one);
	aps_operation_clear(&two);
}

/* A part of the keys leads to other fields' rows: the fields of a name are listed by it. */
static void a_list_of_keys_that_leads_elsewhere_is_damage(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct aps_buf text;
	uint64_t place;
	struct aps_operation one = make("{ f(x: 1) }", "{}"), two = make("{ g(x: 2) }", "{}");
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	open_core();
	write_one(&one, "{\"f\":1}");
	write_one(&two, "{\"g\":2}");
	commit();
	make_index("(part, CASE WHEN CAST(key AS TEXT) LIKE 'F%' THEN CAST(replace(key, '.g(', '.f(') AS BLOB) ELSE "
	           "key END)");
	enum aps_rc rc = aps_reader_field(world.reader, APS_STR("ROOT_QUERY"), APS_STR("f"), &text, &err);
	assert_true(rc != APS_OK || text.p == NULL || strstr(text.p, "2") == NULL);
	assert_true(aps_reader_take_damage(world.reader, &place));
	aps_buf_clear(&text);
	close_core();
	aps_operation_clear(&one);
	aps_operation_clear(&two);
}

static void what_is_written_and_not_found_by_its_key_is_damage(void **state)
{
	(void)state;
	uint64_t place;
	struct aps_operation field = make("{ f(x: 1) }", "{}");
	open_core();
	write_one(&field, "{\"f\":1}");
	commit();
	empty_index();
	assert_string_equal(read_one(&field), "missing");
	assert_true(aps_reader_take_damage(world.reader, &place));
	close_core();
	aps_operation_clear(&field);
}

/* The core has it in memory; nothing of it changes, so that no reader is told of it. */
static void what_is_known_and_not_found_any_more_is_damage(void **state)
{
	(void)state;
	struct aps_err err = {0};
	uint64_t seen;
	struct aps_operation one = make("{ f(x: 1) a { n(x: 1) } }", "{}");
	static const char DATA[] = "{\"f\":1,\"a\":{\"n\":2,\"__typename\":\"A\"}}";
	const struct aps_partition_data what = {.operation = &one, .data = aps_str_of(DATA), .errors = APS_STR("")};
	open_core();
	write_one(&one, DATA);
	commit();
	write_one(&one, DATA);
	commit();
	empty_index();
	assert_int_equal(aps_counters_generation(world.vault->db, &seen, &err), APS_OK);
	world.vault->version = aps_db_version(world.vault->db); /* no other process has done that */
	/* what couldn't be read is set aside, and the file that takes its place has what was written */
	if (aps_partition_write(world.partition, &what, &err) != APS_OK) fail_msg("%s", err.msg);
	commit();
	const char *news = aps_buf_str(&world.vault->file.news).p; /* a level, and the line */
	assert_non_null(strstr(news + strlen(news) + 1, "isn't found in the store by its key"));
	assert_string_equal(read_alone(&one), DATA);
	close_core();
	remove_damaged();
	aps_operation_clear(&one);
}

static void two_rows_of_one_key_are_damage(void **state)
{
	(void)state;
	uint64_t place;
	struct aps_operation a = make("{ a { id title } }", "{}"), b = make("{ b { id title } }", "{}");
	struct aps_operation both = make("{ b { title } a { title } }", "{}"), root = make("{ c }", "{}");
	open_core();
	write_one(&a, "{\"a\":{\"id\":\"1\",\"title\":\"old\",\"__typename\":\"Post\"}}");
	commit();
	close_core();
	open_core();
	write_one(&root, "{\"c\":1}"); /* the root is in memory again */
	commit();
	make_index("(part, key) WHERE CAST(key AS TEXT) <> 'RPost:1'");
	write_one(&b, "{\"b\":{\"id\":\"1\",\"title\":\"new\",\"__typename\":\"Post\"}}");
	commit();
	assert_string_equal(read_one(&both), "missing");
	assert_true(aps_reader_take_damage(world.reader, &place));
	close_core();
	aps_operation_clear(&a);
	aps_operation_clear(&b);
	aps_operation_clear(&both);
	aps_operation_clear(&root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(what_is_written_and_not_found_by_its_key_is_damage, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_key_that_leads_to_another_row_is_damage, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_list_of_keys_that_leads_elsewhere_is_damage, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_is_known_and_not_found_any_more_is_damage, setup, teardown),
	        cmocka_unit_test_setup_teardown(two_rows_of_one_key_are_damage, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
