/* Databases in memory and in a folder of their own, for the tests of the store. */
#ifndef APS_SPEC_DB_FIXTURE_H
#define APS_SPEC_DB_FIXTURE_H

#include "base/mem.h"
#include "store/db.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct aps_db_options db_defaults = {.busy_ms = APS_DB_BUSY_MS};
static const struct aps_db_options db_hasty = {.busy_ms = 0};
static const struct aps_db_options db_reading = {.read_only = true};

struct db_place {
	char folder[32];
	char path[48];
};

static inline APS_UNUSED void db_place_make(struct db_place *place)
{
	strcpy(place->folder, "/tmp/aps_db_XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	snprintf(place->path, sizeof(place->path), "%s/x.db", place->folder);
}

static inline APS_UNUSED void db_place_remove(struct db_place *place)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	char path[64];
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", place->path, suffixes[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(place->folder), 0);
}

static inline APS_UNUSED struct aps_db *db_open_as(const char *path, const struct aps_db_options *options)
{
	struct aps_db *db = NULL;
	struct aps_err err = {0};
	if (aps_db_open(path, options, &db, &err) != APS_OK) fail_msg("%s: %s", path, err.msg);
	return db;
}

static inline APS_UNUSED struct aps_db *db_open_memory(void)
{
	return db_open_as(":memory:", &db_defaults);
}

static inline APS_UNUSED void db_do(struct aps_db *db, const char *sql)
{
	struct aps_err err = {0};
	if (aps_db_exec(db, sql, &err) != APS_OK) fail_msg("%s: %s", sql, err.msg);
}

static inline APS_UNUSED struct aps_stmt *db_statement(struct aps_db *db, const char *sql)
{
	struct aps_stmt *stmt = NULL;
	struct aps_err err = {0};
	if (aps_db_prepare(db, aps_str_of(sql), &stmt, &err) != APS_OK) fail_msg("%s: %s", sql, err.msg);
	return stmt;
}

static inline APS_UNUSED int64_t db_int(struct aps_db *db, const char *sql)
{
	struct aps_err err = {0};
	int64_t value;
	assert_int_equal(aps_db_read_int(db, sql, &value, &err), APS_OK);
	return value;
}

/* As another process does that reads the log which one has left behind: the shared memory is empty, and locked like
 * this (https://www.sqlite.org/walformat.html, "WAL Locks"; byte 128 says that somebody has it). */
static inline APS_UNUSED pid_t db_begin_repair(const char *path)
{
	char name[64], byte;
	int ready[2];
	snprintf(name, sizeof name, "%s-shm", path);
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 120, .l_len = 3};
		struct flock there = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 128, .l_len = 1};
		int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
		bool is_locked = fd >= 0 && ftruncate(fd, 32768) == 0 && fcntl(fd, F_SETLK, &lock) == 0 &&
		                 fcntl(fd, F_SETLK, &there) == 0;
		if (!is_locked || write(ready[1], "y", 1) != 1) _exit(1);
		for (;;) pause();
	}
	assert_true(child > 0);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

#endif
