#include "gql/layout.h"

void aps_gql_print_node(struct aps_gql_printer *printer, const struct aps_gql_node *node)
{
	printer->print_node(printer, node);
}

void aps_gql_print_line_end(struct aps_gql_printer *printer)
{
	aps_buf_add_byte(printer->out, '\n');
	for (unsigned i = 0; i < printer->level; i++) aps_buf_add_text(printer->out, "  ");
}

void aps_gql_print_joined(struct aps_gql_printer *printer, const struct aps_gql_node *list, const char *separator)
{
	for (const struct aps_gql_node *item = list; item != NULL; item = item->next) {
		if (item != list) aps_buf_add_text(printer->out, separator);
		aps_gql_print_node(printer, item);
	}
}

void aps_gql_print_directives(struct aps_gql_printer *printer, const struct aps_gql_node *list)
{
	if (list != NULL) aps_buf_add_byte(printer->out, ' ');
	aps_gql_print_joined(printer, list, " ");
}

void aps_gql_print_open_lines(struct aps_gql_printer *printer, char bracket)
{
	aps_buf_add_byte(printer->out, bracket);
	printer->level++;
}

void aps_gql_print_close_lines(struct aps_gql_printer *printer, char bracket)
{
	printer->level--;
	aps_gql_print_line_end(printer);
	aps_buf_add_byte(printer->out, bracket);
}

void aps_gql_print_each_line(struct aps_gql_printer *printer, const struct aps_gql_node *list)
{
	for (const struct aps_gql_node *item = list; item != NULL; item = item->next) {
		aps_gql_print_line_end(printer);
		aps_gql_print_node(printer, item);
	}
}

void aps_gql_print_lines(struct aps_gql_printer *printer, const struct aps_gql_node *list, const char brackets[2])
{
	aps_gql_print_open_lines(printer, brackets[0]);
	aps_gql_print_each_line(printer, list);
	aps_gql_print_close_lines(printer, brackets[1]);
}

size_t aps_gql_print_trial(struct aps_gql_printer *printer, const struct aps_gql_node *list)
{
	size_t start = printer->out->n;
	unsigned level = printer->level;
	printer->level = 0;
	aps_buf_add_byte(printer->out, '(');
	aps_gql_print_joined(printer, list, ", ");
	aps_buf_add_byte(printer->out, ')');
	printer->level = level;
	return start;
}
