#include "gql/print_sdl.h"

static const char *word_of(enum aps_gql_kind kind)
{
	switch (kind) {
	case APS_GQL_SCHEMA_DEFINITION: return "schema";
	case APS_GQL_SCALAR_TYPE_DEFINITION: return "scalar ";
	case APS_GQL_OBJECT_TYPE_DEFINITION: return "type ";
	case APS_GQL_INTERFACE_TYPE_DEFINITION: return "interface ";
	case APS_GQL_UNION_TYPE_DEFINITION: return "union ";
	case APS_GQL_ENUM_TYPE_DEFINITION: return "enum ";
	case APS_GQL_INPUT_OBJECT_TYPE_DEFINITION: return "input ";
	case APS_GQL_DIRECTIVE_DEFINITION: return "directive @";
	default: return "";
	}
}

/* Arguments with a description or a block string inside stand on lines of their own. */
static void print_argument_definitions(struct aps_gql_printer *printer, const struct aps_gql_node *list)
{
	if (list == NULL) return;
	size_t start = aps_gql_print_trial(printer, list);
	if (printer->out->rc != APS_OK) return;
	if (memchr(printer->out->p + start, '\n', printer->out->n - start) == NULL) return;
	printer->out->n = start;
	aps_gql_print_lines(printer, list, "()");
}

static void print_typed(struct aps_gql_printer *printer, const struct aps_gql_node *node)
{
	aps_buf_add_text(printer->out, ": ");
	aps_gql_print_node(printer, node->type);
	if (node->value != NULL) {
		aps_buf_add_text(printer->out, " = ");
		aps_gql_print_node(printer, node->value);
	}
	aps_gql_print_directives(printer, node->directives);
}

static void print_definition(struct aps_gql_printer *printer, const struct aps_gql_node *node)
{
	struct aps_buf *out = printer->out;
	enum aps_gql_kind kind = node->kind;
	if (kind >= APS_GQL_SCHEMA_EXTENSION) {
		aps_buf_add_text(out, "extend ");
		kind = (enum aps_gql_kind)(kind - APS_GQL_TO_EXTENSION);
	}
	aps_buf_add_text(out, word_of(kind));
	aps_buf_add_str(out, node->name);
	if (kind == APS_GQL_DIRECTIVE_DEFINITION) {
		print_argument_definitions(printer, node->arguments);
		aps_buf_add_text(out, node->is_true ? " repeatable on " : " on ");
		aps_gql_print_joined(printer, node->items, " | ");
		return;
	}
	if (node->interfaces != NULL) aps_buf_add_text(out, " implements ");
	aps_gql_print_joined(printer, node->interfaces, " & ");
	aps_gql_print_directives(printer, node->directives);
	if (node->items == NULL) return;
	if (kind == APS_GQL_UNION_TYPE_DEFINITION) {
		aps_buf_add_text(out, " = ");
		aps_gql_print_joined(printer, node->items, " | ");
		return;
	}
	aps_buf_add_byte(out, ' ');
	aps_gql_print_lines(printer, node->items, "{}");
}

void aps_gql_print_type_system(struct aps_gql_printer *printer, const struct aps_gql_node *node)
{
	struct aps_buf *out = printer->out;
	if (node->description != NULL &&
	    node->kind < APS_GQL_SCHEMA_EXTENSION) { /* the grammar gives extensions none */
		aps_gql_print_node(printer, node->description);
		aps_gql_print_line_end(printer);
	}
	switch (node->kind) {
	case APS_GQL_OPERATION_TYPE_DEFINITION:
		aps_buf_add_str(out, node->text);
		aps_buf_add_text(out, ": ");
		aps_buf_add_str(out, node->name);
		break;
	case APS_GQL_FIELD_DEFINITION:
		aps_buf_add_str(out, node->name);
		print_argument_definitions(printer, node->arguments);
		print_typed(printer, node);
		break;
	case APS_GQL_INPUT_VALUE_DEFINITION:
		aps_buf_add_str(out, node->name);
		print_typed(printer, node);
		break;
	case APS_GQL_ENUM_VALUE_DEFINITION:
		aps_buf_add_str(out, node->name);
		aps_gql_print_directives(printer, node->directives);
		break;
	default: print_definition(printer, node); break;
	}
}
