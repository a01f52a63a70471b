/* The query that reads one record at the service: before a mutation is sent again whose answer never came, and when the
 * error of a conflict omits the service's record. It selects what the mutation selects, under the mutation's response
 * key: its answer can stand in for the mutation's. */
#ifndef APS_SYNC_READ_BACK_H
#define APS_SYNC_READ_BACK_H

#include "base/buf.h"
#include "gql/document.h"
#include "sync/identity_fields.h"

struct aps_read_back {
	const struct aps_gql_document *document;
	const struct aps_gql_operation *operation;
	struct aps_str response_key; /* of its root field; empty: it has only one */
	struct aps_str query_field;  /* "getTodo"; empty: "get" and the type */
	struct aps_str type;         /* see sync/record_type.h */
	const struct aps_identity_field *identity;
	size_t n_identity;
	const struct aps_str *fields; /* selected besides, and __typename: "id", "_version" */
	size_t n_fields;
	const struct aps_str *wanted; /* and these, where the mutation selects nothing else as such a one */
	size_t n_wanted;
};

APS_BEGIN_DECLS

/* The root field of an operation; empty key: its only one. NULL: there is none, or there are several. E_NOMEM. */
enum aps_rc aps_read_back_root(const struct aps_gql_document *document, const struct aps_gql_operation *operation,
                               struct aps_str response_key, const struct aps_gql_node **root, struct aps_err *err);
/* Appends the query to `text`, as in
 *   query ($n: Int) { createTodo: getTodo(id: "1") { __typename id _version title notes(first: $n) { id } } }
 * in canonical print, with the fragments that it includes. Further __typename are added by who sends it, as to any
 * document. `variables` (JSON, as the mutation has them; empty: none): what of them the query declares is appended to
 * `needed`. E_USAGE: such a query can't be made, and the message says why; E_SYNTAX and E_DEPTH of JSON, E_NOMEM,
 * E_TOO_BIG; and nothing was appended. */
enum aps_rc aps_read_back_write(const struct aps_read_back *of, struct aps_str variables, struct aps_buf *text,
                                struct aps_buf *needed, struct aps_err *err);

/* The response keys under which the record shows something else than its field of that name as it is: an alias, or a
 * field with arguments. They point into the document. Errors as above. */
enum aps_rc aps_read_back_disguised(const struct aps_read_back *of, struct aps_arena *arena, struct aps_str **keys,
                                    size_t *n, struct aps_err *err);

APS_END_DECLS

#endif
