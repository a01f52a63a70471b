#include "client/core.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/printable.h"
#include "client/lifecycle.h"
#include "client/link.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#define WS_STOP_MS 1000
#define HOLD_BYTES ((size_t)8 * 1024 * 1024)

struct stop_flag {
	struct aps_core core;
	atomic_bool must_stop; /* set by any thread, read by the loop */
};

static struct stop_flag *flag_of(struct aps_core *core)
{
	return APS_CONTAINER_OF(core, struct stop_flag, core);
}

void *aps_table_get(const struct aps_table *table, uint64_t id)
{
	return aps_map_get(&table->map, (struct aps_str){(const char *)&id, sizeof id});
}

bool aps_table_set(struct aps_table *table, uint64_t id, void *object)
{
	return aps_map_set(&table->map, (struct aps_str){(const char *)&id, sizeof id}, object);
}

void *aps_table_take(struct aps_table *table, uint64_t id)
{
	return aps_map_take(&table->map, (struct aps_str){(const char *)&id, sizeof id});
}

static void app_timer_due(struct aps_timer *timer APS_UNUSED, void *context, int64_t now_ms APS_UNUSED)
{
	struct aps_core *core = context;
	aps_runtime_raise(core->runtime);
}

static void wake_self(void *context)
{
	aps_core_wakeup(context);
}

struct aps_core *aps_core_new(struct aps_runtime *runtime, struct aps_err *err)
{
	struct stop_flag *flag = aps_calloc(1, sizeof *flag);
	if (flag == NULL) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return NULL;
	}
	struct aps_core *core = &flag->core;
	core->runtime = runtime;
	core->http = aps_http_new(err);
	if (core->http == NULL) {
		aps_free(flag);
		return NULL;
	}
	core->frames = aps_mailbox_new((struct aps_mailbox_limits){0, 0}, (struct aps_wakeup){wake_self, core});
	if (core->frames == NULL) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		aps_http_free(core->http);
		aps_free(flag);
		return NULL;
	}
	aps_timers_init(&core->timers);
	aps_rand_init_system(&core->rand);
	uint64_t seed = aps_rand_u64(&core->rand);
	aps_map_init(&core->calls.map, seed);
	aps_map_init(&core->consumers.map, seed);
	aps_map_init(&core->credentials.map, seed);
	aps_map_init(&core->links.map, seed);
	core->app_timer.due = app_timer_due;
	core->events_tail = &core->events_head;
	return core;
}

void aps_core_free(struct aps_core *core)
{
	aps_mail_free_chain(core->events_head);
	aps_map_clear(&core->calls.map);
	aps_map_clear(&core->consumers.map);
	aps_map_clear(&core->credentials.map);
	aps_map_clear(&core->links.map);
	aps_timers_clear(&core->timers);
	aps_mailbox_free(core->frames);
	aps_http_free(core->http);
	aps_free(flag_of(core));
}

bool aps_core_join_left(struct aps_core *core, int64_t timeout_ms)
{
	if (core->left_ws != NULL && aps_ws_free(core->left_ws, timeout_ms)) core->left_ws = NULL;
	return core->left_ws == NULL;
}

void aps_core_stop(struct aps_core *core)
{
	atomic_store(&flag_of(core)->must_stop, true);
	aps_http_wakeup(core->http);
}

void aps_core_wakeup(struct aps_core *core)
{
	aps_http_wakeup(core->http);
}

void aps_core_emit(struct aps_core *core, struct aps_event *event)
{
	if (event == NULL) return;
	*core->events_tail = &event->mail;
	core->events_tail = &event->mail.next;
}

bool aps_core_note(struct aps_core *core, enum aps_event_kind kind, uint64_t target, const char *word,
                   const struct aps_err *err)
{
	struct aps_note_event *event = aps_note_event_new(kind, target, word, err);
	if (event == NULL) return false;
	aps_core_emit(core, &event->head);
	return true;
}

void aps_core_log(struct aps_core *core, uint64_t client, const char *level, const char *format, ...)
{
	struct aps_note_event *event = aps_note_event_new(APS_EVENT_LOG, client, level, NULL);
	if (event == NULL) return;
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	aps_printable_cut(text);
	aps_printable(text);
	event->text = aps_strndup(text, strlen(text));
	aps_core_emit(core, &event->head);
}

void aps_core_arm(struct aps_core *core, int64_t after_ms)
{
	if (after_ms < 0)
		aps_timer_stop(&core->timers, &core->app_timer);
	else if (!aps_timer_set(&core->timers, &core->app_timer, aps_clock_mono_ms() + after_ms))
		aps_runtime_raise(core->runtime); /* better too early than never */
}

struct aps_client *aps_core_client(struct aps_core *core, uint64_t id)
{
	for (struct aps_client *client = core->clients; client != NULL; client = client->next)
		if (client->id == id) return client;
	return NULL;
}

int64_t aps_client_now_ms(const struct aps_client *client)
{
	return aps_clock_wall_ms() + client->skew_ms;
}

static void free_frames(struct aps_mail *mail)
{
	aps_ws_batch_free(APS_CONTAINER_OF(mail, struct aps_ws_batch, mail));
}

static const struct aps_mail_kind FRAMES_KIND = {"frames", free_frames};

/* @thread realtime */
static void deliver_frames(void *context, struct aps_ws_batch *batch)
{
	struct aps_core *core = context;
	batch->mail = (struct aps_mail){NULL, &FRAMES_KIND, batch->bytes != NULL ? batch->bytes->n : 0};
	aps_mailbox_send(core->frames, &batch->mail);
}

enum aps_rc aps_core_need_ws(struct aps_core *core, struct aps_err *err)
{
	if (core->ws != NULL) return APS_OK;
	core->ws = aps_ws_new((struct aps_ws_sink){deliver_frames, core}, err);
	return core->ws != NULL ? APS_OK : err->code;
}

static void drain_inbox(struct aps_core *core)
{
	struct aps_mail *mail = aps_mailbox_drain(core->inbox);
	while (mail != NULL) {
		struct aps_mail *next = mail->next;
		struct aps_command *command = (struct aps_command *)mail;
		command->run(core, command);
		mail->kind->free_mail(mail);
		mail = next;
	}
}

static void hold(struct aps_core *core, bool *why, bool is_on)
{
	if (*why == is_on) return;
	*why = is_on;
	aps_link_update_all(core);
}

/* The realtime thread reads on while these are handled: where much has piled up it is told to wait. */
static void drain_frames(struct aps_core *core)
{
	struct aps_mail *mail = aps_mailbox_drain(core->frames);
	size_t n_bytes = 0;
	for (const struct aps_mail *at = mail; at != NULL; at = at->next) n_bytes += at->n_bytes;
	bool must_hold = n_bytes > HOLD_BYTES;
	if (must_hold) hold(core, &core->is_behind, true);
	while (mail != NULL) {
		struct aps_mail *next = mail->next;
		aps_link_take_batch(core, APS_CONTAINER_OF(mail, struct aps_ws_batch, mail));
		mail->kind->free_mail(mail);
		mail = next;
	}
	if (must_hold) hold(core, &core->is_behind, false);
}

static void take_answers(struct aps_core *core)
{
	struct aps_http_answer answer;
	while (aps_http_next(core->http, &answer)) {
		struct aps_answer_sink *sink = answer.tag;
		sink->answered(core, sink, &answer);
		aps_http_answer_clear(&answer);
	}
}

static void publish(struct aps_core *core)
{
	if (core->events_head == NULL) return;
	struct aps_mail *chain = core->events_head;
	core->events_head = NULL;
	core->events_tail = &core->events_head;
	aps_runtime_publish(core->runtime, chain);
}

void aps_core_run(struct aps_core *core, struct aps_mailbox *inbox)
{
	core->inbox = inbox;
	while (!atomic_load(&flag_of(core)->must_stop)) {
		drain_inbox(core);
		drain_frames(core);
		take_answers(core);
		aps_timers_run(&core->timers, core, aps_clock_mono_ms());
		publish(core);
		hold(core, &core->is_flooded, aps_runtime_is_flooded(core->runtime, core->is_flooded));
		aps_http_poll(core->http, aps_timers_left_ms(&core->timers, aps_clock_mono_ms()));
	}
	/* Stop: commands are refused, what is outstanding is answered, the realtime thread is joined, then nothing
	 * runs. */
	core->is_stopping = true;
	aps_mail_free_chain(aps_mailbox_close(core->inbox));
	aps_lifecycle_close_all(core);
	if (core->ws != NULL && !aps_ws_free(core->ws, WS_STOP_MS)) core->left_ws = core->ws;
	core->ws = NULL;
	aps_lifecycle_free_all(core);
	publish(core);
}
