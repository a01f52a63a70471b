#include "gql/parse_sdl.h"

#include "gql/parse_values.h"

static struct aps_gql_node *parse_input_value(struct aps_gql_parser *parser)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_INPUT_VALUE_DEFINITION);
	if (node == NULL) return NULL;
	if (aps_gql_is_string(parser) && (node->description = aps_gql_parse_string(parser)) == NULL) return NULL;
	if (!aps_gql_expect_name(parser, &node->name) || !aps_gql_expect(parser, ':')) return NULL;
	node->type = aps_gql_parse_type(parser);
	if (node->type == NULL) return NULL;
	if (aps_gql_peek(parser, '=')) {
		if (!aps_gql_advance(parser)) return NULL;
		node->value = aps_gql_parse_const_value(parser);
		if (node->value == NULL) return NULL;
	}
	return aps_gql_parse_const_directives(parser, &node->directives) ? node : NULL;
}

static bool parse_argument_definitions(struct aps_gql_parser *parser, struct aps_gql_node *node)
{
	return !aps_gql_peek(parser, '(') || aps_gql_parse_list(parser, "()", parse_input_value, &node->arguments);
}

static struct aps_gql_node *parse_field_definition(struct aps_gql_parser *parser)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_FIELD_DEFINITION);
	if (node == NULL) return NULL;
	if (aps_gql_is_string(parser) && (node->description = aps_gql_parse_string(parser)) == NULL) return NULL;
	if (!aps_gql_expect_name(parser, &node->name) || !parse_argument_definitions(parser, node)) return NULL;
	if (!aps_gql_expect(parser, ':')) return NULL;
	node->type = aps_gql_parse_type(parser);
	if (node->type == NULL) return NULL;
	return aps_gql_parse_const_directives(parser, &node->directives) ? node : NULL;
}

/* Section 2.9.6: an enum value is a name, but not true, false or null. */
static struct aps_gql_node *parse_enum_value(struct aps_gql_parser *parser)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_ENUM_VALUE_DEFINITION);
	if (node == NULL) return NULL;
	if (aps_gql_is_string(parser) && (node->description = aps_gql_parse_string(parser)) == NULL) return NULL;
	if (aps_gql_peek_word(parser, "true") || aps_gql_peek_word(parser, "false") ||
	    aps_gql_peek_word(parser, "null"))
		return aps_gql_expected(parser, "an enum value");
	if (!aps_gql_expect_name(parser, &node->name)) return NULL;
	return aps_gql_parse_const_directives(parser, &node->directives) ? node : NULL;
}

static struct aps_gql_node *parse_operation_type(struct aps_gql_parser *parser)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_OPERATION_TYPE_DEFINITION);
	if (node == NULL) return NULL;
	if (!aps_gql_peek_word(parser, "query") && !aps_gql_peek_word(parser, "mutation") &&
	    !aps_gql_peek_word(parser, "subscription"))
		return aps_gql_expected(parser, "\"query\", \"mutation\" or \"subscription\"");
	if (!aps_gql_expect_name(parser, &node->text) || !aps_gql_expect(parser, ':')) return NULL;
	return aps_gql_expect_name(parser, &node->name) ? node : NULL;
}

static struct aps_gql_node *parse_location(struct aps_gql_parser *parser)
{
	static const char *const LOCATIONS[] = {"QUERY",
	                                        "MUTATION",
	                                        "SUBSCRIPTION",
	                                        "FIELD",
	                                        "FRAGMENT_DEFINITION",
	                                        "FRAGMENT_SPREAD",
	                                        "INLINE_FRAGMENT",
	                                        "VARIABLE_DEFINITION",
	                                        "SCHEMA",
	                                        "SCALAR",
	                                        "OBJECT",
	                                        "FIELD_DEFINITION",
	                                        "ARGUMENT_DEFINITION",
	                                        "INTERFACE",
	                                        "UNION",
	                                        "ENUM",
	                                        "ENUM_VALUE",
	                                        "INPUT_OBJECT",
	                                        "INPUT_FIELD_DEFINITION"};
	for (size_t i = 0; i < APS_COUNTOF(LOCATIONS); i++)
		if (aps_gql_peek_word(parser, LOCATIONS[i])) return aps_gql_parse_name_node(parser);
	return aps_gql_expected(parser, "a directive location");
}

/* Everything behind the name, in the order of the grammar; what a kind hasn't got, its function leaves out. */
typedef bool parse_rest_fn(struct aps_gql_parser *parser, struct aps_gql_node *node);

static bool parse_schema(struct aps_gql_parser *parser, struct aps_gql_node *node)
{
	if (!aps_gql_parse_const_directives(parser, &node->directives)) return false;
	if (node->kind == APS_GQL_SCHEMA_EXTENSION && !aps_gql_peek(parser, '{')) return true;
	return aps_gql_parse_list(parser, "{}", parse_operation_type, &node->items);
}

static bool parse_scalar(struct aps_gql_parser *parser, struct aps_gql_node *node)
{
	return aps_gql_parse_const_directives(parser, &node->directives);
}

static bool parse_fields(struct aps_gql_parser *parser, struct aps_gql_node *node)
{
	if (aps_gql_peek_word(parser, "implements") &&
	    !(aps_gql_advance(parser) &&
	      aps_gql_parse_separated(parser, '&', aps_gql_parse_name_node, &node->interfaces)))
		return false;
	if (!aps_gql_parse_const_directives(parser, &node->directives)) return false;
	return !aps_gql_peek(parser, '{') || aps_gql_parse_list(parser, "{}", parse_field_definition, &node->items);
}

static bool parse_union(struct aps_gql_parser *parser, struct aps_gql_node *node)
{
	if (!aps_gql_parse_const_directives(parser, &node->directives)) return false;
	if (!aps_gql_peek(parser, '=')) return true;
	return aps_gql_advance(parser) && aps_gql_parse_separated(parser, '|', aps_gql_parse_name_node, &node->items);
}

static bool parse_enum(struct aps_gql_parser *parser, struct aps_gql_node *node)
{
	if (!aps_gql_parse_const_directives(parser, &node->directives)) return false;
	return !aps_gql_peek(parser, '{') || aps_gql_parse_list(parser, "{}", parse_enum_value, &node->items);
}

static bool parse_input(struct aps_gql_parser *parser, struct aps_gql_node *node)
{
	if (!aps_gql_parse_const_directives(parser, &node->directives)) return false;
	return !aps_gql_peek(parser, '{') || aps_gql_parse_list(parser, "{}", parse_input_value, &node->items);
}

static bool parse_directive_definition(struct aps_gql_parser *parser, struct aps_gql_node *node)
{
	if (!parse_argument_definitions(parser, node)) return false;
	node->is_true = aps_gql_peek_word(parser, "repeatable");
	if (node->is_true && !aps_gql_advance(parser)) return false;
	return aps_gql_expect_word(parser, "on") && aps_gql_parse_separated(parser, '|', parse_location, &node->items);
}

static const struct {
	const char *word;
	enum aps_gql_kind kind;
	parse_rest_fn *parse_rest;
	const char *extended_by; /* NULL: can't be extended */
} WORDS[] = {
        {"schema", APS_GQL_SCHEMA_DEFINITION, parse_schema, "a directive or \"{\""},
        {"scalar", APS_GQL_SCALAR_TYPE_DEFINITION, parse_scalar, "a directive"},
        {"type", APS_GQL_OBJECT_TYPE_DEFINITION, parse_fields, "\"implements\", a directive or \"{\""},
        {"interface", APS_GQL_INTERFACE_TYPE_DEFINITION, parse_fields, "\"implements\", a directive or \"{\""},
        {"union", APS_GQL_UNION_TYPE_DEFINITION, parse_union, "a directive or \"=\""},
        {"enum", APS_GQL_ENUM_TYPE_DEFINITION, parse_enum, "a directive or \"{\""},
        {"input", APS_GQL_INPUT_OBJECT_TYPE_DEFINITION, parse_input, "a directive or \"{\""},
        {"directive", APS_GQL_DIRECTIVE_DEFINITION, parse_directive_definition, NULL},
};

static struct aps_gql_node *parse_named(struct aps_gql_parser *parser, struct aps_gql_node *node, size_t row)
{
	bool is_extension = node->kind != WORDS[row].kind;
	if (!aps_gql_advance(parser)) return NULL;
	if (WORDS[row].kind == APS_GQL_DIRECTIVE_DEFINITION && !aps_gql_expect(parser, '@')) return NULL;
	if (WORDS[row].kind != APS_GQL_SCHEMA_DEFINITION && !aps_gql_expect_name(parser, &node->name)) return NULL;
	if (!WORDS[row].parse_rest(parser, node)) return NULL;
	if (is_extension && node->interfaces == NULL && node->directives == NULL && node->items == NULL)
		return aps_gql_expected(parser, WORDS[row].extended_by);
	return node;
}

struct aps_gql_node *aps_gql_parse_type_system(struct aps_gql_parser *parser, struct aps_gql_node *description)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_SCHEMA_DEFINITION);
	if (node == NULL) return NULL;
	node->description = description;
	if (description != NULL) node->place = description->place;
	bool is_extension = description == NULL && aps_gql_peek_word(parser, "extend");
	if (is_extension && !aps_gql_advance(parser)) return NULL;
	for (size_t i = 0; i < APS_COUNTOF(WORDS); i++) {
		if (!aps_gql_peek_word(parser, WORDS[i].word)) continue;
		if (is_extension && WORDS[i].extended_by == NULL) break;
		node->kind = WORDS[i].kind;
		if (is_extension) node->kind = (enum aps_gql_kind)(node->kind + APS_GQL_TO_EXTENSION);
		return parse_named(parser, node, i);
	}
	return aps_gql_expected(parser, is_extension          ? "a word for what is extended"
	                                : description != NULL ? "the definition of a type, a schema or a directive"
	                                                      : "a definition");
}
