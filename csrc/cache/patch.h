/* What an optimistic layer changes in an entry, kept so that it holds above whatever the service brings meanwhile:
 * scalars as values, lists as edits (an item that goes; an item that comes, with its left neighbour), embedded objects
 * field by field. Made from what an entry was and what it became; laid over what it is now.
 *
 * The first byte tells what follows: 'F' fields, as of a PATCH; 'V' a value or an EDIT; 'X' nothing: it is evicted.
 * An EDIT: one byte and an item ('-' it goes, '^' it comes first), or '+', an item and its left neighbour. */
#ifndef APS_CACHE_PATCH_H
#define APS_CACHE_PATCH_H

#include "cache/cell.h"
#include "cache/entry.h"

enum aps_patch_kind { APS_PATCH_FIELDS, APS_PATCH_VALUE };

APS_BEGIN_DECLS

/* `former` and `now`: contents of an entry, {NULL, 0}: it is nowhere. Nothing is appended where they are equal.
 * E_NOMEM, and what the backing of `entries` says, where long lists are read. */
enum aps_rc aps_patch_make(struct aps_buf *out, enum aps_patch_kind kind, struct aps_str former, struct aps_str now,
                           struct aps_entries *entries, struct aps_err *err);
/* Appends what the patches (struct aps_str), the lowest first, make of `content` ({NULL, 0}: it is nowhere);
 * *is_nowhere: there is nothing to append. An item that comes and is there already stays where it is, one without its
 * neighbour comes last. E_NOMEM, E_STORAGE: a patch is damaged; what the backing says. */
enum aps_rc aps_patches_apply(struct aps_buf *out, struct aps_str content, const struct aps_buf *patches,
                              bool *is_nowhere, struct aps_entries *entries, struct aps_err *err);
/* The same for one patch. */
enum aps_rc aps_patch_apply(struct aps_buf *out, struct aps_str content, struct aps_str patch, bool *is_nowhere,
                            struct aps_entries *entries, struct aps_err *err);
/* One of the patches that a store gives of an entry. */
struct aps_stored_patch {
	uint64_t layer;
	struct aps_str bytes;
};

/* They stand one behind the other, the lowest first: v of its layer, v of its length (cache/cell.h), its bytes. */
void aps_patches_put(struct aps_buf *patches, uint64_t layer, struct aps_str patch);
/* Takes the first one; false: it is damaged. */
bool aps_patches_take(struct aps_str *patches, struct aps_stored_patch *patch);
/* Appends them as struct aps_str. E_NOMEM, E_STORAGE. */
enum aps_rc aps_patches_split(struct aps_buf *list, struct aps_str patches, struct aps_err *err);
/* aps_patches_apply() for such patches. */
enum aps_rc aps_patches_apply_text(struct aps_buf *out, struct aps_str content, struct aps_str patches,
                                   bool *is_nowhere, struct aps_entries *entries, struct aps_err *err);

APS_END_DECLS

#endif
