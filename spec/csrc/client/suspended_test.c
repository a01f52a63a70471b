/* The application takes nothing for a while and has said so: what subscriptions miss is counted, and none of them ends.
 */
#include "base/clock.h"
#include "client/connections.h"
#include "client/lifecycle.h"
#include "client/subscriber.h"
#include "client/subscription_commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core_world.h"

enum { CLIENT = 7, CREDENTIAL = 3, SUBSCRIPTION = 100, N_WINDOW = 10 };

/* Nothing is connected. */
struct world {
	struct core_world all;
	struct aps_core *core;
	struct aps_subscriber *subscriber;
	struct aps_bytes *bytes;
};

static void begin(struct world *world, enum aps_overflow overflow)
{
	core_world_begin(&world->all);
	world->core = world->all.core;
	world->bytes = aps_bytes_new(1);
	struct aps_settings *settings = &world->all.client->settings;
	settings->endpoint = aps_strndup("https://a.example/graphql", 25);
	settings->realtime_endpoint = aps_strndup("ws://a.example/", 15);
	core_world_add_key(&world->all, CREDENTIAL);
	aps_connections_set_online(world->core, world->all.client, false);
	struct aps_gql_document *doc;
	struct aps_subscribe_command *command = aps_subscribe_command_new(CLIENT, SUBSCRIPTION);
	assert_int_equal(aps_gql_document_new(APS_STR("subscription A { on { n } }"), &doc, NULL, NULL), APS_OK);
	assert_int_equal(aps_operation_init(&command->topic->operation, doc, aps_gql_document_find(doc, APS_STR("A")),
	                                    false, APS_STR("{}"), NULL),
	                 APS_OK);
	aps_gql_document_unref(doc);
	command->topic->credential = CREDENTIAL;
	command->limits = (struct aps_window_limits){.overflow = overflow, .max_items = N_WINDOW, .max_bytes = 1000};
	command->head.run(world->core, &command->head);
	world->subscriber = aps_subscriber_find(world->core, SUBSCRIPTION);
	assert_non_null(world->subscriber);
}

static void finish(struct world *world)
{
	aps_bytes_unref(world->bytes);
	core_world_finish(&world->all);
}

static enum aps_consumer_verdict offer(struct world *world, size_t n)
{
	struct aps_consumer *consumer = &world->subscriber->consumer;
	enum aps_consumer_verdict verdict = APS_CONSUMER_OK;
	struct aps_err err;
	for (size_t i = 0; i < n && verdict == APS_CONSUMER_OK; i++)
		verdict = consumer->kind->offer(world->core, consumer, world->bytes,
		                                (struct aps_str){world->bytes->p, 1}, &err);
	return verdict;
}

/* How many data events there are, and the number of the last "missed", 0: none. */
static size_t take_all(struct world *world, uint64_t *n_missed)
{
	size_t n_data = 0;
	*n_missed = 0;
	core_world_turn(&world->all);
	for (struct aps_event *event; (event = core_world_take(&world->all)) != NULL;) {
		if (event->kind == APS_EVENT_SUB_DATA) n_data++;
		if (event->kind == APS_EVENT_SUB_STATE) {
			const struct aps_note_event *note = (const struct aps_note_event *)event;
			if (note->word != NULL && strcmp(note->word, "missed") == 0) *n_missed = note->number;
		}
		event->mail.kind->free_mail(&event->mail);
	}
	return n_data;
}

static void events_are_counted_and_told_when_it_is_over(void **state APS_UNUSED)
{
	const enum aps_overflow ALL[] = {APS_OVERFLOW_PAUSE, APS_OVERFLOW_DROP_OLDEST, APS_OVERFLOW_ERROR};
	for (size_t i = 0; i < APS_COUNTOF(ALL); i++) {
		struct world world;
		uint64_t n_missed;
		begin(&world, ALL[i]);
		assert_int_equal(offer(&world, 3), APS_CONSUMER_OK);
		aps_core_suspend(world.core, true);
		assert_int_equal(offer(&world, 18000), APS_CONSUMER_OK);
		assert_int_equal(take_all(&world, &n_missed), 3);
		assert_int_equal(n_missed, 0);
		assert_int_equal(atomic_load(&world.core->n_missed), 18000);
		assert_int_equal(atomic_load(&world.all.client->stats->dropped_events), 18000);
		aps_core_suspend(world.core, false);
		assert_int_equal(take_all(&world, &n_missed), 0);
		assert_int_equal(n_missed, 18000);
		assert_int_equal(offer(&world, 1), APS_CONSUMER_OK);
		assert_int_equal(take_all(&world, &n_missed), 1);
		finish(&world);
	}
}

static void nothing_is_told_where_nothing_was_missed(void **state APS_UNUSED)
{
	struct world world;
	uint64_t n_missed;
	begin(&world, APS_OVERFLOW_PAUSE);
	for (int i = 0; i < 2; i++) { /* nor what was missed the time before */
		aps_core_suspend(world.core, true);
		aps_core_suspend(world.core, true);
		if (i == 0) offer(&world, 1);
		aps_core_suspend(world.core, false);
		aps_core_suspend(world.core, false);
		take_all(&world, &n_missed);
		assert_int_equal(n_missed, i == 0);
	}
	finish(&world);
}

static void a_subscriber_that_lags_has_its_whole_time_again_afterwards(void **state APS_UNUSED)
{
	struct world world;
	begin(&world, APS_OVERFLOW_PAUSE);
	offer(&world, N_WINDOW);
	assert_int_not_equal(world.subscriber->stall.index, 0);
	int64_t now_ms = aps_clock_mono_ms();
	aps_core_suspend(world.core, true);
	for (int64_t minute = 1; minute <= 60; minute++)
		aps_timers_run(&world.core->timers, world.core, now_ms + minute * 60000);
	assert_ptr_equal(aps_subscriber_find(world.core, SUBSCRIPTION), world.subscriber);
	offer(&world, 1);
	assert_int_equal(world.subscriber->stall.index, 0);
	aps_core_suspend(world.core, false);
	int64_t at_ms = world.subscriber->stall.at_ms;
	assert_true(at_ms >= now_ms + 30000);
	aps_timers_run(&world.core->timers, world.core, at_ms - 1);
	assert_ptr_equal(aps_subscriber_find(world.core, SUBSCRIPTION), world.subscriber);
	aps_timers_run(&world.core->timers, world.core, at_ms);
	assert_null(aps_subscriber_find(world.core, SUBSCRIPTION));
	finish(&world);
}

static void a_subscriber_that_is_full_keeps_no_socket_from_being_read(void **state APS_UNUSED)
{
	struct world world;
	begin(&world, APS_OVERFLOW_PAUSE);
	assert_int_equal(offer(&world, 100000), APS_CONSUMER_FULL);
	world.subscriber->consumer.is_full = true; /* as the feed notes it */
	aps_core_suspend(world.core, true);
	assert_false(world.subscriber->consumer.is_full);
	assert_int_equal(offer(&world, 1000), APS_CONSUMER_OK);
	finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(events_are_counted_and_told_when_it_is_over),
	        cmocka_unit_test(nothing_is_told_where_nothing_was_missed),
	        cmocka_unit_test(a_subscriber_that_lags_has_its_whole_time_again_afterwards),
	        cmocka_unit_test(a_subscriber_that_is_full_keeps_no_socket_from_being_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
