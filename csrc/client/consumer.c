#include "client/consumer.h"

#include "base/mem.h"

/* drop_oldest hands over a part of its buffer at a time: what was handed over can't be dropped any more. */
#define MAX_WINDOW 256

struct aps_consumer *aps_consumer_new(uint64_t id, enum aps_overflow overflow, size_t max_items, size_t max_bytes)
{
	struct aps_consumer *consumer = aps_calloc(1, sizeof *consumer);
	if (consumer == NULL) return NULL;
	consumer->id = id;
	consumer->overflow = overflow;
	consumer->max_items = max_items;
	consumer->max_bytes = max_bytes;
	consumer->kept_tail = &consumer->kept_head;
	return consumer;
}

void aps_consumer_free(struct aps_core *core, struct aps_consumer *consumer)
{
	aps_timer_stop(&core->timers, &consumer->stall);
	aps_mail_free_chain(consumer->kept_head);
	if (consumer->end != NULL) consumer->end->head.mail.kind->free_mail(&consumer->end->head.mail);
	aps_free(consumer->sizes);
	aps_free(consumer);
}

static size_t window(const struct aps_consumer *consumer)
{
	if (consumer->overflow != APS_OVERFLOW_DROP_OLDEST) return SIZE_MAX;
	size_t half = consumer->max_items / 2;
	if (half > MAX_WINDOW) return MAX_WINDOW;
	return half > 0 ? half : 1;
}

static bool push_size(struct aps_consumer *consumer, size_t n_bytes)
{
	if (consumer->n_out == consumer->sizes_capacity) {
		size_t capacity = consumer->sizes_capacity == 0 ? 64 : consumer->sizes_capacity * 2;
		size_t *sizes = aps_calloc(capacity, sizeof *sizes);
		if (sizes == NULL) return false;
		for (size_t i = 0; i < consumer->n_out; i++)
			sizes[i] = consumer->sizes[(consumer->sizes_at + i) & (consumer->sizes_capacity - 1)];
		aps_free(consumer->sizes);
		consumer->sizes = sizes;
		consumer->sizes_capacity = capacity;
		consumer->sizes_at = 0;
	}
	consumer->sizes[(consumer->sizes_at + consumer->n_out) & (consumer->sizes_capacity - 1)] = n_bytes;
	consumer->n_out++;
	consumer->out_bytes += n_bytes;
	return true;
}

static bool hand_over(struct aps_core *core, struct aps_consumer *consumer, struct aps_data_event *event)
{
	if (!push_size(consumer, event->payload.n)) return false;
	event->n_dropped = consumer->n_dropped;
	event->big_integers_as_text = consumer->big_integers_as_text;
	aps_core_emit(core, &event->head);
	return true;
}

static bool is_over(const struct aps_consumer *consumer)
{
	return consumer->n_out + consumer->n_kept >= consumer->max_items ||
	       consumer->out_bytes + consumer->kept_bytes >= consumer->max_bytes;
}

static void drop_oldest(struct aps_consumer *consumer)
{
	while (consumer->kept_head != NULL && is_over(consumer)) {
		struct aps_mail *mail = consumer->kept_head;
		consumer->kept_head = mail->next;
		if (consumer->kept_head == NULL) consumer->kept_tail = &consumer->kept_head;
		consumer->n_kept--;
		consumer->kept_bytes -= ((struct aps_data_event *)mail)->payload.n;
		consumer->n_dropped++;
		mail->kind->free_mail(mail);
	}
}

static void keep(struct aps_consumer *consumer, struct aps_data_event *event)
{
	*consumer->kept_tail = &event->head.mail;
	consumer->kept_tail = &event->head.mail.next;
	consumer->n_kept++;
	consumer->kept_bytes += event->payload.n;
}

/* As many as the window has room for. Where memory is out the rest stays for the next call. */
static void hand_over_kept(struct aps_core *core, struct aps_consumer *consumer)
{
	while (consumer->kept_head != NULL && consumer->n_out < window(consumer)) {
		struct aps_mail *mail = consumer->kept_head;
		struct aps_data_event *event = (struct aps_data_event *)mail;
		struct aps_mail *next = mail->next;
		mail->next = NULL;
		if (!hand_over(core, consumer, event)) {
			mail->next = next;
			break;
		}
		consumer->kept_head = next;
		if (next == NULL) consumer->kept_tail = &consumer->kept_head;
		consumer->n_kept--;
		consumer->kept_bytes -= event->payload.n;
	}
}

enum aps_consumer_verdict aps_consumer_offer(struct aps_core *core, struct aps_consumer *consumer,
                                             struct aps_bytes *bytes, struct aps_str payload, struct aps_err *err)
{
	if (consumer->overflow == APS_OVERFLOW_ERROR && is_over(consumer)) {
		aps_fail_word(err, APS_E_PROTOCOL, "overflow", 0, "the subscription's buffer of %zu events was full",
		              consumer->max_items);
		return APS_CONSUMER_FAILED;
	}
	if (consumer->overflow == APS_OVERFLOW_DROP_OLDEST) drop_oldest(consumer);
	struct aps_data_event *event = aps_data_event_new(consumer->id, bytes, payload);
	if (event == NULL) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return APS_CONSUMER_FAILED;
	}
	if (consumer->kept_head != NULL || consumer->n_out >= window(consumer)) {
		keep(consumer, event);
		hand_over_kept(core, consumer); /* only what an earlier lack of memory held up */
	} else if (!hand_over(core, consumer, event)) {
		event->head.mail.kind->free_mail(&event->head.mail);
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return APS_CONSUMER_FAILED;
	}
	if (consumer->overflow != APS_OVERFLOW_PAUSE || !is_over(consumer)) return APS_CONSUMER_OK;
	return APS_CONSUMER_FULL;
}

bool aps_consumer_consumed(struct aps_core *core, struct aps_consumer *consumer, size_t n)
{
	for (; n != 0 && consumer->n_out != 0; n--) {
		consumer->out_bytes -= consumer->sizes[consumer->sizes_at];
		consumer->sizes_at = (consumer->sizes_at + 1) & (consumer->sizes_capacity - 1);
		consumer->n_out--;
	}
	hand_over_kept(core, consumer);
	bool has_room = consumer->n_out <= consumer->max_items / 2 && consumer->out_bytes <= consumer->max_bytes / 2;
	if (!consumer->is_full || !has_room) return false;
	consumer->is_full = false;
	aps_timer_stop(&core->timers, &consumer->stall);
	return true;
}

void aps_consumer_flush(struct aps_core *core, struct aps_consumer *consumer)
{
	while (consumer->kept_head != NULL) {
		struct aps_mail *mail = consumer->kept_head;
		consumer->kept_head = mail->next;
		mail->next = NULL;
		((struct aps_data_event *)mail)->n_dropped = consumer->n_dropped;
		((struct aps_data_event *)mail)->big_integers_as_text = consumer->big_integers_as_text;
		aps_core_emit(core, &((struct aps_data_event *)mail)->head);
	}
	consumer->kept_tail = &consumer->kept_head;
	consumer->n_kept = consumer->kept_bytes = 0;
}

void aps_consumer_stall_err(const struct aps_consumer *consumer, struct aps_err *err)
{
	aps_fail_word(err, APS_E_TIMEOUT, "stalled", (long)consumer->n_out,
	              "the subscriber did not catch up: %zu events wait for it", consumer->n_out);
	err->retryable = false;
}
