/* Text to tokens (GraphQL October 2021, section 2.1). Allocates nothing; tokens point into the text. */
#ifndef APS_GQL_LEXER_H
#define APS_GQL_LEXER_H

#include "base/err.h"
#include "gql/place.h"

enum aps_gql_token_kind {
	APS_GQL_TOKEN_END,
	APS_GQL_TOKEN_PUNCTUATOR, /* token->text.p[0] tells which; "..." is the only long one */
	APS_GQL_TOKEN_NAME,
	APS_GQL_TOKEN_INT,
	APS_GQL_TOKEN_FLOAT,
	APS_GQL_TOKEN_STRING, /* text between the quotes, escapes checked and not resolved */
	APS_GQL_TOKEN_BLOCK_STRING
};

struct aps_gql_token {
	enum aps_gql_token_kind kind;
	struct aps_str text;
	struct aps_gql_place place;
};

struct aps_gql_lexer {
	const char *start;
	const char *at;
	const char *end;
	const char *mark; /* `place` is the place of this byte */
	struct aps_gql_place place;
	size_t n_tokens;
	struct aps_err err; /* what stopped it, and where */
	struct aps_gql_place err_place;
};

APS_BEGIN_DECLS

/* `text` must be UTF-8 and outlive the lexer and its tokens. */
void aps_gql_lexer_init(struct aps_gql_lexer *lexer, struct aps_str text);
/* APS_OK with *token, at the end of the text one of kind END; E_SYNTAX, E_TOO_BIG as in lexer->err. */
enum aps_rc aps_gql_lexer_next(struct aps_gql_lexer *lexer, struct aps_gql_token *token);
/* Fills lexer->err: "Syntax error: <message> (line 1, column 2)". Returns E_SYNTAX. */
enum aps_rc aps_gql_lexer_fail(struct aps_gql_lexer *lexer, struct aps_gql_place place, const char *format, ...)
        APS_PRINTF(3, 4);
/* The place of a byte of the text. */
struct aps_gql_place aps_gql_place_of(struct aps_str text, size_t offset);
/* True for what the grammar calls a Name. */
bool aps_gql_is_name(struct aps_str text);

APS_END_DECLS

#endif
