/* What becomes of a feed. The machine of its link says when; the lease and the consumers are asked in between.
 *
 *   placed --DO_START--> wants start --headers?--> asked --answer--+
 *     ^                      |                                     |
 *     |                      +--material (lease)? --> waiting -----+--> start sent --SUB_STARTED--> started
 *     |                                                                     |                          |
 *     |                                                     AUTH_REFUSED    |                          |
 *     |                                    renewed (once)  <----------------+       SUB_RECONNECTING   |
 *     |                                         |           \                                          |
 *     +-----------------------------------------+            +--> REFUSED: ended                       |
 *     +------------------------------------------------------------------------------------------------+
 *
 * Asked for longer than 30 s: ended, so that its connection goes on with the others.
 *
 * Ended: by the machine (SUB_ENDED), by a failure on the way, or when its last consumer has left. A connection without
 * room moves it to another one (link.c). */
#include "client/feed.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/caching.h"
#include "client/connections.h"
#include "client/link.h"
#include "codec/json_reader.h"
#include "codec/json_writer.h"
#include "proto/gqlhttp.h"

#define HEADERS_TIMEOUT_MS 30000 /* as long as a token function has (auth/slot.h) */
#define START_BYTES                                                                                                    \
	((size_t)1024 * 1024 - 1024) /* what the realtime thread takes for a connection, less the frame's own */

#define PARKED_EVENTS 1024 /* as many as a subscriber takes by default */
#define PARKED_BYTES  ((size_t)4 * 1024 * 1024)

/* An event on its way into the cache. */
struct aps_feed_event {
	struct aps_parked parked;
	struct aps_feed_event *next; /* of the feed */
	struct aps_feed *feed;       /* NULL: it has ended, and its consumers were told */
	struct aps_client *client;
	struct aps_operation operation;
	struct aps_bytes *bytes;
	struct aps_str payload;
	struct aps_arena decoded;
	size_t n_bytes;
	bool has_nothing; /* for the cache: it waits for those before it, and is the feed's alone */
};

void aps_feed_tell(struct aps_feed *feed, struct aps_str errors)
{
	aps_free(feed->told);
	feed->told = errors.n != 0 ? aps_strndup(errors.p, errors.n) : NULL; /* without memory it is left out */
	if (feed->told != NULL) aps_feed_mask(feed, feed->told, errors.n, APS_STR(""));
}

/* Whoever goes on after an answer, or without one, is told by the timer that no answer comes. */
static bool ask(struct aps_core *core, struct aps_feed *feed)
{
	struct aps_consumer *consumer = feed->consumers;
	int64_t at_ms = aps_clock_mono_ms() + HEADERS_TIMEOUT_MS;
	bool is_asked = consumer->kind->ask_headers != NULL &&
	                aps_timer_set(&core->timers, &feed->headers_timer, at_ms) &&
	                consumer->kind->ask_headers(core, consumer);
	if (!is_asked) aps_timer_stop(&core->timers, &feed->headers_timer);
	feed->asked = is_asked ? consumer : NULL;
	return is_asked;
}

static void stop_asking(struct aps_core *core, struct aps_feed *feed)
{
	feed->asked = NULL;
	aps_timer_stop(&core->timers, &feed->headers_timer);
}

static void tell_all(struct aps_core *core, const struct aps_feed *feed, const char *state, const struct aps_err *err)
{
	for (struct aps_consumer *consumer = feed->consumers; consumer != NULL; consumer = consumer->next)
		if (consumer->kind->tell != NULL) consumer->kind->tell(core, consumer, state, err);
}

/* False: this is what it was told last. */
static bool take_trouble(struct aps_feed *feed, const struct aps_err *err)
{
	uint64_t hash = aps_str_hash(aps_str_of(err->msg), 0);
	if (feed->trouble.code == err->code && feed->trouble_hash == hash) return false;
	feed->trouble = *err;
	feed->trouble_hash = hash;
	aps_feed_mask(feed, feed->trouble.msg, strlen(feed->trouble.msg), APS_STR(""));
	return true;
}

static void decided(struct aps_core *core, struct aps_lease *lease, enum aps_lease_verdict verdict,
                    const struct aps_err *err);

static void headers_overdue(struct aps_timer *timer, void *context, int64_t now_ms);

static void free_feed(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	struct aps_feed *feed = APS_CONTAINER_OF(reap, struct aps_feed, reap);
	aps_topic_free(feed->topic);
	aps_free(feed->told);
	aps_secrets_clear(&feed->sent);
	aps_free(feed);
}

struct aps_feed *aps_feed_new(struct aps_core *core, struct aps_client *client, struct aps_topic *topic,
                              uint64_t number, struct aps_err *err)
{
	struct aps_feed *feed = aps_calloc(1, sizeof *feed);
	if (feed == NULL) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return NULL;
	}
	aps_lease_init(&feed->lease, decided);
	feed->headers_timer.due = headers_overdue;
	if (!aps_lease_hold(core, &feed->lease, topic->credential) || topic->credential == 0) {
		aps_free(feed);
		aps_fail(err, APS_E_AUTH, "the identity of this subscription was dropped before it was sent");
		return NULL;
	}
	aps_secrets_init(&feed->sent);
	feed->number = number;
	feed->client = client;
	feed->topic = topic;
	return feed;
}

void aps_feed_join(struct aps_core *core, struct aps_feed *feed, struct aps_consumer *consumer)
{
	APS_ON_THREAD(core->thread);
	struct aps_consumer **at = &feed->consumers;
	while (*at != NULL) at = &(*at)->next;
	*at = consumer;
	consumer->next = NULL;
	consumer->feed = feed;
	if (consumer->kind->tell == NULL) return;
	if (feed->is_started)
		consumer->kind->tell(core, consumer, "subscribed", NULL);
	else if (feed->trouble.code != APS_OK)
		consumer->kind->tell(core, consumer, "delayed", &feed->trouble);
}

/* True: it was asked for the headers, and nobody else is being asked yet. */
static bool forget(struct aps_core *core, struct aps_consumer *consumer)
{
	struct aps_feed *feed = consumer->feed;
	struct aps_consumer **at = &feed->consumers;
	while (*at != consumer) at = &(*at)->next;
	*at = consumer->next;
	consumer->feed = NULL;
	bool was_asked = feed->asked == consumer;
	if (was_asked) stop_asking(core, feed);
	return was_asked;
}

/* From our side: the machine is told, too. */
static void end_feed(struct aps_core *core, struct aps_feed *feed, const struct aps_err *err)
{
	struct aps_link *link = feed->link;
	aps_feed_ended(core, feed, err);
	aps_link_remove(core, link, feed->number);
}

static void end_without_memory(struct aps_core *core, struct aps_feed *feed)
{
	struct aps_err err;
	aps_fail(&err, APS_E_NOMEM, "out of memory");
	end_feed(core, feed, &err);
}

/* After a consumer has gone: last, as it may bring anything about. */
static void go_on_without(struct aps_core *core, struct aps_feed *feed, const struct aps_consumer *consumer,
                          bool was_asked)
{
	if (feed->consumers == NULL)
		end_feed(core, feed, NULL);
	else if (was_asked && !ask(core, feed)) /* somebody waits for the headers */
		end_without_memory(core, feed);
	else if (consumer->is_full)
		aps_link_update_pause(core, feed->link);
}

void aps_feed_leave(struct aps_core *core, struct aps_consumer *consumer)
{
	APS_ON_THREAD(core->thread);
	struct aps_feed *feed = consumer->feed;
	bool was_asked = forget(core, consumer);
	go_on_without(core, feed, consumer, was_asked);
}

static void tell_end(struct aps_core *core, struct aps_consumer *consumer, const struct aps_feed *feed,
                     const struct aps_err *err)
{
	consumer->kind->end(core, consumer, err, err != NULL ? feed->told : NULL);
}

void aps_feed_end_consumer(struct aps_core *core, struct aps_consumer *consumer, const struct aps_err *err)
{
	APS_ON_THREAD(core->thread);
	struct aps_feed *feed = consumer->feed;
	bool was_asked = forget(core, consumer);
	tell_end(core, consumer, feed, err);
	go_on_without(core, feed, consumer, was_asked);
}

static void free_event(struct aps_core *core, struct aps_feed_event *event)
{
	aps_connections_of(core, event->client)->kept_bytes -= event->n_bytes;
	aps_operation_clear(&event->operation);
	aps_arena_clear(&event->decoded);
	aps_bytes_unref(event->bytes);
	aps_free(event);
}

static struct aps_feed_event *take_parked(struct aps_feed *feed)
{
	struct aps_feed_event *event = feed->parked;
	feed->parked = event->next;
	feed->n_parked--;
	feed->parked_bytes -= event->n_bytes;
	return event;
}

/* Nothing comes after the end: what is still to be written is told before it is. */
static void flush(struct aps_core *core, struct aps_feed *feed)
{
	struct aps_err err;
	while (feed->parked != NULL) {
		struct aps_feed_event *event = take_parked(feed);
		struct aps_consumer *next;
		event->feed = NULL;
		for (struct aps_consumer *consumer = feed->consumers; consumer != NULL; consumer = next) {
			next = consumer->next;
			if (consumer->kind->offer(core, consumer, event->bytes, event->payload, &err) !=
			    APS_CONSUMER_FAILED)
				continue;
			forget(core, consumer);
			tell_end(core, consumer, feed, &err);
		}
		if (event->has_nothing) free_event(core, event);
	}
}

void aps_feed_ended(struct aps_core *core, struct aps_feed *feed, const struct aps_err *err)
{
	struct aps_err shown = {0};
	flush(core, feed);
	if (err != NULL) {
		APS_STATS_ADD(feed->client->stats, errors, 1);
		shown = *err;
		/* "the client was closed" quotes nobody */
		if (err->code != APS_E_CLOSED) aps_feed_mask(feed, shown.msg, strlen(shown.msg), APS_STR(""));
	}
	struct aps_link *link = feed->link;
	stop_asking(core, feed);
	aps_connections_unshare(core, feed);
	while (feed->consumers != NULL) {
		struct aps_consumer *consumer = feed->consumers;
		forget(core, consumer);
		tell_end(core, consumer, feed, err != NULL ? &shown : NULL);
	}
	aps_link_forget(link, feed);
	aps_lease_clear(core, &feed->lease);
	aps_core_reap(core, &feed->reap, free_feed);
	aps_link_update_pause(core, link); /* one of them may have been full */
}

void aps_feed_started(struct aps_core *core, struct aps_feed *feed)
{
	feed->is_started = feed->was_started = true;
	aps_lease_worked(&feed->lease);
	aps_err_clear(&feed->trouble);
	aps_feed_tell(feed, APS_STR(""));
	tell_all(core, feed, "subscribed", NULL);
}

void aps_feed_reconnecting(struct aps_core *core, struct aps_feed *feed, const struct aps_err *err)
{
	feed->is_started = false;
	feed->wants_start = false;
	aps_lease_stop(&feed->lease);
	take_trouble(feed, err);
	tell_all(core, feed, "reconnecting", &feed->trouble);
}

void aps_feed_delayed(struct aps_core *core, struct aps_feed *feed, const struct aps_err *err)
{
	if (take_trouble(feed, err)) tell_all(core, feed, "delayed", &feed->trouble);
}

void aps_feed_missed(struct aps_core *core, struct aps_feed *feed)
{
	if (!feed->is_started) return;
	for (struct aps_consumer *consumer = feed->consumers; consumer != NULL; consumer = consumer->next)
		if (consumer->kind->missed != NULL) consumer->kind->missed(core, consumer);
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

static void offer(struct aps_core *core, struct aps_feed *feed, struct aps_bytes *bytes, struct aps_str payload)
{
	struct aps_consumer *consumer = feed->consumers;
	while (consumer != NULL) {
		struct aps_consumer *next = consumer->next;
		struct aps_err err;
		enum aps_consumer_verdict verdict = consumer->kind->offer(core, consumer, bytes, payload, &err);
		if (verdict == APS_CONSUMER_FAILED) {
			aps_feed_end_consumer(core, consumer, &err);
		} else if (verdict == APS_CONSUMER_FULL) {
			consumer->is_full = true;
			aps_link_update_pause(core, feed->link); /* each time: a new socket is read at first */
		}
		consumer = next;
	}
}

/* After anything that happened to what is parked. */
static void update_held(struct aps_core *core, struct aps_feed *feed)
{
	size_t all_bytes = aps_connections_of(core, feed->client)->kept_bytes;
	bool is_much = feed->n_parked >= PARKED_EVENTS || feed->parked_bytes >= PARKED_BYTES;
	feed->is_held = is_much || (feed->n_parked != 0 && all_bytes >= APS_ALL_KEPT_BYTES);
	aps_link_update_pause(core, feed->link);
}

static void offer_parked(struct aps_core *core, struct aps_feed *feed)
{
	struct aps_feed_event *event = take_parked(feed);
	offer(core, feed, event->bytes, event->payload);
	free_event(core, event);
}

/* What is parked is written in the order in which it came: this is its feed's first one. */
static void written(struct aps_core *core, struct aps_parked *parked)
{
	struct aps_feed_event *event = APS_CONTAINER_OF(parked, struct aps_feed_event, parked);
	struct aps_feed *feed = event->feed;
	if (feed == NULL) {
		free_event(core, event);
		return;
	}
	offer_parked(core, feed);
	while (feed->parked != NULL && feed->parked->has_nothing) offer_parked(core, feed);
	update_held(core, feed);
}

/* A block of its own: the frame's has what was read in one turn for all subscriptions. NULL: no memory. */
static struct aps_feed_event *new_event(struct aps_core *core, struct aps_feed *feed, struct aps_str payload)
{
	const struct aps_operation *operation = &feed->topic->operation;
	struct aps_feed_event *event = aps_calloc(1, sizeof *event);
	struct aps_err err;
	if (event == NULL) return NULL;
	aps_arena_init(&event->decoded, APS_BUF_ANY_SIZE);
	event->client = feed->client;
	event->feed = feed;
	event->bytes = aps_bytes_new(payload.n);
	if (event->bytes == NULL ||
	    aps_operation_init(&event->operation, operation->document, operation->definition, operation->has_typenames,
	                       aps_operation_variables(operation), &err) != APS_OK) {
		free_event(core, event);
		return NULL;
	}
	memcpy(event->bytes->p, payload.p, payload.n);
	event->payload = (struct aps_str){event->bytes->p, payload.n};
	event->n_bytes = sizeof *event + payload.n + operation->n_variables_bytes;
	aps_connections_of(core, feed->client)->kept_bytes += event->n_bytes;
	return event;
}

static void park(struct aps_core *core, struct aps_feed *feed, struct aps_feed_event *event)
{
	struct aps_feed_event **at = &feed->parked;
	while (*at != NULL) at = &(*at)->next;
	*at = event;
	feed->n_parked++;
	feed->parked_bytes += event->n_bytes;
	update_held(core, feed);
}

/* Once for all consumers, before they have it. True: it is kept, or nowhere. */
static bool keep_event(struct aps_core *core, struct aps_feed *feed, struct aps_feed_event *event,
                       struct aps_str payload)
{
	struct aps_gqlhttp_response response;
	struct aps_parked *parked = &event->parked;
	aps_gqlhttp_parse_payload(payload, &event->decoded, &response);
	event->has_nothing = response.data.n == 0;
	if (event->has_nothing) return feed->parked == NULL;
	*parked = (struct aps_parked){
	        .operation = event->feed != NULL ? &event->operation : &feed->topic->operation,
	        .data = response.data,
	        .errors = response.errors,
	        .written = written,
	};
	return aps_caching_write(core, feed->client, feed->topic->cache, parked);
}

/* Where nothing is ever asked nothing is ever parked, and the event needs no memory of its own. */
static void keep_plain(struct aps_core *core, struct aps_feed *feed, struct aps_str payload)
{
	struct aps_feed_event event = {.feed = NULL};
	aps_arena_init(&event.decoded, APS_BUF_ANY_SIZE);
	keep_event(core, feed, &event, payload);
	aps_arena_clear(&event.decoded);
}

/* True: consumers may have it. Without memory it isn't kept, which is told as of any write. */
static bool keep(struct aps_core *core, struct aps_feed *feed, struct aps_str payload)
{
	const struct aps_cache_settings *settings = feed->client->settings.cache;
	if (settings == NULL || !aps_policies_ask(&settings->policies)) {
		keep_plain(core, feed, payload);
		return true;
	}
	struct aps_feed_event *event = new_event(core, feed, payload);
	if (event == NULL) {
		aps_core_log(core, feed->client->id, "error", "an event isn't in the cache: out of memory");
		return true;
	}
	bool is_kept = keep_event(core, feed, event, event->payload);
	if (is_kept)
		free_event(core, event);
	else
		park(core, feed, event);
	return is_kept;
}

void aps_feed_data(struct aps_core *core, struct aps_feed *feed, struct aps_bytes *bytes, struct aps_str payload)
{
	if (has_errors(payload)) mask_errors(feed, bytes, payload);
	if (feed->topic->cache == 0 || keep(core, feed, payload)) offer(core, feed, bytes, payload);
}

void aps_feed_resume(struct aps_core *core, struct aps_consumer *consumer)
{
	APS_ON_THREAD(core->thread);
	if (!consumer->is_full) return;
	consumer->is_full = false;
	aps_link_update_pause(core, consumer->feed->link);
}

bool aps_feed_is_full(const struct aps_feed *feed)
{
	for (const struct aps_consumer *consumer = feed->consumers; consumer != NULL; consumer = consumer->next)
		if (consumer->is_full) return true;
	return feed->is_held;
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
	struct aps_appsync_signing signing =
	        aps_credential_realtime_signing(feed->lease.credential, &feed->topic->headers);
	enum aps_rc rc = aps_json_writer_finish(&w);
	size_t object_at = payload->n;
	if (rc == APS_OK)
		rc = aps_appsync_realtime_object(aps_lease_material(&feed->lease), &signing, APS_APPSYNC_START, body,
		                                 payload, err);
	else
		aps_fail(err, rc, "the subscription is too big to be sent");
	/* After a refusal the service may still quote the start before. */
	if (!feed->lease.has_refreshed || feed->sent.records.n > APS_SECRETS_OLD_BYTES) aps_secrets_clear(&feed->sent);
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
	enum aps_rc rc = aps_gqlhttp_body(is_appsync ? &body : payload, &feed->topic->operation, err);
	if (rc == APS_E_TOO_BIG) aps_fail(err, rc, "the subscription is longer than %zu bytes", START_BYTES);
	if (rc == APS_OK && is_appsync) rc = write_start(feed, aps_buf_str(&body), payload, err);
	if (!is_appsync)
		aps_lease_material(&feed->lease); /* not written: a refusal is of the connection's, which it is */
	aps_buf_clear(&body);
	return rc;
}

static void send_start(struct aps_core *core, struct aps_feed *feed)
{
	struct aps_err err = {0};
	struct aps_buf payload;
	aps_buf_init(&payload, START_BYTES);
	feed->wants_start = false;
	feed->has_fresh_headers = false;
	if (render_start(feed, &payload, &err) == APS_OK)
		aps_link_start(core, feed->link, feed->number, aps_buf_str(&payload));
	else
		end_feed(core, feed, &err);
	aps_buf_clear(&payload);
}

static void follow(struct aps_core *core, struct aps_feed *feed, enum aps_lease_verdict verdict,
                   const struct aps_err *err)
{
	struct aps_err why = err != NULL && err->code != APS_OK ? *err : feed->refusal;
	switch (verdict) {
	case APS_LEASE_WAITING: break;
	case APS_LEASE_FAILED:
	case APS_LEASE_REFUSED: end_feed(core, feed, &why); break;
	case APS_LEASE_RENEWED: aps_link_retry_auth(core, feed->link, feed->number); break;
	case APS_LEASE_USABLE:
		if (feed->wants_start && feed->asked == NULL) send_start(core, feed);
		break;
	}
}

static void decided(struct aps_core *core, struct aps_lease *lease, enum aps_lease_verdict verdict,
                    const struct aps_err *err)
{
	follow(core, APS_CONTAINER_OF(lease, struct aps_feed, lease), verdict, err);
}

bool aps_feed_has_headers(struct aps_core *core, struct aps_feed *feed)
{
	if (!feed->topic->has_dynamic_headers || feed->has_fresh_headers) return true;
	if (feed->asked == NULL) ask(core, feed);
	return false;
}

static void go_on(struct aps_core *core, struct aps_feed *feed)
{
	struct aps_err err;
	enum aps_lease_verdict verdict = aps_lease_use(core, &feed->lease, &err);
	follow(core, feed, verdict, verdict == APS_LEASE_FAILED ? &err : NULL);
}

void aps_feed_want_start(struct aps_core *core, struct aps_feed *feed)
{
	feed->wants_start = true;
	if (aps_feed_has_headers(core, feed)) {
		go_on(core, feed);
	} else if (feed->asked == NULL) {
		end_without_memory(core, feed);
	}
}

void aps_feed_auth_refused(struct aps_core *core, struct aps_feed *feed, const struct aps_err *err)
{
	struct aps_err why;
	feed->refusal = *err;
	enum aps_lease_verdict verdict = aps_lease_refused(core, &feed->lease, &why);
	follow(core, feed, verdict, verdict == APS_LEASE_REFUSED ? &why : NULL);
}

void aps_feed_set_headers(struct aps_core *core, struct aps_consumer *consumer, struct aps_arena *arena,
                          struct aps_header_list *headers)
{
	APS_ON_THREAD(core->thread);
	struct aps_feed *feed = consumer->feed;
	if (feed == NULL || feed->asked != consumer) return;
	stop_asking(core, feed);
	feed->has_fresh_headers = true;
	aps_topic_swap_headers(feed->topic, arena, headers);
	if (feed->wants_start)
		go_on(core, feed);
	else
		aps_link_headers_ready(core, feed->link);
}

static void headers_overdue(struct aps_timer *timer, void *context, int64_t now_ms)
{
	struct aps_core *core = context;
	struct aps_feed *feed = APS_CONTAINER_OF(timer, struct aps_feed, headers_timer);
	int64_t again_ms = now_ms + HEADERS_TIMEOUT_MS;
	if (aps_timer_is_late(timer, now_ms) && aps_timer_set(&core->timers, timer, again_ms)) return;
	struct aps_err err;
	aps_fail_word(&err, APS_E_TIMEOUT, "headers_timeout", 0, "the headers function did not answer within %d s",
	              HEADERS_TIMEOUT_MS / 1000);
	end_feed(core, feed, &err);
}

void aps_feed_fail_headers(struct aps_core *core, struct aps_consumer *consumer, const char *message)
{
	APS_ON_THREAD(core->thread);
	struct aps_feed *feed = consumer->feed;
	if (feed == NULL || feed->asked != consumer) return;
	struct aps_err err;
	aps_fail_word(&err, APS_E_USAGE, "headers_failed", 0, "%s", message);
	end_feed(core, feed, &err);
}
