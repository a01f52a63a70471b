/* The rows of a part, as its owner goes through them to find what nobody needs: in slices, each of which begins where
 * the last one ended, whatever was written and deleted in between. */
#ifndef APS_STORE_CACHE_ROWS_H
#define APS_STORE_CACHE_ROWS_H

#include "store/cache_store.h"

/* Which rows: those with a key in the order of the keys, so that fields come before records, or those without one. */
enum aps_rows_kind { APS_ROWS_OF_FIELDS, APS_ROWS_WITH_KEY, APS_ROWS_WITHOUT_KEY };

struct aps_rows_at {
	enum aps_rows_kind kind;
	struct aps_buf key; /* the last one that was seen; empty: none yet */
	uint64_t number;    /* likewise of a row without a key */
	bool is_above;      /* what lies below another connection is done */
	bool is_done;
};

/* `key` is borrowed. */
struct aps_rows_sink {
	void (*row)(struct aps_rows_sink *sink, uint64_t number, struct aps_str key);
};

APS_BEGIN_DECLS

void aps_rows_init(struct aps_rows_at *at, enum aps_rows_kind kind);
/* Twice is legal. */
void aps_rows_clear(struct aps_rows_at *at);
/* At most so many rows; at->is_done: there are no more. Nothing may be written meanwhile. Where one connection lies
 * over another, those below come first. */
enum aps_rc aps_rows_read(struct aps_cache_store *store, struct aps_rows_at *at, size_t max_rows,
                          struct aps_rows_sink *sink, struct aps_err *err);

/* A store that is in memory for the time being has to tell its file what it had: a row that is deleted is only emptied.
 */
bool aps_rows_are_kept(const struct aps_cache_store *store);
/* In the transaction that is open. What isn't there is nothing to do. *had_content: it wasn't empty, for whatever
 * reason.
 */
enum aps_rc aps_rows_delete(struct aps_cache_store *store, uint64_t number, bool *had_content, struct aps_err *err);
/* The row of a record that had to leave for want of room: references to it stay good. */
enum aps_rc aps_rows_empty(struct aps_cache_store *store, uint64_t number, struct aps_err *err);
/* It was used in this minute; an earlier one than it has says nothing. */
enum aps_rc aps_rows_use(struct aps_cache_store *store, uint64_t number, uint32_t minute, struct aps_err *err);

APS_END_DECLS

#endif
