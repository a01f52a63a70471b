/* A store is damaged while its queue is open: the queue finds its mutations again in the file that takes its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "offline_queue_world.h"

static void remove_damaged(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm '%s'/*damaged*", world.folder);
	assert_int_equal(system(command), 0);
}

static void put_entries(int n)
{
	int64_t owner = owner_of("ann"), number;
	for (int i = 0; i < n; i++) {
		ok(aps_outbox_next_number(db(), &number, &queue_err));
		put_entry_of(owner, number, "{\"t\":\"a\"}");
	}
	core_world_turn(&world.core);
	reopen_queue();
}

static void damage(void)
{
	struct aps_vault *vault = partition()->vault;
	aps_vault_damaged(vault, vault->place);
	core_world_turn(&world.core);
	assert_true(aps_vault_is_available(vault));
}

static void it_has_the_same_mutations_in_the_same_order(void **state)
{
	(void)state;
	put_entries(3);
	uint32_t nonce = queue->nonce;
	damage();
	assert_int_equal(value_of("SELECT count(*) FROM outbox"), 3);
	assert_int_equal(value_of("SELECT group_concat(id & 255) = '1,2,3' FROM outbox"), 1);
	assert_int_equal(queue->owner, value_of("SELECT id FROM owner WHERE identity = 'ann'"));
	assert_int_equal(queue->n_entries, 3);
	assert_int_not_equal(queue->nonce, nonce);
	remove_damaged();
}

static void what_was_being_sent_is_in_doubt(void **state)
{
	(void)state;
	put_entries(2);
	ok(aps_delivery_mark(db(), aps_entry_id(queue->owner, APS_ENTRY_API_KEY, 1), 1, 2, 1, &queue_err));
	core_world_turn(&world.core);
	damage();
	core_world_turn(&world.core);
	/* neither idempotent nor readable: it is a dead letter, and wasn't sent again */
	assert_int_equal(value_of("SELECT count(*) FROM outbox"), 1);
	assert_int_equal(value_of("SELECT id & 255 FROM dead_letter WHERE outcome = 'unknown'"), 1);
	remove_damaged();
}

static void a_mutation_without_its_layer_can_be_discarded(void **state)
{
	(void)state;
	bool is_done;
	uint64_t id = put_layer(APS_LAYER_QUEUED, "hope", "1");
	put_entry_of(owner_of("ann"), (int64_t)id, "{}");
	core_world_turn(&world.core);
	reopen_queue();
	damage();
	assert_int_equal(value_of("SELECT count(*) FROM layer"), 0);
	ok(aps_queue_discard(queue, (int64_t)id, &is_done, &queue_err));
	assert_true(is_done);
	core_world_turn(&world.core);
	assert_int_equal(value_of("SELECT count(*) FROM outbox"), 0);
	remove_damaged();
}

static void what_is_queued_afterwards_has_higher_numbers(void **state)
{
	(void)state;
	put_entries(3);
	damage();
	assert_true(put_layer(APS_LAYER_QUEUED, "hope", "1") > 3);
	core_world_turn(&world.core);
	remove_damaged();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, queue_setup, collecting_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(it_has_the_same_mutations_in_the_same_order),
	        TEST(what_was_being_sent_is_in_doubt),
	        TEST(a_mutation_without_its_layer_can_be_discarded),
	        TEST(what_is_queued_afterwards_has_higher_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
