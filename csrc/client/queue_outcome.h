/* What became of a queued mutation, as JSON: for the log of outcomes, for dead letters, and for whoever is told. Pure
 * but for the store's id map. @thread core */
#ifndef APS_CLIENT_QUEUE_OUTCOME_H
#define APS_CLIENT_QUEUE_OUTCOME_H

#include "client/sending.h"
#include "codec/json_writer.h"

APS_BEGIN_DECLS

/* {"kind","message","code","status","errors","outcome","blocked_by"}: why it failed. `outcome`: of a dead letter, or
 * NULL; `blocked_by`: the number of its maker, or 0. */
void aps_queue_outcome_write_cause(struct aps_json_writer *w, const struct aps_queue *queue,
                                   const struct aps_outcome *outcome, const char *dead, uint64_t blocked_by);
/* Appends the content of the log. */
enum aps_rc aps_queue_outcome_write(const struct aps_sending *sending, const struct aps_outbox_action *action,
                                    struct aps_buf *out, struct aps_err *err);
/* The same without what takes room. */
enum aps_rc aps_queue_outcome_shorten(struct aps_str content, struct aps_buf *out, struct aps_err *err);
/* The response key of its root field, or the name of its operation; empty: neither can be told. */
struct aps_str aps_queue_outcome_field(const struct aps_operation *operation);

APS_END_DECLS

#endif
