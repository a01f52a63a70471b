/* The only SQLite code: a connection with its pragmas, a cache of prepared statements and guarded transactions.
 * One owner: a connection and its statements belong to the thread that opened it. */
#ifndef APS_STORE_DB_H
#define APS_STORE_DB_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct aps_db;
struct aps_stmt;

enum aps_db_type { APS_DB_NULL, APS_DB_INTEGER, APS_DB_FLOAT, APS_DB_TEXT, APS_DB_BLOB };

/* What a COMMIT waits for: https://www.sqlite.org/pragma.html#pragma_synchronous. With a write-ahead log a power cut
 * may take back what was committed under NORMAL, and may damage the file under OFF. X(name, SQLite's word) */
#define APS_DB_SYNC_MAP(X)                                                                                             \
	X(NORMAL, "normal")                                                                                            \
	X(FULL, "full")                                                                                                \
	X(OFF, "off")

enum aps_db_sync {
#define APS_DB_SYNC_ENUM(name, word) APS_DB_SYNC_##name,
	APS_DB_SYNC_MAP(APS_DB_SYNC_ENUM)
#undef APS_DB_SYNC_ENUM
	        APS_DB_SYNC_COUNT
};

#define APS_DB_BUSY_MS 5000

struct aps_db_options {
	bool read_only;      /* the file must be there; nothing is written to it */
	bool is_still;       /* nobody writes it: no locks are taken, and no file is made beside it. Of a reader */
	bool has_own_tables; /* none but those that its user has made: what doesn't fit them is damage. Until
	                      * the user knows that, and says aps_db_keep_log(), nothing is written */
	bool in_memory;      /* no file: all connections of this process that open the name share it */
	enum aps_db_sync synchronous; /* NORMAL where nothing else is said; a reader has no use for it */
	int busy_ms;                  /* how long another connection's lock is waited for; 0: not at all */
};

APS_BEGIN_DECLS

/* Makes the folder that a file is in, where it is the only one of its path that is missing (mode 0700). */
void aps_db_make_folder(const char *path);
/* Makes a file where there is none (mode 0600), and its folder. *real: its absolute path without links (of aps_malloc),
 * by which SQLite names what lies beside it. Errors as below. */
enum aps_rc aps_db_make_file(const char *path, char **real, struct aps_err *err);
/* Opens or creates the file (mode 0600 when created), with a write-ahead log; ":memory:" is a private database. What is
 * in memory ("/name") has no log: who writes and who reads it wait for each other; it goes with its last connection.
 * A read-only connection may stand beside one that writes, in this process or in another, and sees what that commits.
 * Errors, here and below: E_STORAGE (native: SQLite's extended code; word: "full", "readonly", "locked", "corrupt" or
 * none), E_NOMEM, E_SYSTEM (word: "descriptors"). */
enum aps_rc aps_db_open(const char *path, const struct aps_db_options *options, struct aps_db **out,
                        struct aps_err *err);
/* From now on there is a write-ahead log, where there wasn't one. */
enum aps_rc aps_db_keep_log(struct aps_db *db, struct aps_err *err);
/* Other than when it was opened: how long another connection's lock is waited for. */
void aps_db_set_patience(struct aps_db *db, int busy_ms);
/* There is a file of this name, whatever is in it. */
bool aps_db_is_there(const char *path);
/* Rolls an open transaction back. NULL is legal. */
void aps_db_close(struct aps_db *db);
/* The same for a damaged one: file and log are left as they are. */
void aps_db_abandon(struct aps_db *db);
/* Of a simulation (store/db_simulation.h): connections that were closed, and are kept. Who writes goes last, and folds
 * the log into the file. */
void aps_db_close_kept(void);
/* Rows that aren't in `db` are looked for in `base` by who knows of it (cache_store.h); borrowed, NULL: none. */
void aps_db_set_base(struct aps_db *db, struct aps_db *base);
struct aps_db *aps_db_base(const struct aps_db *db);
/* It was opened so: it ends with this process. */
bool aps_db_is_in_memory(const struct aps_db *db);
/* The database in memory of this name is "memory" in what `db` is told to do, until it is detached. */
enum aps_rc aps_db_attach_memory(struct aps_db *db, const char *name, struct aps_err *err);
void aps_db_detach_memory(struct aps_db *db);
/* Which of the processes that have the file this one is (client/claim.h), for rows that end with it; 0 until then. */
void aps_db_set_slot(struct aps_db *db, int slot);
int aps_db_slot(const struct aps_db *db);
/* Of the transactions that follow. E_USAGE in the middle of one. */
enum aps_rc aps_db_set_synchronous(struct aps_db *db, enum aps_db_sync level, struct aps_err *err);

/* Runs every statement of `sql`, rows are dropped. Here and in aps_db_prepare() BEGIN, COMMIT, SAVEPOINT and the like
 * are E_USAGE, also VACUUM, which begins one itself: transactions are what follows. */
enum aps_rc aps_db_exec(struct aps_db *db, const char *sql, struct aps_err *err);
/* Rows that the last INSERT, UPDATE or DELETE changed. */
int64_t aps_db_changes(const struct aps_db *db);

/* Transactions do not nest: a second begin, and a commit without a begin, are E_USAGE; so are both while a statement
 * has rows left. A transaction has the file's write lock from the beginning; that of a read-only connection is one view
 * of the file, whatever others commit meanwhile. */
enum aps_rc aps_db_begin(struct aps_db *db, struct aps_err *err);
/* E_USAGE leaves the transaction open, any other failure has rolled it back. */
enum aps_rc aps_db_commit(struct aps_db *db, struct aps_err *err);
/* Never fails, and resets all statements; without a transaction it does nothing. After some failures (a full disk)
 * SQLite has rolled back by itself: then every statement and the commit are E_STORAGE until this was called. */
void aps_db_rollback(struct aps_db *db);
bool aps_db_in_transaction(const struct aps_db *db);
/* Changes with what any connection commits, once a transaction of this one, or a statement alone, sees it. Its own
 * commits change it at once. */
uint32_t aps_db_version(struct aps_db *db);
/* The file that is open isn't the one of its name any more: nobody who opens that will find what is written now.
 * A read of the folder, no more. */
bool aps_db_is_moved(struct aps_db *db);

/* One statement, from the cache where it is there: reset, without bindings, owned by the connection. It stays valid
 * until APS_DB_MAX_STATEMENTS other texts were asked for; asking for the same text again resets it.
 * Empty text and more than one statement are E_USAGE. */
#define APS_DB_MAX_STATEMENTS 64
enum aps_rc aps_db_prepare(struct aps_db *db, struct aps_str sql, struct aps_stmt **out, struct aps_err *err);

/* The integer of the first row, 0 where there is none. */
enum aps_rc aps_db_read_int(struct aps_db *db, const char *sql, int64_t *value, struct aps_err *err);

/* Parameters count from 1. Text is copied. E_USAGE for a number that the statement has not. */
enum aps_rc aps_stmt_bind_null(struct aps_stmt *stmt, int index, struct aps_err *err);
enum aps_rc aps_stmt_bind_int(struct aps_stmt *stmt, int index, int64_t value, struct aps_err *err);
enum aps_rc aps_stmt_bind_float(struct aps_stmt *stmt, int index, double value, struct aps_err *err);
enum aps_rc aps_stmt_bind_text(struct aps_stmt *stmt, int index, struct aps_str value, struct aps_err *err);
/* The bytes are borrowed: they stay where they are until the statement was stepped to its end, reset or bound anew. */
enum aps_rc aps_stmt_bind_blob(struct aps_stmt *stmt, int index, struct aps_str value, struct aps_err *err);
int aps_stmt_n_params(const struct aps_stmt *stmt);

/* *has_row tells whether there is one; without one the statement was reset. A failure resets it too. */
enum aps_rc aps_stmt_step(struct aps_stmt *stmt, bool *has_row, struct aps_err *err);
void aps_stmt_reset(struct aps_stmt *stmt);

/* Columns count from 0 and are valid until the next step or reset. */
int aps_stmt_n_columns(const struct aps_stmt *stmt);
enum aps_db_type aps_stmt_column_type(const struct aps_stmt *stmt, int column);
int64_t aps_stmt_column_int(const struct aps_stmt *stmt, int column);
double aps_stmt_column_float(const struct aps_stmt *stmt, int column);
/* Text or blob, borrowed. */
struct aps_str aps_stmt_column_str(const struct aps_stmt *stmt, int column);

APS_END_DECLS

#endif
