#include "sync/level_fields.h"

#include "base/map.h"

struct pending {
	const struct aps_gql_node *fragment;
	struct pending *next;
};

struct walk {
	const struct aps_gql_document *document;
	struct aps_arena *arena;
	struct aps_level_field **end;
	struct pending **last; /* a queue: a document may hold a chain of many thousand fragments */
	struct aps_map entered;
};

static bool add_field(struct walk *walk, const struct aps_gql_node *node)
{
	struct aps_level_field *field = aps_arena_get(walk->arena, sizeof *field);
	if (field == NULL) return false;
	field->node = node;
	*walk->end = field;
	walk->end = &field->next;
	return true;
}

static bool add_fragment(struct walk *walk, struct aps_str name)
{
	const struct aps_gql_node *fragment = aps_gql_document_fragment(walk->document, name);
	if (fragment == NULL || aps_map_get(&walk->entered, name) != NULL) return true;
	struct pending *pending = aps_arena_get(walk->arena, sizeof *pending);
	if (pending == NULL || !aps_map_set(&walk->entered, name, pending)) return false;
	pending->fragment = fragment;
	*walk->last = pending;
	walk->last = &pending->next;
	return true;
}

/* Recursion goes through inline fragments only: the parser's depth limit bounds it. */
static bool add_all(struct walk *walk, const struct aps_gql_node *items)
{
	for (const struct aps_gql_node *node = items; node != NULL; node = node->next) {
		bool is_ok = node->kind == APS_GQL_FIELD             ? add_field(walk, node)
		             : node->kind == APS_GQL_FRAGMENT_SPREAD ? add_fragment(walk, node->name)
		                                                     : add_all(walk, node->items);
		if (!is_ok) return false;
	}
	return true;
}

enum aps_rc aps_level_fields_add(struct aps_level_field **list, const struct aps_gql_document *document,
                                 const struct aps_gql_node *items, struct aps_arena *arena, struct aps_err *err)
{
	struct pending *first = NULL;
	struct walk walk = {.document = document, .arena = arena, .end = list, .last = &first};
	while (*walk.end != NULL) walk.end = &(*walk.end)->next;
	aps_map_init(&walk.entered, 0);
	bool is_ok = add_all(&walk, items);
	for (; is_ok && first != NULL; first = first->next) {
		is_ok = add_all(&walk, first->fragment->items);
	}
	aps_map_clear(&walk.entered);
	return is_ok ? APS_OK : aps_fail(err, APS_E_NOMEM, "Out of memory while reading a selection set");
}
