#include "gql/typenames.h"

/* Recursion goes through inline fragments only, so the parser's depth limit bounds it; fragments that have to be looked
 * into are chained by `value`, which a fragment doesn't use. */
static void mark_root(struct aps_gql_node *owner, const struct aps_gql_fragments *fragments,
                      struct aps_gql_node **pending)
{
	owner->is_root = true;
	for (struct aps_gql_node *node = owner->items; node != NULL; node = node->next) {
		if (node->kind == APS_GQL_INLINE_FRAGMENT) mark_root(node, fragments, pending);
		if (node->kind != APS_GQL_FRAGMENT_SPREAD) continue;
		struct aps_gql_node *fragment = aps_gql_fragments_find(fragments, node->name);
		if (fragment == NULL || fragment->is_root) continue;
		fragment->is_root = true;
		fragment->value = *pending;
		*pending = fragment;
	}
}

void aps_gql_typenames_mark(struct aps_gql_node *document, const struct aps_gql_fragments *fragments)
{
	struct aps_gql_node *pending = NULL;
	for (struct aps_gql_node *node = document->items; node != NULL; node = node->next) {
		if (node->kind != APS_GQL_OPERATION_DEFINITION) continue;
		node->is_root = true;
		if (aps_str_is(node->text, "subscription")) mark_root(node, fragments, &pending);
	}
	while (pending != NULL) {
		struct aps_gql_node *fragment = pending;
		pending = fragment->value;
		fragment->value = NULL;
		mark_root(fragment, fragments, &pending);
	}
}

bool aps_gql_wants_typename(const struct aps_gql_node *owner)
{
	if (owner->is_root) return false;
	for (const struct aps_gql_node *node = owner->items; node != NULL; node = node->next)
		if (node->kind == APS_GQL_FIELD && aps_str_is(aps_gql_response_key(node), "__typename")) return false;
	return true;
}
