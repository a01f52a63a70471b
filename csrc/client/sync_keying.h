/* Which records a page or an event brings: their keys, as the cache gives them. Fields are found by their names in the
 * schema, under whatever alias the document asks for them.
 * @thread core */
#ifndef APS_CLIENT_SYNC_KEYING_H
#define APS_CLIENT_SYNC_KEYING_H

#include "client/sync_run.h"
#include "codec/json_members.h"

struct aps_sync_keying {
	const struct aps_partition *partition;
	const struct aps_partition_data *data;
	size_t next_asked;
	struct aps_binding own;                /* where none was given */
	struct aps_binding *binding;           /* of the operation */
	struct aps_selection *selection;       /* of a record; NULL: its members have the fields' names */
	const struct aps_selection_view *view; /* for the record in hand; NULL: likewise */
	struct aps_json_members members;       /* of it */
	struct aps_buf type;
	struct aps_buf cell; /* of the value that was asked for last */
	struct aps_arena arena;
	bool is_short; /* of memory */
};

APS_BEGIN_DECLS

/* Of the part in hand. `data`: of the response, with what was asked of it; `binding`: of the part's operation, NULL: it
 * is made. All are borrowed. A failure leaves nothing to clear. */
enum aps_rc aps_sync_keying_init(struct aps_sync_keying *keying, const struct aps_sync_run *run,
                                 const struct aps_page *page, const struct aps_partition_data *data,
                                 struct aps_binding *binding, struct aps_err *err);
void aps_sync_keying_clear(struct aps_sync_keying *keying);
/* Appends "R" and the identity of the record with this text, which is part of the response's; nothing: it has none. A
 * failure is in keys->rc: it is none for want of memory. */
void aps_sync_keying_put(struct aps_sync_keying *keying, struct aps_str text, struct aps_buf *keys);

APS_END_DECLS

#endif
