/* How nodes stand on lines: what prints of all kinds share. Private to gql/printer.c and gql/print_sdl.c. */
#ifndef APS_GQL_LAYOUT_H
#define APS_GQL_LAYOUT_H

#include "base/buf.h"
#include "gql/ast.h"

struct aps_gql_printer {
	struct aps_buf *out;
	/* Prints a node of any kind: printer.c's, which stands above. */
	void (*print_node)(struct aps_gql_printer *printer, const struct aps_gql_node *node);
	unsigned level; /* of indentation */
	bool adds_typenames;
	bool follows_type; /* the definition before is one of the type system */
};

APS_BEGIN_DECLS

void aps_gql_print_node(struct aps_gql_printer *printer, const struct aps_gql_node *node);
void aps_gql_print_line_end(struct aps_gql_printer *printer);
/* Nothing for an empty list. */
void aps_gql_print_joined(struct aps_gql_printer *printer, const struct aps_gql_node *list, const char *separator);
/* " @a @b" */
void aps_gql_print_directives(struct aps_gql_printer *printer, const struct aps_gql_node *list);
/* open, one item a line, close; and the three by themselves. */
void aps_gql_print_lines(struct aps_gql_printer *printer, const struct aps_gql_node *list, const char brackets[2]);
void aps_gql_print_open_lines(struct aps_gql_printer *printer, char bracket);
void aps_gql_print_each_line(struct aps_gql_printer *printer, const struct aps_gql_node *list);
void aps_gql_print_close_lines(struct aps_gql_printer *printer, char bracket);
/* "(" list ")" on one line, as if it stood at level 0: to be measured. Returns where it begins in the buffer. */
size_t aps_gql_print_trial(struct aps_gql_printer *printer, const struct aps_gql_node *list);

APS_END_DECLS

#endif
