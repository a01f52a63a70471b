/* Records that a page has more than once, as the journal behind a delta query may: the newest state counts.
 * @thread core */
#ifndef APS_CLIENT_SYNC_REPEATED_H
#define APS_CLIENT_SYNC_REPEATED_H

#include "client/sync_judgement.h"
#include "sync/page.h"

APS_BEGIN_DECLS

/* Those that were judged against what is known are judged against each other: all but one of a record become OLD. */
enum aps_rc aps_sync_judge_repeated(const struct aps_page *page, struct aps_sync_judgement *judgement, uint64_t seed,
                                    struct aps_err *err);

APS_END_DECLS

#endif
