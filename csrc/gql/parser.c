#include "gql/parser.h"

#include "codec/utf8.h"
#include "gql/parse_sdl.h"
#include "gql/parse_values.h"

static struct aps_gql_node *parse_selection(struct aps_gql_parser *parser);

static bool parse_selection_set(struct aps_gql_parser *parser, struct aps_gql_node *owner)
{
	if (!aps_gql_enter(parser)) return false;
	if (!aps_gql_parse_list(parser, "{}", parse_selection, &owner->items)) return false;
	parser->depth--;
	return true;
}

static struct aps_gql_node *parse_field(struct aps_gql_parser *parser)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_FIELD);
	if (node == NULL || !aps_gql_expect_name(parser, &node->name)) return NULL;
	if (aps_gql_peek(parser, ':')) {
		node->text = node->name;
		if (!aps_gql_advance(parser) || !aps_gql_expect_name(parser, &node->name)) return NULL;
	}
	if (!aps_gql_parse_arguments(parser, &node->arguments)) return NULL;
	if (!aps_gql_parse_directives(parser, &node->directives)) return NULL;
	if (aps_gql_peek(parser, '{') && !parse_selection_set(parser, node)) return NULL;
	return node;
}

/* "..." Name | "..." ["on" Name] directives selection set */
static struct aps_gql_node *parse_selection(struct aps_gql_parser *parser)
{
	if (!aps_gql_peek(parser, '.')) return parse_field(parser);
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_INLINE_FRAGMENT);
	if (node == NULL || !aps_gql_advance(parser)) return NULL;
	if (aps_gql_peek_word(parser, "on")) {
		if (!aps_gql_advance(parser) || !aps_gql_expect_name(parser, &node->text)) return NULL;
	} else if (parser->token.kind == APS_GQL_TOKEN_NAME) {
		node->kind = APS_GQL_FRAGMENT_SPREAD;
		if (!aps_gql_expect_name(parser, &node->name)) return NULL;
		return aps_gql_parse_directives(parser, &node->directives) ? node : NULL;
	} else if (!aps_gql_peek(parser, '@') && !aps_gql_peek(parser, '{')) {
		return aps_gql_expected(parser, "a fragment's name, \"on\", a directive or \"{\"");
	}
	if (!aps_gql_parse_directives(parser, &node->directives)) return NULL;
	return parse_selection_set(parser, node) ? node : NULL;
}

static struct aps_gql_node *parse_variable_definition(struct aps_gql_parser *parser)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_VARIABLE_DEFINITION);
	if (node == NULL || !aps_gql_expect(parser, '$')) return NULL;
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

static struct aps_gql_node *parse_operation(struct aps_gql_parser *parser)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_OPERATION_DEFINITION);
	if (node == NULL) return NULL;
	node->text = APS_STR("query");
	if (!aps_gql_peek(parser, '{')) {
		if (!aps_gql_expect_name(parser, &node->text)) return NULL;
		if (parser->token.kind == APS_GQL_TOKEN_NAME && !aps_gql_expect_name(parser, &node->name)) return NULL;
		if (aps_gql_peek(parser, '(') &&
		    !aps_gql_parse_list(parser, "()", parse_variable_definition, &node->arguments))
			return NULL;
		if (!aps_gql_parse_directives(parser, &node->directives)) return NULL;
	}
	return parse_selection_set(parser, node) ? node : NULL;
}

static struct aps_gql_node *parse_fragment(struct aps_gql_parser *parser)
{
	struct aps_gql_node *node = aps_gql_node_new(parser, APS_GQL_FRAGMENT_DEFINITION);
	if (node == NULL || !aps_gql_expect_word(parser, "fragment")) return NULL;
	if (aps_gql_peek_word(parser, "on")) return aps_gql_expected(parser, "a fragment's name");
	if (!aps_gql_expect_name(parser, &node->name)) return NULL;
	if (!aps_gql_expect_word(parser, "on") || !aps_gql_expect_name(parser, &node->text)) return NULL;
	if (!aps_gql_parse_directives(parser, &node->directives)) return NULL;
	return parse_selection_set(parser, node) ? node : NULL;
}

static struct aps_gql_node *parse_definition(struct aps_gql_parser *parser)
{
	if (aps_gql_is_string(parser)) {
		struct aps_gql_node *description = aps_gql_parse_string(parser);
		return description != NULL ? aps_gql_parse_type_system(parser, description) : NULL;
	}
	if (aps_gql_peek(parser, '{') || aps_gql_peek_word(parser, "query") || aps_gql_peek_word(parser, "mutation") ||
	    aps_gql_peek_word(parser, "subscription"))
		return parse_operation(parser);
	if (aps_gql_peek_word(parser, "fragment")) return parse_fragment(parser);
	return aps_gql_parse_type_system(parser, NULL);
}

static struct aps_gql_node *parse_document(struct aps_gql_parser *parser)
{
	if (!aps_gql_advance(parser)) return NULL;
	struct aps_gql_node *document = aps_gql_node_new(parser, APS_GQL_DOCUMENT);
	if (document == NULL) return NULL;
	struct aps_gql_node **tail = &document->items;
	do {
		*tail = parse_definition(parser);
		if (*tail == NULL) return NULL;
		tail = &(*tail)->next;
	} while (parser->token.kind != APS_GQL_TOKEN_END);
	return document;
}

enum aps_rc aps_gql_parse(struct aps_str text, struct aps_arena *arena, struct aps_gql_node **out,
                          struct aps_gql_place *place, struct aps_err *err)
{
	struct aps_gql_place start = {1, 1};
	*out = NULL;
	if (place != NULL) *place = start;
	if (text.n > APS_GQL_MAX_TEXT_BYTES)
		return aps_fail(err, APS_E_TOO_BIG, "The document is larger than %zu bytes", APS_GQL_MAX_TEXT_BYTES);
	size_t bad = text.n != 0 ? aps_utf8_check(text) : 0;
	if (bad < text.n) {
		start = aps_gql_place_of(text, bad);
		if (place != NULL) *place = start;
		return aps_fail_word(err, APS_E_UTF8, NULL, (long)bad, "The document is not UTF-8 (line %u, column %u)",
		                     start.line, start.column);
	}
	struct aps_gql_parser parser = {.arena = arena};
	aps_gql_lexer_init(&parser.lexer, text);
	*out = parse_document(&parser);
	if (*out != NULL) return APS_OK;
	if (place != NULL) *place = parser.lexer.err_place;
	if (err != NULL) *err = parser.lexer.err;
	return parser.rc;
}
