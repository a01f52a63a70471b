/* What a reader sees a store through: connections that only read, to where its entries are (client/store_place.h), all
 * of them in one view. @thread app, but for aps_sight_prepare() */
#ifndef APS_CLIENT_SIGHT_H
#define APS_CLIENT_SIGHT_H

#include "client/channel.h"
#include "store/cache_store.h"

struct aps_sight {
	uint64_t place;
	struct aps_db *db;   /* NULL: not open */
	struct aps_db *base; /* what lies below; NULL: nothing */
	struct aps_cache_store store;
	bool is_open;                        /* the store is, too */
	int patience_ms;                     /* who has it alone for a moment is waited for so long */
	struct aps_channel_resting *resting; /* what the channel has, or had; NULL: it has had none */
	bool is_resting;
};

/* Whose entries. */
struct aps_sight_owner {
	const char *path;
	const char *prefix;
	const char *identity;
};

APS_BEGIN_DECLS

/* "locked": another connection has it alone. Says so and takes the failure away. */
bool aps_sight_forgive_locked(enum aps_rc rc, struct aps_err *err);
/* Opens what isn't open yet. False in *is_open, with OK: nothing is there yet, or somebody is just making it. */
enum aps_rc aps_sight_open(struct aps_sight *sight, const struct aps_sight_owner *owner, bool *is_open,
                           struct aps_err *err);
/* A connection to the file for a reader that has none yet: opened, with what it will ask for first compiled and read,
 * which takes some tenths of a millisecond, seldom more. NULL: it can't be had now, and its reader finds out why.
 * @thread core */
struct aps_db *aps_sight_prepare(const struct aps_sight_owner *owner);
/* Takes that connection; nothing is open yet, and the place is the file's. */
void aps_sight_take(struct aps_sight *sight, struct aps_db *db);
/* One view, until it ends. */
enum aps_rc aps_sight_begin(struct aps_sight *sight, struct aps_err *err);
void aps_sight_end(struct aps_sight *sight);
/* Between two reads the connections are the channel's: where the store moves to another place, the core closes them. */
void aps_sight_rest(struct aps_sight *sight, struct aps_channel *channel);
void aps_sight_wake(struct aps_sight *sight, struct aps_channel *channel);
/* Not while they rest. Twice is legal; the next one that is opened is at `place`. */
void aps_sight_close(struct aps_sight *sight, uint64_t place);

APS_END_DECLS

#endif
