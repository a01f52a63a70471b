/* The canonical print of the type system definition language. Private to gql/printer.c. */
#ifndef APS_GQL_PRINT_SDL_H
#define APS_GQL_PRINT_SDL_H

#include "gql/layout.h"

APS_BEGIN_DECLS

/* Definitions and extensions of the type system, and their parts. */
void aps_gql_print_type_system(struct aps_gql_printer *printer, const struct aps_gql_node *node);

APS_END_DECLS

#endif
