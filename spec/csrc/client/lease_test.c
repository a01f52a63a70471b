#include "client/lease.h"

#include "base/clock.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core_world.h"

struct world {
	struct core_world all;
	struct aps_core *core;
	struct aps_credential *credential; /* the application's: alive until it is dropped */
};

/* What holds a lease: on the heap, as whoever frees it may do so when it is told. */
struct guest {
	struct aps_lease lease;
	unsigned n_calls;
	enum aps_lease_verdict verdict;
	struct aps_err err;
	bool has_err;
	/* when it is called */
	struct guest *frees; /* it may be itself */
	bool asks_again;
	bool is_refused_again;
	enum aps_lease_verdict again;
};

static void leave(struct aps_core *core, struct guest *guest)
{
	aps_lease_clear(core, &guest->lease);
	aps_free(guest);
}

static void decided(struct aps_core *core, struct aps_lease *lease, enum aps_lease_verdict verdict,
                    const struct aps_err *err)
{
	struct guest *guest = APS_CONTAINER_OF(lease, struct guest, lease);
	struct aps_err later;
	guest->n_calls++;
	guest->verdict = verdict;
	guest->has_err = err != NULL;
	if (err != NULL) guest->err = *err;
	if (guest->asks_again) guest->again = aps_lease_use(core, lease, &later);
	if (guest->is_refused_again) {
		aps_lease_material(lease);
		aps_lease_worked(lease);
		guest->again = aps_lease_refused(core, lease, &later);
	}
	if (guest->frees != NULL) leave(core, guest->frees);
}

static void begin_with(struct world *world, bool is_dynamic)
{
	core_world_begin(&world->all);
	world->core = world->all.core;
	world->credential = aps_calloc(1, sizeof *world->credential);
	assert_non_null(world->credential);
	world->credential->id = 3;
	world->credential->client = world->all.client;
	aps_auth_slot_init(&world->credential->slot, APS_AUTH_OIDC, is_dynamic);
	assert_true(aps_credential_add(world->core, world->credential));
}

static void begin(struct world *world)
{
	begin_with(world, true);
}

static void drop(struct world *world)
{
	aps_credential_drop(world->core, world->credential);
	world->credential = NULL;
}

static void finish(struct world *world)
{
	if (world->credential != NULL) drop(world);
	assert_null(aps_credential_find(world->core, 3)); /* each lease lets go of it */
	core_world_finish(&world->all);
}

static struct guest *new_guest(struct world *world, uint64_t credential)
{
	struct guest *guest = aps_calloc(1, sizeof *guest);
	assert_non_null(guest);
	aps_lease_init(&guest->lease, decided);
	assert_true(aps_lease_hold(world->core, &guest->lease, credential));
	return guest;
}

static enum aps_lease_verdict use(struct world *world, struct guest *guest)
{
	return aps_lease_use(world->core, &guest->lease, &guest->err);
}

static enum aps_lease_verdict refused(struct world *world, struct guest *guest)
{
	return aps_lease_refused(world->core, &guest->lease, &guest->err);
}

static size_t count_questions(const struct world *world)
{
	size_t n = 0;
	for (const struct aps_mail *mail = world->core->events_head; mail != NULL; mail = mail->next) n++;
	return n;
}

static void give_token_from(struct world *world, int64_t issued_ms, int64_t expires_ms)
{
	struct aps_auth_material material;
	struct aps_err err;
	assert_int_equal(aps_auth_material_init(&material, APS_AUTH_OIDC, APS_STR("token"), NULL, &err), APS_OK);
	material.issued_ms = issued_ms;
	material.expires_ms = expires_ms;
	aps_credential_set(world->core, world->credential, &material);
}

static void give_token_until(struct world *world, int64_t expires_ms)
{
	give_token_from(world, 0, expires_ms);
}

static void give_token(struct world *world)
{
	give_token_until(world, 0);
}

static void fail_token(struct world *world)
{
	struct aps_err err;
	aps_fail(&err, APS_E_AUTH, "not signed in");
	aps_credential_fail(world->core, world->credential, &err);
}

/* With material that was used, as after a request. */
static struct guest *new_user(struct world *world)
{
	struct guest *guest = new_guest(world, 3);
	assert_int_equal(use(world, guest), APS_LEASE_USABLE);
	assert_non_null(aps_lease_material(&guest->lease));
	return guest;
}

static void without_a_credential_it_is_always_usable_and_never_newer(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct guest *guest = new_guest(&world, 0);
	assert_int_equal(use(&world, guest), APS_LEASE_USABLE);
	assert_null(aps_lease_material(&guest->lease));
	assert_int_equal(refused(&world, guest), APS_LEASE_REFUSED);
	leave(world.core, guest);
	finish(&world);
}

static void what_is_known_at_once_is_returned_and_not_told_again(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	give_token(&world);
	struct guest *guest = new_guest(&world, 3);
	assert_int_equal(use(&world, guest), APS_LEASE_USABLE);
	assert_string_equal(aps_lease_material(&guest->lease)->secret, "token");
	assert_int_equal(guest->lease.generation, 1);
	give_token(&world);
	assert_int_equal(refused(&world, guest), APS_LEASE_RENEWED); /* somebody else asked for it */
	assert_int_equal(count_questions(&world), 0);
	give_token(&world);
	assert_int_equal(guest->n_calls, 0);
	leave(world.core, guest);
	finish(&world);
}

static void what_is_waited_for_is_told_once(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct guest *a = new_guest(&world, 3), *b = new_guest(&world, 3);
	assert_int_equal(use(&world, a), APS_LEASE_WAITING);
	assert_int_equal(use(&world, b), APS_LEASE_WAITING);
	assert_int_equal(use(&world, b), APS_LEASE_WAITING);
	assert_true(aps_lease_is_waiting(&b->lease));
	assert_int_equal(count_questions(&world), 1);
	give_token(&world);
	assert_false(aps_lease_is_waiting(&b->lease));
	give_token(&world);
	assert_int_equal(a->n_calls, 1);
	assert_int_equal(b->n_calls, 1);
	assert_int_equal(a->verdict, APS_LEASE_USABLE);
	assert_false(a->has_err);
	leave(world.core, a);
	leave(world.core, b);
	finish(&world);
}

static void a_failure_tells_why(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct guest *guest = new_guest(&world, 3);
	assert_int_equal(use(&world, guest), APS_LEASE_WAITING);
	fail_token(&world);
	assert_int_equal(guest->verdict, APS_LEASE_FAILED);
	assert_true(guest->has_err);
	assert_string_equal(guest->err.msg, "not signed in");
	aps_err_clear(&guest->err);
	assert_int_equal(use(&world, guest), APS_LEASE_FAILED); /* it is the answer for a while */
	assert_string_equal(guest->err.msg, "not signed in");
	assert_int_equal(guest->n_calls, 1);
	leave(world.core, guest);
	finish(&world);
}

static void a_refusal_asks_for_newer_material(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	give_token(&world);
	struct guest *guest = new_user(&world);
	assert_int_equal(refused(&world, guest), APS_LEASE_WAITING);
	assert_true(guest->lease.is_renewing);
	assert_int_equal(count_questions(&world), 1);
	give_token(&world);
	assert_int_equal(guest->n_calls, 1);
	assert_int_equal(guest->verdict, APS_LEASE_RENEWED);
	assert_false(guest->has_err);
	assert_false(guest->lease.is_renewing);
	leave(world.core, guest);
	finish(&world);
}

static void a_refusal_stands_where_nothing_newer_comes(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	give_token(&world);
	struct guest *guest = new_user(&world);
	assert_int_equal(refused(&world, guest), APS_LEASE_WAITING);
	fail_token(&world);
	assert_int_equal(guest->verdict, APS_LEASE_REFUSED);
	assert_false(guest->has_err);
	assert_false(guest->lease.is_renewing);
	leave(world.core, guest);
	finish(&world);
}

static void a_refusal_of_fixed_material_stands_at_once(void **state)
{
	(void)state;
	struct world world;
	begin_with(&world, false);
	give_token(&world);
	struct guest *guest = new_user(&world);
	assert_int_equal(refused(&world, guest), APS_LEASE_REFUSED);
	assert_int_equal(count_questions(&world), 0);
	assert_false(aps_lease_is_waiting(&guest->lease));
	leave(world.core, guest);
	finish(&world);
}

static void it_is_refreshed_once_until_it_worked(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	give_token(&world);
	struct guest *guest = new_user(&world);
	assert_int_equal(refused(&world, guest), APS_LEASE_WAITING);
	give_token(&world);
	aps_lease_material(&guest->lease);
	assert_int_equal(refused(&world, guest), APS_LEASE_REFUSED);
	assert_int_equal(count_questions(&world), 1);
	aps_lease_worked(&guest->lease);
	assert_int_equal(refused(&world, guest), APS_LEASE_WAITING);
	assert_int_equal(count_questions(&world), 2);
	leave(world.core, guest);
	finish(&world);
}

static void a_refusal_is_about_the_material_that_was_taken_last(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	give_token(&world);
	struct guest *slow = new_user(&world), *quick = new_user(&world);
	assert_int_equal(refused(&world, quick), APS_LEASE_WAITING);
	give_token(&world);
	assert_int_equal(use(&world, slow), APS_LEASE_USABLE); /* asking is not taking */
	assert_int_equal(refused(&world, slow), APS_LEASE_RENEWED);
	aps_lease_worked(&quick->lease);
	assert_int_equal(quick->verdict, APS_LEASE_RENEWED); /* nor is being told */
	assert_int_equal(refused(&world, quick), APS_LEASE_RENEWED);
	assert_int_equal(count_questions(&world), 1);
	leave(world.core, slow);
	leave(world.core, quick);
	finish(&world);
}

static void newer_material_that_only_the_device_calls_expired_is_newer(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	give_token(&world);
	struct guest *guest = new_user(&world);
	assert_int_equal(refused(&world, guest), APS_LEASE_WAITING);
	give_token_until(&world, aps_clock_wall_ms() - 3600000);
	assert_int_equal(guest->n_calls, 1);
	assert_int_equal(guest->verdict, APS_LEASE_RENEWED);
	assert_false(guest->has_err);
	leave(world.core, guest);
	finish(&world);
}

static void newer_material_that_the_service_calls_expired_tells_so(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	give_token(&world);
	struct guest *guest = new_user(&world);
	world.all.client->is_clock_told = true;
	assert_int_equal(refused(&world, guest), APS_LEASE_WAITING);
	give_token_until(&world, aps_clock_wall_ms() - 3600000);
	assert_int_equal(guest->n_calls, 1);
	assert_int_equal(guest->verdict, APS_LEASE_REFUSED);
	assert_true(guest->has_err);
	assert_string_equal(guest->err.word, "token_expired");
	leave(world.core, guest);
	struct guest *late = new_user(&world); /* tries it */
	assert_int_equal(refused(&world, late), APS_LEASE_WAITING);
	leave(world.core, late);
	finish(&world);
}

static void a_renewal_that_failed_leaves_the_word_to_the_refusal(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	give_token(&world);
	struct guest *guest = new_user(&world);
	assert_int_equal(refused(&world, guest), APS_LEASE_WAITING);
	fail_token(&world);
	assert_int_equal(guest->verdict, APS_LEASE_REFUSED);
	assert_false(guest->has_err);
	leave(world.core, guest);
	struct guest *other = new_guest(&world, 3);
	assert_int_equal(refused(&world, other), APS_LEASE_REFUSED); /* at once, of a failure that holds */
	assert_int_equal(other->err.code, APS_OK);
	leave(world.core, other);
	finish(&world);
}

static void what_worked_is_used_whatever_the_clock_says_and_tells_how_wrong_it_is(void **state)
{
	(void)state;
	static const bool TOLD[] = {false, true};
	for (size_t i = 0; i < APS_COUNTOF(TOLD); i++) {
		struct world world;
		begin(&world);
		struct guest *guest = new_guest(&world, 3);
		world.all.client->is_clock_told = TOLD[i];
		assert_int_equal(use(&world, guest), APS_LEASE_WAITING);
		int64_t now_ms = aps_clock_wall_ms();
		give_token_from(&world, now_ms - 7200000, now_ms - 3600000);
		assert_int_equal(guest->verdict, APS_LEASE_USABLE);
		assert_non_null(aps_lease_material(&guest->lease));
		assert_int_equal(world.all.client->skew_ms, 0);
		aps_lease_worked(&guest->lease);
		/* What the service told is more than a guess. */
		assert_int_equal(world.all.client->skew_ms / 10000, TOLD[i] ? 0 : -720);
		assert_int_equal(use(&world, guest), APS_LEASE_USABLE);
		assert_int_equal(count_questions(&world), 1);
		leave(world.core, guest);
		finish(&world);
	}
}

static void a_token_of_the_future_tells_of_a_clock_that_is_behind(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	stand_still();
	int64_t now_ms = aps_clock_wall_ms();
	give_token_from(&world, now_ms + 7200000, now_ms + 10800000);
	assert_int_equal(world.all.client->skew_ms / 10000, 720);
	world.all.client->skew_ms = 0;
	world.all.client->is_clock_told = true;
	give_token_from(&world, now_ms + 7200000, now_ms + 10800000);
	assert_int_equal(world.all.client->skew_ms, 0);
	finish(&world);
	aps_clock_go_on();
}

static void who_stopped_is_told_nothing(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	give_token(&world);
	struct guest *guest = new_user(&world);
	assert_int_equal(refused(&world, guest), APS_LEASE_WAITING);
	aps_lease_stop(&guest->lease);
	assert_false(guest->lease.is_renewing);
	give_token(&world);
	assert_int_equal(guest->n_calls, 0);
	assert_int_equal(use(&world, guest), APS_LEASE_USABLE);
	leave(world.core, guest);
	finish(&world);
}

static void a_new_question_takes_the_place_of_the_one_before(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	give_token(&world);
	struct guest *a = new_user(&world), *b = new_user(&world);
	assert_int_equal(refused(&world, a), APS_LEASE_WAITING);
	assert_int_equal(use(&world, a), APS_LEASE_WAITING);
	assert_int_equal(refused(&world, b), APS_LEASE_WAITING);
	assert_int_equal(refused(&world, b), APS_LEASE_REFUSED); /* known at once: nothing is waited for any more */
	give_token(&world);
	assert_int_equal(a->n_calls, 1);
	assert_int_equal(a->verdict, APS_LEASE_USABLE);
	assert_int_equal(b->n_calls, 0);
	leave(world.core, a);
	leave(world.core, b);
	finish(&world);
}

static void material_that_became_good_by_a_corrected_clock_is_not_told_of_twice(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	give_token_until(&world, aps_clock_wall_ms() + 3600000);
	struct guest *guest = new_guest(&world, 3);
	world.all.client->skew_ms = 7200000;
	assert_int_equal(use(&world, guest), APS_LEASE_WAITING);
	world.all.client->skew_ms = 0;
	assert_int_equal(use(&world, guest), APS_LEASE_USABLE);
	give_token(&world);
	assert_int_equal(guest->n_calls, 0);
	leave(world.core, guest);
	finish(&world);
}

static void who_is_told_may_ask_again(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct guest *a = new_guest(&world, 3), *b = new_guest(&world, 3);
	a->asks_again = b->asks_again = true;
	use(&world, a);
	use(&world, b);
	fail_token(&world);
	assert_int_equal(a->n_calls + b->n_calls, 2);
	assert_int_equal(a->again, APS_LEASE_FAILED);
	assert_int_equal(b->again, APS_LEASE_FAILED);
	leave(world.core, a);
	leave(world.core, b);
	finish(&world);
}

static void who_is_told_may_wait_again(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	give_token(&world);
	struct guest *a = new_user(&world), *b = new_user(&world);
	a->is_refused_again = b->is_refused_again = true;
	refused(&world, a);
	refused(&world, b);
	give_token(&world); /* b is told first and refuses it: a, told next, waits for b's question too */
	assert_int_equal(b->n_calls, 1);
	assert_int_equal(b->again, APS_LEASE_WAITING);
	assert_int_equal(a->n_calls, 0);
	assert_int_equal(count_questions(&world), 2);
	a->is_refused_again = b->is_refused_again = false;
	give_token(&world);
	assert_int_equal(b->n_calls, 2);
	assert_int_equal(a->n_calls, 1);
	assert_int_equal(a->verdict, APS_LEASE_RENEWED);
	leave(world.core, a);
	leave(world.core, b);
	finish(&world);
}

static void who_is_told_may_be_freed(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct guest *guest = new_guest(&world, 3);
	guest->frees = guest;
	use(&world, guest);
	give_token(&world);
	finish(&world);
}

static void the_last_user_of_a_dropped_credential_may_let_go_of_it_when_it_is_told(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct guest *guest = new_guest(&world, 3);
	guest->frees = guest;
	use(&world, guest);
	aps_credential_drop(world.core, world.credential);
	fail_token(&world);
	world.credential = NULL; /* it went with its last user */
	finish(&world);
}

static void who_is_told_may_free_any_other(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct guest *guests[3] = {new_guest(&world, 3), new_guest(&world, 3), new_guest(&world, 3)};
	for (size_t i = 0; i < 3; i++) use(&world, guests[i]);
	guests[2]->frees = guests[0]; /* the last one that waits is told first */
	give_token(&world);
	assert_int_equal(guests[2]->n_calls, 1);
	assert_int_equal(guests[1]->n_calls, 1);
	leave(world.core, guests[1]);
	leave(world.core, guests[2]);
	finish(&world);
}

static void without_memory_for_the_question_the_verdict_is_returned_and_nobody_is_told(void **state)
{
	(void)state;
	for (size_t nth = 1; nth <= 2; nth++) {
		struct world world;
		begin(&world);
		struct guest *asks = new_guest(&world, 3);
		aps_mem_fail_at(nth); /* the event, then the timer */
		assert_int_equal(use(&world, asks), APS_LEASE_FAILED);
		aps_mem_fail_at(0);
		assert_int_equal(asks->err.code, APS_E_NOMEM);
		give_token(&world);
		struct guest *is_refused = new_user(&world);
		aps_mem_fail_at(nth);
		assert_int_equal(refused(&world, is_refused), APS_LEASE_REFUSED);
		aps_mem_fail_at(0);
		assert_int_equal(asks->n_calls + is_refused->n_calls, 0);
		assert_false(aps_lease_is_waiting(&is_refused->lease));
		leave(world.core, asks);
		leave(world.core, is_refused);
		finish(&world);
	}
}

static void another_credential_starts_it_over(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct guest *guest = new_guest(&world, 3);
	assert_int_equal(use(&world, guest), APS_LEASE_WAITING);
	assert_true(aps_lease_hold(world.core, &guest->lease, 0));
	give_token(&world);
	assert_int_equal(guest->n_calls, 0);
	assert_true(aps_lease_hold(world.core, &guest->lease, 3));
	aps_lease_material(&guest->lease);
	assert_int_equal(refused(&world, guest), APS_LEASE_WAITING);
	assert_true(aps_lease_hold(world.core, &guest->lease, 3));
	assert_false(guest->lease.has_refreshed);
	assert_int_equal(guest->lease.generation, 0);
	give_token(&world);
	assert_int_equal(guest->n_calls, 0);
	leave(world.core, guest);
	finish(&world);
}

static void the_last_hold_on_a_dropped_credential_may_be_taken_anew(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct guest *guest = new_guest(&world, 3);
	drop(&world);
	assert_true(aps_lease_hold(world.core, &guest->lease, 3));
	assert_int_equal(use(&world, guest), APS_LEASE_WAITING);
	aps_lease_clear(world.core, &guest->lease);
	aps_lease_clear(world.core, &guest->lease); /* twice is legal */
	assert_false(aps_lease_hold(world.core, &guest->lease, 3));
	assert_null(guest->lease.credential);
	leave(world.core, guest);
	finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(without_a_credential_it_is_always_usable_and_never_newer),
	        cmocka_unit_test(what_is_known_at_once_is_returned_and_not_told_again),
	        cmocka_unit_test(what_is_waited_for_is_told_once),
	        cmocka_unit_test(a_failure_tells_why),
	        cmocka_unit_test(a_refusal_asks_for_newer_material),
	        cmocka_unit_test(a_refusal_stands_where_nothing_newer_comes),
	        cmocka_unit_test(a_refusal_of_fixed_material_stands_at_once),
	        cmocka_unit_test(it_is_refreshed_once_until_it_worked),
	        cmocka_unit_test(a_refusal_is_about_the_material_that_was_taken_last),
	        cmocka_unit_test(newer_material_that_only_the_device_calls_expired_is_newer),
	        cmocka_unit_test(newer_material_that_the_service_calls_expired_tells_so),
	        cmocka_unit_test(a_renewal_that_failed_leaves_the_word_to_the_refusal),
	        cmocka_unit_test(what_worked_is_used_whatever_the_clock_says_and_tells_how_wrong_it_is),
	        cmocka_unit_test(a_token_of_the_future_tells_of_a_clock_that_is_behind),
	        cmocka_unit_test(who_stopped_is_told_nothing),
	        cmocka_unit_test(a_new_question_takes_the_place_of_the_one_before),
	        cmocka_unit_test(material_that_became_good_by_a_corrected_clock_is_not_told_of_twice),
	        cmocka_unit_test(who_is_told_may_ask_again),
	        cmocka_unit_test(who_is_told_may_wait_again),
	        cmocka_unit_test(who_is_told_may_be_freed),
	        cmocka_unit_test(the_last_user_of_a_dropped_credential_may_let_go_of_it_when_it_is_told),
	        cmocka_unit_test(who_is_told_may_free_any_other),
	        cmocka_unit_test(without_memory_for_the_question_the_verdict_is_returned_and_nobody_is_told),
	        cmocka_unit_test(another_credential_starts_it_over),
	        cmocka_unit_test(the_last_hold_on_a_dropped_credential_may_be_taken_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
