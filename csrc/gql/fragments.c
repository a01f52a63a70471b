#include "gql/fragments.h"

#include "gql/parser.h"

#include <stdlib.h>

enum { UNSEEN, ON_PATH, DONE };

/* One fragment on the path of the search, and the spreads in it that are still to be followed. */
struct visit {
	size_t first;
	size_t n;
	size_t next;
	unsigned state;
};

struct search {
	const struct aps_gql_fragments *fragments;
	struct aps_gql_node **spreads; /* of all definitions, one after the other */
	size_t n_spreads;
	struct visit *visits; /* by the fragment's index */
	size_t *path;
};

static bool find_index(const struct aps_gql_fragments *fragments, struct aps_str name, size_t *index)
{
	size_t low = 0, high = fragments->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = aps_str_cmp(fragments->sorted[middle]->name, name);
		if (order == 0) {
			*index = middle;
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

struct aps_gql_node *aps_gql_fragments_find(const struct aps_gql_fragments *fragments, struct aps_str name)
{
	size_t index;
	return find_index(fragments, name, &index) ? fragments->sorted[index] : NULL;
}

static enum aps_rc refuse(const struct aps_gql_node *node, const char *what, struct aps_gql_place *place,
                          struct aps_err *err)
{
	*place = node->place;
	int n = node->name.n > 60 ? 60 : (int)node->name.n;
	return aps_fail(err, APS_E_SYNTAX, "The fragment \"%.*s\" %s (line %u, column %u)", n, node->name.p, what,
	                node->place.line, node->place.column);
}

static bool sort_fragments(struct aps_gql_fragments *fragments, const struct aps_gql_node *document,
                           struct aps_arena *arena)
{
	size_t n = 0;
	for (const struct aps_gql_node *node = document->items; node != NULL; node = node->next)
		n += node->kind == APS_GQL_FRAGMENT_DEFINITION;
	fragments->sorted = aps_arena_get(arena, (n + 1) * sizeof(struct aps_gql_node *));
	if (fragments->sorted == NULL) return false;
	for (struct aps_gql_node *node = document->items; node != NULL; node = node->next)
		if (node->kind == APS_GQL_FRAGMENT_DEFINITION) fragments->sorted[fragments->n++] = node;
	qsort(fragments->sorted, n, sizeof(struct aps_gql_node *), aps_gql_compare_names);
	return true;
}

/* Recursion is bounded by the parser's depth limit. With `spreads` NULL it only counts. */
static size_t collect_spreads(const struct aps_gql_node *owner, struct aps_gql_node **spreads, size_t n)
{
	for (struct aps_gql_node *node = owner->items; node != NULL; node = node->next) {
		if (node->kind != APS_GQL_FRAGMENT_SPREAD) {
			n = collect_spreads(node, spreads, n);
			continue;
		}
		if (spreads != NULL) spreads[n] = node;
		n++;
	}
	return n;
}

static enum aps_rc check_defined(const struct search *search, struct aps_gql_place *place, struct aps_err *err)
{
	for (size_t i = 0; i < search->n_spreads; i++)
		if (aps_gql_fragments_find(search->fragments, search->spreads[i]->name) == NULL)
			return refuse(search->spreads[i], "is not defined", place, err);
	return APS_OK;
}

/* Depth first with a path of its own: a document may hold a chain of many thousand fragments. */
static enum aps_rc check_circles_from(struct search *search, size_t root, struct aps_gql_place *place,
                                      struct aps_err *err)
{
	size_t depth = 0, index;
	if (search->visits[root].state != UNSEEN) return APS_OK;
	search->visits[root].state = ON_PATH;
	search->path[depth++] = root;
	while (depth != 0) {
		struct visit *visit = &search->visits[search->path[depth - 1]];
		if (visit->next == visit->n) {
			visit->state = DONE;
			depth--;
			continue;
		}
		const struct aps_gql_node *spread = search->spreads[visit->first + visit->next++];
		if (!find_index(search->fragments, spread->name, &index)) continue;
		if (search->visits[index].state == ON_PATH) return refuse(spread, "includes itself", place, err);
		if (search->visits[index].state == DONE) continue;
		search->visits[index].state = ON_PATH;
		search->path[depth++] = index;
	}
	return APS_OK;
}

static bool search_init(struct search *search, const struct aps_gql_node *document, struct aps_arena *arena)
{
	size_t n_fragments = search->fragments->n, n_spreads = 0, index;
	for (const struct aps_gql_node *node = document->items; node != NULL; node = node->next)
		n_spreads = collect_spreads(node, NULL, n_spreads);
	search->spreads = aps_arena_get(arena, (n_spreads + 1) * sizeof(struct aps_gql_node *));
	search->visits = aps_arena_get(arena, (n_fragments + 1) * sizeof(struct visit));
	search->path = aps_arena_get(arena, (n_fragments + 1) * sizeof(size_t));
	if (search->spreads == NULL || search->visits == NULL || search->path == NULL) return false;
	for (const struct aps_gql_node *node = document->items; node != NULL; node = node->next) {
		size_t first = search->n_spreads;
		search->n_spreads = collect_spreads(node, search->spreads, first);
		if (node->kind == APS_GQL_FRAGMENT_DEFINITION && find_index(search->fragments, node->name, &index))
			search->visits[index] = (struct visit){.first = first, .n = search->n_spreads - first};
	}
	return true;
}

static enum aps_rc check_spreads(const struct aps_gql_fragments *fragments, const struct aps_gql_node *document,
                                 struct aps_arena *scratch, struct aps_gql_place *place, struct aps_err *err)
{
	struct search search = {.fragments = fragments};
	if (!search_init(&search, document, scratch)) return aps_arena_fail(scratch, "the document", err);
	enum aps_rc rc = check_defined(&search, place, err);
	for (size_t i = 0; rc == APS_OK && i < fragments->n; i++) rc = check_circles_from(&search, i, place, err);
	return rc;
}

enum aps_rc aps_gql_fragments_init(struct aps_gql_fragments *fragments, const struct aps_gql_node *document,
                                   struct aps_arena *arena, struct aps_gql_place *place, struct aps_err *err)
{
	*fragments = (struct aps_gql_fragments){NULL, 0};
	if (!sort_fragments(fragments, document, arena)) return aps_arena_fail(arena, "the document", err);
	for (size_t i = 1; i < fragments->n; i++)
		if (aps_str_eq(fragments->sorted[i - 1]->name, fragments->sorted[i]->name))
			return refuse(fragments->sorted[i], "is defined twice", place, err);
	struct aps_arena scratch;
	aps_arena_init(&scratch, APS_GQL_ARENA_BYTES);
	enum aps_rc rc = check_spreads(fragments, document, &scratch, place, err);
	aps_arena_clear(&scratch);
	return rc;
}
