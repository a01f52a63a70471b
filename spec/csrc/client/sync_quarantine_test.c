/* Records that can't be taken: they are kept with the reason, beside the others of their page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/sync_quarantine.h"
#include "syncing_world.h"

#define NOW_S    "1700000000"
#define NOT_SAID "the service sent null in its place"
#define NOBODY   "it has no identity: select the fields that its type's `keys` name, or id"

static const char *bad(void)
{
	static char text[4096];
	struct aps_buf list;
	struct aps_err err;
	aps_buf_init(&list, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_sync_quarantine_list(world.run, &list, &err), APS_OK);
	snprintf(text, sizeof text, "%.*s", (int)list.n, list.p);
	aps_buf_clear(&list);
	return text;
}

static uint64_t n_bad(void)
{
	world.run->knows_bad = false;
	aps_sync_quarantine_look(world.run);
	assert_true(world.run->knows_bad);
	return world.run->n_bad;
}

static void answer_with_errors(const char *items, const char *token, const char *errors)
{
	char body[4096];
	snprintf(body, sizeof body,
	         "{\"data\":{\"listPosts\":{\"items\":[%s],\"nextToken\":%s,\"startedAt\":%" PRId64
	         ",\"__typename\":\"Page\"}},\"errors\":%s}",
	         items, token, BEGIN_MS + world.ms, errors);
	answer_status(200, body);
}

/* One error for each, as of a resolver that fails for all. */
static void a_page_of_thousands_that_are_bad_is_taken_at_once(void **state)
{
	(void)state;
	struct aps_buf body;
	const int n = 12000;
	open_sync(&(struct asked){0});
	tell("subscribed");
	aps_buf_init(&body, APS_BUF_ANY_SIZE);
	aps_buf_addf(&body, "{\"data\":{\"listPosts\":{\"items\":[%s", post("1", 1, 1));
	for (int i = 1; i < n; i++) aps_buf_add_text(&body, ",null");
	aps_buf_add_text(&body, "],\"nextToken\":null}},\"errors\":[{\"message\":\"no\"}");
	for (int i = 1; i < n; i++)
		aps_buf_addf(&body, ",{\"message\":\"no %d\",\"path\":[\"listPosts\",\"items\",%d,\"n\"]}", i, i);
	aps_buf_add_text(&body, "]}");
	aps_buf_add_byte(&body, 0);
	assert_int_equal(body.rc, APS_OK);
	answer_status(200, body.p);
	aps_buf_clear(&body);
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(list(), "1:1");
	assert_int_equal(n_bad(), APS_SYNC_MAX_BAD);
	assert_non_null(strstr(bad(), "{\"key\":\"listPosts.items.1\",\"reason\":\"no 1\""));
}

/* Messages may be of any length, and are kept. */
static void a_reason_is_cut_short(void **state)
{
	(void)state;
	char message[1200], errors[1400], reason[1200];
	open_sync(&(struct asked){0});
	tell("subscribed");
	for (size_t i = 0; i < 400; i++) memcpy(message + 2 * i, "\xc3\xa9", 2); /* 'e' with an accent */
	memcpy(message + 800, "", 1);
	snprintf(errors, sizeof errors, "[{\"message\":\"x%s\",\"path\":[\"listPosts\",\"items\",0]}]", message);
	answer_with_errors("null", "null", errors);
	message[498] = '\0'; /* the 500th byte is the first half of one */
	snprintf(reason, sizeof reason, "\"reason\":\"x%s\xe2\x80\xa6\"", message);
	assert_non_null(strstr(bad(), reason));
}

static void it_is_told_where_there_is_no_memory_for_a_reason(void **state)
{
	(void)state;
	struct aps_page page;
	struct aps_sync_judgement judgement;
	struct aps_err err;
	const struct aps_partition_data data = {.data = APS_STR("{\"listPosts\":{\"items\":[null,null]}}")};
	const struct aps_str errors = APS_STR("[{\"message\":\"\\u00e9\",\"path\":[\"listPosts\",\"items\",0]}]");
	open_sync(&(struct asked){0});
	assert_int_equal(aps_page_read(&page, &world.run->settings->parts[APS_SYNC_PART_BASE].names, data.data, &err),
	                 APS_OK);
	aps_sync_judgement_init(&judgement);
	assert_int_equal(aps_sync_judge(world.run, &page, &data, NULL, &judgement, &err), APS_OK);
	enum aps_rc rc = APS_E_NOMEM;
	size_t nth = 0;
	while (rc != APS_OK) {
		aps_mem_fail_at(++nth);
		rc = aps_sync_quarantine_put(world.run, &page, &judgement, errors, &err);
		aps_mem_fail_at(0);
		if (rc != APS_OK) assert_int_equal(rc, APS_E_NOMEM);
	}
	assert_true(nth > 5);
	assert_string_equal(bad(), "[{\"key\":\"listPosts.items.0\",\"reason\":\"\xc3\xa9\",\"seen\":" NOW_S "},"
	                           "{\"key\":\"listPosts.items.1\",\"reason\":\"" NOT_SAID "\",\"seen\":" NOW_S "}]");
	aps_sync_judgement_clear(&judgement);
	aps_page_clear(&page);
}

static void the_others_of_the_page_are_taken(void **state)
{
	(void)state;
	open_sync(&(struct asked){0});
	tell("subscribed");
	answer_with_errors(
	        both(both(post("1", 1, 1), "null"), both("{\"__typename\":\"Post\",\"n\":3}", "null")), "null",
	        "[{\"message\":\"of none\",\"path\":[\"listPosts\",\"items\",4,\"n\"]},"
	        "{\"path\":[\"listPosts\",\"items\",1]},"
	        "{\"message\":\"It is \\\"spoiled\\\".\",\"path\":[\"listPosts\",\"items\",1,\"n\"]},"
	        "{\"message\":\"of no item\",\"path\":[\"listPosts\",\"items\"]},{\"message\":\"of nothing\"}]");
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(list(), "1:1");
	assert_string_equal(bad(),
	                    "[{\"key\":\"listPosts.items.1\",\"reason\":\"It is \\\"spoiled\\\".\",\"seen\":" NOW_S "},"
	                    "{\"key\":\"listPosts.items.2\",\"reason\":\"" NOBODY "\",\"seen\":" NOW_S "},"
	                    "{\"key\":\"listPosts.items.3\",\"reason\":\"" NOT_SAID "\",\"seen\":" NOW_S "}]");
	assert_told("state", "\"quarantined\":3");
}

#define NO_FIELD "the service could not give one of its fields"

/* Of two records, the second one without n. */
static void answer_half(const char *first, const char *second)
{
	answer_with_errors(both(first, second), "null", "[{\"path\":[\"listPosts\",\"items\",1,\"n\"]}]");
}

/* Nothing could be read of a list that has one of these. */
static void so_is_a_record_of_which_a_field_has_failed(void **state)
{
	(void)state;
	open_sync(&(struct asked){0});
	tell("subscribed");
	answer_half(post("1", 1, 1), "{\"__typename\":\"Post\",\"id\":\"2\",\"n\":null,\"_version\":1}");
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(list(), "1:1");
	assert_string_equal(bad(), "[{\"key\":\"listPosts.items.1\",\"reason\":\"" NO_FIELD "\",\"seen\":" NOW_S "}]");
	begin_next_pass();
	answer_base(both(post("1", 1, 1), post("2", 2, 1)), NULL);
	assert_string_equal(list(), "1:1 2:2");
	assert_int_equal(n_bad(), 0);
	begin_next_pass(); /* what was known of it stays as it was */
	answer_half(post("1", 3, 2), "{\"__typename\":\"Post\",\"id\":\"2\",\"n\":null,\"_version\":2}");
	assert_string_equal(list(), "1:3 2:2");
	assert_int_equal(n_bad(), 1);
}

static void hear_payload(const char *payload)
{
	assert_true(offer(payload));
	turn();
}

static void so_it_is_where_an_event_brings_it_and_a_deletion_is_one_all_the_same(void **state)
{
	(void)state;
	go_live(&(struct asked){0}, both(post("1", 1, 1), post("2", 2, 1)));
	hear_payload("{\"data\":{\"onPost\":{\"__typename\":\"Post\",\"id\":\"3\",\"n\":null,\"_version\":1}},"
	             "\"errors\":[{\"message\":\"no n\",\"path\":[\"onPost\",\"n\"]}]}");
	assert_string_equal(list(), "1:1 2:2");
	assert_string_equal(bad(), "[{\"key\":\"onPost\",\"reason\":\"no n\",\"seen\":" NOW_S "}]");
	answer_delta(post("3", 3, 1), NULL); /* it was asked for at once */
	assert_string_equal(list(), "1:1 2:2 3:3");
	hear_payload("{\"data\":{\"onPost\":{\"__typename\":\"Post\",\"id\":\"2\",\"n\":null,\"_version\":2,"
	             "\"_deleted\":true}},\"errors\":[{\"message\":\"no n\",\"path\":[\"onPost\",\"n\"]}]}");
	assert_string_equal(list(), "1:1 3:3");
}

static void a_scalar_among_records_is_told_of(void **state)
{
	(void)state;
	open_sync(&(struct asked){0});
	tell("subscribed");
	answer_base(both(post("1", 1, 1), "7"), NULL);
	assert_string_equal(list(), "1:1");
	assert_string_equal(bad(),
	                    "[{\"key\":\"listPosts.items.1\",\"reason\":\"the service sent null or a scalar in its "
	                    "place\",\"seen\":" NOW_S "}]");
}

static void the_place_is_that_in_the_whole_pass(void **state)
{
	(void)state;
	open_sync(&(struct asked){0});
	tell("subscribed");
	answer_base(both(post("1", 1, 1), "null"), "a");
	answer_base(both(post("2", 2, 1), "null"), NULL);
	assert_string_equal(bad(), "[{\"key\":\"listPosts.items.1\",\"reason\":\"" NOT_SAID "\",\"seen\":" NOW_S "},"
	                           "{\"key\":\"listPosts.items.3\",\"reason\":\"" NOT_SAID "\",\"seen\":" NOW_S "}]");
}

static void what_a_later_base_pass_does_not_meet_again_leaves(void **state)
{
	(void)state;
	go_live(&(struct asked){0}, both(both("null", post("1", 1, 1)), "null"));
	assert_int_equal(n_bad(), 2);
	begin_next_pass();
	answer_base(both("null", post("1", 1, 1)), "a");
	assert_int_equal(n_bad(), 2); /* the pass isn't over */
	answer_base(post("2", 2, 1), NULL);
	assert_string_equal(bad(), "[{\"key\":\"listPosts.items.0\",\"reason\":\"" NOT_SAID "\",\"seen\":1700103680}]");
	assert_told("state", "\"quarantined\":1");
}

/* Any of the records that the pass hasn't seen may be the one that nobody can tell. */
static void where_nobody_can_tell_which_it_is_nothing_leaves_the_list(void **state)
{
	(void)state;
	go_live(&(struct asked){0}, both(both(post("1", 1, 1), post("2", 2, 1)), post("3", 3, 1)));
	begin_next_pass();
	answer_with_errors(both("null", post("1", 1, 1)), "\"a\"",
	                   "[{\"message\":\"spoiled\",\"path\":[\"listPosts\",\"items\",0]}]");
	answer_base(post("4", 4, 1), NULL);
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(list(), "1:1 4:4 2:2 3:3");
	assert_int_equal(n_of("2"), 2);
	hear(deleted("3", 2)); /* what is told goes */
	assert_string_equal(list(), "1:1 4:4 2:2");
	begin_next_pass();
	answer_base(both(post("1", 1, 1), post("4", 4, 1)), NULL);
	assert_string_equal(list(), "1:1 4:4");
	collect();
	assert_int_equal(n_of("2"), -1);
	assert_int_equal(n_bad(), 0);
}

static void the_run_that_ends_the_pass_knows_of_it(void **state)
{
	(void)state;
	go_live(&(struct asked){0}, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	answer_base(both("null", post("1", 1, 1)), "a");
	restart();
	open_sync(&(struct asked){0});
	tell("subscribed");
	assert_string_equal(variables(), "{\"limit\":100,\"nextToken\":\"a\"}");
	answer_base(post("3", 3, 1), NULL);
	assert_string_equal(list(), "1:1 3:3 2:2");
	assert_int_equal(n_bad(), 1);
}

/* Its pages told of one, and were forgotten. */
static void a_pass_that_begins_anew_begins_without_them(void **state)
{
	(void)state;
	go_live(&(struct asked){0}, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	answer_base(both("null", post("1", 1, 1)), "a");
	answer_status(400, "{\"errors\":[{\"errorType\":\"BadRequestException\",\"message\":\"no such token\"}]}");
	assert_string_equal(variables(), "{\"limit\":100}");
	answer_base(post("1", 1, 1), NULL);
	assert_string_equal(list(), "1:1");
}

/* What it was met at is told by the service's clock, as the pass is. */
static void a_clock_of_the_device_that_is_behind_hides_none(void **state)
{
	(void)state;
	open_sync(&(struct asked){0});
	tell("subscribed");
	answer_status(200,
	              "{\"data\":{\"listPosts\":{\"items\":[null],\"nextToken\":null,\"startedAt\":1800000000000}}}");
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(bad(), "[{\"key\":\"listPosts.items.0\",\"reason\":\"" NOT_SAID "\",\"seen\":1800000000}]");
}

static void of_delta_queries_and_events_as_well(void **state)
{
	(void)state;
	go_live(&(struct asked){0}, post("1", 1, 1));
	hear("{\"__typename\":\"Post\",\"n\":3,\"_version\":1}");
	assert_string_equal(bad(), "[{\"key\":\"onPost\",\"reason\":\"" NOBODY "\",\"seen\":" NOW_S "}]");
	tell("reconnecting");
	tell("subscribed");
	answer_delta(both("null", post("2", 2, 1)), NULL);
	assert_int_equal(n_bad(), 2);
	assert_non_null(strstr(bad(), "\"syncPosts.items.0\""));
	assert_string_equal(list(), "1:1 2:2");
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_int_equal(n_bad(), 0);
}

static void they_are_known_to_the_next_run_and_gone_with_the_cache(void **state)
{
	(void)state;
	go_live(&(struct asked){0}, both("null", post("1", 1, 1)));
	restart();
	open_sync(&(struct asked){0});
	assert_int_equal(world.run->n_bad, 1);
	assert_told("state", "\"quarantined\":1");
	aps_caching_clear(world.core, world.client, CACHE, APS_PART_CLEARED);
	turn();
	assert_int_equal(n_bad(), 0);
	assert_told("state", "\"quarantined\":0");
}

/* A command of the application's. */
static struct aps_result_event *ask(uint64_t sync)
{
	static uint64_t last_call = 100;
	struct aps_ask_sync_command *command = aps_ask_sync_command_new(7, ++last_call);
	if (command == NULL) return NULL;
	command->sync = sync;
	run_command(&command->head);
	turn();
	for (struct aps_mail **at = &world.all.events; *at != NULL; at = &(*at)->next) {
		struct aps_event *event = (struct aps_event *)*at;
		if (event->kind != APS_EVENT_RESULT || event->target != last_call) continue;
		*at = event->mail.next;
		event->mail.next = NULL;
		return (struct aps_result_event *)event;
	}
	fail_msg("nothing was told");
	return NULL;
}

static void the_application_asks_for_them(void **state)
{
	(void)state;
	go_live(&(struct asked){0}, "null");
	struct aps_result_event *event = ask(SYNC);
	assert_int_equal(event->response.err.code, APS_OK);
	assert_non_null(aps_str_find(event->response.data, "listPosts.items.0"));
	aps_result_event_unref(event);
	event = ask(SYNC + 1);
	assert_int_equal(event->response.err.code, APS_E_CLOSED);
	aps_result_event_unref(event);
	for (size_t nth = 1; nth < 12; nth++) {
		aps_mem_fail_at(nth);
		event = ask(SYNC);
		aps_mem_fail_at(0);
		if (event == NULL) continue;
		assert_true((event->response.err.code == APS_E_NOMEM) == (event->response.data.n == 0));
		aps_result_event_unref(event);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(the_others_of_the_page_are_taken),
	        TEST(so_is_a_record_of_which_a_field_has_failed),
	        TEST(so_it_is_where_an_event_brings_it_and_a_deletion_is_one_all_the_same),
	        TEST(a_page_of_thousands_that_are_bad_is_taken_at_once),
	        TEST(a_reason_is_cut_short),
	        TEST(it_is_told_where_there_is_no_memory_for_a_reason),
	        TEST(a_scalar_among_records_is_told_of),
	        TEST(the_place_is_that_in_the_whole_pass),
	        TEST(what_a_later_base_pass_does_not_meet_again_leaves),
	        TEST(where_nobody_can_tell_which_it_is_nothing_leaves_the_list),
	        TEST(the_run_that_ends_the_pass_knows_of_it),
	        TEST(a_pass_that_begins_anew_begins_without_them),
	        TEST(a_clock_of_the_device_that_is_behind_hides_none),
	        TEST(of_delta_queries_and_events_as_well),
	        TEST(they_are_known_to_the_next_run_and_gone_with_the_cache),
	        TEST(the_application_asks_for_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
