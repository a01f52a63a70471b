/* Which records of a page or an event the errors of its response name. @thread core */
#ifndef APS_CLIENT_SYNC_ERRORS_H
#define APS_CLIENT_SYNC_ERRORS_H

#include "base/arena.h"
#include "sync/page.h"

struct aps_sync_error {
	bool is_named;          /* an error is of the record, or of something in it */
	struct aps_str message; /* JSON text of that of the first such error that has one; empty: none has */
};

APS_BEGIN_DECLS

/* One for each record of the page. `errors`: JSON text of a list, or empty. NULL: no memory. */
struct aps_sync_error *aps_sync_errors_find(struct aps_str errors, const struct aps_page *page,
                                            struct aps_arena *arena);

APS_END_DECLS

#endif
