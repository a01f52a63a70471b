/* What a mutation of the outbox is, queued or dead, and how the rows of both tables have it. */
#ifndef APS_STORE_OUTBOX_ENTRY_H
#define APS_STORE_OUTBOX_ENTRY_H

#include "store/query.h"
#include "store/row_sum.h"
#include "store/row_texts.h"

/* What the store doesn't look into: flags, and texts of JSON beside the document and the operation's name. */
struct aps_outbox_entry {
	int64_t id; /* store/entry_id.h; 0: there is none */
	int64_t created_ms;
	int64_t flags;
	struct aps_str document, name, variables, optimistic, extra;
};

/* In this order. */
#define APS_OUTBOX_ENTRY_COLUMNS   "id, created, flags, document, name, variables, optimistic, extra"
#define APS_OUTBOX_ENTRY_N_COLUMNS 8

APS_BEGIN_DECLS

/* Without its owner. */
void aps_outbox_entry_sum(struct aps_row_sum *sum, const struct aps_outbox_entry *entry);
void aps_outbox_entry_bind(struct aps_query *query, const struct aps_outbox_entry *entry);
/* From the columns that begin with `column`; the texts by `texts`. */
void aps_outbox_entry_take(struct aps_row_texts *texts, int column, struct aps_outbox_entry *entry);

APS_END_DECLS

#endif
