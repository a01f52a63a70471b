#include "client/window.h"

#include "base/mem.h"

/* drop_oldest hands over a part of its buffer at a time: what was handed over can't be dropped any more. */
#define MAX_WINDOW 256
/* What overflow "pause" keeps back before the socket isn't read any more. */
#define KEPT_EVENTS ((size_t)8192)
#define KEPT_BYTES  ((size_t)2 * 1024 * 1024)

void aps_window_init(struct aps_window *window, uint64_t target, const struct aps_window_limits *limits)
{
	*window = (struct aps_window){.target = target, .limits = *limits};
	window->kept_tail = &window->kept_head;
}

void aps_window_clear(struct aps_window *window)
{
	aps_mail_free_chain(window->kept_head);
	aps_free(window->sizes);
	*window = (struct aps_window){.kept_tail = &window->kept_head};
}

static bool is_full_out(const struct aps_window *window)
{
	const struct aps_window_limits *limits = &window->limits;
	if (limits->overflow == APS_OVERFLOW_PAUSE)
		return window->n_out >= limits->max_items || window->out_bytes >= limits->max_bytes;
	if (limits->overflow == APS_OVERFLOW_ERROR) return false;
	size_t half = limits->max_items / 2;
	if (half > MAX_WINDOW) half = MAX_WINDOW;
	return window->n_out >= (half > 0 ? half : 1);
}

static bool push_size(struct aps_window *window, size_t n_bytes)
{
	if (window->n_out == window->sizes_capacity) {
		size_t capacity = window->sizes_capacity == 0 ? 64 : window->sizes_capacity * 2;
		size_t *sizes = aps_calloc(capacity, sizeof *sizes);
		if (sizes == NULL) return false;
		for (size_t i = 0; i < window->n_out; i++)
			sizes[i] = window->sizes[(window->sizes_at + i) & (window->sizes_capacity - 1)];
		aps_free(window->sizes);
		window->sizes = sizes;
		window->sizes_capacity = capacity;
		window->sizes_at = 0;
	}
	window->sizes[(window->sizes_at + window->n_out) & (window->sizes_capacity - 1)] = n_bytes;
	window->n_out++;
	window->out_bytes += n_bytes;
	return true;
}

static void emit(struct aps_core *core, const struct aps_window *window, struct aps_data_event *event)
{
	event->n_dropped = window->n_dropped;
	event->big_integers_as_text = window->limits.big_integers_as_text;
	aps_core_emit(core, &event->head);
}

static bool is_over(const struct aps_window *window)
{
	return window->n_out + window->n_kept >= window->limits.max_items ||
	       window->out_bytes + window->kept_bytes >= window->limits.max_bytes;
}

static bool is_data(const struct aps_mail *mail)
{
	return ((const struct aps_event *)mail)->kind == APS_EVENT_SUB_DATA;
}

static struct aps_mail *take_kept(struct aps_window *window)
{
	struct aps_mail *mail = window->kept_head;
	window->kept_head = mail->next;
	if (window->kept_head == NULL) window->kept_tail = &window->kept_head;
	mail->next = NULL;
	window->n_kept--;
	if (is_data(mail)) window->kept_bytes -= ((const struct aps_data_event *)mail)->payload.n;
	return mail;
}

static void drop_oldest(struct aps_window *window)
{
	while (window->kept_head != NULL && is_over(window)) {
		struct aps_mail *mail = take_kept(window);
		window->n_dropped++;
		mail->kind->free_mail(mail);
	}
}

static void append(struct aps_window *window, struct aps_mail *mail)
{
	*window->kept_tail = mail;
	window->kept_tail = &mail->next;
	window->n_kept++;
}

static void keep(struct aps_window *window, struct aps_data_event *event)
{
	aps_data_event_own(event);
	append(window, &event->head.mail);
	window->kept_bytes += event->payload.n;
}

/* As many as the window has room for. Where memory is out the rest stays for the next call. */
static void hand_over_kept(struct aps_core *core, struct aps_window *window)
{
	while (window->kept_head != NULL) {
		struct aps_mail *mail = window->kept_head;
		if (is_data(mail)) {
			struct aps_data_event *event = (struct aps_data_event *)mail;
			if (is_full_out(window) || !push_size(window, event->payload.n)) return;
			take_kept(window);
			emit(core, window, event);
		} else {
			take_kept(window);
			aps_core_emit(core, (struct aps_event *)mail);
		}
	}
}

enum aps_consumer_verdict aps_window_offer(struct aps_core *core, struct aps_window *window, struct aps_bytes *bytes,
                                           struct aps_str payload, struct aps_err *err)
{
	if (window->limits.overflow == APS_OVERFLOW_ERROR && is_over(window)) {
		aps_fail_word(err, APS_E_PROTOCOL, "overflow", 0, "the subscription's buffer of %zu events was full",
		              window->limits.max_items);
		return APS_CONSUMER_FAILED;
	}
	if (window->limits.overflow == APS_OVERFLOW_DROP_OLDEST) drop_oldest(window);
	struct aps_data_event *event = aps_data_event_new(window->target, bytes, payload);
	if (event == NULL) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return APS_CONSUMER_FAILED;
	}
	if (window->kept_head != NULL || is_full_out(window)) {
		keep(window, event);
		hand_over_kept(core, window); /* only what an earlier lack of memory held up */
	} else if (push_size(window, payload.n)) {
		emit(core, window, event);
	} else {
		event->head.mail.kind->free_mail(&event->head.mail);
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return APS_CONSUMER_FAILED;
	}
	bool is_full = window->n_kept >= KEPT_EVENTS || aps_window_kept_bytes(window) >= KEPT_BYTES;
	return window->limits.overflow == APS_OVERFLOW_PAUSE && is_full ? APS_CONSUMER_FULL : APS_CONSUMER_OK;
}

void aps_window_note(struct aps_core *core, struct aps_window *window, struct aps_note_event *event)
{
	event->number = window->n_dropped;
	if (window->limits.overflow == APS_OVERFLOW_PAUSE && window->kept_head != NULL)
		append(window, &event->head.mail);
	else
		aps_core_emit(core, &event->head);
}

void aps_window_consumed(struct aps_core *core, struct aps_window *window, size_t n)
{
	for (; n != 0 && window->n_out != 0; n--) {
		window->out_bytes -= window->sizes[window->sizes_at];
		window->consumed_bytes += window->sizes[window->sizes_at];
		window->n_consumed++;
		window->sizes_at = (window->sizes_at + 1) & (window->sizes_capacity - 1);
		window->n_out--;
	}
	hand_over_kept(core, window);
}

bool aps_window_is_lagging(const struct aps_window *window)
{
	return window->limits.overflow == APS_OVERFLOW_PAUSE && (window->kept_head != NULL || is_full_out(window));
}

bool aps_window_has_room(const struct aps_window *window)
{
	if (window->kept_head != NULL)
		return window->n_kept <= KEPT_EVENTS / 2 && aps_window_kept_bytes(window) <= KEPT_BYTES / 2;
	return window->n_out <= window->limits.max_items / 2 && window->out_bytes <= window->limits.max_bytes / 2;
}

size_t aps_window_kept_bytes(const struct aps_window *window)
{
	return window->kept_bytes + window->n_kept * sizeof(struct aps_data_event);
}

void aps_window_flush(struct aps_core *core, struct aps_window *window)
{
	while (window->kept_head != NULL) {
		struct aps_mail *mail = take_kept(window);
		if (is_data(mail))
			emit(core, window, (struct aps_data_event *)mail);
		else
			aps_core_emit(core, (struct aps_event *)mail);
	}
}
