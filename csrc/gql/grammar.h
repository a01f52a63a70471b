/* The parser's state and its steps: tokens, nodes, lists. Private to gql/parser.c and gql/parse_*.c.
 * Convention: a function that fails has set parser->rc and the lexer's error, and returns NULL or false. */
#ifndef APS_GQL_GRAMMAR_H
#define APS_GQL_GRAMMAR_H

#include "gql/ast.h"
#include "gql/lexer.h"

struct aps_gql_parser {
	struct aps_gql_lexer lexer;
	struct aps_gql_token token; /* the next one */
	struct aps_arena *arena;
	unsigned depth;
	enum aps_rc rc;
};

typedef struct aps_gql_node *aps_gql_parse_fn(struct aps_gql_parser *parser);

APS_BEGIN_DECLS

/* "expected <what>, found <the next token>"; always NULL. */
struct aps_gql_node *aps_gql_expected(struct aps_gql_parser *parser, const char *what);
bool aps_gql_advance(struct aps_gql_parser *parser);
bool aps_gql_peek(const struct aps_gql_parser *parser, char punctuator);
bool aps_gql_peek_word(const struct aps_gql_parser *parser, const char *word);
bool aps_gql_expect(struct aps_gql_parser *parser, char punctuator);
bool aps_gql_expect_word(struct aps_gql_parser *parser, const char *word);
bool aps_gql_expect_name(struct aps_gql_parser *parser, struct aps_str *name);
/* A node at the next token. */
struct aps_gql_node *aps_gql_node_new(struct aps_gql_parser *parser, enum aps_gql_kind kind);
/* One level deeper, or E_DEPTH; the caller leaves with parser->depth--. */
bool aps_gql_enter(struct aps_gql_parser *parser);

/* open item+ close; item* with `may_be_empty`. */
bool aps_gql_parse_list(struct aps_gql_parser *parser, const char brackets[2], aps_gql_parse_fn *item,
                        struct aps_gql_node **list);
bool aps_gql_parse_empty_list(struct aps_gql_parser *parser, const char brackets[2], aps_gql_parse_fn *item,
                              struct aps_gql_node **list);
/* [separator] item (separator item)* */
bool aps_gql_parse_separated(struct aps_gql_parser *parser, char separator, aps_gql_parse_fn *item,
                             struct aps_gql_node **list);

APS_END_DECLS

#endif
