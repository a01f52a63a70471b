/* What is asked or subscribed to, as whom, and whose cache it is for. Two subscriptions to equal topics can share one
 * on the service, two queries one request. */
#ifndef APS_CLIENT_TOPIC_H
#define APS_CLIENT_TOPIC_H

#include "auth/appsync_headers.h"
#include "base/arena.h"
#include "proto/operation.h"

struct aps_topic {
	uint64_t credential;
	bool has_dynamic_headers; /* the consumer is asked for them before each connect and start */
	uint64_t cache;           /* that its data is written into; 0: none */
	uint64_t ids;             /* of the cache whose ids its variables are to have; 0: they have them */
	uint64_t layer;           /* of the cache, which shows what is hoped for until it has come; 0: none */
	struct aps_operation operation;
	struct aps_arena arena;
	struct aps_header_list headers; /* the application's, in `arena` */
};

APS_BEGIN_DECLS

/* NULL when memory is out. Fill it. */
struct aps_topic *aps_topic_new(void);
void aps_topic_free(struct aps_topic *topic); /* NULL is legal */
/* Never 0. */
uint64_t aps_topic_hash(const struct aps_topic *topic);
/* Tells identities apart: aps_topic_has_same_identity(). 0 where a function gives the headers. */
uint64_t aps_topic_identity(const struct aps_topic *topic, uint64_t seed);
bool aps_topic_eq(const struct aps_topic *a, const struct aps_topic *b);
/* They ask as the same user, with the same headers, whatever they ask for. */
bool aps_topic_has_same_identity(const struct aps_topic *a, const struct aps_topic *b);
/* Takes the other list and its text, and gives its own for it. */
void aps_topic_swap_headers(struct aps_topic *topic, struct aps_arena *arena, struct aps_header_list *headers);

APS_END_DECLS

#endif
