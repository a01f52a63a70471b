#include "gql/parse_values.h"

#include "gql/literal.h"

static struct aps_gql_node *parse_any_value(struct aps_gql_parser *parser, bool is_const);

static struct aps_gql_node *parse_value(struct aps_gql_parser *parser)
{
	return parse_any_value(parser, false);
}

bool aps_gql_is_string(const struct aps_gql_parser *parser)
{
	return parser->token.kind == APS_GQL_TOKEN_STRING || parser->token.kind == APS_GQL_TOKEN_BLOCK_STRING;
}

struct aps_gql_node *aps_gql_parse_string(struct aps_gql_parser *parser)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_STRING_VALUE);
	if (node == NULL) return NULL;
	node->is_true = parser->token.kind == APS_GQL_TOKEN_BLOCK_STRING;
	bool is_ok = node->is_true ? aps_gql_literal_block_value(parser->arena, parser->token.text, &node->text)
	                           : aps_gql_literal_value(parser->arena, parser->token.text, &node->text);
	if (!is_ok) {
		parser->rc = aps_arena_fail(parser->arena, "the document", &parser->lexer.err);
		parser->lexer.err_place = parser->token.place;
		return NULL;
	}
	return aps_gql_advance(parser) ? node : NULL;
}

static struct aps_gql_node *parse_number(struct aps_gql_parser *parser, enum aps_gql_kind kind)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, kind);
	if (node == NULL) return NULL;
	node->text = parser->token.text;
	return aps_gql_advance(parser) ? node : NULL;
}

static struct aps_gql_node *parse_word_value(struct aps_gql_parser *parser)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_ENUM_VALUE);
	if (node == NULL) return NULL;
	node->is_true = aps_gql_peek_word(parser, "true");
	if (node->is_true || aps_gql_peek_word(parser, "false")) {
		node->kind = APS_GQL_BOOLEAN_VALUE;
	} else if (aps_gql_peek_word(parser, "null")) {
		node->kind = APS_GQL_NULL_VALUE;
	} else {
		node->text = parser->token.text;
	}
	return aps_gql_advance(parser) ? node : NULL;
}

static struct aps_gql_node *parse_variable(struct aps_gql_parser *parser)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_VARIABLE);
	if (node == NULL || !aps_gql_expect(parser, '$')) return NULL;
	return aps_gql_expect_name(parser, &node->name) ? node : NULL;
}

/* Name ":" value */
static struct aps_gql_node *parse_pair(struct aps_gql_parser *parser, enum aps_gql_kind kind, bool is_const)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, kind);
	if (node == NULL || !aps_gql_expect_name(parser, &node->name) || !aps_gql_expect(parser, ':')) return NULL;
	node->value = parse_any_value(parser, is_const);
	return node->value != NULL ? node : NULL;
}

static struct aps_gql_node *parse_object_field(struct aps_gql_parser *parser)
{
	return parse_pair(parser, APS_GQL_OBJECT_FIELD, false);
}

static struct aps_gql_node *parse_const_object_field(struct aps_gql_parser *parser)
{
	return parse_pair(parser, APS_GQL_OBJECT_FIELD, true);
}

static struct aps_gql_node *parse_nested(struct aps_gql_parser *parser, enum aps_gql_kind kind, bool is_const)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, kind);
	if (node == NULL || !aps_gql_enter(parser)) return NULL;
	bool is_ok =
	        kind == APS_GQL_LIST_VALUE
	                ? aps_gql_parse_empty_list(parser, "[]", is_const ? aps_gql_parse_const_value : parse_value,
	                                           &node->items)
	                : aps_gql_parse_empty_list(
	                          parser, "{}", is_const ? parse_const_object_field : parse_object_field, &node->items);
	parser->depth--;
	return is_ok ? node : NULL;
}

static struct aps_gql_node *parse_any_value(struct aps_gql_parser *parser, bool is_const)
{
	switch (parser->token.kind) {
	case APS_GQL_TOKEN_INT: return parse_number(parser, APS_GQL_INT_VALUE);
	case APS_GQL_TOKEN_FLOAT: return parse_number(parser, APS_GQL_FLOAT_VALUE);
	case APS_GQL_TOKEN_STRING:
	case APS_GQL_TOKEN_BLOCK_STRING: return aps_gql_parse_string(parser);
	case APS_GQL_TOKEN_NAME: return parse_word_value(parser);
	default: break;
	}
	if (aps_gql_peek(parser, '[')) return parse_nested(parser, APS_GQL_LIST_VALUE, is_const);
	if (aps_gql_peek(parser, '{')) return parse_nested(parser, APS_GQL_OBJECT_VALUE, is_const);
	if (!is_const && aps_gql_peek(parser, '$')) return parse_variable(parser);
	return aps_gql_expected(parser, is_const ? "a constant value" : "a value");
}

struct aps_gql_node *aps_gql_parse_const_value(struct aps_gql_parser *parser)
{
	return parse_any_value(parser, true);
}

static struct aps_gql_node *parse_list_type(struct aps_gql_parser *parser)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_LIST_TYPE);
	if (node == NULL || !aps_gql_enter(parser) || !aps_gql_expect(parser, '[')) return NULL;
	node->type = aps_gql_parse_type(parser);
	if (node->type == NULL) return NULL;
	parser->depth--;
	return aps_gql_expect(parser, ']') ? node : NULL;
}

static struct aps_gql_node *parse_named_type(struct aps_gql_parser *parser)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_NAMED_TYPE);
	if (node == NULL) return NULL;
	if (parser->token.kind != APS_GQL_TOKEN_NAME) return aps_gql_expected(parser, "a type");
	return aps_gql_expect_name(parser, &node->name) ? node : NULL;
}

struct aps_gql_node *aps_gql_parse_type(struct aps_gql_parser *parser)
{
	struct aps_gql_node *type = aps_gql_peek(parser, '[') ? parse_list_type(parser) : parse_named_type(parser);
	if (type == NULL || !aps_gql_peek(parser, '!')) return type;
	struct aps_gql_node *non_null = aps_gql_node_new(parser, APS_GQL_NON_NULL_TYPE);
	if (non_null == NULL) return NULL;
	non_null->place = type->place;
	non_null->type = type;
	return aps_gql_advance(parser) ? non_null : NULL;
}

struct aps_gql_node *aps_gql_parse_name_node(struct aps_gql_parser *parser)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_NAME);
	return node != NULL && aps_gql_expect_name(parser, &node->name) ? node : NULL;
}

static struct aps_gql_node *parse_argument(struct aps_gql_parser *parser)
{
	return parse_pair(parser, APS_GQL_ARGUMENT, false);
}

static struct aps_gql_node *parse_const_argument(struct aps_gql_parser *parser)
{
	return parse_pair(parser, APS_GQL_ARGUMENT, true);
}

bool aps_gql_parse_arguments(struct aps_gql_parser *parser, struct aps_gql_node **list)
{
	return !aps_gql_peek(parser, '(') || aps_gql_parse_list(parser, "()", parse_argument, list);
}

static bool parse_any_directives(struct aps_gql_parser *parser, bool is_const, struct aps_gql_node **list)
{
	for (struct aps_gql_node **tail = list; aps_gql_peek(parser, '@'); tail = &(*tail)->next) {
		struct aps_gql_node *node = *tail = aps_gql_node_new(parser, APS_GQL_DIRECTIVE);
		if (node == NULL || !aps_gql_advance(parser) || !aps_gql_expect_name(parser, &node->name)) return false;
		if (!aps_gql_peek(parser, '(')) continue;
		if (!aps_gql_parse_list(parser, "()", is_const ? parse_const_argument : parse_argument,
		                        &node->arguments))
			return false;
	}
	return true;
}

bool aps_gql_parse_directives(struct aps_gql_parser *parser, struct aps_gql_node **list)
{
	return parse_any_directives(parser, false, list);
}

bool aps_gql_parse_const_directives(struct aps_gql_parser *parser, struct aps_gql_node **list)
{
	return parse_any_directives(parser, true, list);
}
