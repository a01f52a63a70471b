#include "cache/policies.h"

#include "base/mem.h"

#define POLICY_BYTES ((size_t)16 * 1024 * 1024)

struct possible_type {
	struct aps_str name;
	struct possible_type *next;
};

struct abstract_type {
	struct possible_type *first;
};

void aps_policies_init(struct aps_policies *policies, uint64_t seed)
{
	*policies = (struct aps_policies){.asks_all = false};
	aps_arena_init(&policies->arena, POLICY_BYTES);
	aps_map_init(&policies->types, seed);
	aps_map_init(&policies->fields, seed);
	aps_map_init(&policies->named, seed);
	aps_map_init(&policies->possible, seed);
	aps_map_init(&policies->members, seed);
}

void aps_policies_clear(struct aps_policies *policies)
{
	aps_map_clear(&policies->types);
	aps_map_clear(&policies->fields);
	aps_map_clear(&policies->named);
	aps_map_clear(&policies->possible);
	aps_map_clear(&policies->members);
	aps_arena_clear(&policies->arena);
}

static void *get_or_add(struct aps_policies *policies, struct aps_map *map, struct aps_str key, size_t n_bytes)
{
	void *found = aps_map_get(map, key);
	if (found != NULL) return found;
	void *added = aps_arena_get(&policies->arena, n_bytes);
	if (added == NULL || !aps_map_set(map, key, added)) return NULL;
	return added;
}

struct aps_type_policy *aps_policies_type(struct aps_policies *policies, struct aps_str type)
{
	return get_or_add(policies, &policies->types, type, sizeof(struct aps_type_policy));
}

/* "Type.field" in `out`; false: longer than any name that was given. */
static bool join(struct aps_buf *out, struct aps_str type, struct aps_str field)
{
	aps_buf_add_str(out, type);
	aps_buf_add_byte(out, '.');
	aps_buf_add_str(out, field);
	return out->rc == APS_OK;
}

struct aps_field_policy *aps_policies_field(struct aps_policies *policies, struct aps_str type, struct aps_str field)
{
	struct aps_buf key;
	aps_buf_init(&key, POLICY_BYTES);
	struct aps_field_policy *policy = NULL;
	if (join(&key, type, field))
		policy = get_or_add(policies, &policies->fields, aps_buf_str(&key), sizeof *policy);
	aps_buf_clear(&key);
	return policy != NULL && aps_map_set(&policies->named, field, policy) ? policy : NULL;
}

bool aps_policies_add_possible(struct aps_policies *policies, struct aps_str abstract, struct aps_str type)
{
	struct abstract_type *known = get_or_add(policies, &policies->possible, abstract, sizeof *known);
	struct possible_type *added = aps_arena_get(&policies->arena, sizeof *added);
	if (known == NULL || added == NULL) return false;
	added->name = aps_arena_dup(&policies->arena, type);
	if (added->name.p == NULL) return false;
	added->next = known->first;
	known->first = added;
	return aps_map_set(&policies->members, type, added);
}

const struct aps_str *aps_policies_dup(struct aps_policies *policies, const struct aps_str *names, size_t n_names)
{
	struct aps_str *copies = aps_arena_get(&policies->arena, (n_names + 1) * sizeof *copies);
	for (size_t i = 0; copies != NULL && i < n_names; i++) {
		copies[i] = aps_arena_dup(&policies->arena, names[i]);
		if (copies[i].p == NULL) copies = NULL;
	}
	return copies;
}

const struct aps_type_policy *aps_policies_find_type(const struct aps_policies *policies, struct aps_str type)
{
	return policies->types.n_items != 0 ? aps_map_get(&policies->types, type) : NULL;
}

const struct aps_field_policy *aps_policies_find_field(const struct aps_policies *policies, struct aps_str type,
                                                       struct aps_str field)
{
	if (policies->fields.n_items == 0) return NULL;
	struct aps_buf key;
	aps_buf_init(&key, POLICY_BYTES);
	const struct aps_field_policy *policy =
	        join(&key, type, field) ? aps_map_get(&policies->fields, aps_buf_str(&key)) : NULL;
	aps_buf_clear(&key);
	return policy;
}

/* What a payload has of the root is the root's (cache/identity.c). */
bool aps_policies_asks(const struct aps_policies *policies, struct aps_str type)
{
	if (!policies->asks_all || type.n == 0 || aps_str_is(type, "Query")) return false;
	const struct aps_type_policy *policy = aps_policies_find_type(policies, type);
	return policy == NULL || (policy->n_key_fields == 0 && !policy->has_no_identity);
}

bool aps_policies_ask(const struct aps_policies *policies)
{
	return policies->asks_all || policies->asks_merges;
}

bool aps_policies_has_field(const struct aps_policies *policies, struct aps_str field)
{
	return policies->named.n_items != 0 && aps_map_get(&policies->named, field) != NULL;
}

bool aps_policies_is_object(const struct aps_policies *policies, struct aps_str type)
{
	bool is_member = policies->members.n_items != 0 && aps_map_get(&policies->members, type) != NULL;
	bool is_abstract = is_member && aps_map_get(&policies->possible, type) != NULL;
	return (is_member && !is_abstract) || aps_policies_find_type(policies, type) != NULL;
}

/* A possible type of an interface may be an interface itself, which is looked into; `depth` ends circles. */
static bool is_possible(const struct aps_policies *policies, const struct abstract_type *known, struct aps_str type,
                        unsigned depth)
{
	for (const struct possible_type *possible = known->first; possible != NULL; possible = possible->next) {
		if (aps_str_eq(possible->name, type)) return true;
		const struct abstract_type *below =
		        depth != 0 ? aps_map_get(&policies->possible, possible->name) : NULL;
		if (below != NULL && is_possible(policies, below, type, depth - 1)) return true;
	}
	return false;
}

#define MAX_INTERFACE_DEPTH 8

enum aps_type_match aps_policies_match(const struct aps_policies *policies, struct aps_str condition,
                                       struct aps_str type)
{
	if (aps_str_eq(condition, type)) return APS_TYPE_MATCHES;
	if (policies->possible.n_items == 0) return APS_TYPE_UNKNOWN;
	const struct abstract_type *known = aps_map_get(&policies->possible, condition);
	/* a member that has no members is an object type */
	if (known == NULL)
		return aps_map_get(&policies->members, condition) != NULL ? APS_TYPE_DIFFERS : APS_TYPE_UNKNOWN;
	return is_possible(policies, known, type, MAX_INTERFACE_DEPTH) ? APS_TYPE_MATCHES : APS_TYPE_DIFFERS;
}
