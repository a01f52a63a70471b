/* What a queue tells the application by itself: QUEUE events, JSON objects whose "what" says what they are about
 * (lua/appsync/_meta/core_cache.lua). @thread core */
#ifndef APS_CLIENT_QUEUE_TELL_H
#define APS_CLIENT_QUEUE_TELL_H

#include "client/sending.h"
#include "codec/json_writer.h"

APS_BEGIN_DECLS

/* "headers": the client's function is asked for those of this request. */
enum aps_rc aps_queue_ask_headers(const struct aps_sending *sending, struct aps_err *err);
/* "conflict": the resolver is asked. */
enum aps_rc aps_queue_ask_resolver(const struct aps_sending *sending, const struct aps_outbox_action *action,
                                   struct aps_err *err);
/* "state", where it has changed. */
void aps_queue_tell_state(struct aps_queue *queue);
/* "outcome": the next one that nobody was told of, unless one is being told. */
void aps_queue_tell_outcome(struct aps_queue *queue);
/* {"state","size","dead","head","stuck_for","reason"} */
void aps_queue_write_state(struct aps_json_writer *w, struct aps_queue *queue);
/* The queue stands still: it is logged, once. */
void aps_queue_tell_stuck(struct aps_queue *queue);
/* Somebody was told of that outcome. A transaction of its own would stand between a mutation and the next one: it is in
 * the next transaction, whatever that is for, or soon in one of its own. Lost with the process before that, it is told
 * once more, in another run. */
void aps_queue_told(struct aps_queue *queue, uint64_t outcome);
/* In the transaction that is open, what is to be in it. */
enum aps_rc aps_queue_store_told(struct aps_queue *queue, struct aps_err *err);

APS_END_DECLS

#endif
