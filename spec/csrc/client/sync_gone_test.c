/* What has left a delta sync's list without a deletion that anybody told, and is shown by queries of cache_updates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "saboteur.h"

#define WITH_UPDATES (&(struct asked){.has_cache_updates = true})
#define GET(id)      "{ getPost(id: \"" id "\") { id n } }"

/* What cache_updates says is written: that getPost of this id shows `value`, null or a reference. */
static void say(const char *id, const char *value)
{
	static uint64_t number = 1000;
	char field[32];
	struct aps_edits *edits = aps_edits_new();
	uint64_t question = world.last_question;
	snprintf(field, sizeof field, "getPost({\"id\":\"%s\"})", id);
	const struct aps_edit_what what = {.kind = APS_EDIT_SET,
	                                   .key = APS_STR("ROOT_QUERY"),
	                                   .field = aps_str_of(field),
	                                   .is_apart = true,
	                                   .json = aps_str_of(value)};
	assert_non_null(edits);
	assert_true(aps_edits_add(edits, &what));
	drop_events();
	settle_with(question, number++, edits, NULL);
}

static void say_nothing(void)
{
	uint64_t question = world.last_question;
	drop_events();
	settle_with(question, 0, NULL, NULL);
}

static void fail_to_say(void)
{
	struct aps_sync_answer_command *command = aps_settle_sync_command_new(7, SYNC);
	assert_non_null(command);
	command->cache = CACHE;
	command->question = world.last_question;
	command->has_failed = true;
	drop_events();
	run_command(&command->head);
	turn();
}

static bool is_shown(const char *id)
{
	char query[64];
	snprintf(query, sizeof query, GET("%s"), id);
	return strstr(read_query(query), "\"id\"") != NULL;
}

/* Live, with these two, each shown by a query of its own. */
static void go_live_with_two(void)
{
	open_sync(WITH_UPDATES);
	tell("subscribed");
	answer_base(both(post("1", 1, 1), post("2", 2, 1)), NULL);
	assert_told("records", "\"id\":\"2\"");
	say("2", "{\"__ref\":\"Post:2\"}");
	assert_phase(APS_SYNC_LIVE);
	assert_true(is_shown("2"));
	assert_null(told("records"));
}

/* The service has no 2 any more, and nobody has heard of that. */
static void let_2_go(void)
{
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_told("records", "\"id\":\"1\"");
	assert_null(aps_str_find(told("records")->response.data, "\"id\":\"2\""));
	say_nothing();
	assert_string_equal(list(), "1:1");
}

static void assert_asked_about_2(void)
{
	assert_told("records",
	            "\"records\":[{\"data\":{\"id\":\"2\",\"n\":2,\"_version\":1,\"_deleted\":null,\"_lastChangedAt\":"
	            "1001,\"__typename\":\"Post\"},\"deleted\":true}]");
}

static void say_that_2_is_null(void)
{
	say("2", "null");
	assert_string_equal(read_query(GET("2")), "{\"getPost\":null}");
	assert_null(told("records"));
	assert_false(world.run->keeping.is_busy);
}

static void what_a_pass_lacks_is_asked_about_as_of_a_deletion(void **state)
{
	(void)state;
	go_live_with_two();
	let_2_go();
	assert_asked_about_2();
	assert_true(is_shown("2"));
	say_that_2_is_null();
	assert_false(world.run->has_gone);
	collect();
	assert_int_equal(n_of("2"), -1); /* nothing refers to it any more */
	assert_int_equal(n_of("1"), 1);
	assert_phase(APS_SYNC_LIVE);
}

static void without_a_function_nothing_is_asked(void **state)
{
	(void)state;
	go_live(&(struct asked){0}, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_null(told("records"));
	assert_false(world.run->has_gone);
}

/* As of a mutation that is queued. */
static void change_optimistically(const char *id)
{
	char json[96];
	snprintf(json, sizeof json, "{\"up\":{\"__typename\":\"Post\",\"id\":\"%s\",\"n\":9}}", id);
	const struct aps_caching_edits edits = {.layer = 50, .edits = make_edits("mutation M { up { id n } }", json)};
	aps_caching_add_layer(world.core, world.client, CACHE, &edits);
	aps_edits_unref(edits.edits);
	turn();
}

static void what_has_lingered_is_asked_about_when_it_leaves(void **state)
{
	(void)state;
	go_live_with_two();
	change_optimistically("2");
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_non_null(told("records"));
	say_nothing();
	assert_string_equal(list(), "1:1 2:9");
	assert_null(told("records"));
	aps_caching_settle_layer(world.core, world.client, CACHE, &(struct aps_caching_edits){.layer = 50});
	for (int i = 0; i < 3; i++) turn();
	assert_asked_about_2();
	say_that_2_is_null();
	assert_string_equal(list(), "1:1");
}

static void the_next_run_asks_about_what_was_left(void **state)
{
	(void)state;
	go_live_with_two();
	let_2_go();
	assert_asked_about_2();
	restart();
	open_sync(WITH_UPDATES);
	assert_asked_about_2(); /* offline, too */
	say_that_2_is_null();
	collect();
	assert_int_equal(n_of("2"), -1);
	restart();
	open_sync(WITH_UPDATES);
	assert_null(told("records"));
}

static void a_run_without_a_function_forgets_what_was_left(void **state)
{
	(void)state;
	go_live_with_two();
	let_2_go();
	restart();
	open_sync(&(struct asked){0});
	assert_null(told("records"));
	assert_false(world.run->has_gone);
	stop();
	open_sync(WITH_UPDATES);
	assert_null(told("records"));
}

/* The Lua side had no memory, say. */
static void what_could_not_be_asked_is_asked_with_the_next_event(void **state)
{
	(void)state;
	go_live_with_two();
	let_2_go();
	assert_asked_about_2();
	fail_to_say();
	for (int i = 0; i < 3; i++) turn();
	assert_null(told("records"));
	assert_false(world.run->hearing.has_missed);
	hear(post("1", 11, 2));
	assert_told("records", "\"n\":11");
	say_nothing();
	assert_asked_about_2();
	say_that_2_is_null();
}

static void what_cannot_be_written_is_asked_about_again(void **state)
{
	(void)state;
	go_live_with_two();
	let_2_go();
	assert_asked_about_2();
	sabotage(1);
	say("2", "null");
	end_sabotage();
	for (int i = 0; i < 3; i++) turn();
	assert_true(is_shown("2"));
	assert_null(told("records"));
	hear(post("1", 11, 2));
	assert_told("records", "\"n\":11");
	say_nothing();
	assert_asked_about_2();
	say_that_2_is_null();
}

static void what_comes_again_is_not_asked_about(void **state)
{
	(void)state;
	go_live_with_two();
	let_2_go();
	assert_asked_about_2();
	fail_to_say();
	hear(post("2", 22, 2));
	assert_told("records", "\"n\":22");
	say_nothing();
	assert_null(told("records"));
	assert_string_equal(list(), "1:1 2:22");
	assert_true(is_shown("2"));
	assert_false(world.run->has_gone);
}

static void what_others_were_told_since_is_not_asked_about(void **state)
{
	(void)state;
	go_live_with_two();
	let_2_go();
	assert_asked_about_2();
	fail_to_say();
	keep("{ best { id n } }", "{\"best\":{\"__typename\":\"Post\",\"id\":\"2\",\"n\":23}}");
	hear(post("1", 11, 2));
	assert_told("records", "\"n\":11");
	say_nothing();
	assert_null(told("records"));
	assert_true(is_shown("2"));
}

static void what_another_sync_has_is_not_asked_about(void **state)
{
	(void)state;
	go_live_with_two();
	struct aps_sync_run *first = world.run;
	assert_true(try_open_as(SYNC + 1, &(struct asked){.base = "{ hers { items { " FIELDS " } } }", .delta = ""}));
	tell("subscribed");
	answer_status(200, page_of("hers", post("2", 2, 1), NULL));
	begin_next_pass();
	answer_status(200, page_of("hers", post("2", 2, 1), NULL));
	world.run = first;
	answer_base(post("1", 1, 1), NULL);
	assert_told("records", "\"id\":\"1\"");
	say_nothing();
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_told("records", "\"id\":\"1\"");
	say_nothing();
	assert_string_equal(list(), "1:1");
	assert_null(told("records"));
	assert_true(is_shown("2"));
}

#define MANY 150

/* With many records in one page. */
static void serve_many(int from, int to)
{
	static char items[MANY * 110];
	static char body[sizeof items + 256];
	size_t n = 0;
	items[0] = '\0';
	for (int i = from; i <= to; i++)
		n += (size_t)snprintf(
		        items + n, sizeof items - n,
		        "%s{\"__typename\":\"Post\",\"id\":\"%d\",\"n\":%d,\"_version\":1,\"_deleted\":null,\"_"
		        "lastChangedAt\":1}",
		        i != from ? "," : "", i, i);
	snprintf(body, sizeof body,
	         "{\"data\":{\"listPosts\":{\"items\":[%s],\"nextToken\":null,\"startedAt\":%" PRId64
	         ",\"__typename\":\"Page\"}}}",
	         items, BEGIN_MS + world.ms);
	answer_status(200, body);
}

static size_t n_told(void)
{
	size_t n = 0;
	const struct aps_result_event *event = told("records");
	struct aps_str rest = event != NULL ? event->response.data : APS_STR("");
	const char *at;
	while ((at = aps_str_find(rest, "\"deleted\":true")) != NULL) {
		rest = (struct aps_str){at + 1, rest.n - (size_t)(at + 1 - rest.p)};
		n++;
	}
	return n;
}

/* The process ends after the first of them. */
static void many_are_asked_about_a_few_at_a_time(void **state)
{
	(void)state;
	open_sync(WITH_UPDATES);
	tell("subscribed");
	serve_many(1, MANY);
	assert_non_null(told("records"));
	say_nothing();
	begin_next_pass();
	serve_many(1, 1);
	assert_non_null(told("records"));
	say_nothing();
	assert_int_equal(n_told(), 50);
	say_nothing();
	assert_int_equal(n_told(), 50);
	restart();
	open_sync(WITH_UPDATES);
	assert_int_equal(n_told(), 50);
	say_nothing();
	assert_int_equal(n_told(), 49);
	say_nothing();
	assert_int_equal(n_told(), 0);
	collect();
	assert_int_equal(n_of("150"), -1);
}

/* What an earlier pass has collected, and the next one doesn't have. */
static void what_a_pass_that_is_begun_anew_had_is_asked_about_at_the_end(void **state)
{
	(void)state;
	go_live_with_two();
	begin_next_pass();
	answer_base(post("3", 3, 1), "a");
	assert_told("records", "\"id\":\"3\"");
	say("3", "{\"__ref\":\"Post:3\"}");
	answer_status(200, "{\"data\":null,\"errors\":[{\"message\":\"no such token\"}]}");
	answer_base(both(post("1", 1, 1), post("2", 2, 1)), "b");
	assert_non_null(told("records"));
	say_nothing();
	assert_null(told("records"));
	answer_base(post("4", 4, 1), NULL);
	assert_told("records", "\"id\":\"4\"");
	say_nothing();
	assert_string_equal(list(), "1:1 2:2 4:4");
	assert_int_equal(n_told(), 1);
	assert_told("records", "\"id\":\"3\"");
	say("3", "null");
	assert_true(is_shown("2"));
	assert_false(is_shown("3"));
}

/* It stays in the list: what the earlier pass had collected isn't gone. */
static void what_a_pass_with_bad_records_leaves_in_the_list_is_not_asked_about(void **state)
{
	(void)state;
	go_live_with_two();
	begin_next_pass();
	answer_base(post("2", 2, 1), "a");
	assert_told("records", "\"id\":\"2\"");
	say_nothing();
	answer_status(200, "{\"data\":null,\"errors\":[{\"message\":\"no such token\"}]}");
	answer_base(both(post("1", 1, 1), "null"), NULL);
	assert_told("records", "\"id\":\"1\"");
	say_nothing();
	assert_string_equal(list(), "1:1 2:2");
	assert_null(told("records"));
	assert_false(world.run->has_gone);
}

/* What the store may have is looked for once, and not again and again. */
static void behind_a_commit_that_failed_a_sync_without_a_function_rests(void **state)
{
	(void)state;
	go_live(&(struct asked){0}, post("1", 1, 1));
	sabotage(1);
	hear(post("1", 2, 2));
	end_sabotage();
	turn();
	answer_delta(post("1", 2, 2), NULL);
	uint64_t last = world.run->last_question;
	for (int i = 0; i < 3; i++) turn();
	assert_int_equal(world.run->last_question, last);
	assert_false(world.run->has_gone);
}

/* One allocation fails each time: nothing is lost, at the latest with the next event. */
static void without_memory_nothing_is_lost(void **state)
{
	(void)state;
	for (size_t nth = 1; nth < 400; nth += 3) {
		begin();
		go_live_with_two();
		begin_next_pass();
		answer_base(post("1", 1, 1), NULL);
		assert_told("records", "\"id\":\"1\"");
		uint64_t question = world.last_question;
		drop_events();
		aps_mem_fail_at(nth);
		struct aps_sync_answer_command *command = aps_settle_sync_command_new(7, SYNC);
		if (command != NULL) {
			command->cache = CACHE;
			command->question = question;
			run_command(&command->head);
			turn();
		}
		aps_mem_fail_at(0);
		if (command == NULL) settle_with(question, 0, NULL, NULL);
		bool is_told = n_told() != 0;
		for (int i = 0; i < 20 && !is_told; i++) {
			if (told("records") != NULL)
				say_nothing();
			else if (is_asked())
				answer_status(
				        200,
				        page_of(world.run->fetching.query == APS_SYNC_BASE_QUERY ? "listPosts"
				                                                                 : "syncPosts",
				                world.run->fetching.query == APS_SYNC_BASE_QUERY ? post("1", 1, 1) : "",
				                NULL));
			else if (phase() == APS_SYNC_LIVE)
				hear(post("1", 11 + i, 2 + i));
			else
				let_time_pass(31000);
			is_told = n_told() != 0;
		}
		if (!is_told) fail_msg("allocation %zu: nothing was asked", nth);
		say_that_2_is_null();
		finish();
	}
}

/* What was told of it before the pass says nothing, in the next sync of this process either. */
static void what_was_told_before_the_pass_is_asked_about_in_the_next_sync(void **state)
{
	(void)state;
	open_sync(WITH_UPDATES);
	tell("subscribed");
	answer_base(post("1", 1, 1), NULL);
	assert_told("records", "\"id\":\"1\"");
	say_nothing();
	hear(post("2", 2, 1));
	assert_told("records", "\"id\":\"2\"");
	say("2", "{\"__ref\":\"Post:2\"}");
	let_2_go();
	assert_asked_about_2();
	stop();
	drop_events();
	open_sync(WITH_UPDATES);
	assert_asked_about_2();
	say_that_2_is_null();
	assert_false(world.run->has_gone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_a_pass_lacks_is_asked_about_as_of_a_deletion),
	        TEST(without_a_function_nothing_is_asked),
	        TEST(what_has_lingered_is_asked_about_when_it_leaves),
	        TEST(the_next_run_asks_about_what_was_left),
	        TEST(a_run_without_a_function_forgets_what_was_left),
	        TEST(what_could_not_be_asked_is_asked_with_the_next_event),
	        TEST(what_cannot_be_written_is_asked_about_again),
	        TEST(what_comes_again_is_not_asked_about),
	        TEST(what_others_were_told_since_is_not_asked_about),
	        TEST(what_another_sync_has_is_not_asked_about),
	        TEST(many_are_asked_about_a_few_at_a_time),
	        TEST(what_a_pass_that_is_begun_anew_had_is_asked_about_at_the_end),
	        TEST(what_a_pass_with_bad_records_leaves_in_the_list_is_not_asked_about),
	        TEST(behind_a_commit_that_failed_a_sync_without_a_function_rests),
	        TEST(what_was_told_before_the_pass_is_asked_about_in_the_next_sync),
	        cmocka_unit_test(without_memory_nothing_is_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
