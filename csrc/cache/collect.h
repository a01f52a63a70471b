/* Which entries stay: those that can be reached from the root, and what the application, layers and watches hold. A
 * step at a time, while others write:
 *
 *    fields seen --> due: follow what entries refer to <-- touched by a write ----------+
 *                     |                                                               |
 *                     +-- none is due --> what leaves for its age or for want of room +
 *                                           |                                         |
 *                                           +--> what wasn't reached is deleted ------+
 *
 * A field with arguments lives as long as its record, or until it was evicted, a long list and its blocks as long as
 * what has them. The core's own lists (cache/list_place.h) are held, and so are the records in them, until nobody has
 * written them for 30 days: then they leave. What is written meanwhile is followed once more, and followed first.
 * Entries that came after the beginning stay. */
#ifndef APS_CACHE_COLLECT_H
#define APS_CACHE_COLLECT_H

#include "cache/ages.h"
#include "cache/number_set.h"
#include "cache/policies.h"
#include "cache/write.h"

struct aps_collect {
	struct aps_cache *cache;        /* names, layers, and what is in memory */
	struct aps_entry_backing *rows; /* all entries, as they are without layers */
	const struct aps_policies *policies;
	int64_t now_s; /* Unix time */
	uint64_t last; /* the highest number at the beginning */
	uint64_t root; /* 0: there was none */
	struct aps_number_set reached;
	struct aps_number_set due;       /* of them: what they refer to has to be followed */
	struct aps_number_set seen;      /* of them: were followed once */
	struct aps_number_set lists;     /* of them: long lists */
	struct aps_number_set owners;    /* records that have fields with arguments */
	struct aps_number_set held;      /* they are left as they are */
	struct aps_number_set spreading; /* of them: so is what they refer to */
	struct aps_number_set keeping;   /* of them: the core's own lists: what they refer to is held */
	struct aps_number_set expired;
	struct aps_number_set warm; /* writes have asked for it lately: as good as used now */
	struct aps_ages ages;       /* of what may leave for want of room */
	uint64_t n_bytes;           /* of what was seen, on disk */
	uint64_t n_to_go;           /* bytes that have to leave */
	unsigned cut;               /* for that: the class of the youngest that leave */
	uint64_t at;                /* the last number that was followed */
	uint64_t chosen_at;         /* the last that was looked at for leaving */
	bool takes_warm;            /* for want of others */
	bool is_short;              /* memory was out: nothing may be concluded */
};

APS_BEGIN_DECLS

/* All are borrowed. The root is reached, and what is under layers in memory is held. */
void aps_collect_init(struct aps_collect *collect, struct aps_cache *cache, struct aps_entry_backing *rows,
                      const struct aps_policies *policies, int64_t now_s);
/* Twice is legal. */
void aps_collect_clear(struct aps_collect *collect);

/* Before the first step: each field with arguments that there is. */
void aps_collect_see_field(struct aps_collect *collect, struct aps_str key);
/* It stays as it is. Legal at any time. */
void aps_collect_hold(struct aps_collect *collect, uint64_t number);
/* A write has changed it. Legal at any time. */
void aps_collect_touch(struct aps_collect *collect, uint64_t number);
/* Follows at most so many entries. *is_done: nothing is due. E_NOMEM, what the backing says: the collection is over. */
enum aps_rc aps_collect_step(struct aps_collect *collect, size_t max_rows, bool *is_done, struct aps_err *err);

/* Once nothing is due. So many bytes have to leave, the longest unused first; what has expired leaves anyway. */
void aps_collect_plan(struct aps_collect *collect, uint64_t n_to_go);
/* Looks at most at so many entries for that. Appends the numbers (uint64_t) of records that are to be emptied; other
 * things are not reached any more. *is_done: all were looked at. Errors as above. */
enum aps_rc aps_collect_choose(struct aps_collect *collect, size_t max_rows, struct aps_buf *emptied, bool *is_done,
                               struct aps_err *err);

/* What writers and layers have in memory is held. */
void aps_collect_hold_memory(struct aps_collect *collect);
/* While nothing is due: whether its row is to be deleted. What is held in memory stays, and is due. */
bool aps_collect_deletes(struct aps_collect *collect, uint64_t number);

APS_END_DECLS

#endif
