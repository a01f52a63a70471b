#include "gql/grammar.h"

#include <stdio.h>

/* --- tokens ------------------------------------------------------------------------------------------------------ */

static void describe(const struct aps_gql_token *token, char *out, size_t n)
{
	int length = token->text.n > 40 ? 40 : (int)token->text.n; /* names and numbers are ASCII */
	const char *more = token->text.n > 40 ? "..." : "";
	switch (token->kind) {
	case APS_GQL_TOKEN_END: snprintf(out, n, "end of text"); break;
	case APS_GQL_TOKEN_STRING:
	case APS_GQL_TOKEN_BLOCK_STRING: snprintf(out, n, "a string"); break;
	default: snprintf(out, n, "\"%.*s%s\"", length, token->text.p, more); break;
	}
}

struct aps_gql_node *aps_gql_expected(struct aps_gql_parser *parser, const char *what)
{
	char found[64];
	describe(&parser->token, found, sizeof found);
	parser->rc = aps_gql_lexer_fail(&parser->lexer, parser->token.place, "expected %s, found %s", what, found);
	return NULL;
}

bool aps_gql_advance(struct aps_gql_parser *parser)
{
	parser->rc = aps_gql_lexer_next(&parser->lexer, &parser->token);
	return parser->rc == APS_OK;
}

/* '.' stands for "...". */
bool aps_gql_peek(const struct aps_gql_parser *parser, char punctuator)
{
	return parser->token.kind == APS_GQL_TOKEN_PUNCTUATOR && parser->token.text.p[0] == punctuator;
}

bool aps_gql_peek_word(const struct aps_gql_parser *parser, const char *word)
{
	return parser->token.kind == APS_GQL_TOKEN_NAME && aps_str_is(parser->token.text, word);
}

bool aps_gql_expect(struct aps_gql_parser *parser, char punctuator)
{
	if (aps_gql_peek(parser, punctuator)) return aps_gql_advance(parser);
	const char what[] = {'"', punctuator, '"', '\0'};
	aps_gql_expected(parser, what);
	return false;
}

bool aps_gql_expect_word(struct aps_gql_parser *parser, const char *word)
{
	if (aps_gql_peek_word(parser, word)) return aps_gql_advance(parser);
	char what[32];
	snprintf(what, sizeof what, "\"%s\"", word);
	aps_gql_expected(parser, what);
	return false;
}

bool aps_gql_expect_name(struct aps_gql_parser *parser, struct aps_str *name)
{
	if (parser->token.kind == APS_GQL_TOKEN_NAME) {
		*name = parser->token.text;
		return aps_gql_advance(parser);
	}
	aps_gql_expected(parser, "Name");
	return false;
}

/* --- nodes and lists --------------------------------------------------------------------------------------------- */

struct aps_gql_node *aps_gql_node_new(struct aps_gql_parser *parser, enum aps_gql_kind kind)
{
	struct aps_gql_node *node = aps_arena_get(parser->arena, sizeof *node);
	if (node == NULL) {
		parser->rc = aps_arena_fail(parser->arena, "the document", &parser->lexer.err);
		parser->lexer.err_place = parser->token.place;
		return NULL;
	}
	node->kind = kind;
	node->place = parser->token.place;
	return node;
}

bool aps_gql_enter(struct aps_gql_parser *parser)
{
	if (parser->depth < APS_GQL_MAX_DEPTH) {
		parser->depth++;
		return true;
	}
	struct aps_gql_place place = parser->lexer.err_place = parser->token.place;
	parser->rc = aps_fail(&parser->lexer.err, APS_E_DEPTH,
	                      "The document is nested deeper than %u levels (line %u, column %u)", APS_GQL_MAX_DEPTH,
	                      place.line, place.column);
	return false;
}

bool aps_gql_parse_empty_list(struct aps_gql_parser *parser, const char brackets[2], aps_gql_parse_fn *item,
                              struct aps_gql_node **list)
{
	struct aps_gql_node **tail = list;
	if (!aps_gql_expect(parser, brackets[0])) return false;
	while (!aps_gql_peek(parser, brackets[1])) {
		*tail = item(parser);
		if (*tail == NULL) return false;
		tail = &(*tail)->next;
	}
	return aps_gql_advance(parser);
}

bool aps_gql_parse_list(struct aps_gql_parser *parser, const char brackets[2], aps_gql_parse_fn *item,
                        struct aps_gql_node **list)
{
	struct aps_gql_node **tail = list;
	if (!aps_gql_expect(parser, brackets[0])) return false;
	do {
		*tail = item(parser);
		if (*tail == NULL) return false;
		tail = &(*tail)->next;
	} while (!aps_gql_peek(parser, brackets[1]));
	return aps_gql_advance(parser);
}

bool aps_gql_parse_separated(struct aps_gql_parser *parser, char separator, aps_gql_parse_fn *item,
                             struct aps_gql_node **list)
{
	struct aps_gql_node **tail = list;
	if (aps_gql_peek(parser, separator) && !aps_gql_advance(parser)) return false;
	for (;;) {
		*tail = item(parser);
		if (*tail == NULL) return false;
		tail = &(*tail)->next;
		if (!aps_gql_peek(parser, separator)) return true;
		if (!aps_gql_advance(parser)) return false;
	}
}
