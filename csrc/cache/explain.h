/* What a read finds and what it lacks, field by field, as JSON text:
 *
 *   {"complete":true,"network":false,"fields":[{"path":"a.title","state":"cached","key":"Post:1"}]}
 *
 * network: a query that asks the cache first would ask the service. */
#ifndef APS_CACHE_EXPLAIN_H
#define APS_CACHE_EXPLAIN_H

#include "cache/denormalize.h"
#include "codec/json_writer.h"

/* Further ones are counted in "complete" and "network" only. */
#define APS_EXPLAIN_MAX_FIELDS 10000

struct aps_explain {
	struct aps_read_observer observer; /* of a partial read */
	const struct aps_entries *entries;
	struct aps_buf *out;
	struct aps_json_writer w;
	size_t n_fields;
	size_t n_states[4]; /* by enum aps_read_state */
};

APS_BEGIN_DECLS

/* `entries`: of the read's source. */
void aps_explain_init(struct aps_explain *explain, const struct aps_entries *entries, struct aps_buf *out);
/* After the read: the text is in `out`. E_NOMEM, E_TOO_BIG. */
enum aps_rc aps_explain_finish(struct aps_explain *explain, struct aps_err *err);

APS_END_DECLS

#endif
