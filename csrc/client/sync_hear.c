#include "client/sync_hear.h"

#include "base/mem.h"
#include "client/connections.h"
#include "client/feed.h"
#include "client/link.h"
#include "client/sync_tell.h"
#include "proto/error_list.h"

/* What is held: more is forgotten, and fetched instead. */
#define MAX_EVENTS 8192
#define MAX_BYTES  ((size_t)8 * 1024 * 1024)

static struct aps_sync_run *of(struct aps_consumer *consumer)
{
	return APS_CONTAINER_OF(consumer, struct aps_sync_run, hearing.consumer);
}

void aps_sync_heard_free(struct aps_sync_heard *heard)
{
	if (heard == NULL) return;
	aps_bytes_unref(heard->bytes);
	aps_free(heard);
}

struct aps_sync_heard *aps_sync_hear_take(struct aps_sync_run *run)
{
	struct aps_sync_hearing *hearing = &run->hearing;
	struct aps_sync_heard *heard = hearing->first;
	if (heard == NULL) return NULL;
	hearing->first = heard->next;
	if (hearing->first == NULL) hearing->last = &hearing->first;
	hearing->n_events--;
	hearing->n_bytes -= heard->payload.n;
	if (hearing->n_to_drain > 0) hearing->n_to_drain--;
	return heard;
}

void aps_sync_hear_forget(struct aps_sync_run *run)
{
	struct aps_sync_heard *heard;
	while ((heard = aps_sync_hear_take(run)) != NULL) aps_sync_heard_free(heard);
}

/* A block that was read in one turn for all subscriptions isn't held for a small part of it. */
static struct aps_bytes *own(struct aps_bytes *bytes, struct aps_str *payload)
{
	if (payload->n * 4 >= bytes->n) return aps_bytes_ref(bytes);
	struct aps_bytes *copy = aps_bytes_new(payload->n);
	if (copy == NULL) return aps_bytes_ref(bytes);
	memcpy(copy->p, payload->p, payload->n);
	payload->p = copy->p;
	return copy;
}

/* One that is larger than all that may wait is held alone. */
static bool has_room_for(const struct aps_sync_run *run, size_t n_bytes)
{
	const struct aps_sync_hearing *hearing = &run->hearing;
	const struct aps_sync_settings *settings = run->settings;
	size_t max_events = settings->max_events != 0 ? settings->max_events : MAX_EVENTS;
	size_t max_bytes = settings->max_bytes != 0 ? settings->max_bytes : MAX_BYTES;
	if (hearing->n_events == 0) return true;
	return hearing->n_events < max_events && hearing->n_bytes + n_bytes <= max_bytes;
}

static enum aps_consumer_verdict offer(struct aps_core *core APS_UNUSED, struct aps_consumer *consumer,
                                       struct aps_bytes *bytes, struct aps_str payload, struct aps_err *err APS_UNUSED)
{
	struct aps_sync_run *run = of(consumer);
	struct aps_sync_hearing *hearing = &run->hearing;
	run->counts.n_events++;
	APS_STATS_ADD(run->client->stats, events, 1);
	struct aps_sync_heard *heard = aps_calloc(1, sizeof *heard);
	bool has_room = has_room_for(run, payload.n);
	if (heard == NULL || !has_room) {
		aps_free(heard);
		hearing->has_missed = true;
		aps_sync_hear_forget(run);
		return APS_CONSUMER_OK;
	}
	heard->bytes = own(bytes, &payload);
	heard->payload = payload;
	*hearing->last = heard;
	hearing->last = &heard->next;
	hearing->n_events++;
	hearing->n_bytes += payload.n;
	return APS_CONSUMER_OK;
}

static void tell(struct aps_core *core APS_UNUSED, struct aps_consumer *consumer, const char *state,
                 const struct aps_err *err)
{
	struct aps_sync_run *run = of(consumer);
	struct aps_sync_hearing *hearing = &run->hearing;
	if (strcmp(state, "subscribed") == 0)
		hearing->standing = APS_SYNC_STANDS;
	else if (strcmp(state, "reconnecting") == 0)
		hearing->standing = APS_SYNC_IS_LOST;
	else
		hearing->standing = APS_SYNC_IS_DELAYED;
	if (hearing->standing != APS_SYNC_STANDS) {
		bool is_gap = run->machine.phase == APS_SYNC_LIVE || run->machine.phase == APS_SYNC_DRAINING;
		if (run->settings->hands_over && is_gap)
			hearing->n_to_drain = hearing->n_events; /* these came before */
		hearing->was_lost = true;
	}
	aps_err_clear(&hearing->trouble);
	if (err != NULL) hearing->trouble = *err;
	hearing->has_news = true;
}

void aps_sync_hear_note_partial(struct aps_sync_run *run)
{
	if (run->settings->options.has_delta) run->hearing.has_missed = true;
	if (run->hearing.is_partial_told) return;
	run->hearing.is_partial_told = true;
	struct aps_str version = run->settings->parts[APS_SYNC_PART_SUBSCRIPTION].names.version_field;
	aps_core_log(
	        run->core, run->client->id, "warn",
	        "a delta sync got an event that isn't whole (it has no record%s%.*s): mutations have to select the "
	        "fields that the base query selects",
	        version.n != 0 ? ", or no " : "", (int)version.n, version.n != 0 ? version.p : "");
}

static void missed(struct aps_core *core APS_UNUSED, struct aps_consumer *consumer)
{
	of(consumer)->hearing.has_missed = true;
}

static bool ask_headers(struct aps_core *core APS_UNUSED, struct aps_consumer *consumer)
{
	struct aps_sync_run *run = of(consumer);
	struct aps_err err;
	if (!run->settings->asks_headers) return false;
	run->hearing.question = ++run->last_question;
	return aps_sync_tell_headers(run, run->hearing.question, APS_SYNC_PART_SUBSCRIPTION, &err) == APS_OK;
}

static void end(struct aps_core *core APS_UNUSED, struct aps_consumer *consumer, const struct aps_err *err,
                const char *told)
{
	struct aps_sync_run *run = of(consumer);
	struct aps_sync_hearing *hearing = &run->hearing;
	aps_sync_run_note_told(run, told != NULL ? aps_str_of(told) : APS_STR(""));
	hearing->is_joined = false;
	hearing->standing = APS_SYNC_HAS_ENDED;
	aps_err_clear(&hearing->trouble);
	if (err != NULL) hearing->trouble = *err;
	hearing->has_news = true;
}

static const struct aps_consumer_kind KIND = {
        .offer = offer, .tell = tell, .missed = missed, .ask_headers = ask_headers, .end = end};

void aps_sync_hear_init(struct aps_sync_run *run)
{
	run->hearing.consumer.kind = &KIND;
	run->hearing.last = &run->hearing.first;
}

static enum aps_rc fill_topic(const struct aps_sync_run *run, struct aps_topic *topic, struct aps_err *err)
{
	const struct aps_sync_settings *settings = run->settings;
	const struct aps_operation *asked = &settings->parts[APS_SYNC_PART_SUBSCRIPTION].operation;
	topic->credential = settings->credential;
	topic->cache = settings->hands_over ? run->cache : 0; /* else the run writes what it hears itself */
	topic->has_dynamic_headers = settings->asks_headers;
	enum aps_rc rc = aps_operation_init(&topic->operation, asked->document, asked->definition, asked->has_typenames,
	                                    aps_operation_variables(asked), err);
	const struct aps_header_list *list = &settings->headers;
	for (size_t i = 0; rc == APS_OK && i < list->n_items; i++)
		rc = aps_header_list_add(&topic->headers, list->items[i].name, list->items[i].value, err);
	return rc;
}

/* Without memory to read them: it will be told once more. */
static enum aps_error_family family_of(const char *errors)
{
	struct aps_arena arena;
	struct aps_error_list list;
	if (errors == NULL) return APS_FAMILY_OTHER;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_error_list_read(aps_str_of(errors), &arena, &list);
	enum aps_error_family family = rc == APS_OK && list.n_errors != 0 ? list.family : APS_FAMILY_OTHER;
	aps_arena_clear(&arena);
	return rc == APS_E_NOMEM ? APS_FAMILY_UNCLEAR : family;
}

bool aps_sync_hear_is_refused(const struct aps_sync_run *run)
{
	const struct aps_err *trouble = &run->hearing.trouble;
	if (trouble->retryable || (trouble->code != APS_E_GRAPHQL && trouble->code != APS_E_USAGE)) return false;
	switch (family_of(run->told)) {
	case APS_FAMILY_SUBSCRIPTION_LIMIT:
	case APS_FAMILY_THROTTLED:
	case APS_FAMILY_UNAVAILABLE:
	case APS_FAMILY_TIMED_OUT:
	case APS_FAMILY_UNCLEAR: return false;
	default: return true;
	}
}

void aps_sync_hear_begin(struct aps_sync_run *run)
{
	struct aps_sync_hearing *hearing = &run->hearing;
	struct aps_err err;
	struct aps_topic *topic = aps_topic_new();
	enum aps_rc rc = topic != NULL ? fill_topic(run, topic, &err) : aps_fail(&err, APS_E_NOMEM, "out of memory");
	if (rc != APS_OK) {
		aps_topic_free(topic);
		hearing->standing = APS_SYNC_HAS_ENDED;
		hearing->trouble = err;
		hearing->has_news = true;
		return;
	}
	const struct aps_subscription what = {topic, !run->settings->asks_headers && !run->settings->hands_over};
	hearing->is_joined = true;
	aps_connections_subscribe(run->core, run->client, &what, &hearing->consumer);
}

void aps_sync_hear_end(struct aps_sync_run *run)
{
	if (run->hearing.is_joined && run->hearing.consumer.feed != NULL)
		aps_feed_leave(run->core, &run->hearing.consumer);
	run->hearing.is_joined = false;
	run->hearing.has_news = false;
	run->hearing.question = 0;
	aps_sync_hear_forget(run);
}

int64_t aps_sync_hear_last_ms(const struct aps_sync_run *run, int64_t since_ms)
{
	const struct aps_feed *feed = run->hearing.consumer.feed;
	return run->hearing.is_joined && feed != NULL ? aps_link_heard_ms(feed->link, since_ms) : 0;
}

bool aps_sync_hear_give_headers(struct aps_sync_run *run, uint64_t question, struct aps_arena *arena,
                                struct aps_header_list *headers, const char *failed)
{
	struct aps_sync_hearing *hearing = &run->hearing;
	if (question == 0 || hearing->question != question) return false;
	hearing->question = 0;
	if (!hearing->is_joined || hearing->consumer.feed == NULL) return true;
	if (failed != NULL)
		aps_feed_fail_headers(run->core, &hearing->consumer, failed);
	else
		aps_feed_set_headers(run->core, &hearing->consumer, arena, headers);
	return true;
}
