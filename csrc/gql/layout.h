/* What the files of the printer share. Private to gql/printer.c and gql/print_sdl.c. */
#ifndef APS_GQL_LAYOUT_H
#define APS_GQL_LAYOUT_H

#include "gql/printer.h"

struct aps_gql_printer {
	struct aps_buf *out;
	unsigned level; /* of indentation */
	enum aps_gql_typenames typenames;
	bool follows_type; /* the definition before is one of the type system */
};

APS_BEGIN_DECLS

void aps_gql_print_node(struct aps_gql_printer *printer, const struct aps_gql_node *node);
void aps_gql_print_line_end(struct aps_gql_printer *printer);
/* Nothing for an empty list. */
void aps_gql_print_joined(struct aps_gql_printer *printer, const struct aps_gql_node *list, const char *separator);
/* " @a @b" */
void aps_gql_print_directives(struct aps_gql_printer *printer, const struct aps_gql_node *list);
/* open, one item a line, close. */
void aps_gql_print_lines(struct aps_gql_printer *printer, const struct aps_gql_node *list, const char brackets[2]);
/* "(" list ")" on one line, as if it stood at level 0: to be measured. Returns where it begins in the buffer. */
size_t aps_gql_print_trial(struct aps_gql_printer *printer, const struct aps_gql_node *list);
/* Definitions and extensions of the type system, and their parts. */
void aps_gql_print_type_system(struct aps_gql_printer *printer, const struct aps_gql_node *node);

APS_END_DECLS

#endif
