/* The feature that keeps what is read: the partitions of a client, what goes into them, and the commit at the turn's
 * end. A client has one for each identity that its application works with, told apart by a number.
 * @thread core, but for aps_cached_new() */
#ifndef APS_CLIENT_CACHING_H
#define APS_CLIENT_CACHING_H

#include "cache/edit.h"
#include "client/channel.h"
#include "client/core.h"
#include "client/parking.h"
#include "proto/operation.h"
#include "store/parts.h"

struct aps_cached;
struct aps_collecting;
struct aps_partition;
struct aps_vault;

APS_BEGIN_DECLS

/* A partition that is to be opened under this number. `channel`: to its reader, a reference is taken. NULL when memory
 * is out. @thread app */
struct aps_cached *aps_cached_new(uint64_t id, const char *identity, struct aps_channel *channel);
void aps_cached_free(struct aps_cached *cached); /* NULL is legal */

/* Opens it for a client that has a store, and takes it. Where the store can't be used that is told, and what is written
 * is kept nowhere. */
void aps_caching_open(struct aps_core *core, struct aps_client *client, struct aps_cached *cached);
/* What was written before is committed. Unknown numbers are ignored. */
void aps_caching_close(struct aps_core *core, struct aps_client *client, uint64_t id);
/* Whether its store can be used, and isn't in memory because it can't; E_CLOSED: there is none of this number. */
enum aps_rc aps_caching_look(const struct aps_core *core, const struct aps_client *client, uint64_t id,
                             struct aps_err *err);
/* aps_partition_moment() of a cache; 1 where it isn't open yet. */
uint32_t aps_caching_moment(const struct aps_core *core, const struct aps_client *client, uint64_t id);
/* NULL: there is none of this number, or it couldn't be opened. What is saved in it counts as used now,
 * and its reader learns what time it is. */
struct aps_partition *aps_caching_partition(const struct aps_core *core, const struct aps_client *client, uint64_t id);
/* Puts the service's ids into what is asked, in the place of temporary ones; nothing where there is no partition of
 * this number. E_NOMEM: and nothing is changed. */
enum aps_rc aps_caching_put_ids(const struct aps_core *core, const struct aps_client *client, uint64_t id,
                                struct aps_operation *operation, struct aps_err *err);
/* As aps_caching_partition(). */
struct aps_collecting *aps_caching_collecting(const struct aps_core *core, const struct aps_client *client,
                                              uint64_t id);
/* All that the partition has is nowhere once the turn is over; its reader has asked for it. */
void aps_caching_clear(struct aps_core *core, struct aps_client *client, uint64_t id, enum aps_part_drop how);
/* Writes the data of a response into a partition, where there is one of this number; read once the turn is over.
 * `parked`: operation, data, errors and written() set, the rest 0. False: it waits for what the application has to tell
 * of it or of one before it, and its owner keeps it until written(). */
bool aps_caching_write(struct aps_core *core, struct aps_client *client, uint64_t id, struct aps_parked *parked);
/* A command of the application: what it tells of a response (struct aps_answer_command). Late ones are ignored. */
void aps_caching_run_answer(struct aps_core *core, struct aps_command *command);

/* What the application itself has written. */
struct aps_caching_edits {
	uint64_t layer;          /* the handle of an optimistic one that comes or leaves with it; 0: none */
	uint64_t number;         /* by which its reader knows the edits; they only grow. 0: none are shown there */
	struct aps_edits *edits; /* NULL: none */
};

/* Once the turn is over its reader knows whether it was kept. */
void aps_caching_edit(struct aps_core *core, struct aps_client *client, uint64_t id,
                      const struct aps_caching_edits *what);
/* The layer comes, or leaves for these edits: aps_partition_add_layer(), …_settle_layer(). */
void aps_caching_add_layer(struct aps_core *core, struct aps_client *client, uint64_t id,
                           const struct aps_caching_edits *what);
void aps_caching_settle_layer(struct aps_core *core, struct aps_client *client, uint64_t id,
                              const struct aps_caching_edits *what);

/* Commits what was saved in this turn, before its end; a failure is told. */
enum aps_rc aps_caching_commit(struct aps_core *core, struct aps_vault *vault);
/* The client keeps its store in memory because it was made so. */
bool aps_caching_is_in_memory_by_choice(const struct aps_client *client, const struct aps_vault *vault);

/* The layer of a queued mutation: *layer is its number in the store. Decided once the turn is over, as above. */
enum aps_rc aps_caching_queue_layer(struct aps_core *core, struct aps_client *client, uint64_t id,
                                    const struct aps_caching_edits *what, uint64_t *layer, struct aps_err *err);
/* A layer that is known by its number in the store leaves for these edits. */
void aps_caching_settle_queued(struct aps_core *core, struct aps_client *client, uint64_t id, uint64_t layer,
                               const struct aps_caching_edits *what);

/* The partition's reader has met damage at that place (client/store_place.h): where it still is, it is set aside. */
void aps_caching_damaged(struct aps_core *core, struct aps_client *client, uint64_t id, uint64_t place);

extern const struct aps_feature aps_caching_feature;

APS_END_DECLS

#endif
