/* Stores that are damaged while mutations are queued in them: these are queued in the store that takes their place. */
#include "store/outbox_fixture.h"

#include "client/store_file.h"
#include "store/aside.h"
#include "store/aside_note.h"

#include <sys/stat.h>
#include <sys/wait.h>

static struct db_place place;
static struct aps_store_file file;
static struct aps_opened_store opened;

static void begin_file(void)
{
	const struct aps_store_options options = {.path = place.path};
	ok(aps_store_file_init(&file, &options, &err));
}

static int setup(void **state)
{
	(void)state;
	db_place_make(&place);
	begin_file();
	return 0;
}

static void remove_all(void)
{
	char command[96];
	snprintf(command, sizeof command, "rm -rf %s", place.folder);
	assert_int_equal(system(command), 0);
}

static void close_file(void)
{
	aps_db_close(opened.db);
	opened.db = db = NULL;
	aps_store_file_clear(&file);
}

static int teardown(void **state)
{
	(void)state;
	close_file();
	remove_all();
	return aps_mem_live() == 0 ? 0 : -1;
}

static void open_store(void)
{
	ok(aps_store_file_open(&file, 0, &opened, &err));
	db = opened.db;
}

/* As another process finds it. */
static void reopen(void)
{
	close_file();
	begin_file();
	open_store();
}

/* So many for one owner, of which the first one is being sent, and a dead letter. */
static void fill(int n)
{
	int64_t first = 0;
	open_store();
	ok(aps_db_begin(db, &err));
	int64_t owner = owner_make("ann");
	for (int i = 0; i < n; i++) {
		int64_t id = enqueue(owner);
		if (i == 0) first = id;
	}
	ok(aps_delivery_mark(db, first, 1, 2, 1, &err));
	const struct aps_death death = {.died_ms = 9, .outcome = APS_STR("refused"), .cause = APS_STR("{}")};
	ok(aps_dead_letters_bury(db, enqueue(owner), &death, &err));
	ok(aps_db_commit(db, &err));
}

/* What a cache needs; the outbox isn't touched. */
static void lose_a_table(void)
{
	db_do(db, "DROP TABLE entry");
	close_file();
	begin_file();
}

static void assert_queued(int64_t n)
{
	assert_int_equal(db_int(db, "SELECT count(*) FROM outbox"), n);
	assert_int_equal(db_int(db, "SELECT min(id) & 255 FROM outbox"), 1);
	assert_int_equal(db_int(db, "SELECT id & 255 FROM delivery WHERE sending = 1"), 1);
	assert_int_equal(db_int(db, "SELECT count(*) FROM dead_letter"), 1);
}

static bool is_noted(void)
{
	struct aps_buf endings;
	aps_buf_init(&endings, APS_BUF_ANY_SIZE);
	ok(aps_aside_note_read(place.path, &endings, &err));
	bool is_there = endings.n != 0;
	aps_buf_clear(&endings);
	return is_there;
}

static bool has_news(const char *part)
{
	bool has_it = false;
	for (size_t at = 0; at < file.news.n; at += strlen(file.news.p + at) + 1)
		has_it = has_it || strstr(file.news.p + at, part) != NULL;
	return has_it;
}

static void what_was_queued_is_queued_in_the_new_store(void **state)
{
	(void)state;
	fill(12);
	lose_a_table();
	open_store();
	assert_true(opened.is_new);
	assert_queued(12);
	assert_true(has_news("12 queued mutations were saved, 0 could not be read"));
	assert_true(has_news("1 dead letter was saved, 0 could not be read; all of it is in x.db.damaged-"));
	assert_false(is_noted());
	int64_t number;
	ok(aps_outbox_next_number(db, &number, &err));
	assert_true(number > 13);
	reopen();
	assert_queued(12);
	assert_int_equal(file.news.n, 0);
}

static void what_cannot_be_read_is_counted(void **state)
{
	(void)state;
	fill(12);
	db_do(db, "UPDATE outbox SET document = 'x' WHERE id & 255 BETWEEN 4 AND 6");
	lose_a_table();
	open_store();
	assert_queued(9);
	assert_true(has_news("9 queued mutations were saved, 3 could not be read"));
}

/* The process has ended when the damaged one had its name. */
static void what_was_set_aside_before_is_saved_later(void **state)
{
	(void)state;
	struct aps_buf name;
	fill(3);
	close_file();
	begin_file();
	aps_buf_init(&name, APS_BUF_ANY_SIZE);
	ok(aps_aside_move(place.path, 1796020509, &name, &err));
	aps_buf_clear(&name);
	assert_true(is_noted());
	open_store();
	assert_queued(3);
	assert_false(is_noted());
	assert_true(has_news("3 queued mutations were saved"));
}

/* It has ended between the commit and the removal of the note: nothing was sent of the new one meanwhile. */
static void what_is_saved_twice_is_there_once(void **state)
{
	(void)state;
	struct aps_buf name;
	fill(3);
	close_file();
	begin_file();
	aps_buf_init(&name, APS_BUF_ANY_SIZE);
	ok(aps_aside_move(place.path, 1796020509, &name, &err));
	open_store();
	assert_int_equal(aps_aside_note_add(place.path, name.p + strlen(place.path)), 0);
	aps_buf_clear(&name);
	reopen();
	assert_queued(3);
	assert_false(is_noted());
}

static void a_log_that_was_moved_alone_comes_back(void **state)
{
	(void)state;
	char log[64], moved[96];
	snprintf(log, sizeof log, "%s-wal", place.path);
	snprintf(moved, sizeof moved, "%s.damaged-20261130T061500Z-wal", place.path);
	pid_t child = fork();
	if (child == 0) {
		fill(3);
		_exit(0); /* its log is left behind */
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	close_file();
	begin_file();
	assert_int_equal(rename(log, moved), 0);
	assert_int_equal(aps_aside_note_add(place.path, ".damaged-20261130T061500Z"), 0);
	open_store();
	assert_queued(3);
	assert_false(is_noted());
	assert_int_not_equal(access(moved, F_OK), 0);
}

static void a_log_that_stops_in_a_transaction_is_told(void **state)
{
	(void)state;
	char log[64];
	struct stat found;
	struct aps_buf name;
	snprintf(log, sizeof log, "%s-wal", place.path);
	pid_t child = fork();
	if (child == 0) {
		fill(3);
		_exit(0); /* its log is left behind */
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	close_file();
	begin_file();
	assert_int_equal(stat(log, &found), 0);
	assert_int_equal(truncate(log, found.st_size - 100), 0);
	aps_buf_init(&name, APS_BUF_ANY_SIZE);
	ok(aps_aside_move(place.path, 1796020509, &name, &err));
	aps_buf_clear(&name);
	open_store();
	assert_int_equal(db_int(db, "SELECT count(*) FROM outbox"), 0);
	assert_true(has_news("was damaged: the end of its log could not be read, and may have had more; all of it is "
	                     "in x.db.damaged-"));
}

static void a_sequence_that_has_gone_back_is_damage(void **state)
{
	(void)state;
	fill(3);
	db_do(db, "UPDATE counter SET value = 2 WHERE id = -2");
	reopen();
	assert_true(opened.is_new);
	assert_queued(3);
	assert_true(db_int(db, "SELECT value FROM counter WHERE id = -2") > 4);
}

/* Nothing is lost where it can't be written down, and the next try has it. */
static void without_memory_it_is_saved_later(void **state)
{
	(void)state;
	fill(3);
	size_t n_failed = 0;
	for (size_t nth = 1; nth <= 120; nth++) {
		lose_a_table();
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_store_file_open(&file, 0, &opened, &err);
		aps_mem_fail_at(0);
		db = opened.db;
		assert_true(rc == APS_OK || db == NULL);
		n_failed += rc != APS_OK;
		if (rc != APS_OK) reopen();
		assert_queued(3);
		assert_false(is_noted());
		if (!aps_mem_has_failed()) break;
	}
	assert_true(n_failed > 20);
}

static void a_note_that_was_written_in_part_says_nothing(void **state)
{
	(void)state;
	char name[64];
	struct aps_buf endings;
	assert_int_equal(aps_aside_note_add(place.path, ".damaged-1"), 0);
	assert_int_equal(aps_aside_note_add(place.path, ".damaged-2"), 0);
	snprintf(name, sizeof name, "%s-aside", place.path);
	assert_int_equal(truncate(name, 15), 0);
	aps_buf_init(&endings, APS_BUF_ANY_SIZE);
	ok(aps_aside_note_read(place.path, &endings, &err));
	assert_int_equal(endings.n, strlen(".damaged-1") + 1);
	assert_string_equal(endings.p, ".damaged-1");
	aps_buf_clear(&endings);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_was_queued_is_queued_in_the_new_store),   TEST(what_cannot_be_read_is_counted),
	        TEST(what_was_set_aside_before_is_saved_later),     TEST(what_is_saved_twice_is_there_once),
	        TEST(a_log_that_was_moved_alone_comes_back),        TEST(a_sequence_that_has_gone_back_is_damage),
	        TEST(a_log_that_stops_in_a_transaction_is_told),    TEST(without_memory_it_is_saved_later),
	        TEST(a_note_that_was_written_in_part_says_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
