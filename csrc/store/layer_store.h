/* Optimistic layers on disk, as rows of patches: what the core does with a layer it saves here, and a reader makes of
 * an entry what the layers above it say. Layers that no process has any more are dropped. */
#ifndef APS_STORE_LAYER_STORE_H
#define APS_STORE_LAYER_STORE_H

#include "cache/write.h"
#include "store/db.h"

APS_BEGIN_DECLS

/* The writer's, when it opens a file: layers of a process that is no more are dropped, whosever they were; ids are
 * given again by each process. */
enum aps_rc aps_layer_store_start(struct aps_db *db, struct aps_err *err);
/* In the writer's transaction. */
enum aps_rc aps_layer_store_drop_all(struct aps_db *db, int64_t part, struct aps_err *err);
/* The layer that a settled write has made, and those that leave with it. */
enum aps_rc aps_layer_store_save(struct aps_db *db, int64_t part, const struct aps_cache_write *write,
                                 struct aps_err *err);
/* All that a cache has, in the place of all that is there. */
enum aps_rc aps_layer_store_save_all(struct aps_db *db, int64_t part, const struct aps_layers *layers,
                                     struct aps_err *err);

/* A reader's: whether the part has layers. */
enum aps_rc aps_layer_store_has_any(struct aps_db *db, int64_t part, bool *has_any, struct aps_err *err);
/* Whether an entry has patches. */
enum aps_rc aps_layer_store_covers(struct aps_db *db, uint64_t entry, bool *is_covered, struct aps_err *err);
/* Appends the patches of an entry, the lowest first, each after its length (v of cache/cell.h). */
enum aps_rc aps_layer_store_read(struct aps_db *db, uint64_t entry, struct aps_buf *patches, struct aps_err *err);

APS_END_DECLS

#endif
