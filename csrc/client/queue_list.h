/* What is in a queue, as JSON for the application. @thread core */
#ifndef APS_CLIENT_QUEUE_LIST_H
#define APS_CLIENT_QUEUE_LIST_H

#include "client/queue.h"
#include "codec/json_writer.h"

APS_BEGIN_DECLS

/* A list of the entries, in the order of each mode. */
enum aps_rc aps_queue_list(struct aps_queue *queue, struct aps_buf *out, struct aps_err *err);
enum aps_rc aps_queue_list_dead(struct aps_queue *queue, struct aps_buf *out, struct aps_err *err);
/* Those with higher numbers than `since`. */
enum aps_rc aps_queue_list_outcomes(struct aps_queue *queue, int64_t since, struct aps_buf *out, struct aps_err *err);
/* The numbers of those that wait for the dead letter of this number to be retried. */
enum aps_rc aps_queue_list_blocked(struct aps_queue *queue, int64_t number, struct aps_buf *out, struct aps_err *err);
/* The entry or dead letter of this number with all that it has, or null. */
enum aps_rc aps_queue_find(struct aps_queue *queue, int64_t number, struct aps_buf *out, struct aps_err *err);

APS_END_DECLS

#endif
