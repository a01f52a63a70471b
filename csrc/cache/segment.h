/* The parts of what was read that are records, each with what it was read from. The next read of the same operation
 * takes over those of which nothing has changed, bytes and all; who makes values of them knows by their numbers
 * which it has already. */
#ifndef APS_CACHE_SEGMENT_H
#define APS_CACHE_SEGMENT_H

#include "base/buf.h"
#include "cache/changed.h"

struct aps_selection;

/* One thing that was read: an entry, or a key that has no entry (then `entry` is 0 and `key_hash` tells). */
struct aps_dependency {
	uint64_t entry;
	uint64_t key_hash;
};

struct aps_segment {
	uint64_t id;        /* of its bytes: kept as long as they are the same */
	uint64_t former_id; /* of what stood in its place; 0: nothing did */
	uint64_t entry;
	const struct aps_selection *selection;
	size_t begin, end;                       /* of the data */
	size_t first_dependency, end_dependency; /* with those of the segments in it */
	size_t end_segment;                      /* the index behind those in it */
	bool is_optimistic;                      /* layers say so */
	bool is_stale;                           /* something has changed, or it wasn't whole */
	bool is_taken;                           /* by the next read, as it is */
	bool is_same;                            /* the next read gave the same bytes */
	bool is_copy;                            /* taken from the read before */
};

struct aps_segments {
	struct aps_buf items; /* struct aps_segment: each before those in it */
	struct aps_buf dependencies;
	bool is_stale; /* something has changed somewhere */
};

/* A read that takes over what it can of the one before it. */
struct aps_reuse {
	struct aps_segments former;
	struct aps_str former_data; /* borrowed */
	uint64_t last_id;           /* that was given to a segment */
	size_t cursor;              /* the segment that is expected next */
	size_t *heads, *nexts;      /* by entry: made when something isn't where it was */
	size_t n_heads;
	bool is_indexed;
};

APS_BEGIN_DECLS

void aps_segments_init(struct aps_segments *segments);
void aps_segments_reset(struct aps_segments *segments); /* keeps its memory */
void aps_segments_clear(struct aps_segments *segments);
size_t aps_segments_count(const struct aps_segments *segments);
struct aps_segment *aps_segments_at(const struct aps_segments *segments, size_t index);
size_t aps_segments_count_dependencies(const struct aps_segments *segments);
const struct aps_dependency *aps_segments_dependencies(const struct aps_segments *segments);
/* Marks those that one of these changes concerns. True: something of it was read. */
bool aps_segments_mark(struct aps_segments *segments, const struct aps_changed *changed);

/* The next read begins; `former` was made with the same binding, and nothing is taken from it yet. */
void aps_reuse_begin(struct aps_reuse *reuse);
/* The segment of the former read that may be taken over for this record, or that is to be read again in its place;
 * SIZE_MAX: there is none. */
size_t aps_reuse_find(struct aps_reuse *reuse, uint64_t entry, const struct aps_selection *selection);
/* Nothing in it was taken by itself, as what stands in two places may be: the index of what was read counts each once.
 */
bool aps_reuse_is_free(const struct aps_reuse *reuse, size_t index);
/* Appends the segment, with those in it and what they were read from, to `now`, whose data has its bytes from `begin`.
 * False: no memory. */
bool aps_reuse_take(struct aps_reuse *reuse, size_t index, struct aps_segments *now, size_t begin);
void aps_reuse_end(struct aps_reuse *reuse);

APS_END_DECLS

#endif
