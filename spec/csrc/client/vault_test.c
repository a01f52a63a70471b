#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vault_world.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/prctl.h>

static struct vault_world world;
static size_t n_live;

static int setup(void **state)
{
	(void)state;
	n_live = aps_mem_live();
	vault_world_begin(&world);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vault_world_end(&world);
	return aps_mem_live() == n_live ? 0 : -1;
}

static void assert_reads(const char *query, const char *expected)
{
	assert_string_equal(vault_world_read(&world, query), expected);
}

static void assert_kind(enum aps_place_kind kind)
{
	assert_int_equal(aps_place_kind(world.vault->place), kind);
	assert_true(aps_vault_is_available(world.vault) == (kind == APS_PLACE_FILE));
}

static void assert_news(const char *part)
{
	const char *news = vault_world_news(&world);
	if (strstr(news, part) == NULL) fail_msg("no \"%s\" in \"%s\"", part, news);
	assert_int_equal(strstr(news, world.folder) != NULL, 1);
	assert_ptr_equal(strchr(news, '\n'), news + strlen(news) - 1); /* one line */
}

/* And what is said of its outbox. */
static void assert_news_of_damage(const char *part, const char *of_outbox)
{
	const char *news = vault_world_news(&world), *second = strchr(news, '\n');
	if (strstr(news, part) == NULL || strstr(second, of_outbox) == NULL) fail_msg("%s", news);
}

static mode_t mode_of(const char *path)
{
	struct stat info;
	assert_int_equal(stat(path, &info), 0);
	return info.st_mode & 07777;
}

static void what_is_made_belongs_to_its_owner_alone(void **state)
{
	(void)state;
	static const char *const ENDINGS[] = {"", "-wal", "-shm", "-leader"};
	mode_t before = umask(0);
	char folder[512], name[512];
	snprintf(world.path, sizeof world.path, "%s/made/st\xc3\xb6re \xff'?#%%.db", world.folder);
	vault_world_open(&world);
	vault_world_write(&world, "{ a }", "{\"a\":1}");
	vault_world_commit(&world);
	umask(before);
	assert_kind(APS_PLACE_FILE);
	snprintf(folder, sizeof folder, "%s/made", world.folder);
	assert_int_equal(mode_of(folder), 0700);
	for (size_t i = 0; i < APS_COUNTOF(ENDINGS); i++) {
		snprintf(name, sizeof name, "%s%s", world.path, ENDINGS[i]);
		assert_int_equal(mode_of(name), 0600);
	}
}

static void only_the_last_folder_of_a_path_is_made(void **state)
{
	(void)state;
	struct stat info;
	char folder[512];
	snprintf(world.path, sizeof world.path, "%s/one/two/store.db", world.folder);
	vault_world_open(&world);
	assert_kind(APS_PLACE_MEMORY);
	assert_news("No such file or directory");
	snprintf(folder, sizeof folder, "%s/one", world.folder);
	assert_int_equal(stat(folder, &info), -1);
	/* it is made once that is all that is missing */
	assert_int_equal(mkdir(folder, 0700), 0);
	aps_vault_retry(world.vault, 0);
	assert_kind(APS_PLACE_FILE);
	assert_news("can be used again");
}

static void what_is_kept_in_memory_is_read_like_any_other(void **state)
{
	(void)state;
	assert_int_equal(mkdir(world.path, 0700), 0); /* a folder in its place */
	vault_world_open(&world);
	assert_kind(APS_PLACE_MEMORY);
	assert_news("Is a directory");
	assert_reads("{ a { id n } }", "missing");
	vault_world_write(&world, "{ a { id n } }", "{\"a\":{\"id\":\"1\",\"n\":1,\"__typename\":\"T\"}}");
	assert_reads("{ a { id n } }", "missing");
	vault_world_commit(&world);
	assert_reads("{ a { id n } }", "{\"a\":{\"id\":\"1\",\"n\":1,\"__typename\":\"T\"}}");
	vault_world_write(&world, "{ b { id n } }", "{\"b\":{\"id\":\"1\",\"n\":2,\"__typename\":\"T\"}}");
	vault_world_commit(&world);
	assert_reads("{ a { id n } }", "{\"a\":{\"id\":\"1\",\"n\":2,\"__typename\":\"T\"}}");
}

static void a_file_is_tried_again_less_and_less_often(void **state)
{
	(void)state;
	assert_int_equal(mkdir(world.path, 0700), 0);
	vault_world_open(&world);
	assert_int_equal(world.vault->wait_ms, 500);
	int64_t now_ms = world.vault->retry.at_ms, waits_ms = 500;
	for (int i = 0; i < 10; i++) {
		aps_timers_run(&world.timers, NULL, now_ms - 1);
		assert_int_equal(world.vault->retry.at_ms, now_ms);
		aps_timers_run(&world.timers, NULL, now_ms);
		waits_ms = waits_ms * 2 < 30000 ? waits_ms * 2 : 30000;
		assert_int_equal(world.vault->retry.at_ms, now_ms + waits_ms);
		now_ms += waits_ms;
	}
	vault_world_news(&world);
	assert_int_equal(rmdir(world.path), 0);
	aps_timers_run(&world.timers, NULL, now_ms);
	assert_kind(APS_PLACE_FILE);
	assert_news("can be used again");
	assert_int_equal(aps_timers_left_ms(&world.timers, now_ms), -1);
}

#define POST "{\"id\":\"1\",\"__typename\":\"T\",\"n\":%d}"

/* Fields with and without arguments, of records that have other numbers in memory than in the file; lists. */
static void write_all(int n, const char *more)
{
	char data[512];
	snprintf(data, sizeof data, "{\"a\":" POST ",\"list\":[" POST "],\"plain\":%d%s}", n, n, n, more);
	vault_world_write(&world, "{ a(x: 1) { id n } list { id n } plain }", data);
	snprintf(data, sizeof data, "{\"deep\":{\"id\":\"1\",\"__typename\":\"T\",\"n\":%d,\"f\":%d}}", n, n);
	vault_world_write(&world, "{ deep { id n f(y: 2) } }", data);
	vault_world_commit(&world);
}

static void what_memory_has_had_is_missing_in_the_file_and_all_else_is_there(void **state)
{
	(void)state;
	static const char OTHER[] = "{ other { id n f(y: 2) } }";
	static const char OTHER_DATA[] = "{\"other\":{\"id\":\"2\",\"n\":7,\"f\":8,\"__typename\":\"T\"}}";
	char moved[256];
	vault_world_open(&world);
	write_all(1, "");
	vault_world_write(&world, OTHER, OTHER_DATA);
	vault_world_write(&world, "{ many { id n } }",
	                  "{\"many\":[{\"id\":\"2\",\"n\":7,\"__typename\":\"T\"},"
	                  "{\"id\":\"1\",\"n\":1,\"__typename\":\"T\"}]}");
	vault_world_commit(&world);
	assert_reads("{ deep { n f(y: 2) } }", "{\"deep\":{\"n\":1,\"f\":1,\"__typename\":\"T\"}}");
	vault_world_close(&world);
	/* the file isn't there for a while, and comes back as it was */
	snprintf(moved, sizeof moved, "%s/elsewhere", world.folder);
	assert_int_equal(rename(world.path, moved), 0);
	assert_int_equal(mkdir(world.path, 0700), 0);
	vault_world_open(&world);
	vault_world_write(&world, "{ first { id } }", "{\"first\":{\"id\":\"9\",\"__typename\":\"T\"}}");
	write_all(2, "");
	assert_reads("{ deep { n f(y: 2) } }", "{\"deep\":{\"n\":2,\"f\":2,\"__typename\":\"T\"}}");
	assert_int_equal(rmdir(world.path), 0);
	assert_int_equal(rename(moved, world.path), 0);
	aps_vault_retry(world.vault, 0);
	vault_world_commit(&world);
	assert_kind(APS_PLACE_FILE);
	static const char *const GONE[] = {"{ a(x: 1) { id } }", "{ plain }",       "{ deep { id } }",
	                                   "{ first { id } }",   "{ list { id } }", "{ many { id n } }"};
	for (size_t i = 0; i < APS_COUNTOF(GONE); i++) assert_reads(GONE[i], "missing");
	/* the plain fields of the root are one entry: what else it had is read again, too */
	assert_reads(OTHER, "missing");
	vault_world_write(&world, "{ other { id } }", "{\"other\":{\"id\":\"2\",\"__typename\":\"T\"}}");
	vault_world_commit(&world);
	assert_reads(OTHER, OTHER_DATA);
	/* a list that refers to what is missing isn't shorter, it is missing */
	vault_world_write(&world, "{ many { id } }",
	                  "{\"many\":[{\"id\":\"2\",\"__typename\":\"T\"},{\"id\":\"1\",\"__typename\":\"T\"}]}");
	vault_world_commit(&world);
	assert_reads("{ many { id n } }", "missing");
}

static bool hold_in_child(pid_t *child)
{
	int ready[2];
	char byte = 0;
	assert_int_equal(pipe(ready), 0);
	*child = fork();
	if (*child == 0) {
		struct aps_err err;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		struct aps_vaults of_child = {.first = NULL};
		struct aps_vault *vault = aps_vault_open(
		        &of_child, &(struct aps_store_options){.path = world.path, .is_private = true}, &err);
		bool is_open = vault != NULL && aps_vault_is_available(vault);
		if (write(ready[1], is_open ? "y" : "n", 1) != 1) _exit(1);
		for (;;) pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return byte == 'y';
}

static void end_child(pid_t child)
{
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_store_belongs_to_one_process_until_that_is_gone(void **state)
{
	(void)state;
	pid_t child;
	char who[64];
	vault_world_open(&world);
	vault_world_write(&world, "{ a b }", "{\"a\":1,\"b\":1}");
	vault_world_write(&world, "{ c(x: 1) }", "{\"c\":1}");
	vault_world_commit(&world);
	vault_world_close(&world);
	assert_true(hold_in_child(&child));
	vault_world_open(&world);
	assert_kind(APS_PLACE_MEMORY);
	snprintf(who, sizeof who, "another process (%ld) has it open", (long)child);
	assert_news(who);
	vault_world_write(&world, "{ a }", "{\"a\":2}");
	vault_world_commit(&world);
	assert_reads("{ a }", "{\"a\":2}");
	assert_reads("{ c(x: 1) }", "missing");
	for (int i = 0; i < 3; i++) {
		aps_vault_retry(world.vault, 0);
		assert_kind(APS_PLACE_MEMORY);
		assert_int_equal(world.vault->retry.at_ms, 500); /* as often as at first */
	}
	assert_string_equal(vault_world_news(&world), "");
	end_child(child);
	aps_vault_retry(world.vault, 0);
	vault_world_commit(&world);
	assert_kind(APS_PLACE_FILE);
	assert_reads("{ a }", "missing");
	assert_reads("{ c(x: 1) }", "{\"c\":1}");
}

static void a_process_has_a_store_once(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_vaults of_another_state = {.first = NULL};
	vault_world_open(&world);
	struct aps_vault *other =
	        aps_vault_open(&of_another_state, &(struct aps_store_options){.path = world.path}, &err);
	assert_non_null(other);
	assert_false(aps_vault_is_available(other));
	assert_non_null(strstr(other->trouble.msg, "this process has it open already"));
	pid_t child;
	assert_false(hold_in_child(&child)); /* the lock is still there: it is none of the closed descriptor's */
	end_child(child);
	vault_world_close(&world);
	aps_vault_retry(other, 0);
	assert_true(aps_vault_is_available(other));
	aps_vault_close(&of_another_state, other);
}

static char *read_file(const char *path, size_t *n)
{
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	char *bytes = malloc(1 << 20);
	*n = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	return bytes;
}

static void assert_same_bytes(const char *path, const char *bytes, size_t n)
{
	size_t n_now;
	char *now = read_file(path, &n_now);
	assert_int_equal(n_now, n);
	assert_memory_equal(now, bytes, n);
	free(now);
}

static void change_db(const char *sql)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(world.path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void what_is_not_ours_or_newer_is_left_as_it_is(void **state)
{
	(void)state;
	static const struct {
		const char *sql, *reason;
	} ROWS[] = {
	        {"PRAGMA user_version = 99", "version 99"},
	        {"PRAGMA application_id = 7; ALTER TABLE entry RENAME TO other", "another application"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		size_t n;
		vault_world_open(&world);
		vault_world_close(&world);
		change_db(ROWS[i].sql);
		char *bytes = read_file(world.path, &n);
		vault_world_open(&world);
		assert_kind(APS_PLACE_MEMORY);
		assert_news(ROWS[i].reason);
		vault_world_write(&world, "{ a }", "{\"a\":1}");
		vault_world_commit(&world);
		assert_reads("{ a }", "{\"a\":1}");
		aps_vault_retry(world.vault, 0);
		assert_kind(APS_PLACE_MEMORY);
		vault_world_close(&world);
		assert_same_bytes(world.path, bytes, n);
		assert_int_equal(vault_world_files(&world, "damaged", NULL), 0);
		free(bytes);
		unlink(world.path);
		aps_reader_free(world.reader);
		struct aps_err err;
		aps_channel_unref(world.channel);
		world.channel = aps_channel_new(5);
		world.reader = aps_reader_new(world.path, "p", "", &world.policies, world.channel, &err);
	}
}

static void write_garbage(const char *path, size_t n)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	for (size_t i = 0; i < n; i++) fputc((int)(i * 7 + 1) & 0xff, file);
	fclose(file);
}

static void what_is_no_store_is_set_aside_whole(void **state)
{
	(void)state;
	char log[256], aside[512] = "";
	size_t n, n_log;
	write_garbage(world.path, 9000);
	snprintf(log, sizeof log, "%s-wal", world.path);
	write_garbage(log, 4000);
	char *bytes = read_file(world.path, &n), *of_log = read_file(log, &n_log);
	vault_world_open(&world);
	assert_kind(APS_PLACE_FILE);
	assert_int_equal(vault_world_files(&world, "damaged", NULL), 2);
	assert_int_equal(vault_world_files(&world, "Z-wal", aside), 1);
	assert_same_bytes(aside, of_log, n_log);
	free(of_log);
	aside[strlen(aside) - strlen("-wal")] = '\0';
	assert_same_bytes(aside, bytes, n);
	assert_news_of_damage(strrchr(aside, '/') + 1, "could not be read for what was queued in it");
	free(bytes);
	vault_world_write(&world, "{ a }", "{\"a\":1}");
	vault_world_commit(&world);
	assert_reads("{ a }", "{\"a\":1}");
}

static void nothing_is_set_aside_over_anything(void **state)
{
	(void)state;
	for (int i = 1; i <= 3; i++) {
		write_garbage(world.path, 9000 + (size_t)i);
		vault_world_open(&world); /* all in one second */
		vault_world_close(&world);
		assert_int_equal(vault_world_files(&world, "damaged", NULL), i);
		unlink(world.path);
	}
}

/* All of the file but its first pages, which SQLite has in memory by now. */
static void damage_rows(void)
{
	struct stat info;
	struct aps_err err;
	struct aps_db *file = world.vault->base != NULL ? world.vault->base : world.vault->db;
	assert_int_equal(aps_db_exec(file, "PRAGMA wal_checkpoint(TRUNCATE)", &err), APS_OK);
	assert_int_equal(stat(world.path, &info), 0);
	vault_world_damage(&world, 3 * 4096, (size_t)info.st_size - (size_t)3 * 4096);
}

static void damage_that_a_reader_meets_is_set_aside_and_missing(void **state)
{
	(void)state;
	uint64_t place;
	vault_world_open(&world);
	vault_world_write_much(&world);
	damage_rows();
	assert_reads("{ r7 { id t } }", "missing");
	assert_true(aps_reader_take_damage(world.reader, &place));
	assert_false(aps_reader_take_damage(world.reader, &place));
	aps_vault_damaged(world.vault, place + 4); /* of another place */
	assert_int_equal(vault_world_files(&world, "damaged", NULL), 0);
	vault_world_write(&world, "{ a }", "{\"a\":1}");
	aps_vault_damaged(world.vault, place);
	assert_kind(APS_PLACE_FILE);
	assert_int_equal(vault_world_files(&world, "Z", NULL), 1 + vault_world_files(&world, "Z-wal", NULL));
	assert_news_of_damage("damaged", "queued mutations could not be read; dead letters could not be read");
	vault_world_commit(&world);
	assert_reads("{ r7 { id t } }", "missing");
	assert_false(aps_reader_take_damage(world.reader, &place));
	vault_world_write(&world, "{ a }", "{\"a\":2}");
	vault_world_commit(&world);
	assert_reads("{ a }", "{\"a\":2}");
}

static void damage_that_a_write_meets_is_set_aside_and_the_write_is_kept(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_write_much(&world);
	vault_world_close(&world);
	vault_world_open(&world);
	damage_rows();
	vault_world_write(&world, "{ r3 { id t } }", "{\"r3\":{\"id\":\"3\",\"__typename\":\"T\",\"t\":\"new\"}}");
	vault_world_commit(&world);
	assert_kind(APS_PLACE_FILE);
	assert_true(vault_world_files(&world, "damaged", NULL) > 0);
	assert_reads("{ r3 { id t } }", "{\"r3\":{\"id\":\"3\",\"t\":\"new\",\"__typename\":\"T\"}}");
	assert_reads("{ r4 { id t } }", "missing");
}

static void a_new_file_that_is_damaged_at_once_stays_where_it_is(void **state)
{
	(void)state;
	uint64_t place;
	vault_world_open(&world);
	vault_world_write_much(&world);
	damage_rows();
	assert_reads("{ r7 { id t } }", "missing");
	assert_true(aps_reader_take_damage(world.reader, &place));
	aps_vault_damaged(world.vault, place);
	vault_world_commit(&world);
	size_t n = vault_world_files(&world, "damaged", NULL);
	aps_vault_damaged(world.vault, world.vault->place);
	assert_kind(APS_PLACE_MEMORY);
	assert_int_equal(vault_world_files(&world, "damaged", NULL), n);
	assert_int_equal(world.vault->wait_ms, 30000);
	vault_world_write(&world, "{ a }", "{\"a\":1}");
	vault_world_commit(&world);
	assert_reads("{ a }", "{\"a\":1}");
}

static void a_store_that_is_being_opened_is_not_moved(void **state)
{
	(void)state;
	write_garbage(world.path, 9000);
	assert_true(aps_process_begin_opening());
	assert_true(aps_process_begin_opening());
	vault_world_open(&world);
	assert_kind(APS_PLACE_MEMORY);
	assert_int_equal(vault_world_files(&world, "damaged", NULL), 0);
	aps_process_end_opening();
	assert_false(aps_process_begin_moving(0));
	aps_process_end_opening();
	assert_true(aps_process_begin_moving(0));
	assert_false(aps_process_begin_opening());
	assert_false(aps_process_begin_moving(0));
	assert_reads("{ a }", "missing");
	aps_process_end_moving();
	aps_vault_retry(world.vault, 0);
	assert_kind(APS_PLACE_FILE);
	assert_int_equal(vault_world_files(&world, "damaged", NULL), 1);
}

static void set_max_pages(struct aps_db *db, int n)
{
	char sql[64];
	struct aps_err err;
	snprintf(sql, sizeof sql, "PRAGMA max_page_count = %d", n);
	assert_int_equal(aps_db_exec(db, sql, &err), APS_OK);
}

#define WHOLE "{ a(x: 1) { id n } list { id n } plain deep { id n f(y: 2) } more }"

static void a_full_disk_loses_nothing_and_gets_all_of_it_later(void **state)
{
	(void)state;
	char data[70000];
	vault_world_open(&world);
	write_all(1, "");
	vault_world_write(&world, "{ kept }", "{\"kept\":1}");
	vault_world_commit(&world);
	set_max_pages(world.vault->db, 1); /* as many as there are */
	vault_world_write(&world, "{ sameTurn }", "{\"sameTurn\":1}");
	int n = snprintf(data, sizeof data, "{\"more\":\"");
	memset(data + n, 'y', 60000);
	snprintf(data + n + 60000, sizeof data - (size_t)n - 60000, "\"}");
	vault_world_write(&world, "{ more }", data);
	vault_world_commit(&world);
	assert_kind(APS_PLACE_OVER);
	assert_news("full");
	for (int round = 0; round < 3; round++) {
		assert_reads("{ kept sameTurn }", "{\"kept\":1,\"sameTurn\":1}");
		assert_int_equal(strlen(vault_world_read(&world, "{ more }")), strlen(data));
		write_all(2 + round, "");
		char expected[128];
		snprintf(expected, sizeof expected, "{\"deep\":{\"n\":%d,\"f\":%d,\"__typename\":\"T\"}}", 2 + round,
		         2 + round);
		assert_reads("{ deep { n f(y: 2) } }", expected);
		aps_vault_retry(world.vault, 0);
		assert_kind(APS_PLACE_OVER);
	}
	set_max_pages(world.vault->base, 100000);
	aps_vault_retry(world.vault, 0);
	assert_kind(APS_PLACE_FILE);
	assert_news("can be used again");
	for (int round = 0; round < 2; round++) {
		assert_reads("{ kept sameTurn plain }", "{\"kept\":1,\"sameTurn\":1,\"plain\":4}");
		assert_reads("{ deep { n f(y: 2) } }", "{\"deep\":{\"n\":4,\"f\":4,\"__typename\":\"T\"}}");
		assert_int_equal(strlen(vault_world_read(&world, "{ more }")), strlen(data));
		vault_world_close(&world);
		vault_world_open(&world);
	}
}

/* Nobody finds it to read what is in it. */
static void what_is_written_after_a_file_was_moved_is_read(void **state)
{
	(void)state;
	char other[600];
	const struct aps_err gone = {.code = APS_E_STORAGE, .word = "missing", .msg = "moved"};
	vault_world_open(&world);
	vault_world_write(&world, "{ a }", "{\"a\":1}");
	vault_world_commit(&world);
	snprintf(other, sizeof other, "%s-moved", world.path);
	assert_int_equal(rename(world.path, other), 0);
	assert_true(aps_vault_cope(world.vault, &gone));
	assert_kind(APS_PLACE_MEMORY);
	vault_world_write(&world, "{ b }", "{\"b\":2}");
	vault_world_commit(&world);
	assert_reads("{ b }", "{\"b\":2}");
	aps_vault_retry(world.vault, 0);
	assert_kind(APS_PLACE_MEMORY); /* one that is made now would be lost when it comes back */
	assert_reads("{ b }", "{\"b\":2}");
	assert_int_equal(rename(other, world.path), 0);
	aps_vault_retry(world.vault, 0);
	assert_kind(APS_PLACE_FILE);
	vault_world_write(&world, "{ c }", "{\"c\":3}");
	vault_world_commit(&world);
	assert_reads("{ c }", "{\"c\":3}");
}

static void what_lies_over_a_damaged_file_goes_with_it(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_write_much(&world);
	vault_world_close(&world); /* its log is in it then */
	vault_world_open(&world);
	const struct aps_err full = {.code = APS_E_STORAGE, .word = "full", .native = SQLITE_FULL, .msg = "full"};
	assert_true(aps_vault_cope(world.vault, &full));
	assert_kind(APS_PLACE_OVER);
	vault_world_news(&world);
	vault_world_write(&world, "{ a }", "{\"a\":1}");
	vault_world_commit(&world);
	assert_reads("{ a }", "{\"a\":1}");
	assert_kind(APS_PLACE_OVER);
	damage_rows();
	assert_reads("{ r3 { id t } }", "missing");
	uint64_t place;
	assert_true(aps_reader_take_damage(world.reader, &place));
	aps_vault_damaged(world.vault, place);
	assert_kind(APS_PLACE_FILE);
	vault_world_commit(&world);
	assert_reads("{ a }", "missing");
	vault_world_write(&world, "{ a }", "{\"a\":2}");
	vault_world_commit(&world);
	assert_reads("{ a }", "{\"a\":2}");
}

static void a_failure_of_memory_is_none_of_the_file(void **state)
{
	(void)state;
	static const struct aps_err NONE[] = {
	        {.code = APS_E_NOMEM, .msg = "out of memory"},
	        {.code = APS_E_STORAGE, .msg = "an earlier failure has rolled the transaction back"},
	        {.code = APS_E_USAGE, .msg = "misuse"},
	};
	vault_world_open(&world);
	for (size_t i = 0; i < APS_COUNTOF(NONE); i++) {
		assert_false(aps_vault_cope(world.vault, &NONE[i]));
		assert_kind(APS_PLACE_FILE);
	}
}

/* Whatever is short: what is read is one of the values that were written, and the store comes back. */
static void without_memory_a_store_moves_later_or_begins_anew(void **state)
{
	(void)state;
	for (size_t nth = 1; nth < 300; nth++) {
		char data[64], expected[64];
		struct aps_err err;
		struct aps_operation operation = vault_world_operation("{ a c }");
		vault_world_open(&world);
		vault_world_write(&world, "{ a b(x: 1) }", "{\"a\":1,\"b\":1}");
		vault_world_commit(&world);
		set_max_pages(world.vault->db, 1);
		aps_mem_fail_at(nth);
		snprintf(data, sizeof data, "{\"a\":2,\"c\":\"%040zu\"}", nth);
		const struct aps_err full = {
		        .code = APS_E_STORAGE, .word = "full", .native = SQLITE_FULL, .msg = "full"};
		if (vault_world_try_write(&world, &operation, data, &err) == APS_OK) aps_vault_cope(world.vault, &full);
		aps_vault_commit(world.vault, &err);
		aps_vault_retry(world.vault, 0);
		aps_vault_commit(world.vault, &err);
		aps_mem_fail_at(0);
		const char *text = vault_world_read(&world, "{ a }");
		if (strcmp(text, "{\"a\":1}") != 0 && strcmp(text, "{\"a\":2}") != 0)
			assert_string_equal(text, "missing");
		if (world.vault->base != NULL) set_max_pages(world.vault->base, 100000);
		if (world.vault->db != NULL) set_max_pages(world.vault->db, 100000);
		aps_vault_retry(world.vault, 0);
		assert_kind(APS_PLACE_FILE);
		aps_vault_commit(world.vault, &err);
		snprintf(data, sizeof data, "{\"a\":%zu}", nth);
		vault_world_write(&world, "{ a }", data);
		vault_world_commit(&world);
		assert_reads("{ a }", data);
		snprintf(expected, sizeof expected, "{\"b\":1}");
		text = vault_world_read(&world, "{ b(x: 1) }");
		if (strcmp(text, "missing") != 0) assert_string_equal(text, expected);
		vault_world_close(&world);
		aps_operation_clear(&operation);
		if (!aps_mem_has_failed()) break;
	}
}

static void without_memory_to_open_there_is_no_store_or_one_in_memory(void **state)
{
	(void)state;
	bool is_done = false;
	for (size_t nth = 1; !is_done; nth++) {
		struct aps_err err;
		aps_mem_fail_at(nth);
		world.vault = aps_vault_open(&world.vaults, &(struct aps_store_options){.path = world.path}, &err);
		world.partition = world.vault != NULL ? aps_partition_open(world.vault, "p", "", &world.policies,
		                                                           world.channel, &err)
		                                      : NULL;
		is_done = world.partition != NULL && aps_vault_is_available(world.vault);
		aps_mem_fail_at(0);
		if (world.vault == NULL) assert_int_equal(err.code, APS_E_NOMEM);
		if (world.vault != NULL) {
			aps_vault_commit(world.vault, &err);
			aps_vault_retry(world.vault, 0);
			assert_kind(APS_PLACE_FILE);
			aps_vault_commit(world.vault, &err);
		}
		vault_world_close(&world);
		assert_true(nth < 500);
	}
}

int main(void)
{
	struct aps_err err;
	if (aps_process_init(&err) != APS_OK) return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(what_is_made_belongs_to_its_owner_alone),
	        TEST(only_the_last_folder_of_a_path_is_made),
	        TEST(what_is_kept_in_memory_is_read_like_any_other),
	        TEST(a_file_is_tried_again_less_and_less_often),
	        TEST(what_memory_has_had_is_missing_in_the_file_and_all_else_is_there),
	        TEST(a_store_belongs_to_one_process_until_that_is_gone),
	        TEST(a_process_has_a_store_once),
	        TEST(what_is_not_ours_or_newer_is_left_as_it_is),
	        TEST(what_is_no_store_is_set_aside_whole),
	        TEST(nothing_is_set_aside_over_anything),
	        TEST(damage_that_a_reader_meets_is_set_aside_and_missing),
	        TEST(damage_that_a_write_meets_is_set_aside_and_the_write_is_kept),
	        TEST(a_new_file_that_is_damaged_at_once_stays_where_it_is),
	        TEST(a_store_that_is_being_opened_is_not_moved),
	        TEST(a_full_disk_loses_nothing_and_gets_all_of_it_later),
	        TEST(what_is_written_after_a_file_was_moved_is_read),
	        TEST(what_lies_over_a_damaged_file_goes_with_it),
	        TEST(a_failure_of_memory_is_none_of_the_file),
	        TEST(without_memory_a_store_moves_later_or_begins_anew),
	        TEST(without_memory_to_open_there_is_no_store_or_one_in_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
