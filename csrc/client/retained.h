/* What the application wants to be kept of a partition: operations whose records don't leave.
 * @thread core */
#ifndef APS_CLIENT_RETAINED_H
#define APS_CLIENT_RETAINED_H

#include "cache/hold.h"
#include "proto/operation.h"

struct aps_retained {
	struct aps_retained *next;
	uint64_t id;
	struct aps_operation operation;
	bool is_held; /* in the collection that runs */
};

struct aps_retentions {
	struct aps_retained *first;
	struct aps_retained *reading; /* whose records are being held; NULL: none */
	struct aps_hold hold;
};

APS_BEGIN_DECLS

/* Takes the operation. False: no memory, and the operation is still the caller's. */
bool aps_retentions_add(struct aps_retentions *all, uint64_t id, struct aps_operation *operation);
/* Unknown ids are ignored. */
void aps_retentions_remove(struct aps_retentions *all, uint64_t id);
void aps_retentions_clear(struct aps_retentions *all); /* twice is legal */

/* A collection begins, or is over. */
void aps_retentions_begin(struct aps_retentions *all);
bool aps_retentions_are_held(const struct aps_retentions *all);
/* Holds at most so many entries. *is_done: all of them are held, those that came in between too. */
enum aps_rc aps_retentions_step(struct aps_retentions *all, struct aps_collect *collect, size_t max_rows, bool *is_done,
                                struct aps_err *err);

APS_END_DECLS

#endif
