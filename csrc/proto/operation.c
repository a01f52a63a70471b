#include "proto/operation.h"

#include "base/mem.h"

static uint64_t hash_of(const struct aps_operation *operation)
{
	uint64_t hash = aps_str_hash(aps_gql_document_hash(operation->document), operation->has_typenames);
	hash = aps_str_hash(operation->definition->name, hash);
	return aps_str_hash(aps_operation_variables(operation), hash);
}

enum aps_rc aps_operation_init(struct aps_operation *operation, struct aps_gql_document *document,
                               const struct aps_gql_operation *definition, bool has_typenames, struct aps_str variables,
                               struct aps_err *err)
{
	*operation = (struct aps_operation){.definition = definition, .has_typenames = has_typenames};
	variables = aps_str_trim(variables);
	if (variables.n == 0) variables = APS_STR("{}");
	operation->variables = aps_strndup(variables.p, variables.n);
	if (operation->variables == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	operation->n_variables_bytes = variables.n;
	operation->document = aps_gql_document_ref(document);
	operation->hash = hash_of(operation);
	return APS_OK;
}

void aps_operation_clear(struct aps_operation *operation)
{
	aps_gql_document_unref(operation->document);
	aps_free(operation->variables);
	*operation = (struct aps_operation){.document = NULL};
}

struct aps_str aps_operation_text(const struct aps_operation *operation)
{
	return operation->has_typenames ? aps_gql_document_text_typenames(operation->document)
	                                : aps_gql_document_text(operation->document);
}

struct aps_str aps_operation_variables(const struct aps_operation *operation)
{
	return (struct aps_str){operation->variables, operation->n_variables_bytes};
}

static bool is_same_document(const struct aps_gql_document *a, const struct aps_gql_document *b)
{
	return a == b || aps_str_eq(aps_gql_document_text(a), aps_gql_document_text(b));
}

bool aps_operation_is_same(const struct aps_operation *a, const struct aps_operation *b)
{
	return a->hash == b->hash && a->has_typenames == b->has_typenames &&
	       aps_str_eq(a->definition->name, b->definition->name) &&
	       aps_str_eq(aps_operation_variables(a), aps_operation_variables(b)) &&
	       is_same_document(a->document, b->document);
}
