/* What pages and events of a delta sync make of the cache: records, and the list that they join or leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "syncing_world.h"

#define ALL_DEFAULT (&(struct asked){0})

/* Data of one field. */
static const char *one_of(const char *field, const char *record)
{
	static char text[512];
	snprintf(text, sizeof text, "{\"%s\":%s}", field, record);
	return text;
}

static void a_first_pass_is_shown_page_by_page(void **state)
{
	(void)state;
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	answer_base(both(post("1", 1, 1), post("2", 2, 1)), "a");
	assert_string_equal(list(), "1:1 2:2");
	assert_string_equal(variables(), "{\"limit\":100,\"nextToken\":\"a\"}");
	answer_base(post("3", 3, 1), "b");
	assert_string_equal(list(), "1:1 2:2 3:3");
	answer_base("", NULL);
	assert_string_equal(list(), "1:1 2:2 3:3");
	assert_phase(APS_SYNC_LIVE);
	/* all pages are one list: no token is left */
	assert_non_null(strstr(read_query(BASE), "\"nextToken\":null"));
}

static void an_empty_result_is_an_empty_list(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, "");
	assert_string_equal(read_query(LIST), "{\"listPosts\":{\"items\":[],\"__typename\":\"Page\"}}");
	hear(post("1", 1, 1));
	assert_string_equal(list(), "1:1");
}

static void a_later_pass_is_collected_beside_and_takes_the_place_of_the_list_at_its_end(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(both(post("1", 1, 1), post("2", 2, 1)), post("3", 3, 1)));
	begin_next_pass();
	answer_base(both(post("4", 4, 1), post("1", 11, 2)), "a");
	assert_string_equal(list(), "1:11 2:2 3:3");
	answer_base(post("2", 2, 1), NULL);
	assert_string_equal(list(), "4:4 1:11 2:2");
	collect();
	assert_int_equal(n_of("3"), -1);
	assert_phase(APS_SYNC_LIVE);
	hear(post("5", 5, 1));
	assert_string_equal(list(), "4:4 1:11 2:2 5:5");
}

static void what_comes_during_a_pass_is_in_both_lists(void **state)
{
	(void)state;
	go_live(&(struct asked){.delta = ""}, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	answer_base(both(post("1", 1, 1), post("2", 2, 1)), "a");
	hear(post("5", 5, 1)); /* held until the pass is over */
	hear(deleted("2", 2));
	assert_string_equal(list(), "1:1 2:2");
	answer_base("", NULL);
	assert_string_equal(list(), "1:1 5:5");
	assert_int_equal(n_of("2"), -1);
	assert_phase(APS_SYNC_LIVE);
}

/* A delta pass inside of a long base pass, whose list is beside. */
static void a_delta_pass_between_two_pages_changes_both_lists(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	answer_base(post("1", 1, 1), "a");
	answer_status(500, "");
	let_time_pass(DAY_MS / 2 + 1);
	answer_delta(both(deleted("1", 2), post("7", 7, 1)), NULL);
	assert_string_equal(list(), "2:2 7:7");
	answer_base(post("2", 2, 1), NULL);
	/* what was collected before the journal told of it isn't brought back */
	assert_string_equal(list(), "7:7 2:2");
	assert_int_equal(n_of("1"), -1);
}

/* As of a mutation that is queued. */
static void change_optimistically(const char *id, int n)
{
	char json[96];
	snprintf(json, sizeof json, "{\"up\":{\"__typename\":\"Post\",\"id\":\"%s\",\"n\":%d}}", id, n);
	const struct aps_caching_edits what = {.layer = 50, .edits = make_edits("mutation M { up { id n } }", json)};
	aps_caching_add_layer(world.core, world.client, CACHE, &what);
	aps_edits_unref(what.edits);
	turn();
}

static void settle_layer(void)
{
	aps_caching_settle_layer(world.core, world.client, CACHE, &(struct aps_caching_edits){.layer = 50});
	let_turns_pass();
}

/* 2 and 3 aren't there any more; 2 is being changed. */
static void let_2_linger(void)
{
	go_live(ALL_DEFAULT, both(both(post("1", 1, 1), post("2", 2, 1)), post("3", 3, 1)));
	change_optimistically("2", 200);
	assert_string_equal(list(), "1:1 2:200 3:3");
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_string_equal(list(), "1:1 2:200");
	assert_int_equal(n_of("2"), 2);
	collect();
	assert_int_equal(n_of("3"), -1);
}

static void what_layers_speak_of_stays_in_the_list_until_none_does(void **state)
{
	(void)state;
	let_2_linger();
	settle_layer();
	assert_string_equal(list(), "1:1");
	collect_later();
	assert_int_equal(n_of("2"), -1);
	assert_phase(APS_SYNC_LIVE);
	hear(post("2", 24, 2));
	assert_string_equal(list(), "1:1 2:24");
}

static void what_lingers_leaves_after_a_restart_too(void **state)
{
	(void)state;
	let_2_linger();
	restart();
	assert_string_equal(list(), "1:1 2:2");
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	answer_delta("", NULL);
	let_turns_pass();
	assert_string_equal(list(), "1:1");
	collect();
	assert_int_equal(n_of("2"), -1);
}

/* The pass was of the run before: what this run is told came behind it. */
static void what_lingers_stays_where_its_mutation_succeeds_in_the_next_run(void **state)
{
	(void)state;
	let_2_linger();
	restart();
	change_optimistically("2", 300);
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	answer_delta("", NULL);
	let_turns_pass();
	assert_string_equal(list(), "1:1 2:300");
	keep("mutation M { up { id n _version } }",
	     "{\"up\":{\"__typename\":\"Post\",\"id\":\"2\",\"n\":300,\"_version\":2}}");
	settle_layer();
	assert_string_equal(list(), "1:1 2:300");
}

/* As of a mutation of which nobody knows whether it was done. */
static void doubt_layer(void)
{
	struct aps_err err;
	assert_int_equal(aps_vault_begin(partition()->vault, &err), APS_OK);
	assert_int_equal(aps_partition_drop_layer(partition(), aps_partition_find_layer(partition(), 50), true, &err),
	                 APS_OK);
	assert_int_equal(aps_vault_commit(partition()->vault, &err), APS_OK);
	let_turns_pass();
}

static void a_doubt_keeps_nothing_in_the_list(void **state)
{
	(void)state;
	let_2_linger();
	doubt_layer();
	assert_string_equal(list(), "1:1");
	collect_later();
	assert_int_equal(n_of("2"), -1);
	change_optimistically("1", 100);
	begin_next_pass();
	doubt_layer();
	answer_base(post("3", 3, 1), NULL);
	assert_string_equal(list(), "3:3");
}

static void what_lingers_stays_where_its_mutation_succeeds(void **state)
{
	(void)state;
	let_2_linger();
	keep("mutation M { up { id n _version } }",
	     "{\"up\":{\"__typename\":\"Post\",\"id\":\"2\",\"n\":200,\"_version\":2}}");
	settle_layer();
	assert_string_equal(list(), "1:1 2:200");
	restart();
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	answer_delta("", NULL);
	let_turns_pass();
	assert_string_equal(list(), "1:1 2:200");
}

static void what_lingers_and_is_told_again_stays(void **state)
{
	(void)state;
	let_2_linger();
	hear(post("2", 24, 2));
	settle_layer();
	assert_string_equal(list(), "1:1 2:24");
	change_optimistically("1", 100);
	begin_next_pass();
	answer_base(post("2", 24, 2), NULL);
	assert_string_equal(list(), "2:24 1:100");
	begin_next_pass();
	answer_base(both(post("1", 1, 1), post("2", 24, 2)), NULL);
	settle_layer();
	assert_string_equal(list(), "1:1 2:24");
}

static void what_was_written_since_the_pass_began_stays_in_the_list(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	keep("mutation M { up { id n } }", "{\"up\":{\"__typename\":\"Post\",\"id\":\"1\",\"n\":10}}");
	begin_next_pass();
	keep("mutation M { up { id n _version } }",
	     "{\"up\":{\"__typename\":\"Post\",\"id\":\"2\",\"n\":20,\"_version\":2}}");
	answer_base(post("3", 3, 1), NULL);
	assert_string_equal(list(), "3:3 2:20");
	/* the next pass knows nothing of that */
	begin_next_pass();
	answer_base(post("3", 3, 1), NULL);
	assert_string_equal(list(), "3:3");
	collect_later();
	assert_int_equal(n_of("2"), -1);
}

/* One pass was given up: what was written since it began stays, but what was written before the next one doesn't. */
static void a_pass_that_begins_anew_forgets_when_the_former_one_began(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	answer_base(post("1", 1, 1), "a");
	keep("mutation M { up { id n _version } }",
	     "{\"up\":{\"__typename\":\"Post\",\"id\":\"2\",\"n\":20,\"_version\":2}}");
	answer_status(400, "{\"errors\":[{\"errorType\":\"BadRequestException\",\"message\":\"no such token\"}]}");
	assert_string_equal(variables(), "{\"limit\":100}");
	answer_base(post("1", 1, 1), NULL);
	assert_string_equal(list(), "1:1");
	collect();
	assert_int_equal(n_of("2"), -1);
}

static void a_delta_query_adds_removes_and_passes_over_what_is_older(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(both(post("1", 1, 1), post("2", 2, 2)), post("3", 3, 1)));
	tell("reconnecting");
	tell("subscribed");
	answer_delta(both(both(post("1", 11, 2), post("2", 0, 1)), both(deleted("3", 2), post("4", 4, 1))), NULL);
	assert_string_equal(list(), "1:11 2:2 4:4");
	assert_phase(APS_SYNC_LIVE);
	assert_int_equal(world.run->counts.n_stale, 1);
}

/* A journal of changes has a record once for each. */
static void of_several_states_of_a_record_in_one_page_the_newest_counts(void **state)
{
	(void)state;
	static const struct {
		bool is_first_deleted;
		int first;
		bool is_second_deleted;
		int second;
		const char *list;
		bool is_dead;
	} ROWS[] = {
	        {false, 2, false, 3, "1:3", false}, {false, 3, false, 2, "1:3", false},
	        {true, 2, false, 3, "1:3", false},  {false, 3, true, 2, "1:3", false},
	        {true, 3, false, 2, "", true},      {false, 2, true, 3, "", true},
	        {true, 3, false, 3, "", true},      {false, 3, true, 3, "", true},
	        {true, 2, true, 3, "", true},       {false, 3, false, 3, "1:3", false},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		go_live(ALL_DEFAULT, post("1", 1, 1));
		tell("reconnecting");
		tell("subscribed");
		const char *first = ROWS[i].is_first_deleted ? deleted("1", ROWS[i].first)
		                                             : post("1", ROWS[i].first, ROWS[i].first);
		const char *second = ROWS[i].is_second_deleted ? deleted("1", ROWS[i].second)
		                                               : post("1", ROWS[i].second, ROWS[i].second);
		answer_delta(both(both(first, post("x", 0, 1)), second), NULL);
		hear(deleted("x", 9));
		if (strcmp(list(), ROWS[i].list) != 0) print_message("row %zu\n", i);
		assert_string_equal(list(), ROWS[i].list);
		assert_int_equal(is_dead("1"), ROWS[i].is_dead);
		if (i + 1 == APS_COUNTOF(ROWS)) break;
		finish();
		begin();
	}
}

static void lists_that_are_kept_by_hand_change_with_base_queries_only(void **state)
{
	(void)state;
	go_live(&(struct asked){.is_by_hand = true}, both(both(post("1", 1, 1), post("2", 2, 1)), post("3", 3, 1)));
	assert_string_equal(list(), "1:1 2:2 3:3");
	hear(deleted("2", 2));
	hear(post("5", 5, 1));
	hear(post("1", 11, 2));
	assert_string_equal(list(), "1:11 2:2 3:3");
	assert_int_equal(n_of("2"), 2);
	assert_int_equal(n_of("5"), 5);
	assert_false(is_dead("2"));
	tell("reconnecting");
	tell("subscribed");
	answer_delta(both(post("6", 6, 1), deleted("1", 3)), NULL);
	assert_string_equal(list(), "1:11 2:2 3:3");
	assert_int_equal(n_of("6"), 6);
	begin_next_pass();
	answer_base(both(post("1", 11, 2), post("4", 4, 1)), NULL);
	assert_string_equal(list(), "1:11 4:4");
	assert_int_equal(n_of("2"), 2); /* other lists may have it */
}

static void null_in_the_place_of_a_base_querys_list_is_tried_again_and_takes_nothing_away(void **state)
{
	(void)state;
	static const char *const BODIES[] = {"{\"data\":{\"listPosts\":null}}",
	                                     "{\"data\":{\"listPosts\":{\"items\":null,\"nextToken\":null}}}",
	                                     "{\"data\":{\"listPosts\":{\"nextToken\":null}}}"};
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	for (size_t i = 0; i < APS_COUNTOF(BODIES); i++) {
		answer_status(200, BODIES[i]);
		assert_phase(APS_SYNC_WAITING);
		assert_int_equal(world.run->err.code, APS_E_PROTOCOL);
		assert_string_equal(list(), "1:1 2:2");
		let_time_pass(60000);
	}
	answer_base(post("1", 1, 1), "a");
	answer_status(200, BODIES[0]); /* of a later page, too */
	let_time_pass(60000);
	assert_string_equal(list(), "1:1 2:2");
	assert_string_equal(variables(), "{\"limit\":100,\"nextToken\":\"a\"}");
	answer_base("", NULL);
	assert_string_equal(list(), "1:1");
	assert_int_equal(world.run->err.code, APS_OK);
	assert_phase(APS_SYNC_LIVE);
}

static void null_in_the_place_of_a_delta_querys_list_says_that_nothing_has_changed(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, post("1", 1, 1));
	tell("reconnecting");
	tell("subscribed");
	answer_status(200, "{\"data\":{\"syncPosts\":null}}");
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(list(), "1:1");
}

static void a_token_that_an_error_has_taken_does_not_end_the_pass(void **state)
{
	(void)state;
	char body[1024];
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	snprintf(body, sizeof body,
	         "{\"data\":{\"listPosts\":{\"items\":[%s],\"nextToken\":null}},\"errors\":[{\"message\":\"no "
	         "token\",\"path\":[\"listPosts\",\"nextToken\"]}]}",
	         post("1", 1, 1));
	answer_status(200, body);
	assert_phase(APS_SYNC_WAITING);
	assert_string_equal(world.run->err.msg, "no token");
	assert_string_equal(list(), "1:1 2:2");
}

/* Which says itself what is a list. */
static void a_root_field_that_was_no_list_may_be_nothing_where_the_application_keeps_its_lists(void **state)
{
	(void)state;
	open_sync(&(struct asked){.base = "{ getPost(id: 1) { id n _version } }", .is_by_hand = true});
	tell("subscribed");
	answer_status(200, "{\"data\":{\"getPost\":null}}");
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(read_query("{ getPost(id: 1) { n } }"), "{\"getPost\":null}");
}

static const char *of_data(const char *data)
{
	static char text[600];
	snprintf(text, sizeof text, "{\"data\":%s}", data);
	return text;
}

/* The answer of the application's own mutation, which has selected less, came while the page was under way. */
static void what_only_an_older_page_tells_is_taken_and_asked_after(void **state)
{
	(void)state;
	static const char *const LIVES[] = {LIVE, ""};
	for (size_t i = 0; i < APS_COUNTOF(LIVES); i++) {
		begin();
		open_sync(&(struct asked){.live = LIVES[i]});
		if (LIVES[i][0] != '\0') tell("subscribed");
		keep("mutation M { up { id _version } }",
		     "{\"up\":{\"__typename\":\"Post\",\"id\":\"1\",\"_version\":2}}");
		answer_base(both(post("1", 1, 1), post("2", 2, 1)), NULL);
		assert_string_equal(list(), "1:1 2:2");
		assert_non_null(strstr(read_query(BASE), "\"_version\":2"));
		assert_phase(APS_SYNC_DELTA);
		answer_delta(post("1", 7, 2), NULL);
		assert_string_equal(list(), "1:7 2:2");
		assert_phase(APS_SYNC_LIVE);
		finish();
	}
}

static void where_an_older_page_tells_nothing_nobody_is_asked(void **state)
{
	(void)state;
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	keep("mutation M { up { " FIELDS " } }", one_of("up", post("1", 7, 2)));
	answer_base(both(post("1", 1, 1), post("2", 2, 1)), NULL);
	assert_string_equal(list(), "1:7 2:2");
	assert_phase(APS_SYNC_LIVE);
}

/* Of what was deleted since. */
static void an_older_page_brings_nothing_back(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	hear(deleted("1", 3));
	keep("query Q { a { id _version } }", "{\"a\":{\"__typename\":\"Post\",\"id\":\"1\",\"_version\":2}}");
	tell("reconnecting");
	tell("subscribed");
	answer_delta(post("1", 1, 1), NULL);
	assert_string_equal(list(), "2:2");
	assert_int_equal(n_of("1"), -1);
	assert_phase(APS_SYNC_LIVE);
}

/* Beside the list: an event's older state isn't looked at. */
static void an_older_event_fills_nothing(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, post("2", 2, 1));
	keep("query Q { a { id _version } }", "{\"a\":{\"__typename\":\"Post\",\"id\":\"1\",\"_version\":2}}");
	hear(post("1", 1, 1));
	assert_int_equal(n_of("1"), -1);
	assert_string_equal(list(), "2:2");
	assert_phase(APS_SYNC_LIVE);
}

#define ONE "{ getPost(id: 1) { " FIELDS " } }"

static void a_result_of_one_record_is_kept_as_that_of_any_query(void **state)
{
	(void)state;
	char body[512];
	open_sync(&(struct asked){.base = ONE, .is_by_hand = true});
	tell("subscribed");
	snprintf(body, sizeof body, "{\"data\":{\"getPost\":%s}}", post("1", 1, 1));
	answer_status(200, body);
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(read_query("{ getPost(id: 1) { n } }"), "{\"getPost\":{\"n\":1,\"__typename\":\"Post\"}}");
	hear(post("1", 2, 2));
	assert_string_equal(read_query("{ getPost(id: 1) { n } }"), "{\"getPost\":{\"n\":2,\"__typename\":\"Post\"}}");
	begin_next_pass();
	answer_status(200, body); /* older than what was heard */
	assert_string_equal(read_query("{ getPost(id: 1) { n } }"), "{\"getPost\":{\"n\":2,\"__typename\":\"Post\"}}");
}

static void of_a_result_of_one_record_too_only_what_nobody_knows_is_taken_from_an_older_page(void **state)
{
	(void)state;
	open_sync(&(struct asked){.base = ONE, .is_by_hand = true});
	tell("subscribed");
	keep("mutation M { up { id _version } }",
	     one_of("up", "{\"__typename\":\"Post\",\"id\":\"1\",\"_version\":2}"));
	answer_status(200, of_data(one_of("getPost", post("1", 1, 1))));
	assert_string_equal(read_query("{ getPost(id: 1) { n _version } }"),
	                    "{\"getPost\":{\"n\":1,\"_version\":2,\"__typename\":\"Post\"}}");
	assert_phase(APS_SYNC_DELTA);
}

#define BARE "{ posts { " FIELDS " } }"

static void a_list_may_stand_at_the_root(void **state)
{
	(void)state;
	char body[1024];
	open_sync(&(struct asked){.base = BARE});
	tell("subscribed");
	snprintf(body, sizeof body, "{\"data\":{\"posts\":[%s,%s]}}", post("1", 1, 1), post("2", 2, 1));
	answer_status(200, body);
	assert_string_equal(list_of("{ posts { id n } }"), "1:1 2:2");
	hear(deleted("1", 2));
	assert_string_equal(list_of("{ posts { id n } }"), "2:2");
	begin_next_pass();
	snprintf(body, sizeof body, "{\"data\":{\"posts\":[%s]}}", post("3", 3, 1));
	answer_status(200, body);
	assert_string_equal(list_of("{ posts { id n } }"), "3:3");
	collect();
	assert_int_equal(n_of("2"), -1);
}

#define NESTED                                                                                                         \
	"query N($nextToken: String) { app(name: \"x\") { title page: posts(nextToken: $nextToken) { rows: items "     \
	"{ " FIELDS " } nextToken } } }"

static void a_list_may_stand_in_objects_within_others(void **state)
{
	(void)state;
	char body[1024];
	static const char *const DATA =
	        "{\"data\":{\"app\":{\"title\":\"t%d\",\"page\":{\"rows\":[%s],\"nextToken\":%s,"
	        "\"__typename\":\"Page\"},\"__typename\":\"App\"}}}";
	open_sync(&(struct asked){.base = NESTED});
	tell("subscribed");
	snprintf(body, sizeof body, DATA, 1, post("1", 1, 1), "\"a\"");
	answer_status(200, body);
	assert_string_equal(list_of(NESTED), "1:1");
	assert_string_equal(variables(), "{\"nextToken\":\"a\"}");
	snprintf(body, sizeof body, DATA, 1, post("2", 2, 1), "null");
	answer_status(200, body);
	assert_string_equal(list_of(NESTED), "1:1 2:2");
	assert_string_equal(read_query("{ app(name: \"x\") { title } }"),
	                    "{\"app\":{\"title\":\"t1\",\"__typename\":\"App\"}}");
	hear(post("3", 3, 1));
	assert_string_equal(list_of(NESTED), "1:1 2:2 3:3");
	begin_next_pass();
	snprintf(body, sizeof body, DATA, 2, post("3", 3, 1), "null");
	answer_status(200, body);
	assert_string_equal(list_of(NESTED), "3:3");
}

static void where_max_records_are_reached_both_are_shown_until_there_is_more(void **state)
{
	(void)state;
	go_live(&(struct asked){.max_records = 2}, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	answer_base(both(post("3", 3, 1), post("4", 4, 1)), "a");
	assert_true(world.run->machine.checkpoint.is_truncated);
	assert_string_equal(list(), "1:1 2:2 3:3 4:4");
	hear(deleted("4", 2));
	hear(post("5", 5, 1));
	assert_string_equal(list(), "1:1 2:2 3:3 5:5");
	struct aps_sync_answer_command *command = aps_sync_more_command_new(7, SYNC);
	assert_non_null(command);
	command->n = 10;
	run_command(&command->head);
	turn();
	answer_base(post("6", 6, 1), NULL);
	assert_string_equal(list(), "3:3 5:5 6:6");
	collect();
	assert_int_equal(n_of("1"), -1);
}

static void events_that_do_not_tell_the_version_write_no_nulls_and_are_asked_after(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, post("1", 1, 1));
	hear("{\"__typename\":\"Post\",\"id\":\"1\",\"n\":null,\"_version\":null,\"_deleted\":null,\"_lastChangedAt\":"
	     "null}");
	assert_int_equal(n_of("1"), 1);
	assert_true(is_logged("isn't whole"));
	answer_delta(post("1", 2, 2), NULL);
	assert_string_equal(list(), "1:2");
	assert_phase(APS_SYNC_LIVE);
}

/* Of many: the blocks of a long list. */
#define NAMELESS "{\"__typename\":\"Post\",\"id\":\"%s\",\"n\":null}"

/* Nobody can tell whether the mutation has selected it. */
static void without_a_version_nulls_of_events_take_nothing_that_is_known(void **state)
{
	(void)state;
	char record[128];
	go_live(&(struct asked){.version_field = ""}, post("1", 1, 1));
	snprintf(record, sizeof record, NAMELESS, "1");
	hear(record);
	assert_int_equal(n_of("1"), 1);
	snprintf(record, sizeof record, NAMELESS, "2"); /* of what nobody knew: the list can be read */
	hear(record);
	assert_string_equal(list(), "1:1 2:0");
	assert_false(is_logged("isn't whole"));
	assert_phase(APS_SYNC_LIVE);
	hear(post("1", 2, 1));
	hear(post("2", 2, 1));
	assert_string_equal(list(), "1:2 2:2");
	world.client->settings.cache->writes_nulls = true;
	hear(record);
	assert_string_equal(list(), "1:2 2:0");
}

/* Of what nobody knew the mutation has selected no version and no n. */
static void an_event_of_an_unknown_record_that_is_not_whole_leaves_the_list_readable(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, post("1", 1, 1));
	hear("{\"__typename\":\"Post\",\"id\":\"2\",\"n\":null,\"_version\":null}");
	assert_string_equal(list(), "1:1 2:0");
	assert_true(is_logged("isn't whole"));
	answer_delta(post("2", 2, 1), NULL);
	assert_string_equal(list(), "1:1 2:2");
}

static void a_list_of_thousands_is_collected_beside_as_well(void **state)
{
	(void)state;
	static char items[1 << 19], body[1 << 20];
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	for (int pass = 0; pass < 2; pass++) {
		for (int page = 0; page < 3; page++) {
			size_t n = 0;
			for (int i = 0; i < 1000; i++)
				n += (size_t)snprintf(
				        items + n, sizeof items - n,
				        "%s{\"__typename\":\"Post\",\"id\":\"%d\",\"n\":%d,\"_version\":%d}",
				        i != 0 ? "," : "", pass * 500 + page * 1000 + i, pass, pass + 1);
			snprintf(body, sizeof body,
			         "{\"data\":{\"listPosts\":{\"items\":[%s],\"nextToken\":%s,\"startedAt\":%" PRId64
			         ",\"__typename\":\"Page\"}}}",
			         items, page < 2 ? "\"t\"" : "null", BEGIN_MS + world.ms);
			answer_status(200, body);
		}
		assert_phase(APS_SYNC_LIVE);
		assert_int_equal(world.run->shown.members.n_members, 3000);
		if (pass == 0) begin_next_pass();
	}
	collect();
	assert_int_equal(n_of("499"), -1);
	assert_int_equal(n_of("500"), 1);
	assert_int_equal(n_of("3499"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_first_pass_is_shown_page_by_page),
	        TEST(an_empty_result_is_an_empty_list),
	        TEST(a_later_pass_is_collected_beside_and_takes_the_place_of_the_list_at_its_end),
	        TEST(what_comes_during_a_pass_is_in_both_lists),
	        TEST(a_delta_pass_between_two_pages_changes_both_lists),
	        TEST(what_layers_speak_of_stays_in_the_list_until_none_does),
	        TEST(what_lingers_leaves_after_a_restart_too),
	        TEST(what_lingers_stays_where_its_mutation_succeeds_in_the_next_run),
	        TEST(a_doubt_keeps_nothing_in_the_list),
	        TEST(what_lingers_stays_where_its_mutation_succeeds),
	        TEST(what_lingers_and_is_told_again_stays),
	        TEST(what_was_written_since_the_pass_began_stays_in_the_list),
	        TEST(a_pass_that_begins_anew_forgets_when_the_former_one_began),
	        TEST(a_delta_query_adds_removes_and_passes_over_what_is_older),
	        TEST(of_several_states_of_a_record_in_one_page_the_newest_counts),
	        TEST(lists_that_are_kept_by_hand_change_with_base_queries_only),
	        TEST(null_in_the_place_of_a_base_querys_list_is_tried_again_and_takes_nothing_away),
	        TEST(null_in_the_place_of_a_delta_querys_list_says_that_nothing_has_changed),
	        TEST(a_token_that_an_error_has_taken_does_not_end_the_pass),
	        TEST(a_root_field_that_was_no_list_may_be_nothing_where_the_application_keeps_its_lists),
	        TEST(a_result_of_one_record_is_kept_as_that_of_any_query),
	        cmocka_unit_test(what_only_an_older_page_tells_is_taken_and_asked_after),
	        TEST(where_an_older_page_tells_nothing_nobody_is_asked),
	        TEST(an_older_page_brings_nothing_back),
	        TEST(an_older_event_fills_nothing),
	        TEST(of_a_result_of_one_record_too_only_what_nobody_knows_is_taken_from_an_older_page),
	        TEST(a_list_may_stand_at_the_root),
	        TEST(a_list_may_stand_in_objects_within_others),
	        TEST(where_max_records_are_reached_both_are_shown_until_there_is_more),
	        TEST(events_that_do_not_tell_the_version_write_no_nulls_and_are_asked_after),
	        TEST(without_a_version_nulls_of_events_take_nothing_that_is_known),
	        TEST(an_event_of_an_unknown_record_that_is_not_whole_leaves_the_list_readable),
	        TEST(a_list_of_thousands_is_collected_beside_as_well),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
