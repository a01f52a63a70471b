#include "sync/page_circle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MAX_PAGES 100

/* What the service would bring: page `n` leads to `at[n]`; its records and tokens differ from those of all others. */
struct service {
	const char *name;
	unsigned at[10];
	unsigned n_before, n_circle;
};

static bool answer(struct aps_page_circle *circle, unsigned n, unsigned next)
{
	char record[32], token[32];
	struct aps_page page = {.is_list = true};
	snprintf(record, sizeof record, "{\"id\":\"%u\"}", n);
	snprintf(token, sizeof token, "t%u", next);
	const struct aps_page_record one = {.text = aps_str_of(record)};
	aps_buf_init(&page.records, APS_BUF_ANY_SIZE);
	aps_buf_add(&page.records, &one, sizeof one);
	bool closes = aps_page_circle_closes(circle, &page, aps_str_of(token));
	aps_buf_clear(&page.records);
	return closes;
}

static void each_circle_is_found(void **state)
{
	(void)state;
	static const struct service SERVICES[] = {
	        {"the first page leads to itself", {0}, 0, 1},
	        {"two pages lead to each other", {1, 0}, 0, 2},
	        {"three pages", {1, 2, 0}, 0, 3},
	        {"a page behind the first ones leads to itself", {1, 2, 3, 4, 4}, 4, 1},
	        {"a circle behind the first pages", {1, 2, 3, 4, 5, 6, 3}, 3, 4},
	};
	for (size_t i = 0; i < sizeof SERVICES / sizeof SERVICES[0]; i++) {
		const struct service *service = &SERVICES[i];
		struct aps_page_circle circle = {.n_most = 0};
		unsigned n = 0, n_pages = 1;
		while (n_pages < MAX_PAGES && !answer(&circle, n, service->at[n])) {
			n = service->at[n];
			n_pages++;
		}
		print_message("%s: %u\n", service->name, n_pages);
		assert_true(n_pages > service->n_before + service->n_circle);
		assert_true(n_pages <= 3 * (service->n_before + service->n_circle) + 1);
	}
}

static void pages_that_go_on_are_none(void **state)
{
	(void)state;
	struct aps_page_circle circle = {.n_most = 0};
	for (unsigned n = 0; n < 1000; n++) assert_false(answer(&circle, n, n + 1));
}

static void neither_the_token_nor_the_records_alone_make_one(void **state)
{
	(void)state;
	struct aps_page_circle circle = {.n_most = 0};
	for (unsigned n = 0; n < 100; n++) assert_false(answer(&circle, n, 7)); /* a cursor that the service moves */
	circle = (struct aps_page_circle){.n_most = 0};
	for (unsigned n = 0; n < 100; n++) assert_false(answer(&circle, 7, n)); /* a scan that finds nothing */
}

static void the_last_page_is_none(void **state)
{
	(void)state;
	struct aps_page_circle circle = {.n_most = 0};
	struct aps_page page = {.is_list = true};
	aps_buf_init(&page.records, APS_BUF_ANY_SIZE);
	assert_false(aps_page_circle_closes(&circle, &page, APS_STR("")));
	assert_false(aps_page_circle_closes(&circle, &page, APS_STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_circle_is_found),
	        cmocka_unit_test(pages_that_go_on_are_none),
	        cmocka_unit_test(neither_the_token_nor_the_records_alone_make_one),
	        cmocka_unit_test(the_last_page_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
