#include "client/link_state.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs the five above */
#include <cmocka.h>

#define N_FEEDS 1000

static size_t count(const struct aps_feed *feed)
{
	struct aps_secrets secrets;
	struct aps_secret secret;
	size_t n = 0;
	aps_feed_secrets(feed, &secrets);
	for (size_t cursor = 0; aps_secrets_next(&secrets, &cursor, &secret);) n++;
	aps_secrets_clear(&secrets);
	return n;
}

static void a_text_about_one_of_many_subscriptions_costs_what_it_costs_for_one(void **state)
{
	(void)state;
	static struct aps_feed feeds[N_FEEDS];
	struct aps_topic topic = {.credential = 0};
	struct aps_client client = {.id = 1};
	struct aps_link link = {.client = &client};
	aps_settings_init(&client.settings);
	aps_secrets_init(&link.sent);
	aps_secrets_add_header(&link.sent, APS_STR("x-api-key"), APS_STR("handshake-key"));
	for (size_t i = 0; i < N_FEEDS; i++) {
		char token[32];
		snprintf(token, sizeof token, "token-%04zu", i);
		feeds[i] = (struct aps_feed){.client = &client, .link = &link, .topic = &topic, .next = link.feeds};
		aps_secrets_init(&feeds[i].sent);
		aps_secrets_add_header(&feeds[i].sent, APS_STR("x-token"), aps_str_of(token));
		link.feeds = &feeds[i];
	}
	assert_int_equal(count(&feeds[0]), 2);
	char text[] = "token-0007 handshake-key";
	aps_feed_mask(&feeds[7], text, sizeof text - 1, APS_STR(""));
	assert_string_equal(text, "********** *************");
	char all[] = "token-0007 token-0999 handshake-key";
	aps_link_mask(&link, all);
	assert_string_equal(all, "********** ********** *************");
	for (size_t i = 0; i < N_FEEDS; i++) aps_secrets_clear(&feeds[i].sent);
	aps_secrets_clear(&link.sent);
	aps_settings_clear(&client.settings);
	assert_int_equal(aps_mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_text_about_one_of_many_subscriptions_costs_what_it_costs_for_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
