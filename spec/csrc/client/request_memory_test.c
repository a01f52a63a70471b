#include "client/request.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "request_world.h"

/* Each allocation of a start fails once: there is an outcome, or it is under way and only its secrets are forgotten. */
static void a_start_that_finds_no_memory_is_told(void **state)
{
	(void)state;
	size_t n_told = 0;
	for (size_t nth = 1; nth < 40; nth++) {
		struct world world;
		struct owner owner;
		begin(&world);
		add_credential(&world, APS_AUTH_OIDC);
		give_token(&world, TOKEN);
		prepare(&world, &owner);
		aps_mem_fail_at(nth);
		start_with_credential(&world, &owner);
		aps_mem_fail_at(0);
		bool is_under_way = owner.request.exchange != 0;
		assert_int_equal(owner.n_outcomes, is_under_way ? 0 : 1);
		if (!is_under_way) {
			n_told++;
			assert_int_equal(owner.outcome.response.err.code, APS_E_NOMEM);
			assert_false(owner.outcome.response.err.sent);
		}
		done(&world, &owner);
	}
	assert_in_range(n_told, 4, 30);
}

/* Likewise when an attempt failed: it is tried again, or what came is told. */
static void a_retry_that_finds_no_memory_tells_what_came(void **state)
{
	(void)state;
	size_t n_told = 0;
	for (bool is_retried = false; !is_retried;) {
		struct world world;
		struct owner owner;
		begin(&world);
		prepare(&world, &owner);
		start(&world, &owner);
		struct aps_http_answer busy = {.status = 503, .n_body = 4, .body = aps_strndup("busy", 4)};
		aps_mem_fail_at(n_told + 1);
		end_exchange(&world, &owner, &busy);
		aps_mem_fail_at(0);
		is_retried = owner.request.retry.index != 0;
		assert_int_equal(owner.n_outcomes, is_retried ? 0 : 1);
		assert_int_equal(world.client->stats->retries, is_retried ? 1 : 0);
		if (!is_retried) {
			n_told++;
			assert_int_equal(owner.outcome.answer.status, 503);
			assert_int_equal(owner.outcome.response.err.code, APS_E_HTTP);
			assert_true(quotes(&owner.outcome, "busy"));
			assert_int_equal(owner.outcome.n_attempts, 1);
		}
		done(&world, &owner);
	}
	assert_int_equal(n_told, 2); /* the place of the response, and the timer */
}

/* Likewise when the next attempt begins. */
static void an_attempt_that_finds_no_memory_is_told(void **state)
{
	(void)state;
	size_t n_told = 0;
	for (size_t nth = 1; nth < 20; nth++) {
		struct world world;
		struct owner owner;
		begin(&world);
		prepare(&world, &owner);
		start(&world, &owner);
		answer(&world, &owner, 503, "busy");
		aps_mem_fail_at(nth);
		let_time_pass(&world);
		aps_mem_fail_at(0);
		bool is_under_way = owner.request.exchange != 0;
		assert_int_equal(owner.n_outcomes, is_under_way ? 0 : 1);
		if (!is_under_way) {
			n_told++;
			assert_int_equal(owner.outcome.response.err.code, APS_E_NOMEM);
			assert_true(owner.outcome.response.err.sent); /* the first one was */
			assert_int_equal(owner.outcome.n_attempts, 2);
		}
		done(&world, &owner);
	}
	assert_in_range(n_told, 2, 10);
}

/* What quotes a secret isn't shown where no memory is there to mask it. */
static void a_failure_that_finds_no_memory_shows_no_secret(void **state)
{
	(void)state;
	for (size_t nth = 1; nth < 30; nth++) {
		struct world world;
		struct owner owner;
		begin(&world);
		add_credential(&world, APS_AUTH_OIDC);
		give_token(&world, TOKEN);
		prepare(&world, &owner);
		start_with_credential(&world, &owner);
		struct aps_http_answer echo = {.status = 400, .n_body = strlen("no " TOKEN)};
		echo.body = aps_strndup("no " TOKEN, echo.n_body);
		aps_mem_fail_at(nth);
		end_exchange(&world, &owner, &echo);
		aps_mem_fail_at(0);
		assert_int_equal(owner.n_outcomes, 1);
		assert_int_equal(owner.outcome.answer.status, 400);
		assert_false(quotes(&owner.outcome, TOKEN));
		assert_null(strstr(owner.outcome.response.err.msg, TOKEN));
		done(&world, &owner);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_start_that_finds_no_memory_is_told),
	        cmocka_unit_test(a_retry_that_finds_no_memory_tells_what_came),
	        cmocka_unit_test(an_attempt_that_finds_no_memory_is_told),
	        cmocka_unit_test(a_failure_that_finds_no_memory_shows_no_secret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
