/* Copied under another name beside the store, looked at there, and only then named as the store: by a link, which
 * leaves alone what somebody else has made meanwhile. */
#include "store/seed.h"

#include "base/file.h"
#include "base/mem.h"
#include "store/db_error.h"
#include "store/migrations.h"
#include "store/outbox_number.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)64 * 1024)
#define COPY_END    "-seed-XXXXXX"
#define LONGEST_END "-journal" /* of a file that SQLite has beside a database */

static char *join(const char *path, const char *end)
{
	size_t n = strlen(path) + strlen(end);
	char *text = aps_malloc(n + 1);
	if (text != NULL) snprintf(text, n + 1, "%s%s", path, end);
	return text;
}

static enum aps_rc refuse(const char *seed, const char *why, struct aps_err *err)
{
	return aps_fail_word(err, APS_E_STORAGE, "seed", 0, "the seed %s can't be used: %s", seed, why);
}

static enum aps_rc fail_file(const char *path, int code, struct aps_err *err)
{
	struct aps_db_fault fault = aps_db_fault_of(SQLITE_CANTOPEN, code);
	return aps_fail_word(err, fault.rc, fault.word, code, "the store %s can't be made from its seed (%s)", path,
	                     strerror(code));
}

/* What hasn't been moved into the file yet would be missing. */
static enum aps_rc check_log(const char *seed, struct aps_err *err)
{
	char *log = join(seed, "-wal");
	if (log == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	bool has_log = aps_db_is_there(log);
	aps_free(log);
	return has_log ? refuse(seed, "it has a write-ahead log beside it: a client has it open, or was killed", err)
	               : APS_OK;
}

static bool write_all(int to, const char *p, size_t n)
{
	while (n != 0) {
		ssize_t written = write(to, p, n);
		if (written < 0 && errno == EINTR) continue;
		if (written < 0) return false;
		p += written;
		n -= (size_t)written;
	}
	return true;
}

static enum aps_rc copy_bytes(const char *seed, int from, const char *path, int to, struct aps_err *err)
{
	char *block = aps_malloc(BLOCK_BYTES);
	enum aps_rc rc = block != NULL ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
	while (rc == APS_OK) {
		ssize_t n = read(from, block, BLOCK_BYTES);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) rc = refuse(seed, strerror(errno), err);
		if (n == 0) break;
		if (n > 0 && !write_all(to, block, (size_t)n)) rc = fail_file(path, errno, err);
	}
	aps_free(block);
	return rc;
}

/* Into a new file, whose name takes the place of the X of `copy`. */
static enum aps_rc copy(const char *seed, const char *path, char *copy, struct aps_err *err)
{
	int from = open(seed, O_RDONLY | O_CLOEXEC);
	if (from < 0) return refuse(seed, strerror(errno), err);
	int to = mkostemp(copy, O_CLOEXEC);
	enum aps_rc rc = to >= 0 ? copy_bytes(seed, from, path, to, err) : fail_file(path, errno, err);
	if (rc == APS_OK && fsync(to) != 0) rc = fail_file(path, errno, err);
	if (to >= 0) close(to);
	close(from);
	return rc;
}

/* Mutations of whoever has made it are not sent by all who are given it, and ids of an earlier copy meet nothing. */
static enum aps_rc empty_outbox(struct aps_db *db, struct aps_err *err)
{
	static const char SQL[] = "DELETE FROM outbox; DELETE FROM delivery; DELETE FROM dead_letter;"
	                          "DELETE FROM outcome; DELETE FROM id_map; DELETE FROM owner; DELETE FROM owner_copy;"
	                          "DELETE FROM patch; DELETE FROM layer; DELETE FROM counter WHERE id < -3";
	enum aps_rc rc = aps_db_begin(db, err);
	if (rc != APS_OK) return rc;
	rc = aps_db_exec(db, SQL, err);
	if (rc == APS_OK) rc = aps_outbox_draw_nonce(db, err);
	if (rc == APS_OK) return aps_db_commit(db, err);
	aps_db_rollback(db);
	return rc;
}

static enum aps_rc bring_up_to_date(const char *seed, const char *copy, struct aps_err *err)
{
	const struct aps_db_options options = {.synchronous = APS_DB_SYNC_FULL, .busy_ms = 0};
	struct aps_db *db;
	bool is_store = false;
	enum aps_rc rc = aps_db_open(copy, &options, &db, err);
	if (rc == APS_OK) rc = aps_migrations_is_store(db, &is_store, err);
	if (rc == APS_OK && is_store) rc = aps_migrations_run(db, err);
	if (rc == APS_OK && is_store) rc = empty_outbox(db, err);
	aps_db_close(db);
	if (rc == APS_OK && !is_store) return refuse(seed, "it isn't a store of this library", err);
	if (rc != APS_E_STORAGE || err->word == NULL || strcmp(err->word, "corrupt") != 0) return rc;
	return refuse(seed, "it isn't a database, or it is damaged", err);
}

/* It is the store from now on, unless another one has come meanwhile. Not everywhere are there links. */
static enum aps_rc name(const char *copy, const char *path, struct aps_err *err)
{
	if (link(copy, path) == 0 || errno == EEXIST) return APS_OK;
	if (rename(copy, path) == 0) return APS_OK;
	return fail_file(path, errno, err);
}

/* `copy` has room for the longest end: without memory nothing is left either. */
static void remove_copy(char *copy)
{
	static const char *const ENDS[] = {"-wal", "-shm", LONGEST_END, ""};
	size_t n = strlen(copy);
	for (size_t i = 0; i < APS_COUNTOF(ENDS); i++) {
		strcpy(copy + n, ENDS[i]);
		unlink(copy);
	}
}

enum aps_rc aps_seed_plant(const char *seed, const char *path, struct aps_err *err)
{
	if (aps_db_is_there(path)) return APS_OK;
	const char *unfit = aps_file_unfit(seed);
	if (unfit != NULL) return refuse(seed, unfit, err);
	enum aps_rc rc = check_log(seed, err);
	if (rc != APS_OK) return rc;
	char *beside = join(path, COPY_END LONGEST_END);
	if (beside == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	beside[strlen(path) + strlen(COPY_END)] = '\0';
	rc = copy(seed, path, beside, err);
	if (rc == APS_OK) rc = bring_up_to_date(seed, beside, err);
	if (rc == APS_OK) rc = name(beside, path, err);
	remove_copy(beside);
	aps_free(beside);
	return rc;
}
