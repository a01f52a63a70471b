#include "client/feed.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/link.h"
#include "codec/json_reader.h"
#include "codec/json_writer.h"
#include "proto/gqlhttp.h"

#define START_BYTES                                                                                                    \
	((size_t)1024 * 1024 - 1024) /* what the realtime thread takes for a connection, less the frame's own */

void aps_feed_tell(struct aps_feed *feed, struct aps_str errors)
{
	aps_free(feed->told);
	feed->told = errors.n != 0 ? aps_strndup(errors.p, errors.n) : NULL; /* without memory it is left out */
	if (feed->told != NULL) aps_feed_mask(feed, feed->told, errors.n, APS_STR(""));
}

static void emit_end(struct aps_core *core, struct aps_consumer *consumer, const struct aps_err *err)
{
	struct aps_note_event *event = consumer->end;
	aps_consumer_flush(core, consumer);
	consumer->end = NULL;
	aps_note_event_set_err(event, err);
	event->number = consumer->n_dropped;
	if (err != NULL && consumer->feed->told != NULL)
		event->text = aps_strndup(consumer->feed->told, strlen(consumer->feed->told));
	aps_core_emit(core, &event->head);
}

static void remove_consumer(struct aps_core *core, struct aps_consumer *consumer)
{
	struct aps_feed *feed = consumer->feed;
	struct aps_consumer **at = &feed->consumers;
	while (*at != consumer) at = &(*at)->next;
	*at = consumer->next;
	bool was_full = consumer->is_full;
	aps_table_take(&core->consumers, consumer->id);
	APS_STATS_SUB(feed->client->stats, subscriptions, 1);
	aps_consumer_free(core, consumer);
	if (was_full) aps_link_update_pause(core, feed->link);
	/* Whoever was asked for the headers of the next start has gone: ask another one. */
	if (feed->waits_for_headers && feed->consumers != NULL)
		feed->waits_for_headers = aps_core_note(core, APS_EVENT_HEADERS, feed->consumers->id, NULL, NULL);
}

static void free_feed(struct aps_core *core, struct aps_feed *feed)
{
	struct aps_feed **at = &feed->client->feeds;
	while (*at != feed) at = &(*at)->next;
	*at = feed->next;
	aps_waiter_stop(&feed->waiter);
	aps_credential_release(core, feed->credential);
	feed->what->head.mail.kind->free_mail(&feed->what->head.mail);
	aps_free(feed->told);
	aps_secrets_clear(&feed->sent);
	aps_free(feed);
}

void aps_feed_ended(struct aps_core *core, struct aps_feed *feed, const struct aps_err *err)
{
	feed->waits_for_headers = false; /* nobody is asked any more */
	struct aps_err shown = {0};
	if (err != NULL) {
		APS_STATS_ADD(feed->client->stats, errors, 1);
		shown = *err;
		bool is_ours = feed->client->is_closing; /* "the client was closed" quotes nobody */
		if (!is_ours) aps_feed_mask(feed, shown.msg, strlen(shown.msg), APS_STR(""));
	}
	while (feed->consumers != NULL) {
		emit_end(core, feed->consumers, err != NULL ? &shown : NULL);
		remove_consumer(core, feed->consumers);
	}
	aps_link_forget(core, feed->link, feed);
	free_feed(core, feed);
}

void aps_feed_end(struct aps_core *core, struct aps_feed *feed, const struct aps_err *err)
{
	struct aps_link *link = feed->link;
	uint64_t number = feed->number;
	aps_feed_ended(core, feed, err);
	aps_link_remove(core, link, number);
}

static void end_consumer(struct aps_core *core, struct aps_consumer *consumer, const struct aps_err *err)
{
	struct aps_feed *feed = consumer->feed;
	emit_end(core, consumer, err);
	remove_consumer(core, consumer);
	if (feed->consumers == NULL) aps_feed_end(core, feed, NULL);
}

void aps_feed_started(struct aps_core *core, struct aps_feed *feed)
{
	feed->is_started = feed->was_started = true;
	feed->has_refreshed = false;
	aps_feed_tell(feed, APS_STR(""));
	for (struct aps_consumer *consumer = feed->consumers; consumer != NULL; consumer = consumer->next)
		aps_core_note(core, APS_EVENT_SUB_STATE, consumer->id, "subscribed", NULL);
}

void aps_feed_reconnecting(struct aps_core *core, struct aps_feed *feed)
{
	feed->is_started = false;
	feed->wants_start = false;
	aps_waiter_stop(&feed->waiter);
	for (struct aps_consumer *consumer = feed->consumers; consumer != NULL; consumer = consumer->next)
		aps_core_note(core, APS_EVENT_SUB_STATE, consumer->id, "reconnecting", NULL);
}

static void stalled(struct aps_timer *timer, void *context, int64_t now_ms APS_UNUSED)
{
	struct aps_consumer *consumer = APS_CONTAINER_OF(timer, struct aps_consumer, stall);
	struct aps_err err;
	aps_consumer_stall_err(consumer, &err);
	end_consumer(context, consumer, &err);
}

static enum aps_consumer_verdict became_full(struct aps_core *core, struct aps_consumer *consumer, struct aps_err *err)
{
	int64_t stall_ms = consumer->feed->client->settings.stall_timeout_ms;
	consumer->stall.due = stalled;
	if (!consumer->is_full && !aps_timer_set(&core->timers, &consumer->stall, aps_clock_mono_ms() + stall_ms)) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return APS_CONSUMER_FAILED; /* without a timer it could hold the socket up for ever */
	}
	consumer->is_full = true;
	aps_link_update_pause(core, consumer->feed->link); /* each time: a new socket is read at first */
	return APS_CONSUMER_FULL;
}

static bool has_errors(struct aps_str payload)
{
	/* Nearly all payloads have neither the word nor an escape that could hide it: no second pass over those. */
	if (memchr(payload.p, '\\', payload.n) == NULL && aps_str_find(payload, "\"errors\"") == NULL) return false;
	struct aps_json_reader r;
	struct aps_str value;
	aps_json_reader_init(&r, payload, 0);
	if (aps_json_next(&r) != APS_JSON_OBJECT) return false;
	while (aps_json_next(&r) == APS_JSON_KEY) {
		if (aps_json_text_is(&r, "errors")) return true;
		aps_json_skip_value(&r, &value);
	}
	return false;
}

/* In place: until this turn is published the bytes are the core's alone. */
static void mask_errors(const struct aps_feed *feed, struct aps_bytes *bytes, struct aps_str payload)
{
	struct aps_gqlhttp_response response;
	struct aps_arena decoded;
	aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
	aps_gqlhttp_parse_payload(payload, &decoded, &response);
	aps_arena_clear(&decoded);
	char *text = bytes->p + (payload.p - bytes->p);
	aps_feed_mask(feed, text, payload.n, response.has_value ? response.data : APS_STR(""));
}

void aps_feed_data(struct aps_core *core, struct aps_feed *feed, struct aps_bytes *bytes, struct aps_str payload)
{
	if (has_errors(payload)) mask_errors(feed, bytes, payload);
	struct aps_consumer *consumer = feed->consumers;
	while (consumer != NULL) {
		struct aps_consumer *next = consumer->next;
		struct aps_err err;
		uint64_t n_dropped = consumer->n_dropped;
		enum aps_consumer_verdict verdict = aps_consumer_offer(core, consumer, bytes, payload, &err);
		APS_STATS_ADD(feed->client->stats, events, 1);
		if (consumer->n_dropped != n_dropped) {
			APS_STATS_ADD(feed->client->stats, dropped_events, consumer->n_dropped - n_dropped);
			if (n_dropped == 0) aps_link_tell_dropped(core, feed->client);
		}
		bool is_last = next == NULL && feed->consumers == consumer;
		if (verdict == APS_CONSUMER_FULL) verdict = became_full(core, consumer, &err);
		if (verdict == APS_CONSUMER_FAILED) end_consumer(core, consumer, &err);
		if (verdict == APS_CONSUMER_FAILED && is_last) return; /* the feed went with it */
		consumer = next;
	}
}

bool aps_feed_is_full(const struct aps_feed *feed)
{
	for (const struct aps_consumer *consumer = feed->consumers; consumer != NULL; consumer = consumer->next)
		if (consumer->is_full) return true;
	return false;
}

/* {"data":"…","extensions":{"authorization":{…}}} */
static enum aps_rc write_start(struct aps_feed *feed, struct aps_str body, struct aps_buf *payload, struct aps_err *err)
{
	struct aps_json_writer w;
	aps_json_writer_init(&w, payload);
	aps_json_write_object(&w);
	aps_json_write_member(&w, "data", body);
	aps_json_write_key(&w, APS_STR("extensions"));
	aps_json_write_object(&w);
	aps_json_write_key(&w, APS_STR("authorization"));
	struct aps_appsync_signing signing = aps_credential_signing(feed->credential);
	signing.extra = &feed->what->headers;
	feed->generation = feed->credential->slot.generation;
	enum aps_rc rc = aps_json_writer_finish(&w);
	size_t object_at = payload->n;
	if (rc == APS_OK)
		rc = aps_appsync_realtime_object(&feed->credential->slot.material, &signing, APS_APPSYNC_START, body,
		                                 payload, err);
	else
		aps_fail(err, rc, "the subscription is too big to be sent");
	/* After a refusal the service may still quote the start before. */
	if (!feed->has_refreshed || feed->sent.records.n > APS_SECRETS_OLD_BYTES) aps_secrets_clear(&feed->sent);
	if (rc == APS_OK)
		aps_secrets_add_object(&feed->sent, (struct aps_str){payload->p + object_at, payload->n - object_at});
	aps_buf_add_text(payload, "}}");
	if (rc == APS_OK && payload->rc != APS_OK)
		rc = aps_fail(err, payload->rc, "the subscription is too big to be sent");
	return rc;
}

/* What the protocol starts a subscription with: graphql-transport-ws with the body itself. */
static enum aps_rc render_start(struct aps_feed *feed, struct aps_buf *payload, struct aps_err *err)
{
	struct aps_buf body;
	bool is_appsync = feed->client->settings.realtime.protocol == APS_REALTIME_APPSYNC;
	aps_buf_init(&body, START_BYTES);
	enum aps_rc rc = aps_gqlhttp_body(is_appsync ? &body : payload, &feed->what->operation, err);
	if (rc == APS_E_TOO_BIG) aps_fail(err, rc, "the subscription is longer than %zu bytes", START_BYTES);
	if (rc == APS_OK && is_appsync) rc = write_start(feed, aps_buf_str(&body), payload, err);
	aps_buf_clear(&body);
	return rc;
}

static void send_start(struct aps_core *core, struct aps_feed *feed)
{
	struct aps_err err = {0};
	struct aps_buf payload;
	aps_buf_init(&payload, START_BYTES);
	feed->wants_start = false;
	feed->is_refused = false;
	feed->has_fresh_headers = false;
	if (render_start(feed, &payload, &err) == APS_OK)
		aps_link_start(core, feed->link, feed->number, aps_buf_str(&payload));
	else
		aps_feed_end(core, feed, &err);
	aps_buf_clear(&payload);
}

static void follow_verdict(struct aps_core *core, struct aps_feed *feed, enum aps_slot_verdict verdict)
{
	if (verdict == APS_SLOT_ASK || verdict == APS_SLOT_WAIT) return;
	if (verdict == APS_SLOT_FAIL) {
		struct aps_err err = feed->is_refused ? feed->refusal : feed->credential->slot.err;
		aps_feed_end(core, feed, &err);
	} else if (feed->is_refused) {
		feed->is_refused = false;
		aps_link_retry_auth(core, feed->link, feed->number);
	} else if (feed->wants_start && !feed->waits_for_headers) {
		send_start(core, feed);
	}
}

static void material_ready(struct aps_core *core, struct aps_waiter *waiter)
{
	struct aps_feed *feed = APS_CONTAINER_OF(waiter, struct aps_feed, waiter);
	enum aps_slot_verdict verdict =
	        feed->is_refused ? aps_credential_refused(core, feed->credential, feed->generation, &feed->waiter)
	                         : aps_credential_use(core, feed->credential, &feed->waiter);
	follow_verdict(core, feed, verdict);
}

bool aps_feed_has_headers(struct aps_core *core, struct aps_feed *feed)
{
	if (!feed->what->has_dynamic_headers || feed->has_fresh_headers) return true;
	if (!feed->waits_for_headers)
		feed->waits_for_headers = aps_core_note(core, APS_EVENT_HEADERS, feed->consumers->id, NULL, NULL);
	return false;
}

void aps_feed_want_start(struct aps_core *core, struct aps_feed *feed)
{
	feed->wants_start = true;
	if (aps_feed_has_headers(core, feed)) {
		follow_verdict(core, feed, aps_credential_use(core, feed->credential, &feed->waiter));
	} else if (!feed->waits_for_headers) {
		struct aps_err err;
		aps_fail(&err, APS_E_NOMEM, "out of memory");
		aps_feed_end(core, feed, &err);
	}
}

void aps_feed_auth_refused(struct aps_core *core, struct aps_feed *feed, const struct aps_err *err)
{
	feed->refusal = *err;
	if (feed->has_refreshed) {
		struct aps_err refusal = *err;
		aps_feed_end(core, feed, &refusal);
		return;
	}
	feed->has_refreshed = true;
	feed->is_refused = true;
	follow_verdict(core, feed, aps_credential_refused(core, feed->credential, feed->generation, &feed->waiter));
}

static void free_plain_mail(struct aps_mail *mail)
{
	aps_free(mail);
}

static void free_subscribe(struct aps_mail *mail)
{
	struct aps_subscribe_command *command = (struct aps_subscribe_command *)mail;
	if (command->end != NULL) command->end->head.mail.kind->free_mail(&command->end->head.mail);
	aps_operation_clear(&command->operation);
	aps_arena_clear(&command->arena);
	aps_free(command);
}

static void free_headers(struct aps_mail *mail)
{
	struct aps_headers_command *command = (struct aps_headers_command *)mail;
	aps_free(command->error);
	aps_arena_clear(&command->arena);
	aps_free(command);
}

struct consumed_command {
	struct aps_command head;
	size_t n;
};

static const struct aps_mail_kind SUBSCRIBE_KIND = {"subscribe", free_subscribe};
static const struct aps_mail_kind UNSUBSCRIBE_KIND = {"unsubscribe", free_plain_mail};
static const struct aps_mail_kind CONSUMED_KIND = {"consumed", free_plain_mail};
static const struct aps_mail_kind HEADERS_KIND = {"headers", free_headers};

static uint64_t sharing_hash(const struct aps_subscribe_command *what)
{
	if (!what->is_shared) return 0;
	uint64_t hash = what->operation.hash ^ (what->credential + 1);
	for (size_t i = 0; i < what->headers.n_items; i++)
		hash = aps_str_hash(what->headers.items[i].value, aps_str_hash(what->headers.items[i].name, hash));
	return hash != 0 ? hash : 1;
}

static bool is_same(const struct aps_feed *feed, const struct aps_subscribe_command *what, uint64_t hash)
{
	const struct aps_subscribe_command *theirs = feed->what;
	if (hash == 0 || feed->hash != hash || theirs->credential != what->credential) return false;
	if (theirs->has_dynamic_headers != what->has_dynamic_headers) return false;
	if (!aps_operation_is_same(&theirs->operation, &what->operation)) return false;
	if (what->has_dynamic_headers) return true; /* theirs are the last answer; one function gives both */
	if (theirs->headers.n_items != what->headers.n_items) return false;
	for (size_t i = 0; i < what->headers.n_items; i++) {
		const struct aps_header *a = &theirs->headers.items[i];
		const struct aps_header *b = &what->headers.items[i];
		if (!aps_str_eq(a->name, b->name) || !aps_str_eq(a->value, b->value)) return false;
	}
	return true;
}

static void join(struct aps_core *core, struct aps_feed *feed, struct aps_consumer *consumer)
{
	struct aps_consumer **at = &feed->consumers;
	while (*at != NULL) at = &(*at)->next;
	*at = consumer;
	consumer->feed = feed;
	consumer->big_integers_as_text = feed->client->settings.big_integers_as_text;
	APS_STATS_ADD(feed->client->stats, subscriptions, 1);
	if (feed->is_started) aps_core_note(core, APS_EVENT_SUB_STATE, consumer->id, "subscribed", NULL);
}

static struct aps_subscribe_command *take_over(struct aps_subscribe_command *command)
{
	struct aps_subscribe_command *kept = aps_malloc(sizeof *kept);
	if (kept == NULL) return NULL;
	*kept = *command;
	kept->headers.arena = &kept->arena;
	command->operation = (struct aps_operation){.document = NULL};
	command->headers.items = NULL;
	aps_arena_init(&command->arena, 0);
	return kept;
}

static struct aps_feed *make_feed(struct aps_core *core, struct aps_client *client,
                                  struct aps_subscribe_command *command, uint64_t hash)
{
	struct aps_feed *feed = aps_calloc(1, sizeof *feed);
	if (feed == NULL) return NULL;
	feed->what = take_over(command);
	if (feed->what == NULL) {
		aps_free(feed);
		return NULL;
	}
	aps_secrets_init(&feed->sent);
	feed->number = command->head.id;
	feed->client = client;
	feed->hash = hash;
	feed->waiter.ready = material_ready;
	feed->credential = aps_credential_hold(core, feed->what->credential);
	feed->next = client->feeds;
	client->feeds = feed;
	return feed;
}

static void refuse(struct aps_core *core, struct aps_subscribe_command *command, enum aps_rc code, const char *why)
{
	struct aps_err err;
	struct aps_note_event *event = command->end;
	command->end = NULL;
	aps_fail(&err, code, "%s", why);
	aps_note_event_set_err(event, &err);
	aps_core_emit(core, &event->head);
}

static void run_subscribe(struct aps_core *core, struct aps_command *head)
{
	struct aps_subscribe_command *command = (struct aps_subscribe_command *)head;
	struct aps_client *client = aps_core_client(core, head->client);
	if (client == NULL || client->is_closing) {
		refuse(core, command, APS_E_CLOSED, "the client is closed");
		return;
	}
	struct aps_consumer *consumer =
	        aps_consumer_new(head->id, command->overflow, command->max_items, command->max_bytes);
	if (consumer == NULL || !aps_table_set(&core->consumers, head->id, consumer)) {
		if (consumer != NULL) aps_consumer_free(core, consumer);
		refuse(core, command, APS_E_NOMEM, "out of memory");
		return;
	}
	consumer->end = command->end;
	command->end = NULL;
	uint64_t hash = sharing_hash(command);
	struct aps_feed *feed = client->feeds;
	while (feed != NULL && !is_same(feed, command, hash)) feed = feed->next;
	if (feed != NULL) {
		join(core, feed, consumer);
		return;
	}
	feed = make_feed(core, client, command, hash);
	if (feed == NULL) {
		aps_table_take(&core->consumers, head->id);
		command->end = consumer->end;
		consumer->end = NULL;
		aps_consumer_free(core, consumer);
		refuse(core, command, APS_E_NOMEM, "out of memory");
		return;
	}
	join(core, feed, consumer);
	struct aps_err err = {0};
	if (feed->credential == NULL)
		aps_fail(&err, APS_E_AUTH, "the credential of this subscription was dropped before it was sent");
	if (feed->credential == NULL || aps_link_place(core, feed, &err) != APS_OK) aps_feed_ended(core, feed, &err);
}

static void run_unsubscribe(struct aps_core *core, struct aps_command *command)
{
	struct aps_consumer *consumer = aps_table_get(&core->consumers, command->id);
	if (consumer == NULL) return;
	struct aps_feed *feed = consumer->feed;
	remove_consumer(core, consumer);
	if (feed->consumers == NULL) aps_feed_end(core, feed, NULL);
}

static void run_consumed(struct aps_core *core, struct aps_command *command)
{
	struct aps_consumer *consumer = aps_table_get(&core->consumers, command->id);
	if (consumer == NULL) return;
	if (aps_consumer_consumed(core, consumer, ((struct consumed_command *)command)->n))
		aps_link_update_pause(core, consumer->feed->link);
}

static void run_headers(struct aps_core *core, struct aps_command *head)
{
	struct aps_headers_command *command = (struct aps_headers_command *)head;
	struct aps_consumer *consumer = aps_table_get(&core->consumers, head->id);
	if (consumer == NULL || !consumer->feed->waits_for_headers) return;
	struct aps_feed *feed = consumer->feed;
	feed->waits_for_headers = false;
	if (command->error != NULL) {
		struct aps_err err;
		aps_fail_word(&err, APS_E_USAGE, "headers_failed", 0, "%s", command->error);
		aps_feed_end(core, feed, &err);
		return;
	}
	struct aps_arena arena = feed->what->arena;
	struct aps_header_list list = feed->what->headers;
	feed->what->arena = command->arena;
	feed->what->headers = command->headers;
	feed->what->headers.arena = &feed->what->arena;
	command->arena = arena;
	command->headers = list;
	feed->has_fresh_headers = true;
	if (feed->wants_start)
		follow_verdict(core, feed, aps_credential_use(core, feed->credential, &feed->waiter));
	else
		aps_link_headers_ready(core, feed->link);
}

struct aps_subscribe_command *aps_subscribe_command_new(uint64_t client, uint64_t sub)
{
	struct aps_subscribe_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->end = aps_note_event_new(APS_EVENT_SUB_END, sub, NULL, NULL);
	if (command->end == NULL) {
		aps_free(command);
		return NULL;
	}
	command->head = (struct aps_command){{NULL, &SUBSCRIBE_KIND, sizeof *command}, run_subscribe, client, sub};
	aps_arena_init(&command->arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&command->headers, &command->arena);
	return command;
}

struct aps_command *aps_unsubscribe_command_new(uint64_t client, uint64_t sub)
{
	struct aps_command *command = aps_calloc(1, sizeof *command);
	if (command != NULL)
		*command =
		        (struct aps_command){{NULL, &UNSUBSCRIBE_KIND, sizeof *command}, run_unsubscribe, client, sub};
	return command;
}

struct aps_command *aps_consumed_command_new(uint64_t client, uint64_t sub, size_t n)
{
	struct consumed_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &CONSUMED_KIND, sizeof *command}, run_consumed, client, sub};
	command->n = n;
	return &command->head;
}

struct aps_headers_command *aps_headers_command_new(uint64_t client, uint64_t sub)
{
	struct aps_headers_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &HEADERS_KIND, sizeof *command}, run_headers, client, sub};
	aps_arena_init(&command->arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&command->headers, &command->arena);
	return command;
}
