/* The cache of one key prefix and identity, as the core has it: responses go in, in the turn's transaction of its
 * vault, and its readers are told what has changed. @thread core */
#ifndef APS_CLIENT_PARTITION_H
#define APS_CLIENT_PARTITION_H

#include "cache/collect.h"
#include "cache/denormalize.h"
#include "cache/edit.h"
#include "cache/normalize.h"
#include "client/channel.h"
#include "client/followers.h"
#include "client/layer_handles.h"
#include "client/sync_moments.h"
#include "client/told_moments.h"
#include "client/vault.h"
#include "proto/operation.h"
#include "store/cache_store.h"

struct aps_adopted;
struct aps_partition;

/* Who looks at what is in a partition. */
struct aps_partition_listener {
	/* The turn is over, and committed if it could be. */
	void (*turned)(struct aps_partition_listener *listener);
	/* The partition is going to close, and forgets it. */
	void (*closing)(struct aps_partition_listener *listener);
	/* Names and entries have other numbers from now on. */
	void (*renumbered)(struct aps_partition_listener *listener);
	struct aps_changed changed; /* since it was cleared */
	struct aps_buf stale;       /* struct aps_stale_field: likewise; what there was no memory for is lost */
};

/* Who keeps a partition small (client/collecting.h). */
struct aps_partition_collector {
	/* A write has changed this entry, or made it. */
	void (*wrote)(struct aps_partition_collector *collector, uint64_t number);
	void (*committed)(struct aps_partition_collector *collector);
	/* All that there was in memory has gone, and on disk may be something else. */
	void (*reset)(struct aps_partition_collector *collector);
	/* The store has moved, and all that there was is there: what it has written in this turn it writes once more.
	 */
	enum aps_rc (*moved)(struct aps_partition_collector *collector, struct aps_err *err);
};

/* Who reads what must not leave. */
struct aps_partition_holder {
	struct aps_partition_holder *next;
	void (*hold)(struct aps_partition_holder *holder, struct aps_collect *collect);
};

/* Who keeps something else under the same owner (client/queue.h). */
struct aps_partition_user {
	/* The partition is going to close. */
	void (*closing)(struct aps_partition_user *user);
};

struct aps_partition {
	struct aps_vault_part part; /* of the vault */
	struct aps_vault *vault;
	char *prefix;
	char *identity;
	const struct aps_policies *policies; /* borrowed */
	size_t max_bytes;                    /* that entries may take in memory */
	int64_t max_disk_bytes;              /* and on disk, unless they are held; 0: any */
	struct aps_cache cache;
	struct aps_cache_store store;
	struct aps_cache_write write;
	struct aps_merge merge;
	struct aps_buf changed;      /* struct aps_channel_change: of this turn */
	bool is_any_changed;         /* in this turn */
	uint64_t n_clears;           /* likewise: those that the reader has asked for */
	struct aps_channel *channel; /* NULL: nobody reads */
	struct aps_read_source source;
	struct aps_partition_listener *listener;   /* NULL: nobody looks */
	struct aps_partition_collector *collector; /* NULL: nobody does */
	struct aps_partition_holder *holders;
	struct aps_partition_follower *followers;
	struct aps_sync_moments *ended;  /* of syncs */
	struct aps_partition_user *user; /* NULL: nobody */
	uint32_t moment;                 /* how often something new was written into it */
	struct aps_told_moments told;    /* likewise, of entries that aren't in memory any more */
	uint64_t edits;                  /* the highest number of those of this turn; 0: none */
	struct aps_layer_handles handles;
	bool is_new; /* it was opened, or begun anew, in this turn: layers of calls that are no more were dropped */
	bool has_orphans;            /* and then they weren't */
	struct aps_adopted *adopted; /* what it becomes with the commit (client/adopted.h); NULL: what it is */
};

/* What of a response is written. */
struct aps_partition_data {
	const struct aps_operation *operation;
	struct aps_str data;   /* JSON text of an object */
	struct aps_str errors; /* likewise of a list, or empty */
	bool skips_nulls;
	bool is_rootless;  /* of a query only records are written */
	uint32_t asked_at; /* aps_partition_moment() when it was asked for; 0: it is newer than all that is known */
	int64_t now_s;
	uint64_t layer;         /* the id of the one which hoped for it, and stays until it is settled; 0: none */
	struct aps_buf *mapped; /* emptied; what aps_layers_follow() tells. NULL: nobody asks */
	const struct aps_asked *asked;   /* what the application has told of its objects; NULL: nothing */
	struct aps_asked_merges *merges; /* and made of its fields */
};

/* A write of another kind: its first member is embedded in whoever does it. */
struct aps_partition_fill {
	/* Makes partition->merge and partition->write say what is to be written. It may be called again, where the
	 * store has moved meanwhile. On failure nothing of it is kept. */
	enum aps_rc (*fill)(struct aps_partition *partition, struct aps_partition_fill *fill,
	                    struct aps_binding *binding, struct aps_err *err);
	const struct aps_partition_data *data; /* whose operation `binding` is of */
};

APS_BEGIN_DECLS

/* NULL: there is one of this prefix and identity already (E_USAGE), no memory, or what the store says. `channel`: of
 * its reader, a reference is taken. */
struct aps_partition *aps_partition_open(struct aps_vault *vault, const char *prefix, const char *identity,
                                         const struct aps_policies *policies, struct aps_channel *channel,
                                         struct aps_err *err);
/* Whether this process has one of this prefix and identity. */
bool aps_partition_is_open(const struct aps_vault *vault, const char *prefix, const char *identity);
/* Nothing of it may be uncommitted. */
void aps_partition_close(struct aps_partition *partition);
/* What there is now, layers and all, also before it is committed. */
struct aps_read_source *aps_partition_source(struct aps_partition *partition);
/* Calls turned(). */
void aps_partition_turn(struct aps_partition *partition);
/* Writes what a response says; E_CONFLICT: some of its merges are open. On failure nothing of it is in the cache, and
 * the turn's transaction goes on, or nothing of the turn is kept, where the store has half of it. */
enum aps_rc aps_partition_write(struct aps_partition *partition, const struct aps_partition_data *data,
                                struct aps_err *err);
enum aps_rc aps_partition_fill(struct aps_partition *partition, struct aps_partition_fill *fill, struct aps_err *err);
/* For what is asked for now: what is written from now on is newer. */
uint32_t aps_partition_moment(const struct aps_partition *partition);
/* The same as aps_partition_write() of the application's own edits. */
enum aps_rc aps_partition_edit(struct aps_partition *partition, uint64_t number, const struct aps_edits *edits,
                               struct aps_err *err);

/* A new optimistic layer above all others, with what these edits say (NULL: nothing). *id: a number of the store's
 * sequence, by which it is known from now on, also after a restart, unless its kind ends with the process. `handle`:
 * by which its call knows it; 0: it has none. */
enum aps_rc aps_partition_add_layer(struct aps_partition *partition, uint64_t handle, enum aps_layer_kind kind,
                                    const struct aps_edits *edits, uint64_t *id, struct aps_err *err);
/* The layer of a call in this process. 0: there is none any more. */
uint64_t aps_partition_find_layer(const struct aps_partition *partition, uint64_t handle);

/* All of these: a layer that isn't there any more doesn't matter. On failure it is as it was; a passing one that was to
 * leave does so with the next write all the same. */

/* The layer leaves, and what these edits say (NULL: nothing) becomes part of what it lay on, in one. */
enum aps_rc aps_partition_settle_layer(struct aps_partition *partition, uint64_t id, const struct aps_edits *edits,
                                       struct aps_err *err);
/* It stays until it is settled, also after a restart: aps_partition_list_answered(). */
enum aps_rc aps_partition_answer_layer(struct aps_partition *partition, uint64_t id, struct aps_err *err);
/* The layer leaves after an answer which nobody says more of: aps_layer_fold(). */
enum aps_rc aps_partition_fold_layer(struct aps_partition *partition, uint64_t id, struct aps_err *err);
/* The layer leaves without a trace; or, where its mutation may have been executed, what it speaks of is in doubt from
 * then on: aps_layer_doubt(). */
enum aps_rc aps_partition_drop_layer(struct aps_partition *partition, uint64_t id, bool is_doubtful,
                                     struct aps_err *err);
/* The same is in doubt of this record ("Todo:1"), if it is known: aps_record_doubt(). */
enum aps_rc aps_partition_doubt_record(struct aps_partition *partition, struct aps_str key, struct aps_err *err);

/* Appends the ids (uint64_t) of the layers of answered mutations, in order. */
enum aps_rc aps_partition_list_answered(struct aps_partition *partition, struct aps_buf *ids, struct aps_err *err);
/* Whether the layer is one of these. */
enum aps_rc aps_partition_is_answered(struct aps_partition *partition, uint64_t id, bool *is_answered,
                                      struct aps_err *err);
/* Appends, as texts after their lengths (v of cache/cell.h), the id and the key ("Todo:…") of each object of the
 * layer's response whose id is like a UUID, and which nobody but layers knows, or whose id is one of `own`, UUIDs one
 * behind the other: it stands for one that the service will give. */
enum aps_rc aps_partition_layer_temporary(struct aps_partition *partition, uint64_t id, struct aps_str own,
                                          struct aps_buf *out, struct aps_err *err);
/* Appends likewise the keys of the objects that stand at fields of its root, and not in lists. */
enum aps_rc aps_partition_layer_roots(struct aps_partition *partition, uint64_t id, struct aps_buf *out,
                                      struct aps_err *err);

/* The entry left the store in the transaction that is open: it leaves memory, and readers are told. `hash`: of its key,
 * where that is nowhere from now on; else 0. */
void aps_partition_forget(struct aps_partition *partition, uint64_t number, uint64_t hash);
/* Everything is nowhere from the end of the turn on; it leaves the file later (client/tidying.h). Optimistic layers go
 * with it. Nothing is written to the partition at that time. The reader has asked for it, and is told when it is over,
 * done or not. */
enum aps_rc aps_partition_clear(struct aps_partition *partition, enum aps_part_drop how, struct aps_err *err);

APS_END_DECLS

#endif
