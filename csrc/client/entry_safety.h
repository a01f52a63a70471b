/* Whether an entry of a queue may be sent again where it may have been executed: sync/safety.h, with what the cache
 * knows of the record that it makes. @thread core */
#ifndef APS_CLIENT_ENTRY_SAFETY_H
#define APS_CLIENT_ENTRY_SAFETY_H

#include "client/queue.h"
#include "sync/identity_fields.h"
#include "sync/safety.h"

/* What is asked about an entry's safety. */
struct aps_entry_safety {
	const struct aps_queue *queue;
	struct aps_arena *arena; /* for what is made of the key */
	bool is_idempotent;
	unsigned n_roots;
	struct aps_str variables;
	struct aps_str made; /* key of the record that it makes, where its id is the application's; or empty */
};

APS_BEGIN_DECLS

/* The same fields, in the arena. NULL: no memory. */
const struct aps_identity_part *aps_entry_identity_parts(struct aps_arena *arena,
                                                         const struct aps_identity_field *fields, size_t n);

/* E_NOMEM. */
enum aps_rc aps_entry_safety_of(const struct aps_entry_safety *question, struct aps_safety *safety,
                                struct aps_err *err);

APS_END_DECLS

#endif
