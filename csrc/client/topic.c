#include "client/topic.h"

#include "base/mem.h"

struct aps_topic *aps_topic_new(void)
{
	struct aps_topic *topic = aps_calloc(1, sizeof *topic);
	if (topic == NULL) return NULL;
	aps_arena_init(&topic->arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&topic->headers, &topic->arena);
	return topic;
}

void aps_topic_free(struct aps_topic *topic)
{
	if (topic == NULL) return;
	aps_operation_clear(&topic->operation);
	aps_arena_clear(&topic->arena);
	aps_free(topic);
}

static uint64_t hash_identity(const struct aps_topic *topic, uint64_t seed)
{
	uint64_t hash = seed ^ (topic->credential + 1);
	for (size_t i = 0; i < topic->headers.n_items; i++)
		hash = aps_str_hash(topic->headers.items[i].value, aps_str_hash(topic->headers.items[i].name, hash));
	return hash != 0 ? hash : 1;
}

uint64_t aps_topic_hash(const struct aps_topic *topic)
{
	return hash_identity(topic, topic->operation.hash ^ topic->cache);
}

uint64_t aps_topic_identity(const struct aps_topic *topic, uint64_t seed)
{
	return topic->has_dynamic_headers ? 0 : hash_identity(topic, seed);
}

bool aps_topic_has_same_identity(const struct aps_topic *a, const struct aps_topic *b)
{
	if (a->credential != b->credential || a->has_dynamic_headers != b->has_dynamic_headers) return false;
	if (a->has_dynamic_headers) return true; /* each has the last answer of one function */
	if (a->headers.n_items != b->headers.n_items) return false;
	for (size_t i = 0; i < a->headers.n_items; i++) {
		const struct aps_header *x = &a->headers.items[i];
		const struct aps_header *y = &b->headers.items[i];
		if (!aps_str_eq(x->name, y->name) || !aps_str_eq(x->value, y->value)) return false;
	}
	return true;
}

bool aps_topic_eq(const struct aps_topic *a, const struct aps_topic *b)
{
	return a->cache == b->cache && aps_topic_has_same_identity(a, b) &&
	       aps_operation_is_same(&a->operation, &b->operation);
}

void aps_topic_swap_headers(struct aps_topic *topic, struct aps_arena *arena, struct aps_header_list *headers)
{
	struct aps_arena own_arena = topic->arena;
	struct aps_header_list own_headers = topic->headers;
	topic->arena = *arena;
	topic->headers = *headers;
	topic->headers.arena = &topic->arena;
	*arena = own_arena;
	*headers = own_headers;
	headers->arena = arena;
}
