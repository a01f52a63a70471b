/* What was queued in a damaged store that was set aside is queued in the one that took its place, before anybody uses
 * that, also when the process has ended in between (store/aside_note.h, store/salvage.h). @thread core */
#ifndef APS_CLIENT_STORE_SALVAGE_H
#define APS_CLIENT_STORE_SALVAGE_H

#include "base/buf.h"
#include "store/db.h"

/* Of which store. */
struct aps_store_salvage {
	const char *path; /* as it was given */
	const char *real; /* without links */
	enum aps_db_sync synchronous;
	struct aps_buf *news; /* client/store_news.h */
};

APS_BEGIN_DECLS

/* Before the file is opened. */
void aps_store_salvage_prepare(const char *real);
/* Into what was opened: on the disk when it returns, and told by count. On failure it is to be tried
 * again, and nobody may use the store. */
enum aps_rc aps_store_salvage_run(const struct aps_store_salvage *of, struct aps_db *db, struct aps_err *err);

APS_END_DECLS

#endif
