/* From the core to one reader of a partition: which entries a commit changes, told before it, and which commit was the
 * last, told after it. One sender (@thread core), one reader (@thread app), shared by an atomic reference count. */
#ifndef APS_CLIENT_CHANNEL_H
#define APS_CLIENT_CHANNEL_H

#include "base/buf.h"

struct aps_channel;
struct aps_db;

/* An entry that a commit changes: it was there, or it has come. */
struct aps_channel_change {
	uint64_t entry;
	uint64_t hash; /* of its key; 0: it has none */
};

/* The connections of a reader that reads nothing at this moment. */
struct aps_channel_resting {
	struct aps_db *db, *base;
};

APS_BEGIN_DECLS

/* One reference. `seed`: of the hashes, on both sides. */
struct aps_channel *aps_channel_new(uint64_t seed);
uint64_t aps_channel_seed(const struct aps_channel *channel);
struct aps_channel *aps_channel_ref(struct aps_channel *channel);
void aps_channel_unref(struct aps_channel *channel); /* NULL is legal */

/* `changes`: of this generation; NULL: anything may be changed. `edits`: the highest number of the reader's own edits
 * that it contains; 0: none. What a reader doesn't fetch for long, and what there is no memory for, becomes "any", and
 * its edits are known by aps_channel_decide() only. @thread core */
void aps_channel_announce(struct aps_channel *channel, uint64_t generation, const struct aps_channel_change *changes,
                          size_t n, uint64_t edits);
/* A commit of this generation is about to be tried, whether it changes anything here or not. @thread core */
void aps_channel_expect(struct aps_channel *channel, uint64_t generation);
/* It was committed. @thread core */
void aps_channel_publish(struct aps_channel *channel, uint64_t generation);
/* What is kept is there from now on (client/store_place.h): before anything else is committed to it. @thread core */
void aps_channel_move(struct aps_channel *channel, uint64_t place);
/* A connection that reads what is at `place`, for the reader: opening one takes longer than its frames have. It takes
 * the place of the one before, and is closed where the reader has asked meanwhile; NULL: there is none. @thread core */
void aps_channel_lend(struct aps_channel *channel, struct aps_db *db, uint64_t place);
/* It has neither been lent one nor asked for one: then it opens its own. @thread core */
bool aps_channel_may_lend(const struct aps_channel *channel);
/* What it takes to read the store is open for the reader, or was once: it needn't open it now. @thread app */
bool aps_channel_is_at_hand(const struct aps_channel *channel);
/* What the core has of it is open, or can't be. @thread core */
void aps_channel_tell_open(struct aps_channel *channel);
/* Another reader had it until now, and what was written there may not be kept yet: what asks for a connection next
 * waits until the core has come to this one, at most so long. @thread app */
void aps_channel_follow(struct aps_channel *channel, int64_t patience_ms);
/* Of the reader's edits those up to this number are in a generation that was published, or never will be in one.
 * @thread core */
void aps_channel_decide(struct aps_channel *channel, uint64_t edits);

/* Ids that the service has given in the place of temporary ones (store/id_map.h) were committed. @thread core */
void aps_channel_renew_ids(struct aps_channel *channel);
/* How often; from 1 on. What was known of them before may not hold. @thread app */
uint64_t aps_channel_ids(const struct aps_channel *channel);

/* At this place there are none of them, until they are renewed: who asks needn't read the store. @thread core */
void aps_channel_tell_no_ids(struct aps_channel *channel);
/* It was told. False: they may be there. @thread app */
bool aps_channel_has_no_ids(const struct aps_channel *channel);

/* The service's clock less ours, as the core knows it. @thread core */
void aps_channel_set_skew(struct aps_channel *channel, int64_t skew_ms);
/* Unix time in seconds as the service has it. @thread app */
int64_t aps_channel_now_s(const struct aps_channel *channel);
/* So many of the times that the reader asked for the partition to be cleared are over: done in a generation that was
 * published, or failed. @thread core */
void aps_channel_end_clears(struct aps_channel *channel, uint64_t n);

/* Asked for before the generation, they are done in that one. @thread app */
uint64_t aps_channel_ended_clears(const struct aps_channel *channel);
/* The last that was committed. @thread app */
uint64_t aps_channel_generation(const struct aps_channel *channel);
/* Where it is. @thread app */
uint64_t aps_channel_place(const struct aps_channel *channel);
/* The connection, which is the reader's from now on. NULL: there is none to that place. Waits for what it follows.
 * @thread app */
struct aps_db *aps_channel_take_lent(struct aps_channel *channel, uint64_t place);
/* Between two reads: where the place moves meanwhile, the core closes these connections, and frees `resting`. SQLite
 * has one index of a log for all connections of a process: one that an idle reader kept open would keep that of a log
 * which is lost. False: another reader's rest there. */
bool aps_channel_rest(struct aps_channel *channel, struct aps_channel_resting *resting);
/* What rests, which is the reader's again; NULL: the core has closed it. */
struct aps_channel_resting *aps_channel_wake(struct aps_channel *channel);
/* The highest edit that was decided; asked for before the generation, it is in that one if in any. @thread app */
uint64_t aps_channel_decided(const struct aps_channel *channel);
/* Another process has committed this generation, of which nothing was told. @thread app */
bool aps_channel_is_foreign(const struct aps_channel *channel, uint64_t generation);
/* Appends the changes (struct aps_channel_change) that generations up to this one made and that weren't fetched before;
 * *edits: the highest number of an edit in them. False: any may be, as in those of other processes. @thread app */
bool aps_channel_fetch(struct aps_channel *channel, uint64_t generation, struct aps_buf *changes, uint64_t *edits);

APS_END_DECLS

#endif
