/* Who keeps a list in a partition (client/sync_run.h), and is told what others write there. @thread core */
#ifndef APS_CLIENT_FOLLOWERS_H
#define APS_CLIENT_FOLLOWERS_H

#include "cache/selection.h"
#include "cache/synced_list.h"

struct aps_partition_follower {
	struct aps_partition_follower *next;
	const char *name;             /* of what it stores beside the entries; NULL: it doesn't any more */
	struct aps_synced_list *list; /* what it knows of the one that it keeps; NULL: it keeps none */
	/* What somebody else was answered is about to be merged into the open write. `binding`: of a query; NULL: of
	 * something else. */
	void (*filling)(struct aps_partition_follower *follower, struct aps_cache_write *write,
	                struct aps_binding *binding);
	/* A response of somebody else's is in partition->write, and may be changed there. */
	enum aps_rc (*filled)(struct aps_partition_follower *follower, struct aps_err *err);
	/* Somebody has changed this entry, or made it. */
	void (*wrote)(struct aps_partition_follower *follower, uint64_t number);
	/* What is known of entries and names doesn't hold any more. `is_cleared`: nothing is there any more, either. */
	void (*forgotten)(struct aps_partition_follower *follower, bool is_cleared);
	/* Its list has this record, as far as it is known. */
	bool (*lists)(const struct aps_partition_follower *follower, uint64_t number);
	/* Records had to leave for want of room, or for their age, and the checkpoints that say they are there with
	 * them: that of a sync at work, whose records are held, is to be stored again. */
	void (*unkept)(struct aps_partition_follower *follower);
	/* The partition is going to close, and has forgotten it. */
	void (*closing)(struct aps_partition_follower *follower);
};

APS_BEGIN_DECLS

bool aps_followers_have(const struct aps_partition_follower *first, const char *name);
void aps_followers_filling(struct aps_partition_follower *first, struct aps_cache_write *write,
                           struct aps_binding *binding);
enum aps_rc aps_followers_filled(struct aps_partition_follower *first, struct aps_err *err);
void aps_followers_wrote(struct aps_partition_follower *first, uint64_t number);
void aps_followers_forgotten(struct aps_partition_follower *first, bool is_cleared);
/* Some follower's list has the record. */
bool aps_followers_list(const struct aps_partition_follower *first, uint64_t number);
void aps_followers_unkept(struct aps_partition_follower *first);
/* What another one knows of the list that stands there, if it is a long one, moves to `list`, unless that is known.
 * Followers that keep the same list take turns: each is told what another has written, and would read it anew. In an
 * open write, whose failures it leaves alone. */
void aps_followers_take_list(struct aps_partition_follower *first, struct aps_cache_write *write,
                             const struct aps_list_place *place, struct aps_synced_list *list);
/* None is left. */
void aps_followers_close(struct aps_partition_follower **first);

APS_END_DECLS

#endif
