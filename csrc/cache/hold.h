/* What an operation reads, held while others are collected: its records as far as they are there, a few at a time. A
 * fragment whose type may or may not fit is taken to fit: it holds too much rather than too little. */
#ifndef APS_CACHE_HOLD_H
#define APS_CACHE_HOLD_H

#include "cache/collect.h"
#include "cache/selection.h"

struct aps_hold_place;

struct aps_hold {
	struct aps_collect *collect;
	struct aps_binding binding;
	struct aps_hold_place *places; /* selections, each with what was read by it */
	struct aps_buf steps;          /* entries that are still to be read */
	struct aps_buf content;        /* of the one that is read */
	struct aps_buf value;          /* of one of its fields */
	struct aps_buf key;
	bool has_begun;
};

APS_BEGIN_DECLS

/* The document is borrowed; `names` of the cache. E_NOMEM, E_TOO_BIG. */
enum aps_rc aps_hold_init(struct aps_hold *hold, struct aps_collect *collect, const struct aps_gql_document *document,
                          const struct aps_gql_operation *operation, struct aps_str variables, struct aps_err *err);
/* Twice is legal, also where `init` failed. */
void aps_hold_clear(struct aps_hold *hold);
/* Reads at most so many entries. E_NOMEM, what the backing says. */
enum aps_rc aps_hold_step(struct aps_hold *hold, size_t max_rows, bool *is_done, struct aps_err *err);

APS_END_DECLS

#endif
