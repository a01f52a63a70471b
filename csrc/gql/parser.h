/* Text to syntax tree: the whole GraphQL language of October 2021, executable documents and type systems. */
#ifndef APS_GQL_PARSER_H
#define APS_GQL_PARSER_H

#include "base/err.h"
#include "gql/ast.h"

/* Enough for APS_GQL_MAX_TOKENS nodes and the resolved strings of APS_GQL_MAX_TEXT_BYTES. */
#define APS_GQL_ARENA_BYTES ((size_t)96 * 1024 * 1024)

APS_BEGIN_DECLS

/* The tree (a Document) lives in `arena` and points into `text`. E_SYNTAX (message with line and column), E_TOO_BIG,
 * E_DEPTH, E_UTF8, E_NOMEM; *place (may be NULL) tells where, 1:1 where there is no better place. */
enum aps_rc aps_gql_parse(struct aps_str text, struct aps_arena *arena, struct aps_gql_node **out,
                          struct aps_gql_place *place, struct aps_err *err);

APS_END_DECLS

#endif
