/* The requests of a delta sync: one page at a time. Its answer stays in run->fetching.answer until the run takes it.
 * @thread core */
#ifndef APS_CLIENT_SYNC_FETCH_H
#define APS_CLIENT_SYNC_FETCH_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

/* What run->machine.fetch says. What can't even begin is an answer as well. */
void aps_sync_fetch_begin(struct aps_sync_run *run);
/* Nothing comes of it. Legal at any time. */
void aps_sync_fetch_abandon(struct aps_sync_run *run);
/* The headers that were asked for; `failed` NULL: these are they. False: nobody has asked with this number. */
bool aps_sync_fetch_give_headers(struct aps_sync_run *run, uint64_t question, const struct aps_header_list *headers,
                                 const struct aps_err *failed);
/* The page that is asked for has failed again and again: what ails it may be its token. */
bool aps_sync_fetch_doubts_token(const struct aps_sync_run *run);
/* Nothing of the answer is of a GraphQL service: it may be of a gateway, or of a network's page to log in at. */
bool aps_sync_fetch_is_foreign(const struct aps_outcome *outcome);
/* Which way a failed page goes on. `has_token`: it isn't the first one. */
struct aps_sync_failure aps_sync_fetch_failure(const struct aps_outcome *outcome, bool has_token, bool doubts_token,
                                               int64_t now_ms);

APS_END_DECLS

#endif
