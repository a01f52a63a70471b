/* The bell: a system call only where somebody sleeps, and never a lost wake-up. */
#include "rt/bell.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs setjmp, stdarg, stddef and stdint */
#include <cmocka.h>

#define ROUNDS 20000

static bool is_readable(const struct aps_bell *bell)
{
	return aps_wake_wait(&bell->wake, 0);
}

static int set_up(void **state)
{
	static struct aps_bell bell;
	struct aps_err err;
	*state = &bell;
	return aps_bell_init(&bell, &err) == APS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	aps_bell_clear(*state);
	return 0;
}

static void ringing_while_awake_leaves_the_descriptor_alone(void **state)
{
	struct aps_bell *bell = *state;
	aps_bell_ring(bell);
	assert_false(is_readable(bell));
}

static void a_ring_before_the_sleep_forbids_it_once(void **state)
{
	struct aps_bell *bell = *state;
	aps_bell_ring(bell);
	assert_false(aps_bell_sleep(bell));
	assert_true(aps_bell_sleep(bell));
}

static void silence_forgets_a_ring(void **state)
{
	struct aps_bell *bell = *state;
	aps_bell_ring(bell);
	aps_bell_silence(bell);
	assert_true(aps_bell_sleep(bell));
}

static void a_ring_during_the_sleep_is_seen_on_the_descriptor_until_it_is_awake(void **state)
{
	struct aps_bell *bell = *state;
	assert_true(aps_bell_sleep(bell));
	assert_false(is_readable(bell));
	aps_bell_ring(bell);
	assert_true(is_readable(bell));
	aps_bell_awake(bell, true);
	assert_false(is_readable(bell));
	assert_true(aps_bell_sleep(bell));
}

static void a_watched_descriptor_is_readable_after_each_ring_until_silence(void **state)
{
	struct aps_bell *bell = *state;
	assert_int_equal(aps_bell_watch(bell), bell->wake.read_fd);
	assert_false(is_readable(bell));
	for (int i = 0; i < 3; i++) {
		aps_bell_ring(bell);
		assert_true(is_readable(bell));
		aps_bell_silence(bell);
		assert_false(is_readable(bell));
	}
}

static void what_rang_before_it_was_watched_is_readable_at_once(void **state)
{
	struct aps_bell *bell = *state;
	aps_bell_ring(bell);
	aps_bell_watch(bell);
	assert_true(is_readable(bell));
}

/* Two threads hand one ball to and fro: a lost wake-up would leave both asleep. */
struct player {
	struct aps_bell bell;
	atomic_int n_balls;
	struct player *other;
};

static bool wait_for_ball(struct player *player)
{
	while (atomic_load(&player->n_balls) == 0) {
		bool is_woken = true;
		if (aps_bell_sleep(&player->bell)) is_woken = aps_wake_wait(&player->bell.wake, 20000);
		aps_bell_awake(&player->bell, is_woken);
		if (!is_woken) return false;
	}
	atomic_fetch_sub(&player->n_balls, 1);
	return true;
}

static void *play(void *context)
{
	struct player *player = context;
	for (int i = 0; i < ROUNDS; i++) {
		if (!wait_for_ball(player)) return NULL;
		atomic_fetch_add(&player->other->n_balls, 1);
		aps_bell_ring(&player->other->bell);
	}
	return player;
}

static void no_wake_up_is_lost_between_two_threads(void **state)
{
	(void)state;
	static struct player players[2];
	pthread_t threads[2];
	void *results[2];
	struct aps_err err;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(aps_bell_init(&players[i].bell, &err), APS_OK);
		atomic_init(&players[i].n_balls, i == 0);
		players[i].other = &players[1 - i];
	}
	for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, play, &players[i]), 0);
	for (int i = 0; i < 2; i++) pthread_join(threads[i], &results[i]);
	for (int i = 0; i < 2; i++) {
		assert_ptr_equal(results[i], &players[i]);
		aps_bell_clear(&players[i].bell);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(ringing_while_awake_leaves_the_descriptor_alone, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_ring_before_the_sleep_forbids_it_once, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(silence_forgets_a_ring, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_ring_during_the_sleep_is_seen_on_the_descriptor_until_it_is_awake,
	                                        set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_watched_descriptor_is_readable_after_each_ring_until_silence, set_up,
	                                        tear_down),
	        cmocka_unit_test_setup_teardown(what_rang_before_it_was_watched_is_readable_at_once, set_up, tear_down),
	        cmocka_unit_test(no_wake_up_is_lost_between_two_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
