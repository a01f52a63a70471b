/* Whatever parses must print to text that parses again and prints the same. libFuzzer's entry point. */
#include "base/buf.h"
#include "gql/document.h"
#include "gql/parser.h"
#include "gql/printer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool print_parsed(struct aps_str text, struct aps_buf *out)
{
	struct aps_arena arena;
	struct aps_gql_node *tree;
	struct aps_gql_place place;
	struct aps_err err;
	aps_arena_init(&arena, APS_GQL_ARENA_BYTES);
	bool is_ok = aps_gql_parse(text, &arena, &tree, &place, &err) == APS_OK;
	if (is_ok) {
		aps_gql_print(tree, APS_GQL_AS_WRITTEN, out);
		is_ok = out->rc == APS_OK;
	} else if (place.line == 0 || place.column == 0 || err.msg[0] == '\0') {
		abort();
	}
	aps_arena_clear(&arena);
	return is_ok;
}

static void check_document(struct aps_str text)
{
	struct aps_gql_document *doc, *again;
	if (aps_gql_document_new(text, &doc, NULL, NULL) != APS_OK) return;
	struct aps_str typenames = aps_gql_document_text_typenames(doc);
	if (typenames.n <= APS_GQL_MAX_TEXT_BYTES) {
		if (aps_gql_document_new(typenames, &again, NULL, NULL) != APS_OK) abort();
		if (!aps_str_eq(typenames, aps_gql_document_text_typenames(again))) abort();
		aps_gql_document_unref(again);
	}
	aps_gql_document_unref(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct aps_str text = {(const char *)data, size};
	struct aps_buf first, second;
	aps_buf_init(&first, APS_GQL_MAX_TEXT_BYTES);
	aps_buf_init(&second, APS_GQL_MAX_TEXT_BYTES);
	if (print_parsed(text, &first)) {
		if (!print_parsed(aps_buf_str(&first), &second)) abort();
		if (!aps_str_eq(aps_buf_str(&first), aps_buf_str(&second))) abort();
		check_document(text);
	}
	aps_buf_clear(&first);
	aps_buf_clear(&second);
	return 0;
}
