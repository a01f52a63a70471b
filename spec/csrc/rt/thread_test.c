#include "rt/thread.h"

#include "base/mem.h"
#include "rt/bytes.h"
#include "rt/pin.h"
#include "rt/wake.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

struct seen {
	struct aps_wake go;
	struct aps_wake told;
	struct aps_thread *self;
	char name[32];
	bool is_current;
	bool blocks_sigterm;
	bool blocks_sigpipe;
};

static void look_around(void *context, const struct aps_thread *self APS_UNUSED)
{
	struct seen *seen = context;
	sigset_t mask;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	seen->blocks_sigterm = sigismember(&mask, SIGTERM) == 1;
	seen->blocks_sigpipe = sigismember(&mask, SIGPIPE) == 1;
#ifdef __linux__
	pthread_getname_np(pthread_self(), seen->name, sizeof seen->name);
#else
	strcpy(seen->name, "appsync-test");
#endif
	aps_wake_raise(&seen->told);
	aps_wake_wait(&seen->go, -1);
	seen->is_current = aps_thread_is_current(seen->self);
}

static void blocks_signals_carries_its_name_and_joins_within_a_bound(void **state)
{
	(void)state;
	size_t live = aps_mem_live();
	struct seen seen = {.name = ""};
	assert_int_equal(aps_wake_init(&seen.go, NULL), APS_OK);
	assert_int_equal(aps_wake_init(&seen.told, NULL), APS_OK);
	seen.self = aps_thread_start("appsync-test", look_around, &seen, NULL);
	assert_non_null(seen.self);
	assert_true(aps_wake_wait(&seen.told, 30000));
	assert_false(aps_thread_join(seen.self, 0)); /* it waits for `go` */
	assert_false(aps_thread_join(seen.self, 1));
	assert_false(aps_thread_is_current(seen.self));
	aps_wake_raise(&seen.go);
	assert_true(aps_thread_join(seen.self, 30000));
	assert_string_equal(seen.name, "appsync-test");
	assert_true(seen.is_current);
	assert_true(seen.blocks_sigterm);
	assert_true(seen.blocks_sigpipe);
	sigset_t mask;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	assert_int_equal(sigismember(&mask, SIGTERM), 0); /* the starter's mask came back */
	aps_wake_clear(&seen.go);
	aps_wake_clear(&seen.told);
	assert_int_equal(aps_mem_live(), live);
}

static void nothing(void *context, const struct aps_thread *self APS_UNUSED)
{
	(void)context;
}

static void joins_for_ever_and_cuts_long_names(void **state)
{
	(void)state;
	struct aps_thread *thread = aps_thread_start("a-name-that-is-too-long-for-the-system", nothing, NULL, NULL);
	assert_non_null(thread);
	assert_true(aps_thread_join(thread, -1));
	assert_true(aps_thread_join(NULL, 0));
}

static void start_tells_when_memory_is_out(void **state)
{
	(void)state;
	struct aps_err err = {.code = APS_OK};
	aps_mem_fail_at(1);
	assert_null(aps_thread_start("x", nothing, NULL, &err));
	aps_mem_fail_at(0);
	assert_int_equal(err.code, APS_E_NOMEM);
}

static void a_wake_stays_raised_until_it_is_lowered(void **state)
{
	(void)state;
	struct aps_wake wake;
	assert_int_equal(aps_wake_init(&wake, NULL), APS_OK);
	assert_false(aps_wake_wait(&wake, 0));
	aps_wake_lower(&wake); /* lowering what is not raised does not block */
	for (int i = 0; i < 1000; i++) aps_wake_raise(&wake);
	assert_true(aps_wake_wait(&wake, 0));
	assert_true(aps_wake_wait(&wake, 0));
	aps_wake_lower(&wake);
	assert_false(aps_wake_wait(&wake, 0));
	aps_wake_clear(&wake);
	aps_wake_clear(&wake);
}

static void a_wake_tells_why_there_is_no_descriptor(void **state)
{
	(void)state;
	struct aps_wake wakes[64];
	struct aps_err err = {.code = APS_OK};
	struct rlimit before, low;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = before;
	low.rlim_cur = 40;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	size_t n = 0;
	enum aps_rc rc = APS_OK;
	while (n < APS_COUNTOF(wakes) && (rc = aps_wake_init(&wakes[n], &err)) == APS_OK) n++;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	for (size_t i = 0; i < n; i++) aps_wake_clear(&wakes[i]);
	assert_int_equal(rc, APS_E_SYSTEM);
	assert_int_equal(err.native, EMFILE);
}

static void shared_bytes_die_with_their_last_reference(void **state)
{
	(void)state;
	size_t live = aps_mem_live();
	struct aps_bytes *bytes = aps_bytes_new(3);
	assert_non_null(bytes);
	memcpy(bytes->p, "abc", 3);
	assert_ptr_equal(aps_bytes_ref(bytes), bytes);
	aps_bytes_unref(bytes);
	assert_memory_equal(bytes->p, "abc", 3);
	assert_int_equal(bytes->n, 3);
	aps_bytes_unref(bytes);
	aps_bytes_unref(NULL);
	assert_int_equal(aps_mem_live(), live);
	assert_null(aps_bytes_new(SIZE_MAX - 8));
	aps_mem_fail_at(1);
	assert_null(aps_bytes_new(3));
	aps_mem_fail_at(0);
}

static void pinning_twice_is_harmless(void **state)
{
	(void)state;
	aps_pin_module();
	aps_pin_module();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(blocks_signals_carries_its_name_and_joins_within_a_bound),
	        cmocka_unit_test(joins_for_ever_and_cuts_long_names),
	        cmocka_unit_test(start_tells_when_memory_is_out),
	        cmocka_unit_test(a_wake_stays_raised_until_it_is_lowered),
	        cmocka_unit_test(a_wake_tells_why_there_is_no_descriptor),
	        cmocka_unit_test(shared_bytes_die_with_their_last_reference),
	        cmocka_unit_test(pinning_twice_is_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
