/* What is known of types and fields beforehand: what identifies a record, which types an interface or a union has,
 * which arguments tell fields apart, how lists grow, how long a record is good. Filled once, then only read. */
#ifndef APS_CACHE_POLICIES_H
#define APS_CACHE_POLICIES_H

#include "base/arena.h"
#include "base/map.h"
#include "cache/arguments.h"

/* A key field is a name, or a path in an embedded or nested object: "author.name". */
struct aps_type_policy {
	const struct aps_str *key_fields;
	size_t n_key_fields; /* 0: "id", else "_id" */
	bool has_no_identity;
	int64_t ttl_ms; /* 0: for ever */
};

enum aps_field_merge {
	APS_MERGE_DEFAULT,    /* what is new replaces lists and merges embedded objects */
	APS_MERGE_CONNECTION, /* {items, nextToken}: a page that continues another one is appended */
	APS_MERGE_ASKED       /* a function of the application merges */
};

struct aps_field_policy {
	struct aps_key_args key_args;
	bool has_key_args;
	enum aps_field_merge merge;
	struct aps_str lookup; /* the type that its arguments identify; empty: none */
};

struct aps_policies {
	struct aps_arena arena;
	struct aps_map types;    /* by type */
	struct aps_map fields;   /* by "Type.field" */
	struct aps_map named;    /* the names of those fields */
	struct aps_map possible; /* by interface or union */
	struct aps_map members;  /* by a type that is named as one of those */
	bool asks_merges;        /* so do merge functions: some field is MERGE_ASKED */
	bool asks_all;           /* a function of the application tells identities: aps_policies_asks() */
};

APS_BEGIN_DECLS

void aps_policies_init(struct aps_policies *policies, uint64_t seed);
/* Twice is legal. */
void aps_policies_clear(struct aps_policies *policies);
/* Made where there is none yet; what its members point to is to be copied by aps_policies_dup(). NULL: no memory. */
struct aps_type_policy *aps_policies_type(struct aps_policies *policies, struct aps_str type);
struct aps_field_policy *aps_policies_field(struct aps_policies *policies, struct aps_str type, struct aps_str field);
bool aps_policies_add_possible(struct aps_policies *policies, struct aps_str abstract, struct aps_str type);
/* Copies of names that live as long as the policies; NULL: no memory. */
const struct aps_str *aps_policies_dup(struct aps_policies *policies, const struct aps_str *names, size_t n_names);

/* NULL: nothing was said of it. */
const struct aps_type_policy *aps_policies_find_type(const struct aps_policies *policies, struct aps_str type);
const struct aps_field_policy *aps_policies_find_field(const struct aps_policies *policies, struct aps_str type,
                                                       struct aps_str field);

/* A function of the application tells the identity of objects of this type: those of all types that nobody has given
 * key fields. Empty: no. */
bool aps_policies_asks(const struct aps_policies *policies, struct aps_str type);

/* Some function of the application is asked when something is written. */
bool aps_policies_ask(const struct aps_policies *policies);

/* Some type has a policy for a field of this name. */
bool aps_policies_has_field(const struct aps_policies *policies, struct aps_str field);

/* It is known to be a type of objects: it has a policy, or was named as one that an interface or a union has. */
bool aps_policies_is_object(const struct aps_policies *policies, struct aps_str type);

enum aps_type_match { APS_TYPE_DIFFERS, APS_TYPE_MATCHES, APS_TYPE_UNKNOWN };
/* Whether an object of `type` is one of `condition`. UNKNOWN: nothing was said of `condition`, which isn't `type`. */
enum aps_type_match aps_policies_match(const struct aps_policies *policies, struct aps_str condition,
                                       struct aps_str type);

APS_END_DECLS

#endif
