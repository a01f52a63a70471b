#include "gql/printer.h"

#include "gql/layout.h"
#include "gql/literal.h"
#include "gql/print_sdl.h"
#include "gql/typenames.h"

#define MAX_LINE_UNITS 80

static void print_selection_set(struct aps_gql_printer *printer, const struct aps_gql_node *owner)
{
	aps_gql_print_open_lines(printer, '{');
	aps_gql_print_each_line(printer, owner->items);
	if (printer->adds_typenames && aps_gql_wants_typename(owner)) {
		aps_gql_print_line_end(printer);
		aps_buf_add_text(printer->out, "__typename");
	}
	aps_gql_print_close_lines(printer, '}');
}

/* Behind a type without fields "{" would be read as the type's: there even the shortest query keeps its word. */
static void print_operation(struct aps_gql_printer *printer, const struct aps_gql_node *node)
{
	bool is_short = aps_str_is(node->text, "query") && node->name.n == 0 && node->arguments == NULL &&
	                node->directives == NULL && !printer->follows_type;
	if (!is_short) {
		aps_buf_add_str(printer->out, node->text);
		if (node->name.n != 0 || node->arguments != NULL) aps_buf_add_byte(printer->out, ' ');
		aps_buf_add_str(printer->out, node->name);
		if (node->arguments != NULL) {
			aps_buf_add_byte(printer->out, '(');
			aps_gql_print_joined(printer, node->arguments, ", ");
			aps_buf_add_byte(printer->out, ')');
		}
		aps_gql_print_directives(printer, node->directives);
		aps_buf_add_byte(printer->out, ' ');
	}
	print_selection_set(printer, node);
}

/* A line longer than 80 without its indentation gives each argument a line. */
static void print_field_arguments(struct aps_gql_printer *printer, const struct aps_gql_node *list, size_t line_start)
{
	struct aps_buf *out = printer->out;
	size_t start = aps_gql_print_trial(printer, list);
	if (out->rc != APS_OK) return;
	struct aps_str line = {out->p + line_start, out->n - line_start};
	bool is_long = aps_gql_literal_units(line) > MAX_LINE_UNITS;
	if (!is_long && memchr(line.p, '\n', line.n) == NULL) return;
	out->n = start;
	if (is_long) {
		aps_gql_print_lines(printer, list, "()");
		return;
	}
	aps_buf_add_byte(out, '('); /* again, now with the indentation inside block strings */
	aps_gql_print_joined(printer, list, ", ");
	aps_buf_add_byte(out, ')');
}

static void print_field(struct aps_gql_printer *printer, const struct aps_gql_node *node)
{
	size_t line_start = printer->out->n;
	if (node->text.n != 0) {
		aps_buf_add_str(printer->out, node->text);
		aps_buf_add_text(printer->out, ": ");
	}
	aps_buf_add_str(printer->out, node->name);
	if (node->arguments != NULL) print_field_arguments(printer, node->arguments, line_start);
	aps_gql_print_directives(printer, node->directives);
	if (node->items == NULL) return;
	aps_buf_add_byte(printer->out, ' ');
	print_selection_set(printer, node);
}

static void print_fragment(struct aps_gql_printer *printer, const struct aps_gql_node *node)
{
	bool is_inline = node->kind == APS_GQL_INLINE_FRAGMENT;
	aps_buf_add_text(printer->out, is_inline ? "..." : "fragment ");
	aps_buf_add_str(printer->out, node->name);
	if (node->text.n != 0) {
		aps_buf_add_text(printer->out, " on ");
		aps_buf_add_str(printer->out, node->text);
	}
	aps_gql_print_directives(printer, node->directives);
	aps_buf_add_byte(printer->out, ' ');
	print_selection_set(printer, node);
}

static void print_variable_definition(struct aps_gql_printer *printer, const struct aps_gql_node *node)
{
	aps_buf_add_byte(printer->out, '$');
	aps_buf_add_str(printer->out, node->name);
	aps_buf_add_text(printer->out, ": ");
	aps_gql_print_node(printer, node->type);
	if (node->value != NULL) {
		aps_buf_add_text(printer->out, " = ");
		aps_gql_print_node(printer, node->value);
	}
	aps_gql_print_directives(printer, node->directives);
}

static void print_directive(struct aps_gql_printer *printer, const struct aps_gql_node *node)
{
	aps_buf_add_byte(printer->out, '@');
	aps_buf_add_str(printer->out, node->name);
	if (node->arguments == NULL) return;
	aps_buf_add_byte(printer->out, '(');
	aps_gql_print_joined(printer, node->arguments, ", ");
	aps_buf_add_byte(printer->out, ')');
}

static void print_string(struct aps_gql_printer *printer, const struct aps_gql_node *node)
{
	if (node->is_true && aps_gql_literal_fits_block(node->text))
		aps_gql_literal_print_block(printer->out, node->text, (size_t)printer->level * 2);
	else
		aps_gql_literal_print(printer->out, node->text);
}

static void print_enclosed(struct aps_gql_printer *printer, const struct aps_gql_node *list, const char brackets[2])
{
	aps_buf_add_byte(printer->out, brackets[0]);
	aps_gql_print_joined(printer, list, ", ");
	aps_buf_add_byte(printer->out, brackets[1]);
}

/* False when it is none. */
static bool print_value_or_type(struct aps_gql_printer *printer, const struct aps_gql_node *node)
{
	struct aps_buf *out = printer->out;
	switch (node->kind) {
	case APS_GQL_INT_VALUE:
	case APS_GQL_FLOAT_VALUE:
	case APS_GQL_ENUM_VALUE: aps_buf_add_str(out, node->text); return true;
	case APS_GQL_STRING_VALUE: print_string(printer, node); return true;
	case APS_GQL_BOOLEAN_VALUE: aps_buf_add_text(out, node->is_true ? "true" : "false"); return true;
	case APS_GQL_NULL_VALUE: aps_buf_add_text(out, "null"); return true;
	case APS_GQL_LIST_VALUE: print_enclosed(printer, node->items, "[]"); return true;
	case APS_GQL_OBJECT_VALUE: print_enclosed(printer, node->items, "{}"); return true;
	case APS_GQL_VARIABLE:
		aps_buf_add_byte(out, '$');
		aps_buf_add_str(out, node->name);
		return true;
	case APS_GQL_ARGUMENT:
	case APS_GQL_OBJECT_FIELD:
		aps_buf_add_str(out, node->name);
		aps_buf_add_text(out, ": ");
		aps_gql_print_node(printer, node->value);
		return true;
	case APS_GQL_NAME:
	case APS_GQL_NAMED_TYPE: aps_buf_add_str(out, node->name); return true;
	case APS_GQL_LIST_TYPE: print_enclosed(printer, node->type, "[]"); return true;
	case APS_GQL_NON_NULL_TYPE:
		aps_gql_print_node(printer, node->type);
		aps_buf_add_byte(out, '!');
		return true;
	default: return false;
	}
}

static bool is_executable(const struct aps_gql_node *definition)
{
	return definition->kind == APS_GQL_OPERATION_DEFINITION || definition->kind == APS_GQL_FRAGMENT_DEFINITION;
}

static void print_document(struct aps_gql_printer *printer, const struct aps_gql_node *document)
{
	for (const struct aps_gql_node *node = document->items; node != NULL; node = node->next) {
		if (node != document->items) aps_buf_add_text(printer->out, "\n\n");
		aps_gql_print_node(printer, node);
		printer->follows_type = !is_executable(node);
	}
	aps_buf_add_byte(printer->out, '\n');
}

static void print_node(struct aps_gql_printer *printer, const struct aps_gql_node *node)
{
	if (printer->out->rc != APS_OK || print_value_or_type(printer, node)) return;
	switch (node->kind) {
	case APS_GQL_DOCUMENT: print_document(printer, node); break;
	case APS_GQL_OPERATION_DEFINITION: print_operation(printer, node); break;
	case APS_GQL_INLINE_FRAGMENT:
	case APS_GQL_FRAGMENT_DEFINITION: print_fragment(printer, node); break;
	case APS_GQL_VARIABLE_DEFINITION: print_variable_definition(printer, node); break;
	case APS_GQL_FIELD: print_field(printer, node); break;
	case APS_GQL_DIRECTIVE: print_directive(printer, node); break;
	case APS_GQL_FRAGMENT_SPREAD:
		aps_buf_add_text(printer->out, "...");
		aps_buf_add_str(printer->out, node->name);
		aps_gql_print_directives(printer, node->directives);
		break;
	default: aps_gql_print_type_system(printer, node); break;
	}
}

void aps_gql_print(const struct aps_gql_node *node, enum aps_gql_typenames typenames, struct aps_buf *out)
{
	struct aps_gql_printer printer = {
	        .out = out, .print_node = print_node, .adds_typenames = typenames == APS_GQL_ADD_TYPENAMES};
	print_node(&printer, node);
}
