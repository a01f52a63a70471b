#include "proto/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NEVER   APS_RETRY_NEVER
#define LATER   APS_RETRY_LATER
#define RESIGN  APS_RETRY_RESIGN
#define REFRESH APS_RETRY_REFRESH

struct row {
	enum aps_rc code;
	long status;
	const char *type;
	enum aps_retry_class safe;   /* sent, safe to send again */
	enum aps_retry_class unsafe; /* sent, not safe */
	enum aps_retry_class unsent; /* not sent, not safe */
};

static const struct row ROWS[] = {
        /* the transport */
        {APS_E_NETWORK, 0, "", LATER, NEVER, LATER},
        {APS_E_TIMEOUT, 0, "", LATER, NEVER, LATER},
        {APS_E_SYSTEM, 0, "", LATER, NEVER, LATER},
        {APS_E_TLS, 0, "", NEVER, NEVER, NEVER},
        {APS_E_PROTOCOL, 200, "", NEVER, NEVER, NEVER},
        {APS_E_TOO_BIG, 200, "", NEVER, NEVER, NEVER},
        {APS_E_NOMEM, 0, "", NEVER, NEVER, NEVER},
        {APS_E_USAGE, 0, "", NEVER, NEVER, NEVER},
        {APS_E_CLOSED, 0, "", NEVER, NEVER, NEVER},
        {APS_E_CANCELLED, 0, "", NEVER, NEVER, NEVER},
        /* statuses */
        {APS_E_HTTP, 408, "", LATER, NEVER, LATER},
        {APS_E_HTTP, 429, "", LATER, LATER, LATER},
        {APS_E_HTTP, 500, "", LATER, NEVER, LATER},
        {APS_E_HTTP, 502, "", LATER, NEVER, LATER},
        {APS_E_HTTP, 503, "", LATER, NEVER, LATER},
        {APS_E_HTTP, 504, "", LATER, NEVER, LATER},
        {APS_E_GRAPHQL, 502, "GraphQLSchemaException", LATER, NEVER, LATER},
        {APS_E_HTTP, 501, "", NEVER, NEVER, NEVER},
        {APS_E_HTTP, 400, "", NEVER, NEVER, NEVER},
        {APS_E_HTTP, 404, "", NEVER, NEVER, NEVER},
        {APS_E_HTTP, 413, "", NEVER, NEVER, NEVER},
        {APS_E_GRAPHQL, 200, "", NEVER, NEVER, NEVER},
        {APS_E_GRAPHQL, 400, "BadRequestException", NEVER, NEVER, NEVER},
        {APS_E_CONFLICT, 200, "ConflictUnhandled", NEVER, NEVER, NEVER},
        /* throttling: refused before it ran, unless it was answered */
        {APS_E_GRAPHQL, 400, "BandwidthLimitExceeded", LATER, LATER, LATER},
        {APS_E_GRAPHQL, 400, "EC2ThrottledException", LATER, LATER, LATER},
        {APS_E_GRAPHQL, 400, "LimitExceededException", LATER, LATER, LATER},
        {APS_E_GRAPHQL, 400, "PriorRequestNotComplete", LATER, LATER, LATER},
        {APS_E_GRAPHQL, 400, "ProvisionedThroughputExceededException", LATER, LATER, LATER},
        {APS_E_GRAPHQL, 400, "RequestLimitExceeded", LATER, LATER, LATER},
        {APS_E_GRAPHQL, 400, "RequestThrottled", LATER, LATER, LATER},
        {APS_E_GRAPHQL, 400, "RequestThrottledException", LATER, LATER, LATER},
        {APS_E_HTTP, 503, "SlowDown", LATER, LATER, LATER},
        {APS_E_GRAPHQL, 400, "ThrottledException", LATER, LATER, LATER},
        {APS_E_GRAPHQL, 400, "Throttling", LATER, LATER, LATER},
        {APS_E_GRAPHQL, 400, "ThrottlingException", LATER, LATER, LATER},
        {APS_E_HTTP, 400, "TooManyRequestsException:http://internal.amazon.com/coral/", LATER, LATER, LATER},
        {APS_E_GRAPHQL, 200, "DynamoDB:ProvisionedThroughputExceededException", LATER, NEVER, NEVER},
        {APS_E_HTTP, 400, "TimeoutError", LATER, NEVER, LATER},
        {APS_E_HTTP, 400, "RequestTimeout", LATER, NEVER, LATER},
        {APS_E_HTTP, 400, "RequestTimeoutException", LATER, NEVER, LATER},
        /* the clock */
        {APS_E_AUTH, 403, "InvalidSignatureException", RESIGN, RESIGN, RESIGN},
        {APS_E_AUTH, 403, "SignatureDoesNotMatch", RESIGN, RESIGN, RESIGN},
        {APS_E_AUTH, 400, "RequestExpired", RESIGN, RESIGN, RESIGN},
        {APS_E_AUTH, 403, "RequestTimeTooSkewed", RESIGN, RESIGN, RESIGN},
        {APS_E_AUTH, 403, "RequestInTheFuture", RESIGN, RESIGN, RESIGN},
        {APS_E_AUTH, 403, "BadRequestException", RESIGN, RESIGN, RESIGN},
        /* authentication */
        {APS_E_AUTH, 401, "UnauthorizedException", REFRESH, REFRESH, REFRESH},
        {APS_E_AUTH, 401, "", REFRESH, REFRESH, REFRESH},
        {APS_E_AUTH, 0, "", REFRESH, REFRESH, REFRESH},
        {APS_E_AUTH, 403, "ExpiredTokenException", REFRESH, REFRESH, REFRESH},
        {APS_E_AUTH, 403, "com.example#UnrecognizedClientException", REFRESH, REFRESH, REFRESH},
        {APS_E_AUTH, 200, "Unauthorized", NEVER, NEVER, NEVER},
        {APS_E_AUTH, 403, "", NEVER, NEVER, NEVER},
        {APS_E_AUTH, 403, "WAFForbiddenException", NEVER, NEVER, NEVER},
        {APS_E_AUTH, 401, "ForbiddenException", NEVER, NEVER, NEVER},
};

static void each_row_of_the_table_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const struct row *row = &ROWS[i];
		print_message("%s %ld %s\n", aps_rc_name(row->code), row->status, row->type);
		struct aps_retry_question q = {
		        .code = row->code, .status = row->status, .error_type = aps_str_of(row->type), .sent = true};
		q.is_safe = true;
		assert_int_equal(aps_retry_classify(&q), row->safe);
		q.is_safe = false;
		assert_int_equal(aps_retry_classify(&q), row->unsafe);
		q.sent = false;
		assert_int_equal(aps_retry_classify(&q), row->unsent);
	}
}

static void a_failure_that_lasts_is_not_tried_again(void **state)
{
	(void)state;
	struct aps_retry_question q = {.code = APS_E_NETWORK, .is_safe = true, .error_type = APS_STR("")};
	assert_int_equal(aps_retry_classify(&q), APS_RETRY_LATER);
	q.is_lasting = true;
	assert_int_equal(aps_retry_classify(&q), APS_RETRY_NEVER);
}

static void retry_after_is_understood_as_seconds_and_as_a_date(void **state)
{
	(void)state;
	const int64_t now = 1445412480; /* Wed, 21 Oct 2015 07:28:00 GMT */
	assert_int_equal(aps_retry_after_ms(APS_STR("120"), now), 120000);
	assert_int_equal(aps_retry_after_ms(APS_STR(" 0 "), now), 0);
	assert_int_equal(aps_retry_after_ms(APS_STR("Wed, 21 Oct 2015 07:28:30 GMT"), now), 30000);
	assert_int_equal(aps_retry_after_ms(APS_STR("Wed, 21 Oct 2015 07:27:00 GMT"), now), 0);
	assert_int_equal(aps_retry_after_ms(APS_STR("Wednesday, 21-Oct-15 07:28:30 GMT"), now), 30000);
	assert_int_equal(aps_retry_after_ms(APS_STR("99999999999999999999999"), now), INT64_C(31622400000));
	assert_int_equal(aps_retry_after_ms(APS_STR(""), now), -1);
	assert_int_equal(aps_retry_after_ms(APS_STR("soon"), now), -1);
	assert_int_equal(aps_retry_after_ms(APS_STR("-5"), now), -1);
	assert_int_equal(aps_retry_after_ms(APS_STR("1.5"), now), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_row_of_the_table_holds),
	        cmocka_unit_test(a_failure_that_lasts_is_not_tried_again),
	        cmocka_unit_test(retry_after_is_understood_as_seconds_and_as_a_date),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
