#include "rt/mailbox.h"

#include "base/mem.h"
#include "rt/thread.h"
#include "rt/wake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

struct item {
	struct aps_mail mail;
	int producer;
	int number;
};

static atomic_int n_freed;

static void free_item(struct aps_mail *mail)
{
	atomic_fetch_add(&n_freed, 1);
	aps_free(APS_CONTAINER_OF(mail, struct item, mail));
}

static const struct aps_mail_kind item_kind = {"item", free_item};

static struct aps_mail *make(const struct aps_mail_kind *kind, int producer, int number, size_t n_bytes)
{
	struct item *item = aps_calloc(1, sizeof *item);
	assert_non_null(item);
	item->mail.kind = kind;
	item->mail.n_bytes = n_bytes;
	item->producer = producer;
	item->number = number;
	return &item->mail;
}

static struct item *item_of(struct aps_mail *mail)
{
	return APS_CONTAINER_OF(mail, struct item, mail);
}

static void count_raise(void *context)
{
	++*(int *)context;
}

static int reset(void **state)
{
	(void)state;
	atomic_store(&n_freed, 0);
	return 0;
}

static const struct aps_mailbox_limits unbounded = {0, 0};
static const struct aps_wakeup no_wakeup = {NULL, NULL};

static void drains_in_the_order_of_sending(void **state)
{
	(void)state;
	size_t live = aps_mem_live();
	struct aps_mailbox *mb = aps_mailbox_new(unbounded, no_wakeup);
	for (int i = 0; i < 5; i++) assert_int_equal(aps_mailbox_send(mb, make(&item_kind, 0, i, 0)), APS_OK);
	struct aps_mail *chain = aps_mailbox_drain(mb);
	int expected = 0;
	for (struct aps_mail *mail = chain; mail; mail = mail->next)
		assert_int_equal(item_of(mail)->number, expected++);
	assert_int_equal(expected, 5);
	assert_null(aps_mailbox_drain(mb));
	aps_mail_free_chain(chain);
	aps_mailbox_free(mb);
	assert_int_equal(aps_mem_live(), live);
}

static void raises_the_wake_once_per_change_from_empty(void **state)
{
	(void)state;
	int n_raised = 0;
	struct aps_mailbox *mb = aps_mailbox_new(unbounded, (struct aps_wakeup){count_raise, &n_raised});
	struct aps_mail *chain = make(&item_kind, 0, 0, 0);
	chain->next = make(&item_kind, 0, 1, 0);
	assert_int_equal(aps_mailbox_send(mb, chain), APS_OK);
	assert_int_equal(aps_mailbox_send(mb, make(&item_kind, 0, 2, 0)), APS_OK);
	assert_int_equal(n_raised, 1);
	aps_mail_free_chain(aps_mailbox_drain(mb));
	assert_int_equal(aps_mailbox_send(mb, NULL), APS_OK);
	assert_int_equal(n_raised, 1);
	assert_int_equal(aps_mailbox_send(mb, make(&item_kind, 0, 3, 0)), APS_OK);
	assert_int_equal(n_raised, 2);
	aps_mailbox_free(mb);
	assert_int_equal(atomic_load(&n_freed), 4);
}

static void a_chain_keeps_its_place_between_single_sends(void **state)
{
	(void)state;
	struct aps_mailbox *mb = aps_mailbox_new(unbounded, no_wakeup);
	aps_mailbox_send(mb, make(&item_kind, 0, 0, 0));
	struct aps_mail *chain = make(&item_kind, 0, 1, 0);
	chain->next = make(&item_kind, 0, 2, 0);
	aps_mailbox_send(mb, chain);
	aps_mailbox_send(mb, make(&item_kind, 0, 3, 0));
	struct aps_mail *all = aps_mailbox_drain(mb);
	int expected = 0;
	for (struct aps_mail *mail = all; mail; mail = mail->next) assert_int_equal(item_of(mail)->number, expected++);
	assert_int_equal(expected, 4);
	aps_mail_free_chain(all);
	aps_mailbox_free(mb);
}

static void a_full_mailbox_frees_what_it_refuses(void **state)
{
	(void)state;
	int n_raised = 0;
	struct aps_mailbox *mb =
	        aps_mailbox_new((struct aps_mailbox_limits){2, 100}, (struct aps_wakeup){count_raise, &n_raised});
	assert_int_equal(aps_mailbox_send(mb, make(&item_kind, 0, 0, 60)), APS_OK);
	assert_int_equal(aps_mailbox_send(mb, make(&item_kind, 0, 1, 41)), APS_E_TOO_BIG);
	assert_int_equal(atomic_load(&n_freed), 1);
	assert_int_equal(aps_mailbox_send(mb, make(&item_kind, 0, 1, 40)), APS_OK);
	assert_int_equal(aps_mailbox_send(mb, make(&item_kind, 0, 2, 0)), APS_E_TOO_BIG);
	assert_int_equal(n_raised, 1);
	aps_mail_free_chain(aps_mailbox_drain(mb));
	assert_int_equal(aps_mailbox_send(mb, make(&item_kind, 0, 3, 60)), APS_OK);
	aps_mailbox_free(mb);
	assert_int_equal(atomic_load(&n_freed), 5);
}

static void a_full_mailbox_takes_what_is_owed(void **state)
{
	(void)state;
	struct aps_mailbox *mb = aps_mailbox_new((struct aps_mailbox_limits){1, 100}, no_wakeup);
	assert_int_equal(aps_mailbox_send(mb, make(&item_kind, 0, 0, 60)), APS_OK);
	assert_int_equal(aps_mailbox_send_owed(mb, make(&item_kind, 0, 1, 60)), APS_OK);
	assert_int_equal(aps_mailbox_n_items(mb), 2);
	assert_int_equal(aps_mailbox_send(mb, make(&item_kind, 0, 2, 0)), APS_E_TOO_BIG);
	aps_mail_free_chain(aps_mailbox_close(mb));
	assert_int_equal(aps_mailbox_send_owed(mb, make(&item_kind, 0, 3, 0)), APS_E_CLOSED);
	aps_mailbox_free(mb);
}

static void what_is_above_the_bound_passes_when_the_mailbox_is_empty(void **state)
{
	(void)state;
	struct aps_mailbox *mb = aps_mailbox_new((struct aps_mailbox_limits){0, 100}, no_wakeup);
	assert_int_equal(aps_mailbox_send(mb, make(&item_kind, 0, 0, 5000)), APS_OK);
	assert_int_equal(aps_mailbox_send(mb, make(&item_kind, 0, 1, 1)), APS_E_TOO_BIG);
	aps_mailbox_free(mb);
}

static void a_closed_mailbox_frees_what_is_sent_and_returns_what_was_left(void **state)
{
	(void)state;
	size_t live = aps_mem_live();
	struct aps_mailbox *mb = aps_mailbox_new(unbounded, no_wakeup);
	aps_mailbox_send(mb, make(&item_kind, 0, 0, 0));
	struct aps_mail *left = aps_mailbox_close(mb);
	assert_non_null(left);
	assert_null(left->next);
	aps_mail_free_chain(left);
	assert_int_equal(aps_mailbox_send(mb, make(&item_kind, 0, 1, 0)), APS_E_CLOSED);
	assert_int_equal(aps_mailbox_send(mb, make(&item_kind, 0, 2, 0)), APS_E_CLOSED);
	assert_int_equal(atomic_load(&n_freed), 3);
	assert_null(aps_mailbox_close(mb));
	aps_mailbox_free(mb);
	assert_int_equal(aps_mem_live(), live);
}

static void new_tells_when_memory_is_out(void **state)
{
	(void)state;
	aps_mem_fail_at(1);
	assert_null(aps_mailbox_new(unbounded, no_wakeup));
	aps_mem_fail_at(0);
	aps_mailbox_free(NULL);
}

enum { N_PRODUCERS = 4, N_EACH = 5000 };

struct stress {
	struct aps_mailbox *mb;
	struct aps_wake wake;
	int producer;
};

static void raise_wake(void *context)
{
	aps_wake_raise(context);
}

static void produce(void *context, const struct aps_thread *self APS_UNUSED)
{
	struct stress *stress = context;
	for (int i = 0; i < N_EACH; i += 2) {
		struct aps_mail *mail = make(&item_kind, stress->producer, i, 1);
		if (i % 4 == 0) { /* now a chain, now two single ones */
			mail->next = make(&item_kind, stress->producer, i + 1, 1);
			aps_mailbox_send(stress->mb, mail);
		} else {
			aps_mailbox_send(stress->mb, mail);
			aps_mailbox_send(stress->mb, make(&item_kind, stress->producer, i + 1, 1));
		}
	}
}

static void many_producers_lose_no_operation_and_no_wake_up(void **state)
{
	(void)state;
	struct stress stress[N_PRODUCERS];
	struct aps_thread *threads[N_PRODUCERS];
	struct aps_wake wake;
	assert_int_equal(aps_wake_init(&wake, NULL), APS_OK);
	struct aps_mailbox *mb = aps_mailbox_new(unbounded, (struct aps_wakeup){raise_wake, &wake});
	for (int i = 0; i < N_PRODUCERS; i++) {
		stress[i] = (struct stress){.mb = mb, .producer = i};
		threads[i] = aps_thread_start("producer", produce, &stress[i], NULL);
		assert_non_null(threads[i]);
	}
	int next[N_PRODUCERS] = {0};
	int n_seen = 0;
	while (n_seen < N_PRODUCERS * N_EACH) {
		assert_true(aps_wake_wait(&wake, 30000)); /* a lost wake-up would end here */
		aps_wake_lower(&wake);
		struct aps_mail *chain = aps_mailbox_drain(mb);
		for (struct aps_mail *mail = chain; mail; mail = mail->next, n_seen++)
			assert_int_equal(item_of(mail)->number, next[item_of(mail)->producer]++);
		aps_mail_free_chain(chain);
	}
	for (int i = 0; i < N_PRODUCERS; i++) assert_true(aps_thread_join(threads[i], 30000));
	assert_int_equal(atomic_load(&n_freed), N_PRODUCERS * N_EACH);
	aps_mailbox_free(mb);
	aps_wake_clear(&wake);
}

static void closing_under_producers_answers_each_operation_once(void **state)
{
	(void)state;
	struct stress stress[N_PRODUCERS];
	struct aps_thread *threads[N_PRODUCERS];
	struct aps_mailbox *mb = aps_mailbox_new((struct aps_mailbox_limits){64, 0}, no_wakeup);
	for (int i = 0; i < N_PRODUCERS; i++) {
		stress[i] = (struct stress){.mb = mb, .producer = i};
		threads[i] = aps_thread_start("producer", produce, &stress[i], NULL);
		assert_non_null(threads[i]);
	}
	aps_mail_free_chain(aps_mailbox_drain(mb));
	aps_mail_free_chain(aps_mailbox_close(mb));
	for (int i = 0; i < N_PRODUCERS; i++) assert_true(aps_thread_join(threads[i], 30000));
	assert_int_equal(atomic_load(&n_freed), N_PRODUCERS * N_EACH);
	assert_null(aps_mailbox_drain(mb));
	aps_mailbox_free(mb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(drains_in_the_order_of_sending, reset),
	        cmocka_unit_test_setup(raises_the_wake_once_per_change_from_empty, reset),
	        cmocka_unit_test_setup(a_chain_keeps_its_place_between_single_sends, reset),
	        cmocka_unit_test_setup(a_full_mailbox_frees_what_it_refuses, reset),
	        cmocka_unit_test_setup(a_full_mailbox_takes_what_is_owed, reset),
	        cmocka_unit_test_setup(what_is_above_the_bound_passes_when_the_mailbox_is_empty, reset),
	        cmocka_unit_test_setup(a_closed_mailbox_frees_what_is_sent_and_returns_what_was_left, reset),
	        cmocka_unit_test_setup(new_tells_when_memory_is_out, reset),
	        cmocka_unit_test_setup(many_producers_lose_no_operation_and_no_wake_up, reset),
	        cmocka_unit_test_setup(closing_under_producers_answers_each_operation_once, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
