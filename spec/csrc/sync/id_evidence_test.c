#include "sync/id_evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NONE    APS_ID_EVIDENCE_NONE
#define KEPT    APS_ID_EVIDENCE_KEPT
#define IGNORED APS_ID_EVIDENCE_IGNORED

struct row {
	const char *variables;
	const char *data;
	enum aps_id_evidence of_one; /* "id" */
	enum aps_id_evidence of_two; /* "id" and "n" */
};

static const struct row ROWS[] = {
        {"{\"input\":{\"id\":\"u\"}}", "{\"make\":{\"id\":\"u\"}}", KEPT, NONE},
        {"{\"input\":{\"id\":\"u\"}}", "{\"make\":{\"id\":\"\\u0075\"}}", KEPT, NONE},
        {"{\"input\":{\"id\":\"u\"}}", "{\"make\":{\"id\":\"1\"}}", IGNORED, NONE},
        {"{\"id\":\"u\",\"input\":{\"t\":1}}", "{\"make\":{\"t\":1,\"id\":\"1\"}}", IGNORED, NONE},
        {"{\"id\":\"u\",\"n\":7}", "{\"make\":{\"id\":\"u\",\"n\":7}}", KEPT, KEPT},
        {"{\"id\":\"u\",\"n\":7}", "{\"make\":{\"id\":\"u\",\"n\":8}}", KEPT, IGNORED},
        {"{\"id\":\"u\"}", "{\"__typename\":\"Mutation\",\"make\":{\"id\":\"1\"},\"t\":\"Mutation\"}", IGNORED, NONE},
        {"{\"id\":\"u\"}", "{\"__typename\":\"Mutation\"}", NONE, NONE},
        /* nothing was sent */
        {"", "{\"make\":{\"id\":\"1\"}}", NONE, NONE},
        {"{\"input\":{\"t\":1}}", "{\"make\":{\"id\":\"1\"}}", NONE, NONE},
        {"{\"input\":{\"id\":null}}", "{\"make\":{\"id\":\"1\"}}", NONE, NONE},
        /* nothing is shown */
        {"{\"id\":\"u\"}", "", NONE, NONE},
        {"{\"id\":\"u\"}", "null", NONE, NONE},
        {"{\"id\":\"u\"}", "{}", NONE, NONE},
        {"{\"id\":\"u\"}", "{\"make\":null}", NONE, NONE},
        {"{\"id\":\"u\"}", "{\"make\":{\"t\":1}}", NONE, NONE},
        {"{\"id\":\"u\"}", "{\"make\":{\"id\":null}}", NONE, NONE},
        /* of which it isn't known what it is about */
        {"{\"id\":\"u\"}", "{\"a\":{\"id\":\"1\"},\"b\":{\"id\":\"u\"}}", NONE, NONE},
        {"{\"id\":", "{\"make\":{\"id\":\"1\"}}", NONE, NONE},
        {"{\"id\":\"u\"}", "{\"make\":{\"id\":", NONE, NONE},
};

static void each_row_of_the_table_holds(void **state)
{
	(void)state;
	static const struct aps_str NAMES[] = {{"id", 2}, {"n", 1}};
	for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
		for (size_t n = 0; n <= 2; n++) {
			const struct aps_id_evidence_question question = {.variables = aps_str_of(ROWS[i].variables),
			                                                  .data = aps_str_of(ROWS[i].data),
			                                                  .names = NAMES,
			                                                  .n_names = n};
			enum aps_id_evidence due = n == 0 ? NONE : n == 1 ? ROWS[i].of_one : ROWS[i].of_two;
			enum aps_id_evidence is = aps_id_evidence_of(&question);
			if (is != due) fail_msg("row %zu, %zu names: %s", i, n, aps_id_evidence_name(is));
		}
}

static void each_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(aps_id_evidence_name(IGNORED), "ignored");
	assert_string_equal(aps_id_evidence_name(APS_ID_EVIDENCE_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_row_of_the_table_holds),
	        cmocka_unit_test(each_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
