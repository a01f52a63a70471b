/* The subscription of a delta sync, and what isn't heard of it. The events give false where they are illegal; then
 * nothing has changed.
 *
 * A gap is what keeps a pass from being the last one: something may have been missed that no query which has begun
 * since would tell. The first page of a pass closes it, when it is asked for while the subscription stands. */
#ifndef APS_SYNC_SYNC_HEARING_H
#define APS_SYNC_SYNC_HEARING_H

#include "sync/sync_machine.h"

APS_BEGIN_DECLS

bool aps_sync_be_subscribed(struct aps_sync_step *s);
bool aps_sync_be_lost(struct aps_sync_step *s);
bool aps_sync_be_delayed(struct aps_sync_step *s);
bool aps_sync_end_subscription(struct aps_sync_step *s);
bool aps_sync_have_missed(struct aps_sync_step *s);

/* Something may have been missed from now on. */
void aps_sync_note_gap(struct aps_delta_sync *sync);
/* What comes from now on is heard, or won't be. */
bool aps_sync_is_served(const struct aps_delta_sync *sync);
/* Of a sync that begins live: changes up to now are known, or aren't wanted. */
void aps_sync_begin_live(struct aps_sync_step *s);
/* DUE: what was heard is known from then on. */
void aps_sync_move_on(struct aps_sync_step *s);
/* Monotonic: when the next mark is due; INT64_MAX: never. */
int64_t aps_sync_next_mark_ms(const struct aps_delta_sync *sync);
/* Asks for it, if it may be. */
void aps_sync_subscribe(struct aps_sync_step *s);

/* A pass is over: another one follows where there is a gap, at once or soon. */
void aps_sync_replan(struct aps_sync_step *s);
/* The first page of a pass is asked for, which tells what was missed. */
void aps_sync_ask_for_missed(struct aps_delta_sync *sync);

APS_END_DECLS

#endif
