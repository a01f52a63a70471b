#include "client/core.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/printable.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#define WS_STOP_MS 1000
#define HOLD_BYTES ((size_t)8 * 1024 * 1024)
#define SLOW_MS    10  /* a disk that takes so long is one that others notice */
#define BREATH_MS  250 /* at most */

struct stop_flag {
	struct aps_core core;
	atomic_bool must_stop; /* set by any thread, read by the loop */
};

static struct stop_flag *flag_of(struct aps_core *core)
{
	return APS_CONTAINER_OF(core, struct stop_flag, core);
}

static void app_timer_due(struct aps_timer *timer APS_UNUSED, void *context, int64_t now_ms APS_UNUSED)
{
	struct aps_core *core = context;
	core->outlet.raise(core->outlet.context);
}

static void wake_self(void *context)
{
	aps_core_wakeup(context);
}

static void close_features(struct aps_core *core, size_t n)
{
	while (n-- != 0)
		if (core->features[n]->close != NULL) core->features[n]->close(core, core->parts[n]);
}

static enum aps_rc open_features(struct aps_core *core, struct aps_err *err)
{
	for (size_t i = 0; core->features[i] != NULL; i++) {
		const struct aps_feature *feature = core->features[i];
		APS_ASSERT(i < APS_MAX_FEATURES);
		if (feature->open == NULL || feature->open(core, &core->parts[i], err) == APS_OK) continue;
		close_features(core, i);
		return err->code;
	}
	return APS_OK;
}

static enum aps_rc open_parts(struct aps_core *core, struct aps_err *err)
{
	core->http = aps_http_new(err);
	if (core->http == NULL) return err->code;
	aps_http_watch(core->http, &core->descriptors);
	core->frames = aps_mailbox_new((struct aps_mailbox_limits){0, 0}, (struct aps_wakeup){wake_self, core});
	if (core->frames == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	return open_features(core, err);
}

static void free_parts(struct aps_core *core)
{
	aps_map_clear(&core->frame_sinks.map);
	aps_timers_clear(&core->timers);
	if (core->frames != NULL) aps_mailbox_free(core->frames);
	if (core->http != NULL) aps_http_free(core->http);
	aps_free(flag_of(core));
}

struct aps_core *aps_core_new(struct aps_outlet outlet, const struct aps_feature *const *features, struct aps_err *err)
{
	struct stop_flag *flag = aps_calloc(1, sizeof *flag);
	if (flag == NULL) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return NULL;
	}
	struct aps_core *core = &flag->core;
	core->outlet = outlet;
	core->features = features;
	aps_timers_init(&core->timers);
	aps_rand_init_system(&core->rand);
	core->hash_seed = aps_rand_u64(&core->rand);
	aps_map_init(&core->frame_sinks.map, core->hash_seed);
	core->app_timer.due = app_timer_due;
	core->events_tail = core->ahead_tail = &core->events_head;
	core->ended_tail = &core->ended_head;
	if (open_parts(core, err) == APS_OK) return core;
	free_parts(core);
	return NULL;
}

static size_t n_features(const struct aps_core *core)
{
	size_t n = 0;
	while (core->features[n] != NULL) n++;
	return n;
}

void aps_core_free(struct aps_core *core)
{
	aps_mail_free_chain(core->events_head);
	close_features(core, n_features(core));
	free_parts(core);
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
	APS_ON_THREAD(core->thread);
	if (event == NULL) return;
	*core->events_tail = &event->mail;
	core->events_tail = &event->mail.next;
}

void aps_core_emit_ahead(struct aps_core *core, struct aps_event *event)
{
	APS_ON_THREAD(core->thread);
	event->mail.next = *core->ahead_tail;
	*core->ahead_tail = &event->mail;
	if (core->events_tail == core->ahead_tail) core->events_tail = &event->mail.next;
	core->ahead_tail = &event->mail.next;
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
	APS_ON_THREAD(core->thread);
	if (after_ms < 0)
		aps_timer_stop(&core->timers, &core->app_timer);
	else if (!aps_timer_set(&core->timers, &core->app_timer, aps_clock_mono_ms() + after_ms))
		core->outlet.raise(core->outlet.context); /* better too early than never */
}

void aps_core_reap(struct aps_core *core, struct aps_reap *reap,
                   void (*free_object)(struct aps_core *core, struct aps_reap *reap))
{
	APS_ON_THREAD(core->thread);
	APS_ASSERT(reap->free_object == NULL); /* it ends once */
	*reap = (struct aps_reap){NULL, free_object};
	*core->ended_tail = reap;
	core->ended_tail = &reap->next;
}

/* In the order in which they ended: a client after what it had. */
static void reap_all(struct aps_core *core)
{
	while (core->ended_head != NULL) {
		struct aps_reap *reap = core->ended_head;
		core->ended_head = reap->next;
		if (core->ended_head == NULL) core->ended_tail = &core->ended_head;
		reap->free_object(core, reap);
	}
}

static size_t place_of(const struct aps_core *core, const struct aps_feature *feature)
{
	size_t i = 0;
	while (core->features[i] != feature) i++;
	return i;
}

void *aps_core_part(const struct aps_core *core, const struct aps_feature *feature)
{
	return core->parts[place_of(core, feature)];
}

void *aps_client_part(const struct aps_core *core, const struct aps_client *client, const struct aps_feature *feature)
{
	return client->parts[place_of(core, feature)];
}

enum aps_rc aps_core_open_table(struct aps_core *core, void **part, struct aps_err *err)
{
	*part = aps_table_new(core->hash_seed);
	return *part != NULL ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
}

void aps_core_close_table(struct aps_core *core APS_UNUSED, void *part)
{
	aps_table_free(part);
}

struct aps_client *aps_core_client(struct aps_core *core, uint64_t id)
{
	return core->is_stopping ? NULL : aps_core_last_client(core, id);
}

struct aps_client *aps_core_last_client(const struct aps_core *core, uint64_t id)
{
	APS_ON_THREAD(core->thread);
	struct aps_client *client = core->clients;
	while (client != NULL && client->id != id) client = client->next;
	return client;
}

static void free_client(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	struct aps_client *client = APS_CONTAINER_OF(reap, struct aps_client, reap);
	aps_settings_clear(&client->settings);
	aps_stats_unref(client->stats);
	aps_free(client);
}

/* In the order of the list: calls before what they use. */
static void end_client(struct aps_core *core, struct aps_client *client, size_t n, const struct aps_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (core->features[i]->client_closing != NULL) core->features[i]->client_closing(core, client, err);
	aps_core_reap(core, &client->reap, free_client);
}

enum aps_rc aps_core_open_client(struct aps_core *core, struct aps_client *client, struct aps_err *err)
{
	APS_ON_THREAD(core->thread);
	for (size_t i = 0; core->features[i] != NULL; i++) {
		const struct aps_feature *feature = core->features[i];
		if (feature->client_opened == NULL) continue;
		if (feature->client_opened(core, client, &client->parts[i], err) == APS_OK) continue;
		end_client(core, client, i, err);
		return err->code;
	}
	client->next = core->clients;
	core->clients = client;
	return APS_OK;
}

static void fill_closed(struct aps_err *err)
{
	aps_fail(err, APS_E_CLOSED, "the client was closed");
}

void aps_core_leave_client(struct aps_core *core, struct aps_client *client)
{
	APS_ON_THREAD(core->thread);
	struct aps_err err;
	fill_closed(&err);
	for (size_t i = 0; core->features[i] != NULL; i++)
		if (core->features[i]->client_leaving != NULL) core->features[i]->client_leaving(core, client, &err);
}

void aps_core_close_client(struct aps_core *core, struct aps_client *client)
{
	APS_ON_THREAD(core->thread);
	struct aps_err err;
	fill_closed(&err);
	struct aps_client **at = &core->clients;
	while (*at != client) at = &(*at)->next;
	*at = client->next;
	end_client(core, client, n_features(core), &err);
	const char *proxy = client->settings.net.proxy;
	aps_http_forget(core->http, proxy != NULL && strchr(proxy, '@') != NULL); /* a password */
	if (core->ws != NULL) aps_ws_forget(core->ws);
}

void aps_client_set_clock(struct aps_client *client, int64_t skew_ms)
{
	client->skew_ms = skew_ms;
	client->is_clock_told = true;
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

enum aps_rc aps_core_ws_connect(struct aps_core *core, struct aps_frame_sink *sink, struct aps_ws_connect *connect,
                                struct aps_err *err)
{
	APS_ON_THREAD(core->thread);
	struct aps_ws_sink all = {deliver_frames, core};
	if (core->ws == NULL) core->ws = core->is_simulated ? aps_ws_new_simulated(all, err) : aps_ws_new(all, err);
	if (core->ws == NULL) return err->code;
	connect->connection = ++core->last_connection;
	if (!aps_table_set(&core->frame_sinks, connect->connection, sink))
		return aps_fail(err, APS_E_NOMEM, "out of memory");
	enum aps_rc rc = aps_ws_connect(core->ws, connect, err);
	if (rc != APS_OK) aps_core_ws_forget(core, connect->connection);
	return rc;
}

void aps_core_ws_forget(struct aps_core *core, uint64_t connection)
{
	APS_ON_THREAD(core->thread);
	aps_table_take(&core->frame_sinks, connection);
}

bool aps_core_is_held(const struct aps_core *core)
{
	return core->is_behind || core->is_flooded;
}

void aps_core_suspend(struct aps_core *core, bool is_on)
{
	APS_ON_THREAD(core->thread);
	if (is_on == core->is_suspended) return;
	core->is_suspended = is_on;
	for (size_t i = 0; core->features[i] != NULL; i++)
		if (core->features[i]->suspend != NULL) core->features[i]->suspend(core, is_on);
}

static void drain_inbox(struct aps_core *core)
{
	struct aps_mail *mail = core->inbox != NULL ? aps_mailbox_drain(core->inbox) : NULL;
	while (mail != NULL) {
		struct aps_mail *next = mail->next;
		struct aps_command *command = APS_CONTAINER_OF(mail, struct aps_command, mail);
		mail->next = NULL;
		command->run(core, command);
		mail = next;
	}
}

static void hold(struct aps_core *core, bool *why, bool is_on)
{
	bool was_held = aps_core_is_held(core);
	*why = is_on;
	if (aps_core_is_held(core) == was_held) return;
	for (size_t i = 0; core->features[i] != NULL; i++)
		if (core->features[i]->hold != NULL) core->features[i]->hold(core, !was_held);
}

static void receive(struct aps_core *core, const struct aps_ws_batch *batch)
{
	for (size_t i = 0; i < batch->n_events; i++) {
		struct aps_frame_sink *sink = aps_table_get(&core->frame_sinks, batch->events[i].connection);
		if (sink != NULL) sink->received(core, sink, batch, &batch->events[i]);
	}
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
		receive(core, APS_CONTAINER_OF(mail, struct aps_ws_batch, mail));
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
	core->events_tail = core->ahead_tail = &core->events_head;
	core->outlet.publish(core->outlet.context, chain);
}

static void end_turn(struct aps_core *core)
{
	for (size_t i = 0; core->features[i] != NULL; i++)
		if (core->features[i]->turn_end != NULL) core->features[i]->turn_end(core);
	reap_all(core);
	publish(core);
}

/* Commands are refused from now on. Those that had come before are run, and find no client: each is answered as closed.
 */
static void wind_up(struct aps_core *core)
{
	struct aps_mail *left = aps_mailbox_close(core->inbox);
	core->is_stopping = true;
	while (left != NULL) {
		struct aps_command *command = APS_CONTAINER_OF(left, struct aps_command, mail);
		left = left->next;
		command->mail.next = NULL;
		command->run(core, command);
	}
	while (core->clients != NULL) aps_core_close_client(core, core->clients);
	if (core->ws != NULL && !aps_ws_free(core->ws, WS_STOP_MS)) core->left_ws = core->ws;
	core->ws = NULL;
	end_turn(core);
}

static void take_in(struct aps_core *core)
{
	drain_inbox(core);
	drain_frames(core);
	take_answers(core);
	aps_descriptors_run(&core->descriptors, core);
	aps_timers_run(&core->timers, core, aps_clock_mono_ms());
}

/* `client`: NULL: anybody */
static bool waits_at_end(const struct aps_core *core, const struct aps_client *client)
{
	for (size_t i = 0; core->features[i] != NULL; i++)
		if (core->features[i]->waits_at_end != NULL && core->features[i]->waits_at_end(core, client))
			return true;
	return false;
}

static bool may_go(const struct aps_core *core, const struct aps_event *event)
{
	const struct aps_client *client = event->client != 0 ? aps_core_last_client(core, event->client) : NULL;
	return client != NULL && !waits_at_end(core, client);
}

/* What tells of clients that don't wait. */
static void publish_free(struct aps_core *core)
{
	struct aps_mail *free_head = NULL, **free_tail = &free_head, **at = &core->events_head;
	for (size_t i = 0; core->features[i] != NULL; i++)
		if (core->features[i]->commit_rest != NULL) core->features[i]->commit_rest(core);
	while (*at != NULL) {
		struct aps_mail *mail = *at;
		if (!may_go(core, APS_CONTAINER_OF(mail, struct aps_event, mail))) {
			at = &mail->next;
			continue;
		}
		if (core->ahead_tail == &mail->next) core->ahead_tail = at;
		*at = mail->next;
		mail->next = NULL;
		*free_tail = mail;
		free_tail = &mail->next;
	}
	core->events_tail = at;
	if (free_head != NULL) core->outlet.publish(core->outlet.context, free_head);
}

/* On a slow disk one client's mutations would have all others wait for one sync after the other: with each request, and
 * with its answer once more. So after a sync they have as much time as it took: until then the turn goes on while
 * anything is under way. Then a call that takes no longer than a sync meets one at most. */
static void pause_for_others(struct aps_core *core)
{
	for (;;) {
		int64_t left_ms = core->waited_ms + core->breath_ms - aps_clock_mono_ms();
		aps_http_begin(core->http);
		publish_free(core);
		if (left_ms <= 0 || aps_http_n_running(core->http) == 0 || atomic_load(&flag_of(core)->must_stop))
			return;
		int64_t due_ms = aps_timers_left_ms(&core->timers, aps_clock_mono_ms());
		aps_http_poll(core->http, due_ms >= 0 && due_ms < left_ms ? due_ms : left_ms);
		take_in(core);
	}
}

/* Where there is no thread, time is somebody else's. */
static void end_slow_turn(struct aps_core *core)
{
	if (core->breath_ms != 0) pause_for_others(core);
	int64_t began_ms = aps_clock_mono_ms();
	end_turn(core);
	core->waited_ms = aps_clock_mono_ms();
	int64_t took_ms = core->waited_ms - began_ms;
	if (took_ms > BREATH_MS) took_ms = BREATH_MS;
	core->breath_ms = took_ms >= SLOW_MS ? took_ms : 0;
}

void aps_core_turn(struct aps_core *core)
{
	APS_ON_THREAD(core->thread);
	take_in(core);
	if (core->thread != NULL && waits_at_end(core, NULL))
		end_slow_turn(core);
	else
		end_turn(core);
}

/* A turn; how long it may wait then. */
static int64_t take_turn(struct aps_core *core)
{
	aps_core_turn(core);
	bool is_flooded = core->outlet.is_flooded(core->outlet.context, core->is_flooded);
	hold(core, &core->is_flooded, is_flooded);
	bool is_done = core->events_head == NULL && core->ended_head == NULL;
	return is_done ? aps_timers_left_ms(&core->timers, aps_clock_mono_ms()) : 0;
}

struct aps_simulated_http *aps_core_simulate(struct aps_core *core, struct aps_mailbox *inbox, struct aps_err *err)
{
	core->inbox = inbox;
	core->is_simulated = true;
	return aps_http_simulate(core->http, err);
}

int64_t aps_core_drive(struct aps_core *core)
{
	int64_t left_ms = take_turn(core);
	return aps_mailbox_is_empty(core->inbox) && aps_mailbox_is_empty(core->frames) ? left_ms : 0;
}

void aps_core_run(struct aps_core *core, struct aps_mailbox *inbox, const struct aps_thread *thread)
{
	core->inbox = inbox;
	core->thread = thread;
	while (!atomic_load(&flag_of(core)->must_stop)) {
		int64_t left_ms = take_turn(core);
		aps_http_poll(core->http, left_ms);
	}
	wind_up(core);
	core->thread = NULL; /* what is left is freed by whoever joins it */
}
