/* Events that wait for the application's functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/credential.h"
#include "client/feed.h"
#include "client/link_state.h"
#include "parking_world.h"

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

static void what_brings_nothing_for_the_cache_waits_its_turn(void **state)
{
	(void)state;
	struct listener listener;
	struct aps_feed *feed = join(&listener);
	send_text(feed, "{\"data\":null,\"errors\":[{\"message\":\"e\"}]}"); /* nobody is before it */
	assert_string_equal(listener.heard, "-");
	send_event(feed, 1);
	send_text(feed, "{\"data\":null,\"errors\":[{\"message\":\"e\"}]}");
	send_text(feed, "{\"data\":null,\"errors\":[{\"message\":\"e\"}]}");
	send_event(feed, 2);
	send_text(feed, "{\"data\":null,\"errors\":[{\"message\":\"e\"}]}");
	struct aps_answer_command *first = expect_event_question(1), *second = expect_event_question(2);
	assert_string_equal(listener.heard, "-");
	answer_with(first, "key");
	assert_string_equal(listener.heard, "-1--");
	aps_feed_leave(world.core, &listener.consumer); /* the last one is freed with the feed */
	answer_with(second, "key");
	assert_string_equal(listener.heard, "-1--");
	assert_int_equal(read_n(CACHE, "Rkey"), 2);
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
	        cmocka_unit_test_setup_teardown(events_are_told_after_they_were_written, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_brings_nothing_for_the_cache_waits_its_turn, setup, teardown),
	        cmocka_unit_test_setup_teardown(too_many_of_them_stop_the_socket, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_end_comes_after_what_came_before_it, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_consumer_that_fails_late_ends_its_feed, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_events_are_told_unwritten, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
