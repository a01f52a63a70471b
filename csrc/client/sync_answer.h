/* What an answer says, before anything is made of it: its page, if it has one that can be taken for whole.
 * @thread core */
#ifndef APS_CLIENT_SYNC_ANSWER_H
#define APS_CLIENT_SYNC_ANSWER_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

/* Reads it once. False: it has failed, and its response's error says why. */
bool aps_sync_answer_read(struct aps_sync_run *run, struct aps_sync_answer *answer);

APS_END_DECLS

#endif
