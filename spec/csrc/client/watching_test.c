#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cache/packed_text.h"
#include "client/caching.h"
#include "client/partition.h"
#include "client/watching.h"
#include "core_world.h"

#define CACHE 20

static char folder[64], path[96];
static struct core_world world;
static struct aps_client *client;

static int setup(void **state)
{
	(void)state;
	struct aps_err err;
	strcpy(folder, "/tmp/appsync-watching-XXXXXX");
	if (mkdtemp(folder) == NULL) return -1;
	snprintf(path, sizeof path, "%s/store.db", folder);
	aps_clock_stand(1000, 1700000000000); /* nothing takes long */
	core_world_begin(&world);
	client = aps_calloc(1, sizeof *client);
	client->id = 8;
	client->stats = aps_stats_new();
	aps_settings_init(&client->settings);
	client->settings.cache = aps_cache_settings_new();
	client->settings.cache->path = aps_strndup(path, strlen(path));
	client->settings.cache->key_prefix = aps_strndup("", 0);
	if (aps_core_open_client(world.core, client, &err) != APS_OK) return -1;
	struct aps_channel *channel = aps_channel_new(1);
	aps_caching_open(world.core, client, aps_cached_new(CACHE, "", channel));
	aps_channel_unref(channel);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	char command[160];
	aps_clock_go_on();
	aps_core_close_client(world.core, client);
	core_world_turn(&world);
	core_world_finish(&world);
	snprintf(command, sizeof command, "rm -r '%s'", folder);
	return system(command);
}

static struct aps_operation make(const char *query)
{
	struct aps_gql_document *doc;
	struct aps_operation operation;
	assert_int_equal(aps_gql_document_new(aps_str_of(query), &doc, NULL, NULL), APS_OK);
	assert_int_equal(
	        aps_operation_init(&operation, doc, aps_gql_document_operation(doc, 0), true, APS_STR(""), NULL),
	        APS_OK);
	aps_gql_document_unref(doc);
	return operation;
}

static void watch(uint64_t id, uint64_t cache, const char *query)
{
	struct aps_watch_command *command = aps_watch_command_new(8, id);
	assert_non_null(command);
	command->cache = cache;
	command->operation = make(query);
	command->head.run(world.core, &command->head);
}

static void say(struct aps_command *(*new_command)(uint64_t of, uint64_t watch), uint64_t id)
{
	struct aps_command *command = new_command(8, id);
	assert_non_null(command);
	command->run(world.core, command);
}

static void write_data(const char *query, const char *data)
{
	struct aps_operation operation = make(query);
	core_world_keep(&world, client, CACHE, &operation, aps_str_of(data));
	aps_operation_clear(&operation);
}

static void drop(struct aps_event *event)
{
	event->mail.kind->free_mail(&event->mail);
}

static const char *json_of(const struct aps_view *view)
{
	static char text[512];
	struct aps_buf json;
	aps_buf_init(&json, sizeof text - 1);
	assert_true(packed_text(&view->data, &json));
	memcpy(text, json.p, json.n + 1);
	aps_buf_clear(&json);
	return text;
}

/* Runs a turn; the only VIEW that it has led to, as text; "" for none. */
static const char *turn(void)
{
	static char text[512];
	text[0] = '\0';
	core_world_turn(&world);
	for (struct aps_event *event; (event = core_world_take(&world)) != NULL; drop(event)) {
		const struct aps_view_event *view = (const struct aps_view_event *)event;
		if (event->kind != APS_EVENT_VIEW) continue;
		assert_string_equal(text, "");
		if (view->view != NULL)
			snprintf(text, sizeof text, "%d: %s%s%s%s", (int)event->target, json_of(view->view),
			         view->view->is_whole ? "" : " missing ",
			         view->view->is_whole ? "" : view->view->missing.p,
			         view->is_asked      ? " asked"
			         : view->is_doubtful ? " doubtful"
			                             : "");
		else
			snprintf(text, sizeof text, "%d: error: %s", (int)event->target, view->err.msg);
	}
	return text;
}

static void a_watch_shows_what_is_there_and_what_changes(void **state)
{
	(void)state;
	watch(1, CACHE, "{ a }");
	assert_string_equal(turn(), "1: {} missing a");
	assert_string_equal(turn(), "");
	say(aps_view_taken_command_new, 1);
	write_data("{ a b }", "{\"a\":1,\"b\":2}");
	assert_string_equal(turn(), "1: {\"a\":1}");
	say(aps_view_taken_command_new, 1);
	write_data("{ a b }", "{\"a\":1,\"b\":3}");
	assert_string_equal(turn(), "");
	write_data("{ a }", "{\"a\":2}");
	write_data("{ a }", "{\"a\":3}"); /* one turn, one view */
	assert_string_equal(turn(), "1: {\"a\":3}");
	say(aps_unwatch_command_new, 1);
	write_data("{ a }", "{\"a\":4}");
	assert_string_equal(turn(), "");
	say(aps_unwatch_command_new, 1); /* unknown ones are ignored */
	say(aps_view_taken_command_new, 1);
	say(aps_show_command_new, 1);
}

static void what_was_not_taken_is_followed_by_the_newest_only(void **state)
{
	(void)state;
	write_data("{ a }", "{\"a\":0}");
	watch(1, CACHE, "{ a }");
	assert_string_equal(turn(), "1: {\"a\":0}");
	for (int i = 1; i < 5; i++) {
		char data[32];
		snprintf(data, sizeof data, "{\"a\":%d}", i);
		write_data("{ a }", data);
		assert_string_equal(turn(), "");
	}
	say(aps_view_taken_command_new, 1);
	assert_string_equal(turn(), "1: {\"a\":4}");
	write_data("{ a }", "{\"a\":9}");
	assert_string_equal(turn(), "");
	write_data("{ a }", "{\"a\":4}"); /* as it was shown */
	say(aps_view_taken_command_new, 1);
	assert_string_equal(turn(), "");
}

static void write_long(int last)
{
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&text, "{\"all\":[");
	for (int i = 0; i < 30000; i++) aps_buf_addf(&text, "{\"id\":\"%d\",\"__typename\":\"T\"},", i);
	aps_buf_addf(&text, "{\"id\":\"%d\",\"__typename\":\"T\"}]}", last);
	write_data("{ all { id } }", text.p);
	aps_buf_clear(&text);
}

/* Runs turns until there is a VIEW, at most so many seconds; after how many turns it came, 0: never. */
static unsigned turns_to_view(double seconds)
{
	double until = aps_clock_mono_s() + seconds;
	for (unsigned n = 1; aps_clock_mono_s() < until; n++) {
		bool has_view = false;
		core_world_turn(&world);
		for (struct aps_event *event; (event = core_world_take(&world)) != NULL; drop(event))
			if (event->kind == APS_EVENT_VIEW) has_view = true;
		if (has_view) return n;
	}
	return 0;
}

static void a_watch_that_takes_long_to_read_rests_and_then_shows_the_last(void **state)
{
	(void)state;
	aps_clock_go_on();
	write_long(-1);
	watch(1, CACHE, "{ all { id } }");
	assert_int_equal(turns_to_view(10), 1);
	say(aps_view_taken_command_new, 1);
	write_long(-2);
	assert_true(turns_to_view(10) > 1);
	say(aps_view_taken_command_new, 1);
	write_long(-3);
	say(aps_show_command_new, 1); /* whoever asks needn't wait */
	assert_int_equal(turns_to_view(10), 1);
}

static void who_asks_is_shown_what_there_is(void **state)
{
	(void)state;
	write_data("{ a }", "{\"a\":0}");
	watch(1, CACHE, "{ a }");
	assert_string_equal(turn(), "1: {\"a\":0}");
	say(aps_show_command_new, 1);
	assert_string_equal(turn(), "1: {\"a\":0} asked");
	write_data("{ a }", "{\"a\":1}");
	say(aps_show_command_new, 1);
	assert_string_equal(turn(), "1: {\"a\":1} asked");
	assert_string_equal(turn(), "");
}

static void a_null_of_a_subscription_makes_doubtful_what_shows_it(void **state)
{
	(void)state;
	static const char EVENT[] = "subscription { on { id title likes n(x: 1) } }";
	write_data("{ a { id title n(x: 1) } }", "{\"a\":{\"id\":\"1\",\"title\":\"t\",\"n\":1,\"__typename\":\"T\"}}");
	watch(1, CACHE, "{ a { id title } }");
	assert_string_equal(turn(), "1: {\"a\":{\"id\":\"1\",\"title\":\"t\",\"__typename\":\"T\"}}");
	say(aps_view_taken_command_new, 1);
	write_data(EVENT, "{\"on\":{\"id\":\"1\",\"title\":\"u\",\"likes\":null,\"n\":null,\"__typename\":\"T\"}}");
	assert_string_equal(turn(), "1: {\"a\":{\"id\":\"1\",\"title\":\"u\",\"__typename\":\"T\"}}");
	say(aps_view_taken_command_new, 1);
	write_data(EVENT, "{\"on\":{\"id\":\"1\",\"title\":null,\"__typename\":\"T\"}}");
	assert_string_equal(turn(), "1: {\"a\":{\"id\":\"1\",\"title\":\"u\",\"__typename\":\"T\"}} doubtful");
	say(aps_unwatch_command_new, 1);
	watch(2, CACHE, "{ a { id n(x: 1) } }"); /* nobody showed it when it came into doubt: it is asked for now */
	assert_string_equal(turn(), "2: {\"a\":{\"id\":\"1\",\"n\":1,\"__typename\":\"T\"}} doubtful");
	say(aps_view_taken_command_new, 2);
	write_data("{ a { id n(x: 1) } }", "{\"a\":{\"id\":\"1\",\"n\":1,\"__typename\":\"T\"}}");
	assert_string_equal(turn(), "");
	write_data(EVENT, "{\"on\":{\"id\":\"1\",\"n\":null,\"__typename\":\"T\"}}");
	assert_string_equal(turn(), "2: {\"a\":{\"id\":\"1\",\"n\":1,\"__typename\":\"T\"}} doubtful");
}

static void watches_are_told_apart_and_shown_in_the_order_in_which_they_came(void **state)
{
	(void)state;
	write_data("{ a b }", "{\"a\":1,\"b\":2}");
	watch(3, CACHE, "{ a }");
	watch(1, CACHE, "{ a b }");
	watch(2, CACHE, "{ b }");
	uint64_t order[3], n = 0;
	core_world_turn(&world);
	for (struct aps_event *event; (event = core_world_take(&world)) != NULL; drop(event))
		if (event->kind == APS_EVENT_VIEW) order[n++] = event->target;
	assert_int_equal(n, 3);
	assert_int_equal(order[0], 3);
	assert_int_equal(order[1], 1);
	assert_int_equal(order[2], 2);
	for (uint64_t id = 1; id <= 3; id++) say(aps_view_taken_command_new, id);
	say(aps_unwatch_command_new, 1);
	write_data("{ b }", "{\"b\":3}");
	assert_string_equal(turn(), "2: {\"b\":3}");
}

static void views_go_before_what_else_a_turn_brings(void **state)
{
	(void)state;
	write_data("{ a }", "{\"a\":1}");
	watch(1, CACHE, "{ a }");
	aps_core_log(world.core, 8, "info", "first");
	core_world_turn(&world);
	struct aps_event *event = core_world_take(&world);
	assert_int_equal(event->kind, APS_EVENT_VIEW);
	drop(event);
	event = core_world_take(&world);
	assert_int_equal(event->kind, APS_EVENT_LOG);
	drop(event);
}

static void what_cannot_be_watched_is_told(void **state)
{
	(void)state;
	watch(1, 99, "{ a }");
	assert_string_equal(turn(), "1: error: the store can't be used");
	struct aps_watch_command *command = aps_watch_command_new(55, 2); /* no such client */
	command->operation = make("{ a }");
	command->head.run(world.core, &command->head);
	assert_string_equal(turn(), "2: error: the client is closed");
}

static void nothing_is_shown_of_a_partition_that_has_closed(void **state)
{
	(void)state;
	write_data("{ a }", "{\"a\":1}");
	watch(1, CACHE, "{ a }");
	watch(2, CACHE, "{ a }");
	core_world_turn(&world);
	for (struct aps_event *event; (event = core_world_take(&world)) != NULL;) drop(event);
	aps_caching_close(world.core, client, CACHE);
	say(aps_show_command_new, 1);
	say(aps_view_taken_command_new, 2);
	assert_string_equal(turn(), "");
	say(aps_unwatch_command_new, 1);
}

/* Whatever allocation fails: the watch ends up with what there is, or says that it can't be. */
static void a_watch_survives_the_lack_of_memory(void **state)
{
	(void)state;
	char data[64];
	for (size_t nth = 1; nth < 120; nth++) {
		snprintf(data, sizeof data, "{\"a\":{\"id\":\"1\",\"n\":%zu,\"__typename\":\"T\"}}", nth);
		write_data("{ a { id n } }", data);
		core_world_turn(&world);
		struct aps_watch_command *command = aps_watch_command_new(8, nth);
		command->cache = CACHE;
		command->operation = make("{ a { id n } }");
		aps_mem_fail_at(nth);
		command->head.run(world.core, &command->head);
		core_world_turn(&world);
		aps_mem_fail_at(0);
		core_world_turn(&world);
		bool has_failed = false, has_shown = false;
		for (struct aps_event *event; (event = core_world_take(&world)) != NULL; drop(event)) {
			const struct aps_view_event *view = (const struct aps_view_event *)event;
			if (event->kind != APS_EVENT_VIEW || event->target != nth) continue;
			has_failed |= view->view == NULL;
			has_shown |= view->view != NULL;
		}
		assert_true(has_failed || has_shown);
		say(aps_view_taken_command_new, nth);
		say(aps_show_command_new, nth);
		const char *text = turn();
		if (has_shown) assert_non_null(strstr(text, data));
		say(aps_unwatch_command_new, nth);
		if (!aps_mem_has_failed()) break;
	}
}

static void damage_store(void)
{
	struct aps_vault *vault = aps_caching_partition(world.core, client, CACHE)->vault;
	vault->file.replaced_ms = 0; /* as if a minute had gone by */
	aps_vault_damaged(vault, vault->place);
}

static const char *take_and_turn(uint64_t id)
{
	say(aps_view_taken_command_new, id);
	return turn();
}

static void a_watch_goes_on_where_its_store_has_moved(void **state)
{
	(void)state;
	struct aps_vault *vault = aps_caching_partition(world.core, client, CACHE)->vault;
	const struct aps_err full = {.code = APS_E_STORAGE, .word = "full", .native = 13, .msg = "no room"};
	write_data("{ a b { id n } }", "{\"a\":1,\"b\":{\"id\":\"1\",\"n\":1,\"__typename\":\"T\"}}");
	watch(1, CACHE, "{ b { n } }");
	assert_string_equal(turn(), "1: {\"b\":{\"n\":1,\"__typename\":\"T\"}}");
	assert_true(aps_vault_cope(vault, &full));
	assert_string_equal(take_and_turn(1), "");
	write_data("{ b { id n } }", "{\"b\":{\"id\":\"1\",\"n\":2,\"__typename\":\"T\"}}");
	assert_string_equal(turn(), "1: {\"b\":{\"n\":2,\"__typename\":\"T\"}}");
	aps_vault_retry(vault, 0);
	assert_string_equal(take_and_turn(1), "");
	write_data("{ b { id n } }", "{\"b\":{\"id\":\"1\",\"n\":3,\"__typename\":\"T\"}}");
	assert_string_equal(turn(), "1: {\"b\":{\"n\":3,\"__typename\":\"T\"}}");
}

static void a_watch_begins_anew_in_a_new_file(void **state)
{
	(void)state;
	write_data("{ b { id n } }", "{\"b\":{\"id\":\"1\",\"n\":1,\"__typename\":\"T\"}}");
	watch(1, CACHE, "{ b { n } }");
	assert_string_equal(turn(), "1: {\"b\":{\"n\":1,\"__typename\":\"T\"}}");
	damage_store();
	assert_string_equal(take_and_turn(1), "1: {} missing b");
	write_data("{ other { id n } }", "{\"other\":{\"id\":\"2\",\"n\":9,\"__typename\":\"T\"}}");
	assert_string_equal(take_and_turn(1), "");
	write_data("{ b { id n } }", "{\"b\":{\"id\":\"1\",\"n\":2,\"__typename\":\"T\"}}");
	assert_string_equal(take_and_turn(1), "1: {\"b\":{\"n\":2,\"__typename\":\"T\"}}");
	damage_store(); /* and what is written in the same turn is there */
	write_data("{ b { id n } }", "{\"b\":{\"id\":\"1\",\"n\":3,\"__typename\":\"T\"}}");
	assert_string_equal(take_and_turn(1), "1: {\"b\":{\"n\":3,\"__typename\":\"T\"}}");
	write_data("{ c { id n } }", "{\"c\":{\"id\":\"1\",\"n\":4,\"__typename\":\"T\"}}");
	assert_string_equal(take_and_turn(1), "1: {\"b\":{\"n\":4,\"__typename\":\"T\"}}");
}

/* Each of them goes on, or has said that it can't. */
static void without_memory_a_watch_of_a_new_file_ends_with_an_error(void **state)
{
	(void)state;
	size_t n_ends = 0;
	for (size_t nth = 1; nth < 200; nth++) {
		bool has_ended[3] = {false, false, false};
		uint64_t first = nth * 3;
		char data[64], expected[64];
		snprintf(data, sizeof data, "{\"b\":{\"id\":\"1\",\"n\":%zu,\"__typename\":\"T\"}}", nth);
		for (size_t i = 0; i < 3; i++) watch(first + i, CACHE, "{ b { n } }");
		core_world_turn(&world);
		for (struct aps_event *event; (event = core_world_take(&world)) != NULL;) drop(event);
		aps_mem_fail_at(nth);
		damage_store();
		core_world_turn(&world);
		aps_mem_fail_at(0);
		aps_vault_retry(aps_caching_partition(world.core, client, CACHE)->vault, 0);
		for (size_t i = 0; i < 3; i++) say(aps_view_taken_command_new, first + i);
		write_data("{ b { id n } }", data);
		core_world_turn(&world);
		snprintf(expected, sizeof expected, "{\"b\":{\"n\":%zu,\"__typename\":\"T\"}}", nth);
		bool has_shown[3] = {false, false, false};
		for (struct aps_event *event; (event = core_world_take(&world)) != NULL; drop(event)) {
			const struct aps_view_event *view = (const struct aps_view_event *)event;
			if (event->kind != APS_EVENT_VIEW) continue;
			assert_in_range(event->target, first, first + 2);
			if (view->view == NULL)
				has_ended[event->target - first] = true;
			else if (strcmp(json_of(view->view), expected) == 0)
				has_shown[event->target - first] = true;
		}
		for (size_t i = 0; i < 3; i++) {
			if (!has_shown[i] && !has_ended[i]) fail_msg("%zu: the watch %zu is silent", nth, i);
			n_ends += has_ended[i] && !has_shown[i];
			say(aps_unwatch_command_new, first + i);
		}
		if (!aps_mem_has_failed()) break;
	}
	assert_true(n_ends > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_watch_shows_what_is_there_and_what_changes, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_was_not_taken_is_followed_by_the_newest_only, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_watch_that_takes_long_to_read_rests_and_then_shows_the_last, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(who_asks_is_shown_what_there_is, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_null_of_a_subscription_makes_doubtful_what_shows_it, setup, teardown),
	        cmocka_unit_test_setup_teardown(watches_are_told_apart_and_shown_in_the_order_in_which_they_came, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(views_go_before_what_else_a_turn_brings, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_cannot_be_watched_is_told, setup, teardown),
	        cmocka_unit_test_setup_teardown(nothing_is_shown_of_a_partition_that_has_closed, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_watch_survives_the_lack_of_memory, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_watch_goes_on_where_its_store_has_moved, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_watch_begins_anew_in_a_new_file, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_a_watch_of_a_new_file_ends_with_an_error, setup,
	                                        teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
