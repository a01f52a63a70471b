/* Optimistic layers on disk, as rows of patches: what the core does with a layer it saves here, and what an entry is
 * under layers is made of them when it is read. Nothing goes through all layers but what collects the whole part.
 *
 *   layer   what it is of, and which entries it changes or mentions (cache/layer_mentions.h)
 *   patch   one for each of these, in the order of entries and layers, so that those of one entry lie side by side;
 *           an empty one only mentions it */
#ifndef APS_STORE_LAYER_STORE_H
#define APS_STORE_LAYER_STORE_H

#include "cache/write.h"
#include "store/db.h"

APS_BEGIN_DECLS

/* In the writer's transaction, or alone: drops the part's layers of calls of this process (aps_db_slot()). */
enum aps_rc aps_layer_store_drop_passing(struct aps_db *db, int64_t part, struct aps_err *err);
/* Likewise of all processes in all parts; and of one that is no more. */
enum aps_rc aps_layer_store_drop_all_passing(struct aps_db *db, struct aps_err *err);
enum aps_rc aps_layer_store_drop_slot(struct aps_db *db, int slot, struct aps_err *err);
/* The first process above `after` that layers of calls are of; 0: there are no more. */
enum aps_rc aps_layer_store_next_slot(struct aps_db *db, int after, int *slot, struct aps_err *err);
/* Appends the ids (uint64_t) of the part's layers of a kind, which isn't APS_LAYER_QUEUED, in order; those of calls are
 * this process's. */
enum aps_rc aps_layer_store_list_kind(struct aps_db *db, int64_t part, enum aps_layer_kind kind, struct aps_buf *ids,
                                      struct aps_err *err);

/* In the writer's transaction. Of the layer that a settled write has made, those that changed, and those that leave
 * with it. */
enum aps_rc aps_layer_store_save(struct aps_db *db, int64_t part, const struct aps_cache_write *write,
                                 struct aps_err *err);
/* What it is of, of a whole layer. */
enum aps_rc aps_layer_store_save_kind(struct aps_db *db, int64_t part, const struct aps_layer *layer,
                                      struct aps_err *err);
/* A layer as it is in memory, whole or not at all, whatever is there of it; its number is given from then on. */
enum aps_rc aps_layer_store_save_again(struct aps_db *db, int64_t part, struct aps_cache *cache, uint64_t id,
                                       struct aps_err *err);

/* struct aps_layer_source (cache/layer.h): of a part. */
enum aps_rc aps_layer_store_load(struct aps_db *db, int64_t part, uint64_t id, struct aps_layer_row *row,
                                 struct aps_err *err);
enum aps_rc aps_layer_store_list(struct aps_db *db, uint64_t entry, struct aps_buf *ids, struct aps_err *err);
/* Appends the entries (uint64_t) of the part's layers behind *after, of so many layers at most; *after: the last one
 * that was looked at, 0: there are no more. */
enum aps_rc aps_layer_store_list_entries(struct aps_db *db, int64_t part, size_t max_layers, uint64_t *after,
                                         struct aps_buf *numbers, struct aps_err *err);

/* Of any part; where there is none, nothing happens. Nobody has it in memory. */
enum aps_rc aps_layer_store_drop(struct aps_db *db, uint64_t id, struct aps_err *err);
/* Whether the part has layers of mutations that are queued, or answered and not settled yet. */
enum aps_rc aps_layer_store_has_lasting(struct aps_db *db, int64_t part, bool *has_some, struct aps_err *err);
/* Whether there are layers at all. */
enum aps_rc aps_layer_store_has_any(struct aps_db *db, bool *has_any, struct aps_err *err);
/* Whether an entry has patches. */
enum aps_rc aps_layer_store_covers(struct aps_db *db, uint64_t entry, bool *is_covered, struct aps_err *err);
/* Appends the patches of an entry (cache/patch.h). */
enum aps_rc aps_layer_store_read(struct aps_db *db, uint64_t entry, struct aps_buf *patches, struct aps_err *err);

APS_END_DECLS

#endif
