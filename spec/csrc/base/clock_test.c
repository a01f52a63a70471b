#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <pthread.h>

static void a_clock_that_stands_tells_what_it_was_set_to(void **state)
{
	(void)state;
	aps_clock_stand(123456, 1767225600000);
	assert_true(aps_clock_mono_ms() == 123456);
	assert_true(aps_clock_mono_s() > 123.4559 && aps_clock_mono_s() < 123.4561);
	assert_true(aps_clock_thread_s() > 123.4559 && aps_clock_thread_s() < 123.4561);
	assert_true(aps_clock_wall_ms() == 1767225600000);
	aps_clock_stand(123457, 5);
	assert_true(aps_clock_mono_ms() == 123457);
	assert_true(aps_clock_wall_ms() == 5);
	aps_clock_go_on();
	assert_true(aps_clock_wall_ms() > 1767225600000 / 2);
	int64_t before = aps_clock_mono_ms();
	assert_true(aps_clock_mono_ms() >= before);
}

static void *read_wall(void *out)
{
	*(int64_t *)out = aps_clock_wall_ms();
	return NULL;
}

static void other_threads_have_the_real_time(void **state)
{
	(void)state;
	pthread_t thread;
	int64_t there = 0;
	aps_clock_stand(1, 1);
	assert_int_equal(pthread_create(&thread, NULL, read_wall, &there), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(there > 1000000000000);
	assert_true(aps_clock_wall_ms() == 1);
	aps_clock_go_on();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_clock_that_stands_tells_what_it_was_set_to),
	        cmocka_unit_test(other_threads_have_the_real_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
