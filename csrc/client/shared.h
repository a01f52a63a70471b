/* What those who ask the same share, by its topic: a subscription's feed, a query's request. */
#ifndef APS_CLIENT_SHARED_H
#define APS_CLIENT_SHARED_H

#include "client/table.h"
#include "client/topic.h"

/* Embedded in what is shared. */
struct aps_shared {
	struct aps_shared *next; /* of an equal hash */
	uint64_t hash;           /* of the topic; 0: nobody may share it */
	const struct aps_topic *topic;
};

APS_BEGIN_DECLS

/* What was added last of those with an equal topic; NULL: none. */
struct aps_shared *aps_shared_find(const struct aps_table *table, const struct aps_topic *topic);
/* The topic is borrowed. False: no memory. */
bool aps_shared_add(struct aps_table *table, struct aps_shared *shared, const struct aps_topic *topic);
/* Twice is legal, and so is what was never added. */
void aps_shared_remove(struct aps_table *table, struct aps_shared *shared);

APS_END_DECLS

#endif
