#include "proto/error_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void a_name_belongs_to_its_family_however_it_is_written(void **state)
{
	(void)state;
	static const struct {
		const char *type;
		enum aps_error_family family;
		const char *source;
	} ROWS[] = {
	        {"", APS_FAMILY_OTHER, ""},
	        {"ConflictUnhandled", APS_FAMILY_CONFLICT, ""},
	        {"MaxConflicts", APS_FAMILY_CONFLICT, ""},
	        {"ConditionalCheckFailedException", APS_FAMILY_CONDITION, ""},
	        {" DynamoDB:ConditionalCheckFailedException ", APS_FAMILY_CONDITION, "DynamoDB"},
	        {"Lambda:Unhandled", APS_FAMILY_OTHER, "Lambda"},
	        {"Lambda:ExecutionTimeoutException", APS_FAMILY_UNCLEAR, "Lambda"},
	        {"ExecutionTimeout", APS_FAMILY_UNCLEAR, ""},
	        {"InternalFailureException", APS_FAMILY_UNCLEAR, ""},
	        {"DynamoDB:InternalServerError", APS_FAMILY_UNCLEAR, "DynamoDB"},
	        {"DeltaSyncWriteError", APS_FAMILY_UNCLEAR, ""},
	        {"MappingTemplate", APS_FAMILY_UNCLEAR, ""},
	        {"RequestTimeoutException", APS_FAMILY_TIMED_OUT, ""},
	        {"ServiceUnavailableException", APS_FAMILY_UNAVAILABLE, ""},
	        {"GraphQLSchemaException", APS_FAMILY_UNAVAILABLE, ""},
	        {"DynamoDB:TransactionConflictException", APS_FAMILY_UNAVAILABLE, "DynamoDB"},
	        {"com.example#ThrottlingException", APS_FAMILY_THROTTLED, ""},
	        {"TooManyRequestsException:http://internal.amazon.com/coral/", APS_FAMILY_THROTTLED, ""},
	        {"WAFForbiddenException", APS_FAMILY_FORBIDDEN, ""},
	        {"TitleTooLong", APS_FAMILY_OTHER, ""},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		print_message("%s\n", ROWS[i].type);
		assert_int_equal(aps_error_family_of(aps_str_of(ROWS[i].type)), ROWS[i].family);
		assert_true(aps_str_is(aps_error_source_of(aps_str_of(ROWS[i].type)), ROWS[i].source));
	}
}

static void versions_and_conditions_are_conflicts_and_what_is_unclear_is_a_plain_error(void **state)
{
	(void)state;
	static const struct {
		const char *type;
		enum aps_rc code;
	} ROWS[] = {
	        {"ConflictUnhandled", APS_E_CONFLICT},
	        {"DynamoDB:ConditionalCheckFailedException", APS_E_CONFLICT},
	        {"ExecutionTimeout", APS_E_GRAPHQL},
	        {"ServiceUnavailableException", APS_E_GRAPHQL},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const char *word = "";
		assert_int_equal(aps_error_classify(aps_str_of(ROWS[i].type), APS_STR("no"), &word), ROWS[i].code);
		assert_null(word);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_name_belongs_to_its_family_however_it_is_written),
	        cmocka_unit_test(versions_and_conditions_are_conflicts_and_what_is_unclear_is_a_plain_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
