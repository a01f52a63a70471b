#include "client/request.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../net/net_peer.h"
#include "request_world.h"

static void a_response_is_the_outcome(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	begin(&world);
	prepare(&world, &owner);
	start(&world, &owner);
	assert_int_equal(owner.n_outcomes, 0);
	assert_int_equal(aps_http_n_running(world.core->http), 1);
	answer(&world, &owner, 200, GOOD);
	assert_int_equal(owner.n_outcomes, 1);
	assert_true(is_good(&owner.outcome));
	assert_int_equal(owner.outcome.n_attempts, 1);
	assert_int_equal(world.client->stats->requests, 1);
	assert_int_equal(world.client->stats->retries, 0);
	assert_int_equal(world.client->stats->bytes_sent, strlen("{\"query\":\"{\\n  a\\n}\\n\",\"variables\":{}}"));
	assert_int_equal(world.client->stats->bytes_received, strlen(GOOD));
	done(&world, &owner);
}

static void what_fails_for_good_is_the_outcome(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	begin(&world);
	prepare(&world, &owner);
	owner.options.is_safe = false;
	start(&world, &owner);
	lose_connection(&world, &owner);
	assert_int_equal(owner.n_outcomes, 1);
	assert_string_equal(owner.outcome.response.err.msg, "connection lost");
	assert_true(owner.outcome.response.err.sent);
	assert_int_equal(owner.outcome.answer.status, 0);
	done(&world, &owner);
}

static void with_nobody_waiting_it_goes_on_after_failed_attempts(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	begin(&world);
	prepare(&world, &owner);
	start(&world, &owner);
	for (unsigned i = 0; i < 50; i++) {
		if (i % 2 == 0)
			answer(&world, &owner, 503, "busy");
		else
			lose_connection(&world, &owner);
		assert_int_equal(owner.request.exchange, 0);
		let_time_pass(&world);
	}
	assert_int_equal(owner.n_outcomes, 0);
	answer(&world, &owner, 200, GOOD);
	assert_int_equal(owner.n_outcomes, 1);
	assert_true(is_good(&owner.outcome));
	assert_int_equal(owner.outcome.n_attempts, 51);
	assert_int_equal(world.client->stats->retries, 50);
	done(&world, &owner);
}

static void without_time_for_another_attempt_the_response_is_the_outcome(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	begin(&world);
	prepare(&world, &owner);
	start_in_time(&world, &owner);
	answer_with(&world, &owner, 503, "Retry-After: 61\r\n", "busy");
	assert_int_equal(owner.n_outcomes, 1);
	assert_int_equal(owner.outcome.answer.status, 503);
	assert_true(quotes(&owner.outcome, "busy"));
	assert_int_equal(world.client->stats->retries, 0);
	done(&world, &owner);
}

static void a_late_answer_is_a_time_out(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	begin(&world);
	prepare(&world, &owner);
	start_in_time(&world, &owner);
	owner.request.options.end_ms -= 60000;
	answer(&world, &owner, 200, GOOD);
	assert_int_equal(owner.outcome.response.err.code, APS_E_TIMEOUT);
	assert_string_equal(owner.outcome.response.err.msg, "no answer within 60 s");
	assert_true(owner.outcome.response.err.sent);
	assert_int_equal(owner.outcome.answer.status, 0);
	done(&world, &owner);
}

/* A peer that accepts and says nothing. */
static void without_an_end_an_exchange_still_has_one(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	int port;
	int listener = peer_listen(&port);
	begin_at(&world, port);
	world.client->settings.request_timeout_ms = 200; /* what is not sent by then is tried again */
	prepare(&world, &owner);
	owner.options.is_safe = false;
	start(&world, &owner);
	int64_t end_ms = aps_clock_mono_ms() + 10000;
	while (owner.n_outcomes == 0 && aps_clock_mono_ms() < end_ms) {
		aps_http_poll(world.core->http, 100);
		aps_core_turn(world.core);
	}
	assert_int_equal(owner.n_outcomes, 1);
	assert_int_equal(owner.outcome.response.err.code, APS_E_TIMEOUT);
	close(listener);
	done(&world, &owner);
}

static void a_token_is_waited_for(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	begin(&world);
	add_credential(&world, APS_AUTH_OIDC);
	prepare(&world, &owner);
	start_with_credential(&world, &owner);
	assert_int_equal(owner.request.exchange, 0);
	give_token(&world, TOKEN);
	answer(&world, &owner, 200, GOOD);
	assert_true(is_good(&owner.outcome));
	done(&world, &owner);
}

static void without_a_token_there_is_no_request(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	begin(&world);
	add_credential(&world, APS_AUTH_OIDC);
	prepare(&world, &owner);
	start_with_credential(&world, &owner);
	fail_token(&world);
	assert_int_equal(owner.n_outcomes, 1);
	assert_string_equal(owner.outcome.response.err.msg, "not signed in");
	assert_false(owner.outcome.response.err.sent);
	assert_int_equal(owner.outcome.n_attempts, 0);
	done(&world, &owner);
}

static void an_event_that_is_illegal_ends_it(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	begin(&world);
	prepare(&world, &owner);
	start(&world, &owner);
	aps_request_start(world.core, &owner.request);
	assert_int_equal(owner.n_outcomes, 1);
	assert_int_equal(owner.outcome.response.err.code, APS_E_INTERNAL);
	done(&world, &owner);
}

static void an_identity_that_was_dropped_is_told_at_once(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	begin(&world);
	prepare(&world, &owner);
	start_with_credential(&world, &owner);
	assert_int_equal(owner.n_outcomes, 1);
	assert_int_equal(owner.outcome.response.err.code, APS_E_AUTH);
	assert_int_equal(world.client->stats->requests, 0);
	done(&world, &owner);
}

static void a_refused_token_is_renewed_once(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	begin(&world);
	add_credential(&world, APS_AUTH_OIDC);
	give_token(&world, TOKEN);
	prepare(&world, &owner);
	start_with_credential(&world, &owner);
	answer(&world, &owner, 401, REFUSED);
	assert_int_equal(owner.request.exchange, 0);
	give_token(&world, TOKEN "-new");
	answer(&world, &owner, 401, REFUSED);
	assert_int_equal(owner.n_outcomes, 1);
	assert_int_equal(owner.outcome.answer.status, 401);
	assert_int_equal(owner.outcome.n_attempts, 2);
	assert_int_equal(world.client->stats->token_refreshes, 1);
	assert_int_equal(world.client->stats->retries, 1);
	done(&world, &owner);
}

static void a_refusal_that_stands_is_told_with_its_response(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	begin(&world);
	add_credential(&world, APS_AUTH_OIDC);
	give_token(&world, TOKEN);
	prepare(&world, &owner);
	start_with_credential(&world, &owner);
	answer(&world, &owner, 401, REFUSED);
	fail_token(&world);
	assert_int_equal(owner.n_outcomes, 1);
	assert_int_equal(owner.outcome.answer.status, 401);
	assert_true(quotes(&owner.outcome, "UnauthorizedException"));
	assert_true(aps_str_is(owner.outcome.response.error_type, "UnauthorizedException"));
	done(&world, &owner);
}

static void a_wrong_clock_is_corrected_and_signed_with_again(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	struct aps_auth_material material;
	const struct aps_given_iam_credentials given = {APS_STR("AKIDEXAMPLE"), APS_STR("secret-0123456789"),
	                                                APS_STR(""), 0};
	begin(&world);
	struct aps_credential *credential = add_credential(&world, APS_AUTH_IAM);
	assert_int_equal(aps_auth_material_init(&material, APS_AUTH_IAM, APS_STR(""), &given, NULL), APS_OK);
	aps_credential_set(world.core, credential, &material);
	prepare(&world, &owner);
	start_with_credential(&world, &owner);
	answer_with(&world, &owner, 403, "Date: Wed, 21 Oct 2015 07:28:00 GMT\r\n",
	            "{\"__type\":\"RequestTimeTooSkewed\"}");
	assert_true(world.client->skew_ms < 0);
	assert_int_equal(aps_client_now_ms(world.client) / 100000, INT64_C(1445412480000) / 100000);
	answer(&world, &owner, 200, GOOD); /* it was sent at once */
	assert_true(is_good(&owner.outcome));
	assert_int_equal(owner.outcome.n_attempts, 2);
	done(&world, &owner);
}

static void a_failure_is_told_without_the_secrets_that_it_quotes(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	begin(&world);
	add_credential(&world, APS_AUTH_OIDC);
	give_token(&world, TOKEN);
	prepare(&world, &owner);
	aps_header_list_add(&owner.headers, APS_STR("x-secret"), APS_STR("swordfish-1234"), NULL);
	start_with_credential(&world, &owner);
	answer_with(&world, &owner, 400, "X-Echo: swordfish-1234\r\n",
	            "{\"message\":\"no " TOKEN ", no swordfish-1234\"}");
	assert_int_equal(owner.outcome.answer.status, 400);
	assert_true(quotes(&owner.outcome, "\"message\":\"no ****************, no **************\""));
	assert_string_equal(owner.outcome.response.err.msg, "HTTP 400: no ****************, no **************");
	assert_true(aps_str_is(aps_http_answer_header(&owner.outcome.answer, "x-echo"), "**************"));
	done(&world, &owner);
}

static void secrets_of_earlier_attempts_are_masked_too(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	begin(&world);
	add_credential(&world, APS_AUTH_OIDC);
	give_token(&world, TOKEN);
	prepare(&world, &owner);
	aps_header_list_add(&owner.headers, APS_STR("x-secret"), APS_STR("swordfish-1234"), NULL);
	start_with_credential(&world, &owner);
	owner.headers.n_items = 0;
	answer(&world, &owner, 401, REFUSED);
	give_token(&world, "another-0123456789");
	answer(&world, &owner, 400, "no " TOKEN ", no another-0123456789, no swordfish-1234");
	assert_true(quotes(&owner.outcome, "no ****************, no ******************, no **************"));
	done(&world, &owner);
}

/* A response that isn't a failure is the application's, word for word. */
static void data_is_told_as_it_came(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	begin(&world);
	add_credential(&world, APS_AUTH_OIDC);
	give_token(&world, TOKEN);
	prepare(&world, &owner);
	start_with_credential(&world, &owner);
	answer(&world, &owner, 200, "{\"data\":{\"a\":\"" TOKEN "\"},\"errors\":[{\"message\":\"no " TOKEN "\"}]}");
	assert_true(aps_str_is(owner.outcome.response.data, "{\"a\":\"" TOKEN "\"}"));
	assert_true(aps_str_is(owner.outcome.response.errors, "[{\"message\":\"no ****************\"}]"));
	done(&world, &owner);
}

static void a_deadline_while_a_token_is_waited_for_tells_so(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	struct aps_outcome told;
	begin(&world);
	add_credential(&world, APS_AUTH_OIDC);
	prepare(&world, &owner);
	start_with_credential(&world, &owner);
	assert_true(aps_request_leave_late(world.core, &owner.request, 1500, &told));
	assert_string_equal(aps_err_word(&told.response.err), "token_timeout");
	assert_false(told.response.err.sent);
	assert_int_equal(told.n_attempts, 0);
	aps_outcome_clear(&told);
	aps_request_clear(world.core, &owner.request);
	give_token(&world, TOKEN); /* nobody asks for it any more */
	assert_int_equal(world.client->stats->requests, 0);
	assert_int_equal(owner.n_outcomes, 0);
	done(&world, &owner);
}

static void who_leaves_an_exchange_under_way_is_told_that_it_was_sent(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	struct aps_outcome told;
	struct aps_err err;
	begin(&world);
	prepare(&world, &owner);
	start(&world, &owner);
	aps_fail(&err, APS_E_CANCELLED, "the call was cancelled");
	assert_true(aps_request_leave(world.core, &owner.request, &err, &told));
	assert_int_equal(told.response.err.code, APS_E_CANCELLED);
	assert_true(told.response.err.sent);
	assert_int_equal(told.n_attempts, 1);
	aps_outcome_clear(&told);
	assert_int_equal(aps_http_n_running(world.core->http), 1);
	aps_request_clear(world.core, &owner.request);
	assert_int_equal(aps_http_n_running(world.core->http), 0);
	assert_int_equal(owner.n_outcomes, 0);
	done(&world, &owner);
}

static void it_goes_on_after_somebody_has_left(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	struct aps_outcome told;
	begin(&world);
	prepare(&world, &owner);
	start(&world, &owner);
	answer(&world, &owner, 503, "busy");
	assert_true(aps_request_leave_late(world.core, &owner.request, 1500, &told));
	assert_int_equal(told.answer.status, 503); /* the last that was heard */
	assert_true(quotes(&told, "busy"));
	aps_outcome_clear(&told);
	let_time_pass(&world);
	answer(&world, &owner, 200, GOOD);
	assert_int_equal(owner.n_outcomes, 1);
	assert_true(is_good(&owner.outcome));
	assert_false(aps_request_leave_late(world.core, &owner.request, 1500, &told));
	done(&world, &owner);
}

static void a_response_that_somebody_left_with_is_told_as_its_error(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	struct aps_outcome told;
	begin(&world);
	add_credential(&world, APS_AUTH_OIDC);
	give_token(&world, TOKEN);
	prepare(&world, &owner);
	start_with_credential(&world, &owner);
	answer(&world, &owner, 401, REFUSED);
	assert_true(aps_request_leave_late(world.core, &owner.request, 1500, &told));
	assert_int_equal(told.answer.status, 401);
	aps_outcome_clear(&told);
	fail_token(&world);
	assert_int_equal(owner.n_outcomes, 1);
	assert_int_equal(owner.outcome.response.err.code, APS_E_AUTH);
	assert_int_equal(owner.outcome.response.err.native, 401);
	assert_true(owner.outcome.response.err.sent);
	assert_int_equal(owner.outcome.answer.status, 0);
	done(&world, &owner);
}

static unsigned n_freed;

static void end_and_free(struct aps_core *core, struct aps_outcome_sink *sink, struct aps_outcome *outcome)
{
	struct owner *owner = APS_CONTAINER_OF(sink, struct owner, sink);
	aps_outcome_clear(outcome);
	n_freed++;
	aps_request_clear(core, &owner->request);
	aps_arena_clear(&owner->arena);
	aps_operation_clear(&owner->operation);
	aps_free(owner);
}

static struct owner *new_mortal(struct world *world)
{
	struct owner *owner = aps_malloc(sizeof *owner);
	assert_non_null(owner);
	prepare(world, owner);
	owner->sink.ended = end_and_free;
	owner->options.credential = CREDENTIAL;
	return owner;
}

/* Its outcome comes at once, with a token that fails, with a response, and with a response that stands. */
static void the_owner_may_free_itself_when_it_is_told(void **state)
{
	(void)state;
	struct world world;
	n_freed = 0;
	begin(&world);
	start(&world, new_mortal(&world));
	assert_int_equal(n_freed, 1);
	add_credential(&world, APS_AUTH_OIDC);
	start(&world, new_mortal(&world));
	fail_token(&world);
	assert_int_equal(n_freed, 2);
	give_token(&world, TOKEN);
	struct owner *owner = new_mortal(&world);
	start(&world, owner);
	answer(&world, owner, 200, GOOD);
	assert_int_equal(n_freed, 3);
	owner = new_mortal(&world);
	start(&world, owner);
	answer(&world, owner, 401, REFUSED);
	fail_token(&world);
	assert_int_equal(n_freed, 4);
	finish(&world);
}

static void who_clears_it_between_attempts_hears_nothing(void **state)
{
	(void)state;
	struct world world;
	struct owner owner;
	begin(&world);
	prepare(&world, &owner);
	start(&world, &owner);
	answer(&world, &owner, 503, "busy");
	aps_request_clear(world.core, &owner.request);
	let_time_pass(&world);
	assert_int_equal(world.client->stats->requests, 1);
	assert_int_equal(owner.n_outcomes, 0);
	done(&world, &owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_response_is_the_outcome),
	        cmocka_unit_test(what_fails_for_good_is_the_outcome),
	        cmocka_unit_test(with_nobody_waiting_it_goes_on_after_failed_attempts),
	        cmocka_unit_test(without_time_for_another_attempt_the_response_is_the_outcome),
	        cmocka_unit_test(a_late_answer_is_a_time_out),
	        cmocka_unit_test(without_an_end_an_exchange_still_has_one),
	        cmocka_unit_test(a_token_is_waited_for),
	        cmocka_unit_test(without_a_token_there_is_no_request),
	        cmocka_unit_test(an_event_that_is_illegal_ends_it),
	        cmocka_unit_test(an_identity_that_was_dropped_is_told_at_once),
	        cmocka_unit_test(a_refused_token_is_renewed_once),
	        cmocka_unit_test(a_refusal_that_stands_is_told_with_its_response),
	        cmocka_unit_test(a_wrong_clock_is_corrected_and_signed_with_again),
	        cmocka_unit_test(a_failure_is_told_without_the_secrets_that_it_quotes),
	        cmocka_unit_test(secrets_of_earlier_attempts_are_masked_too),
	        cmocka_unit_test(data_is_told_as_it_came),
	        cmocka_unit_test(a_deadline_while_a_token_is_waited_for_tells_so),
	        cmocka_unit_test(who_leaves_an_exchange_under_way_is_told_that_it_was_sent),
	        cmocka_unit_test(it_goes_on_after_somebody_has_left),
	        cmocka_unit_test(a_response_that_somebody_left_with_is_told_as_its_error),
	        cmocka_unit_test(the_owner_may_free_itself_when_it_is_told),
	        cmocka_unit_test(who_clears_it_between_attempts_hears_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
