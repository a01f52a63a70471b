#include "client/doubting.h"

#define MIN_REST_MS 5000
#define REST_TIMES  20 /* as long as it has worked: a twentieth of the time at most */
#define MAX_DOUBLED 6  /* times, where one after the other fails */

void aps_doubting_init(struct aps_doubting *doubting, struct aps_partition *partition)
{
	struct aps_doubted_at at;
	struct aps_err err;
	*doubting = (struct aps_doubting){.partition = partition};
	aps_buf_init(&doubting->fresh, APS_BUF_ANY_SIZE);
	doubting->may_have = aps_doubting_begin(doubting, &at, &err) != APS_OK || at.last != 0;
}

void aps_doubting_clear(struct aps_doubting *doubting)
{
	aps_buf_clear(&doubting->fresh);
}

static enum aps_rc save(const struct aps_doubting *doubting, const uint64_t *entries, size_t n, struct aps_err *err)
{
	struct aps_partition *partition = doubting->partition;
	int64_t part;
	enum aps_rc rc = aps_vault_begin(partition->vault, err);
	if (rc == APS_OK) rc = aps_cache_store_part(&partition->store, &part, err);
	return rc == APS_OK ? aps_doubted_rows_add(partition->store.db, part, entries, n, err) : rc;
}

enum aps_rc aps_doubting_add(struct aps_doubting *doubting, const uint64_t *entries, size_t n, struct aps_err *err)
{
	enum aps_rc rc = save(doubting, entries, n, err);
	if (rc != APS_OK) return rc;
	doubting->may_have = true;
	aps_buf_add(&doubting->fresh, entries, n * sizeof *entries);
	if (doubting->fresh.rc == APS_OK) return APS_OK;
	return aps_fail(err, APS_E_NOMEM, "no memory for the records that have left a list");
}

void aps_doubting_committed(struct aps_doubting *doubting)
{
	aps_buf_clear(&doubting->fresh);
}

void aps_doubting_reset(struct aps_doubting *doubting)
{
	aps_buf_clear(&doubting->fresh);
	doubting->may_have = true;
}

enum aps_rc aps_doubting_moved(struct aps_doubting *doubting, struct aps_err *err)
{
	const uint64_t *entries = (const uint64_t *)(const void *)doubting->fresh.p;
	size_t n = doubting->fresh.n / sizeof *entries;
	return n != 0 ? save(doubting, entries, n, err) : APS_OK;
}

enum aps_rc aps_doubting_begin(const struct aps_doubting *doubting, struct aps_doubted_at *at, struct aps_err *err)
{
	const struct aps_cache_store *store = &doubting->partition->store;
	*at = (struct aps_doubted_at){.part = store->db != NULL ? store->part : 0};
	return at->part != 0 ? aps_doubted_rows_last(store->db, at->part, &at->last, err) : APS_OK;
}

enum aps_rc aps_doubting_settle(struct aps_doubting *doubting, const struct aps_doubted_at *at, size_t max_rows,
                                bool *is_done, struct aps_err *err)
{
	struct aps_doubted_at left = {.last = 0};
	struct aps_db *db = doubting->partition->store.db;
	enum aps_rc rc = APS_OK;
	*is_done = at->last == 0;
	if (!*is_done) rc = aps_doubted_rows_remove(db, at->part, at->last, max_rows, is_done, err);
	if (!*is_done) return rc;
	rc = aps_doubting_begin(doubting, &left, err);
	doubting->may_have = rc != APS_OK || left.last != 0;
	return rc;
}

void aps_doubting_rest(struct aps_doubting *doubting, int64_t worked_ms, bool was_whole, int64_t now_ms)
{
	int64_t rest_ms = worked_ms * REST_TIMES > MIN_REST_MS ? worked_ms * REST_TIMES : MIN_REST_MS;
	if (was_whole) doubting->n_failures = 0;
	doubting->next_ms = now_ms + rest_ms * (INT64_C(1) << doubting->n_failures);
	if (!was_whole && doubting->n_failures < MAX_DOUBLED) doubting->n_failures++;
}

int64_t aps_doubting_left_ms(const struct aps_doubting *doubting, int64_t now_ms)
{
	if (!doubting->may_have) return -1;
	return doubting->next_ms > now_ms ? doubting->next_ms - now_ms : 0;
}
