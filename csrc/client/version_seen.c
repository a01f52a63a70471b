#include "client/version_seen.h"

#include "client/partition.h"
#include "client/sent_entry.h"

/* Of the record below all optimistic layers; 0: it isn't known. */
static int64_t cached_version(struct aps_partition *partition, struct aps_str key, const char *field,
                              struct aps_err *err)
{
	struct aps_cache *cache = &partition->cache;
	struct aps_entry *entry = NULL;
	struct aps_cell value;
	struct aps_buf name;
	aps_buf_init(&name, APS_BUF_ANY_SIZE);
	aps_buf_add_byte(&name, 'R');
	aps_buf_add_str(&name, key);
	if (name.rc == APS_OK) (void)aps_entries_find(&cache->entries, aps_buf_str(&name), &entry, err);
	aps_buf_clear(&name);
	uint32_t number = aps_names_find(&cache->names, aps_str_of(field));
	bool is_there = entry != NULL && number != 0 && aps_entry_base(entry).n != 0 &&
	                aps_cell_find_field(aps_entry_base(entry), number, &value);
	return is_there && value.tag == APS_CELL_INT ? value.as.integer : 0;
}

static bool is_ahead(const struct aps_sending *sending, struct aps_err *err)
{
	if (!sending->safety.has_version || sending->extra.n_roots == 0) return false;
	int64_t cached =
	        cached_version(sending->queue->partition, sending->extra.roots[0], sending->safety.version_field, err);
	return cached != 0 && cached < sending->safety.version;
}

enum aps_rc aps_version_seen_check(struct aps_queue *queue, uint64_t number, struct aps_err *err)
{
	const struct aps_outbox_item *item = aps_outbox_item(&queue->outbox, number);
	if (item == NULL || item->delivery.resend != APS_RESEND_VERSIONED) return APS_OK;
	struct aps_sending *sending = aps_sending_get(queue, number, err);
	if (sending == NULL) return err->code;
	/* What can't be read is found out when it is to be sent. */
	if (aps_sent_entry_read(sending, err) != APS_OK || !is_ahead(sending, err)) return APS_OK;
	struct aps_outbox_entry entry = sending->row.entry;
	entry.flags += ((int64_t)APS_RESEND_NEVER - (int64_t)APS_RESEND_VERSIONED) * APS_ENTRY_RESEND;
	aps_outbox_distrust(&queue->outbox, number);
	return aps_outbox_update(aps_queue_db(queue), &entry, err);
}
