/* Syntax tree to canonical text: the layout of graphql-js, with the line end behind a document that Amplify's clients
 * send. Parsing the print gives the tree back. */
#ifndef APS_GQL_PRINTER_H
#define APS_GQL_PRINTER_H

#include "base/buf.h"
#include "gql/ast.h"

enum aps_gql_typenames { APS_GQL_AS_WRITTEN, APS_GQL_ADD_TYPENAMES };

APS_BEGIN_DECLS

/* Any node. Failures stay in out->rc. */
void aps_gql_print(const struct aps_gql_node *node, enum aps_gql_typenames typenames, struct aps_buf *out);

APS_END_DECLS

#endif
