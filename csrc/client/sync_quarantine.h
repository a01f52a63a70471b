/* Records that couldn't be taken: kept with the reason, and tried again by the next pass. @thread core */
#ifndef APS_CLIENT_SYNC_QUARANTINE_H
#define APS_CLIENT_SYNC_QUARANTINE_H

#include "client/sync_judge.h"

APS_BEGIN_DECLS

/* The page's records that are bad, at most APS_SYNC_MAX_BAD of them: nobody needs more. `errors`: the response's, which
 * may say why. */
enum aps_rc aps_sync_quarantine_put(struct aps_sync_run *run, const struct aps_page *page,
                                    const struct aps_sync_judgement *judgement, struct aps_str errors,
                                    struct aps_err *err);
/* A base pass that began then is over: what it hasn't met again leaves. */
enum aps_rc aps_sync_quarantine_end_pass(struct aps_sync_run *run, int64_t began_s, struct aps_err *err);
/* Counts them, where they may be others: run->n_bad. */
void aps_sync_quarantine_look(struct aps_sync_run *run);
/* Appends [{"key":…,"reason":…,"seen":…},…]. */
enum aps_rc aps_sync_quarantine_list(struct aps_sync_run *run, struct aps_buf *out, struct aps_err *err);

APS_END_DECLS

#endif
