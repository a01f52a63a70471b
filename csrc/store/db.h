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

APS_BEGIN_DECLS

/* Opens or creates the file (mode 0600 when created), with a write-ahead log; ":memory:" is a private database.
 * E_STORAGE (native: SQLite's extended code; word: "full", "readonly", "locked", "corrupt" or none), E_NOMEM. */
enum aps_rc aps_db_open(const char *path, struct aps_db **out, struct aps_err *err);
/* The same, waiting at most so long for another process that has the file locked; aps_db_open() waits 5 s. */
enum aps_rc aps_db_open_within(const char *path, int busy_ms, struct aps_db **out, struct aps_err *err);
/* Rolls an open transaction back. NULL is legal. */
void aps_db_close(struct aps_db *db);

/* Runs every statement of `sql`, rows are dropped. */
enum aps_rc aps_db_exec(struct aps_db *db, const char *sql, struct aps_err *err);
/* Rows that the last INSERT, UPDATE or DELETE changed. */
int64_t aps_db_changes(const struct aps_db *db);

/* Transactions do not nest: a second begin, and an end without a begin, are E_USAGE. */
enum aps_rc aps_db_begin(struct aps_db *db, struct aps_err *err);
enum aps_rc aps_db_commit(struct aps_db *db, struct aps_err *err);
/* Never fails; without a transaction it does nothing. */
void aps_db_rollback(struct aps_db *db);
bool aps_db_in_transaction(const struct aps_db *db);

/* One statement, from the cache where it is there: reset, without bindings, owned by the connection. It stays valid
 * until APS_DB_MAX_STATEMENTS other texts were asked for; asking for the same text again resets it.
 * Empty text and more than one statement are E_USAGE. */
#define APS_DB_MAX_STATEMENTS 64
enum aps_rc aps_db_prepare(struct aps_db *db, struct aps_str sql, struct aps_stmt **out, struct aps_err *err);

/* Parameters count from 1. Text and blobs are copied. E_USAGE for a number that the statement has not. */
enum aps_rc aps_stmt_bind_null(struct aps_stmt *stmt, int index, struct aps_err *err);
enum aps_rc aps_stmt_bind_int(struct aps_stmt *stmt, int index, int64_t value, struct aps_err *err);
enum aps_rc aps_stmt_bind_float(struct aps_stmt *stmt, int index, double value, struct aps_err *err);
enum aps_rc aps_stmt_bind_text(struct aps_stmt *stmt, int index, struct aps_str value, struct aps_err *err);
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
