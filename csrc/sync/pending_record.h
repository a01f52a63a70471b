/* One record of a model with changes that the service hasn't answered yet: what the service has (the base), and the
 * queued mutations above it, in order. What the application sees is the base with all of them. A pure machine.
 *
 *     change --> folded into the last entry, or a new one      (Amplify DataStore, sync/outbox.ts)
 *     remote --> the base, and under the entries by field, unless that is a conflict, which the service finds
 *     answer --> the base; its entry ends; later ones are sent with the version that it has told
 *
 * An entry that has begun (its request was sent, or may have been) is as it was sent: nothing is folded into it, and as
 * long as it is under way its fields aren't taken from anybody else.
 *
 * Texts are borrowed, or in the arena that was given at first. After a failure (E_NOMEM, E_TOO_BIG) it is of no use. */
#ifndef APS_SYNC_PENDING_RECORD_H
#define APS_SYNC_PENDING_RECORD_H

#include "sync/field_merge.h"
#include "sync/record_fields.h"

#define APS_PENDING_OP_MAP(X)                                                                                          \
	X(CREATE, "create")                                                                                            \
	X(UPDATE, "update")                                                                                            \
	X(DELETE, "delete")

enum aps_pending_op {
#define APS_PENDING_OP_ENUM(name, text) APS_PENDING_##name,
	APS_PENDING_OP_MAP(APS_PENDING_OP_ENUM)
#undef APS_PENDING_OP_ENUM
	        APS_PENDING_OP_COUNT
};

struct aps_pending_entry {
	uint64_t number; /* in the queue; 0: it isn't there yet */
	enum aps_pending_op op;
	struct aps_record_fields change; /* CREATE: the record. UPDATE: what it changes. DELETE: nothing */
	struct aps_str condition;        /* JSON text; empty: none */
	uint64_t batch;                  /* changes that belong together; 0: none */
	bool has_begun;
	/* What became of it, for whoever stores it: */
	bool is_rewritten; /* `op`, `change` or `condition` */
	bool is_gone;      /* it leaves the queue, and nothing is sent */
};

struct aps_pending_rule {
	struct aps_str field;
	enum aps_field_merge rule;
};

struct aps_pending_record {
	struct aps_arena *arena;
	const struct aps_pending_rule *rules; /* borrowed */
	size_t n_rules;
	bool has_base;                 /* the service has the record, or a tombstone of it: "_deleted" */
	struct aps_record_fields base; /* with "_version" and "_lastChangedAt", where it tells them */
	struct aps_pending_entry *entries;
	size_t n_entries, capacity;
};

struct aps_pending_change {
	bool is_delete;
	struct aps_record_fields record; /* whole, where there is none; else what is changed, null: cleared */
	struct aps_str condition;
	uint64_t batch;
};

/* What a remote state has met. */
enum aps_pending_meets {
	APS_PENDING_TAKEN,    /* it is the base */
	APS_PENDING_OLD,      /* it isn't newer than the base */
	APS_PENDING_CONFLICTS /* nothing has changed: it touches what was changed here, or is under way */
};

/* What both sides have made of a record. */
struct aps_pending_merged {
	bool has_conflict;                  /* of a field, or one has deleted it and the other hasn't */
	struct aps_record_fields conflicts; /* the fields, with the values of this side */
	struct aps_record_fields change;    /* of the service's record: what this side makes of it */
};

/* How an entry is sent now. */
struct aps_pending_request {
	enum aps_pending_op op; /* a record over a tombstone is made by an update */
	bool has_version;
	int64_t version;
};

APS_BEGIN_DECLS

const char *aps_pending_op_name(enum aps_pending_op op);

/* Nothing is queued. `base`: JSON text of the service's record; empty: it has none. */
enum aps_rc aps_pending_init(struct aps_pending_record *record, struct aps_str base, struct aps_arena *arena,
                             struct aps_err *err);
/* One that is queued already, behind those that were added before. `change`: JSON text. */
enum aps_rc aps_pending_add(struct aps_pending_record *record, const struct aps_pending_entry *entry,
                            struct aps_str change, struct aps_err *err);

/* The application changes it: entries are rewritten or gone, and there may be a new one, the last, with number 0. */
enum aps_rc aps_pending_change(struct aps_pending_record *record, const struct aps_pending_change *change,
                               struct aps_err *err);
/* The service has told of a state, by whatever way: JSON text, or empty: it is gone and left no tombstone. Entries that
 * haven't begun are rewritten where a rule says so. */
enum aps_rc aps_pending_remote(struct aps_pending_record *record, struct aps_str remote, enum aps_pending_meets *meets,
                               struct aps_err *err);
/* The entry was carried out, and this is the record; empty: gone. It is gone from the list. Later entries are based on
 * it, unless it has another value than was sent of what they change as well: then they keep the version that will tell
 * of the conflict. */
enum aps_rc aps_pending_answered(struct aps_pending_record *record, size_t entry, struct aps_str answer,
                                 struct aps_err *err);
/* It was refused or taken away. `remote`: the service's record, if it has told it; empty: it hasn't. */
enum aps_rc aps_pending_dropped(struct aps_pending_record *record, size_t entry, struct aps_str remote,
                                struct aps_err *err);
/* The service refuses the entry, as its record is another one: merged by the rules where they say how. */
enum aps_rc aps_pending_merge(const struct aps_pending_record *record, size_t entry, struct aps_str remote,
                              struct aps_pending_merged *merged, struct aps_err *err);
/* The entry is to be sent again over `remote` (JSON text, not empty), as this change of it; one of a tombstone brings
 * the record back. */
enum aps_rc aps_pending_resolved(struct aps_pending_record *record, size_t entry, struct aps_str remote,
                                 const struct aps_record_fields *change, bool is_delete, struct aps_err *err);
/* What the application sees; *is_there false: no record. */
enum aps_rc aps_pending_shown(const struct aps_pending_record *record, struct aps_record_fields *shown, bool *is_there,
                              struct aps_err *err);
struct aps_pending_request aps_pending_request_of(const struct aps_pending_record *record, size_t entry);
/* By its number; n_entries: it isn't there. */
size_t aps_pending_find(const struct aps_pending_record *record, uint64_t number);

APS_END_DECLS

#endif
