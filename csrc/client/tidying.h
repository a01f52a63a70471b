/* What is left to do in a store's file, a little each turn: the rows of parts that were dropped are deleted, pages that
 * are free are given back. Where a part was wiped, nothing of it is left on any page, nor in the write-ahead log:
 *
 *    idle --> rows --> [pages --> log] --> part removed --> pages, as far as there are many --> idle
 *                       where it was wiped
 *
 * One for each vault.
 * @thread core */
#ifndef APS_CLIENT_TIDYING_H
#define APS_CLIENT_TIDYING_H

#include "client/core.h"
#include "client/vault.h"

APS_BEGIN_DECLS

/* Both are borrowed; goes on with what an earlier process has left. NULL when memory is out. */
struct aps_tidying *aps_tidying_new(struct aps_core *core, struct aps_vault *vault);
/* Answers with *why what waits; what isn't done is done when the file is opened again. NULL is legal. */
void aps_tidying_free(struct aps_tidying *tidying, const struct aps_err *why);
/* Something was dropped, or many rows were deleted. NULL is legal. */
void aps_tidying_begin(struct aps_tidying *tidying);
/* Takes the event (aps_number_event_new()): it tells when nothing is left in the file of what was deleted before. */
void aps_tidying_ask(struct aps_tidying *tidying, struct aps_result_event *result);

APS_END_DECLS

#endif
