/* Who looks at what: operations whose results are read again when something has changed that they were read from. Each
 * is found by what it was read from, and reads only what has changed. */
#ifndef APS_CACHE_WATCH_H
#define APS_CACHE_WATCH_H

#include "cache/denormalize.h"

struct aps_watch {
	struct aps_watch *next, *previous; /* in the order in which they came */
	struct aps_binding *binding;       /* borrowed; it stays the same */
	struct aps_read_options options;
	struct aps_reuse reuse;
	struct aps_read_result result; /* as it was read last */
	bool is_read;
	bool is_stale;              /* something has changed since then, or it wasn't read yet */
	struct aps_changed changed; /* what that is; looked at when it is read */
};

struct aps_watch_node;

struct aps_watches {
	struct aps_watch *first, *last;
	struct aps_watch_node **slots; /* by what was read */
	size_t n_slots, n_nodes;
	struct aps_buf added, removed; /* uint64_t: while a watch is read */
	size_t n_stale;
	bool is_short; /* memory was out for the index: whatever changes, all are stale */
};

/* What a read has brought. */
struct aps_watch_change {
	bool is_other;       /* other data, or it has become whole, or isn't any more */
	struct aps_buf gone; /* uint64_t: the numbers of segments that are no more; cleared by whoever asked for it */
};

APS_BEGIN_DECLS

void aps_watches_init(struct aps_watches *watches);
void aps_watches_clear(struct aps_watches *watches); /* no watch is there any more */
/* `binding` and the root of the options are borrowed. It comes last, and is stale. It is always read as far as it is
 * there. */
void aps_watch_add(struct aps_watches *watches, struct aps_watch *watch, struct aps_binding *binding,
                   const struct aps_read_options *options, size_t max_bytes);
void aps_watch_remove(struct aps_watches *watches, struct aps_watch *watch);
/* Nothing that it was read from has its number any more, nor has its binding: it is stale, as if it had never been
 * read. Appends the numbers of its segments to `gone`; without memory some are missing. */
void aps_watch_forget(struct aps_watches *watches, struct aps_watch *watch, struct aps_buf *gone);
/* Those that these changes concern are stale from now on. */
void aps_watches_mark(struct aps_watches *watches, const struct aps_changed *changed);
/* It was read from this field of an entry; name 0: from the entry. */
bool aps_watch_has_read(const struct aps_watches *watches, const struct aps_watch *watch, uint64_t entry,
                        uint32_t name);
/* Reads it, for the first time or again. On failure it has what it had, and is as stale. */
enum aps_rc aps_watch_read(struct aps_watches *watches, struct aps_watch *watch, struct aps_read_source *source,
                           struct aps_watch_change *change, struct aps_err *err);

APS_END_DECLS

#endif
