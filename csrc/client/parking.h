/* Responses that can't be written before the application's functions have said what their objects are, and those that
 * came after them: of one partition, in the order in which they came, so that no older answer is written over a newer
 * one.
 *
 *    came --something to ask--> asked --told--> told --nothing before it--> tried --> written
 *      |                          ^              ^ |                          |
 *      |                          +--------------|-|--fields to be merged-----+
 *      +--nothing, and something before it-------+ +--the cache was cleared--> not kept
 *      +--nothing, and nothing before it--------------------------------------^
 *
 * Fields are merged with what is there when they are written: who is asked about them is the first one.
 *
 * What the application writes itself isn't held up: what waits here hasn't come yet, as far as it knows.
 *
 * @thread core */
#ifndef APS_CLIENT_PARKING_H
#define APS_CLIENT_PARKING_H

#include "cache/asked.h"
#include "cache/asked_merges.h"
#include "client/feature.h"
#include "proto/operation.h"

struct aps_parking;
struct aps_partition;
struct aps_partition_data;

/* What is written, embedded in its owner, who keeps what it points to until it was written. */
struct aps_parked {
	const struct aps_operation *operation;
	struct aps_str data;   /* JSON text of an object */
	struct aps_str errors; /* likewise of a list, or empty */
	uint32_t asked_at;     /* see aps_partition_data */
	uint64_t layer;   /* which hoped for it, stays, and speaks of what has come by the service's ids; 0: none */
	bool is_of_queue; /* that is the layer's own id, no handle */
	bool is_rootless; /* of a query only records are written, as of what a mutation returns */
	struct aps_buf *mapped; /* temporary ids that gave way: see aps_partition_data; NULL: nobody asks */
	/* Writes it; NULL: aps_partition_write(). */
	enum aps_rc (*write)(struct aps_parked *parked, struct aps_partition *partition,
	                     const struct aps_partition_data *data, struct aps_err *err);
	/* It is in the partition now, or never will be: the cache has closed or was cleared. Once, and never from
	 * within aps_caching_write(). */
	void (*written)(struct aps_core *core, struct aps_parked *parked);

	/* The parking's own. */
	struct aps_parked *next;
	struct aps_parking *parking;     /* NULL: it isn't in one */
	struct aps_asked *asked;         /* what was told; NULL: nothing */
	struct aps_asked_merges *merges; /* likewise */
	bool has_asked_merges;           /* and nothing came of it, where there are none */
	uint64_t question;               /* not answered yet; 0: none */
	int64_t came_s;                  /* Unix time as the service has it */
	bool is_dropped;                 /* it isn't to be written */
	bool has_failed;                 /* it couldn't be; for whoever wrote it */
};

struct aps_parking {
	struct aps_parked *first, *last;
};

APS_BEGIN_DECLS

/* Behind all others. `question`: 0 where nothing is asked. */
void aps_parking_add(struct aps_parking *parking, struct aps_parked *parked, uint64_t question);
/* Takes what was told, one of both. False: nobody asks that any more. */
bool aps_parking_tell(struct aps_parking *parking, uint64_t question, struct aps_asked *asked,
                      struct aps_asked_merges *merges);
/* The oldest one, if it waits for nothing. NULL: none. */
struct aps_parked *aps_parking_first(const struct aps_parking *parking);
/* That one isn't in the parking any more. */
void aps_parking_take(struct aps_parking *parking, struct aps_parked *parked);
/* Those that are there wait for nothing any more, and aren't to be written. */
void aps_parking_clear(struct aps_parking *parking);

APS_END_DECLS

#endif
