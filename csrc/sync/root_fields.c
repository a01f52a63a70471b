#include "sync/root_fields.h"

#include "gql/parser.h"
#include "sync/level_fields.h"

#include <limits.h>

/* Sees one field after the other. False: it has seen enough. */
typedef bool see_fn(void *context, const struct aps_gql_node *field);

static bool has_fragments(const struct aps_gql_node *items)
{
	while (items != NULL && items->kind == APS_GQL_FIELD) items = items->next;
	return items != NULL;
}

static void see_plain(const struct aps_gql_node *items, see_fn *see, void *context)
{
	while (items != NULL && see(context, items)) items = items->next;
}

/* False: no memory. Nearly every operation has no fragment there, and needs none. */
static bool see_all(const struct aps_gql_document *document, const struct aps_gql_operation *operation, see_fn *see,
                    void *context)
{
	const struct aps_gql_node *items = operation->node->items;
	struct aps_level_field *fields = NULL;
	struct aps_arena arena;
	struct aps_err err;
	if (!has_fragments(items)) {
		see_plain(items, see, context);
		return true;
	}
	aps_arena_init(&arena, APS_GQL_ARENA_BYTES);
	enum aps_rc rc = aps_level_fields_add(&fields, document, items, &arena, &err);
	while (rc == APS_OK && fields != NULL && see(context, fields->node)) fields = fields->next;
	aps_arena_clear(&arena);
	return rc == APS_OK;
}

static bool tells_type(const struct aps_gql_node *field)
{
	return aps_str_is(field->name, "__typename");
}

static bool count_one(void *context, const struct aps_gql_node *field)
{
	unsigned *n = context;
	*n += !tells_type(field);
	return true;
}

unsigned aps_root_fields_count(const struct aps_gql_document *document, const struct aps_gql_operation *operation)
{
	unsigned n = 0;
	return see_all(document, operation, count_one, &n) ? n : UINT_MAX;
}

static bool take_first(void *context, const struct aps_gql_node *field)
{
	struct aps_str *first = context;
	if (!tells_type(field)) *first = aps_gql_response_key(field);
	return first->n == 0;
}

struct aps_str aps_root_fields_first(const struct aps_gql_document *document, const struct aps_gql_operation *operation)
{
	struct aps_str first = APS_STR("");
	return see_all(document, operation, take_first, &first) ? first : APS_STR("");
}

struct search {
	struct aps_str key;
	bool is_found, tells_type;
};

static bool look_at(void *context, const struct aps_gql_node *field)
{
	struct search *search = context;
	search->is_found = aps_str_eq(aps_gql_response_key(field), search->key);
	search->tells_type = search->is_found && tells_type(field);
	return !search->is_found;
}

bool aps_root_fields_tells_type(const struct aps_gql_document *document, const struct aps_gql_operation *operation,
                                struct aps_str key)
{
	struct search search = {.key = key};
	if (!see_all(document, operation, look_at, &search)) return false;
	return search.is_found ? search.tells_type : aps_str_is(key, "__typename");
}
