#include "sync/selection_uses.h"

#include "base/buf.h"

struct pending {
	const struct aps_gql_node *fragment;
	struct pending *next;
};

struct walk {
	struct aps_selection_uses *uses;
	const struct aps_gql_document *document;
	struct aps_arena arena;
	struct pending **last; /* a queue: a document may hold a chain of many thousand fragments */
};

static bool add_fragment(struct walk *walk, struct aps_str name)
{
	const struct aps_gql_node *fragment = aps_gql_document_fragment(walk->document, name);
	if (fragment == NULL || aps_map_get(&walk->uses->fragments, name) != NULL) return true;
	struct pending *pending = aps_arena_get(&walk->arena, sizeof *pending);
	if (pending == NULL || !aps_map_set(&walk->uses->fragments, name, walk->uses)) return false;
	pending->fragment = fragment;
	*walk->last = pending;
	walk->last = &pending->next;
	return true;
}

/* Recursion goes through what stands in each other: the parser's depth limit bounds it. */
static bool add_all(struct walk *walk, const struct aps_gql_node *list)
{
	bool is_ok = true;
	for (const struct aps_gql_node *node = list; is_ok && node != NULL; node = node->next) {
		if (node->kind == APS_GQL_VARIABLE)
			is_ok = aps_map_set(&walk->uses->variables, node->name, walk->uses);
		else if (node->kind == APS_GQL_FRAGMENT_SPREAD)
			is_ok = add_fragment(walk, node->name);
		is_ok = is_ok && add_all(walk, node->arguments) && add_all(walk, node->directives) &&
		        add_all(walk, node->value) && add_all(walk, node->items);
	}
	return is_ok;
}

enum aps_rc aps_selection_uses_init(struct aps_selection_uses *uses, const struct aps_gql_document *document,
                                    const struct aps_gql_node *items, struct aps_err *err)
{
	struct pending *first = NULL;
	struct walk walk = {.uses = uses, .document = document, .last = &first};
	aps_map_init(&uses->variables, 0);
	aps_map_init(&uses->fragments, 0);
	aps_arena_init(&walk.arena, APS_BUF_ANY_SIZE);
	bool is_ok = add_all(&walk, items);
	for (; is_ok && first != NULL; first = first->next)
		is_ok = add_all(&walk, first->fragment->directives) && add_all(&walk, first->fragment->items);
	aps_arena_clear(&walk.arena);
	return is_ok ? APS_OK : aps_fail(err, APS_E_NOMEM, "Out of memory while reading a selection set");
}

void aps_selection_uses_clear(struct aps_selection_uses *uses)
{
	aps_map_clear(&uses->variables);
	aps_map_clear(&uses->fragments);
}

bool aps_selection_uses_variable(const struct aps_selection_uses *uses, struct aps_str name)
{
	return aps_map_get(&uses->variables, name) != NULL;
}

bool aps_selection_uses_fragment(const struct aps_selection_uses *uses, struct aps_str name)
{
	return aps_map_get(&uses->fragments, name) != NULL;
}
