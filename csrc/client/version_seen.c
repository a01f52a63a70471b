#include "client/version_seen.h"

#include "client/known_fields.h"
#include "client/sent_entry.h"

static enum aps_rc look(struct aps_sending *sending, bool *is_ahead, struct aps_err *err)
{
	struct aps_str key;
	const struct aps_safety *safety = &sending->safety;
	*is_ahead = false;
	if (!safety->has_version) return APS_OK;
	enum aps_rc rc = aps_sent_entry_key(sending, &key, err);
	if (rc != APS_OK || key.n == 0) return rc;
	struct aps_cell cached;
	bool is_known;
	rc = aps_known_field(sending->queue->partition, key, aps_str_of(safety->version_field), &cached, &is_known,
	                     err);
	*is_ahead = rc == APS_OK && is_known && cached.tag == APS_CELL_INT && cached.as.integer != 0 &&
	            cached.as.integer < safety->version;
	return APS_OK; /* what can't be read says nothing */
}

enum aps_rc aps_version_seen_check(struct aps_queue *queue, uint64_t number, struct aps_err *err)
{
	const struct aps_outbox_item *item = aps_outbox_item(&queue->outbox, number);
	if (item == NULL || item->delivery.resend != APS_RESEND_VERSIONED) return APS_OK;
	struct aps_sending *sending = aps_sending_get(queue, number, err);
	if (sending == NULL) return err->code;
	bool is_ahead;
	/* What can't be read is found out when it is to be sent. */
	if (aps_sent_entry_read(sending, err) != APS_OK) return APS_OK;
	enum aps_rc rc = look(sending, &is_ahead, err);
	if (rc != APS_OK || !is_ahead) return rc;
	struct aps_outbox_entry entry = sending->row.entry;
	entry.flags += ((int64_t)APS_RESEND_NEVER - (int64_t)APS_RESEND_VERSIONED) * APS_ENTRY_RESEND;
	aps_outbox_distrust(&queue->outbox, number);
	return aps_outbox_update(aps_queue_db(queue), &entry, err);
}
