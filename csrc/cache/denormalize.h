/* What an operation selects, from entries back to JSON: the text that the service would have sent for its data. Says
 * what it read, so that whoever watches knows which changes concern it, and what is missing, by its path.
 * A reference to a record that is nowhere (it was evicted) is left out of a list, as in @apollo/client 3
 * (readFromStore.ts, canRead); elsewhere, and where a record only had to leave for want of room, it is missing: in a
 * partial read there is an object without fields. The type of a root is known, whatever was written. */
#ifndef APS_CACHE_DENORMALIZE_H
#define APS_CACHE_DENORMALIZE_H

#include "cache/entry.h"
#include "cache/segment.h"
#include "cache/selection.h"

/* Where content is read: base entries, with what lies above them. Content stays where it is until the read is over. */
struct aps_read_source {
	/* Empty content.p: it is nowhere. */
	enum aps_rc (*at)(struct aps_read_source *source, uint64_t entry, struct aps_str *content, struct aps_err *err);
	/* *entry 0: there is none of this key. */
	enum aps_rc (*find)(struct aps_read_source *source, struct aps_str key, uint64_t *entry,
	                    struct aps_str *content, struct aps_err *err);
	bool is_optimistic; /* set by both where the content is what layers say */
};

struct aps_read_options {
	struct aps_str root;     /* the key of the entry to begin with: "RROOT_QUERY" */
	bool is_partial;         /* goes on where something is missing, and leaves it out */
	struct aps_reuse *reuse; /* what is read is noted, and what it has is taken over; NULL: neither */
	uint64_t key_seed;       /* of the hashes in what is noted */
};

#define APS_READ_MAX_MISSING 100

struct aps_read_result {
	struct aps_buf json;
	struct aps_buf missing; /* paths, each ended by a zero: "listPosts.items.3.title"; the first so many */
	size_t n_missing;
	size_t n_records; /* that were read: those that are taken over don't count */
	bool is_optimistic;
	struct aps_segments segments; /* with a reuse */
};

APS_BEGIN_DECLS

void aps_read_result_init(struct aps_read_result *result, size_t max_bytes);
/* Empties it and keeps its memory. */
void aps_read_result_reset(struct aps_read_result *result);
void aps_read_result_clear(struct aps_read_result *result);
/* OK also where something is missing: result->n_missing tells; unless is_partial, the JSON is worthless then. E_NOMEM,
 * E_TOO_BIG of result->json, E_STORAGE: an entry is damaged; what the source says. */
enum aps_rc aps_denormalize(struct aps_read_source *source, struct aps_binding *binding,
                            const struct aps_read_options *options, struct aps_read_result *result,
                            struct aps_err *err);

APS_END_DECLS

#endif
