/* Keeps a partition small: what nobody can reach leaves when the application asks for it or when there is too much, and
 * then what was not used for the longest time. Of records that are doubted, what nobody can reach leaves anyway. A
 * little each turn:
 *
 *    idle --asked, above the limit, or doubted--> doubted --> fields --> held --> followed --> chosen --> swept --+
 *     ^                                                                            ^           |          |       |
 *     |                                                                            +-- written meanwhile -+       |
 *     +------------------------------------------------------------------------------------ settled <-------------+
 *
 * One for each partition.
 * @thread core */
#ifndef APS_CLIENT_COLLECTING_H
#define APS_CLIENT_COLLECTING_H

#include "client/core.h"
#include "client/partition.h"
#include "proto/operation.h"

struct aps_collecting;

APS_BEGIN_DECLS

/* All are borrowed. NULL when memory is out. */
struct aps_collecting *aps_collecting_new(struct aps_core *core, struct aps_client *client,
                                          struct aps_partition *partition);
/* Answers with *why what waits. The partition is still there. NULL is legal. */
void aps_collecting_free(struct aps_collecting *collecting, const struct aps_err *why);

/* Takes the event, whose bytes have room for a number: it tells how many records have left, once all that can't be
 * reached now has. */
void aps_collecting_ask(struct aps_collecting *collecting, struct aps_result_event *result);
/* What the operation reads doesn't leave. Takes it; without memory it is told, and does nothing. */
void aps_collecting_retain(struct aps_collecting *collecting, uint64_t id, struct aps_operation *operation);
/* Unknown ids are ignored. */
void aps_collecting_release(struct aps_collecting *collecting, uint64_t id);
/* Somebody had these records, and has them no more with the transaction that is open, or is begun for it. Those that
 * nothing reaches leave soon (client/doubting.h), in this process or in a later one, and nothing else does. On failure
 * the transaction is worth nothing. */
enum aps_rc aps_collecting_doubt(struct aps_collecting *collecting, const uint64_t *numbers, size_t n,
                                 struct aps_err *err);
/* A reader has used these entries. */
void aps_collecting_use(struct aps_collecting *collecting, const uint64_t *numbers, size_t n);

APS_END_DECLS

#endif
