#include "base/crowd.h"

#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#define SEED 7

static struct aps_crowd crowd;

static int set_up(void **state)
{
	(void)state;
	aps_crowd_init(&crowd, SEED);
	return 0;
}

static uint64_t add(const char *text)
{
	aps_crowd_add(&crowd, aps_str_of(text));
	return crowd.n_compared;
}

/* 40 bytes of which the hash reads each second one. */
static const char *alike(int i)
{
	static char text[41];
	memset(text, 'a', 40);
	for (int at = 0; at < 12; at += 2, i /= 26) text[at] = (char)('a' + i % 26);
	return text;
}

static void texts_of_chance_cost_nothing(void **state)
{
	(void)state;
	struct aps_rand rand;
	uint64_t n_compared = 0;
	aps_rand_init(&rand, SEED);
	for (int i = 0; i < 300000; i++) {
		char text[48];
		snprintf(text, sizeof text, "%016llx-%llx", (unsigned long long)aps_rand_u64(&rand),
		         (unsigned long long)aps_rand_below(&rand, UINT64_C(1) << (1 + i % 60)));
		n_compared = add(text);
	}
	assert_true(n_compared < 1000);
}

static void texts_that_come_again_cost_nothing(void **state)
{
	(void)state;
	uint64_t n_compared = 0, once = 0;
	for (int i = 0; i < 500000; i++) {
		n_compared = add(alike(i % 30));
		if (i == 100) once = n_compared;
	}
	assert_true(once < 100000);
	assert_int_equal(n_compared, once);
}

static void texts_of_one_sample_cost_what_each_pair_does(void **state)
{
	(void)state;
	uint64_t n_compared = 0;
	for (int i = 0; i < 1000; i++) n_compared = add(alike(i));
	uint64_t pairs = UINT64_C(1000) * 1000 / 2 * APS_CROWD_EACH * APS_CROWD_EACH;
	assert_true(n_compared > pairs / 4 * 3 && n_compared < pairs);
	uint64_t before = n_compared;
	for (int i = 0; i < 1000; i++) n_compared = add(alike(i)); /* all known but a few */
	assert_true(n_compared - before < pairs / 4);
}

static uint32_t hash_of_lua(const char *text)
{
	size_t n = strlen(text);
	uint32_t h = (uint32_t)n;
	for (size_t i = n; i > 0; i--) h ^= (h << 5) + (h >> 2) + (unsigned char)text[i - 1];
	return h;
}

static void short_texts_of_one_chain_cost_as_much(void **state)
{
	(void)state;
	uint64_t n_compared = 0;
	int n = 0;
	for (int i = 0; n < 500; i++) {
		char text[16];
		snprintf(text, sizeof text, "k%d", i);
		if (hash_of_lua(text) % APS_CROWD_CHAINS != 99) continue;
		n_compared = add(text);
		n++;
	}
	assert_true(n_compared > UINT64_C(400) * 400 / 2 * APS_CROWD_EACH * APS_CROWD_EACH);
}

static void texts_of_one_sample_are_found_among_very_many_others(void **state)
{
	(void)state;
	uint64_t n_compared = 0;
	for (int i = 0; i < 3000000; i++) {
		char text[16];
		snprintf(text, sizeof text, "k%d", i);
		n_compared = add(i % 1000 == 0 ? alike(i / 1000) : text);
	}
	assert_true(n_compared > UINT64_C(500) * 500 / 2 * APS_CROWD_EACH * APS_CROWD_EACH);
}

static void each_text_says_what_it_adds(void **state)
{
	(void)state;
	uint64_t total = 0;
	for (int i = 0; i < 300; i++) {
		uint64_t more = aps_crowd_add(&crowd, aps_str_of(alike(i)));
		assert_true(i < 32 ? more == 0 : more >= total / 300);
		total += more;
	}
	assert_int_equal(total, crowd.n_compared);
	assert_int_equal(aps_crowd_add(&crowd, aps_str_of(alike(299))), 0);
	uint64_t more = aps_crowd_add(&crowd, aps_str_of(alike(300)));
	aps_crowd_drop(&crowd, aps_str_of(alike(300)), more);
	assert_int_equal(total, crowd.n_compared);
	assert_int_equal(aps_crowd_add(&crowd, aps_str_of(alike(301))), more);
	aps_crowd_clear(&crowd);
	assert_int_equal(crowd.n_compared, 0);
	assert_int_equal(aps_crowd_add(&crowd, aps_str_of(alike(299))), 0);
}

static void one_text_in_eight_is_due(void **state)
{
	(void)state;
	int n = 0;
	for (int i = 0; i < 80000; i++) n += aps_crowd_is_due(&crowd) ? 1 : 0;
	assert_in_range(n, 9500, 10500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(texts_of_chance_cost_nothing, set_up),
	        cmocka_unit_test_setup(texts_that_come_again_cost_nothing, set_up),
	        cmocka_unit_test_setup(texts_of_one_sample_cost_what_each_pair_does, set_up),
	        cmocka_unit_test_setup(short_texts_of_one_chain_cost_as_much, set_up),
	        cmocka_unit_test_setup(texts_of_one_sample_are_found_among_very_many_others, set_up),
	        cmocka_unit_test_setup(each_text_says_what_it_adds, set_up),
	        cmocka_unit_test_setup(one_text_in_eight_is_due, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
