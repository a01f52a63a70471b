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

#define MAX_COMPARED 16 /* more fields than these at one root are counted as they are written */

struct count {
	struct aps_str keys[MAX_COMPARED];
	unsigned n;
};

static bool count_one(void *context, const struct aps_gql_node *field)
{
	struct count *count = context;
	struct aps_str key = aps_gql_response_key(field);
	if (tells_type(field)) return true;
	for (unsigned i = 0; i < count->n && i < MAX_COMPARED; i++)
		if (aps_str_eq(count->keys[i], key)) return true;
	if (count->n < MAX_COMPARED) count->keys[count->n] = key;
	count->n++;
	return true;
}

unsigned aps_root_fields_count(const struct aps_gql_document *document, const struct aps_gql_operation *operation)
{
	struct count count = {.n = 0};
	return see_all(document, operation, count_one, &count) ? count.n : UINT_MAX;
}

static bool take_first(void *context, const struct aps_gql_node *field)
{
	const struct aps_gql_node **first = context;
	if (!tells_type(field)) *first = field;
	return *first == NULL;
}

static const struct aps_gql_node *first_of(const struct aps_gql_document *document,
                                           const struct aps_gql_operation *operation)
{
	const struct aps_gql_node *first = NULL;
	return see_all(document, operation, take_first, &first) ? first : NULL;
}

struct aps_str aps_root_fields_first(const struct aps_gql_document *document, const struct aps_gql_operation *operation)
{
	const struct aps_gql_node *first = first_of(document, operation);
	return first != NULL ? aps_gql_response_key(first) : APS_STR("");
}

struct aps_str aps_root_fields_first_name(const struct aps_gql_document *document,
                                          const struct aps_gql_operation *operation)
{
	const struct aps_gql_node *first = first_of(document, operation);
	return first != NULL ? first->name : APS_STR("");
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
	(void)see_all(document, operation, look_at, &search);
	return search.is_found ? search.tells_type : aps_str_is(key, "__typename");
}
