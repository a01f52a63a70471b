#include "sync/document_ids.h"

#include "codec/json_members.h"
#include "gql/parser.h"
#include "sync/level_fields.h"

struct scan {
	aps_named_ids_sink *sink;
	void *context;
};

/* Recursion goes through what stands in each other: the parser's depth limit bounds it. */
static void scan_value(const struct scan *scan, const struct aps_gql_node *value, struct aps_str name, bool is_in_list)
{
	bool is_id = is_in_list ? aps_named_ids_is_list_name(name) : aps_named_ids_is_name(name);
	switch (value->kind) {
	case APS_GQL_STRING_VALUE:
	case APS_GQL_INT_VALUE:
		if (is_id) scan->sink(scan->context, value->text, APS_NAMED_ID_MEMBER);
		break;
	case APS_GQL_LIST_VALUE:
		for (const struct aps_gql_node *item = value->items; item != NULL; item = item->next)
			scan_value(scan, item, name, true);
		break;
	case APS_GQL_OBJECT_VALUE:
		for (const struct aps_gql_node *field = value->items; field != NULL; field = field->next)
			scan_value(scan, field->value, field->name, false);
		break;
	default: break;
	}
}

static enum aps_rc scan_literals(const struct scan *scan, const struct aps_gql_document *document,
                                 const struct aps_gql_operation *operation, struct aps_err *err)
{
	struct aps_arena arena;
	struct aps_level_field *fields = NULL;
	aps_arena_init(&arena, APS_GQL_ARENA_BYTES);
	enum aps_rc rc = aps_level_fields_add(&fields, document, operation->node->items, &arena, err);
	for (; rc == APS_OK && fields != NULL; fields = fields->next) {
		const struct aps_gql_node *argument = fields->node->arguments;
		for (; argument != NULL; argument = argument->next)
			scan_value(scan, argument->value, argument->name, false);
	}
	aps_arena_clear(&arena);
	return rc;
}

static bool is_of_ids(const struct aps_gql_node *type)
{
	while (type->kind != APS_GQL_NAMED_TYPE) type = type->type;
	return aps_str_is(type->name, "ID");
}

static void scan_defaults(const struct scan *scan, const struct aps_gql_operation *operation, struct aps_str variables)
{
	const struct aps_gql_node *definition = operation->node->arguments;
	for (; definition != NULL; definition = definition->next) {
		struct aps_json_members members;
		struct aps_str value;
		aps_json_members_init(&members, variables);
		bool is_default = definition->kind == APS_GQL_VARIABLE_DEFINITION && definition->value != NULL &&
		                  !aps_json_members_named(&members, definition->name, &value);
		struct aps_str name = is_of_ids(definition->type) ? APS_STR("id") : definition->name;
		if (is_default) scan_value(scan, definition->value, name, false);
	}
}

enum aps_rc aps_document_ids_scan(const struct aps_gql_document *document, const struct aps_gql_operation *operation,
                                  struct aps_str variables, aps_named_ids_sink *sink, void *context,
                                  struct aps_err *err)
{
	const struct scan scan = {sink, context};
	scan_defaults(&scan, operation, variables);
	return scan_literals(&scan, document, operation, err);
}
