#include "client/credential.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core_world.h"

struct world {
	struct core_world all;
	struct aps_core *core;
	struct aps_credential *credential;
};

struct guest {
	struct aps_waiter waiter;
	struct world *world;
	enum aps_slot_verdict verdict;
	unsigned n_calls;
	struct guest *stops; /* when it is called */
	bool asks_again;
	bool releases;
};

static void called(struct aps_core *core, struct aps_waiter *waiter)
{
	struct guest *guest = APS_CONTAINER_OF(waiter, struct guest, waiter);
	guest->n_calls++;
	if (guest->stops != NULL) aps_waiter_stop(&guest->stops->waiter);
	if (guest->asks_again) guest->verdict = aps_credential_use(core, guest->world->credential, waiter);
	if (guest->releases) aps_credential_release(core, guest->world->credential);
}

static void begin(struct world *world, bool is_dynamic)
{
	core_world_begin(&world->all);
	world->core = world->all.core;
	struct aps_credential *credential = aps_calloc(1, sizeof *credential);
	assert_non_null(credential);
	credential->id = 3;
	credential->client = world->all.client;
	aps_auth_slot_init(&credential->slot, APS_AUTH_OIDC, is_dynamic);
	assert_true(aps_credential_add(world->core, credential));
	world->credential = aps_credential_hold(world->core, 3);
	assert_ptr_equal(world->credential, credential);
}

static void finish(struct world *world)
{
	assert_null(aps_credential_find(world->core, 3)); /* each test lets go of it */
	core_world_finish(&world->all);
}

static void let_go(struct world *world)
{
	aps_credential_drop(world->core, world->credential);
	aps_credential_release(world->core, world->credential);
}

static size_t count_events(const struct world *world)
{
	size_t n = 0;
	for (const struct aps_mail *mail = world->core->events_head; mail != NULL; mail = mail->next) n++;
	return n;
}

static struct guest guest_of(struct world *world)
{
	return (struct guest){.world = world, .waiter.ready = called};
}

static void give_token(struct world *world)
{
	struct aps_auth_material material;
	struct aps_err err;
	assert_int_equal(aps_auth_material_init(&material, APS_AUTH_OIDC, APS_STR("token"), NULL, &err), APS_OK);
	aps_credential_set(world->core, world->credential, &material);
}

static void all_who_wait_share_one_question(void **state)
{
	(void)state;
	struct world world;
	begin(&world, true);
	struct guest a = guest_of(&world), b = guest_of(&world);
	assert_int_equal(aps_credential_use(world.core, world.credential, &a.waiter), APS_SLOT_WAIT);
	assert_int_equal(aps_credential_use(world.core, world.credential, &b.waiter), APS_SLOT_WAIT);
	assert_int_equal(aps_credential_use(world.core, world.credential, &b.waiter), APS_SLOT_WAIT);
	assert_int_equal(count_events(&world), 1);
	give_token(&world);
	assert_int_equal(a.n_calls, 1);
	assert_int_equal(b.n_calls, 1);
	assert_int_equal(aps_credential_use(world.core, world.credential, &a.waiter), APS_SLOT_USE);
	assert_null(a.waiter.link);
	let_go(&world);
	finish(&world);
}

static void a_waiter_may_stop_any_other_while_they_are_woken(void **state)
{
	(void)state;
	struct world world;
	begin(&world, true);
	struct guest guests[3] = {guest_of(&world), guest_of(&world), guest_of(&world)};
	for (size_t i = 0; i < 3; i++) aps_credential_use(world.core, world.credential, &guests[i].waiter);
	/* The last one parked is the first one woken. */
	guests[2].stops = &guests[0];
	give_token(&world);
	assert_int_equal(guests[2].n_calls, 1);
	assert_int_equal(guests[1].n_calls, 1);
	assert_int_equal(guests[0].n_calls, 0);
	let_go(&world);
	finish(&world);
}

static void a_waiter_that_asks_again_waits_for_the_next_answer(void **state)
{
	(void)state;
	struct world world;
	struct aps_err err;
	begin(&world, true);
	struct guest a = guest_of(&world), b = guest_of(&world);
	a.asks_again = b.asks_again = true;
	aps_credential_use(world.core, world.credential, &a.waiter);
	aps_credential_use(world.core, world.credential, &b.waiter);
	aps_fail(&err, APS_E_AUTH, "not signed in");
	aps_credential_fail(world.core, world.credential, &err);
	/* The failure is the answer to both of them: no question is asked anew, nobody is called twice. */
	assert_int_equal(a.verdict, APS_SLOT_FAIL);
	assert_int_equal(b.verdict, APS_SLOT_FAIL);
	assert_int_equal(a.n_calls + b.n_calls, 2);
	assert_string_equal(world.credential->slot.err.msg, "not signed in");
	let_go(&world);
	finish(&world);
}

static void a_dropped_identity_lives_as_long_as_its_last_user(void **state)
{
	(void)state;
	struct world world;
	begin(&world, true);
	struct guest a = guest_of(&world);
	a.releases = true;
	aps_credential_use(world.core, world.credential, &a.waiter);
	aps_credential_drop(world.core, world.credential);
	give_token(&world); /* the last user lets go while it is called */
	assert_int_equal(a.n_calls, 1);
	finish(&world);
}

static void a_question_without_an_answer_ends_in_a_timeout(void **state)
{
	(void)state;
	struct world world;
	begin(&world, true);
	struct guest a = guest_of(&world);
	a.asks_again = true;
	aps_credential_use(world.core, world.credential, &a.waiter);
	assert_int_not_equal(world.credential->timer.index, 0);
	aps_timers_run(&world.core->timers, world.core, INT64_MAX);
	assert_int_equal(a.verdict, APS_SLOT_FAIL);
	assert_string_equal(aps_err_word(&world.credential->slot.err), "token_timeout");
	let_go(&world);
	finish(&world);
}

static void without_memory_for_the_question_nobody_waits_for_its_answer(void **state)
{
	(void)state;
	for (size_t nth = 1; nth <= 2; nth++) {
		struct world world;
		begin(&world, true);
		struct guest a = guest_of(&world);
		aps_mem_fail_at(nth); /* the event, then the timer */
		assert_int_equal(aps_credential_use(world.core, world.credential, &a.waiter), APS_SLOT_FAIL);
		aps_mem_fail_at(0);
		assert_null(a.waiter.link);
		assert_int_equal(world.credential->slot.err.code, APS_E_NOMEM);
		assert_int_equal(count_events(&world), 0);
		let_go(&world);
		finish(&world);
	}
}

static void who_waits_is_told_at_the_turns_end_that_there_is_no_memory_for_a_question(void **state)
{
	(void)state;
	struct world world;
	begin(&world, true);
	struct guest a = guest_of(&world), b = guest_of(&world);
	assert_int_equal(aps_credential_use(world.core, world.credential, &a.waiter), APS_SLOT_WAIT);
	world.credential->slot.is_asking = false; /* as when its time seems over, after the clock has jumped */
	aps_mem_fail_at(1);
	assert_int_equal(aps_credential_use(world.core, world.credential, &b.waiter), APS_SLOT_FAIL);
	aps_mem_fail_at(0);
	assert_int_equal(a.n_calls, 0); /* not from within the question of another one */
	core_world_turn(&world.all);
	assert_int_equal(a.n_calls, 1);
	assert_int_equal(b.n_calls, 0);
	let_go(&world);
	finish(&world);
}

static void a_fixed_one_without_material_fails_at_once(void **state)
{
	(void)state;
	struct world world;
	begin(&world, false);
	struct guest a = guest_of(&world);
	assert_int_equal(aps_credential_use(world.core, world.credential, &a.waiter), APS_SLOT_FAIL);
	assert_null(a.waiter.link);
	assert_int_equal(count_events(&world), 0);
	let_go(&world);
	finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(all_who_wait_share_one_question),
	        cmocka_unit_test(a_waiter_may_stop_any_other_while_they_are_woken),
	        cmocka_unit_test(a_waiter_that_asks_again_waits_for_the_next_answer),
	        cmocka_unit_test(a_dropped_identity_lives_as_long_as_its_last_user),
	        cmocka_unit_test(a_question_without_an_answer_ends_in_a_timeout),
	        cmocka_unit_test(without_memory_for_the_question_nobody_waits_for_its_answer),
	        cmocka_unit_test(who_waits_is_told_at_the_turns_end_that_there_is_no_memory_for_a_question),
	        cmocka_unit_test(a_fixed_one_without_material_fails_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
