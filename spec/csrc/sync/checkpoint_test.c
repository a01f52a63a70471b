#include "sync/checkpoint.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct aps_checkpoint full(void)
{
	struct aps_checkpoint c;
	aps_checkpoint_init(&c);
	c.base_ms = 11;
	c.last_sync_ms = 12;
	c.n_base_records = 13;
	c.max_records = 14;
	c.is_beside = c.has_unknown = c.has_missed = true;
	c.base.is_open = c.delta.is_open = true;
	aps_buf_add_text(&c.base.token, "a\"\\\n\xc3\xa9");
	aps_buf_add_text(&c.delta.token, "d");
	c.base.began_ms = 15;
	c.base.since_ms = 16;
	c.base.n_records = 17;
	c.base.n_pages = 18;
	c.base.n_bytes = 19;
	c.delta.began_ms = 20;
	c.delta.since_ms = 21;
	c.delta.n_records = 22;
	c.delta.n_pages = 23;
	c.delta.n_bytes = 24;
	return c;
}

static char text[2048];

static const char *put(const struct aps_checkpoint *c)
{
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	aps_checkpoint_put(&out, c);
	assert_int_equal(out.rc, APS_OK);
	snprintf(text, sizeof text, "%s", out.p);
	aps_buf_clear(&out);
	return text;
}

static bool takes(const char *json)
{
	struct aps_checkpoint c = full();
	bool is_taken = aps_checkpoint_take(&c, aps_str_of(json));
	if (!is_taken) {
		struct aps_checkpoint nothing;
		aps_checkpoint_init(&nothing);
		assert_memory_equal(&c, &nothing, sizeof c);
	}
	aps_checkpoint_clear(&c);
	return is_taken;
}

static void what_is_put_is_taken(void **state)
{
	(void)state;
	struct aps_checkpoint c = full(), taken;
	aps_checkpoint_init(&taken);
	char before[sizeof text];
	snprintf(before, sizeof before, "%s", put(&c));
	assert_true(aps_checkpoint_take(&taken, aps_str_of(before)));
	assert_string_equal(put(&taken), before);
	assert_string_equal(taken.base.token.p, "a\"\\\n\xc3\xa9");
	assert_int_equal(taken.delta.n_bytes, 24);
	assert_true(taken.is_beside && taken.has_unknown && taken.has_missed && taken.base.is_open &&
	            !taken.is_truncated);
	aps_checkpoint_clear(&taken);
	aps_checkpoint_clear(&taken);
	aps_checkpoint_clear(&c);
	put(&taken);
	assert_string_equal(
	        text, "{\"version\":1,\"base_ms\":0,\"last_sync_ms\":0,\"n_base_records\":0,\"base\":{\"is_open\":"
	              "false,\"token\":\"\",\"began_ms\":0,\"since_ms\":0,\"n_records\":0,\"n_pages\":0,"
	              "\"n_bytes\":0},\"delta\":{\"is_open\":false,\"token\":\"\",\"began_ms\":0,"
	              "\"since_ms\":0,\"n_records\":0,\"n_pages\":0,\"n_bytes\":0},\"max_records\":0,"
	              "\"is_truncated\":false,\"is_beside\":false,\"has_unknown\":false,\"has_missed\":false}");
	assert_true(takes(text));
}

static void no_part_of_a_text_is_taken(void **state)
{
	(void)state;
	struct aps_checkpoint c = full();
	put(&c);
	char part[sizeof text];
	for (size_t n = 0; n < strlen(text); n++) {
		snprintf(part, sizeof part, "%.*s", (int)n, text);
		assert_false(takes(part));
	}
	snprintf(part, sizeof part, "%s ]", text);
	assert_false(takes(part));
	aps_checkpoint_clear(&c);
}

/* A damaged byte is refused, or changes what is said: it never breaks anything. */
static void no_damaged_byte_does_any_harm(void **state)
{
	(void)state;
	struct aps_checkpoint c = full();
	put(&c);
	char damaged[sizeof text], again[sizeof text];
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i++)
		for (int byte = 0; byte < 256; byte += 3) {
			memcpy(damaged, text, n);
			damaged[i] = (char)byte;
			struct aps_checkpoint taken;
			aps_checkpoint_init(&taken);
			if (aps_checkpoint_take(&taken, (struct aps_str){damaged, n})) {
				assert_true(taken.base.began_ms > 0 && taken.base_ms >= 0);
				snprintf(again, sizeof again, "%s", text);
				put(&taken);
				assert_true(takes(text));
				snprintf(text, sizeof text, "%s", again);
			}
			aps_checkpoint_clear(&taken);
		}
	aps_checkpoint_clear(&c);
}

static bool takes_with(const char *from, const char *to)
{
	struct aps_checkpoint c = full();
	put(&c);
	aps_checkpoint_clear(&c);
	const char *at = strstr(text, from);
	assert_non_null(at);
	char changed[sizeof text + 64];
	snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return takes(changed);
}

static void what_is_not_a_checkpoint_is_refused(void **state)
{
	(void)state;
	assert_true(takes_with("\"base_ms\":11", "\"base_ms\": 9007199254740992"));
	static const char *const CHANGES[][2] = {
	        {"\"version\":1", "\"version\":2"},
	        {"\"version\":1,", ""},
	        {"\"base_ms\":11", "\"base_ms\":-11"},
	        {"\"base_ms\":11", "\"base_ms\":9007199254740993"},
	        {"\"base_ms\":11", "\"base_ms\":1.5"},
	        {"\"base_ms\":11", "\"base_ms\":\"11\""},
	        {"\"base_ms\":11", "\"base_ms\":null"},
	        {"\"base_ms\":11", "\"base_ms\":11,\"base_ms\":11"},
	        {"\"base_ms\":11,\"last_sync_ms\":12", "\"last_sync_ms\":12,\"base_ms\":11"},
	        {"\"n_base_records\":13", "\"n_base_records\":-1"},
	        {"\"has_missed\":true", "\"has_missed\":1"},
	        {"\"has_missed\":true", "\"has_missed\":true,\"more\":1"},
	        {"\"token\":\"d\"", "\"token\":null"},
	        {"\"token\":\"d\"", "\"token\":\"\\ud800\""},
	        {"\"token\":\"d\"", "\"token\":\"\xff\""},
	        {"\"n_bytes\":19}", "\"n_bytes\":19,\"more\":{}}"},
	        {"\"delta\":{", "\"delta\":[{"},
	};
	for (size_t i = 0; i < APS_COUNTOF(CHANGES); i++) assert_false(takes_with(CHANGES[i][0], CHANGES[i][1]));
	assert_false(takes("[]"));
	assert_false(takes("null"));
}

static void a_pass_that_can_not_be_is_refused(void **state)
{
	(void)state;
	/* pages were kept, and none comes next */
	assert_false(takes_with("\"token\":\"d\"", "\"token\":\"\""));
	/* a page comes next, and none was kept, or the pass is over */
	assert_false(takes_with("\"began_ms\":20", "\"began_ms\":0"));
	assert_false(takes_with("\"delta\":{\"is_open\":true", "\"delta\":{\"is_open\":false"));
	assert_false(takes_with("\"base\":{\"is_open\":true", "\"base\":{\"is_open\":false"));
	/* it goes on, and it has stopped */
	assert_false(takes_with("\"is_truncated\":false", "\"is_truncated\":true"));
	struct aps_checkpoint c = full();
	c.base.is_open = false;
	c.is_truncated = true;
	assert_true(takes(put(&c)));
	aps_buf_reset(&c.base.token);
	assert_false(takes(put(&c)));
	aps_checkpoint_clear(&c);
}

static void a_token_that_is_not_utf8_is_not_put(void **state)
{
	(void)state;
	struct aps_checkpoint c = full();
	aps_buf_add_text(&c.base.token, "\xff");
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	aps_checkpoint_put(&out, &c);
	assert_int_equal(out.rc, APS_E_UTF8);
	aps_buf_clear(&out);
	aps_checkpoint_clear(&c);
}

static void a_copy_says_the_same_and_is_its_own(void **state)
{
	(void)state;
	struct aps_checkpoint c = full(), copy;
	aps_checkpoint_init(&copy);
	struct aps_err err;
	assert_int_equal(aps_checkpoint_copy(&copy, &c, &err), APS_OK);
	assert_int_equal(aps_checkpoint_copy(&copy, &c, &err), APS_OK);
	assert_int_equal(aps_checkpoint_copy(&copy, &copy, &err), APS_OK);
	char before[sizeof text];
	snprintf(before, sizeof before, "%s", put(&c));
	aps_checkpoint_clear(&c);
	assert_string_equal(put(&copy), before);
	aps_checkpoint_clear(&copy);
}

static void without_memory_nothing_changes(void **state)
{
	(void)state;
	struct aps_checkpoint c = full(), copy = full();
	copy.base_ms = 99;
	char before[sizeof text];
	snprintf(before, sizeof before, "%s", put(&copy));
	for (size_t nth = 1; nth <= 2; nth++) {
		struct aps_err err;
		aps_mem_fail_at(nth);
		assert_int_equal(aps_checkpoint_copy(&copy, &c, &err), APS_E_NOMEM);
		aps_mem_fail_at(0);
		assert_string_equal(put(&copy), before);
	}
	for (size_t nth = 1; nth <= 2; nth++) {
		aps_mem_fail_at(nth);
		assert_false(aps_checkpoint_take(&copy, aps_str_of(before)));
		aps_mem_fail_at(0);
		assert_int_equal(copy.base_ms, 0);
	}
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	aps_mem_fail_at(1);
	aps_checkpoint_put(&out, &c);
	aps_mem_fail_at(0);
	assert_int_equal(out.rc, APS_E_NOMEM);
	aps_buf_clear(&out);
	aps_checkpoint_clear(&c);
	aps_checkpoint_clear(&copy);
}

static int teardown(void **state)
{
	(void)state;
	return aps_mem_live() == 0 ? 0 : -1;
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_is_put_is_taken),
	        TEST(no_part_of_a_text_is_taken),
	        TEST(no_damaged_byte_does_any_harm),
	        TEST(what_is_not_a_checkpoint_is_refused),
	        TEST(a_pass_that_can_not_be_is_refused),
	        TEST(a_token_that_is_not_utf8_is_not_put),
	        TEST(a_copy_says_the_same_and_is_its_own),
	        TEST(without_memory_nothing_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
