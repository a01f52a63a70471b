#include "proto/gqlhttp.h"
#include "proto/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define DONE     APS_VERDICT_DONE
#define UNSENT   APS_VERDICT_UNSENT
#define LATER    APS_VERDICT_LATER
#define AUTH     APS_VERDICT_AUTH
#define CONFLICT APS_VERDICT_CONFLICT
#define REFUSED  APS_VERDICT_REFUSED
#define DOUBT    APS_VERDICT_DOUBT

static void expect(enum aps_verdict verdict, enum aps_verdict expected, const char *what)
{
	if (verdict == expected) return;
	fail_msg("%s: %s, not %s", what, aps_verdict_name(verdict), aps_verdict_name(expected));
}

/* Of a request that no answer came to: sent, and not sent. */
static const struct {
	enum aps_rc code;
	enum aps_verdict sent;
	enum aps_verdict unsent;
} UNANSWERED[] = {
        {APS_E_NETWORK, DOUBT, UNSENT},  {APS_E_TIMEOUT, DOUBT, UNSENT},  {APS_E_TLS, DOUBT, UNSENT},
        {APS_E_SYSTEM, DOUBT, UNSENT},   {APS_E_NOMEM, DOUBT, UNSENT},    {APS_E_CRYPTO, DOUBT, UNSENT},
        {APS_E_USAGE, DOUBT, UNSENT},    {APS_E_CLOSED, DOUBT, UNSENT},   {APS_E_CANCELLED, DOUBT, UNSENT},
        {APS_E_STORAGE, DOUBT, UNSENT},  {APS_E_PROTOCOL, DOUBT, UNSENT}, {APS_E_INTERNAL, DOUBT, UNSENT},
        {APS_E_HTTP, DOUBT, UNSENT},     {APS_E_GRAPHQL, DOUBT, UNSENT},  {APS_E_CONFLICT, DOUBT, UNSENT},
        {APS_E_TOO_BIG, DOUBT, REFUSED}, {APS_E_SYNTAX, DOUBT, REFUSED},  {APS_E_UTF8, DOUBT, REFUSED},
        {APS_E_DEPTH, DOUBT, REFUSED},   {APS_E_AUTH, AUTH, AUTH},        {APS_OK, DONE, DONE},
};

static void what_was_not_answered_is_in_doubt_once_it_was_sent(void **unused)
{
	(void)unused;
	assert_int_equal(APS_COUNTOF(UNANSWERED), APS_RC_COUNT);
	for (size_t i = 0; i < APS_COUNTOF(UNANSWERED); i++) {
		struct aps_verdict_question q = {.code = UNANSWERED[i].code, .sent = true};
		expect(aps_verdict_of(&q), UNANSWERED[i].sent, aps_rc_name(q.code));
		q.sent = false;
		expect(aps_verdict_of(&q), UNANSWERED[i].unsent, aps_rc_name(q.code));
	}
}

/* Answers as they come, read as the client reads them. */
struct answer {
	long status;
	const char *header; /* x-amzn-errortype */
	const char *body;
	enum aps_verdict verdict;
};

static enum aps_verdict judge(const struct answer *answer, bool is_versioned, unsigned n_roots)
{
	struct aps_arena arena;
	struct aps_gqlhttp_response response;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	aps_gqlhttp_parse(answer->status, aps_str_of(answer->header), aps_str_of(answer->body), &arena, &response);
	const struct aps_verdict_question question = {
	        .code = response.err.code,
	        .sent = true,
	        .status = answer->status,
	        .error_type = response.error_type,
	        .errors = response.errors,
	        .has_data = response.data.n != 0,
	        .has_value = response.has_value,
	        .is_versioned = is_versioned,
	        .n_roots = n_roots,
	};
	enum aps_verdict verdict = aps_verdict_of(&question);
	aps_arena_clear(&arena);
	return verdict;
}

static void check(const struct answer *answers, size_t n_answers)
{
	for (size_t i = 0; i < n_answers; i++) {
		print_message("%ld %s %s\n", answers[i].status, answers[i].header, answers[i].body);
		expect(judge(&answers[i], false, 1), answers[i].verdict, answers[i].body);
	}
}

#define ROOT(type)      "{\"data\":{\"a\":null},\"errors\":[{\"path\":[\"a\"],\"errorType\":\"" type "\"}]}"
#define NULL_ROOT(type) "{\"data\":null,\"errors\":[{\"path\":[\"a\"],\"errorType\":\"" type "\"}]}"
#define REQUEST(type)   "{\"data\":null,\"errors\":[{\"path\":null,\"errorType\":\"" type "\"}]}"
#define SERVICE(type)   "{\"errors\":[{\"errorType\":\"" type "\",\"message\":\"no\"}]}"

static void an_answer_with_a_value_or_without_errors_is_done(void **unused)
{
	(void)unused;
	static const struct answer ANSWERS[] = {
	        {200, "", "{\"data\":{\"a\":{\"id\":1}}}", DONE},
	        {200, "", "{\"data\":{\"a\":null}}", DONE},
	        {201, "", "{\"data\":{\"a\":true}}", DONE},
	        {200, "",
	         "{\"data\":{\"a\":1,\"b\":null},\"errors\":[{\"path\":[\"b\"],\"errorType\":\"Lambda:Unhandled\"}]}",
	         DONE},
	        {200, "",
	         "{\"data\":{\"a\":{\"b\":null}},\"errors\":[{\"path\":[\"a\",\"b\"],\"errorType\":\"Unauthorized\"}]}",
	         DONE},
	};
	check(ANSWERS, APS_COUNTOF(ANSWERS));
}

static void an_error_below_a_root_field_tells_that_the_field_had_a_value(void **unused)
{
	(void)unused;
	static const struct answer ANSWERS[] = {
	        {200, "",
	         "{\"data\":{\"a\":null},\"errors\":[{\"path\":[\"a\",\"b\"],\"errorType\":\"Unauthorized\"}]}", DONE},
	        {200, "",
	         "{\"data\":null,\"errors\":[{\"path\":[\"a\",\"list\",0,\"b\"],\"message\":\"Cannot return null\"}]}",
	         DONE},
	        {200, "", "{\"data\":null,\"errors\":[{\"path\":[\"a\",\"b\"],\"errorType\":\"ExecutionTimeout\"}]}",
	         DONE},
	        {200, "",
	         "{\"data\":null,\"errors\":[{\"path\":[\"c\"],\"errorType\":\"X\"},{\"path\":[\"a\",\"b\"]}]}", DONE},
	};
	check(ANSWERS, APS_COUNTOF(ANSWERS));
}

static void a_good_status_without_graphql_is_in_doubt(void **unused)
{
	(void)unused;
	static const struct answer ANSWERS[] = {
	        {200, "", "<html>Please sign in</html>", DOUBT},
	        {200, "", "", DOUBT},
	        {204, "", "", DOUBT},
	        {200, "", "[]", DOUBT},
	        {200, "", "{}", DOUBT},
	        {200, "", "{\"data\":null}", DOUBT},
	        {200, "", "{\"data\":{\"a\":{\"id\":1", DOUBT},
	        {200, "", "{\"errors\":[\"boom\"]}", DOUBT},
	        {200, "", "{\"errors\":\"boom\"}", DOUBT},
	        {200, "", "{\"errors\":[[1]]}", DOUBT},
	};
	check(ANSWERS, APS_COUNTOF(ANSWERS));
}

static void errors_that_leave_open_what_was_done_are_in_doubt(void **unused)
{
	(void)unused;
	static const struct answer ANSWERS[] = {
	        {200, "", ROOT("ExecutionTimeout"), DOUBT},
	        {200, "", "{\"data\":{\"a\":null},\"errors\":[{\"errorType\":\"ExecutionTimeout\"}]}", DOUBT},
	        {200, "", ROOT("Lambda:ExecutionTimeoutException"), DOUBT},
	        {200, "", ROOT("Http:ExecutionTimeoutException"), DOUBT},
	        {200, "", ROOT("RDSHttp:ExecutionTimeoutException"), DOUBT},
	        {200, "", ROOT("Lambda:Unhandled"), DOUBT},
	        {200, "", ROOT("Lambda:IllegalArgument"), DOUBT},
	        {200, "", ROOT("Lambda:TooManyRequestsException"), DOUBT},
	        {200, "", ROOT("Lambda:Unauthorized"), DOUBT},
	        {200, "", ROOT("Lambda:ConflictError"), DOUBT},
	        {200, "", ROOT("Http:UnknownHost"), DOUBT},
	        {200, "", ROOT("InternalFailure"), DOUBT},
	        {200, "", ROOT("InternalFailureException"), DOUBT},
	        {200, "", ROOT("DynamoDB:InternalServerError"), DOUBT},
	        {200, "", ROOT("InternalError"), DOUBT},
	        {200, "", ROOT("InternalServiceErrorException"), DOUBT},
	        {200, "", ROOT("DynamoDB:RequestTimeout"), DOUBT},
	        {200, "", ROOT("TimeoutError"), DOUBT},
	        {200, "", ROOT("DeltaSyncWriteError"), DOUBT},
	        {200, "", ROOT("MappingTemplate"), DOUBT},
	        {200, "", ROOT("Code"), DOUBT},
	        {200, "", ROOT("CodeOfConduct"), REFUSED},
	        {500, "", SERVICE("InternalFailure"), DOUBT},
	        {503, "", SERVICE("InternalFailure"), DOUBT},
	        {400, "", SERVICE("RequestTimeoutException"), DOUBT},
	        {400, "ExecutionTimeout", "", DOUBT},
	};
	check(ANSWERS, APS_COUNTOF(ANSWERS));
}

static void throttling_is_later_beside_any_status(void **unused)
{
	(void)unused;
	static const struct answer ANSWERS[] = {
	        {200, "", ROOT("DynamoDB:ProvisionedThroughputExceededException"), LATER},
	        {200, "", ROOT("ThrottlingException"), LATER},
	        {200, "", ROOT("DynamoDB:RequestLimitExceeded"), LATER},
	        {200, "", ROOT("TooManyRequestsException"), LATER},
	        {200, "", ROOT("DynamoDB:TransactionConflictException"), LATER},
	        {200, "", ROOT("ServiceUnavailableException"), LATER},
	        {400, "", SERVICE("ThrottlingException"), LATER},
	        {400, "TooManyRequestsException:http://internal.amazon.com/coral/", "{}", LATER},
	        {400, "", "{\"__type\":\"com.example#RequestLimitExceeded\",\"message\":\"slow\"}", LATER},
	        {413, "", SERVICE("LimitExceededException"), LATER},
	        {500, "", SERVICE("SlowDown"), LATER},
	        {500, "", SERVICE("ServiceUnavailable"), LATER},
	        {502, "", SERVICE("GraphQLSchemaException"), LATER},
	        {429, "", "", LATER},
	        {429, "", SERVICE("UnauthorizedException"), LATER},
	        {429, "", "{\"data\":{\"a\":1}}", LATER},
	};
	check(ANSWERS, APS_COUNTOF(ANSWERS));
}

static void another_version_is_a_conflict(void **unused)
{
	(void)unused;
	static const struct answer ANSWERS[] = {
	        {200, "", ROOT("ConflictUnhandled"), CONFLICT},
	        {200, "", ROOT("ConflictError"), CONFLICT},
	        {200, "", ROOT("MaxConflicts"), CONFLICT},
	        {200, "", NULL_ROOT("ConflictUnhandled"), CONFLICT},
	        {200, "", ROOT("DynamoDB:ConditionalCheckFailedException"), CONFLICT},
	        {400, "", SERVICE("ConflictException"), CONFLICT},
	};
	check(ANSWERS, APS_COUNTOF(ANSWERS));
}

static void a_condition_is_the_version_s_where_one_was_sent(void **unused)
{
	(void)unused;
	const struct answer own = {200, "", ROOT("ConditionalCheckFailedException"), REFUSED};
	const struct answer prefixed = {200, "", ROOT("DynamoDB:ConditionalCheckFailedException"), CONFLICT};
	assert_int_equal(judge(&own, false, 1), REFUSED);
	assert_int_equal(judge(&own, true, 1), CONFLICT);
	assert_int_equal(judge(&prefixed, false, 1), CONFLICT);
	assert_int_equal(judge(&prefixed, true, 1), CONFLICT);
}

static void material_that_is_refused_waits_and_a_field_that_is_denied_does_not(void **unused)
{
	(void)unused;
	static const struct answer ANSWERS[] = {
	        {401, "", SERVICE("UnauthorizedException"), AUTH},
	        {401, "", "", AUTH},
	        {401, "", SERVICE("BadRequestException"), AUTH},
	        {401, "", "{\"data\":{\"a\":1}}", AUTH},
	        {400, "", SERVICE("UnrecognizedClientException"), AUTH},
	        {403, "", SERVICE("ExpiredTokenException"), AUTH},
	        {403, "", SERVICE("AccessDeniedException"), AUTH},
	        {403, "MissingAuthenticationTokenException", "{}", AUTH},
	        {200, "", REQUEST("UnauthorizedException"), AUTH},
	        {200, "", SERVICE("UnauthorizedException"), AUTH},
	        {200, "", ROOT("UnauthorizedException"), REFUSED},
	        {200, "", ROOT("Unauthorized"), REFUSED},
	        {200, "", NULL_ROOT("Unauthorized"), REFUSED},
	        {200, "", REQUEST("Unauthorized"), REFUSED},
	        {200, "", ROOT("DynamoDB:AccessDeniedException"), REFUSED},
	};
	check(ANSWERS, APS_COUNTOF(ANSWERS));
}

static void what_never_passes_as_it_is_is_refused(void **unused)
{
	(void)unused;
	static const struct answer ANSWERS[] = {
	        {200, "",
	         "{\"data\":null,\"errors\":[{\"path\":null,\"locations\":[{\"line\":1}],\"message\":\"Validation "
	         "error of type X\"}]}",
	         REFUSED},
	        {200, "", "{\"errors\":[{\"message\":\"Variable 'x' has coerced Null value\"}]}", REFUSED},
	        {200, "", "{\"errors\":{\"errorType\":\"ValidationError\"}}", REFUSED},
	        {200, "", REQUEST("ValidationError"), REFUSED},
	        {200, "", ROOT("BadRequest"), REFUSED},
	        {200, "", ROOT("UnsupportedOperation"), REFUSED},
	        {200, "", ROOT("QueryDepthLimitReached"), REFUSED},
	        {200, "", ROOT("OperationNotSupported"), REFUSED},
	        {200, "", ROOT("DynamoDB:DynamoDbException"), REFUSED},
	        {200, "", ROOT("DynamoDB:ValidationException"), REFUSED},
	        {200, "", ROOT("CustomTemplateException"), REFUSED},
	        {200, "", ROOT("ForbiddenException"), REFUSED},
	        {200, "", ROOT("TitleTooLong"), REFUSED},
	        {200, "", NULL_ROOT("TitleTooLong"), REFUSED},
	        {400, "", SERVICE("MalformedHttpRequestException"), REFUSED},
	        {400, "", SERVICE("BadRequestException"), REFUSED},
	        {400, "", "", REFUSED},
	        {413, "", "<html>too large</html>", REFUSED},
	        {422, "", "", REFUSED},
	};
	check(ANSWERS, APS_COUNTOF(ANSWERS));
}

static void an_untyped_error_at_a_null_field_is_refused_and_at_null_data_in_doubt(void **unused)
{
	(void)unused;
	static const struct answer ANSWERS[] = {
	        {200, "", "{\"data\":{\"a\":null},\"errors\":[{\"path\":[\"a\"],\"message\":\"no\"}]}", REFUSED},
	        {200, "", "{\"data\":{\"a\":null},\"errors\":[{\"path\":[\"a\"],\"errorType\":null}]}", REFUSED},
	        {200, "", "{\"data\":null,\"errors\":[{\"path\":[\"a\"],\"message\":\"Cannot return null\"}]}", DOUBT},
	        {200, "", "{\"errors\":[{\"path\":[\"a\"],\"errorType\":\"\"}]}", DOUBT},
	};
	check(ANSWERS, APS_COUNTOF(ANSWERS));
}

static void statuses_without_a_type_that_tells(void **unused)
{
	(void)unused;
	static const struct answer ANSWERS[] = {
	        {301, "", "", LATER},
	        {302, "", "<html>", LATER},
	        {307, "", "", LATER},
	        {402, "", "", LATER},
	        {403, "", "", LATER},
	        {403, "", SERVICE("WAFForbiddenException"), LATER},
	        {401, "", SERVICE("ForbiddenException"), LATER},
	        {401, "ForbiddenException", "", LATER},
	        {403, "", SERVICE("BadRequestException"), LATER},
	        {403, "", SERVICE("InvalidSignatureException"), LATER},
	        {403, "", SERVICE("SignatureDoesNotMatch"), LATER},
	        {400, "", SERVICE("RequestExpired"), LATER},
	        {403, "", SERVICE("RequestTimeTooSkewed"), LATER},
	        {404, "", SERVICE("NotFoundException"), LATER},
	        {404, "", "", LATER},
	        {405, "", "", LATER},
	        {407, "", "", LATER},
	        {408, "", "", DOUBT},
	        {409, "", "", LATER},
	        {500, "", "", DOUBT},
	        {500, "", "{\"data\":{\"a\":1}}", DOUBT},
	        {500, "", SERVICE("ValidationError"), DOUBT},
	        {501, "", "", LATER},
	        {502, "", "<html>Bad Gateway</html>", DOUBT},
	        {503, "", "", LATER},
	        {503, "", "{\"message\":\"Service Unavailable\"}", LATER},
	        {504, "", "", DOUBT},
	        {505, "", "", LATER},
	        {511, "", "", LATER},
	        {520, "", "", DOUBT},
	        {524, "", "", DOUBT},
	};
	check(ANSWERS, APS_COUNTOF(ANSWERS));
}

/* The status came, the rest of the answer didn't. */
static void an_answer_that_broke_off_is_judged_by_its_status(void **unused)
{
	(void)unused;
	static const struct {
		enum aps_rc code;
		long status;
		enum aps_verdict verdict;
	} ROWS[] = {
	        {APS_E_NETWORK, 200, DOUBT}, {APS_E_TIMEOUT, 200, DOUBT},  {APS_E_TOO_BIG, 200, DOUBT},
	        {APS_E_NOMEM, 200, DOUBT},   {APS_E_PROTOCOL, 200, DOUBT}, {APS_E_NETWORK, 413, REFUSED},
	        {APS_E_NETWORK, 401, AUTH},  {APS_E_NETWORK, 429, LATER},  {APS_E_NETWORK, 502, DOUBT},
	        {APS_E_TIMEOUT, 503, LATER}, {APS_E_TOO_BIG, 404, LATER},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const struct aps_verdict_question q = {.code = ROWS[i].code, .sent = true, .status = ROWS[i].status};
		expect(aps_verdict_of(&q), ROWS[i].verdict, aps_rc_name(q.code));
	}
}

#define TWO(first, second)                                                                                             \
	"{\"data\":{\"a\":null,\"b\":null},\"errors\":[{\"path\":[\"a\"],\"errorType\":\"" first                       \
	"\"},{\"path\":[\"b\"],\"errorType\":\"" second "\"}]}"

static void of_several_errors_the_strongest_decides(void **unused)
{
	(void)unused;
	static const struct answer ANSWERS[] = {
	        {200, "", TWO("Unauthorized", "Lambda:Unhandled"), DOUBT},
	        {200, "", TWO("ConflictUnhandled", "ExecutionTimeout"), DOUBT},
	        {200, "", TWO("ThrottlingException", "Unauthorized"), REFUSED},
	        {200, "", TWO("ConflictUnhandled", "Unauthorized"), REFUSED},
	        {200, "", TWO("ThrottlingException", "ConflictUnhandled"), CONFLICT},
	        {200, "", TWO("ThrottlingException", "ThrottlingException"), LATER},
	        {400, "", TWO("ValidationError", "ThrottlingException"), LATER},
	};
	for (size_t i = 0; i < APS_COUNTOF(ANSWERS); i++)
		expect(judge(&ANSWERS[i], false, 2), ANSWERS[i].verdict, ANSWERS[i].body);
}

static void a_root_field_that_no_error_names_may_have_been_executed(void **unused)
{
	(void)unused;
	const struct answer one = {200, "", ROOT("Unauthorized"), DOUBT};
	const struct answer none = {200, "", NULL_ROOT("Unauthorized"), DOUBT};
	const struct answer request = {200, "", REQUEST("ValidationError"), REFUSED};
	const struct answer twice = {200, "",
	                             "{\"data\":null,\"errors\":[{\"path\":[\"a\"],\"errorType\":\"X\"},{\"path\":["
	                             "\"a\"],\"errorType\":\"Y\"}]}",
	                             DOUBT};
	const struct answer *const ANSWERS[] = {&one, &none, &request, &twice};
	for (size_t i = 0; i < APS_COUNTOF(ANSWERS); i++)
		expect(judge(ANSWERS[i], false, 2), ANSWERS[i]->verdict, ANSWERS[i]->body);
	assert_int_equal(judge(&one, false, 1), REFUSED);
	assert_int_equal(judge(&one, false, 0), REFUSED);
}

static void types_are_decoded_and_very_long_ones_are_none(void **unused)
{
	(void)unused;
	char body[2048];
	char longest[600];
	memset(longest, 'x', sizeof longest);
	snprintf(body, sizeof body, "{\"data\":{\"a\":null},\"errors\":[{\"path\":[\"a\"],\"errorType\":\"%.*s\"}]}",
	         600, longest);
	const struct answer too_long = {200, "", body, REFUSED};
	const struct answer escaped = {200, "", ROOT("\\u004cambda:Unhandled"), DOUBT};
	const struct answer odd = {
	        200, "",
	        "{\"errors\":[{\"path\":{\"a\":[1]},\"errorType\":[{}],\"x\":[[]]},null,{\"path\":[[0],{\"a\":1}]}]}",
	        DONE};
	assert_int_equal(judge(&too_long, false, 1), REFUSED);
	assert_int_equal(judge(&escaped, false, 1), DOUBT);
	assert_int_equal(judge(&odd, false, 1), DONE);
}

static void verdicts_have_names(void **unused)
{
	(void)unused;
	assert_string_equal(aps_verdict_name(APS_VERDICT_DONE), "done");
	assert_string_equal(aps_verdict_name(APS_VERDICT_DOUBT), "doubt");
	assert_string_equal(aps_verdict_name(APS_VERDICT_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_was_not_answered_is_in_doubt_once_it_was_sent),
	        cmocka_unit_test(an_answer_with_a_value_or_without_errors_is_done),
	        cmocka_unit_test(an_error_below_a_root_field_tells_that_the_field_had_a_value),
	        cmocka_unit_test(a_good_status_without_graphql_is_in_doubt),
	        cmocka_unit_test(errors_that_leave_open_what_was_done_are_in_doubt),
	        cmocka_unit_test(throttling_is_later_beside_any_status),
	        cmocka_unit_test(another_version_is_a_conflict),
	        cmocka_unit_test(a_condition_is_the_version_s_where_one_was_sent),
	        cmocka_unit_test(material_that_is_refused_waits_and_a_field_that_is_denied_does_not),
	        cmocka_unit_test(what_never_passes_as_it_is_is_refused),
	        cmocka_unit_test(an_untyped_error_at_a_null_field_is_refused_and_at_null_data_in_doubt),
	        cmocka_unit_test(statuses_without_a_type_that_tells),
	        cmocka_unit_test(an_answer_that_broke_off_is_judged_by_its_status),
	        cmocka_unit_test(of_several_errors_the_strongest_decides),
	        cmocka_unit_test(a_root_field_that_no_error_names_may_have_been_executed),
	        cmocka_unit_test(types_are_decoded_and_very_long_ones_are_none),
	        cmocka_unit_test(verdicts_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
