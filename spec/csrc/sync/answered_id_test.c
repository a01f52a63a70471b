#include "base/buf.h"
#include "sync/answered_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ID   "\"id\":\"u\""
#define TYPE "\"__typename\":\"Todo\""

struct row {
	const char *optimistic, *data, *id, *field;
};

static const struct row ROWS[] = {
        {"{\"make\":{" TYPE "," ID "}}", "{\"make\":{\"id\":\"7\"," TYPE "}}", "7", ""},
        {"{\"make\":{" TYPE "," ID "}}", "{\"make\":{" TYPE ",\"id\":7}}", "7", ""},
        {"{\"make\":{" TYPE "," ID "}}", "{\"make\":{" TYPE ",\"id\":\"\\u0037\"}}", "7", ""},
        {"{\"make\":{" TYPE ",\"_id\":\"u\"}}", "{\"make\":{" TYPE ",\"_id\":\"7\"}}", "7", ""},
        {"{\"make\":{" TYPE ",\"key\":\"u\",\"id\":1}}", "{\"make\":{" TYPE ",\"key\":\"7\",\"id\":2}}", "7", "key"},
        /* at any depth, wherever its siblings stand */
        {"{\"a\":{\"b\":[{" TYPE ",\"id\":\"v\"},{" TYPE "," ID "}]}}",
         "{\"x\":1,\"a\":{\"b\":[{" TYPE ",\"id\":\"6\"},{" TYPE ",\"id\":\"7\"}]}}", "7", ""},
        {"{\"a\":{" TYPE ",\"id\":\"v\",\"of\":{" TYPE "," ID "}}}",
         "{\"a\":{" TYPE ",\"of\":{" TYPE ",\"id\":\"7\"},\"id\":\"6\"}}", "7", ""},
        /* it isn't there */
        {"", "{\"make\":{" TYPE ",\"id\":\"7\"}}", "", ""},
        {"{\"make\":{" TYPE "," ID "}}", "", "", ""},
        {"{\"make\":{" TYPE "," ID "}}", "{\"make\":null}", "", ""},
        {"{\"make\":{" TYPE "," ID "}}", "{\"made\":{" TYPE ",\"id\":\"7\"}}", "", ""},
        {"{\"make\":{" TYPE "," ID "}}", "{\"make\":{" TYPE "}}", "", ""},
        {"{\"make\":{" TYPE "," ID "}}", "{\"make\":{" TYPE ",\"id\":null}}", "", ""},
        {"{\"make\":[{" TYPE ",\"id\":\"v\"},{" TYPE "," ID "}]}", "{\"make\":[{" TYPE ",\"id\":\"6\"}]}", "", ""},
        /* another type's */
        {"{\"make\":{" TYPE "," ID "}}", "{\"make\":{\"__typename\":\"Post\",\"id\":\"7\"}}", "", ""},
        {"{\"make\":{\"__typename\":\"Post\"," ID "}}", "{\"make\":{" TYPE ",\"id\":\"7\"}}", "", ""},
        {"{\"make\":{" ID "}}", "{\"make\":{\"id\":\"7\"}}", "", ""},
        /* no JSON */
        {"{\"make\":{" TYPE, "{\"make\":{" TYPE ",\"id\":\"7\"}}", "", ""},
        {"{\"make\":{" TYPE "," ID "}}", "{\"make\":{" TYPE ",\"id\":", "", ""},
};

static void each_row_of_the_table_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
		struct aps_arena arena;
		struct aps_str id;
		const struct aps_answered_id_question question = {.optimistic = aps_str_of(ROWS[i].optimistic),
		                                                  .data = aps_str_of(ROWS[i].data),
		                                                  .type = APS_STR("Todo"),
		                                                  .temporary = APS_STR("u"),
		                                                  .field = aps_str_of(ROWS[i].field)};
		aps_arena_init(&arena, APS_BUF_ANY_SIZE);
		assert_int_equal(aps_answered_id_of(&question, &arena, &id, NULL), APS_OK);
		if (!aps_str_is(id, ROWS[i].id)) fail_msg("row %zu: %.*s", i, (int)id.n, id.p != NULL ? id.p : "");
		aps_arena_clear(&arena);
	}
}

static void objects_without_end_are_not_followed(void **state)
{
	(void)state;
	static char text[40000];
	size_t n = 0;
	struct aps_arena arena;
	struct aps_str id;
	for (int i = 0; i < 5000; i++) n += (size_t)snprintf(text + n, sizeof text - n, "{\"a\":");
	const struct aps_answered_id_question question = {
	        .optimistic = {text, n}, .data = {text, n}, .type = APS_STR("Todo"), .temporary = APS_STR("u")};
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_answered_id_of(&question, &arena, &id, NULL), APS_OK);
	assert_int_equal(id.n, 0);
	aps_arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_row_of_the_table_holds),
	        cmocka_unit_test(objects_without_end_are_not_followed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
