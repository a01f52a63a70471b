/* The network of a simulation, behind the interface of the real one. */
#include "net/simulated_http.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	size_t n_live;
	struct aps_http *http;
	struct aps_simulated_http *network;
};

static void begin(struct fixture *f)
{
	struct aps_err err;
	f->n_live = aps_mem_live();
	f->http = aps_http_new(&err);
	assert_non_null(f->http);
	f->network = aps_http_simulate(f->http, &err);
	assert_non_null(f->network);
}

static void finish(struct fixture *f)
{
	aps_http_free(f->http);
	assert_int_equal(aps_mem_live(), f->n_live);
}

static struct aps_http_request request_of(const char *body, void *tag)
{
	static const struct aps_header HEADERS[] = {
	        {.name = {"x-api-key", 9}, .value = {"da2", 3}},
	        {.name = {"accept", 6}, .value = {"*/*", 3}},
	};
	return (struct aps_http_request){
	        .method = "POST",
	        .url = "http://simulated.invalid/graphql",
	        .headers = HEADERS,
	        .n_headers = 2,
	        .body = aps_strndup(body, strlen(body)),
	        .n_body = strlen(body),
	        .timeout_ms = 30000,
	        .label = 5,
	        .tag = tag,
	};
}

static uint64_t start(struct fixture *f, const char *body, void *tag)
{
	struct aps_err err;
	uint64_t id = 0;
	struct aps_http_request request = request_of(body, tag);
	assert_int_equal(aps_http_start(f->http, &request, &id, &err), APS_OK);
	assert_null(request.body);
	assert_true(id != 0);
	return id;
}

static void requests_are_handed_out_once_in_their_order(void **state APS_UNUSED)
{
	struct fixture f;
	begin(&f);
	uint64_t first = start(&f, "one", NULL), second = start(&f, "two", NULL);
	const struct aps_simulated_exchange *taken = aps_simulated_http_take(f.network);
	assert_true(taken->id == first);
	assert_true(taken->label == 5);
	assert_int_equal(taken->timeout_ms, 30000);
	assert_memory_equal(taken->body, "one", taken->n_body);
	assert_memory_equal(taken->headers.p, "x-api-key: da2\naccept: */*\n", taken->headers.n);
	assert_true(aps_simulated_http_take(f.network)->id == second);
	assert_null(aps_simulated_http_take(f.network));
	assert_int_equal(aps_http_n_running(f.http), 2);
	finish(&f); /* which drops what has no answer */
}

static void an_answer_comes_to_whoever_has_asked(void **state APS_UNUSED)
{
	struct fixture f;
	int tag;
	struct aps_http_answer answer;
	begin(&f);
	uint64_t id = start(&f, "{}", &tag);
	assert_false(aps_http_next(f.http, &answer));
	assert_true(aps_simulated_http_answer(f.network, id, 503, APS_STR("Retry-After: 7\n"), APS_STR("later")));
	assert_true(aps_http_next(f.http, &answer));
	assert_ptr_equal(answer.tag, &tag);
	assert_int_equal(answer.status, 503);
	assert_int_equal(answer.err.code, APS_OK);
	assert_true(answer.err.sent);
	assert_string_equal(answer.body, "later");
	assert_true(aps_str_is(aps_http_answer_header(&answer, "retry-after"), "7"));
	aps_http_answer_clear(&answer);
	assert_false(aps_http_next(f.http, &answer));
	assert_int_equal(aps_http_n_running(f.http), 0);
	finish(&f);
}

static void a_failure_says_if_the_request_was_sent(void **state APS_UNUSED)
{
	static const struct {
		enum aps_simulated_failure how;
		enum aps_rc code;
		const char *word;
		bool is_sent;
	} ROWS[] = {
	        {APS_SIMULATED_REFUSED, APS_E_NETWORK, "connection_refused", false},
	        {APS_SIMULATED_LOST, APS_E_NETWORK, "connection_lost", true},
	        {APS_SIMULATED_TIMEOUT, APS_E_TIMEOUT, NULL, true},
	};
	struct fixture f;
	begin(&f);
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_http_answer answer;
		assert_true(aps_simulated_http_fail(f.network, start(&f, "{}", NULL), ROWS[i].how));
		assert_true(aps_http_next(f.http, &answer));
		assert_int_equal(answer.err.code, ROWS[i].code);
		assert_int_equal(answer.err.sent, ROWS[i].is_sent);
		if (ROWS[i].word != NULL) assert_string_equal(aps_err_word(&answer.err), ROWS[i].word);
		aps_http_answer_clear(&answer);
	}
	finish(&f);
}

static void nothing_comes_after_a_cancel(void **state APS_UNUSED)
{
	struct fixture f;
	struct aps_http_answer answer;
	begin(&f);
	uint64_t early = start(&f, "{}", NULL), late = start(&f, "{}", NULL);
	aps_http_cancel(f.http, early);
	assert_false(aps_simulated_http_answer(f.network, early, 200, APS_STR(""), APS_STR("{}")));
	assert_false(aps_simulated_http_fail(f.network, early, APS_SIMULATED_LOST));
	assert_true(aps_simulated_http_answer(f.network, late, 200, APS_STR(""), APS_STR("{}")));
	aps_http_cancel(f.http, late);
	aps_http_cancel(f.http, 99);
	assert_false(aps_http_next(f.http, &answer));
	assert_null(aps_simulated_http_take(f.network));
	start(&f, "{}", NULL);
	aps_simulated_http_fail(f.network, aps_simulated_http_take(f.network)->id, APS_SIMULATED_LOST);
	finish(&f); /* which drops what wasn't fetched */
}

static void a_connection_without_a_request_is_refused(void **state APS_UNUSED)
{
	struct fixture f;
	struct aps_err err;
	uint64_t id = 0;
	struct aps_http_request request = {.is_resolve_only = true};
	begin(&f);
	assert_int_equal(aps_http_start(f.http, &request, &id, &err), APS_E_USAGE);
	assert_string_equal(aps_err_word(&err), "not_simulated");
	finish(&f);
}

static void without_memory_a_request_isnt_started_and_an_answer_doesnt_come(void **state APS_UNUSED)
{
	struct fixture f;
	begin(&f);
	size_t n_before = aps_mem_live();
	for (size_t nth = 1; nth <= 2; nth++) {
		struct aps_err err;
		uint64_t id = 0;
		struct aps_http_request request = request_of("{}", NULL);
		aps_mem_fail_at(nth);
		assert_int_equal(aps_http_start(f.http, &request, &id, &err), APS_E_NOMEM);
		aps_mem_fail_at(0);
		assert_null(request.body);
		assert_int_equal(aps_mem_live(), n_before);
	}
	uint64_t id = start(&f, "{}", NULL);
	for (size_t nth = 1; nth <= 4; nth++) {
		aps_mem_fail_at(nth);
		assert_false(aps_simulated_http_answer(f.network, id, 200, APS_STR("a: b\n"), APS_STR("{}")));
		aps_mem_fail_at(0);
	}
	assert_true(aps_simulated_http_answer(f.network, id, 200, APS_STR("a: b\n"), APS_STR("{}")));
	finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(requests_are_handed_out_once_in_their_order),
	        cmocka_unit_test(an_answer_comes_to_whoever_has_asked),
	        cmocka_unit_test(a_failure_says_if_the_request_was_sent),
	        cmocka_unit_test(nothing_comes_after_a_cancel),
	        cmocka_unit_test(a_connection_without_a_request_is_refused),
	        cmocka_unit_test(without_memory_a_request_isnt_started_and_an_answer_doesnt_come),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
