/* A parsed executable document: immutable after it was built, shared between threads by an atomic reference count.
 * It owns its text in canonical print, as written and with __typename added to each selection set, its syntax tree with
 * the text that this points into, and the index of its fragments.
 *
 * What that weighs is mostly nodes of 112 bytes: 4 KB for a short query, 25 bytes per byte of text for a list of 500
 * bytes with relations, at most 67, for one-letter fields; and the indentation of deep ones. The ceilings of place.h
 * hold one to 40 MB (spec/csrc/gql/document_test.c); the cache of lua/appsync/document.lua has a bound in bytes for
 * that. */
#ifndef APS_GQL_DOCUMENT_H
#define APS_GQL_DOCUMENT_H

#include "base/err.h"
#include "gql/ast.h"

/* FRAGMENT: of a document without operations, which selects what is read and written of one record. */
enum aps_gql_operation_kind { APS_GQL_QUERY, APS_GQL_MUTATION, APS_GQL_SUBSCRIPTION, APS_GQL_FRAGMENT };

struct aps_gql_document;

struct aps_gql_operation {
	enum aps_gql_operation_kind kind;
	struct aps_str name;             /* empty for an anonymous operation */
	const struct aps_str *variables; /* names of the declared variables, without '$' */
	size_t n_variables;
	const struct aps_str *root_fields; /* response keys of the root selection set, fragments not entered */
	size_t n_root_fields;
	const struct aps_gql_node
	        *node; /* its definition: `items` is the root selection set, `text` a fragment's type */
};

APS_BEGIN_DECLS

/* E_SYNTAX (message with line and column, also in *place unless NULL), E_TOO_BIG, E_DEPTH, E_UTF8, E_NOMEM.
 * Refused as well: neither an operation nor a fragment in it, two operations with one name, an anonymous operation
 * beside others, type system definitions, two fragments with one name, a fragment that is used and not defined,
 * fragments that include each other in a circle. */
enum aps_rc aps_gql_document_new(struct aps_str text, struct aps_gql_document **out, struct aps_gql_place *place,
                                 struct aps_err *err);
struct aps_gql_document *aps_gql_document_ref(struct aps_gql_document *doc);
void aps_gql_document_unref(struct aps_gql_document *doc);

size_t aps_gql_document_n_operations(const struct aps_gql_document *doc);
/* What it holds of memory. */
size_t aps_gql_document_bytes(const struct aps_gql_document *doc);
const struct aps_gql_operation *aps_gql_document_operation(const struct aps_gql_document *doc, size_t index);
/* NULL when there is none. An empty name finds the only operation, and NULL where there are several. */
const struct aps_gql_operation *aps_gql_document_find(const struct aps_gql_document *doc, struct aps_str name);
/* Of a document without operations: the fragments that no other one includes. Others: none. */
size_t aps_gql_document_n_fragments(const struct aps_gql_document *doc);
const struct aps_gql_operation *aps_gql_document_fragment_at(const struct aps_gql_document *doc, size_t index);
/* Canonical print, as written. */
struct aps_str aps_gql_document_text(const struct aps_gql_document *doc);
/* Canonical print with __typename in every selection set but the root ones (made on the first parse, not lazily).
 * The fragments in a subscription's root selection set count as root: it must keep its single root field. */
struct aps_str aps_gql_document_text_typenames(const struct aps_gql_document *doc);
/* SHA-256 of the canonical print, in lower-case hexadecimal, 64 characters. */
struct aps_str aps_gql_document_hash(const struct aps_gql_document *doc);

/* The syntax tree, borrowed like all above: of kind Document. */
const struct aps_gql_node *aps_gql_document_tree(const struct aps_gql_document *doc);
/* The definition of a fragment; each spread in the tree has one. NULL when there is none of this name. */
const struct aps_gql_node *aps_gql_document_fragment(const struct aps_gql_document *doc, struct aps_str name);

APS_END_DECLS

#endif
