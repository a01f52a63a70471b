/* Responses that wait for the application's functions, in the cache, as flights and as events of feeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "client/cache_commands.h"
#include "client/call.h"
#include "client/collect_commands.h"
#include "client/connections.h"
#include "client/credential.h"
#include "client/feed.h"
#include "client/flight.h"
#include "client/link_state.h"
#include "client/partition.h"
#include "client/question.h"
#include "core_world.h"
#include "net/answer.h"

enum { CACHE = 3, OTHER = 4, CREDENTIAL = 5 };

#define QUERY      "{ a { id n } }"
#define NONE_ASKED "{\"a\":null}"

static struct core_world world;
static struct aps_operation query;

static struct aps_operation make(const char *text)
{
	struct aps_gql_document *doc;
	struct aps_operation operation;
	assert_int_equal(aps_gql_document_new(aps_str_of(text), &doc, NULL, NULL), APS_OK);
	assert_int_equal(
	        aps_operation_init(&operation, doc, aps_gql_document_operation(doc, 0), true, APS_STR(""), NULL),
	        APS_OK);
	aps_gql_document_unref(doc);
	return operation;
}

static void open_cache(uint64_t id, const char *identity)
{
	struct aps_channel *channel = aps_channel_new(5);
	struct aps_cached *cached = aps_cached_new(id, identity, channel);
	assert_non_null(cached);
	aps_caching_open(world.core, world.client, cached);
	aps_channel_unref(channel);
}

static int setup(void **state)
{
	(void)state;
	struct aps_err err;
	core_world_begin(&world);
	struct aps_settings *settings = &world.client->settings;
	settings->endpoint = aps_strndup("http://127.0.0.1:9/", 19);
	settings->realtime_endpoint = aps_strndup("ws://127.0.0.1:9/", 17);
	settings->request_timeout_ms = 60000;
	settings->cache = aps_cache_settings_new();
	settings->cache->is_in_memory = true;
	settings->cache->key_prefix = aps_strndup("p", 1);
	settings->cache->policies.asks_all = true;
	assert_int_equal(aps_cache_settings_place(settings->cache, &err), APS_OK);
	aps_connections_set_online(world.core, world.client, false);
	open_cache(CACHE, "");
	open_cache(OTHER, "ann");
	query = make(QUERY);
	core_world_turn(&world);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aps_operation_clear(&query);
	core_world_finish(&world);
	return 0;
}

/* The next event, after a turn; NULL: none. */
static struct aps_event *take(void)
{
	core_world_turn(&world);
	return core_world_take(&world);
}

static void drop(struct aps_event *event)
{
	event->mail.kind->free_mail(&event->mail);
}

static void expect_nothing(void)
{
	assert_null(take());
}

/* The question that is asked next: its command is the caller's. */
static struct aps_answer_command *expect_question(const char *data)
{
	struct aps_question_event *event = (struct aps_question_event *)take();
	assert_non_null(event);
	assert_int_equal(event->head.kind, APS_EVENT_ASK);
	assert_int_equal(event->head.target, 7);
	assert_true(aps_str_is((struct aps_str){event->data->p, event->data->n}, data));
	struct aps_answer_command *answer = event->answer;
	event->answer = NULL;
	assert_int_equal(answer->head.id, event->number);
	assert_false(answer->head.begins);
	drop(&event->head);
	return answer;
}

/* All of its objects are the record of this key; NULL: nothing is told. */
static void answer_with(struct aps_answer_command *answer, const char *key)
{
	for (size_t i = 0; key != NULL && i < aps_asked_count(answer->asked); i++)
		assert_true(aps_asked_tell(answer->asked, i, aps_str_of(key)));
	answer->head.run(world.core, &answer->head);
}

/* The field n of the record; -1: it isn't there. */
static int64_t read_n(uint64_t cache, const char *key)
{
	struct aps_partition *partition = aps_caching_partition(world.core, world.client, cache);
	struct aps_entry *entry = NULL;
	struct aps_cell value;
	assert_int_equal(aps_entries_find(&partition->cache.entries, aps_str_of(key), &entry, NULL), APS_OK);
	uint32_t name = aps_names_find(&partition->cache.names, APS_STR("n"));
	bool is_there = entry != NULL && name != 0 && aps_cell_find_field(aps_entry_content(entry), name, &value);
	return is_there ? value.as.integer : -1;
}

/* Who has something written. */
struct owner {
	struct aps_parked parked;
	char data[96];
	unsigned place; /* in the order in which they were told; 0: not yet */
};

static unsigned n_written;

static void written(struct aps_core *core, struct aps_parked *parked)
{
	(void)core;
	APS_CONTAINER_OF(parked, struct owner, parked)->place = ++n_written;
}

static const char *object_of(char data[96], int n)
{
	snprintf(data, 96, "{\"a\":{\"id\":\"1\",\"n\":%d,\"__typename\":\"T\"}}", n);
	return data;
}

/* n < 0: there is nothing to ask about it. True: it was written at once. */
static bool write_into(uint64_t cache, struct owner *owner, int n)
{
	if (n < 0)
		strcpy(owner->data, NONE_ASKED);
	else
		object_of(owner->data, n);
	owner->place = 0;
	owner->parked = (struct aps_parked){
	        .operation = &query, .data = aps_str_of(owner->data), .errors = APS_STR(""), .written = written};
	return aps_caching_write(world.core, world.client, cache, &owner->parked);
}

static void a_response_is_written_when_its_objects_were_told(void **state)
{
	(void)state;
	struct owner one;
	n_written = 0;
	assert_false(write_into(CACHE, &one, 1));
	struct aps_answer_command *answer = expect_question(one.data);
	expect_nothing(); /* no answer is none */
	assert_int_equal(one.place, 0);
	assert_int_equal(read_n(CACHE, "Rkey"), -1);
	answer_with(answer, "key");
	assert_int_equal(one.place, 1);
	assert_int_equal(read_n(CACHE, "Rkey"), 1);
	/* where nothing is told its fields tell */
	assert_false(write_into(CACHE, &one, 2));
	answer_with(expect_question(one.data), NULL);
	assert_int_equal(read_n(CACHE, "RT:1"), 2);
	/* a question that got lost */
	assert_false(write_into(CACHE, &one, 3));
	answer = expect_question(one.data);
	struct aps_answer_command *lost = aps_answer_command_new(7, answer->head.id, aps_caching_run_answer);
	aps_command_free(&answer->head);
	lost->head.run(world.core, &lost->head);
	assert_int_equal(read_n(CACHE, "RT:1"), 3);
	assert_true(write_into(CACHE, &one, -1));
	assert_true(write_into(77, &one, 4)); /* of nobody */
	expect_nothing();
}

static void they_are_written_in_the_order_in_which_they_came(void **state)
{
	(void)state;
	struct owner owners[4];
	n_written = 0;
	assert_false(write_into(CACHE, &owners[0], 1));
	assert_false(write_into(CACHE, &owners[1], -1)); /* waits for the one before it */
	assert_false(write_into(CACHE, &owners[2], 2));
	assert_false(write_into(OTHER, &owners[3], 3));
	struct aps_answer_command *first = expect_question(owners[0].data);
	struct aps_answer_command *second = expect_question(owners[2].data);
	struct aps_answer_command *other = expect_question(owners[3].data);
	answer_with(second, "key");
	assert_int_equal(n_written, 0);
	answer_with(other, "key"); /* a partition of its own */
	assert_int_equal(owners[3].place, 1);
	answer_with(first, "key");
	assert_int_equal(owners[0].place, 2);
	assert_int_equal(owners[1].place, 3);
	assert_int_equal(owners[2].place, 4);
	assert_int_equal(read_n(CACHE, "Rkey"), 2);
	assert_int_equal(read_n(OTHER, "Rkey"), 3);
	assert_true(write_into(CACHE, &owners[0], -1));
	expect_nothing();
}

static void what_came_before_a_clear_does_not_come_back(void **state)
{
	(void)state;
	struct owner owners[2];
	n_written = 0;
	assert_false(write_into(CACHE, &owners[0], 1));
	struct aps_answer_command *first = expect_question(owners[0].data);
	aps_caching_clear(world.core, world.client, CACHE, APS_PART_CLEARED);
	assert_int_equal(owners[0].place, 1);
	assert_false(write_into(CACHE, &owners[1], 2));
	struct aps_answer_command *second = expect_question(owners[1].data);
	answer_with(first, "old"); /* late: nobody asks that any more */
	answer_with(second, "new");
	assert_int_equal(read_n(CACHE, "Rold"), -1);
	assert_int_equal(read_n(CACHE, "Rnew"), 2);
	expect_nothing();
}

static void a_cache_that_closes_lets_go_of_what_waits(void **state)
{
	(void)state;
	struct owner owners[2];
	n_written = 0;
	assert_false(write_into(OTHER, &owners[0], 1));
	assert_false(write_into(CACHE, &owners[1], 2));
	struct aps_answer_command *first = expect_question(owners[0].data);
	aps_command_free(&expect_question(owners[1].data)->head);
	aps_caching_close(world.core, world.client, OTHER);
	assert_int_equal(owners[0].place, 1);
	answer_with(first, "key");
	aps_core_close_client(world.core, world.client);
	assert_int_equal(owners[1].place, 2);
	world.client = aps_calloc(1, sizeof *world.client); /* for the world's end */
	struct aps_err err;
	world.client->id = 8;
	world.client->stats = aps_stats_new();
	aps_settings_init(&world.client->settings);
	assert_int_equal(aps_core_open_client(world.core, world.client, &err), APS_OK);
}

static size_t n_logs(const char *part)
{
	size_t n = 0;
	core_world_turn(&world);
	for (struct aps_event *event; (event = core_world_take(&world)) != NULL; drop(event)) {
		const struct aps_note_event *note = (const struct aps_note_event *)event;
		if (event->kind == APS_EVENT_LOG && strstr(note->text, part) != NULL) n++;
	}
	return n;
}

static void without_memory_to_ask_nobody_waits(void **state)
{
	(void)state;
	bool is_parked = false;
	size_t n_told = 0;
	for (size_t nth = 1; !is_parked; nth++) {
		struct owner one;
		aps_mem_fail_at(nth);
		is_parked = !write_into(CACHE, &one, 5);
		aps_mem_fail_at(0);
		if (is_parked)
			answer_with(expect_question(one.data), "key");
		else
			n_told +=
			        n_logs("the cache can't be written: no memory to ask for the identities in a response");
		assert_true(nth < 100);
	}
	assert_int_equal(n_told, 1); /* once */
	assert_int_equal(read_n(CACHE, "Rkey"), 5);
}

/* Calls. */

static void ask(uint64_t id, const char *document)
{
	struct aps_call_command *command = aps_call_command_new(7, id);
	assert_non_null(command);
	command->topic->operation = make(document);
	command->topic->cache = CACHE;
	command->is_safe = true;
	command->head.run(world.core, &command->head);
}

static struct aps_flight *flight_of(uint64_t id)
{
	const struct aps_passenger *passenger = aps_table_get(aps_core_part(world.core, &aps_call_feature), id);
	return passenger != NULL ? passenger->flight : NULL;
}

static void respond(uint64_t id, const char *data)
{
	struct aps_answer_sink *sink = (struct aps_answer_sink *)flight_of(id);
	char body[160];
	snprintf(body, sizeof body, "{\"data\":%s}", data);
	struct aps_http_answer answer = {.status = 200, .n_body = strlen(body)};
	aps_http_cancel(world.core->http, ((struct aps_request *)sink)->exchange);
	answer.body = aps_strndup(body, answer.n_body);
	sink->answered(world.core, sink, &answer);
	aps_http_answer_clear(&answer);
}

static void expect_result(uint64_t id, enum aps_rc code)
{
	struct aps_result_event *result = (struct aps_result_event *)take();
	assert_non_null(result);
	assert_int_equal(result->head.kind, APS_EVENT_RESULT);
	assert_int_equal(result->head.target, id);
	assert_int_equal(result->response.err.code, code);
	drop(&result->head);
}

static void cancel(uint64_t id)
{
	struct aps_command *command = aps_cancel_command_new(7, id);
	command->run(world.core, command);
}

static void let_pass(int64_t ms)
{
	aps_timers_run(&world.core->timers, world.core, aps_clock_mono_ms() + ms);
}

static void a_call_is_told_after_its_answer_was_written(void **state)
{
	(void)state;
	char data[96];
	ask(11, QUERY);
	ask(12, QUERY);
	respond(11, object_of(data, 1));
	struct aps_answer_command *answer = expect_question(data);
	ask(13, QUERY); /* what has come isn't what is asked for now */
	assert_int_equal(world.client->stats->requests, 2);
	let_pass(50000);
	expect_nothing();
	answer_with(answer, "key");
	assert_int_equal(read_n(CACHE, "Rkey"), 1);
	expect_result(11, APS_OK);
	expect_result(12, APS_OK);
	cancel(13);
	expect_result(13, APS_E_CANCELLED);
}

static void an_answer_that_waits_is_not_late(void **state)
{
	(void)state;
	char data[96];
	ask(11, QUERY);
	respond(11, object_of(data, 1));
	struct aps_answer_command *answer = expect_question(data);
	let_pass(70000);
	expect_nothing();
	answer_with(answer, "key");
	expect_result(11, APS_OK);
}

static void who_leaves_is_told_and_the_answer_is_kept(void **state)
{
	(void)state;
	char data[96];
	ask(11, "mutation { a { id n } }");
	respond(11, object_of(data, 6));
	struct aps_answer_command *answer = expect_question(data);
	cancel(11);
	expect_result(11, APS_E_CANCELLED);
	answer_with(answer, "key");
	expect_nothing();
	assert_int_equal(read_n(CACHE, "Rkey"), 6);
	/* and one that nobody has an answer for when the client closes: the world looks for leaks */
	ask(12, QUERY);
	ask(13, QUERY);
	respond(12, object_of(data, 7));
	aps_command_free(&expect_question(data)->head);
	cancel(12);
	expect_result(12, APS_E_CANCELLED);
	cancel(13);
	expect_result(13, APS_E_CANCELLED);
}

static void a_client_that_closes_answers_those_who_wait(void **state)
{
	(void)state;
	char data[96];
	ask(11, QUERY);
	respond(11, object_of(data, 1));
	aps_command_free(&expect_question(data)->head);
	aps_core_close_client(world.core, world.client);
	expect_result(11, APS_E_CLOSED);
	struct aps_err err;
	world.client = aps_calloc(1, sizeof *world.client);
	world.client->id = 8;
	world.client->stats = aps_stats_new();
	aps_settings_init(&world.client->settings);
	assert_int_equal(aps_core_open_client(world.core, world.client, &err), APS_OK);
}

/* Events. */

struct listener {
	struct aps_consumer consumer;
	enum aps_consumer_verdict verdict;
	char heard[64];    /* n of each event */
	bool is_behind[8]; /* the cache hadn't it when it was told */
	unsigned n_heard;
	unsigned n_ends;
};

static enum aps_consumer_verdict hear(struct aps_core *core, struct aps_consumer *consumer, struct aps_bytes *bytes,
                                      struct aps_str payload, struct aps_err *err)
{
	(void)core;
	struct listener *listener = APS_CONTAINER_OF(consumer, struct listener, consumer);
	const char *n = aps_str_find(payload, "\"n\":");
	assert_true(payload.p >= bytes->p && payload.p + payload.n <= bytes->p + bytes->n);
	size_t at = strlen(listener->heard);
	snprintf(listener->heard + at, sizeof listener->heard - at, "%c", n != NULL ? n[4] : '-');
	if (listener->n_heard < 8 && n != NULL)
		listener->is_behind[listener->n_heard] = read_n(CACHE, "Rkey") != n[4] - '0';
	listener->n_heard++;
	if (listener->verdict == APS_CONSUMER_FAILED) aps_fail(err, APS_E_PROTOCOL, "no more");
	return listener->verdict;
}

static void hear_end(struct aps_core *core, struct aps_consumer *consumer, const struct aps_err *err, const char *told)
{
	(void)core, (void)err, (void)told;
	struct listener *listener = APS_CONTAINER_OF(consumer, struct listener, consumer);
	assert_int_equal(listener->n_ends++, 0);
}

static const struct aps_consumer_kind LISTENER = {.offer = hear, .end = hear_end};

static struct aps_feed *join(struct listener *listener)
{
	struct aps_topic *topic = aps_topic_new();
	assert_non_null(topic);
	topic->operation = make("subscription { a { id n } }");
	topic->cache = CACHE;
	topic->credential = CREDENTIAL;
	if (aps_credential_find(world.core, CREDENTIAL) == NULL) {
		struct aps_auth_material material;
		struct aps_credential *credential = aps_calloc(1, sizeof *credential);
		credential->id = CREDENTIAL;
		credential->client = world.client;
		aps_auth_slot_init(&credential->slot, APS_AUTH_API_KEY, false);
		assert_int_equal(aps_auth_material_init(&material, APS_AUTH_API_KEY, APS_STR("key"), NULL, NULL),
		                 APS_OK);
		aps_credential_give(credential, &material);
		assert_true(aps_credential_add(world.core, credential));
	}
	const struct aps_subscription what = {topic, true};
	*listener = (struct listener){.consumer.kind = &LISTENER};
	aps_connections_subscribe(world.core, world.client, &what, &listener->consumer);
	assert_non_null(listener->consumer.feed);
	while (core_world_turn(&world) != 0) drop(core_world_take(&world));
	return listener->consumer.feed;
}

static size_t fails_at; /* the allocation of the core that fails; 0: none */

static void send_text(struct aps_feed *feed, const char *text)
{
	struct aps_bytes *bytes = aps_bytes_new(strlen(text));
	assert_non_null(bytes);
	memcpy(bytes->p, text, bytes->n);
	aps_mem_fail_at(fails_at);
	aps_feed_data(world.core, feed, bytes, (struct aps_str){bytes->p, bytes->n});
	aps_mem_fail_at(0);
	aps_bytes_unref(bytes);
}

static void send_event(struct aps_feed *feed, int n)
{
	char data[96], text[128];
	snprintf(text, sizeof text, "{\"data\":%s}", object_of(data, n));
	send_text(feed, text);
}

static struct aps_answer_command *expect_event_question(int n)
{
	char data[96];
	return expect_question(object_of(data, n));
}

static void events_are_told_after_they_were_written(void **state)
{
	(void)state;
	struct listener listener;
	struct aps_feed *feed = join(&listener);
	size_t kept_before = aps_connections_of(world.core, world.client)->kept_bytes;
	send_event(feed, 1);
	send_text(feed, "{\"data\":{\"a\":null}}");
	send_event(feed, 2);
	assert_string_equal(listener.heard, "");
	assert_true(aps_connections_of(world.core, world.client)->kept_bytes > kept_before);
	struct aps_answer_command *first = expect_event_question(1), *second = expect_event_question(2);
	answer_with(second, "key");
	assert_string_equal(listener.heard, "");
	answer_with(first, "key");
	assert_string_equal(listener.heard, "1-2");
	assert_false(listener.is_behind[0]);
	assert_false(listener.is_behind[2]);
	assert_int_equal(aps_connections_of(world.core, world.client)->kept_bytes, kept_before);
	aps_feed_leave(world.core, &listener.consumer);
}

static void too_many_of_them_stop_the_socket(void **state)
{
	(void)state;
	struct listener listener;
	struct aps_feed *feed = join(&listener);
	struct aps_answer_command *first = NULL;
	for (int i = 0; i < 1024; i++) {
		assert_false(aps_feed_is_full(feed));
		send_event(feed, i % 10);
		if (i == 0) first = expect_event_question(0);
	}
	assert_true(aps_feed_is_full(feed));
	answer_with(first, "key");
	assert_false(aps_feed_is_full(feed));
	struct aps_event *event;
	while ((event = take()) != NULL) {
		struct aps_question_event *question = (struct aps_question_event *)event;
		struct aps_answer_command *answer = question->answer;
		question->answer = NULL;
		drop(event);
		answer_with(answer, "key");
	}
	assert_int_equal(listener.n_heard, 1024);
	aps_feed_leave(world.core, &listener.consumer);
}

static void an_end_comes_after_what_came_before_it(void **state)
{
	(void)state;
	struct listener listener, failing;
	struct aps_feed *feed = join(&listener);
	join(&failing);
	failing.verdict = APS_CONSUMER_FAILED;
	send_event(feed, 1);
	send_event(feed, 2);
	struct aps_answer_command *first = expect_event_question(1), *second = expect_event_question(2);
	struct aps_link *link = feed->link;
	uint64_t number = feed->number;
	aps_feed_ended(world.core, feed, NULL);
	aps_link_remove(world.core, link, number);
	assert_string_equal(listener.heard, "12");
	assert_int_equal(listener.n_ends, 1);
	assert_string_equal(failing.heard, "1");
	assert_int_equal(failing.n_ends, 1);
	answer_with(first, "key");
	answer_with(second, "key");
	assert_int_equal(read_n(CACHE, "Rkey"), 2); /* kept all the same */
	assert_string_equal(listener.heard, "12");
	assert_int_equal(aps_connections_of(world.core, world.client)->kept_bytes, 0);
}

static void a_consumer_that_fails_late_ends_its_feed(void **state)
{
	(void)state;
	struct listener listener;
	struct aps_feed *feed = join(&listener);
	listener.verdict = APS_CONSUMER_FAILED;
	send_event(feed, 1);
	send_event(feed, 2);
	struct aps_answer_command *first = expect_event_question(1), *second = expect_event_question(2);
	answer_with(first, "key");
	assert_string_equal(listener.heard, "1");
	assert_int_equal(listener.n_ends, 1);
	answer_with(second, "key");
	assert_int_equal(read_n(CACHE, "Rkey"), 2);
	/* and one whose consumer leaves meanwhile, and whose client closes */
	feed = join(&listener);
	send_event(feed, 3);
	aps_command_free(&expect_event_question(3)->head);
	aps_feed_leave(world.core, &listener.consumer);
}

static void without_memory_events_are_told_unwritten(void **state)
{
	(void)state;
	struct listener listener;
	struct aps_feed *feed = join(&listener);
	for (size_t nth = 1; nth < 40; nth++) {
		unsigned n_before = listener.n_heard;
		fails_at = nth;
		send_event(feed, 1);
		fails_at = 0;
		struct aps_event *event;
		bool is_asked = false;
		while ((event = take()) != NULL) {
			is_asked = is_asked || event->kind == APS_EVENT_ASK;
			struct aps_question_event *question = (struct aps_question_event *)event;
			struct aps_answer_command *answer = event->kind == APS_EVENT_ASK ? question->answer : NULL;
			if (answer != NULL) question->answer = NULL;
			drop(event);
			if (answer != NULL) answer_with(answer, "key");
		}
		assert_int_equal(listener.n_heard, n_before + 1);
		if (is_asked) break;
		listener.heard[0] = '\0';
	}
	assert_int_equal(read_n(CACHE, "Rkey"), 1);
	aps_feed_leave(world.core, &listener.consumer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_response_is_written_when_its_objects_were_told, setup, teardown),
	        cmocka_unit_test_setup_teardown(they_are_written_in_the_order_in_which_they_came, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_came_before_a_clear_does_not_come_back, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_cache_that_closes_lets_go_of_what_waits, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_to_ask_nobody_waits, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_call_is_told_after_its_answer_was_written, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_answer_that_waits_is_not_late, setup, teardown),
	        cmocka_unit_test_setup_teardown(who_leaves_is_told_and_the_answer_is_kept, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_client_that_closes_answers_those_who_wait, setup, teardown),
	        cmocka_unit_test_setup_teardown(events_are_told_after_they_were_written, setup, teardown),
	        cmocka_unit_test_setup_teardown(too_many_of_them_stop_the_socket, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_end_comes_after_what_came_before_it, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_consumer_that_fails_late_ends_its_feed, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_events_are_told_unwritten, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
