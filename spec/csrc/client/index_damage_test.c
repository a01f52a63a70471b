/* Damage that no row tells of: an index that has lost what is in its table. */
#include "reader_world.h"

#include <sqlite3.h>

/* As bytes that are wrong in it make it look: no key is found any more, and all rows are there by their numbers. */
static void empty_index(void)
{
	sqlite3 *other;
	static const char SQL[] = "BEGIN IMMEDIATE;"
	                          "DROP INDEX entry_key;"
	                          "CREATE UNIQUE INDEX entry_key ON entry (part, key) WHERE id < 0;"
	                          "PRAGMA writable_schema = ON;"
	                          "UPDATE sqlite_schema SET sql = 'CREATE UNIQUE INDEX entry_key ON entry (part, key)' "
	                          "WHERE name = 'entry_key';"
	                          "COMMIT";
	assert_int_equal(sqlite3_open(world.path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, SQL, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
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
	empty_index();
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
	        cmocka_unit_test_setup_teardown(two_rows_of_one_key_are_damage, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
