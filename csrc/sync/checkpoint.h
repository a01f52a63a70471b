/* How far a delta sync has come: what is kept with the records, in the transaction that writes them, and read by the
 * next run. Times are milliseconds of the service's clock (Unix time); 0: there is none. */
#ifndef APS_SYNC_CHECKPOINT_H
#define APS_SYNC_CHECKPOINT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

/* One walk through the pages of a query, from the first page to the last. */
struct aps_sync_pass {
	bool is_open;         /* it has begun, and its last page isn't kept yet */
	struct aps_buf token; /* of the page that comes next; empty: the first one */
	int64_t began_ms;     /* when its first page was made; 0: no page was kept yet */
	int64_t since_ms; /* a delta pass: the lastSync that it asks for; a base pass: changes up to then are known */
	uint64_t n_records, n_pages, n_bytes; /* kept so far */
};

struct aps_checkpoint {
	int64_t base_ms;         /* when the first page of the last complete base pass was made */
	int64_t last_sync_ms;    /* changes up to then are known */
	uint64_t n_base_records; /* of the last complete base pass: what the next one may bring */
	struct aps_sync_pass base, delta;
	uint64_t max_records; /* the base pass that is open stops there; 0: nowhere */
	bool is_truncated;    /* it has: the token is of what is left */
	bool is_beside;       /* it collects its records in a list of its own, beside the one that is shown */
	bool has_unknown;     /* records came during the base pass that nobody can tell: any that it lacks may be one */
	bool has_missed;      /* changes since last_sync_ms may not have been seen: nothing is known to be whole */
};

APS_BEGIN_DECLS

/* Nothing is known. */
void aps_checkpoint_init(struct aps_checkpoint *checkpoint);
/* Twice is legal. */
void aps_checkpoint_clear(struct aps_checkpoint *checkpoint);
/* Makes *to, which was initialised, say the same. E_NOMEM: it is as it was. */
enum aps_rc aps_checkpoint_copy(struct aps_checkpoint *to, const struct aps_checkpoint *from, struct aps_err *err);
/* A JSON object, for a store. A failure is in out->rc. */
void aps_checkpoint_put(struct aps_buf *out, const struct aps_checkpoint *checkpoint);
/* False: it isn't what aps_checkpoint_put() writes, or memory is out, and nothing is known. */
bool aps_checkpoint_take(struct aps_checkpoint *checkpoint, struct aps_str text);

APS_END_DECLS

#endif
