#include "codec/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void a_url_is_shown_without_what_may_be_secret(void **state)
{
	(void)state;
	static const struct {
		const char *url, *shown;
	} rows[] = {
	        {"https://a.example/b/c", "https://a.example/b/c"},
	        {" https://me:pw@a.example/b?token=1#x ", "https://a.example/b"},
	        {"https://me:p@w@a.example", "https://a.example"},
	        {"https://a.example/@b?c", "https://a.example/@b"},
	        {"https://a.example?x@y", "https://a.example"},
	        {"https://a.example#x@y", "https://a.example"},
	        {"/there?token=1", "/there"},
	        {"/there?token=1&next=https://b.example/", "/there"},
	        {"there#token=1&next=https://b.example/", "there"},
	        {"?token=1&next=https://b.example/", ""},
	        {"//me:pw@a.example/b?c", "//a.example/b"},
	        {"//", "//"},
	        {"a:", "a:"},
	        {":", ":"},
	        {"there@here#x", "there@here"},
	        {"?x=1", ""},
	        {"", ""},
	        {"https://", "https://"},
	        {"https://a.example/\x01"
	         "b\xff/",
	         "https://a.example/?b?/"},
	};
	char shown[APS_URL_SHOWN_CHARS];
	for (size_t i = 0; i < APS_COUNTOF(rows); i++) {
		aps_url_show(aps_str_of(rows[i].url), shown);
		assert_string_equal(shown, rows[i].shown);
	}
}

static void a_long_one_is_cut_at_a_whole_character(void **state)
{
	(void)state;
	char url[400] = "https://a.example/", shown[APS_URL_SHOWN_CHARS];
	for (size_t n = strlen(url); n + 2 < sizeof url; n += 2) memcpy(url + n, "\xc3\xa9", 3);
	aps_url_show(aps_str_of(url), shown);
	size_t n = strlen(shown);
	assert_true(n >= APS_URL_SHOWN_CHARS - 2 && n < APS_URL_SHOWN_CHARS);
	assert_memory_equal(shown, url, n);
	assert_memory_equal(shown + n - 2, "\xc3\xa9", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_url_is_shown_without_what_may_be_secret),
	        cmocka_unit_test(a_long_one_is_cut_at_a_whole_character),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
