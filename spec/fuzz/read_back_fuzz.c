/* The query that reads a record back, for any mutation and any names and values: what is made can be parsed, has one
 * root field with the mutation's response key, declares the variables that it uses and only those, and takes no other
 * along. The byte 0x01 stands between the parts of the input: document, variables, type, query field, the value of the
 * identity, a field, the response key. libFuzzer's entry point. */
#include "codec/json_reader.h"
#include "sync/read_back.h"
#include "sync/selection_uses.h"

#include <stdlib.h>

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) abort();                                                                             \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct aps_str take_part(struct aps_str *rest)
{
	const char *end = rest->n != 0 ? memchr(rest->p, 1, rest->n) : NULL;
	struct aps_str part = {rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n};
	size_t n_taken = part.n + (end != NULL);
	*rest = (struct aps_str){rest->p + n_taken, rest->n - n_taken};
	return part;
}

static bool declares(const struct aps_gql_operation *operation, struct aps_str name)
{
	for (size_t i = 0; i < operation->n_variables; i++)
		if (aps_str_eq(operation->variables[i], name)) return true;
	return false;
}

static void check_variables(const struct aps_gql_document *doc, const struct aps_gql_operation *query,
                            const struct aps_gql_operation *mutation)
{
	struct aps_selection_uses uses;
	REQUIRE(aps_selection_uses_init(&uses, doc, query->node->items, NULL) == APS_OK);
	for (size_t i = 0; i < query->n_variables; i++)
		REQUIRE(aps_selection_uses_variable(&uses, query->variables[i]));
	for (size_t i = 0; i < mutation->n_variables; i++)
		REQUIRE(declares(query, mutation->variables[i]) ==
		        aps_selection_uses_variable(&uses, mutation->variables[i]));
	aps_selection_uses_clear(&uses);
}

static void check_needed(struct aps_str needed, const struct aps_gql_operation *query)
{
	struct aps_json_reader r;
	struct aps_arena arena;
	enum aps_json_token token;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	aps_json_reader_init(&r, needed, APS_JSON_MAX_DEPTH);
	REQUIRE(aps_json_next(&r) == APS_JSON_OBJECT);
	while ((token = aps_json_next(&r)) == APS_JSON_KEY) {
		REQUIRE(declares(query, aps_json_unescape(&r, &arena)));
		REQUIRE(aps_json_skip_value(&r, NULL) == APS_OK);
	}
	REQUIRE(token == APS_JSON_OBJECT_END && aps_json_next(&r) == APS_JSON_END);
	aps_arena_clear(&arena);
}

static bool selects(const struct aps_gql_node *list, struct aps_str name)
{
	for (; list != NULL; list = list->next)
		if (list->kind == APS_GQL_FIELD && aps_str_eq(aps_gql_response_key(list), name)) return true;
	return false;
}

static void check(const struct aps_read_back *of, struct aps_str text, struct aps_str needed)
{
	struct aps_gql_document *doc;
	const struct aps_gql_node *root;
	REQUIRE(aps_gql_document_new(text, &doc, NULL, NULL) == APS_OK);
	REQUIRE(aps_gql_document_n_operations(doc) == 1);
	const struct aps_gql_operation *query = aps_gql_document_operation(doc, 0);
	REQUIRE(query->kind == APS_GQL_QUERY && query->n_root_fields == 1);
	REQUIRE(aps_read_back_root(of->document, of->operation, of->response_key, &root, NULL) == APS_OK);
	REQUIRE(root != NULL && aps_str_eq(query->root_fields[0], aps_gql_response_key(root)));
	REQUIRE(selects(query->node->items->items, APS_STR("__typename")));
	REQUIRE(selects(query->node->items->items, of->fields[0]));
	REQUIRE(aps_str_eq(aps_gql_document_text(doc), text));
	check_variables(doc, query, of->operation);
	check_needed(needed, query);
	aps_gql_document_unref(doc);
}

static void run(const struct aps_gql_document *doc, struct aps_str rest)
{
	struct aps_buf text, needed;
	struct aps_read_back of = {.document = doc, .operation = aps_gql_document_operation(doc, 0)};
	if (of.operation == NULL) return;
	struct aps_str variables = take_part(&rest);
	of.type = take_part(&rest);
	of.query_field = take_part(&rest);
	struct aps_identity_field identity = {APS_STR("id"), take_part(&rest)};
	struct aps_str field = take_part(&rest);
	of.response_key = take_part(&rest);
	of.identity = &identity;
	of.n_identity = 1;
	of.fields = &field;
	of.n_fields = 1;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_init(&needed, APS_BUF_ANY_SIZE);
	if (aps_read_back_write(&of, variables, &text, &needed, NULL) == APS_OK)
		check(&of, aps_buf_str(&text), aps_buf_str(&needed));
	else
		REQUIRE(text.n == 0 && needed.n == 0);
	aps_buf_clear(&text);
	aps_buf_clear(&needed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct aps_str rest = {(const char *)data, size};
	struct aps_gql_document *doc;
	struct aps_str document = take_part(&rest);
	if (aps_gql_document_new(document, &doc, NULL, NULL) != APS_OK) return 0;
	run(doc, rest);
	aps_gql_document_unref(doc);
	return 0;
}
