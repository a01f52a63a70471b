/* What a queue tells the application by itself: QUEUE events, JSON objects whose "what" says what they are about
 * (lua/appsync/_meta/core_cache.lua). @thread core */
#ifndef APS_CLIENT_QUEUE_TELL_H
#define APS_CLIENT_QUEUE_TELL_H

#include "client/sending.h"
#include "codec/json_writer.h"

struct aps_kept_outcome;

APS_BEGIN_DECLS

/* "headers": the client's function is asked for those of this request. */
enum aps_rc aps_queue_ask_headers(const struct aps_sending *sending, struct aps_err *err);
/* "conflict": the resolver is asked. */
enum aps_rc aps_queue_ask_resolver(const struct aps_sending *sending, const struct aps_outbox_action *action,
                                   struct aps_err *err);
/* "state", where it has changed. */
void aps_queue_tell_state(struct aps_queue *queue);
/* How many are queued, for a RESULT that says it in place of a "state"; 0: there is more to be told. */
int64_t aps_queue_show_size(struct aps_queue *queue);
/* "answer": for the cache; client/queue_settle.h. False: no memory. */
bool aps_queue_tell_answer(struct aps_queue *queue, const struct aps_kept_outcome *outcome);
/* "outcome": the next settled one that nobody was told of, unless one is being told. */
void aps_queue_tell_outcome(struct aps_queue *queue);
/* {"state","size","dead","head","stuck_for","reason"} */
void aps_queue_write_state(struct aps_json_writer *w, struct aps_queue *queue);
/* The queue stands still: it is logged, once. */
void aps_queue_tell_stuck(struct aps_queue *queue);

APS_END_DECLS

#endif
