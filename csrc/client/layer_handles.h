/* By which numbers the application knows the layers of its calls, and what it is still owed: the end of a layer whose
 * call has ended, and which couldn't be written. @thread core */
#ifndef APS_CLIENT_LAYER_HANDLES_H
#define APS_CLIENT_LAYER_HANDLES_H

#include "base/buf.h"

#include <stdbool.h>

struct aps_layer_handles {
	struct aps_buf known; /* struct aps_layer_handle */
	struct aps_buf owed;  /* uint64_t: ids of layers that are to leave */
	bool is_paid;         /* in this turn */
};

APS_BEGIN_DECLS

void aps_layer_handles_init(struct aps_layer_handles *handles);
/* Twice is legal: nothing is known any more. */
void aps_layer_handles_clear(struct aps_layer_handles *handles);

/* Room for one more, so that aps_layer_handles_add() finds it. False: no memory. */
bool aps_layer_handles_reserve(struct aps_layer_handles *handles);
/* A layer has come in this turn; `is_passing`: it ends with its call, whatever becomes of what that writes. */
void aps_layer_handles_add(struct aps_layer_handles *handles, uint64_t handle, uint64_t id, bool is_passing);
/* 0: nothing is known of it, or it has ended. */
uint64_t aps_layer_handles_find(const struct aps_layer_handles *handles, uint64_t handle);
/* The layer was to leave in this turn: it has, if `is_written`; else one that is passing has to. id 0: all of them. */
void aps_layer_handles_end(struct aps_layer_handles *handles, uint64_t id, bool is_written);

/* Of these ids (uint64_t) the layers that no call has are to leave. False: no memory. */
bool aps_layer_handles_owe_others(struct aps_layer_handles *handles, const struct aps_buf *ids);

/* How the turn ended. Of one that failed nothing is kept: what came is gone, what left is there, and has to leave if it
 * is passing. */
void aps_layer_handles_committed(struct aps_layer_handles *handles);
void aps_layer_handles_failed(struct aps_layer_handles *handles);

APS_END_DECLS

#endif
