/* What the subscription of a delta sync brings: it is held until its turn has come. @thread core */
#ifndef APS_CLIENT_SYNC_HEAR_H
#define APS_CLIENT_SYNC_HEAR_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

void aps_sync_hear_init(struct aps_sync_run *run);
/* Joins a feed; what becomes of it is fed to the run, at the earliest once this has returned. */
void aps_sync_hear_begin(struct aps_sync_run *run);
/* Leaves it. What was heard is forgotten. Legal at any time. */
void aps_sync_hear_end(struct aps_sync_run *run);
/* The oldest event, the caller's; NULL: none. */
struct aps_sync_heard *aps_sync_hear_take(struct aps_sync_run *run);
void aps_sync_heard_free(struct aps_sync_heard *heard); /* NULL is legal */
/* Those that are held are forgotten. */
void aps_sync_hear_forget(struct aps_sync_run *run);
/* An event wasn't whole. */
void aps_sync_hear_note_partial(struct aps_sync_run *run);
/* Monotonic: when something came from the service last; 0: nobody knows, or it wasn't read as it came, since then. */
int64_t aps_sync_hear_last_ms(const struct aps_sync_run *run, int64_t since_ms);
bool aps_sync_hear_give_headers(struct aps_sync_run *run, uint64_t question, struct aps_arena *arena,
                                struct aps_header_list *headers, const char *failed);
/* Why it has ended will be the same next time: it isn't that the service had no room, or that something there failed.
 */
bool aps_sync_hear_is_refused(const struct aps_sync_run *run);

APS_END_DECLS

#endif
