/* Whether a queued mutation that may have been executed may be sent again, seen from what it sends. Pure.
 *
 *   several root fields, unless idempotent                              NOT_SAFE
 *   the caller said idempotent                                          IDEMPOTENT
 *   an expected version above 0, unless the record that it makes has a
 *   client-made identity that isn't sent                                VERSIONED
 *   the client-made identity of the record that it makes                CREATES
 *   all else, a condition too: it may hold again after it was executed  NOT_SAFE
 *
 * The expected version is an integer called `expectedVersion` (aws-appsync's buildMutation, Amplify's @versioned) or
 * `_version` (AppSync Developer Guide, "Conflict detection and resolution"), in the variable `input` or among the
 * variables. A `version` alone is none: it may be data. Both names with different numbers are none either: which of
 * them the service compares isn't known.
 *
 * A create expects no version: Amplify's creates send none, buildMutation sends 0 for what it has never seen (the
 * record's `version` is 1 afterwards). So 0 says that there is no record yet, which protects a second create only
 * where the client chose the record's name: with such an identity it is CREATES, without one the service names each
 * one anew, and it is NOT_SAFE. An expected version above 0 goes before an identity: what is compared by the service
 * tells more.
 *
 * An entry has one version: with several root fields one of them may have been executed and another not. */
#ifndef APS_SYNC_SAFETY_H
#define APS_SYNC_SAFETY_H

#include "base/str.h"

/* X(name, text) */
#define APS_SAFETY_MAP(X)                                                                                              \
	X(NOT_SAFE, "not_safe")                                                                                        \
	X(IDEMPOTENT, "idempotent") /* again at once */                                                                \
	X(VERSIONED, "versioned")   /* the record is read before: sync/in_doubt.h */                                   \
	X(CREATES, "creates")       /* likewise */

enum aps_safety_class {
#define APS_SAFETY_ENUM(name, text) APS_SAFETY_##name,
	APS_SAFETY_MAP(APS_SAFETY_ENUM)
#undef APS_SAFETY_ENUM
	        APS_SAFETY_COUNT
};

/* A field that names a record, with its value as JSON text: a string or a number. */
struct aps_identity_part {
	const char *field;
	struct aps_str value;
};

struct aps_safety_question {
	bool is_idempotent;
	unsigned n_roots;         /* root fields of the mutation; 0 counts as one */
	struct aps_str variables; /* JSON text of an object; may be empty */
	/* All fields that name the record that this mutation makes, where the client made their values; none: it makes
	 * no record, or the service names it. They are those of the root object of its optimistic response. */
	const struct aps_identity_part *made;
	size_t n_made;
};

struct aps_safety {
	enum aps_safety_class class;
	bool has_version; /* an expected one was found, whatever the class is */
	int64_t version;
	const char *version_argument; /* its name: "expectedVersion", "_version" */
	const char *version_field;    /* that of the record's version: "version", "_version" */
};

APS_BEGIN_DECLS

const char *aps_safety_name(enum aps_safety_class class);
struct aps_safety aps_safety_of(const struct aps_safety_question *question);
/* The object that holds what the mutation writes: the variable `input` where that is an object, else the variables. */
struct aps_str aps_safety_input(struct aps_str variables);

APS_END_DECLS

#endif
