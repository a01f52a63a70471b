/* What a Lua state has written and the core hasn't committed yet, done to what its reader has in memory as the core
 * will do it, list by list: edits change the base below the optimistic layers of the store and of lists before them,
 * and a list that is an optimistic layer lies above all that.
 *
 *   edits added ---show---> shown: read as if they were committed ---hide---> what they touched isn't in memory any
 * more ^                                                 |
 *                             +------ show, with what is left of them ----------+
 *
 * It is hidden before anything of the cache below changes. Entries that only it has get numbers that no store gives,
 * and names that the store hasn't are lent ones (cache/names.h). @thread app */
#ifndef APS_CLIENT_OVERLAY_H
#define APS_CLIENT_OVERLAY_H

#include "cache/edit.h"

/* The number that entries of the overlay come after. */
#define APS_OVERLAY_LAST_NUMBER (UINT64_C(1) << 62)

struct aps_pending_edits;

struct aps_overlay {
	struct aps_cache *cache; /* borrowed, like: */
	const struct aps_policies *policies;
	struct aps_cache_write write;
	struct aps_merge merge;
	bool is_shown;
	uint64_t n_showings;             /* how often what is shown has changed */
	uint64_t last_entry;             /* of the cache, before it was shown */
	uint64_t last_layer;             /* an id of those that are shown */
	struct aps_buf touched;          /* uint64_t: entries that aren't what the store has */
	struct aps_buf changes;          /* struct aps_change */
	struct aps_pending_edits *first; /* in the order in which they were made */
	uint64_t last_number;            /* that edits were given */
	bool hopes;                      /* lists that are begun are optimistic layers */
	bool is_below;                   /* of those none is shown */
};

APS_BEGIN_DECLS

void aps_overlay_init(struct aps_overlay *overlay, struct aps_cache *cache, const struct aps_policies *policies);
/* Hides it, and forgets all edits. */
void aps_overlay_clear(struct aps_overlay *overlay);

/* Makes what was added part of what is shown. On failure it is hidden: E_NOMEM, what the backing says. */
enum aps_rc aps_overlay_show(struct aps_overlay *overlay, struct aps_err *err);
void aps_overlay_hide(struct aps_overlay *overlay);

/* Adds to the list that is being made, a new one where none is, what the next aps_overlay_show() shows. False: no
 * memory. */
bool aps_overlay_add(struct aps_overlay *overlay, const struct aps_edit_what *what);
/* Before it is shown: that isn't added. */
void aps_overlay_drop_last(struct aps_overlay *overlay);
/* That list is complete: its number, by which aps_overlay_drop() knows it, and in *edits a reference. 0: there is none.
 */
uint64_t aps_overlay_close(struct aps_overlay *overlay, struct aps_edits **edits);
/* Some list is an optimistic layer. */
bool aps_overlay_has_hopes(const struct aps_overlay *overlay);
/* There is one, with something in it. */
bool aps_overlay_has_open_edits(struct aps_overlay *overlay);
/* The list that was made last goes, closed or not; a reference, or NULL. */
struct aps_edits *aps_overlay_take_back(struct aps_overlay *overlay);
/* Lists up to this number go: the store has them, or never will. */
void aps_overlay_drop(struct aps_overlay *overlay, uint64_t number);
/* Changes that were made since there were `n_before`, as text: "Post:1.title", each ended by a zero. */
void aps_overlay_changes_since(const struct aps_overlay *overlay, size_t n_before, struct aps_buf *out);

APS_END_DECLS

#endif
