/* What an operation selects, bound to its variables: the fields of a selection set as CollectFields() gives them
 * (GraphQL October 2021, section 6.3.2), with the key of each field in the cache. Made on demand, one view for each
 * type that is met, and kept until the binding is cleared: 10,000 posts are read and written by the same views. */
#ifndef APS_CACHE_SELECTION_H
#define APS_CACHE_SELECTION_H

#include "cache/arguments.h"
#include "cache/names.h"
#include "cache/policies.h"
#include "gql/document.h"

struct aps_selection;

struct aps_selection_field {
	struct aps_str response_key;
	struct aps_str name;
	struct aps_str key;        /* in the cache: the name, with arguments and directives where it has some */
	struct aps_str lookup_key; /* of the record that the arguments name (cache/lookup.h); p NULL: not asked yet */
	uint32_t number; /* of the key among the names; 0: it has arguments, or nobody has given it a number yet */
	uint32_t label;  /* of the response key in what is packed (cache/packed.h) */
	bool is_plain;   /* the key is the name, and it stands in the record */
	bool is_typename;
	bool is_varying;                       /* variables are among its arguments */
	bool is_added;                         /* by us, as in what is sent: where it isn't known it isn't missed */
	const struct aps_gql_node *guard;      /* a fragment whose type condition may or may not hold; NULL: none */
	struct aps_selection *selection;       /* NULL: a leaf */
	const struct aps_gql_node *node;       /* the first of its nodes */
	const struct aps_field_policy *policy; /* or NULL */
};

/* The fields for objects of one type. */
struct aps_selection_view {
	struct aps_selection_view *next;    /* of the selection */
	struct aps_str type;                /* empty: of all types */
	struct aps_selection_field *fields; /* in the order of the response */
	size_t n_fields;
	const uint32_t *by_name; /* indices in the order in which a record keeps them */
	uint32_t typename_at;    /* index of __typename under that response key; n_fields: there is none */
	const uint32_t
	        *by_key; /* one above the indices, by the hash of the response key; 0: none; NULL: of few fields */
	size_t n_slots;  /* of it: a power of two */
	uint64_t seed;
};

struct aps_varying;

struct aps_binding {
	struct aps_arena arena;
	struct aps_arena varying_arena; /* for what the variables are part of */
	struct aps_varying *varying;    /* the fields that have them in their arguments */
	bool selects_by_variables;      /* @include(if: $a) */
	struct aps_buf scratch;         /* private */
	const struct aps_gql_document *document;
	const struct aps_policies *policies;
	struct aps_names *names;
	bool gives_numbers; /* to names that have none: a writer's binding */
	struct aps_variables variables;
	struct aps_selection *root;
	struct aps_str root_type; /* "Query", "Mutation", "Subscription"; what a fragment is on */
	bool is_fragment;         /* of one record, which tells its type itself where it can */
	struct aps_err err;       /* why there is no view, where memory isn't why */
	struct aps_str *labels;   /* response keys, by number; more come with each view, and none goes */
	size_t n_labels, label_capacity;
};

APS_BEGIN_DECLS

/* All are borrowed but for `variables`, the JSON text of an object. `adds_typenames`: __typename is selected where the
 * document has none, as it is in what is sent. E_NOMEM, E_TOO_BIG. */
enum aps_rc aps_binding_init(struct aps_binding *binding, const struct aps_gql_document *document,
                             const struct aps_gql_operation *operation, struct aps_str variables, struct aps_err *err);
void aps_binding_clear(struct aps_binding *binding);
/* Says why there is no view. */
enum aps_rc aps_binding_fail(const struct aps_binding *binding, struct aps_err *err);
/* The same operation with other variables. False: it is to be bound anew; what it has by now is of no use. */
bool aps_binding_change(struct aps_binding *binding, const struct aps_gql_operation *operation,
                        struct aps_str variables);

/* For what is kept with a field as long as its arguments are the same. */
struct aps_arena *aps_selection_arena(struct aps_binding *binding, const struct aps_selection_field *field);

/* `type`: the __typename of the object; empty: not known. NULL: out of memory (binding->arena.rc). */
const struct aps_selection_view *aps_selection_view(struct aps_binding *binding, struct aps_selection *selection,
                                                    struct aps_str type);
/* Its fields depend on the type of the object. */
bool aps_selection_has_conditions(const struct aps_selection *selection);
/* Some type that was met so far has a plain field with this number selected. */
bool aps_selection_has_number(const struct aps_selection *selection, uint32_t number);
/* The type that all fragments in it are on; empty: there are none, or of several types. */
struct aps_str aps_selection_condition(const struct aps_binding *binding, const struct aps_selection *selection);
/* NULL: it isn't selected. `at`: where it is expected, and where the next one will be. */
const struct aps_selection_field *aps_selection_find(const struct aps_selection_view *view, struct aps_str response_key,
                                                     size_t *at);

APS_END_DECLS

#endif
