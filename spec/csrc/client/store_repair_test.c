/* Dead letters of a store that nobody has open are queued again, or discarded. */
#include "store/outbox_fixture.h"

#include "client/queue.h"
#include "client/store_file.h"
#include "client/store_repair.h"

#include <sys/wait.h>

static struct db_place place;
static struct aps_buf json;

static void open_store(void)
{
	struct aps_store_file file;
	struct aps_opened_store opened;
	const struct aps_store_options options = {.path = place.path};
	ok(aps_store_file_init(&file, &options, &err));
	ok(aps_store_file_open(&file, 0, &opened, &err));
	aps_store_file_clear(&file); /* another process's from now on */
	db = opened.db;
}

static void close_store(void)
{
	aps_db_close(db);
	db = NULL;
}

static int setup(void **state)
{
	(void)state;
	db_place_make(&place);
	aps_buf_init(&json, APS_BUF_ANY_SIZE);
	open_store();
	db_do(db, "UPDATE counter SET value = 2748 WHERE id = -3");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	char command[96];
	close_store();
	aps_buf_clear(&json);
	snprintf(command, sizeof command, "rm -rf %s", place.folder);
	return system(command) == 0 && aps_mem_live() == 0 ? 0 : -1;
}

static int64_t bury(int64_t owner, int64_t blocked_by)
{
	const struct aps_death death = {
	        .died_ms = 9, .outcome = APS_STR("refused"), .blocked_by = blocked_by, .cause = APS_STR("{}")};
	int64_t id = enqueue(owner);
	ok(aps_dead_letters_bury(db, id, &death, &err));
	return aps_entry_number(id);
}

/* Numbers 1 to 6: one that is queued, one that is dead, three that depend on it, of each other too, and one that
 * doesn't. */
static void fill(void)
{
	ok(aps_db_begin(db, &err));
	int64_t owner = owner_make("ann");
	enqueue(owner);
	int64_t maker = bury(owner, 0), first = bury(owner, maker);
	bury(owner, maker);
	bury(owner, first);
	bury(owner, 0);
	ok(aps_db_commit(db, &err));
	close_store();
}

static enum aps_rc retry(const char *id)
{
	aps_buf_reset(&json);
	return aps_store_repair_retry(place.path, aps_str_of(id), &json, &err);
}

static enum aps_rc discard(const char *id)
{
	aps_buf_reset(&json);
	return aps_store_repair_discard(place.path, aps_str_of(id), &json, &err);
}

static void a_dead_letter_is_queued_at_the_tail_and_those_that_depended_on_it(void **state)
{
	(void)state;
	fill();
	ok(retry("00000abc-2"));
	assert_text(aps_buf_str(&json), "{\"retried\":[{\"id\":\"00000abc-2\",\"new_id\":\"00000abc-7\"},"
	                                "{\"id\":\"00000abc-3\",\"new_id\":\"00000abc-8\"},"
	                                "{\"id\":\"00000abc-4\",\"new_id\":\"00000abc-9\"},"
	                                "{\"id\":\"00000abc-5\",\"new_id\":\"00000abc-10\"}]}");
	open_store();
	assert_int_equal(db_int(db, "SELECT count(*) FROM outbox"), 5);
	assert_int_equal(db_int(db, "SELECT count(*) FROM delivery"), 0);
	assert_int_equal(db_int(db, "SELECT id & 255 FROM dead_letter"), 6);
	assert_int_equal(db_int(db, "SELECT max(flags & 8) FROM outbox WHERE id & 255 > 6"), 0);
	struct aps_outbox_row row;
	aps_outbox_row_init(&row);
	ok(aps_outbox_find_number(db, 8, &row, &err));
	assert_text(row.entry.variables, "{\"x\":1}");
	aps_outbox_row_clear(&row);
}

/* What names its record waits for the one that is queued now, and gets the id that this one is given. */
static void what_it_is_to_make_is_its_own_still(void **state)
{
	(void)state;
	const struct aps_str temporary = APS_STR("0a1b2c3d-0000-4000-8000-00000000000a");
	const struct aps_death death = {.outcome = APS_STR("refused"), .cause = APS_STR("{}")};
	struct aps_id_made pair;
	struct aps_outbox_row row;
	ok(aps_db_begin(db, &err));
	int64_t owner = owner_make("ann"), id = enqueue(owner);
	struct aps_outbox_entry entry = entry_of(id);
	entry.extra = APS_STR("{\"made\":[\"Todo:0a1b2c3d-0000-4000-8000-00000000000a\"]}");
	ok(aps_outbox_update(db, &entry, &err));
	aps_id_made_init(&pair);
	pair.owner = owner;
	pair.temporary = temporary;
	pair.maker = aps_entry_number(id);
	ok(aps_id_map_add(db, &pair, &err));
	ok(aps_dead_letters_bury(db, id, &death, &err));
	ok(aps_db_commit(db, &err));
	close_store();
	ok(retry("00000abc-1"));
	open_store();
	ok(aps_id_map_find(db, owner, temporary, &pair, &err));
	assert_int_equal(pair.maker, 2);
	assert_false(pair.is_made);
	aps_outbox_row_init(&row);
	ok(aps_outbox_find_number(db, 2, &row, &err));
	assert_text(row.entry.extra, "{\"made\":[\"Todo:0a1b2c3d-0000-4000-8000-00000000000a\"],\"first\":1}");
	aps_outbox_row_clear(&row);
	aps_id_made_clear(&pair);
}

static void what_is_discarded_is_gone(void **state)
{
	(void)state;
	fill();
	ok(discard("00000abc-6"));
	assert_text(aps_buf_str(&json), "{\"discarded\":\"00000abc-6\"}");
	ok(discard("00000abc-1"));
	open_store();
	assert_int_equal(db_int(db, "SELECT count(*) FROM dead_letter"), 4);
	assert_int_equal(db_int(db, "SELECT count(*) FROM outbox"), 0);
}

static void what_is_not_there_is_said(void **state)
{
	(void)state;
	fill();
	static const char *const IDS[] = {"00000abc-1", "00000abc-99", "00000abd-2", "2", "", "00000abc-2 "};
	for (size_t i = 0; i < APS_COUNTOF(IDS); i++) {
		assert_int_equal(retry(IDS[i]), APS_E_STORAGE);
		assert_string_equal(err.word, "missing");
	}
	assert_int_equal(discard("00000abc-99"), APS_E_STORAGE);
	assert_string_equal(err.msg, "there is no queued mutation or dead letter with the id 00000abc-99");
	open_store();
	assert_int_equal(db_int(db, "SELECT count(*) FROM dead_letter"), 5);
}

static void a_store_that_another_process_has_is_left_alone(void **state)
{
	(void)state;
	int ready[2], over[2];
	char byte = 0;
	fill();
	assert_int_equal(pipe(ready) + pipe(over), 0);
	pid_t child = fork();
	if (child == 0) {
		struct aps_store_file file;
		const struct aps_store_options options = {.path = place.path};
		bool has_it = aps_store_file_init(&file, &options, &err) == APS_OK &&
		              aps_store_file_claim(&file, &err) == APS_OK;
		_exit(write(ready[1], &byte, 1) == 1 && read(over[0], &byte, 1) == 1 && has_it ? 0 : 1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(retry("00000abc-2"), APS_E_STORAGE);
	assert_string_equal(err.word, "locked");
	assert_int_equal(write(over[1], &byte, 1), 1);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(over[i]);
	}
	ok(retry("00000abc-2"));
}

static void what_is_no_store_stays_as_it_is(void **state)
{
	(void)state;
	close_store();
	assert_int_equal(unlink(place.path), 0);
	assert_int_equal(retry("00000abc-2"), APS_E_STORAGE);
	assert_int_not_equal(access(place.path, F_OK), 0);
	FILE *file = fopen(place.path, "wb");
	fputs("a text, and no store at all", file);
	fclose(file);
	assert_int_equal(retry("00000abc-2"), APS_E_STORAGE);
	assert_string_equal(err.word, "corrupt");
	assert_int_equal(access(place.path, F_OK), 0);
}

static void without_memory_nothing_has_changed(void **state)
{
	(void)state;
	fill();
	size_t n_failed = 0;
	for (size_t nth = 1; nth <= 60; nth++) {
		aps_mem_fail_at(nth);
		enum aps_rc rc = retry("00000abc-2");
		aps_mem_fail_at(0);
		open_store();
		assert_int_equal(db_int(db, "SELECT count(*) FROM dead_letter"), rc == APS_OK ? 1 : 5);
		n_failed += rc != APS_OK;
		if (rc == APS_OK) {
			db_do(db, "DELETE FROM outbox; DELETE FROM dead_letter; UPDATE counter SET value = 0 WHERE id "
			          "= -2");
			fill();
		} else {
			close_store();
		}
	}
	assert_true(n_failed > 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_dead_letter_is_queued_at_the_tail_and_those_that_depended_on_it),
	        TEST(what_it_is_to_make_is_its_own_still),
	        TEST(what_is_discarded_is_gone),
	        TEST(what_is_not_there_is_said),
	        TEST(a_store_that_another_process_has_is_left_alone),
	        TEST(what_is_no_store_stays_as_it_is),
	        TEST(without_memory_nothing_has_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
