#include "client/feed.h"

#include "base/mem.h"
#include "client/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { CLIENT = 7, FIRST = 3, OTHER = 4 };

/* What feeds use of the core. The client is offline: nothing is connected. */
struct world {
	struct aps_core core;
	struct aps_client client;
	uint64_t last_id;
	size_t n_live;
};

static void add_credential(struct world *world, uint64_t id)
{
	struct aps_auth_material material;
	struct aps_credential *credential = aps_calloc(1, sizeof *credential);
	assert_non_null(credential);
	credential->id = id;
	credential->client = &world->client;
	aps_auth_slot_init(&credential->slot, APS_AUTH_API_KEY, false);
	assert_int_equal(aps_auth_material_init(&material, APS_AUTH_API_KEY, APS_STR("key"), NULL, NULL), APS_OK);
	aps_auth_slot_set(&credential->slot, &material);
	assert_true(aps_credential_add(&world->core, credential));
}

static void begin(struct world *world, enum aps_realtime_protocol protocol)
{
	*world = (struct world){.n_live = aps_mem_live(), .last_id = 100};
	world->core.events_tail = &world->core.events_head;
	aps_timers_init(&world->core.timers);
	aps_rand_init(&world->core.rand, 1);
	aps_map_init(&world->core.consumers.map, 1);
	aps_map_init(&world->core.credentials.map, 1);
	aps_map_init(&world->core.links.map, 1);
	world->core.clients = &world->client;
	world->client.id = CLIENT;
	world->client.stats = aps_stats_new();
	aps_settings_init(&world->client.settings);
	world->client.settings.endpoint = aps_strndup("https://a.example/graphql", 25);
	world->client.settings.realtime.protocol = protocol;
	add_credential(world, FIRST);
	add_credential(world, OTHER);
}

static void finish(struct world *world)
{
	struct aps_err err;
	aps_fail(&err, APS_E_CLOSED, "the client was closed");
	aps_link_close_all(&world->core, &world->client, &err);
	for (uint64_t id = FIRST; id <= OTHER; id++) {
		struct aps_credential *credential = aps_credential_hold(&world->core, id);
		aps_credential_drop(&world->core, credential);
		aps_credential_release(&world->core, credential);
	}
	aps_mail_free_chain(world->core.events_head);
	aps_map_clear(&world->core.consumers.map);
	aps_map_clear(&world->core.credentials.map);
	aps_map_clear(&world->core.links.map);
	aps_timers_clear(&world->core.timers);
	aps_settings_clear(&world->client.settings);
	aps_stats_unref(world->client.stats);
	assert_int_equal(aps_mem_live(), world->n_live);
}

struct ask {
	const char *text, *name, *variables;
	bool has_typenames;
	uint64_t credential;
	const char *header; /* value of x-a; NULL: none */
	bool is_alone;
};

static const struct ask PLAIN = {"subscription A($x: Int) { on(x: $x) { n } } subscription B { on { n } }", "A",
                                 "{\"x\":1}", .credential = FIRST};

static struct aps_subscribe_command *command_of(struct world *world, const struct ask *ask)
{
	struct aps_gql_document *doc;
	struct aps_subscribe_command *command = aps_subscribe_command_new(CLIENT, ++world->last_id);
	assert_non_null(command);
	assert_int_equal(aps_gql_document_new(aps_str_of(ask->text), &doc, NULL, NULL), APS_OK);
	assert_int_equal(aps_operation_init(&command->operation, doc, aps_gql_document_find(doc, aps_str_of(ask->name)),
	                                    ask->has_typenames, aps_str_of(ask->variables), NULL),
	                 APS_OK);
	aps_gql_document_unref(doc);
	command->credential = ask->credential;
	command->max_items = 10;
	command->max_bytes = 1000;
	command->is_shared = !ask->is_alone;
	if (ask->header != NULL)
		assert_int_equal(aps_header_list_add(&command->headers, APS_STR("x-a"), aps_str_of(ask->header), NULL),
		                 APS_OK);
	return command;
}

static void subscribe(struct world *world, const struct ask *ask)
{
	struct aps_subscribe_command *command = command_of(world, ask);
	command->head.run(&world->core, &command->head);
	command->head.mail.kind->free_mail(&command->head.mail);
}

static size_t count_feeds(const struct world *world)
{
	size_t n = 0;
	for (const struct aps_feed *feed = world->client.feeds; feed != NULL; feed = feed->next) n++;
	return n;
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

/* The event that the application gets, of its one subscriber. */
static const struct aps_note_event *end_of(const struct world *world)
{
	for (const struct aps_mail *mail = world->core.events_head; mail != NULL; mail = mail->next) {
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
			aps_feed_want_start(&world.core, world.client.feeds);
			aps_mem_fail_at(0);
			is_over = world.client.feeds != NULL;
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
		command->head.run(&world.core, &command->head);
		aps_mem_fail_at(0);
		command->head.mail.kind->free_mail(&command->head.mail);
		bool is_over = world.client.feeds != NULL;
		if (!is_over) assert_int_equal(end_of(&world)->err.code, APS_E_NOMEM);
		finish(&world);
		if (is_over) {
			assert_true(nth > 4);
			break;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(those_who_ask_the_same_share_a_feed),
	        cmocka_unit_test(a_start_that_finds_no_memory_ends_the_feed),
	        cmocka_unit_test(a_subscription_that_finds_no_memory_ends_and_leaks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
