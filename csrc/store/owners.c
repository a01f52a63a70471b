#include "store/owners.h"

#include "store/entry_id.h"
#include "store/outbox_counts.h"
#include "store/query.h"
#include "store/row_sum.h"
#include "store/row_texts.h"

void aps_owner_init(struct aps_owner *owner)
{
	*owner = (struct aps_owner){.id = 0};
	aps_buf_init(&owner->texts, APS_BUF_ANY_SIZE);
}

void aps_owner_clear(struct aps_owner *owner)
{
	aps_buf_clear(&owner->texts);
	owner->id = 0;
}

int64_t aps_owners_sum(int64_t id, struct aps_str prefix, struct aps_str identity)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_row_sum_add_int(&sum, (uint64_t)id);
	aps_row_sum_add(&sum, prefix);
	aps_row_sum_add(&sum, identity);
	return aps_row_sum_value(&sum);
}

int64_t aps_owners_mark(int64_t id)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_row_sum_add_int(&sum, (uint64_t)id);
	return aps_row_sum_value(&sum);
}

static enum aps_rc find_by(struct aps_db *db, const char *sql, struct aps_str prefix, struct aps_str identity,
                           int64_t *id, struct aps_err *err)
{
	struct aps_query query;
	bool is_whole = true;
	*id = 0;
	aps_query_init(&query, db, sql, err);
	aps_query_text(&query, prefix);
	aps_query_text(&query, identity);
	if (aps_query_row(&query)) {
		*id = aps_stmt_column_int(query.stmt, 0);
		is_whole = aps_stmt_column_int(query.stmt, 1) == aps_owners_sum(*id, prefix, identity);
	}
	enum aps_rc rc = aps_query_end(&query);
	return rc == APS_OK && !is_whole ? aps_row_sum_fail("an owner of mutations", err) : rc;
}

enum aps_rc aps_owners_find(struct aps_db *db, struct aps_str prefix, struct aps_str identity, int64_t *id,
                            struct aps_err *err)
{
#define OWNED(how) "SELECT id, sum FROM owner " how "WHERE prefix = ?1 AND identity = ?2"
	enum aps_rc rc = find_by(db, OWNED(""), prefix, identity, id, err);
	if (rc != APS_OK || *id != 0) return rc;
	/* A damaged index would hide the mutations that it has. */
	rc = find_by(db, OWNED("NOT INDEXED "), prefix, identity, id, err);
#undef OWNED
	if (rc != APS_OK || *id == 0) return rc;
	return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "an owner of mutations isn't found by its name");
}

/* By the copy, and by the first and the last row of those that have many. */
enum aps_rc aps_owners_check(struct aps_db *db, struct aps_err *err)
{
	static const char SQL[] = "SELECT 1 FROM (SELECT id FROM owner_copy"
	                          " UNION ALL SELECT (SELECT min(id) FROM outbox) >> 44 UNION ALL SELECT (SELECT "
	                          "max(id) FROM outbox) >> 44"
	                          " UNION ALL SELECT (SELECT min(id) FROM dead_letter) >> 44"
	                          " UNION ALL SELECT (SELECT max(id) FROM dead_letter) >> 44) AS known"
	                          " WHERE known.id IS NOT NULL AND known.id NOT IN (SELECT id FROM owner) LIMIT 1";
	int64_t is_lost;
	enum aps_rc rc = aps_db_read_int(db, SQL, &is_lost, err);
	if (rc != APS_OK || is_lost == 0) return rc;
	return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "an owner of mutations is lost");
}

static enum aps_rc put(struct aps_db *db, const char *sql, int64_t id, const struct aps_str names[2],
                       struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, sql, err);
	aps_query_int(&query, id);
	aps_query_text(&query, names[0]);
	aps_query_text(&query, names[1]);
	aps_query_int(&query, aps_owners_sum(id, names[0], names[1]));
	return aps_query_run(&query);
}

static enum aps_rc put_both(struct aps_db *db, int64_t id, const struct aps_str names[2], struct aps_err *err)
{
	static const char SQL[] = "INSERT OR REPLACE INTO owner_copy VALUES (?1, ?2, ?3, ?4)";
	enum aps_rc rc = put(db, "INSERT INTO owner VALUES (?1, ?2, ?3, ?4)", id, names, err);
	return rc == APS_OK ? put(db, SQL, id, names, err) : rc;
}

enum aps_rc aps_owners_make(struct aps_db *db, struct aps_str prefix, struct aps_str identity, int64_t *id,
                            struct aps_err *err)
{
	static const char LAST[] = "SELECT max(coalesce((SELECT max(id) FROM owner), 0),"
	                           " coalesce((SELECT max(id) FROM owner_copy), 0))";
	const struct aps_str names[] = {prefix, identity};
	int64_t last;
	enum aps_rc rc = aps_owners_find(db, prefix, identity, id, err);
	if (rc != APS_OK || *id != 0) return rc;
	rc = aps_db_read_int(db, LAST, &last, err);
	if (rc == APS_OK && last >= APS_ENTRY_MAX_OWNER)
		rc = aps_fail(err, APS_E_STORAGE, "the outbox has no more numbers for owners");
	if (rc == APS_OK) rc = put_both(db, last + 1, names, err);
	if (rc == APS_OK) rc = aps_outbox_counts_make(db, last + 1, err);
	*id = rc == APS_OK ? last + 1 : 0;
	return rc;
}

enum aps_rc aps_owners_next(struct aps_db *db, int64_t after, struct aps_owner *owner, struct aps_err *err)
{
	static const char SQL[] = "SELECT id, prefix, identity, sum FROM owner WHERE id > ?1 ORDER BY id LIMIT 1";
	struct aps_query query;
	struct aps_row_texts texts;
	bool is_whole = true;
	owner->id = 0;
	aps_query_init(&query, db, SQL, err);
	aps_query_int(&query, after);
	if (aps_query_row(&query)) {
		owner->id = aps_stmt_column_int(query.stmt, 0);
		aps_row_texts_init(&texts, &owner->texts, query.stmt);
		aps_row_texts_add(&texts, 1, &owner->prefix);
		aps_row_texts_add(&texts, 2, &owner->identity);
		query.rc = aps_row_texts_finish(&texts, err);
		is_whole = query.rc != APS_OK || aps_stmt_column_int(query.stmt, 3) ==
		                                         aps_owners_sum(owner->id, owner->prefix, owner->identity);
	}
	enum aps_rc rc = aps_query_end(&query);
	return rc == APS_OK && !is_whole ? aps_row_sum_fail("an owner of mutations", err) : rc;
}

enum aps_rc aps_owners_remove(struct aps_db *db, int64_t id, struct aps_err *err)
{
	static const char *const SQL[] = {"DELETE FROM owner WHERE id = ?1", "DELETE FROM owner_copy WHERE id = ?1"};
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < APS_COUNTOF(SQL); i++) {
		struct aps_query query;
		aps_query_init(&query, db, SQL[i], err);
		aps_query_int(&query, id);
		rc = aps_query_run(&query);
	}
	return rc;
}

enum aps_rc aps_owners_rename(struct aps_db *db, int64_t id, struct aps_str prefix, struct aps_str identity,
                              struct aps_err *err)
{
	const struct aps_str names[] = {prefix, identity};
	int64_t other;
	enum aps_rc rc = aps_owners_find(db, prefix, identity, &other, err);
	if (rc != APS_OK || other == id) return rc;
	if (other != 0) return aps_fail(err, APS_E_USAGE, "the outbox has an owner of this name");
	rc = aps_owners_remove(db, id, err);
	return rc == APS_OK ? put_both(db, id, names, err) : rc;
}
