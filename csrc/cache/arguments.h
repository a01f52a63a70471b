/* Arguments with their values, always written the same way: by them a field is told from another one of its name.
 * As Apollo Client has it (getStoreKeyName() of apollo-utilities 1.3, storeKeyNameFromField() of @apollo/client 3):
 * name({"a":1,"b":{"c":null}}), the keys of objects sorted by their bytes, no spaces. An unset variable is left out,
 * in a list it is null. @connection(key:, filter:) gives the key itself; directives but include, skip, client, rest,
 * export and connection are appended: @name({…}). */
#ifndef APS_CACHE_ARGUMENTS_H
#define APS_CACHE_ARGUMENTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "gql/ast.h"

struct aps_variable {
	struct aps_str name;
	struct aps_str json; /* canonical; empty: unset */
};

struct aps_variables {
	struct aps_variable *items;
	size_t n_items;
};

APS_BEGIN_DECLS

/* The variables of an operation: what `json`, the text of an object, gives, else the default of their definitions.
 * Those of a fragment, which has no definitions, are all that `json` gives. Lives in `arena`. E_NOMEM, E_TOO_BIG of the
 * arena, and what the reader says of `json`. */
enum aps_rc aps_variables_init(struct aps_variables *variables, const struct aps_gql_node *operation,
                               struct aps_str json, struct aps_arena *arena, struct aps_err *err);
/* Empty: unset. */
struct aps_str aps_variables_get(const struct aps_variables *variables, struct aps_str name);

/* Appends a JSON text with the keys of all objects sorted. */
enum aps_rc aps_canonical_json(struct aps_buf *out, struct aps_str json, struct aps_arena *arena, struct aps_err *err);
/* Appends the key of a field. `key_args`: only these arguments tell fields apart, in this order; NULL: all of them. */
struct aps_key_args {
	const struct aps_str *names;
	size_t n_names;
};
enum aps_rc aps_field_key(struct aps_buf *out, const struct aps_gql_node *field, const struct aps_key_args *key_args,
                          const struct aps_variables *variables, struct aps_arena *arena, struct aps_err *err);
/* Appends the value of an argument; false: it isn't given. */
bool aps_argument_value(struct aps_buf *out, const struct aps_gql_node *field, struct aps_str name,
                        const struct aps_variables *variables, struct aps_arena *arena);
/* The same, borrowed, of one that is given as a variable; empty: it isn't, or that is unset. */
struct aps_str aps_argument_variable(const struct aps_gql_node *field, struct aps_str name,
                                     const struct aps_variables *variables);
/* Appends all of them, as an object. */
enum aps_rc aps_argument_values(struct aps_buf *out, const struct aps_gql_node *field,
                                const struct aps_variables *variables, struct aps_arena *arena, struct aps_err *err);
/* What @include and @skip say; a condition that is no boolean leaves it in. */
bool aps_is_included(const struct aps_gql_node *selection, const struct aps_variables *variables);

APS_END_DECLS

#endif
