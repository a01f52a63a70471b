#include "client/queue_enqueue.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cache/cell.h"
#include "client/entry_safety.h"
#include "client/process.h"
#include "client/queue_journal.h"
#include "client/queue_lead.h"
#include "client/sending.h"
#include "client/version_seen.h"
#include "store/id_map.h"
#include "store/outbox_number.h"
#include "store/owners.h"
#include "sync/identity_fields.h"
#include "sync/root_fields.h"

/* What is made of it on the way into the store. */
struct entering {
	struct aps_queue *queue;
	const struct aps_enqueue *what;
	uint64_t number;
	struct aps_outbox_row row; /* its texts are borrowed */
	struct aps_queue_extra extra;
	struct aps_arena arena;
	struct aps_buf texts, keys;
	struct aps_queue_extra former; /* of a dead letter that is tried again */
	int64_t former_number;
	bool is_sent;
};

static enum aps_resend resend_of(enum aps_safety_class class)
{
	static const enum aps_resend RESENDS[APS_SAFETY_COUNT] = {
	        [APS_SAFETY_NOT_SAFE] = APS_RESEND_NEVER,
	        [APS_SAFETY_IDEMPOTENT] = APS_RESEND_AT_ONCE,
	        [APS_SAFETY_VERSIONED] = APS_RESEND_VERSIONED,
	        [APS_SAFETY_CREATES] = APS_RESEND_IDENTIFIED,
	};
	return RESENDS[class];
}

static enum aps_rc make_owner(struct aps_queue *queue, struct aps_err *err)
{
	if (queue->owner != 0) return APS_OK;
	return aps_owners_make(aps_queue_db(queue), aps_str_of(queue->prefix), aps_str_of(queue->identity),
	                       &queue->owner, err);
}

static enum aps_rc number_it(struct entering *in, struct aps_err *err)
{
	struct aps_queue *queue = in->queue;
	int64_t number;
	if (in->what->has_layer)
		return aps_caching_queue_layer(queue->core, queue->client, queue->cache, &in->what->edits, &in->number,
		                               err);
	enum aps_rc rc = aps_outbox_next_number(aps_queue_db(queue), &number, err);
	in->number = (uint64_t)number;
	return rc;
}

static bool take_text(struct aps_str *rest, struct aps_str *text)
{
	uint64_t n;
	if (rest->n == 0 || !aps_cell_take_count(rest, &n) || n > rest->n) return false;
	*text = (struct aps_str){rest->p, (size_t)n};
	rest->p += n;
	rest->n -= (size_t)n;
	return true;
}

/* A mutation that changes what another one is to make only names it. */
static enum aps_rc add_temporary(struct entering *in, struct aps_str id, struct aps_str key, struct aps_err *err)
{
	struct aps_id_made pair;
	bool is_maker;
	aps_id_made_init(&pair);
	pair.owner = in->queue->owner;
	pair.temporary = id;
	pair.maker = (int64_t)in->number;
	pair.at_ms = in->row.entry.created_ms;
	enum aps_rc rc = aps_id_map_claim(aps_queue_db(in->queue), &pair, in->former_number, &is_maker, err);
	if (rc == APS_OK && is_maker) (void)aps_queue_keys_add(&in->extra.made, &in->arena, key); /* its arena tells */
	aps_id_made_clear(&pair);
	return rc;
}

/* Who waits for it waits for the one that is tried again, whatever the cache knows of its record by now. */
static enum aps_rc keep_made(struct entering *in, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < in->former.made.n_items; i++)
		rc = add_temporary(in, aps_identity_tail(in->former.made.items[i]), in->former.made.items[i], err);
	return rc;
}

/* What it makes: ids that the application has given to records that nobody else knows. */
static enum aps_rc note_made(struct entering *in, struct aps_err *err)
{
	struct aps_str id, key;
	enum aps_rc rc =
	        aps_partition_layer_temporary(in->queue->partition, in->number, in->what->own_ids, &in->keys, err);
	struct aps_str rest = aps_buf_str(&in->keys);
	while (rc == APS_OK && take_text(&rest, &id) && take_text(&rest, &key)) rc = add_temporary(in, id, key, err);
	return rc;
}

static enum aps_rc note_roots(struct entering *in, struct aps_err *err)
{
	struct aps_str key;
	aps_buf_reset(&in->keys);
	enum aps_rc rc = aps_partition_layer_roots(in->queue->partition, in->number, &in->keys, err);
	struct aps_str rest = aps_buf_str(&in->keys);
	while (rc == APS_OK && take_text(&rest, &key)) (void)aps_queue_keys_add(&in->extra.roots, &in->arena, key);
	return rc;
}

static enum aps_rc find_flags(struct entering *in, unsigned n_roots, struct aps_err *err)
{
	const struct aps_enqueue *what = in->what;
	struct aps_safety safety;
	const struct aps_entry_safety question = {
	        .queue = in->queue,
	        .arena = &in->arena,
	        .is_idempotent = what->is_idempotent,
	        .n_roots = n_roots,
	        .variables = in->row.entry.variables,
	        .made = aps_queue_extra_made_root(&in->extra),
	};
	enum aps_rc rc = aps_entry_safety_of(&question, &safety, err);
	if (rc != APS_OK) return rc;
	in->row.entry.flags = (int64_t)resend_of(safety.class) * APS_ENTRY_RESEND;
	if (what->is_idempotent) in->row.entry.flags |= APS_ENTRY_IDEMPOTENT;
	in->row.entry.flags |= what->is_uncached ? APS_ENTRY_UNCACHED : APS_ENTRY_TYPENAMES;
	if (what->has_layer) in->row.entry.flags |= APS_ENTRY_LAYER;
	if (what->rules.n != 0) in->row.entry.flags |= APS_ENTRY_RULES;
	return APS_OK;
}

static enum aps_rc insert(struct entering *in, struct aps_err *err)
{
	struct aps_queue *queue = in->queue;
	struct aps_db *db = aps_queue_db(queue);
	struct aps_outbox_info info = {.number = 0};
	aps_buf_init(&info.records, APS_BUF_ANY_SIZE);
	int64_t slot = aps_queue_slot(queue) != 0 ? aps_queue_slot(queue) : 1;
	in->row.entry.id = aps_entry_id(queue->owner, in->what->mode, (int64_t)in->number);
	enum aps_rc rc = aps_outbox_insert(db, &in->row.entry, err);
	if (!aps_queue_leads(queue)) { /* whoever leads sees it */
		queue->vault->is_urgent = true;
		return rc;
	}
	if (rc == APS_OK) rc = aps_queue_describe(queue, &in->row, &info, err);
	if (rc == APS_OK) rc = aps_outbox_add(&queue->outbox, &info, &in->is_sent, err);
	if (rc == APS_OK && in->is_sent && queue->settings.order == APS_OUTBOX_ENTITY)
		rc = aps_queue_note_fact(queue, APS_OUTBOX_FACT_BY_ENTITY, err);
	if (rc == APS_OK && in->is_sent)
		rc = aps_delivery_mark(db, in->row.entry.id, slot, aps_clock_wall_ms() + APS_QUEUE_LEASE_MS, 1, err);
	if (rc == APS_OK && in->is_sent) rc = aps_version_seen_check(queue, in->number, err);
	aps_buf_clear(&info.records);
	return rc;
}

/* What only this process knows of it. */
static enum aps_rc remember(struct entering *in, struct aps_err *err)
{
	const struct aps_enqueue *what = in->what;
	if (what->has_update && !aps_number_set_add(&in->queue->updates, in->number, NULL))
		return aps_fail(err, APS_E_NOMEM, "out of memory");
	if (!in->is_sent || what->headers == NULL) return APS_OK;
	struct aps_sending *sending = aps_sending_get(in->queue, in->number, err);
	return sending != NULL ? aps_sending_prepare(sending, what->headers, err) : err->code;
}

static enum aps_rc enter(struct entering *in, unsigned n_roots, struct aps_err *err)
{
	enum aps_rc rc = make_owner(in->queue, err);
	if (rc == APS_OK) rc = number_it(in, err);
	if (rc == APS_OK) rc = keep_made(in, err);
	if (rc == APS_OK && in->what->has_layer) rc = note_made(in, err);
	if (rc == APS_OK && in->what->has_layer) rc = note_roots(in, err);
	if (rc == APS_OK && in->arena.rc != APS_OK) rc = aps_arena_fail(&in->arena, "a queued mutation", err);
	if (rc == APS_OK) rc = find_flags(in, n_roots, err);
	in->extra.by = aps_queue_slot(in->queue);
	if (rc == APS_OK) rc = aps_queue_extra_write(&in->extra, &in->texts, err);
	in->row.entry.extra = aps_buf_str(&in->texts);
	if (rc == APS_OK) rc = insert(in, err);
	if (rc == APS_OK) rc = aps_queue_check_begun(in->queue, true, err);
	return rc == APS_OK ? remember(in, err) : rc;
}

static enum aps_rc begin(struct entering *in, struct aps_queue *queue, const struct aps_enqueue *what,
                         struct aps_err *err)
{
	*in = (struct entering){.queue = queue, .what = what};
	aps_arena_init(&in->arena, APS_BUF_ANY_SIZE);
	aps_buf_init(&in->texts, APS_BUF_ANY_SIZE);
	aps_buf_init(&in->keys, APS_BUF_ANY_SIZE);
	aps_queue_extra_read(&in->extra, APS_STR(""), err);
	aps_queue_extra_read(&in->former, APS_STR(""), err);
	in->extra.headers = what->own_headers;
	in->extra.rules = what->rules;
	in->extra.has_update = what->has_update;
	return aps_queue_begin(queue, true, err);
}

static void end(struct entering *in, enum aps_rc rc, uint64_t *number)
{
	*number = in->number;
	if (rc == APS_OK) {
		if (in->queue->n_entries == 0) in->queue->advanced_ms = aps_clock_mono_ms();
		in->queue->n_entries++;
		in->queue->has_news = true;
		aps_queue_note_change(in->queue);
	}
	aps_queue_extra_clear(&in->extra);
	aps_queue_extra_clear(&in->former);
	aps_arena_clear(&in->arena);
	aps_buf_clear(&in->texts);
	aps_buf_clear(&in->keys);
}

enum aps_rc aps_queue_enqueue(struct aps_queue *queue, const struct aps_enqueue *what, uint64_t *number,
                              struct aps_err *err)
{
	APS_ON_THREAD(queue->core->thread);
	struct entering in;
	const struct aps_operation *operation = what->operation;
	enum aps_rc rc = begin(&in, queue, what, err);
	in.row.entry = (struct aps_outbox_entry){
	        .created_ms = aps_clock_wall_ms(),
	        .document = aps_gql_document_text(operation->document),
	        .name = operation->definition->name,
	        .variables = aps_operation_variables(operation),
	        .optimistic = what->response,
	};
	if (rc == APS_OK) rc = aps_queue_count(queue, err);
	if (rc == APS_OK) rc = enter(&in, aps_root_fields_count(operation->document, operation->definition), err);
	end(&in, rc, number);
	return rc;
}

enum aps_rc aps_queue_requeue(struct aps_queue *queue, const struct aps_outbox_entry *letter,
                              const struct aps_enqueue *what, uint64_t *number, struct aps_err *err)
{
	APS_ON_THREAD(queue->core->thread);
	struct entering in;
	struct aps_gql_document *document;
	enum aps_rc rc = begin(&in, queue, what, err);
	unsigned n_roots = 1;
	in.row.entry = *letter;
	in.former_number = aps_entry_number(letter->id);
	if (rc == APS_OK) rc = aps_queue_extra_read(&in.former, letter->extra, err);
	in.extra.first = in.former.first != 0 ? in.former.first : in.former_number;
	if (rc == APS_OK) rc = aps_gql_document_new(letter->document, &document, NULL, err);
	if (rc == APS_OK) {
		const struct aps_gql_operation *definition = aps_gql_document_find(document, letter->name);
		n_roots = definition != NULL ? aps_root_fields_count(document, definition) : 1;
		aps_gql_document_unref(document);
	}
	if (rc == APS_OK) rc = aps_queue_count(queue, err);
	if (rc == APS_OK) rc = enter(&in, n_roots, err);
	end(&in, rc, number);
	return rc;
}
