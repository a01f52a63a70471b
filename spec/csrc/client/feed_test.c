#include "client/feed.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/lifecycle.h"
#include "client/link_state.h"
#include "client/subscriber.h"
#include "client/subscription_commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core_world.h"

enum { CLIENT = 7, FIRST = 3, OTHER = 4 };

/* Nothing is connected: nobody runs the core's sockets. */
struct world {
	struct core_world all;
	struct aps_core *core;
	uint64_t last_id;
};

static void begin(struct world *world, enum aps_realtime_protocol protocol)
{
	core_world_begin(&world->all);
	world->core = world->all.core;
	world->last_id = 100;
	struct aps_settings *settings = &world->all.client->settings;
	settings->endpoint = aps_strndup("https://a.example/graphql", 25);
	settings->realtime_endpoint = aps_strndup("ws://a.example/", 15);
	settings->realtime.protocol = protocol;
	core_world_add_key(&world->all, FIRST);
	core_world_add_key(&world->all, OTHER);
	aps_connections_set_online(world->core, world->all.client, false);
}

static void finish(struct world *world)
{
	core_world_finish(&world->all);
}

struct ask {
	const char *text, *name, *variables;
	bool has_typenames;
	uint64_t credential;
	const char *header; /* value of x-a; NULL: none */
	bool is_alone;
	uint64_t cache;
};

static const struct ask PLAIN = {"subscription A($x: Int) { on(x: $x) { n } } subscription B { on { n } }", "A",
                                 "{\"x\":1}", .credential = FIRST};

static struct aps_subscribe_command *command_of(struct world *world, const struct ask *ask)
{
	struct aps_gql_document *doc;
	struct aps_subscribe_command *command = aps_subscribe_command_new(CLIENT, ++world->last_id);
	assert_non_null(command);
	assert_int_equal(aps_gql_document_new(aps_str_of(ask->text), &doc, NULL, NULL), APS_OK);
	assert_int_equal(aps_operation_init(&command->topic->operation, doc,
	                                    aps_gql_document_find(doc, aps_str_of(ask->name)), ask->has_typenames,
	                                    aps_str_of(ask->variables), NULL),
	                 APS_OK);
	aps_gql_document_unref(doc);
	command->topic->credential = ask->credential;
	command->topic->cache = ask->cache;
	command->limits.max_items = 10;
	command->limits.max_bytes = 1000;
	command->is_shared = !ask->is_alone;
	if (ask->header != NULL)
		assert_int_equal(
		        aps_header_list_add(&command->topic->headers, APS_STR("x-a"), aps_str_of(ask->header), NULL),
		        APS_OK);
	return command;
}

static void subscribe(struct world *world, const struct ask *ask)
{
	struct aps_subscribe_command *command = command_of(world, ask);
	command->head.run(world->core, &command->head);
}

static const struct aps_link *link_of(const struct world *world)
{
	return aps_connections_of(world->core, world->all.client)->links;
}

static struct aps_feed *first_feed(const struct world *world)
{
	const struct aps_link *link = link_of(world);
	return link != NULL ? link->feeds : NULL;
}

static size_t count_feeds(const struct world *world)
{
	return link_of(world)->n_feeds;
}

static void those_who_ask_the_same_share_a_feed(void **state)
{
	(void)state;
	static const char ALIKE[] = "subscription A($x:Int){on(x:$x){n}} subscription B{on{n}}";
	static const char OTHER_TEXT[] = "subscription A($x: Int) { on(x: $x) { m } } subscription B { on { n } }";
	const struct {
		struct ask ask;
		size_t n_feeds;
	} ROWS[] = {
	        {{PLAIN.text, "A", "{\"x\":1}", .credential = FIRST}, 1},
	        {{ALIKE, "A", " {\"x\":1}", .credential = FIRST}, 1},
	        {{OTHER_TEXT, "A", "{\"x\":1}", .credential = FIRST}, 2},
	        {{PLAIN.text, "B", "{\"x\":1}", .credential = FIRST}, 2},
	        {{PLAIN.text, "A", "{\"x\":2}", .credential = FIRST}, 2},
	        {{PLAIN.text, "A", "{\"x\":1}", .has_typenames = true, .credential = FIRST}, 2},
	        {{PLAIN.text, "A", "{\"x\":1}", .credential = OTHER}, 2},
	        {{PLAIN.text, "A", "{\"x\":1}", .credential = FIRST, .header = "1"}, 2},
	        {{PLAIN.text, "A", "{\"x\":1}", .credential = FIRST, .is_alone = true}, 2},
	        {{PLAIN.text, "A", "{\"x\":1}", .credential = FIRST, .cache = 1}, 2},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct world world;
		begin(&world, APS_REALTIME_APPSYNC);
		subscribe(&world, &PLAIN);
		subscribe(&world, &ROWS[i].ask);
		if (count_feeds(&world) != ROWS[i].n_feeds) print_message("row %zu\n", i);
		assert_int_equal(count_feeds(&world), ROWS[i].n_feeds);
		subscribe(&world, &ROWS[i].ask); /* with itself, if it may */
		assert_int_equal(count_feeds(&world), ROWS[i].n_feeds + ROWS[i].ask.is_alone);
		finish(&world);
	}
}

static void equal_hashes_alone_share_nothing(void **state)
{
	(void)state;
	struct world world;
	struct ask other = PLAIN;
	other.variables = "{\"x\":2}";
	begin(&world, APS_REALTIME_APPSYNC);
	subscribe(&world, &PLAIN);
	struct aps_subscribe_command *command = command_of(&world, &other);
	command->topic->operation.hash = first_feed(&world)->topic->operation.hash;
	command->head.run(world.core, &command->head);
	assert_int_equal(count_feeds(&world), 2);
	struct aps_feed *alike = first_feed(&world)->next;
	assert_int_equal(alike->shared.hash, first_feed(&world)->shared.hash);
	subscribe(&world, &PLAIN); /* finds its own behind the other one */
	assert_int_equal(count_feeds(&world), 2);
	aps_feed_ended(world.core, alike, NULL); /* the first of those alike */
	subscribe(&world, &PLAIN);
	assert_int_equal(count_feeds(&world), 1);
	finish(&world);
}

/* The event that the application gets, of its one subscriber. */
static const struct aps_note_event *end_of(const struct world *world)
{
	for (const struct aps_mail *mail = world->core->events_head; mail != NULL; mail = mail->next) {
		const struct aps_note_event *event = (const struct aps_note_event *)mail;
		if (event->head.kind == APS_EVENT_SUB_END) return event;
	}
	return NULL;
}

static void a_start_that_finds_no_memory_ends_the_feed(void **state)
{
	(void)state;
	static const enum aps_realtime_protocol PROTOCOLS[] = {APS_REALTIME_APPSYNC, APS_REALTIME_TRANSPORT_WS};
	for (size_t i = 0; i < APS_COUNTOF(PROTOCOLS); i++) {
		size_t nth = 1;
		for (bool is_over = false; !is_over; nth++) {
			struct world world;
			begin(&world, PROTOCOLS[i]);
			subscribe(&world, &PLAIN);
			aps_mem_fail_at(nth);
			aps_feed_want_start(world.core, first_feed(&world));
			aps_mem_fail_at(0);
			is_over = first_feed(&world) != NULL;
			if (!is_over) {
				assert_non_null(end_of(&world));
				assert_int_equal(end_of(&world)->err.code, APS_E_NOMEM);
			}
			finish(&world);
		}
		assert_true(nth > 2);
	}
}

static void a_subscription_that_finds_no_memory_ends_and_leaks_nothing(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		struct world world;
		begin(&world, APS_REALTIME_APPSYNC);
		struct aps_subscribe_command *command = command_of(&world, &PLAIN);
		aps_mem_fail_at(nth);
		command->head.run(world.core, &command->head);
		aps_mem_fail_at(0);
		bool is_over = first_feed(&world) != NULL;
		if (!is_over) assert_int_equal(end_of(&world)->err.code, APS_E_NOMEM);
		finish(&world);
		if (is_over) {
			assert_true(nth > 4);
			break;
		}
	}
}

/* A consumer that is code of the core, not of the application. */
struct listener {
	struct aps_consumer consumer;
	enum aps_consumer_verdict verdict; /* what it answers an event with */
	unsigned n_events;
	unsigned n_ends;
	enum aps_rc end_code;
	bool was_told;          /* the service's errors came with its end */
	unsigned n_tells;       /* states, */
	const char *state;      /* the last of them, */
	struct aps_err trouble; /* and why */
	unsigned n_missed;
	unsigned n_asked;
};

static enum aps_consumer_verdict hear_event(struct aps_core *core, struct aps_consumer *consumer,
                                            struct aps_bytes *bytes, struct aps_str payload, struct aps_err *err)
{
	(void)core;
	struct listener *listener = APS_CONTAINER_OF(consumer, struct listener, consumer);
	assert_true(payload.p >= bytes->p && payload.p + payload.n <= bytes->p + bytes->n);
	listener->n_events++;
	if (listener->verdict == APS_CONSUMER_FAILED) aps_fail(err, APS_E_PROTOCOL, "no more");
	return listener->verdict;
}

static void hear_end(struct aps_core *core, struct aps_consumer *consumer, const struct aps_err *err, const char *told)
{
	(void)core;
	struct listener *listener = APS_CONTAINER_OF(consumer, struct listener, consumer);
	listener->n_ends++;
	listener->end_code = err != NULL ? err->code : APS_OK;
	listener->was_told = told != NULL;
}

static void hear_state(struct aps_core *core, struct aps_consumer *consumer, const char *state,
                       const struct aps_err *err)
{
	(void)core;
	struct listener *listener = APS_CONTAINER_OF(consumer, struct listener, consumer);
	listener->n_tells++;
	listener->state = state;
	aps_err_clear(&listener->trouble);
	if (err != NULL) listener->trouble = *err;
}

static void hear_missed(struct aps_core *core, struct aps_consumer *consumer)
{
	(void)core;
	APS_CONTAINER_OF(consumer, struct listener, consumer)->n_missed++;
}

static bool be_asked(struct aps_core *core, struct aps_consumer *consumer)
{
	(void)core;
	APS_CONTAINER_OF(consumer, struct listener, consumer)->n_asked++;
	return true;
}

static const struct aps_consumer_kind LISTENER = {.offer = hear_event, .end = hear_end};
static const struct aps_consumer_kind CURIOUS = {
        .offer = hear_event, .tell = hear_state, .missed = hear_missed, .ask_headers = be_asked, .end = hear_end};

static void join(struct world *world, const struct ask *ask, struct listener *listener)
{
	struct aps_subscribe_command *command = command_of(world, ask);
	struct aps_subscription what = {command->topic, true};
	command->topic = NULL;
	*listener = (struct listener){.consumer.kind = &LISTENER};
	aps_connections_subscribe(world->core, world->all.client, &what, &listener->consumer);
	aps_command_free(&command->head);
}

static void send_event(struct world *world)
{
	static const char TEXT[] = "{\"data\":{\"on\":{\"n\":1}}}";
	struct aps_bytes *bytes = aps_bytes_new(sizeof TEXT - 1);
	assert_non_null(bytes);
	memcpy(bytes->p, TEXT, sizeof TEXT - 1);
	aps_feed_data(world->core, first_feed(world), bytes, (struct aps_str){bytes->p, bytes->n});
	aps_bytes_unref(bytes);
}

static void code_of_the_core_subscribes_beside_the_application(void **state)
{
	(void)state;
	struct world world;
	struct listener listener;
	begin(&world, APS_REALTIME_APPSYNC);
	subscribe(&world, &PLAIN);
	join(&world, &PLAIN, &listener);
	assert_int_equal(count_feeds(&world), 1);
	aps_feed_started(world.core, first_feed(&world)); /* it has no ears for states */
	size_t n_before = core_world_turn(&world.all);
	send_event(&world);
	assert_int_equal(listener.n_events, 1);
	assert_int_equal(core_world_turn(&world.all), n_before + 1); /* the application's */
	listener.verdict = APS_CONSUMER_FULL;
	send_event(&world);
	assert_true(aps_feed_is_full(first_feed(&world)));
	aps_feed_resume(world.core, &listener.consumer);
	assert_false(aps_feed_is_full(first_feed(&world)));
	listener.verdict = APS_CONSUMER_FAILED;
	send_event(&world);
	assert_int_equal(listener.n_ends, 1);
	assert_int_equal(listener.end_code, APS_E_PROTOCOL);
	send_event(&world); /* goes to the other one alone */
	assert_int_equal(listener.n_events, 3);
	assert_int_equal(count_feeds(&world), 1);
	finish(&world);
}

static void the_last_one_out_ends_the_feed(void **state)
{
	(void)state;
	struct world world;
	struct listener a, b;
	begin(&world, APS_REALTIME_APPSYNC);
	join(&world, &PLAIN, &a);
	join(&world, &PLAIN, &b);
	aps_feed_leave(world.core, &a.consumer);
	assert_int_equal(a.n_ends, 0); /* it left: nothing is told */
	assert_non_null(first_feed(&world));
	aps_feed_leave(world.core, &b.consumer);
	assert_null(first_feed(&world));
	finish(&world);
}

static void an_end_brings_what_the_service_said(void **state)
{
	(void)state;
	struct world world;
	struct listener listener;
	struct aps_err err;
	begin(&world, APS_REALTIME_APPSYNC);
	join(&world, &PLAIN, &listener);
	aps_feed_tell(first_feed(&world), APS_STR("[{\"message\":\"m\"}]"));
	aps_fail(&err, APS_E_GRAPHQL, "m");
	aps_feed_ended(world.core, first_feed(&world), &err);
	assert_int_equal(listener.end_code, APS_E_GRAPHQL);
	assert_true(listener.was_told);
	finish(&world);
	assert_int_equal(listener.n_ends, 1);
}

static void a_closing_client_and_a_missing_credential_are_ends(void **state)
{
	(void)state;
	struct world world;
	struct listener here, nowhere;
	struct ask lost = PLAIN;
	lost.credential = 99;
	begin(&world, APS_REALTIME_APPSYNC);
	join(&world, &PLAIN, &here);
	join(&world, &lost, &nowhere);
	assert_int_equal(nowhere.n_ends, 1);
	assert_int_equal(nowhere.end_code, APS_E_AUTH);
	finish(&world);
	assert_int_equal(here.n_ends, 1);
	assert_int_equal(here.end_code, APS_E_CLOSED);
	assert_false(here.was_told);
}

/* A consumer that subscribes anew, a few times, as soon as it has ended. */
struct returning {
	struct listener listener;
	struct world *world;
	bool was_let_in; /* although the client is closing */
};

static void come_back(struct aps_core *core, struct aps_consumer *consumer, const struct aps_err *err, const char *told)
{
	struct returning *returning =
	        APS_CONTAINER_OF(APS_CONTAINER_OF(consumer, struct listener, consumer), struct returning, listener);
	hear_end(core, consumer, err, told);
	if (returning->listener.n_ends >= 3) return;
	struct aps_subscribe_command *command = command_of(returning->world, &PLAIN);
	struct aps_subscription what = {command->topic, true};
	command->topic = NULL;
	aps_connections_subscribe(core, returning->world->all.client, &what, consumer);
	returning->was_let_in = err->code == APS_E_CLOSED && consumer->feed != NULL;
	aps_command_free(&command->head);
}

static const struct aps_consumer_kind RETURNING = {.offer = hear_event, .end = come_back};

static void who_comes_back_at_the_end_gets_another_feed(void **state)
{
	(void)state;
	struct world world;
	struct aps_err err;
	begin(&world, APS_REALTIME_APPSYNC);
	struct returning returning = {.world = &world};
	join(&world, &PLAIN, &returning.listener);
	returning.listener.consumer.kind = &RETURNING;
	struct aps_feed *first = first_feed(&world);
	aps_fail(&err, APS_E_GRAPHQL, "m");
	aps_feed_ended(world.core, first, &err);
	assert_int_equal(returning.listener.n_ends, 1);
	assert_ptr_not_equal(returning.listener.consumer.feed, first);
	finish(&world); /* told closed, comes back once more and is refused */
	assert_int_equal(returning.listener.n_ends, 3);
	assert_false(returning.was_let_in);
	assert_int_equal(returning.listener.end_code, APS_E_CLOSED);
}

static void a_client_that_leaves_ends_its_subscriptions_and_stays(void **state)
{
	(void)state;
	struct world world;
	begin(&world, APS_REALTIME_APPSYNC);
	subscribe(&world, &PLAIN);
	assert_non_null(first_feed(&world));
	for (unsigned i = 0; i < 2; i++) { /* twice is legal */
		struct aps_command *command = aps_leave_command_new(world.all.client->id);
		assert_non_null(command);
		command->run(world.core, command);
		assert_null(first_feed(&world));
		assert_ptr_equal(aps_core_client(world.core, CLIENT), world.all.client);
	}
	assert_int_equal(end_of(&world)->err.code, APS_E_CLOSED);
	assert_non_null(aps_credential_find(world.core, FIRST));      /* its calls may need it */
	struct aps_command *late = aps_leave_command_new(CLIENT + 1); /* there is none, or it was closed */
	assert_non_null(late);
	late->run(world.core, late);
	finish(&world);
}

static void why_a_feed_is_not_served_is_told_once_and_to_whoever_joins(void **state)
{
	(void)state;
	struct world world;
	struct listener first, second;
	struct aps_err err;
	begin(&world, APS_REALTIME_APPSYNC);
	join(&world, &PLAIN, &first);
	first.consumer.kind = &CURIOUS;
	struct aps_feed *feed = first_feed(&world);
	aps_fail(&err, APS_E_NETWORK, "refused");
	aps_feed_delayed(world.core, feed, &err);
	aps_feed_delayed(world.core, feed, &err);
	assert_int_equal(first.n_tells, 1);
	assert_string_equal(first.state, "delayed");
	assert_string_equal(first.trouble.msg, "refused");
	aps_fail(&err, APS_E_NETWORK, "lost");
	aps_feed_delayed(world.core, feed, &err);
	assert_int_equal(first.n_tells, 2);
	second = (struct listener){.consumer.kind = &CURIOUS};
	aps_feed_join(world.core, feed, &second.consumer);
	assert_int_equal(second.n_tells, 1);
	assert_string_equal(second.trouble.msg, "lost");
	aps_feed_started(world.core, feed);
	assert_string_equal(second.state, "subscribed");
	assert_int_equal(second.trouble.code, APS_OK);
	aps_feed_reconnecting(world.core, feed, &err);
	assert_string_equal(second.state, "reconnecting");
	assert_string_equal(second.trouble.msg, "lost");
	aps_feed_delayed(world.core, feed, &err);
	assert_int_equal(second.n_tells, 3); /* it was told by "reconnecting" */
	finish(&world);
}

static void who_was_served_hears_that_events_were_missed(void **state)
{
	(void)state;
	struct world world;
	struct listener listener;
	struct aps_err err;
	begin(&world, APS_REALTIME_APPSYNC);
	subscribe(&world, &PLAIN);
	join(&world, &PLAIN, &listener);
	listener.consumer.kind = &CURIOUS;
	struct aps_feed *feed = first_feed(&world);
	aps_feed_missed(world.core, feed); /* nobody was served */
	assert_int_equal(listener.n_missed, 0);
	aps_feed_started(world.core, feed);
	aps_feed_missed(world.core, feed);
	assert_int_equal(listener.n_missed, 1);
	assert_int_equal(atomic_load(&world.all.client->stats->dropped_events), 1); /* the application's */
	core_world_turn(&world.all);
	aps_fail(&err, APS_E_NETWORK, "lost");
	aps_feed_reconnecting(world.core, feed, &err);
	const struct aps_note_event *note = (const struct aps_note_event *)world.core->events_head;
	assert_string_equal(note->word, "reconnecting");
	assert_int_equal(note->number, 1);
	assert_string_equal(note->err.msg, "lost");
	finish(&world);
}

static void headers_that_never_come_end_the_feed_and_nothing_else(void **state)
{
	(void)state;
	struct world world;
	struct listener silent, other;
	struct ask another = PLAIN;
	another.name = "B";
	begin(&world, APS_REALTIME_APPSYNC);
	join(&world, &PLAIN, &silent);
	silent.consumer.kind = &CURIOUS;
	join(&world, &another, &other);
	struct aps_feed *feed = first_feed(&world);
	feed->topic->has_dynamic_headers = true;
	assert_false(aps_feed_has_headers(world.core, feed));
	assert_false(aps_feed_has_headers(world.core, feed)); /* asked once */
	assert_int_equal(silent.n_asked, 1);
	int64_t now_ms = aps_clock_mono_ms();
	aps_timers_run(&world.core->timers, world.core, now_ms + 29000);
	assert_int_equal(silent.n_ends, 0);
	/* A process that stood still for a minute has the whole time again. */
	aps_timers_run(&world.core->timers, world.core, now_ms + 60000);
	assert_int_equal(silent.n_ends, 0);
	aps_timers_run(&world.core->timers, world.core, now_ms + 89999);
	assert_int_equal(silent.n_ends, 0);
	aps_timers_run(&world.core->timers, world.core, now_ms + 90000);
	assert_int_equal(silent.n_ends, 1);
	assert_int_equal(silent.end_code, APS_E_TIMEOUT);
	assert_int_equal(other.n_ends, 0);
	assert_int_equal(count_feeds(&world), 1);
	finish(&world);
}

static void a_subscriber_stalls_while_the_process_runs_only(void **state)
{
	(void)state;
	struct world world;
	struct aps_err err;
	begin(&world, APS_REALTIME_APPSYNC);
	subscribe(&world, &PLAIN);
	struct aps_subscriber *subscriber = aps_subscriber_find(world.core, world.last_id);
	struct aps_consumer *consumer = &subscriber->consumer;
	struct aps_bytes *bytes = aps_bytes_new(1);
	for (int i = 0; i < 10; i++) /* as many as it takes */
		consumer->kind->offer(world.core, consumer, bytes, (struct aps_str){bytes->p, 1}, &err);
	aps_bytes_unref(bytes);
	int64_t at_ms = subscriber->stall.at_ms;
	aps_timers_run(&world.core->timers, world.core, at_ms + 60000);
	aps_timers_run(&world.core->timers, world.core, at_ms + 89999);
	assert_ptr_equal(aps_subscriber_find(world.core, world.last_id), subscriber);
	aps_timers_run(&world.core->timers, world.core, at_ms + 90000);
	assert_null(aps_subscriber_find(world.core, world.last_id));
	finish(&world);
}

static void a_feed_whose_headers_nobody_can_be_asked_for_ends(void **state)
{
	(void)state;
	struct world world;
	struct listener asked;
	struct listener other; /* of a kind that can't be asked, as one that there is no memory for */
	begin(&world, APS_REALTIME_APPSYNC);
	join(&world, &PLAIN, &asked);
	asked.consumer.kind = &CURIOUS;
	join(&world, &PLAIN, &other);
	struct aps_feed *feed = first_feed(&world);
	feed->topic->has_dynamic_headers = true;
	assert_false(aps_feed_has_headers(world.core, feed));
	aps_feed_leave(world.core, &asked.consumer);
	assert_int_equal(other.n_ends, 1);
	assert_int_equal(other.end_code, APS_E_NOMEM);
	assert_null(first_feed(&world));
	finish(&world);
}

static struct aps_link *only_link(const struct world *world)
{
	return aps_connections_of(world->core, world->all.client)->links;
}

static void a_connection_whose_headers_nobody_can_be_asked_for_is_tried_again(void **state)
{
	(void)state;
	struct world world;
	struct listener listener;
	begin(&world, APS_REALTIME_APPSYNC);
	join(&world, &PLAIN, &listener);
	first_feed(&world)->topic->has_dynamic_headers = true;
	aps_connections_set_online(world.core, world.all.client, true);
	assert_int_equal(listener.n_ends, 0);
	assert_false(only_link(&world)->wants_connect);
	assert_true(aps_realtime_deadline_ms(only_link(&world)->machine) >= 0);
	finish(&world);
}

static void never_due(struct aps_timer *timer APS_UNUSED, void *context APS_UNUSED, int64_t now_ms APS_UNUSED)
{
}

static void a_connection_keeps_its_timer_where_another_one_takes_the_last_place(void **state)
{
	(void)state;
	struct world world;
	struct listener listener;
	struct aps_timer others[64] = {{0}};
	size_t n_others = 0;
	int64_t now_ms = aps_clock_mono_ms();
	begin(&world, APS_REALTIME_APPSYNC);
	join(&world, &PLAIN, &listener);
	listener.consumer.kind = &CURIOUS; /* asked with a timer */
	first_feed(&world)->topic->has_dynamic_headers = true;
	struct aps_timers *timers = &world.core->timers;
	while (timers->n_items < timers->capacity) {
		others[n_others].due = never_due;
		assert_true(aps_timer_set(timers, &others[n_others++], INT64_MAX));
	}
	aps_realtime_set_online(only_link(&world)->machine, true, now_ms); /* it wants to connect */
	assert_true(aps_timer_set(timers, &only_link(&world)->timer, now_ms));
	aps_mem_fail_at(1);
	aps_timers_run(timers, world.core, now_ms);
	aps_mem_fail_at(0);
	assert_true(only_link(&world)->timer.index != 0);
	while (n_others != 0) aps_timer_stop(timers, &others[--n_others]);
	finish(&world);
}

static void headers_that_come_stop_the_clock(void **state)
{
	(void)state;
	struct world world;
	struct listener listener;
	begin(&world, APS_REALTIME_APPSYNC);
	join(&world, &PLAIN, &listener);
	listener.consumer.kind = &CURIOUS;
	struct aps_feed *feed = first_feed(&world);
	feed->topic->has_dynamic_headers = true;
	aps_feed_has_headers(world.core, feed);
	struct aps_arena arena;
	struct aps_header_list headers;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&headers, &arena);
	aps_feed_set_headers(world.core, &listener.consumer, &arena, &headers);
	aps_arena_clear(&arena);
	assert_true(aps_feed_has_headers(world.core, feed));
	aps_timers_run(&world.core->timers, world.core, aps_clock_mono_ms() + 31000);
	assert_int_equal(listener.n_ends, 0);
	finish(&world);
}

static void a_feed_that_cannot_begin_counts_as_an_error(void **state)
{
	(void)state;
	struct world world;
	struct ask lost = PLAIN;
	lost.credential = 99;
	begin(&world, APS_REALTIME_APPSYNC);
	subscribe(&world, &lost);
	assert_int_equal(atomic_load(&world.all.client->stats->errors), 1);
	assert_int_equal(end_of(&world)->err.code, APS_E_AUTH);
	finish(&world);
}

static void what_had_come_before_the_core_stops_is_answered_as_closed(void **state)
{
	(void)state;
	struct world world;
	begin(&world, APS_REALTIME_APPSYNC);
	world.core->is_stopping = true; /* as core.c does, before it runs what is left in its inbox */
	subscribe(&world, &PLAIN);
	assert_null(first_feed(&world));
	assert_int_equal(end_of(&world)->err.code, APS_E_CLOSED);
	finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(those_who_ask_the_same_share_a_feed),
	        cmocka_unit_test(equal_hashes_alone_share_nothing),
	        cmocka_unit_test(a_start_that_finds_no_memory_ends_the_feed),
	        cmocka_unit_test(a_subscription_that_finds_no_memory_ends_and_leaks_nothing),
	        cmocka_unit_test(code_of_the_core_subscribes_beside_the_application),
	        cmocka_unit_test(the_last_one_out_ends_the_feed),
	        cmocka_unit_test(who_comes_back_at_the_end_gets_another_feed),
	        cmocka_unit_test(a_client_that_leaves_ends_its_subscriptions_and_stays),
	        cmocka_unit_test(why_a_feed_is_not_served_is_told_once_and_to_whoever_joins),
	        cmocka_unit_test(who_was_served_hears_that_events_were_missed),
	        cmocka_unit_test(headers_that_never_come_end_the_feed_and_nothing_else),
	        cmocka_unit_test(a_subscriber_stalls_while_the_process_runs_only),
	        cmocka_unit_test(a_feed_whose_headers_nobody_can_be_asked_for_ends),
	        cmocka_unit_test(a_connection_whose_headers_nobody_can_be_asked_for_is_tried_again),
	        cmocka_unit_test(a_connection_keeps_its_timer_where_another_one_takes_the_last_place),
	        cmocka_unit_test(headers_that_come_stop_the_clock),
	        cmocka_unit_test(a_feed_that_cannot_begin_counts_as_an_error),
	        cmocka_unit_test(what_had_come_before_the_core_stops_is_answered_as_closed),
	        cmocka_unit_test(an_end_brings_what_the_service_said),
	        cmocka_unit_test(a_closing_client_and_a_missing_credential_are_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
