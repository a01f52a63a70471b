/* What an operation selects, from entries back to JSON: the text that the service would have sent for its data, or the
 * same packed (cache/packed.h). Says what it read, so that whoever watches knows which changes concern it, and what is
 * missing, by its path. A reference to a record that is nowhere (it was evicted) is left out of a list, as in
 * @apollo/client 3 (readFromStore.ts, canRead); elsewhere, and where a record only had to leave for want of room, it is
 * missing: in a partial read there is an object without fields. The type of a root is known, whatever was written. */
#ifndef APS_CACHE_DENORMALIZE_H
#define APS_CACHE_DENORMALIZE_H

#include "cache/entry.h"
#include "cache/segment.h"
#include "cache/selection.h"

/* What a field of a result is. X(name, its word) */
#define APS_READ_STATE_MAP(X)                                                                                          \
	X(CACHED, "cached")                                                                                            \
	X(MISSING, "missing")                                                                                          \
	X(EXPIRED, "expired")                                                                                          \
	X(OPTIMISTIC, "optimistic")

enum aps_read_state {
#define APS_READ_STATE_ENUM(name, word) APS_READ_##name,
	APS_READ_STATE_MAP(APS_READ_STATE_ENUM)
#undef APS_READ_STATE_ENUM
};

/* Where content is read: base entries, with what lies above them. Content stays where it is until the read is over. */
struct aps_read_source {
	/* content->p NULL: the application has evicted it; "": it had to leave, and so has what there is no entry of.
	 */
	enum aps_rc (*at)(struct aps_read_source *source, uint64_t entry, struct aps_str *content, struct aps_err *err);
	/* *entry 0: there is none of this key. */
	enum aps_rc (*find)(struct aps_read_source *source, struct aps_str key, uint64_t *entry,
	                    struct aps_str *content, struct aps_err *err);
	bool is_optimistic; /* set by both where the content is what layers say */
	bool is_absent;     /* set by at where there is no entry of that number, not even one that had to leave */
};

/* Who wants to know what became of each field: those that are missing, and those that are no objects. */
struct aps_read_observer {
	/* The read begins, perhaps not for the first time. */
	void (*begin)(struct aps_read_observer *observer);
	/* `record`: whose field it is; 0: of a root that is nowhere. */
	void (*field)(struct aps_read_observer *observer, struct aps_str path, enum aps_read_state state,
	              uint64_t record);
};

struct aps_read_options {
	struct aps_str root;                /* the key of the entry to begin with: "RROOT_QUERY" */
	bool is_partial;                    /* goes on where something is missing, and leaves it out */
	bool is_packed;                     /* the data is; else it is JSON text */
	struct aps_reuse *reuse;            /* what is read is noted, and what it has is taken over; NULL: neither */
	struct aps_buf *dependencies;       /* of struct aps_dependency, each once or more; NULL: not asked for */
	uint64_t key_seed;                  /* of the hashes in both */
	int64_t now_s;                      /* Unix time, by which records expire; 0: none does */
	struct aps_read_observer *observer; /* NULL: nobody wants to know more */
};

#define APS_READ_MAX_MISSING 100

struct aps_read_result {
	struct aps_buf data;
	struct aps_buf missing; /* paths, each ended by a zero: "listPosts.items.3.title"; the first so many */
	size_t n_missing;
	size_t n_records; /* that were read: those that are taken over don't count */
	size_t n_expired; /* of them: what they had is in the data all the same */
	bool is_optimistic;
	struct aps_segments segments;     /* with a reuse */
	struct aps_buf path, key, values; /* private: kept from one read to the next */
};

APS_BEGIN_DECLS

void aps_read_result_init(struct aps_read_result *result, size_t max_bytes);
/* Empties it and keeps its memory. */
void aps_read_result_reset(struct aps_read_result *result);
void aps_read_result_clear(struct aps_read_result *result);
/* OK also where something is missing: result->n_missing tells; unless is_partial, the data is worthless then. E_NOMEM,
 * E_TOO_BIG of result->data, E_STORAGE: an entry is damaged; what the source says. */
enum aps_rc aps_denormalize(struct aps_read_source *source, struct aps_binding *binding,
                            const struct aps_read_options *options, struct aps_read_result *result,
                            struct aps_err *err);

APS_END_DECLS

#endif
