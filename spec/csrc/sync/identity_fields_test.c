#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sync/identity_fields.h"

static struct aps_err err;

static enum aps_rc take(const char *key, const struct aps_str *names, size_t n_names, struct aps_buf *out)
{
	struct aps_arena arena;
	struct aps_identity_field *fields;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_identity_fields_of(aps_str_of(key), names, n_names, &arena, &fields, &err);
	size_t n = n_names == 0 ? 1 : n_names;
	for (size_t i = 0; rc == APS_OK && i < n; i++) {
		aps_buf_add_str(out, fields[i].name);
		aps_buf_add_byte(out, '=');
		aps_buf_add_str(out, fields[i].value);
		aps_buf_add_byte(out, ' ');
	}
	aps_arena_clear(&arena);
	return rc;
}

static void assert_fields(const char *key, const struct aps_str *names, size_t n_names, const char *expected)
{
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(take(key, names, n_names, &out), APS_OK);
	assert_string_equal(out.p, expected);
	aps_buf_clear(&out);
	assert_int_equal(aps_mem_live(), 0);
}

static void a_key_is_a_type_and_what_is_behind_its_first_colon(void **state)
{
	(void)state;
	assert_true(aps_str_is(aps_identity_type(APS_STR("Todo:1:2")), "Todo"));
	assert_true(aps_str_is(aps_identity_tail(APS_STR("Todo:1:2")), "1:2"));
	assert_true(aps_str_is(aps_identity_type(APS_STR("Todo:")), "Todo"));
	assert_int_equal(aps_identity_tail(APS_STR("Todo:")).n, 0);
	assert_int_equal(aps_identity_type(APS_STR("ROOT_QUERY")).n, 0);
	assert_true(aps_str_is(aps_identity_tail(APS_STR("ROOT_QUERY")), "ROOT_QUERY"));
	assert_int_equal(aps_identity_type((struct aps_str){NULL, 0}).n, 0);
	assert_int_equal(aps_identity_tail((struct aps_str){NULL, 0}).n, 0);
}

static void a_short_key_gives_a_string(void **state)
{
	(void)state;
	static const struct aps_str SLUG[] = {APS_STR("slug")};
	assert_fields("Todo:1", NULL, 0, "id=\"1\" ");
	assert_fields("Todo:", NULL, 0, "id=\"\" ");
	assert_fields("Post:a\"b:c\n", SLUG, 1, "slug=\"a\\\"b:c\\n\" ");
	assert_fields("Post:{\"slug\":1}", SLUG, 1, "slug=\"{\\\"slug\\\":1}\" ");
}

static void a_long_key_gives_its_members_as_they_are(void **state)
{
	(void)state;
	static const struct aps_str NAMES[] = {APS_STR("blogId"), APS_STR("n"), APS_STR("t"), APS_STR("z")};
	assert_fields("Post:{\"blogId\":\"b:\\n\",\"n\":1.5,\"t\":true,\"z\":null}", NAMES, 4,
	              "blogId=\"b:\\n\" n=1.5 t=true z=null ");
	assert_fields("Post:{\"blogId\":\"b\",\"n\":-1}", NAMES, 2, "blogId=\"b\" n=-1 ");
}

static void a_key_of_other_fields_is_refused(void **state)
{
	(void)state;
	static const struct aps_str NAMES[] = {APS_STR("a"), APS_STR("b")};
	static const char *const KEYS[] = {
	        "Post",
	        "",
	        "Post:1",
	        "Post:",
	        "Post:[1,2]",
	        "Post:{\"a\":1}",
	        "Post:{\"b\":1,\"a\":2}",
	        "Post:{\"a\":1,\"b\":2,\"c\":3}",
	        "Post:{\"a\":1,\"b\":2}x",
	        "Post:{\"a\":1,\"b\":[]}",
	        "Post:{\"a\":{},\"b\":1}",
	        "Post:{\"a\":1,\"b\":",
	};
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	for (size_t i = 0; i < APS_COUNTOF(KEYS); i++) {
		assert_int_equal(take(KEYS[i], NAMES, 2, &out), APS_E_USAGE);
		assert_int_equal(err.code, APS_E_USAGE);
	}
	assert_int_equal(take("own-key", NULL, 0, &out), APS_E_USAGE);
	assert_int_equal(take("Todo:\xff", NULL, 0, &out), APS_E_USAGE);
	aps_buf_clear(&out);
	assert_int_equal(aps_mem_live(), 0);
}

static void assert_allocations_are_reported(const char *key, size_t n_names)
{
	static const struct aps_str NAMES[] = {APS_STR("a"), APS_STR("b")};
	struct aps_arena arena;
	struct aps_identity_field *fields;
	for (size_t nth = 1;; nth++) {
		aps_arena_init(&arena, APS_BUF_ANY_SIZE);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_identity_fields_of(aps_str_of(key), NAMES, n_names, &arena, &fields, &err);
		aps_mem_fail_at(0);
		aps_arena_clear(&arena);
		assert_int_equal(aps_mem_live(), 0);
		if (rc == APS_OK) {
			assert_true(nth > 1);
			return;
		}
		assert_int_equal(rc, APS_E_NOMEM);
		assert_int_equal(err.code, APS_E_NOMEM);
	}
}

static void every_failed_allocation_is_reported(void **state)
{
	(void)state;
	assert_allocations_are_reported("Todo:1", 0);
	assert_allocations_are_reported("Post:{\"a\":1,\"b\":2}", 2);
	assert_allocations_are_reported("Post:{\"a\":1,\"\\u0062\":2}", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_key_is_a_type_and_what_is_behind_its_first_colon),
	        cmocka_unit_test(a_short_key_gives_a_string),
	        cmocka_unit_test(a_long_key_gives_its_members_as_they_are),
	        cmocka_unit_test(a_key_of_other_fields_is_refused),
	        cmocka_unit_test(every_failed_allocation_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
