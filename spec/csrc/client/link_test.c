/* A link with a service behind a real socket: what is due only happens when the socket was looked at. The test says
 * what time it is when something is due, as if the core had come too late. */
#include "client/link_state.h"

#include "base/clock.h"
#include "client/lifecycle.h"
#include "client/subscription_commands.h"
#include "net/net_peer.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core_world.h"

enum { CLIENT = 7, CREDENTIAL = 3, SUBSCRIPTION = 101, WAIT_MS = 20000 };

struct world {
	struct core_world all;
	struct aps_core *core;
	struct aps_link *link;
	struct peer *peer;
};

static const char SAID[] = "{\"type\":\"ka\"}";
static int first_byte = 0x81; /* of its frame: a whole message */

/* Acknowledges what it has to, then says one thing when the test lets it. */
static void serve(struct peer *peer)
{
	char text[4000], id[60] = "", ack[100];
	size_t n = 0;
	peer_ws_open(peer, "graphql-ws");
	peer_ws_read(peer, text, sizeof text, &n);
	peer_ws_send_text(peer, "{\"type\":\"connection_ack\"}");
	peer_ws_read(peer, text, sizeof text, &n);
	const char *at = strstr(text, "\"id\":\"");
	if (at != NULL) sscanf(at + 6, "%36s", id);
	snprintf(ack, sizeof ack, "{\"type\":\"start_ack\",\"id\":\"%s\"}", id);
	peer_ws_send_text(peer, ack);
	aps_wake_wait(&peer->go, PEER_WAIT_S * 1000);
	aps_wake_lower(&peer->go);
	peer_ws_send(peer, first_byte, SAID, sizeof SAID - 1);
	aps_wake_raise(&peer->told);
	peer_read_end(peer);
}

static void subscribe(struct world *world)
{
	struct aps_gql_document *doc;
	struct aps_subscribe_command *command = aps_subscribe_command_new(CLIENT, SUBSCRIPTION);
	assert_non_null(command);
	assert_int_equal(aps_gql_document_new(APS_STR("subscription { on { n } }"), &doc, NULL, NULL), APS_OK);
	assert_int_equal(aps_operation_init(&command->topic->operation, doc, aps_gql_document_find(doc, APS_STR("")),
	                                    false, APS_STR(""), NULL),
	                 APS_OK);
	aps_gql_document_unref(doc);
	command->topic->credential = CREDENTIAL;
	command->limits.max_items = 10;
	command->limits.max_bytes = 1000;
	command->head.run(world->core, &command->head);
}

static void turn(struct world *world)
{
	aps_http_poll(world->core->http, 20);
	core_world_turn(&world->all);
}

static void until_state(struct world *world, enum aps_conn_state state)
{
	int64_t end_ms = aps_clock_mono_ms() + WAIT_MS;
	while (world->link->state != state && aps_clock_mono_ms() < end_ms) turn(world);
	assert_int_equal(world->link->state, state);
}

/* A request has failed: nothing is known of the realtime connection. */
static void be_offline(struct world *world)
{
	struct aps_outcome outcome;
	struct aps_err err;
	aps_fail(&err, APS_E_NETWORK, "refused");
	aps_outcome_init_err(&outcome, &err);
	aps_reach_heard(world->core, world->all.client, &outcome);
	aps_outcome_clear(&outcome);
	assert_false(aps_reach_is_online(world->core, world->all.client));
}

static void begin(struct world *world)
{
	core_world_begin(&world->all);
	world->core = world->all.core;
	world->peer = peer_start(serve);
	struct aps_settings *settings = &world->all.client->settings;
	char url[60];
	snprintf(url, sizeof url, "ws://127.0.0.1:%d/", world->peer->port);
	settings->endpoint = aps_strndup("https://a.example/graphql", 25);
	settings->realtime_endpoint = aps_strndup(url, strlen(url));
	core_world_add_key(&world->all, CREDENTIAL);
	be_offline(world);
	subscribe(world);
	world->link = aps_connections_of(world->core, world->all.client)->links;
	until_state(world, APS_CONN_CONNECTED);
}

static void finish(struct world *world)
{
	aps_core_leave_client(world->core, world->all.client);
	core_world_turn(&world->all);
	assert_true(aps_ws_free(world->core->ws, WAIT_MS));
	peer_stop(world->peer);
	/* What the realtime thread had still to say is nobody's. */
	core_world_turn(&world->all);
	world->core->ws = NULL;
	core_world_finish(&world->all);
}

static void let_peer_speak(struct world *world)
{
	aps_wake_raise(&world->peer->go);
	assert_true(aps_wake_wait(&world->peer->told, WAIT_MS));
	aps_wake_lower(&world->peer->told);
}

/* So that what comes next is later than what came last. */
static void let_time_pass(void)
{
	for (int64_t at_ms = aps_clock_mono_ms(); aps_clock_mono_ms() == at_ms;) sched_yield();
}

/* The timer goes off at that time; afterwards what the socket had is known. */
static void fall_due(struct world *world, int64_t at_ms)
{
	world->link->timer.due(&world->link->timer, world->core, at_ms);
	assert_int_equal(world->link->state, APS_CONN_CONNECTED); /* nothing is decided before */
	for (int i = 0; i < 5; i++) let_time_pass(); /* the answer waits: what it says is as old as it is */
	int64_t end_ms = aps_clock_mono_ms() + WAIT_MS;
	while (world->link->is_looking && aps_clock_mono_ms() < end_ms) turn(world);
	assert_false(world->link->is_looking);
}

/* Long after the silence would have ended it. */
static int64_t dead_at_ms(const struct world *world)
{
	return aps_realtime_deadline_ms(world->link->machine) + 300000;
}

static void what_lies_in_the_socket_keeps_a_connection_alive(void **state)
{
	(void)state;
	struct world world;
	for (first_byte = 0x81; first_byte >= 0x01; first_byte -= 0x80) { /* a message; the first part of one */
		begin(&world);
		int64_t before_ms = aps_realtime_deadline_ms(world.link->machine);
		let_time_pass();
		let_peer_speak(&world);
		fall_due(&world, dead_at_ms(&world));
		assert_true(aps_realtime_deadline_ms(world.link->machine) > before_ms);
		assert_int_equal(world.link->state, APS_CONN_CONNECTED);
		finish(&world);
	}
}

static void a_socket_that_has_nothing_ends_it(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	int64_t at_ms = dead_at_ms(&world);
	int64_t before_ms = aps_realtime_deadline_ms(world.link->machine);
	fall_due(&world, at_ms);
	assert_true(aps_realtime_deadline_ms(world.link->machine) == before_ms);
	world.link->timer.due(&world.link->timer, world.core, at_ms);
	assert_int_equal(world.link->state, APS_CONN_DISRUPTED);
	/* Without a socket there is nothing to look at: the next attempt begins. */
	world.link->timer.due(&world.link->timer, world.core, at_ms + 60000);
	assert_int_equal(world.link->state, APS_CONN_CONNECTING);
	finish(&world);
}

static void where_no_memory_is_left_for_a_look_it_ends_at_once(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	int64_t at_ms = dead_at_ms(&world);
	aps_mem_fail_at(1);
	world.link->timer.due(&world.link->timer, world.core, at_ms);
	aps_mem_fail_at(0);
	assert_int_equal(world.link->state, APS_CONN_DISRUPTED);
	finish(&world);
}

static void one_that_is_lost_while_it_is_looked_at_is_connected_anew(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	world.link->timer.due(&world.link->timer, world.core, aps_realtime_deadline_ms(world.link->machine));
	assert_true(world.link->is_looking);
	aps_link_pump(world.core, world.link); /* whatever else happens: nothing falls due before it is answered */
	assert_true(world.link->timer.at_ms == INT64_MAX);
	aps_ws_close(world.core->ws, world.link->connection, 1000, APS_STR(""));
	until_state(&world, APS_CONN_DISRUPTED);
	assert_false(world.link->is_looking);
	finish(&world);
}

static void a_connection_that_stands_ends_the_offline_state(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	assert_true(aps_reach_is_online(world.core, world.all.client));
	finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_connection_that_stands_ends_the_offline_state),
	        cmocka_unit_test(what_lies_in_the_socket_keeps_a_connection_alive),
	        cmocka_unit_test(a_socket_that_has_nothing_ends_it),
	        cmocka_unit_test(where_no_memory_is_left_for_a_look_it_ends_at_once),
	        cmocka_unit_test(one_that_is_lost_while_it_is_looked_at_is_connected_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
