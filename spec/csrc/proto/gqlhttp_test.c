#include "proto/gqlhttp.h"

#include "base/mem.h"
#include "codec/utf8.h"
#include "proto/error_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void assert_str(struct aps_str got, const char *expected)
{
	if (!aps_str_is(got, expected))
		fail_msg("got \"%.*s\", expected \"%s\"", (int)got.n, got.p ? got.p : "", expected);
}

struct row {
	long status;
	const char *header;
	const char *body;
	enum aps_rc code;
	const char *word;
	const char *message;
	const char *type;
	bool is_retryable;
	bool has_value;
};

#define UNAUTHORIZED                                                                                                   \
	"{\"errors\":[{\"errorType\":\"UnauthorizedException\",\"message\":\"You are not authorized to make this "     \
	"call.\"}]}"

static const struct row ROWS[] = {
        {200, "", "{\"data\":{\"a\":1}}", APS_OK, NULL, "", "", false, true},
        {200, "", "{\"data\":{\"a\":null,\"b\":{}}}", APS_OK, NULL, "", "", false, true},
        {200, "", "{\"data\":{\"a\":null,\"b\":null}}", APS_OK, NULL, "", "", false, false},
        {200, "", "{\"data\":{}}", APS_OK, NULL, "", "", false, false},
        {200, "", "{\"data\":{\"a\":1},\"errors\":[]}", APS_OK, NULL, "", "", false, true},
        {200, "", "{\"data\":{\"a\":1},\"errors\":null}", APS_OK, NULL, "", "", false, true},
        {204, "", "{\"data\":{\"a\":1}}", APS_OK, NULL, "", "", false, true},
        /* graphql */
        {200, "", "{\"data\":{\"a\":1,\"b\":null},\"errors\":[{\"message\":\"no b\",\"path\":[\"b\"]}]}", APS_E_GRAPHQL,
         NULL, "no b", "", false, true},
        {200, "", "{\"data\":null,\"errors\":[{\"message\":\"first\",\"errorType\":\"X\"},{\"message\":\"second\"}]}",
         APS_E_GRAPHQL, NULL, "first", "X", false, false},
        {200, "", "{\"errors\":{\"message\":\"one object\",\"errorType\":\"Lambda:Unhandled\"}}", APS_E_GRAPHQL, NULL,
         "one object", "Lambda:Unhandled", false, false},
        {200, "", "{\"errors\":[\"a text\"]}", APS_E_GRAPHQL, NULL, "a text", "", false, false},
        {200, "", "{\"errors\":[{\"errorType\":\"OnlyType\"}]}", APS_E_GRAPHQL, NULL, "OnlyType", "OnlyType", false,
         false},
        {200, "", "{\"errors\":[{}]}", APS_E_GRAPHQL, NULL, "an error without a message", "", false, false},
        {400, "",
         "{\"errors\":[{\"errorType\":\"MalformedHttpRequestException\",\"message\":\"Request body is empty.\"}]}",
         APS_E_GRAPHQL, NULL, "Request body is empty.", "MalformedHttpRequestException", false, false},
        {502, "",
         "{\"errors\":[{\"errorType\":\"GraphQLSchemaException\",\"message\":\"No schema definition exists.\"}]}",
         APS_E_GRAPHQL, NULL, "No schema definition exists.", "GraphQLSchemaException", true, false},
        {429, "", "{\"errors\":[{\"errorType\":\"TooManyRequestsException\",\"message\":\"slow\"}]}", APS_E_GRAPHQL,
         "rate_limited", "slow", "TooManyRequestsException", true, false},
        /* auth */
        {401, "UnauthorizedException", UNAUTHORIZED, APS_E_AUTH, NULL, "You are not authorized to make this call.",
         "UnauthorizedException", false, false},
        {401, "", "{\"errors\":[{\"errorType\":\"UnauthorizedException\",\"message\":\"Token has expired.\"}]}",
         APS_E_AUTH, "token_expired", "Token has expired.", "UnauthorizedException", false, false},
        {401, "", "{\"errors\":[{\"errorType\":\"UnauthorizedException\",\"message\":\"The API key has expired\"}]}",
         APS_E_AUTH, "api_key_expired", "The API key has expired", "UnauthorizedException", false, false},
        {401, "", "", APS_E_AUTH, NULL, "HTTP 401", "", false, false},
        {401, "", "<html>", APS_E_AUTH, NULL, "HTTP 401: <html>", "", false, false},
        {403, "", "{\"errors\":[{\"errorType\":\"ForbiddenException\",\"message\":\"403 Forbidden\"}]}", APS_E_AUTH,
         "forbidden", "403 Forbidden", "ForbiddenException", false, false},
        {403, "", "{\"errors\":[{\"message\":\"403 Forbidden\"}]}", APS_E_AUTH, "forbidden", "403 Forbidden", "", false,
         false},
        {403, "", "{\"message\":\"Forbidden\"}", APS_E_AUTH, "forbidden", "HTTP 403: Forbidden", "", false, false},
        {403, "", "", APS_E_AUTH, NULL, "HTTP 403", "", false, false},
        {403, "", "{\"errors\":[{\"errorType\":\"InvalidSignatureException\",\"message\":\"does not match\"}]}",
         APS_E_AUTH, "clock_skew", "does not match", "InvalidSignatureException", false, false},
        {403, "", "{\"errors\":[{\"errorType\":\"BadRequestException\",\"message\":\"does not match\"}]}", APS_E_AUTH,
         NULL, "does not match", "BadRequestException", false, false},
        {400, "InvalidSignatureException:http://internal/", "{\"message\":\"Signature expired\"}", APS_E_AUTH,
         "clock_skew", "HTTP 400: Signature expired", "InvalidSignatureException", false, false},
        {400, "", "{\"__type\":\"com.amazon#ExpiredTokenException\",\"message\":\"old\"}", APS_E_AUTH, "token_expired",
         "HTTP 400: old", "com.amazon#ExpiredTokenException", false, false},
        {200, "",
         "{\"data\":{\"a\":1,\"b\":null},\"errors\":[{\"message\":\"x\"},{\"errorType\":\"Unauthorized\",\"message\":"
         "\"y\"}]}",
         APS_E_AUTH, NULL, "x", "", false, true},
        {200, "", "{\"errors\":[{\"message\":\"Token expired\"}]}", APS_E_AUTH, "token_expired", "Token expired", "",
         false, false},
        {200, "", "{\"errors\":[{\"errorType\":\"Lambda:Unhandled\",\"message\":\"Token expired\"}]}", APS_E_GRAPHQL,
         NULL, "Token expired", "Lambda:Unhandled", false, false},
        /* conflict; auth is more specific */
        {200, "", "{\"errors\":[{\"errorType\":\"DynamoDB:ConditionalCheckFailedException\",\"message\":\"c\"}]}",
         APS_E_CONFLICT, NULL, "c", "DynamoDB:ConditionalCheckFailedException", false, false},
        {200, "", "{\"errors\":[{\"errorType\":\"ConflictUnhandled\",\"message\":\"c\",\"data\":{\"id\":1}}]}",
         APS_E_CONFLICT, NULL, "c", "ConflictUnhandled", false, false},
        {200, "", "{\"errors\":[{\"errorType\":\"MaxConflicts\",\"message\":\"c\"}]}", APS_E_CONFLICT, NULL, "c",
         "MaxConflicts", false, false},
        {200, "",
         "{\"errors\":[{\"message\":\"g\"},{\"errorType\":\"ConflictError\"},{\"errorType\":\"Unauthorized\"}]}",
         APS_E_AUTH, NULL, "g", "", false, false},
        {200, "", "{\"errors\":[{\"errorType\":\"DynamoDB:TransactionConflictException\",\"message\":\"t\"}]}",
         APS_E_GRAPHQL, NULL, "t", "DynamoDB:TransactionConflictException", false, false},
        /* http */
        {500, "", "", APS_E_HTTP, NULL, "HTTP 500", "", true, false},
        {500, "InternalFailure", "{\"message\":\"oops\"}", APS_E_HTTP, NULL, "HTTP 500: oops", "InternalFailure", true,
         false},
        {503, "", "Service\nUnavailable\x01\xff", APS_E_HTTP, NULL, "HTTP 503: Service Unavailable ?", "", true, false},
        {429, "", "", APS_E_HTTP, NULL, "HTTP 429", "", true, false},
        {404, "", "{\"data\":{\"a\":1}}", APS_E_HTTP, NULL, "HTTP 404: {\"data\":{\"a\":1}}", "", false, true},
        {413, "", "[1]", APS_E_HTTP, NULL, "HTTP 413: [1]", "", false, false},
        {302, "", "", APS_E_HTTP, NULL, "HTTP 302", "", false, false},
        /* protocol */
        {200, "", "{\"data\":null}", APS_E_PROTOCOL, NULL, "neither data nor errors in the response: {\"data\":null}",
         "", false, false},
        {200, "", "{}", APS_E_PROTOCOL, NULL, "neither data nor errors in the response: {}", "", false, false},
        {200, "", "{\"data\":5}", APS_E_PROTOCOL, NULL, "neither data nor errors in the response: {\"data\":5}", "",
         false, false},
        {200, "", "<html>hi", APS_E_PROTOCOL, NULL,
         "the response is not JSON: HTML or XML in place of a value at byte 0: <html>hi", "", false, false},
        {200, "", "[]", APS_E_PROTOCOL, NULL, "the response is a JSON list, not an object: []", "", false, false},
        {200, "", "\"ok\"", APS_E_PROTOCOL, NULL, "the response is a JSON string, not an object: \"ok\"", "", false,
         false},
        {200, "", "5", APS_E_PROTOCOL, NULL, "the response is a JSON number, not an object: 5", "", false, false},
        {200, "", "null", APS_E_PROTOCOL, NULL, "the response is a JSON null, not an object: null", "", false, false},
        {200, "", "false", APS_E_PROTOCOL, NULL, "the response is a JSON boolean, not an object: false", "", false,
         false},
        {200, "", "", APS_E_PROTOCOL, NULL, "the response is empty", "", false, false},
        {200, "", " \r\n", APS_E_PROTOCOL, NULL, "the response is empty", "", false, false},
        {200, "", "{\"data\":{\"a\":\"b", APS_E_PROTOCOL, NULL,
         "the response is not JSON: unfinished string at byte 15, where the text ends: {\"data\":{\"a\":\"b", "", false,
         false},
        {200, "", "{\"data\":{\"a\":1}} x", APS_E_PROTOCOL, NULL,
         "the response is not JSON: text after the value at byte 17: {\"data\":{\"a\":1}} x", "", false, false},
        /* what services cut, and a byte order mark */
        {200, "", "{\"data\":{\"a\":\"cut off \\ud83d\"}}", APS_OK, NULL, "", "", false, true},
        {200, "", "\xef\xbb\xbf{\"data\":{\"\\udc00\":\"\xe2\x82\"}}", APS_OK, NULL, "", "", false, true},
        {200, "", "{\"errors\":[{\"message\":\"no \\ud83d\",\"errorType\":\"T\xff\"}]}", APS_E_GRAPHQL, NULL,
         "no \xef\xbf\xbd", "T\xef\xbf\xbd", false, false},
        /* duplicate members: the last one */
        {200, "", "{\"data\":null,\"data\":{\"a\":2},\"errors\":[{\"message\":\"m\"}],\"errors\":[]}", APS_OK, NULL, "",
         "", false, true},
        {403, "", "{\"errors\":[{\"errorType\":\"InvalidSignatureException\",\"message\":\"forbidden\"}]}", APS_E_AUTH,
         "clock_skew", "forbidden", "InvalidSignatureException", false, false},
        /* two decoded texts, the second longer than what is left of a small buffer */
        {200, "",
         "{\"errors\":[{\"message\":\"\\u0061bcdefghijklmnopqrstuvwxyz\",\"errorType\":"
         "\"\\u0054tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
         "tttttttttttttttttttt\"}]}",
         APS_E_GRAPHQL, NULL, "abcdefghijklmnopqrstuvwxyz",
         "Ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
         "tttttttttttt",
         false, false},
        /* escapes are decoded; line breaks become spaces */
        {200, "", "{\"errors\":[{\"m\\u0065ssage\":\"l\\u00e4ng\\nline\",\"errorType\":\"T\\u0079pe\"}]}",
         APS_E_GRAPHQL, NULL, "l\xc3\xa4ng line", "Type", false, false},
};

static void each_answer_is_the_error_of_its_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const struct row *row = &ROWS[i];
		struct aps_arena decoded;
		struct aps_gqlhttp_response r;
		aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
		print_message("%ld %s\n", row->status, row->body);
		aps_gqlhttp_parse(row->status, aps_str_of(row->header), aps_str_of(row->body), &decoded, &r);
		assert_int_equal(r.err.code, row->code);
		assert_string_equal(r.err.msg, row->message);
		assert_str(r.error_type, row->type);
		assert_int_equal(r.err.retryable, row->is_retryable);
		assert_int_equal(r.has_value, row->has_value);
		if (row->word != NULL)
			assert_string_equal(r.err.word, row->word);
		else
			assert_null(r.err.word);
		if (row->code != APS_OK) assert_int_equal(r.err.native, row->status);
		aps_arena_clear(&decoded);
	}
	assert_int_equal(aps_mem_live(), 0);
}

static void the_members_are_borrowed_as_they_stand(void **state)
{
	(void)state;
	struct aps_arena decoded;
	struct aps_gqlhttp_response r;
	aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
	struct aps_str body = APS_STR(
	        " {\"extensions\": {\"e\":1} , \"data\" : {\"a\": [1, 2]}, \"errors\":[ {\"message\":\"m\"} ]} ");
	aps_gqlhttp_parse(200, APS_STR(""), body, &decoded, &r);
	assert_str(r.data, "{\"a\": [1, 2]}");
	assert_str(r.errors, "[ {\"message\":\"m\"} ]");
	assert_str(r.extensions, "{\"e\":1}");
	assert_true(r.data.p > body.p && r.data.p < body.p + body.n);
	assert_true(r.err.sent);
	aps_arena_clear(&decoded);
}

static void a_payload_is_judged_like_a_response(void **state)
{
	(void)state;
	struct aps_arena decoded;
	struct aps_gqlhttp_response r;
	aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
	aps_gqlhttp_parse_payload(APS_STR("{\"data\":{\"onCreateTodo\":{\"id\":1}}}"), &decoded, &r);
	assert_int_equal(r.err.code, APS_OK);
	assert_true(r.has_value);
	aps_gqlhttp_parse_payload(APS_STR("{\"data\":{\"a\":null},\"errors\":[{\"message\":\"m\"}]}"), &decoded, &r);
	assert_int_equal(r.err.code, APS_E_GRAPHQL);
	assert_false(r.has_value);
	aps_gqlhttp_parse_payload(APS_STR("{}"), &decoded, &r);
	assert_int_equal(r.err.code, APS_E_PROTOCOL);
	aps_arena_clear(&decoded);
}

static void a_long_message_is_cut_between_code_points(void **state)
{
	(void)state;
	for (size_t pad = 0; pad < 4; pad++) {
		struct aps_buf body;
		struct aps_arena decoded;
		struct aps_gqlhttp_response r;
		aps_buf_init(&body, APS_BUF_ANY_SIZE);
		aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
		aps_buf_add_text(&body, "{\"errors\":[{\"message\":\"");
		aps_buf_add(&body, "xxxx", pad);
		for (int i = 0; i < 300; i++) aps_buf_add_text(&body, "\xe2\x82\xac");
		aps_buf_add_text(&body, "\"}]}");
		for (long status = 200; status <= 403; status += 203) {
			aps_gqlhttp_parse(status, APS_STR(""), aps_buf_str(&body), &decoded, &r);
			struct aps_str text = aps_str_of(r.err.msg);
			assert_int_equal(aps_utf8_check(text), text.n);
			assert_true(text.n > 190);
		}
		aps_buf_clear(&body);
		aps_arena_clear(&decoded);
	}
}

static void a_long_foreign_answer_is_quoted_in_part(void **state)
{
	(void)state;
	char body[500];
	memset(body, 'x', sizeof body);
	struct aps_arena decoded;
	struct aps_gqlhttp_response r;
	aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
	aps_gqlhttp_parse(200, APS_STR(""), (struct aps_str){body, sizeof body}, &decoded, &r);
	assert_int_equal(r.err.code, APS_E_PROTOCOL);
	assert_true(aps_str_ends(aps_str_of(r.err.msg), "xxx..."));
	assert_in_range(strlen(r.err.msg), 100, 160);
	aps_arena_clear(&decoded);
}

static struct aps_operation ask(const char *text, const char *variables)
{
	struct aps_operation operation;
	struct aps_gql_document *doc;
	assert_int_equal(aps_gql_document_new(aps_str_of(text), &doc, NULL, NULL), APS_OK);
	assert_int_equal(aps_operation_init(&operation, doc, aps_gql_document_operation(doc, 0), false,
	                                    aps_str_of(variables), NULL),
	                 APS_OK);
	aps_gql_document_unref(doc);
	return operation;
}

static void a_body_has_the_members_that_are_given(void **state)
{
	(void)state;
	struct aps_buf out;
	struct aps_err err;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	struct aps_operation operation = ask("query Q { a(s: \"x\") }", " {\"v\": 1} ");
	for (int i = 0; i < 2; i++) { /* the same each time */
		aps_buf_reset(&out);
		assert_int_equal(aps_gqlhttp_body(&out, &operation, &err), APS_OK);
		assert_str(aps_buf_str(&out), "{\"query\":\"query Q {\\n  a(s: \\\"x\\\")\\n}\\n\",\"variables\":"
		                              "{\"v\": 1},\"operationName\":\"Q\"}");
	}
	aps_operation_clear(&operation);
	aps_buf_clear(&out);
	operation = ask("{a}", "");
	assert_int_equal(aps_gqlhttp_body(&out, &operation, &err), APS_OK);
	assert_str(aps_buf_str(&out), "{\"query\":\"{\\n  a\\n}\\n\",\"variables\":{}}");
	aps_operation_clear(&operation);
	aps_buf_clear(&out);
}

static void a_body_that_cannot_be_built_tells_why(void **state)
{
	(void)state;
	struct aps_buf out;
	struct aps_err err;
	struct aps_operation operation = ask("{ a b c d }", "");
	aps_buf_init(&out, 10);
	assert_int_equal(aps_gqlhttp_body(&out, &operation, &err), APS_E_TOO_BIG);
	assert_int_equal(err.code, APS_E_TOO_BIG);
	aps_buf_clear(&out);
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	aps_mem_fail_at(1);
	assert_int_equal(aps_gqlhttp_body(&out, &operation, &err), APS_E_NOMEM);
	assert_int_equal(err.code, APS_E_NOMEM);
	aps_mem_fail_at(0);
	aps_buf_clear(&out);
	aps_operation_clear(&operation);
}

static void a_body_of_a_usual_document_takes_one_allocation(void **state)
{
	(void)state;
	struct aps_buf out;
	struct aps_operation operation =
	        ask("query GetPost($id: ID!) { getPost(id: $id) { id title ups downs createdAt "
	            "tags(first: 10, match: \"\\\"a\\\"\") { id } } }",
	            "{\"id\":\"11111111-2222-4333-8444-555555555555\"}");
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	aps_mem_fail_at(2);
	assert_int_equal(aps_gqlhttp_body(&out, &operation, NULL), APS_OK);
	aps_mem_fail_at(0);
	aps_buf_clear(&out);
	aps_operation_clear(&operation);
}

static void a_body_is_checked_as_it_would_be_rendered(void **state)
{
	(void)state;
	struct aps_err err = {.code = APS_OK}, rendered;
	struct aps_buf out;
	struct aps_operation operation = ask("query Q { a(s: \"\\u0001\") }", "{\"v\":[1,2,3]}");
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_gqlhttp_body(&out, &operation, &err), APS_OK);
	size_t n = out.n;
	aps_buf_clear(&out);
	for (size_t max = 0; max < n; max++) {
		assert_int_equal(aps_gqlhttp_check_body(&operation, max, &err), APS_E_TOO_BIG);
		aps_buf_init(&out, max);
		assert_int_equal(aps_gqlhttp_body(&out, &operation, &rendered), APS_E_TOO_BIG);
		assert_string_equal(err.msg, rendered.msg);
		aps_buf_clear(&out);
	}
	for (size_t max = n; max < 20 * n; max++)
		assert_int_equal(aps_gqlhttp_check_body(&operation, max, &err), APS_OK);
	aps_mem_fail_at(1); /* far from the ceiling it renders nothing; near it, it does */
	assert_int_equal(aps_gqlhttp_check_body(&operation, 100 * n, &err), APS_OK);
	assert_int_equal(aps_gqlhttp_check_body(&operation, n, &err), APS_E_NOMEM);
	aps_mem_fail_at(0);
	aps_operation_clear(&operation);
}

static void an_answer_that_finds_no_memory_says_so(void **state)
{
	(void)state;
	struct aps_arena decoded;
	struct aps_gqlhttp_response r;
	aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
	aps_mem_fail_at(1);
	aps_gqlhttp_parse(200, APS_STR(""), APS_STR("{\"errors\":[{\"message\":\"\\n\"}]}"), &decoded, &r);
	aps_mem_fail_at(0);
	assert_int_equal(r.err.code, APS_E_NOMEM);
	aps_arena_clear(&decoded);
}

static void the_limits_of_a_service_have_words(void **state)
{
	(void)state;
	const char *word = NULL;
	assert_int_equal(aps_error_classify(APS_STR("MaxSubscriptionsReachedError"), APS_STR(""), &word),
	                 APS_E_GRAPHQL);
	assert_string_equal(word, "subscription_limit");
	assert_int_equal(aps_error_classify(APS_STR("LimitExceededError"), APS_STR(""), &word), APS_E_GRAPHQL);
	assert_string_equal(word, "rate_limited");
	assert_int_equal(aps_error_classify(APS_STR(""), APS_STR("plain"), &word), APS_E_GRAPHQL);
	assert_null(word);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_answer_is_the_error_of_its_row),
	        cmocka_unit_test(the_members_are_borrowed_as_they_stand),
	        cmocka_unit_test(a_payload_is_judged_like_a_response),
	        cmocka_unit_test(a_long_message_is_cut_between_code_points),
	        cmocka_unit_test(a_long_foreign_answer_is_quoted_in_part),
	        cmocka_unit_test(a_body_has_the_members_that_are_given),
	        cmocka_unit_test(a_body_that_cannot_be_built_tells_why),
	        cmocka_unit_test(a_body_of_a_usual_document_takes_one_allocation),
	        cmocka_unit_test(a_body_is_checked_as_it_would_be_rendered),
	        cmocka_unit_test(an_answer_that_finds_no_memory_says_so),
	        cmocka_unit_test(the_limits_of_a_service_have_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
