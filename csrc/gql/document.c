#include "gql/document.h"

#include "base/map.h"
#include "base/mem.h"
#include "codec/digest.h"
#include "gql/fragments.h"
#include "gql/parser.h"
#include "gql/printer.h"
#include "gql/typenames.h"

#include <stdatomic.h>
#include <stdlib.h>

#define HASH_CHARS ((size_t)APS_SHA256_BYTES * 2)

struct aps_gql_document {
	atomic_size_t n_refs;
	struct aps_arena arena; /* all that is below, and the text that the tree points into */
	struct aps_gql_node *tree;
	struct aps_gql_fragments fragments;
	struct aps_gql_operation *operations;
	size_t n_operations;
	struct aps_gql_operation *roots; /* fragments that no other one includes, where there are no operations */
	size_t n_roots;
	struct aps_str text;
	struct aps_str typenames; /* the same bytes as `text` where there is nothing to add */
	char hash[HASH_CHARS + 1];
};

static enum aps_rc refuse(const struct aps_gql_node *node, const char *what, struct aps_gql_place *place,
                          struct aps_err *err)
{
	*place = node->place;
	return aps_fail(err, APS_E_SYNTAX, "%s (line %u, column %u)", what, node->place.line, node->place.column);
}

/* Section 5.2.1.1: names are unique. Section 5.2.2.1: an anonymous operation stands alone. */
static enum aps_rc check_operations(struct aps_gql_node *tree, struct aps_arena *arena, struct aps_gql_place *place,
                                    struct aps_err *err)
{
	size_t n = 0, n_sorted = 0;
	struct aps_gql_node *anonymous = NULL;
	for (struct aps_gql_node *node = tree->items; node != NULL; node = node->next) {
		if (node->kind == APS_GQL_FRAGMENT_DEFINITION) continue;
		if (node->kind != APS_GQL_OPERATION_DEFINITION)
			return refuse(node, "Expected an operation or a fragment, found a type system definition",
			              place, err);
		if (node->name.n == 0) anonymous = node;
		n++;
	}
	if (n == 0) return tree->items != NULL ? APS_OK : refuse(tree, "The document is empty", place, err);
	if (n > 1 && anonymous != NULL)
		return refuse(anonymous, "An operation without a name must be the only one", place, err);
	struct aps_gql_node **sorted = aps_arena_get(arena, n * sizeof(struct aps_gql_node *));
	if (sorted == NULL) return aps_arena_fail(arena, "the document", err);
	for (struct aps_gql_node *node = tree->items; node != NULL; node = node->next)
		if (node->kind == APS_GQL_OPERATION_DEFINITION) sorted[n_sorted++] = node;
	qsort(sorted, n, sizeof(struct aps_gql_node *), aps_gql_compare_names);
	for (size_t i = 1; i < n; i++)
		if (aps_str_eq(sorted[i - 1]->name, sorted[i]->name))
			return refuse(sorted[i], "Two operations have the same name", place, err);
	return APS_OK;
}

static size_t count_kind(const struct aps_gql_node *list, enum aps_gql_kind kind)
{
	size_t n = 0;
	for (; list != NULL; list = list->next) n += list->kind == kind;
	return n;
}

/* The names (of fields: the response keys) of the nodes of one kind. */
static bool keep_names(struct aps_arena *arena, const struct aps_gql_node *list, enum aps_gql_kind kind,
                       const struct aps_str **names)
{
	size_t n = count_kind(list, kind), i = 0;
	struct aps_str *kept = aps_arena_get(arena, (n + 1) * sizeof *kept);
	if (kept == NULL) return false;
	for (; list != NULL; list = list->next)
		if (list->kind == kind) kept[i++] = kind == APS_GQL_FIELD ? aps_gql_response_key(list) : list->name;
	*names = kept;
	return true;
}

static bool keep_operation(struct aps_arena *arena, const struct aps_gql_node *node,
                           struct aps_gql_operation *operation)
{
	operation->kind = aps_str_is(node->text, "query")      ? APS_GQL_QUERY
	                  : aps_str_is(node->text, "mutation") ? APS_GQL_MUTATION
	                                                       : APS_GQL_SUBSCRIPTION;
	operation->name = node->name.n != 0 ? node->name : APS_STR("");
	operation->node = node;
	operation->n_variables = count_kind(node->arguments, APS_GQL_VARIABLE_DEFINITION);
	operation->n_root_fields = count_kind(node->items, APS_GQL_FIELD);
	return keep_names(arena, node->arguments, APS_GQL_VARIABLE_DEFINITION, &operation->variables) &&
	       keep_names(arena, node->items, APS_GQL_FIELD, &operation->root_fields);
}

static bool keep_operations(struct aps_gql_document *doc)
{
	size_t n = count_kind(doc->tree->items, APS_GQL_OPERATION_DEFINITION);
	doc->operations = aps_arena_get(&doc->arena, n * sizeof *doc->operations);
	if (doc->operations == NULL) return false;
	for (const struct aps_gql_node *node = doc->tree->items; node != NULL; node = node->next) {
		if (node->kind != APS_GQL_OPERATION_DEFINITION) continue;
		if (!keep_operation(&doc->arena, node, &doc->operations[doc->n_operations])) return false;
		doc->n_operations++;
	}
	return true;
}

/* Recursion is bounded by the parser's depth limit. */
static bool note_included(const struct aps_gql_node *owner, struct aps_map *included)
{
	for (const struct aps_gql_node *node = owner->items; node != NULL; node = node->next) {
		bool is_ok = node->kind == APS_GQL_FRAGMENT_SPREAD ? aps_map_set(included, node->name, included)
		                                                   : note_included(node, included);
		if (!is_ok) return false;
	}
	return true;
}

static bool keep_roots(struct aps_gql_document *doc, const struct aps_map *included)
{
	size_t n = count_kind(doc->tree->items, APS_GQL_FRAGMENT_DEFINITION);
	doc->roots = aps_arena_get(&doc->arena, n * sizeof *doc->roots);
	if (doc->roots == NULL) return false;
	for (const struct aps_gql_node *node = doc->tree->items; node != NULL; node = node->next) {
		if (aps_map_get(included, node->name) != NULL) continue;
		doc->roots[doc->n_roots++] =
		        (struct aps_gql_operation){.kind = APS_GQL_FRAGMENT, .name = node->name, .node = node};
	}
	return true;
}

/* Of a document that has nothing else. */
static bool keep_fragments(struct aps_gql_document *doc)
{
	struct aps_map included;
	aps_map_init(&included, 0);
	bool is_ok = note_included(doc->tree, &included) && keep_roots(doc, &included);
	aps_map_clear(&included);
	return is_ok;
}

static enum aps_rc print(struct aps_gql_document *doc, enum aps_gql_typenames typenames, struct aps_buf *print,
                         struct aps_err *err)
{
	aps_buf_reset(print);
	aps_gql_print(doc->tree, typenames, print);
	if (print->rc == APS_OK) return APS_OK;
	if (print->rc != APS_E_TOO_BIG) return aps_fail(err, APS_E_NOMEM, "Out of memory while printing a document");
	return aps_fail(err, APS_E_TOO_BIG, "The print of the document is larger than %zu bytes",
	                APS_GQL_MAX_PRINT_BYTES);
}

static enum aps_rc keep_texts(struct aps_gql_document *doc, struct aps_buf *buf, struct aps_err *err)
{
	unsigned char digest[APS_SHA256_BYTES];
	if (print(doc, APS_GQL_AS_WRITTEN, buf, err) != APS_OK) return err->code;
	doc->text = aps_arena_dup(&doc->arena, aps_buf_str(buf));
	if (doc->text.p == NULL || !aps_sha256(doc->text, digest))
		return aps_fail(err, APS_E_NOMEM, "Out of memory while printing a document");
	aps_hex(digest, sizeof digest, doc->hash);
	if (print(doc, APS_GQL_ADD_TYPENAMES, buf, err) != APS_OK) return err->code;
	bool is_same = aps_str_eq(aps_buf_str(buf), doc->text);
	doc->typenames = is_same ? doc->text : aps_arena_dup(&doc->arena, aps_buf_str(buf));
	return doc->typenames.p != NULL ? APS_OK : aps_arena_fail(&doc->arena, "the document", err);
}

/* The tree points into its text: into a copy, of what the parser takes. */
static enum aps_rc parse(struct aps_gql_document *doc, struct aps_str text, struct aps_gql_place *place,
                         struct aps_err *err)
{
	if (text.n <= APS_GQL_MAX_TEXT_BYTES) text = aps_arena_dup(&doc->arena, text);
	if (text.p == NULL) return aps_arena_fail(&doc->arena, "the document", err);
	return aps_gql_parse(text, &doc->arena, &doc->tree, place, err);
}

static enum aps_rc build(struct aps_gql_document *doc, struct aps_str text, struct aps_gql_place *place,
                         struct aps_err *err)
{
	enum aps_rc rc = parse(doc, text, place, err);
	if (rc == APS_OK) rc = check_operations(doc->tree, &doc->arena, place, err);
	if (rc == APS_OK) rc = aps_gql_fragments_init(&doc->fragments, doc->tree, &doc->arena, place, err);
	if (rc != APS_OK) return rc;
	aps_gql_typenames_mark(doc->tree, &doc->fragments); /* the last change to the tree */
	if (!keep_operations(doc)) return aps_arena_fail(&doc->arena, "the document", err);
	if (doc->n_operations == 0 && !keep_fragments(doc)) return aps_arena_fail(&doc->arena, "the document", err);
	struct aps_buf buf;
	aps_buf_init(&buf, APS_GQL_MAX_PRINT_BYTES);
	rc = keep_texts(doc, &buf, err);
	aps_buf_clear(&buf);
	return rc;
}

enum aps_rc aps_gql_document_new(struct aps_str text, struct aps_gql_document **out, struct aps_gql_place *place,
                                 struct aps_err *err)
{
	struct aps_gql_place no_place;
	struct aps_err no_err;
	if (place == NULL) place = &no_place;
	if (err == NULL) err = &no_err;
	*place = (struct aps_gql_place){1, 1};
	*out = NULL;
	struct aps_gql_document *doc = aps_calloc(1, sizeof *doc);
	if (doc == NULL) return aps_fail(err, APS_E_NOMEM, "Out of memory while parsing a document");
	atomic_init(&doc->n_refs, 1);
	aps_arena_init(&doc->arena, APS_GQL_ARENA_BYTES);
	enum aps_rc rc = build(doc, text, place, err);
	if (rc == APS_OK)
		*out = doc;
	else
		aps_gql_document_unref(doc);
	return rc;
}

struct aps_gql_document *aps_gql_document_ref(struct aps_gql_document *doc)
{
	atomic_fetch_add_explicit(&doc->n_refs, 1, memory_order_relaxed);
	return doc;
}

void aps_gql_document_unref(struct aps_gql_document *doc)
{
	if (doc == NULL || atomic_fetch_sub_explicit(&doc->n_refs, 1, memory_order_acq_rel) != 1) return;
	aps_arena_clear(&doc->arena);
	aps_free(doc);
}

size_t aps_gql_document_bytes(const struct aps_gql_document *doc)
{
	return sizeof *doc + doc->arena.held_bytes;
}

size_t aps_gql_document_n_operations(const struct aps_gql_document *doc)
{
	return doc->n_operations;
}

const struct aps_gql_operation *aps_gql_document_operation(const struct aps_gql_document *doc, size_t index)
{
	return index < doc->n_operations ? &doc->operations[index] : NULL;
}

const struct aps_gql_operation *aps_gql_document_find(const struct aps_gql_document *doc, struct aps_str name)
{
	if (name.n == 0) return doc->n_operations == 1 ? &doc->operations[0] : NULL;
	for (size_t i = 0; i < doc->n_operations; i++)
		if (aps_str_eq(doc->operations[i].name, name)) return &doc->operations[i];
	return NULL;
}

size_t aps_gql_document_n_fragments(const struct aps_gql_document *doc)
{
	return doc->n_roots;
}

const struct aps_gql_operation *aps_gql_document_fragment_at(const struct aps_gql_document *doc, size_t index)
{
	return index < doc->n_roots ? &doc->roots[index] : NULL;
}

struct aps_str aps_gql_document_text(const struct aps_gql_document *doc)
{
	return doc->text;
}

struct aps_str aps_gql_document_text_typenames(const struct aps_gql_document *doc)
{
	return doc->typenames;
}

struct aps_str aps_gql_document_hash(const struct aps_gql_document *doc)
{
	return (struct aps_str){doc->hash, HASH_CHARS};
}

const struct aps_gql_node *aps_gql_document_tree(const struct aps_gql_document *doc)
{
	return doc->tree;
}

const struct aps_gql_node *aps_gql_document_fragment(const struct aps_gql_document *doc, struct aps_str name)
{
	return aps_gql_fragments_find(&doc->fragments, name);
}
