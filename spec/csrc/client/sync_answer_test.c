/* What a sync makes of a base query's answer that is neither a list nor a connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "syncing_world.h"

#define ONE    "{ getPost(id: 1) { " FIELDS " } }"
#define NEEDED "; a list of records is needed there, or an object with such a list"

static const struct {
	const char *body, *msg;
} ANSWERS[] = {
        {"{\"data\":{\"getPost\":{\"__typename\":\"Post\",\"id\":\"1\",\"n\":1,\"_version\":1}}}",
         "base_query: the service's answer has one object without a list for getPost" NEEDED},
        {"{\"data\":{\"getPost\":\"what\"}}", "base_query: the service's answer has a scalar for getPost" NEEDED},
        {"{\"data\":{\"other\":[]}}", "base_query: the service's answer doesn't have the field getPost" NEEDED},
};

static void a_result_that_is_no_list_ends_a_sync_that_keeps_the_list(void **state)
{
	(void)state;
	for (size_t i = 0; i < APS_COUNTOF(ANSWERS); i++) {
		begin();
		open_sync(&(struct asked){.base = ONE});
		tell("subscribed");
		answer_status(200, ANSWERS[i].body);
		assert_phase(APS_SYNC_STOPPED);
		assert_int_equal(told("end")->response.err.code, APS_E_PROTOCOL);
		assert_string_equal(told("end")->response.err.msg, ANSWERS[i].msg);
		stop();
		finish();
	}
}

/* It is the service that has changed, and that may change back. */
static void of_one_that_had_its_list_it_is_asked_for_again(void **state)
{
	(void)state;
	char body[512];
	open_sync(&(struct asked){.base = ONE});
	tell("subscribed");
	snprintf(body, sizeof body, "{\"data\":{\"getPost\":[%s]}}", post("1", 1, 1));
	answer_status(200, body);
	assert_phase(APS_SYNC_LIVE);
	begin_next_pass();
	for (size_t i = 0; i < APS_COUNTOF(ANSWERS); i++) {
		answer_status(200, ANSWERS[i].body);
		assert_phase(APS_SYNC_WAITING);
		assert_string_equal(world.run->err.msg, ANSWERS[i].msg);
		assert_string_equal(list_of("{ getPost(id: 1) { id n } }"), "1:1");
		let_time_pass(60000);
	}
	answer_status(200, body);
	assert_phase(APS_SYNC_LIVE);
}

static void where_errors_stand_beside_it_they_say_why(void **state)
{
	(void)state;
	open_sync(&(struct asked){.base = ONE});
	tell("subscribed");
	answer_status(200, "{\"data\":{\"other\":[]},\"errors\":[{\"message\":\"it threw\",\"path\":[\"getPost\"]}]}");
	assert_phase(APS_SYNC_WAITING);
	assert_string_equal(world.run->err.msg, "it threw");
}

static void an_application_that_keeps_its_list_may_have_one_record(void **state)
{
	(void)state;
	open_sync(&(struct asked){.base = ONE, .is_by_hand = true});
	tell("subscribed");
	answer_status(200, ANSWERS[0].body);
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(read_query("{ getPost(id: 1) { n } }"), "{\"getPost\":{\"n\":1,\"__typename\":\"Post\"}}");
}

static void what_is_no_record_ends_one_that_keeps_its_list_itself_too(void **state)
{
	static const struct {
		const char *body, *msg;
	} WRONG[] = {
	        {"{\"data\":{\"getPost\":\"what\"}}",
	         "base_query: the service's answer has a scalar for getPost" NEEDED},
	        {"{\"data\":{\"getPost\":[1,2]}}",
	         "base_query: the service's answer has a list of scalars for getPost" NEEDED},
	        {"{\"data\":{}}", "base_query: the service's answer doesn't have the field getPost" NEEDED},
	};
	(void)state;
	for (size_t i = 0; i < 2 * APS_COUNTOF(WRONG); i++) {
		begin();
		open_sync(&(struct asked){.base = ONE, .is_by_hand = true, .has_update = i % 2 != 0});
		tell("subscribed");
		answer_status(200, WRONG[i / 2].body);
		assert_phase(APS_SYNC_STOPPED);
		assert_int_equal(told("end")->response.err.code, APS_E_PROTOCOL);
		assert_string_equal(told("end")->response.err.msg, WRONG[i / 2].msg);
		stop();
		finish();
	}
}

static void a_delta_query_that_was_never_kept_ends_it_too(void **state)
{
	(void)state;
	open_sync(&(struct asked){.base = ""});
	tell("subscribed");
	answer_status(200, "{\"data\":{\"syncPosts\":{\"items\":\"none\"}}}");
	assert_phase(APS_SYNC_STOPPED);
	assert_string_equal(told("end")->response.err.msg,
	                    "delta_query: the service's answer has one object without a list for syncPosts" NEEDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_result_that_is_no_list_ends_a_sync_that_keeps_the_list),
	        TEST(of_one_that_had_its_list_it_is_asked_for_again),
	        TEST(where_errors_stand_beside_it_they_say_why),
	        TEST(an_application_that_keeps_its_list_may_have_one_record),
	        cmocka_unit_test(what_is_no_record_ends_one_that_keeps_its_list_itself_too),
	        TEST(a_delta_query_that_was_never_kept_ends_it_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
