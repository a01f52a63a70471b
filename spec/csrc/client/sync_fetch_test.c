/* What a delta sync makes of answers that no GraphQL service has given: a captive portal's, a gateway's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "syncing_world.h"

#define ALL_DEFAULT (&(struct asked){0})
#define NO_GRAPHQL  "answer that isn't GraphQL"

static const struct {
	long status;
	const char *body;
} ANSWERS[] = {
        {302, ""},
        {404, "<html>no</html>"},
        {400, "<html>no</html>"},
        {405, "{\"message\":\"no\"}"},
        {511, "<html>log in</html>"},
        {200, "<html>log in</html>"},
};

static void what_is_no_answer_of_the_service_is_waited_out(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, post("1", 1, 1));
	begin_next_pass();
	drop_events();
	for (size_t i = 0; i < APS_COUNTOF(ANSWERS); i++) {
		answer_status(ANSWERS[i].status, ANSWERS[i].body);
		if (phase() != APS_SYNC_WAITING) fail_msg("%ld: %s", ANSWERS[i].status, aps_sync_phase_name(phase()));
		assert_int_equal(world.run->err.code, ANSWERS[i].status == 200 ? APS_E_PROTOCOL : APS_E_HTTP);
		assert_int_equal(is_logged(NO_GRAPHQL), i == 0); /* once */
		drop_events();
		let_time_pass(60000);
	}
	answer_base(post("1", 2, 2), NULL);
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(list(), "1:2");
	assert_int_equal(world.run->err.code, APS_OK);
}

static void of_a_delta_query_too(void **state)
{
	(void)state;
	for (size_t i = 0; i < APS_COUNTOF(ANSWERS); i++) {
		begin();
		go_live(ALL_DEFAULT, post("1", 1, 1));
		tell("reconnecting");
		tell("subscribed");
		answer_status(ANSWERS[i].status, ANSWERS[i].body);
		assert_phase(APS_SYNC_WAITING);
		let_time_pass(60000);
		answer_delta(post("1", 2, 2), NULL);
		assert_phase(APS_SYNC_LIVE);
		finish();
	}
}

/* The pages that there are stay: the token isn't what ails it. */
static void a_pass_goes_on_with_its_token_behind_it(void **state)
{
	(void)state;
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	answer_base(post("1", 1, 1), "a");
	for (int i = 0; i < 6; i++) {
		assert_string_equal(variables(), "{\"limit\":100,\"nextToken\":\"a\"}");
		answer_status(404, "<html>no</html>");
		assert_phase(APS_SYNC_WAITING);
		let_time_pass(60000);
	}
	answer_base(post("2", 2, 1), NULL);
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(list(), "1:1 2:2");
}

static void before_anything_was_kept_it_waits_too_unless_there_is_nothing_at_the_endpoint(void **state)
{
	(void)state;
	for (size_t i = 0; i < APS_COUNTOF(ANSWERS); i++) {
		begin();
		open_sync(ALL_DEFAULT);
		tell("subscribed");
		answer_status(ANSWERS[i].status, ANSWERS[i].body);
		assert_phase(ANSWERS[i].status == 404 ? APS_SYNC_STOPPED : APS_SYNC_WAITING);
		if (phase() == APS_SYNC_STOPPED) assert_int_equal(told("end")->response.err.code, APS_E_HTTP);
		stop();
		finish();
	}
}

static void what_the_service_itself_refuses_ends_it(void **state)
{
	(void)state;
	static const char *const BODIES[] = {
	        "{\"errors\":[{\"errorType\":\"MalformedHttpRequestException\",\"message\":\"no\"}]}",
	        "{\"__type\":\"com.amazon#BadRequestException\",\"message\":\"no\"}"};
	for (size_t i = 0; i < APS_COUNTOF(BODIES); i++) {
		begin();
		go_live(ALL_DEFAULT, post("1", 1, 1));
		begin_next_pass();
		answer_status(400, BODIES[i]);
		assert_phase(APS_SYNC_STOPPED);
		stop();
		finish();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_is_no_answer_of_the_service_is_waited_out),
	        cmocka_unit_test(of_a_delta_query_too),
	        TEST(a_pass_goes_on_with_its_token_behind_it),
	        cmocka_unit_test(before_anything_was_kept_it_waits_too_unless_there_is_nothing_at_the_endpoint),
	        cmocka_unit_test(what_the_service_itself_refuses_ends_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
