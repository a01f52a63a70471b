/* A sync without a cache: what it brings is handed over to the application, in order, which settles it. A page goes
 * is settled before the one after the next is asked for; of events some may be out. What waits for that is bounded
 * (client/sync_hear.c): more counts as missed. @thread core */
#ifndef APS_CLIENT_SYNC_HAND_H
#define APS_CLIENT_SYNC_HAND_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

void aps_sync_hand_begin(struct aps_sync_run *run);
void aps_sync_hand_end(struct aps_sync_run *run);
/* True: the answer is under way: run->time_question. */
bool aps_sync_hand_ask_time(struct aps_sync_run *run);
/* Takes *answer, a page that the machine wants kept. keeping->is_over: it is settled, or wasn't handed over. */
void aps_sync_hand_page(struct aps_sync_run *run, struct aps_sync_answer *answer);
bool aps_sync_hand_has_room(const struct aps_sync_run *run);
/* Takes what was heard. */
void aps_sync_hand_event(struct aps_sync_run *run, struct aps_sync_heard *heard);
/* The page of this number, or so many events, are nobody's any more. Late ones are ignored. */
void aps_sync_hand_settle(struct aps_sync_run *run, uint64_t question, uint64_t n_events);

APS_END_DECLS

#endif
