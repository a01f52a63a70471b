/* A mutation goes into the queue: its row, its optimistic layer, what it makes and what it waits for, in one
 * transaction. @thread core */
#ifndef APS_CLIENT_QUEUE_ENQUEUE_H
#define APS_CLIENT_QUEUE_ENQUEUE_H

#include "client/caching.h"
#include "client/queue.h"
#include "proto/operation.h"

/* What the application asks for; borrowed. */
struct aps_enqueue {
	const struct aps_operation *operation;
	enum aps_entry_mode mode;
	bool is_idempotent;
	bool is_uncached;
	bool has_update;                       /* this run has a function for its answer */
	struct aps_str own_headers;            /* JSON of an object, or empty: kept with it */
	struct aps_str response;               /* JSON: the optimistic response's data, or empty */
	struct aps_str rules;                  /* JSON of a list, or empty */
	struct aps_str own_ids;                /* UUIDs that this process has made, one behind the other */
	const struct aps_header_list *headers; /* all of them, for this process; NULL: they weren't asked for */
	struct aps_caching_edits edits;
	bool has_layer;
};

APS_BEGIN_DECLS

/* *number: its own. On failure the turn is to be given up: aps_queue_fail(). */
enum aps_rc aps_queue_enqueue(struct aps_queue *queue, const struct aps_enqueue *what, uint64_t *number,
                              struct aps_err *err);
/* A dead letter goes to the tail, as a new entry: what->operation isn't looked at. */
enum aps_rc aps_queue_requeue(struct aps_queue *queue, const struct aps_outbox_entry *letter,
                              const struct aps_enqueue *what, uint64_t *number, struct aps_err *err);

APS_END_DECLS

#endif
