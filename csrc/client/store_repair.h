/* What is done by hand to the mutations in a store that nobody has open: `appsync inspect --retry` and `--discard`. All
 * of it in one transaction that is on the disk when these return. @thread app, in a process without a client for it */
#ifndef APS_CLIENT_STORE_REPAIR_H
#define APS_CLIENT_STORE_REPAIR_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

APS_BEGIN_DECLS

/* A dead letter is queued again, at the tail and without an optimistic layer; then those that depended on it, in order.
 * Appends {"retried":[{"id":"…","new_id":"…"}]}. E_STORAGE: the store isn't there, is another process's ("locked"),
 * damaged ("corrupt"), of a newer version, or there is no dead letter of this id ("missing"); E_NOMEM. */
enum aps_rc aps_store_repair_retry(const char *path, struct aps_str id, struct aps_buf *json, struct aps_err *err);
/* A dead letter, or a queued mutation with its layer, is gone. Appends {"discarded":"…"}. */
enum aps_rc aps_store_repair_discard(const char *path, struct aps_str id, struct aps_buf *json, struct aps_err *err);

APS_END_DECLS

#endif
