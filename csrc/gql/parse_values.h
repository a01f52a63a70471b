/* Values, types, arguments and directives. Private to the parser; fails as gql/grammar.h says. */
#ifndef APS_GQL_PARSE_VALUES_H
#define APS_GQL_PARSE_VALUES_H

#include "gql/grammar.h"

APS_BEGIN_DECLS

struct aps_gql_node *aps_gql_parse_const_value(struct aps_gql_parser *parser);
struct aps_gql_node *aps_gql_parse_string(struct aps_gql_parser *parser);
struct aps_gql_node *aps_gql_parse_type(struct aps_gql_parser *parser);
struct aps_gql_node *aps_gql_parse_name_node(struct aps_gql_parser *parser);
/* "(" arguments ")" where they stand, else an empty list. */
bool aps_gql_parse_arguments(struct aps_gql_parser *parser, struct aps_gql_node **list);
bool aps_gql_parse_directives(struct aps_gql_parser *parser, struct aps_gql_node **list);
bool aps_gql_parse_const_directives(struct aps_gql_parser *parser, struct aps_gql_node **list);

bool aps_gql_is_string(const struct aps_gql_parser *parser);

APS_END_DECLS

#endif
