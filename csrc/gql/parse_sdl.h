/* The type system definition language (GraphQL October 2021, section 3). Private to the parser; fails as gql/grammar.h
 * says. */
#ifndef APS_GQL_PARSE_SDL_H
#define APS_GQL_PARSE_SDL_H

#include "gql/grammar.h"

APS_BEGIN_DECLS

/* One definition or extension of the type system; `description` may be NULL. */
struct aps_gql_node *aps_gql_parse_type_system(struct aps_gql_parser *parser, struct aps_gql_node *description);

APS_END_DECLS

#endif
