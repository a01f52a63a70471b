#include "store/db.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DB_BUSY_TIMEOUT_MS 5000

struct aps_stmt {
	struct aps_db *db;
	sqlite3_stmt *handle;
	char *sql;
	size_t n_sql;
	uint64_t used_at; /* tick of the last prepare; the lowest is evicted */
};

struct aps_db {
	sqlite3 *handle;
	struct aps_stmt *statements[APS_DB_MAX_STATEMENTS];
	size_t n_statements;
	uint64_t tick;
	bool in_transaction;
};

/* SQLite tells a disk that is full apart only where it writes a page: a file of shared memory that can't grow is an I/O
 * error to it, and one that can't be made isn't to be opened. */
static bool has_no_space(struct aps_db *db, int code)
{
	if (code == SQLITE_FULL) return true;
	int system = sqlite3_system_errno(db->handle);
	return (code == SQLITE_IOERR || code == SQLITE_CANTOPEN) &&
	       (system == ENOSPC || system == EDQUOT || system == EFBIG);
}

/* The words of the errors of kind "storage". */
static const char *word_of(struct aps_db *db, int code)
{
	if (has_no_space(db, code)) return "full";
	switch (code) {
	case SQLITE_READONLY: return "readonly";
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return "locked";
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return "corrupt";
	default: return NULL;
	}
}

static enum aps_rc db_failed(struct aps_db *db, const char *what, struct aps_err *err)
{
	int code = sqlite3_extended_errcode(db->handle);
	if ((code & 0xff) == SQLITE_NOMEM) return aps_fail(err, APS_E_NOMEM, "out of memory in SQLite");
	return aps_fail_word(err, APS_E_STORAGE, word_of(db, code & 0xff), code, "%s: %s", what,
	                     sqlite3_errmsg(db->handle));
}

/* SQLite creates files with the umask's mode; data of an application is nobody else's business. */
static int db_create_private(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) return errno;
	close(fd);
	return 0;
}

/* "unable to open database file": the system's reason is the one that we met before SQLite. */
static void explain_open(int code, struct aps_err *err)
{
	if (code == 0 || (err->native & 0xff) != SQLITE_CANTOPEN) return;
	err->word = code == ENOSPC || code == EDQUOT                   ? "full"
	            : code == EROFS || code == EACCES || code == EPERM ? "readonly"
	                                                               : NULL;
	size_t n = strlen(err->msg);
	snprintf(err->msg + n, sizeof(err->msg) - n, " (%s)", strerror(code));
}

enum aps_rc aps_db_open(const char *path, struct aps_db **out, struct aps_err *err)
{
	return aps_db_open_within(path, DB_BUSY_TIMEOUT_MS, out, err);
}

enum aps_rc aps_db_open_within(const char *path, int busy_ms, struct aps_db **out, struct aps_err *err)
{
	bool in_memory = strcmp(path, ":memory:") == 0;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	enum aps_rc rc = APS_OK;
	*out = NULL;
	struct aps_db *db = aps_calloc(1, sizeof(*db));
	if (db == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	int create_errno = in_memory ? 0 : db_create_private(path);
	if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
		rc = db->handle == NULL ? aps_fail(err, APS_E_NOMEM, "out of memory in SQLite")
		                        : db_failed(db, "cannot open the store", err);
		goto failed;
	}
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, busy_ms);
	rc = aps_db_exec(db, "PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", err);
	if (rc != APS_OK) goto failed;
	*out = db;
	return APS_OK;
failed:
	if (err != NULL && rc == APS_E_STORAGE) explain_open(create_errno, err);
	aps_db_close(db);
	return rc;
}

static void stmt_free(struct aps_stmt *stmt)
{
	if (stmt == NULL) return;
	sqlite3_finalize(stmt->handle);
	aps_free(stmt->sql);
	aps_free(stmt);
}

void aps_db_close(struct aps_db *db)
{
	if (db == NULL) return;
	for (size_t i = 0; i < db->n_statements; i++) stmt_free(db->statements[i]);
	db->n_statements = 0;
	if (db->handle != NULL) aps_db_rollback(db);
	sqlite3_close_v2(db->handle);
	aps_free(db);
}

enum aps_rc aps_db_exec(struct aps_db *db, const char *sql, struct aps_err *err)
{
	if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK) return db_failed(db, "SQL", err);
	return APS_OK;
}

int64_t aps_db_changes(const struct aps_db *db)
{
	return sqlite3_changes(db->handle);
}

enum aps_rc aps_db_begin(struct aps_db *db, struct aps_err *err)
{
	if (db->in_transaction) return aps_fail(err, APS_E_USAGE, "a transaction is open already");
	enum aps_rc rc = aps_db_exec(db, "BEGIN IMMEDIATE", err);
	db->in_transaction = rc == APS_OK;
	return rc;
}

enum aps_rc aps_db_commit(struct aps_db *db, struct aps_err *err)
{
	if (!db->in_transaction) return aps_fail(err, APS_E_USAGE, "no transaction is open");
	enum aps_rc rc = aps_db_exec(db, "COMMIT", err);
	if (rc == APS_OK)
		db->in_transaction = false;
	else
		aps_db_rollback(db);
	return rc;
}

void aps_db_rollback(struct aps_db *db)
{
	/* Some failures (disk full, I/O) make SQLite roll back by itself. */
	if (db->in_transaction && !sqlite3_get_autocommit(db->handle))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	db->in_transaction = false;
}

bool aps_db_in_transaction(const struct aps_db *db)
{
	return db->in_transaction;
}

static struct aps_stmt *db_find_cached(struct aps_db *db, struct aps_str sql)
{
	for (size_t i = 0; i < db->n_statements; i++) {
		struct aps_stmt *stmt = db->statements[i];
		if (stmt->n_sql == sql.n && memcmp(stmt->sql, sql.p, sql.n) == 0) return stmt;
	}
	return NULL;
}

/* The slot for a new statement; the least recently asked-for one makes room. */
static size_t db_free_slot(struct aps_db *db)
{
	if (db->n_statements < APS_DB_MAX_STATEMENTS) return db->n_statements++;
	size_t oldest = 0;
	for (size_t i = 1; i < db->n_statements; i++)
		if (db->statements[i]->used_at < db->statements[oldest]->used_at) oldest = i;
	stmt_free(db->statements[oldest]);
	return oldest;
}

static bool only_space(const char *p)
{
	return p[strspn(p, " \t\r\n;")] == '\0';
}

static enum aps_rc db_compile(struct aps_db *db, struct aps_str sql, struct aps_stmt **out, struct aps_err *err)
{
	const char *tail = NULL;
	enum aps_rc rc = APS_OK;
	struct aps_stmt *stmt = aps_calloc(1, sizeof(*stmt));
	if (stmt == NULL || (stmt->sql = aps_strndup(sql.p, sql.n)) == NULL) {
		rc = aps_fail(err, APS_E_NOMEM, "out of memory");
	} else if (sqlite3_prepare_v3(db->handle, stmt->sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt->handle, &tail) !=
	           SQLITE_OK) {
		rc = db_failed(db, "SQL", err);
	} else if (stmt->handle == NULL) {
		rc = aps_fail(err, APS_E_USAGE, "the SQL text is empty");
	} else if (!only_space(tail)) {
		rc = aps_fail(err, APS_E_USAGE, "more than one SQL statement");
	}
	if (rc != APS_OK) {
		stmt_free(stmt);
		return rc;
	}
	stmt->db = db;
	stmt->n_sql = sql.n;
	*out = stmt;
	return APS_OK;
}

enum aps_rc aps_db_prepare(struct aps_db *db, struct aps_str sql, struct aps_stmt **out, struct aps_err *err)
{
	*out = NULL;
	struct aps_stmt *stmt = db_find_cached(db, sql);
	if (stmt == NULL) {
		enum aps_rc rc = db_compile(db, sql, &stmt, err);
		if (rc != APS_OK) return rc;
		db->statements[db_free_slot(db)] = stmt;
	}
	stmt->used_at = ++db->tick;
	aps_stmt_reset(stmt);
	sqlite3_clear_bindings(stmt->handle);
	*out = stmt;
	return APS_OK;
}

static enum aps_rc bound(struct aps_stmt *stmt, int index, int code, struct aps_err *err)
{
	if (code == SQLITE_OK) return APS_OK;
	if (code == SQLITE_RANGE) return aps_fail(err, APS_E_USAGE, "the statement has no parameter %d", index);
	return db_failed(stmt->db, "binding", err);
}

enum aps_rc aps_stmt_bind_null(struct aps_stmt *stmt, int index, struct aps_err *err)
{
	return bound(stmt, index, sqlite3_bind_null(stmt->handle, index), err);
}

enum aps_rc aps_stmt_bind_int(struct aps_stmt *stmt, int index, int64_t value, struct aps_err *err)
{
	return bound(stmt, index, sqlite3_bind_int64(stmt->handle, index, value), err);
}

enum aps_rc aps_stmt_bind_float(struct aps_stmt *stmt, int index, double value, struct aps_err *err)
{
	return bound(stmt, index, sqlite3_bind_double(stmt->handle, index, value), err);
}

/* A NULL pointer would bind NULL: an empty value keeps its type. */
enum aps_rc aps_stmt_bind_text(struct aps_stmt *stmt, int index, struct aps_str value, struct aps_err *err)
{
	const char *p = value.n == 0 ? "" : value.p;
	return bound(stmt, index, sqlite3_bind_text64(stmt->handle, index, p, value.n, SQLITE_TRANSIENT, SQLITE_UTF8),
	             err);
}

enum aps_rc aps_stmt_bind_blob(struct aps_stmt *stmt, int index, struct aps_str value, struct aps_err *err)
{
	const char *p = value.n == 0 ? "" : value.p;
	return bound(stmt, index, sqlite3_bind_blob64(stmt->handle, index, p, value.n, SQLITE_TRANSIENT), err);
}

int aps_stmt_n_params(const struct aps_stmt *stmt)
{
	return sqlite3_bind_parameter_count(stmt->handle);
}

enum aps_rc aps_stmt_step(struct aps_stmt *stmt, bool *has_row, struct aps_err *err)
{
	int code = sqlite3_step(stmt->handle);
	*has_row = code == SQLITE_ROW;
	if (*has_row) return APS_OK;
	enum aps_rc rc = code == SQLITE_DONE ? APS_OK : db_failed(stmt->db, "SQL", err);
	aps_stmt_reset(stmt);
	return rc;
}

void aps_stmt_reset(struct aps_stmt *stmt)
{
	sqlite3_reset(stmt->handle);
}

int aps_stmt_n_columns(const struct aps_stmt *stmt)
{
	return sqlite3_column_count(stmt->handle);
}

enum aps_db_type aps_stmt_column_type(const struct aps_stmt *stmt, int column)
{
	switch (sqlite3_column_type(stmt->handle, column)) {
	case SQLITE_INTEGER: return APS_DB_INTEGER;
	case SQLITE_FLOAT: return APS_DB_FLOAT;
	case SQLITE_TEXT: return APS_DB_TEXT;
	case SQLITE_BLOB: return APS_DB_BLOB;
	default: return APS_DB_NULL;
	}
}

int64_t aps_stmt_column_int(const struct aps_stmt *stmt, int column)
{
	return sqlite3_column_int64(stmt->handle, column);
}

double aps_stmt_column_float(const struct aps_stmt *stmt, int column)
{
	return sqlite3_column_double(stmt->handle, column);
}

struct aps_str aps_stmt_column_str(const struct aps_stmt *stmt, int column)
{
	const char *p = sqlite3_column_blob(stmt->handle, column);
	int n = sqlite3_column_bytes(stmt->handle, column);
	return (struct aps_str){p == NULL ? "" : p, n > 0 ? (size_t)n : 0};
}
