#include "proto/action_queue.h"

#include "base/mem.h"

/* Memory above this is given back as soon as the queue is empty. */
#define KEPT_BYTES 65536
#define NO_TEXT    SIZE_MAX
#define LOST_ERR   (SIZE_MAX - 1)

struct aps_queued_action {
	enum aps_realtime_action_kind kind;
	int code;
	enum aps_conn_state state;
	bool is_again;
	bool is_final;
	bool is_void;
	uint64_t sub;
	struct aps_str text;
	size_t text_at;
	struct aps_str payload;
	size_t err_at;
};

void aps_action_queue_init(struct aps_action_queue *queue)
{
	*queue = (struct aps_action_queue){.items = NULL};
	aps_buf_init(&queue->bytes, APS_BUF_ANY_SIZE);
}

void aps_action_queue_clear(struct aps_action_queue *queue)
{
	aps_free(queue->items);
	aps_buf_clear(&queue->bytes);
	aps_action_queue_init(queue);
}

bool aps_action_queue_reserve(struct aps_action_queue *queue, size_t n_actions)
{
	if (n_actions <= queue->capacity) return true;
	size_t capacity = queue->capacity == 0 ? 32 : queue->capacity;
	while (capacity < n_actions) capacity *= 2;
	struct aps_queued_action *items = aps_calloc(capacity, sizeof *items);
	if (items == NULL) return false;
	for (size_t i = 0; i < queue->n_items; i++) items[i] = queue->items[(queue->head + i) % queue->capacity];
	aps_free(queue->items);
	queue->items = items;
	queue->head = 0;
	queue->capacity = capacity;
	return true;
}

size_t aps_action_queue_keep_err(struct aps_action_queue *queue, const struct aps_err *err)
{
	if (err == NULL) return APS_ACTION_NO_ERR;
	size_t at = queue->bytes.n;
	aps_buf_add(&queue->bytes, err, sizeof *err);
	if (queue->bytes.rc == APS_OK) return at;
	queue->bytes.rc = APS_OK;
	return LOST_ERR;
}

static struct aps_queued_action *append(struct aps_action_queue *queue, const struct aps_realtime_action *action)
{
	if (!aps_action_queue_reserve(queue, queue->n_items + 1)) {
		queue->is_short = true;
		return NULL;
	}
	struct aps_queued_action *item = &queue->items[(queue->head + queue->n_items++) % queue->capacity];
	*item = (struct aps_queued_action){.kind = action->kind,
	                                   .code = action->code,
	                                   .state = action->state,
	                                   .is_again = action->is_again,
	                                   .is_final = action->is_final,
	                                   .sub = action->sub,
	                                   .text = action->text,
	                                   .text_at = NO_TEXT,
	                                   .payload = action->payload,
	                                   .err_at = APS_ACTION_NO_ERR};
	return item;
}

bool aps_action_queue_push(struct aps_action_queue *queue, const struct aps_realtime_action *action, size_t err_at)
{
	struct aps_queued_action *item = append(queue, action);
	if (item != NULL) item->err_at = err_at;
	return item != NULL;
}

bool aps_action_queue_push_built(struct aps_action_queue *queue, const struct aps_realtime_action *action,
                                 size_t text_at)
{
	struct aps_queued_action *item = NULL;
	if (queue->bytes.rc == APS_OK)
		item = append(queue, action);
	else
		queue->is_short = true;
	if (item == NULL) {
		queue->bytes.rc = APS_OK;
		queue->bytes.n = text_at;
		return false;
	}
	item->text_at = text_at;
	item->text.n = queue->bytes.n - text_at;
	return true;
}

void aps_action_queue_forget(struct aps_action_queue *queue, uint64_t sub)
{
	for (size_t i = 0; i < queue->n_items; i++) {
		struct aps_queued_action *item = &queue->items[(queue->head + i) % queue->capacity];
		if (item->sub == sub) item->is_void = true;
	}
}

static const struct aps_err *find_err(struct aps_action_queue *queue, size_t err_at)
{
	if (err_at == APS_ACTION_NO_ERR) return NULL;
	if (err_at == LOST_ERR)
		aps_fail(&queue->current, APS_E_NOMEM, "no memory to report the error");
	else
		memcpy(&queue->current, queue->bytes.p + err_at, sizeof queue->current);
	return &queue->current;
}

bool aps_action_queue_take(struct aps_action_queue *queue, struct aps_realtime_action *action)
{
	while (queue->n_items > 0) {
		const struct aps_queued_action *item = &queue->items[queue->head];
		queue->head = (queue->head + 1) % queue->capacity;
		queue->n_items--;
		if (item->is_void) continue;
		*action = (struct aps_realtime_action){.kind = item->kind,
		                                       .sub = item->sub,
		                                       .text = item->text,
		                                       .payload = item->payload,
		                                       .code = item->code,
		                                       .is_again = item->is_again,
		                                       .is_final = item->is_final,
		                                       .state = item->state,
		                                       .err = find_err(queue, item->err_at)};
		if (item->text_at != NO_TEXT) action->text.p = queue->bytes.p + item->text_at;
		return true;
	}
	if (queue->bytes.capacity > KEPT_BYTES)
		aps_buf_clear(&queue->bytes);
	else
		aps_buf_reset(&queue->bytes);
	return false;
}
