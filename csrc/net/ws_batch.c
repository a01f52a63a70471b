#include "net/ws_batch.h"

#include "base/mem.h"

#define BATCH_BYTES ((size_t)256 * 1024) /* a longer one is delivered in parts; a longer message goes alone */
#define KEPT_BYTES  ((size_t)1024 * 1024)

void aps_ws_gather_init(struct aps_ws_gather *gather, struct aps_ws_sink sink)
{
	*gather = (struct aps_ws_gather){.sink = sink};
	aps_buf_init(&gather->bytes, APS_BUF_ANY_SIZE); /* each message is bounded by its connection */
}

void aps_ws_gather_clear(struct aps_ws_gather *gather)
{
	aps_buf_clear(&gather->bytes);
	aps_free(gather->events);
	gather->events = NULL;
	gather->n_events = gather->capacity = 0;
}

void aps_ws_batch_free(struct aps_ws_batch *batch)
{
	if (!batch) return;
	aps_bytes_unref(batch->bytes);
	aps_free(batch);
}

static struct aps_ws_batch *make_batch(const struct aps_ws_gather *gather)
{
	struct aps_ws_batch *batch = aps_malloc(sizeof *batch + gather->n_events * sizeof batch->events[0]);
	if (!batch) return NULL;
	batch->next = NULL;
	batch->mail = (struct aps_mail){.next = NULL};
	batch->bytes = NULL;
	aps_err_clear(&batch->err);
	batch->n_events = gather->n_events;
	memcpy(batch->events, gather->events, gather->n_events * sizeof batch->events[0]);
	if (gather->bytes.n == 0) return batch;
	batch->bytes = aps_bytes_new(gather->bytes.n);
	if (!batch->bytes) {
		aps_free(batch);
		return NULL;
	}
	memcpy(batch->bytes->p, gather->bytes.p, gather->bytes.n);
	return batch;
}

static void deliver(struct aps_ws_gather *gather, struct aps_ws_batch *batch)
{
	if (gather->is_muted)
		aps_ws_batch_free(batch);
	else
		gather->sink.deliver(gather->sink.context, batch);
}

void aps_ws_gather_flush(struct aps_ws_gather *gather)
{
	if (gather->n_events == 0) return;
	struct aps_ws_batch *batch = make_batch(gather);
	gather->n_events = 0;
	if (gather->bytes.capacity > KEPT_BYTES) aps_buf_clear(&gather->bytes);
	aps_buf_reset(&gather->bytes);
	if (batch)
		deliver(gather, batch);
	else
		gather->has_lost = true;
}

static bool make_room(struct aps_ws_gather *gather)
{
	if (gather->n_events < gather->capacity) return true;
	size_t capacity = gather->capacity ? gather->capacity * 2 : 64;
	struct aps_ws_event *grown = aps_realloc(gather->events, capacity * sizeof *grown);
	if (!grown) return false;
	gather->events = grown;
	gather->capacity = capacity;
	return true;
}

void aps_ws_gather_add(struct aps_ws_gather *gather, enum aps_ws_event_kind kind, uint64_t connection,
                       struct aps_str text)
{
	if (gather->bytes.n != 0 && gather->bytes.n + text.n > BATCH_BYTES) aps_ws_gather_flush(gather);
	size_t offset = gather->bytes.n;
	aps_buf_add_str(&gather->bytes, text);
	if (gather->bytes.rc != APS_OK || !make_room(gather)) {
		/* What was gathered before is whole; the connection ends before a gap can be seen. */
		gather->bytes.n = offset;
		gather->bytes.rc = APS_OK;
		gather->has_lost = true;
		return;
	}
	gather->events[gather->n_events++] = (struct aps_ws_event){kind, connection, offset, text.n};
}

void aps_ws_gather_look(struct aps_ws_gather *gather, uint64_t connection, int64_t read_at_ms)
{
	if (make_room(gather))
		gather->events[gather->n_events++] =
		        (struct aps_ws_event){APS_WS_LOOKED, connection, 0, (size_t)read_at_ms};
	else
		gather->has_lost = true;
}

struct aps_ws_batch *aps_ws_batch_new_closed(uint64_t connection)
{
	struct aps_ws_batch *batch = aps_calloc(1, sizeof *batch + sizeof batch->events[0]);
	if (!batch) return NULL;
	batch->n_events = 1;
	batch->events[0] = (struct aps_ws_event){.kind = APS_WS_CLOSED, .connection = connection};
	return batch;
}

void aps_ws_gather_close(struct aps_ws_gather *gather, struct aps_ws_batch *closed, const struct aps_err *err)
{
	aps_ws_gather_flush(gather);
	closed->err = *err;
	deliver(gather, closed);
}
