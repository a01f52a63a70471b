#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/collecting_world.h"
#include "store/inspect.h"

#define T(id, rest) "{\"id\":\"" id "\",\"__typename\":\"T\"" rest "}"

static struct aps_buf json;

static int inspect_setup(void **state)
{
	aps_buf_init(&json, APS_BUF_ANY_SIZE);
	return collecting_setup(state);
}

static int inspect_teardown(void **state)
{
	aps_buf_clear(&json);
	aps_clock_go_on();
	return collecting_teardown(state);
}

static const char *inspect(void)
{
	struct aps_err err;
	aps_buf_reset(&json);
	if (aps_inspect_store(world.path, &json, &err) != APS_OK) fail_msg("%s", err.msg);
	return json.p;
}

static void assert_has(const char *part)
{
	if (strstr(json.p, part) == NULL) fail_msg("%s\nisn't in: %s", part, json.p);
}

/* By another connection. */
static void change(const char *sql)
{
	sqlite3 *db;
	char *message = NULL;
	assert_int_equal(sqlite3_open(world.path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 1000);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s", message);
	sqlite3_close(db);
}

static void a_store_is_counted_beside_the_client_that_has_it_open(void **state)
{
	(void)state;
	inspect();
	assert_has("\"partitions\":[]");
	write_now("{ a { id next { id } } list(n: 1) { id } name }",
	          "{\"a\":" T("1", ",\"next\":{\"id\":\"7\",\"__typename\":\"User\"}") ",\"list\":[" T(
	                  "2", "") "],\"name\":\"x\"}");
	inspect();
	assert_has("\"key_prefix\":\"p\",\"identity\":\"ann\",\"is_dropped\":false,\"rows\":5,\"layers\":0,");
	assert_has("\"records\":3,\"evicted\":0,\"emptied\":0,\"damaged\":0,");
	assert_has("{\"type\":\"T\",\"records\":2,");
	assert_has("{\"type\":\"User\",\"records\":1,");
	assert_has("\"fields\":1,\"long_lists\":0,\"references\":3,\"broken_references\":0,\"roots\":3,");
	assert_has("{\"field\":\"a\",\"bytes\":");
	assert_has("{\"field\":\"list({\\\"n\\\":1})\",\"bytes\":");
	assert_has("\"collectable\":{\"records\":0,\"bytes\":0},\"syncs\":[]");
	change("INSERT INTO sync SELECT id, 'aa', '', 0 FROM part");
	inspect();
	assert_has("\"syncs\":[{\"name\":\"aa\",\"is_damaged\":true,");
	write_now("{ a { id } }", "{\"a\":null}");
	inspect();
	assert_has("\"collectable\":{\"records\":2,");
	assert_int_equal(collect_now(), 2);
	inspect();
	assert_has("\"records\":1,");
	assert_has("\"collectable\":{\"records\":0,\"bytes\":0}");
}

static void edit_now(const struct aps_edit_what *what)
{
	struct aps_edits *edits = aps_edits_new();
	assert_true(aps_edits_add(edits, what));
	aps_caching_edit(world.core.core, world.client, CACHE, &(struct aps_caching_edits){0, 0, edits});
	core_world_turn(&world.core);
	aps_edits_unref(edits);
}

static void a_field_that_was_evicted_is_not_shown_and_leaves_when_others_do(void **state)
{
	(void)state;
	static const char SUM[] = "SELECT sum(32 + 2 * length(key) + coalesce(length(content), 0)) FROM entry";
	write_now("{ a list(n: 1) other(n: 1) }", "{\"a\":1,\"list\":[1],\"other\":1}");
	edit_now(&(struct aps_edit_what){
	        .kind = APS_EDIT_EVICT, .key = APS_STR("ROOT_QUERY"), .field = APS_STR("list")});
	inspect();
	assert_has("\"fields\":1,");
	assert_null(strstr(json.p, "list("));
	assert_int_equal(n_rows(), 2);
	assert_int_equal(collect_now(), 0);
	assert_int_equal(n_rows(), 1);
	char bytes[32];
	inspect();
	snprintf(bytes, sizeof bytes, "\"bytes\":%d,\"records\"", (int)in_file(SUM));
	assert_has(bytes);
	write_now("{ list(n: 1) }", "{\"list\":[2]}");
	assert_string_equal(read_now("{ a list(n: 1) other(n: 1) }"), "{\"a\":1,\"list\":[2],\"other\":1}");
}

static void long_lists_and_their_blocks_are_told_apart(void **state)
{
	(void)state;
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&text, "{\"all\":[");
	for (int i = 0; i < 600; i++) aps_buf_addf(&text, "%s" T("%d", ""), i != 0 ? "," : "", i);
	aps_buf_add_text(&text, "]}");
	write_now("{ all { id } }", text.p);
	aps_buf_clear(&text);
	inspect();
	assert_has("\"damaged\":0,");
	assert_has("\"long_lists\":1,");
	assert_has("\"broken_references\":0,");
	assert_has("\"collectable\":{\"records\":0,\"bytes\":0}");
}

static void what_layers_hold_is_not_collectable(void **state)
{
	(void)state;
	write_now("{ a { id } }", "{\"a\":" T("1", "") "}");
	write_now("{ a { id } }", "{\"a\":null}");
	change("INSERT INTO layer SELECT 5, id, 1, X'', X'', 0 FROM part;"
	       "INSERT INTO patch SELECT id, 5, X'58', 0 FROM entry WHERE key = CAST('RT:1' AS BLOB)");
	inspect();
	assert_has("\"layers\":1,");
	assert_has("\"patches\":1,");
	assert_has("\"collectable\":{\"records\":0,\"bytes\":0}");
}

static void what_was_dropped_is_told(void **state)
{
	(void)state;
	write_now("{ a { id } }", "{\"a\":" T("1", "") "}");
	settle();
	stand_still(); /* its rows are deleted some milliseconds after it is cleared */
	aps_reader_clear(world.reader);
	run_command(aps_clear_command_new(world.client->id, CACHE));
	core_world_turn(&world.core);
	inspect();
	assert_has("{\"key_prefix\":\"\",\"identity\":\"\",\"is_dropped\":true,\"rows\":2,\"layers\":0}");
}

static void damage_is_counted_and_no_text_is_believed(void **state)
{
	(void)state;
	write_now("{ a { id } b(n: 1) }", "{\"a\":" T("1", "") ",\"b\":1}");
	change("UPDATE entry SET content = X'FF' WHERE key = CAST('RT:1' AS BLOB);"
	       "UPDATE entry SET content = X'0301FF' WHERE key >= X'46' AND key < X'47';"
	       "INSERT INTO entry (part, key, content) SELECT id, X'52FF1B5B', X'01' || X'08' || X'7F' FROM part;"
	       "UPDATE part SET identity = 'a' || char(27) || CAST(X'FE' AS TEXT)");
	inspect();
	assert_has("\"damaged\":3,");
	assert_has("\"broken_references\":1,");
	assert_has("\"identity\":\"a\\u001b\xef\xbf\xbd\"");
}

static void damaged_names_are_counted_and_the_rest_is_shown(void **state)
{
	static const char *const DAMAGES[] = {
	        "UPDATE name SET sum = sum + 1 WHERE text = 'b'", "UPDATE name SET text = 'a' WHERE text = 'b'",
	        "DELETE FROM name WHERE text = 'b'", "UPDATE name SET number = -1 WHERE text = 'b'",
	        "UPDATE name SET number = 4000000000 WHERE text = 'b'"};
	(void)state;
	for (size_t i = 0; i < APS_COUNTOF(DAMAGES); i++) {
		write_now("{ a { id } b c }", "{\"a\":" T("1", "") ",\"b\":1,\"c\":2}");
		close_client();
		change(DAMAGES[i]);
		inspect();
		assert_has("\"records\":1,");
		assert_has("\"damaged\":0,");
		if (i < 3) assert_has("\"damaged_names\":1,");
		if (i < 3) assert_has("{\"field\":\"(damaged name ");
		if (strstr(json.p, "\"damaged_names\":0") != NULL) fail_msg("%s", json.p);
		assert_has("{\"field\":\"a\",\"bytes\":");
		unlink(world.path);
		open_client();
	}
}

static bool is_beside(const char *ending)
{
	char name[128];
	struct stat found;
	snprintf(name, sizeof name, "%s%s", world.path, ending);
	return stat(name, &found) == 0;
}

static void nothing_is_left_beside_a_store_that_nobody_has_open(void **state)
{
	(void)state;
	write_now("{ a { id } }", "{\"a\":" T("1", "") "}");
	close_client();
	assert_false(is_beside("-wal"));
	inspect();
	assert_has("\"records\":1,");
	assert_false(is_beside("-wal"));
	assert_false(is_beside("-shm"));
	open_client();
	inspect();
	assert_has("\"records\":1,");
	assert_true(is_beside("-wal"));
}

/* As somebody who may not write there. */
static int inspect_as_nobody(const char *path)
{
	int status;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct aps_err err;
		if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
		aps_buf_reset(&json);
		bool is_read =
		        aps_inspect_store(path, &json, &err) == APS_OK && strstr(json.p, "\"records\":1,") != NULL;
		if (!is_read) fprintf(stderr, "%s\n", err.msg);
		_exit(is_read ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_store_in_a_folder_that_nobody_may_write_is_read(void **state)
{
	static const char *const NAMES[] = {"a b.db", "100%25?#.db"};
	(void)state;
	write_now("{ a { id } }", "{\"a\":" T("1", "") "}");
	close_client();
	for (size_t i = 0; i < APS_COUNTOF(NAMES); i++) {
		char name[128];
		snprintf(name, sizeof name, "%s/%s", world.folder, NAMES[i]);
		assert_int_equal(rename(world.path, name), 0);
		chmod(name, 0444);
		chmod(world.folder, 0555);
		int status = inspect_as_nobody(name);
		chmod(world.folder, 0755);
		chmod(name, 0600);
		assert_int_equal(rename(name, world.path), 0);
		assert_int_equal(status, 0);
		assert_false(is_beside("-shm"));
	}
	chmod(world.folder, 0700);
	open_client();
}

static void what_is_no_store_is_told(void **state)
{
	(void)state;
	struct aps_err err;
	write_now("{ a }", "{\"a\":1}");
	close_client();
	change("PRAGMA user_version = 99");
	assert_int_equal(aps_inspect_store(world.path, &json, &err), APS_E_STORAGE);
	assert_string_equal(err.word, "newer");
	change("PRAGMA user_version = 0");
	assert_int_equal(aps_inspect_store(world.path, &json, &err), APS_E_STORAGE);
	assert_string_equal(err.msg, "the store has lost its tables or its mark");
	change("PRAGMA application_id = 7; ALTER TABLE entry RENAME TO other");
	assert_int_equal(aps_inspect_store(world.path, &json, &err), APS_E_STORAGE);
	assert_string_equal(err.msg, "the file is a database of another application");
	unlink(world.path);
	assert_int_equal(aps_inspect_store(world.path, &json, &err), APS_E_STORAGE);
	FILE *file = fopen(world.path, "w");
	fclose(file);
	assert_int_equal(aps_inspect_store(world.path, &json, &err), APS_E_STORAGE);
	assert_string_equal(err.msg, "there is nothing in the file yet");
	file = fopen(world.path, "w");
	for (int i = 0; i < 4096; i++) fputs("no database ", file);
	fclose(file);
	assert_int_equal(aps_inspect_store(world.path, &json, &err), APS_E_STORAGE);
	assert_string_equal(err.word, "corrupt");
	unlink(world.path);
	open_client();
}

static void without_memory_it_is_told(void **state)
{
	(void)state;
	struct aps_err err;
	write_now("{ a { id } list(n: 1) { id } }", "{\"a\":" T("1", "") ",\"list\":[" T("2", "") "]}");
	for (size_t nth = 1;; nth++) {
		aps_buf_clear(&json);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_inspect_store(world.path, &json, &err);
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
	}
	assert_has("\"records\":2,");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, inspect_setup, inspect_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_store_is_counted_beside_the_client_that_has_it_open),
	        TEST(a_field_that_was_evicted_is_not_shown_and_leaves_when_others_do),
	        TEST(long_lists_and_their_blocks_are_told_apart),
	        TEST(what_layers_hold_is_not_collectable),
	        TEST(what_was_dropped_is_told),
	        TEST(damage_is_counted_and_no_text_is_believed),
	        TEST(damaged_names_are_counted_and_the_rest_is_shown),
	        TEST(nothing_is_left_beside_a_store_that_nobody_has_open),
	        TEST(a_store_in_a_folder_that_nobody_may_write_is_read),
	        TEST(what_is_no_store_is_told),
	        TEST(without_memory_it_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
