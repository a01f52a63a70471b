/* The way of a page or an event into the cache: the application's functions are told of it first, where there are any;
 * then it is written, with what they say. @thread core */
#ifndef APS_CLIENT_SYNC_KEEP_H
#define APS_CLIENT_SYNC_KEEP_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

/* Takes *answer, a page that the machine wants kept. keeping->is_over: it is, or it isn't. */
void aps_sync_keep_page(struct aps_sync_run *run, struct aps_sync_answer *answer,
                        const struct aps_sync_actions *actions);
/* Takes what was heard. */
void aps_sync_keep_event(struct aps_sync_run *run, struct aps_sync_heard *heard);
/* A function of the application has to say which page comes next: that is asked before the machine is told of this one.
 * False: nothing is asked. */
bool aps_sync_keep_asks_page(struct aps_sync_run *run, struct aps_sync_answer *answer);
/* What lingers in the list, and needn't any more, leaves it (client/sync_lingering.h). Nothing is in hand. */
void aps_sync_keep_settle_lingering(struct aps_sync_run *run);
/* The application's functions are asked about what has left the list (client/sync_gone.h). Nothing is in hand. */
void aps_sync_keep_ask_gone(struct aps_sync_run *run);
/* What the application's functions said of a page or an event; `more`: the variables of the next page. `edits` is the
 * command's. False: nobody has asked with this number. */
bool aps_sync_keep_settle(struct aps_sync_run *run, uint64_t question, const struct aps_caching_edits *edits,
                          struct aps_str more);
/* They said nothing: something failed before. False: that makes no difference to what was asked. */
bool aps_sync_keep_fail(struct aps_sync_run *run, uint64_t question);
/* The transaction has ended with it or without. */
void aps_sync_keep_conclude(struct aps_sync_run *run, bool is_kept);
/* A page that waits in the cache isn't written any more. */
void aps_sync_keep_drop_page(struct aps_sync_run *run);
/* Nothing comes of what is in hand. What waits in the cache stays there until it is written; true: it does. */
bool aps_sync_keep_close(struct aps_sync_run *run);

APS_END_DECLS

#endif
