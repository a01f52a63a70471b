/* What a delta sync tells the application: SYNC events (lua/appsync/_meta/core_cache.lua lists them). @thread core */
#ifndef APS_CLIENT_SYNC_TELL_H
#define APS_CLIENT_SYNC_TELL_H

#include "client/sync_judge.h"

APS_BEGIN_DECLS

/* If it has changed since it was told last. */
void aps_sync_tell_state(struct aps_sync_run *run);
/* The headers of the part's request, or of the subscription, are wanted. */
enum aps_rc aps_sync_tell_headers(struct aps_sync_run *run, uint64_t question, enum aps_sync_part_kind part,
                                  struct aps_err *err);
/* The application's functions are to be told of the page or the event in `data`. `variables`: that the page was asked
 * for with; empty: nobody wants to know. */
enum aps_rc aps_sync_tell_update(struct aps_sync_run *run, uint64_t question, enum aps_sync_part_kind part,
                                 struct aps_str data, struct aps_str variables, struct aps_err *err);
/* Or of the records that are newer than what is known. */
enum aps_rc aps_sync_tell_records(struct aps_sync_run *run, uint64_t question, const struct aps_page *page,
                                  const struct aps_sync_judgement *judgement, struct aps_err *err);
/* Of records that have left the list: JSON text of what "records" has of them. */
enum aps_rc aps_sync_tell_gone(struct aps_sync_run *run, uint64_t question, struct aps_str records,
                               struct aps_err *err);
/* Of one that hands over: a page, with its records or, where a function makes events of it, its data; and what the
 * service says is wrong with it. */
enum aps_rc aps_sync_tell_page(struct aps_sync_run *run, uint64_t question, const struct aps_sync_answer *answer,
                               struct aps_err *err);
/* Likewise: what the subscription has brought. */
enum aps_rc aps_sync_tell_event(struct aps_sync_run *run, const struct aps_gqlhttp_response *response,
                                struct aps_err *err);
/* What aps_sync_tell_end() tells where there is no memory. NULL: there is none now. @thread any */
struct aps_result_event *aps_sync_end_event_new(uint64_t sync);
/* The last one, once: `why` it ends. Without memory it is run->end, which doesn't have the service's errors. */
void aps_sync_tell_end(struct aps_sync_run *run, const struct aps_err *why);

APS_END_DECLS

#endif
