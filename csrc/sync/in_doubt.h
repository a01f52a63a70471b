/* What is to be done with a queued mutation that may have been executed, judged by what its record looks like at the
 * service now. Pure. The first line that fits decides:
 *
 *   class       the record                                                        | judgement
 *   NOT_SAFE    whatever it is                                                    | UNKNOWN
 *   IDEMPOTENT  whatever it is                                                    | SEND
 *   CREATES     whatever it is, and the mutation deletes                          | UNKNOWN
 *   the others  couldn't be read, or is no object                                 | UNKNOWN
 *   VERSIONED   absent, and the mutation deletes                                  | APPLIED
 *   VERSIONED   absent                                                            | SEND
 *   VERSIONED   shows no version                                                  | UNKNOWN
 *   VERSIONED   has the expected version                                          | SEND
 *   VERSIONED   has neither that nor the next one                                 | UNKNOWN
 *   VERSIONED   the next version; deletes, and `_deleted` is true                 | APPLIED
 *   VERSIONED   the next version; deletes, or `_deleted` is true                  | UNKNOWN
 *   VERSIONED   the next version and our values, at least one of them shown       | APPLIED
 *   VERSIONED   the next version                                                  | UNKNOWN
 *   CREATES     absent                                                            | SEND
 *   CREATES     `_deleted` is true                                                | UNKNOWN
 *   CREATES     our values, at least one shown, or only the identity was sent     | APPLIED
 *   CREATES     other values, or none shown                                       | UNKNOWN
 *
 * Our values: each field of our input that the record shows is the same there (sync/same_json.h), but for the version.
 * What the record doesn't show says nothing, nor does what it shows under another field's name, and neither does what
 * holds a null where the answer has errors, as a field that failed is null like one that is empty (GraphQL, October
 * 2021, 6.4.4); so a record that shows its names and its version only doesn't tell whether it was our write that made
 * this version. The identity is compared too and counts for nothing: it was read by it.
 *
 * A delete of what isn't there any more has what it wanted, whoever did it; sent again, a service without tombstones
 * would answer that its version didn't match, and an applied mutation would pass for a refused one. A tombstone isn't
 * absent for a create: the record was made, perhaps by us, and deleted since, and sending again could revive it. An
 * update never leaves `_deleted`: something else was written.
 *
 * That a create's record is absent says nothing where the service makes ids of its own: sync/id_evidence.h. */
#ifndef APS_SYNC_IN_DOUBT_H
#define APS_SYNC_IN_DOUBT_H

#include "sync/safety.h"

/* X(name, text) */
#define APS_IN_DOUBT_MAP(X)                                                                                            \
	X(SEND, "send")       /* it wasn't executed, or doing it again is harmless */                                  \
	X(APPLIED, "applied") /* it was executed: the record is its answer */                                          \
	X(UNKNOWN, "unknown") /* it may have been executed and written over */

enum aps_in_doubt {
#define APS_IN_DOUBT_ENUM(name, text) APS_IN_DOUBT_##name,
	APS_IN_DOUBT_MAP(APS_IN_DOUBT_ENUM)
#undef APS_IN_DOUBT_ENUM
	        APS_IN_DOUBT_COUNT
};

struct aps_in_doubt_question {
	const struct aps_safety *safety;
	bool is_delete;                           /* the mutation's root field is called so */
	struct aps_str variables;                 /* JSON text of an object; may be empty */
	const struct aps_identity_part *identity; /* by which the record was read */
	size_t n_identity;
	const struct aps_str *disguised; /* keys under which the record doesn't show its fields of these names */
	size_t n_disguised;
	bool is_read;          /* false: it couldn't be */
	struct aps_str record; /* JSON text; null or empty: absent */
	bool has_errors;       /* the answer that shows it */
};

APS_BEGIN_DECLS

const char *aps_in_doubt_name(enum aps_in_doubt judgement);
enum aps_in_doubt aps_in_doubt_judge(const struct aps_in_doubt_question *question);

APS_END_DECLS

#endif
