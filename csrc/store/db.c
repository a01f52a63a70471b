#include "store/db.h"

#include "base/buf.h"
#include "base/mem.h"
#include "store/db_error.h"
#include "store/db_simulation.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct aps_stmt {
	struct aps_db *db;
	sqlite3_stmt *handle;
	char *sql;
	size_t n_sql;
	uint64_t used_at; /* tick of the last prepare; the lowest is evicted */
};

/* What begins and ends transactions, compiled once. */
enum control { BEGIN, COMMIT, ROLLBACK, N_CONTROLS };

struct aps_db {
	sqlite3 *handle;
	sqlite3_stmt *controls[N_CONTROLS]; /* NULL: not needed yet */
	struct aps_db *base;                /* see aps_db_set_base() */
	struct aps_stmt *statements[APS_DB_MAX_STATEMENTS];
	size_t n_statements;
	uint64_t tick;
	bool is_read_only;
	bool has_own_tables;
	bool is_in_memory;
	bool is_simulated; /* it is kept when it is closed */
	int slot;
	struct aps_db *next_kept;
	bool in_transaction;
	bool may_control;   /* while the guard itself begins or ends a transaction */
	bool is_committing; /* errno is what has happened since: SQLite keeps that of statements only */
};

/* Of a simulation's store, closed: db_simulation.h. */
static _Thread_local struct aps_db *first_kept;

/* A file with a version that SQLite doesn't know can be read only (https://www.sqlite.org/fileformat.html, section
 * 1.3.2). None of ours has one: the byte was damaged. */
static bool db_has_unknown_version(struct aps_db *db)
{
	sqlite3_file *file = NULL;
	unsigned char version = 0;
	if (sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK) return false;
	if (file == NULL || file->pMethods == NULL) return false;
	return file->pMethods->xRead(file, &version, 1, 18) == SQLITE_OK && version > 2;
}

/* "unable to open database file", "disk I/O error" and "not authorized" say nothing: the system's reason and ours do.
 */
static enum aps_rc db_failed(struct aps_db *db, const char *what, struct aps_err *err)
{
	int own = db->is_committing ? errno : 0;
	int code = sqlite3_extended_errcode(db->handle);
	int system = own != 0 ? own : sqlite3_system_errno(db->handle);
	bool is_of_system = system != 0 && ((code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_IOERR);
	struct aps_db_fault fault = aps_db_fault_of(code, system);
	const char *why = sqlite3_errmsg(db->handle);
	bool may_be_damage = code == SQLITE_READONLY && db->has_own_tables && !db->is_read_only;
	if (may_be_damage && db_has_unknown_version(db)) fault.word = "corrupt";
	if (fault.rc == APS_E_NOMEM) return aps_fail(err, APS_E_NOMEM, "out of memory in SQLite");
	if (fault.rc == APS_E_USAGE) why = "transactions begin and end by begin, commit and rollback only";
	if (code == SQLITE_READONLY && db->is_read_only) why = "the connection is read-only";
	return aps_fail_word(err, fault.rc, fault.word, code, "%s: %s%s%s%s", what, why, is_of_system ? " (" : "",
	                     is_of_system ? strerror(system) : "", is_of_system ? ")" : "");
}

/* The same for a statement. Where all of them are right, a table or a column that isn't there was lost, and two rows
 * with one key, or a number that is none, were one and a number. */
static enum aps_rc stmt_failed(struct aps_db *db, struct aps_err *err)
{
	struct aps_err own;
	enum aps_rc rc = db_failed(db, "SQL", &own);
	int code = (int)own.native & 0xff;
	bool is_unfit = code == SQLITE_ERROR || code == SQLITE_MISMATCH ||
	                (code == SQLITE_CONSTRAINT && own.native != SQLITE_CONSTRAINT_TRIGGER);
	if (rc == APS_E_STORAGE && db->has_own_tables && is_unfit) own.word = "corrupt";
	if (err != NULL) *err = own;
	return rc;
}

/* Called when a statement is compiled: https://www.sqlite.org/c3ref/set_authorizer.html */
static int db_authorize(void *context, int action, const char *a, const char *b, const char *c, const char *d)
{
	const struct aps_db *db = context;
	(void)a, (void)b, (void)c, (void)d;
	bool is_control = action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT;
	return is_control && !db->may_control ? SQLITE_DENY : SQLITE_OK;
}

/* errno of why the file can't be used, 0 when it can. SQLite creates files with the umask's mode; data of an
 * application is nobody else's business. A file that is there isn't opened: closing it would drop the locks that
 * another connection of this process has on it (fcntl(2), "Advisory record locking"). */
static int find_obstacle(const char *path, bool read_only)
{
	struct stat found;
	if (strcmp(path, ":memory:") == 0) return 0;
	if (read_only || stat(path, &found) == 0)
		return faccessat(AT_FDCWD, path, read_only ? R_OK : R_OK | W_OK, AT_EACCESS) == 0 ? 0 : errno;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) return errno;
	close(fd);
	return 0;
}

static enum aps_rc check_path(const char *path, bool read_only, struct aps_err *err)
{
	int obstacle = find_obstacle(path, read_only);
	if (obstacle == 0) return APS_OK;
	struct aps_db_fault fault = aps_db_fault_of(SQLITE_CANTOPEN, obstacle);
	bool has_word = !read_only || fault.rc != APS_E_STORAGE; /* a reader isn't kept from writing */
	return aps_fail_word(err, fault.rc, has_word ? fault.word : NULL, SQLITE_CANTOPEN,
	                     "cannot open the store: unable to open database file (%s)", strerror(obstacle));
}

/* Only the last folder of the path is made: where more is missing, the path is more likely wrong. */
void aps_db_make_folder(const char *path)
{
	struct stat found;
	const char *slash = strrchr(path, '/');
	char *folder = slash != NULL && slash != path ? aps_strndup(path, (size_t)(slash - path)) : NULL;
	if (folder != NULL && stat(folder, &found) != 0) (void)mkdir(folder, 0700);
	aps_free(folder);
}

enum aps_rc aps_db_make_file(const char *path, char **real, struct aps_err *err)
{
	aps_db_make_folder(path);
	*real = NULL;
	enum aps_rc rc = check_path(path, false, err);
	if (rc != APS_OK) return rc;
	char *resolved = realpath(path, NULL);
	*real = resolved != NULL ? aps_strndup(resolved, strlen(resolved)) : aps_strndup(path, strlen(path));
	free(resolved);
	return *real != NULL ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
}

static const char *sync_word(enum aps_db_sync level)
{
	static const char *const words[] = {
#define SYNC_WORD(name, word) word,
	        APS_DB_SYNC_MAP(SYNC_WORD)
#undef SYNC_WORD
	};
	return words[level];
}

enum aps_rc aps_db_set_synchronous(struct aps_db *db, enum aps_db_sync level, struct aps_err *err)
{
	char sql[40];
	if (db->in_transaction) return aps_fail(err, APS_E_USAGE, "a transaction keeps its level of synchronous");
	snprintf(sql, sizeof(sql), "PRAGMA synchronous = %s", sync_word(level));
	return aps_db_exec(db, sql, err);
}

/* The last connection of a file folds its log into it and removes it, by its name: never one that only reads, for by
 * then the name may be another store's. */
static void leave_log(struct aps_db *db)
{
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

/* Whether pages can be given back (store/db_space.h) is settled before anything is written to a new file; said of an
 * old one it would be a write. */
static enum aps_rc settle_new_file(struct aps_db *db, struct aps_err *err)
{
	static const char SMALL[] =
	        "PRAGMA page_size = 1024; PRAGMA auto_vacuum = INCREMENTAL"; /* few rows, much log */
	const char *sql = db->is_simulated ? SMALL : "PRAGMA auto_vacuum = INCREMENTAL";
	int64_t n_pages;
	enum aps_rc rc = aps_db_read_int(db, "PRAGMA page_count", &n_pages, err);
	return rc == APS_OK && n_pages == 0 ? aps_db_exec(db, sql, err) : rc;
}

/* SQLite opens a file when it is read first: a reader does that at once, to tell what is wrong with it. What is deleted
 * is overwritten where that costs no further write (https://www.sqlite.org/pragma.html#pragma_secure_delete). */
static enum aps_rc db_configure(struct aps_db *db, const struct aps_db_options *options, struct aps_err *err)
{
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, options->busy_ms);
	sqlite3_set_authorizer(db->handle, db_authorize, db);
	if (options->read_only) leave_log(db);
	if (options->read_only) return aps_db_exec(db, "PRAGMA cell_size_check = ON; PRAGMA schema_version", err);
	static const char PRAGMAS[] =
	        "PRAGMA cell_size_check = ON; PRAGMA secure_delete = FAST; PRAGMA foreign_keys = ON";
	enum aps_rc rc = aps_db_exec(db, PRAGMAS, err);
	if (rc == APS_OK) rc = settle_new_file(db, err);
	if (rc == APS_OK && !options->has_own_tables) rc = aps_db_keep_log(db, err);
	return rc == APS_OK ? aps_db_set_synchronous(db, options->synchronous, err) : rc;
}

enum aps_rc aps_db_keep_log(struct aps_db *db, struct aps_err *err)
{
	return aps_db_exec(db, "PRAGMA journal_mode = WAL", err);
}

/* https://www.sqlite.org/uri.html */
static void add_uri(struct aps_buf *uri, const char *path)
{
	aps_buf_add_text(uri, path[0] == '/' ? "file://" : "file:");
	for (; *path != '\0'; path++) {
		if (strchr("%?#", *path) != NULL)
			aps_buf_addf(uri, "%%%02X", (unsigned char)*path);
		else
			aps_buf_add_byte(uri, *path);
	}
	aps_buf_add_text(uri, "?immutable=1");
}

static int open_handle(const char *path, const struct aps_db_options *options, sqlite3 **handle)
{
	int flags = options->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	/* https://www.sqlite.org/inmemorydb.html */
	const char *vfs = options->in_memory ? "memdb" : aps_db_simulation_vfs(path);
	bool is_simulated = vfs != NULL && !options->in_memory; /* its log isn't where the path is */
	struct aps_buf uri;
	if (path[0] == '/') flags |= SQLITE_OPEN_URI; /* of what is attached: such a path is none itself */
	if (!options->is_still || is_simulated) return sqlite3_open_v2(path, handle, flags | SQLITE_OPEN_NOMUTEX, vfs);
	aps_buf_init(&uri, APS_BUF_ANY_SIZE);
	add_uri(&uri, path);
	flags |= SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
	int code = uri.rc == APS_OK ? sqlite3_open_v2(uri.p, handle, flags, vfs) : SQLITE_NOMEM;
	aps_buf_clear(&uri);
	return code;
}

/* Back from those that are kept; NULL: there is none like it. */
static struct aps_db *take_kept(const char *path, const struct aps_db_options *options)
{
	struct aps_db **at = &first_kept;
	if (options->in_memory || aps_db_simulation_vfs(path) == NULL) return NULL;
	while (*at != NULL &&
	       ((*at)->is_read_only != options->read_only || (*at)->has_own_tables != options->has_own_tables))
		at = &(*at)->next_kept;
	struct aps_db *db = *at;
	if (db == NULL) return NULL;
	*at = db->next_kept;
	db->next_kept = NULL;
	sqlite3_busy_timeout(db->handle, options->busy_ms);
	return db;
}

enum aps_rc aps_db_open(const char *path, const struct aps_db_options *options, struct aps_db **out,
                        struct aps_err *err)
{
	*out = NULL;
	enum aps_rc rc = options->in_memory ? APS_OK : check_path(path, options->read_only, err);
	if (rc != APS_OK) return rc;
	if ((*out = take_kept(path, options)) != NULL)
		return options->read_only ? APS_OK : aps_db_set_synchronous(*out, options->synchronous, err);
	struct aps_db *db = aps_calloc(1, sizeof(*db));
	if (db == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	db->is_read_only = options->read_only;
	db->has_own_tables = options->has_own_tables;
	db->is_in_memory = options->in_memory;
	db->is_simulated = !options->in_memory && aps_db_simulation_vfs(path) != NULL;
	if (open_handle(path, options, &db->handle) == SQLITE_OK)
		rc = db_configure(db, options, err);
	else if (db->handle == NULL)
		rc = aps_fail(err, APS_E_NOMEM, "out of memory in SQLite");
	else
		rc = db_failed(db, "cannot open the store", err);
	if (rc != APS_OK) {
		aps_db_abandon(db);
		return rc;
	}
	*out = db;
	return APS_OK;
}

void aps_db_set_patience(struct aps_db *db, int busy_ms)
{
	sqlite3_busy_timeout(db->handle, busy_ms);
}

bool aps_db_is_there(const char *path)
{
	struct stat found;
	return stat(path, &found) == 0;
}

static void stmt_free(struct aps_stmt *stmt)
{
	if (stmt == NULL) return;
	sqlite3_finalize(stmt->handle);
	aps_free(stmt->sql);
	aps_free(stmt);
}

/* False: something is still under way in it, or attached to it. */
static bool keep(struct aps_db *db)
{
	if (!db->is_simulated) return false;
	for (size_t i = 0; i < db->n_statements; i++) aps_stmt_reset(db->statements[i]);
	aps_db_rollback(db);
	if (!sqlite3_get_autocommit(db->handle) || sqlite3_db_filename(db->handle, "memory") != NULL) return false;
	db->base = NULL;
	db->next_kept = first_kept;
	first_kept = db;
	return true;
}

void aps_db_close_kept(void)
{
	for (int is_read_only = 1; is_read_only >= 0; is_read_only--) {
		struct aps_db **at = &first_kept;
		while (*at != NULL) {
			struct aps_db *db = *at;
			if (db->is_read_only != (bool)is_read_only) {
				at = &db->next_kept;
				continue;
			}
			*at = db->next_kept;
			db->is_simulated = false;
			aps_db_close(db);
		}
	}
}

void aps_db_close(struct aps_db *db)
{
	if (db == NULL || keep(db)) return;
	for (size_t i = 0; i < db->n_statements; i++) stmt_free(db->statements[i]);
	db->n_statements = 0;
	if (db->handle != NULL) aps_db_rollback(db);
	for (int i = 0; i < N_CONTROLS; i++) sqlite3_finalize(db->controls[i]);
	sqlite3_close_v2(db->handle);
	aps_free(db);
}

void aps_db_abandon(struct aps_db *db)
{
	if (db != NULL && db->handle != NULL) {
		leave_log(db);
		db->is_simulated = false;
	}
	aps_db_close(db);
}

void aps_db_set_base(struct aps_db *db, struct aps_db *base)
{
	db->base = base;
}

struct aps_db *aps_db_base(const struct aps_db *db)
{
	return db->base;
}

void aps_db_set_slot(struct aps_db *db, int slot)
{
	db->slot = slot;
}

int aps_db_slot(const struct aps_db *db)
{
	return db->slot;
}

bool aps_db_is_in_memory(const struct aps_db *db)
{
	return db->is_in_memory;
}

static enum aps_rc db_run(struct aps_db *db, const char *sql, struct aps_err *err)
{
	if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK) return db_failed(db, "SQL", err);
	return APS_OK;
}

static enum aps_rc db_compile_control(struct aps_db *db, enum control which, struct aps_err *err)
{
	static const char *const SQL[N_CONTROLS] = {
	        [BEGIN] = "BEGIN IMMEDIATE", [COMMIT] = "COMMIT", [ROLLBACK] = "ROLLBACK"};
	sqlite3_stmt **handle = &db->controls[which];
	db->may_control = true;
	int code = sqlite3_prepare_v3(db->handle, SQL[which], -1, SQLITE_PREPARE_PERSISTENT, handle, NULL);
	db->may_control = false;
	return code == SQLITE_OK ? APS_OK : db_failed(db, "SQL", err);
}

/* Where the schema has changed it is compiled again, which asks db_authorize() again. */
static enum aps_rc db_control(struct aps_db *db, enum control which, struct aps_err *err)
{
	enum aps_rc rc = db->controls[which] == NULL ? db_compile_control(db, which, err) : APS_OK;
	if (rc != APS_OK) return rc;
	db->may_control = true;
	bool is_done = sqlite3_step(db->controls[which]) == SQLITE_DONE;
	db->may_control = false;
	if (!is_done) rc = db_failed(db, "SQL", err);
	sqlite3_reset(db->controls[which]);
	return rc;
}

/* No statement runs while SQLite and the guard disagree, else each would be a transaction of its own: SQLite rolls back
 * by itself after some failures (https://www.sqlite.org/lang_transaction.html, section 3), and to roll back takes
 * memory. */
static enum aps_rc db_check_guard(struct aps_db *db, struct aps_err *err)
{
	bool is_open = !sqlite3_get_autocommit(db->handle);
	if (is_open == db->in_transaction) return APS_OK;
	if (is_open) return db_control(db, ROLLBACK, err);
	return aps_fail(err, APS_E_STORAGE, "an earlier failure has rolled the transaction back");
}

enum aps_rc aps_db_exec(struct aps_db *db, const char *sql, struct aps_err *err)
{
	enum aps_rc rc = db_check_guard(db, err);
	return rc == APS_OK ? db_run(db, sql, err) : rc;
}

/* Its name is one of ours: nothing in it has to be escaped. */
enum aps_rc aps_db_attach_memory(struct aps_db *db, const char *name, struct aps_err *err)
{
	char sql[128];
	snprintf(sql, sizeof sql, "ATTACH 'file:%s?vfs=memdb' AS memory", name);
	return aps_db_exec(db, sql, err);
}

void aps_db_detach_memory(struct aps_db *db)
{
	(void)aps_db_exec(db, "DETACH memory", NULL);
}

int64_t aps_db_changes(const struct aps_db *db)
{
	return sqlite3_changes(db->handle);
}

static enum aps_rc db_check_statements(const struct aps_db *db, struct aps_err *err)
{
	for (size_t i = 0; i < db->n_statements; i++)
		if (sqlite3_stmt_busy(db->statements[i]->handle))
			return aps_fail(err, APS_E_USAGE, "a statement has rows left: step it to the end or reset it");
	return APS_OK;
}

enum aps_rc aps_db_begin(struct aps_db *db, struct aps_err *err)
{
	if (db->in_transaction) return aps_fail(err, APS_E_USAGE, "a transaction is open already");
	enum aps_rc rc = db_check_guard(db, err);
	if (rc == APS_OK) rc = db_check_statements(db, err);
	if (rc == APS_OK) rc = db_control(db, BEGIN, err);
	db->in_transaction = rc == APS_OK;
	return rc;
}

enum aps_rc aps_db_commit(struct aps_db *db, struct aps_err *err)
{
	if (!db->in_transaction) return aps_fail(err, APS_E_USAGE, "no transaction is open");
	enum aps_rc rc = db_check_statements(db, err);
	if (rc != APS_OK) return rc;
	rc = db_check_guard(db, err);
	db->is_committing = true;
	errno = 0;
	if (rc == APS_OK) rc = db_control(db, COMMIT, err);
	db->is_committing = false;
	if (rc == APS_OK)
		db->in_transaction = false;
	else
		aps_db_rollback(db);
	return rc;
}

void aps_db_rollback(struct aps_db *db)
{
	if (!db->in_transaction) return;
	for (size_t i = 0; i < db->n_statements; i++) aps_stmt_reset(db->statements[i]);
	if (!sqlite3_get_autocommit(db->handle)) (void)db_control(db, ROLLBACK, NULL);
	db->in_transaction = false;
}

bool aps_db_in_transaction(const struct aps_db *db)
{
	return db->in_transaction;
}

/* https://www.sqlite.org/c3ref/c_fcntl_begin_atomic_write.html, SQLITE_FCNTL_DATA_VERSION */
uint32_t aps_db_version(struct aps_db *db)
{
	unsigned version = 0;
	(void)sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_DATA_VERSION, &version);
	return version;
}

bool aps_db_is_moved(struct aps_db *db)
{
	int is_moved = 0;
	return sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &is_moved) == SQLITE_OK &&
	       is_moved != 0;
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
		rc = stmt_failed(db, err);
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
	return bound(stmt, index, sqlite3_bind_blob64(stmt->handle, index, p, value.n, SQLITE_STATIC), err);
}

int aps_stmt_n_params(const struct aps_stmt *stmt)
{
	return sqlite3_bind_parameter_count(stmt->handle);
}

enum aps_rc aps_stmt_step(struct aps_stmt *stmt, bool *has_row, struct aps_err *err)
{
	*has_row = false;
	enum aps_rc rc = db_check_guard(stmt->db, err);
	int code = rc == APS_OK ? sqlite3_step(stmt->handle) : SQLITE_OK;
	*has_row = code == SQLITE_ROW;
	if (*has_row) return APS_OK;
	if (rc == APS_OK && code != SQLITE_DONE) rc = stmt_failed(stmt->db, err);
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

enum aps_rc aps_db_read_int(struct aps_db *db, const char *sql, int64_t *value, struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row = false;
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(sql), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &has_row, err);
	*value = rc == APS_OK && has_row ? aps_stmt_column_int(stmt, 0) : 0;
	if (rc == APS_OK) aps_stmt_reset(stmt);
	return rc;
}
