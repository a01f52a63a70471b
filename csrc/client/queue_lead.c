#include "client/queue_lead.h"

#include "codec/json_members.h"
#include "codec/json_reader.h"

static const struct aps_claim *claim_of(const struct aps_queue *queue)
{
	return &queue->vault->file.claim;
}

static uint64_t hash_for(const struct aps_queue *queue, struct aps_str identity)
{
	return aps_str_hash(identity, aps_str_hash(aps_str_of(queue->prefix), 0));
}

static uint64_t hash_of(const struct aps_queue *queue)
{
	return hash_for(queue, aps_str_of(queue->identity));
}

bool aps_queue_leads(const struct aps_queue *queue)
{
	return queue->leads || queue->vault == NULL || !aps_vault_is_shared(queue->vault);
}

enum aps_rc aps_queue_check_leads(const struct aps_queue *queue, struct aps_err *err)
{
	return aps_queue_leads(queue) ? APS_OK : aps_claim_fail_outbox(claim_of(queue), hash_of(queue), err);
}

void aps_queue_try_lead(struct aps_queue *queue)
{
	queue->leads = aps_vault_is_available(queue->vault) && aps_claim_outbox(claim_of(queue), hash_of(queue));
}

void aps_queue_leave_lead(struct aps_queue *queue)
{
	bool led = queue->leads;
	queue->leads = false;
	aps_claim_leave_outbox(claim_of(queue), hash_of(queue));
	if (led) aps_neighbours_knock(&queue->vault->file.neighbours, APS_KNOCK_LEFT);
}

enum aps_rc aps_queue_borrow_lead(const struct aps_queue *queue, struct aps_str identity, struct aps_err *err)
{
	uint64_t hash = hash_for(queue, identity);
	if (!aps_vault_is_shared(queue->vault) || aps_claim_outbox(claim_of(queue), hash)) return APS_OK;
	return aps_claim_fail_outbox(claim_of(queue), hash, err);
}

void aps_queue_return_lead(const struct aps_queue *queue, struct aps_str identity)
{
	if (!aps_vault_is_shared(queue->vault)) return;
	aps_claim_leave_outbox(claim_of(queue), hash_for(queue, identity));
	aps_neighbours_knock(&queue->vault->file.neighbours, APS_KNOCK_LEFT);
}

int64_t aps_queue_slot(const struct aps_queue *queue)
{
	return aps_vault_is_shared(queue->vault) ? claim_of(queue)->slot : 0;
}

enum aps_queue_whose aps_queue_whose(const struct aps_queue *queue, int64_t by, int64_t entry)
{
	bool is_slot = by > 0 && by <= APS_CLAIM_MAX_SLOT && aps_vault_is_shared(queue->vault);
	if (!is_slot || by == claim_of(queue)->slot)
		return entry > queue->last_old ? APS_QUEUE_OURS : APS_QUEUE_NOBODYS;
	return aps_claim_is_free(claim_of(queue), (int)by) ? APS_QUEUE_NOBODYS : APS_QUEUE_OTHERS;
}

int64_t aps_queue_outcome_by(struct aps_str content)
{
	struct aps_json_members members;
	struct aps_json_reader r;
	struct aps_str text;
	aps_json_members_init(&members, content);
	if (!aps_json_members_get(&members, "by", &text)) return 0;
	aps_json_reader_init(&r, text, 0);
	return aps_json_next(&r) == APS_JSON_INT ? r.integer : 0;
}
