/* What is durable of a mutation while the application is asked for what it needs to be sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_world.h"

#define SOON 50
#define LATE 150

static void open_asking(uint64_t cache)
{
	struct aps_queue_settings settings;
	make_queue_settings(&settings);
	settings.asks_headers = true;
	open_queue_with(cache, &settings);
	turn();
	drop_events();
}

static void begin_asking(void)
{
	begin();
	open_asking(CACHE);
}

/* In the store: -1: there is no row. */
static int64_t n_marked(void)
{
	int64_t n;
	assert_int_equal(
	        aps_db_read_int(aps_queue_db(world.queue), "SELECT coalesce(sum(sending), -1) FROM delivery", &n, NULL),
	        APS_OK);
	return n;
}

static void give_headers(void)
{
	struct aps_queue_answer_command *command = aps_queue_headers_command_new(7, CACHE);
	command->entry = world.queue->outbox.items->number;
	command->is_given = true;
	assert_int_equal(aps_header_list_add(&command->headers, APS_STR("x-a"), APS_STR("1"), NULL), APS_OK);
	run_command(&command->head);
	turn();
}

static void headers_that_come_soon_cost_no_commit(void **state)
{
	(void)state;
	begin_asking();
	enqueue_n(1);
	turn();
	assert_null(under_way());
	let_time_pass(SOON);
	assert_int_equal(n_marked(), 1);
	give_headers();
	assert_has(body_of(under_way()), "\"n\":1");
	let_time_pass(LATE);
	assert_int_equal(n_marked(), 1); /* it is being sent */
	answer(200, DONE);
	turn();
	finish();
}

static void a_mutation_that_waits_for_headers_is_not_marked_as_being_sent_until_they_come(void **state)
{
	(void)state;
	begin_asking();
	enqueue_n(1);
	turn();
	let_time_pass(LATE);
	assert_int_equal(n_marked(), 0);
	assert_null(under_way());
	give_headers();
	assert_int_equal(n_marked(), 1);
	assert_has(body_of(under_way()), "\"n\":1");
	restart();
	assert_null(under_way()); /* it may have been executed */
	assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "\"outcome\":\"unknown\"");
	finish();
}

static void where_it_cannot_be_marked_it_is_not_sent(void **state)
{
	(void)state;
	begin_asking();
	enqueue_n(1);
	turn();
	let_time_pass(LATE);
	faulty_vfs_set("full=0");
	give_headers();
	assert_null(under_way());
	assert_int_equal(n_requests(), 0);
	faulty_vfs_set("full=off");
	drop_events();
	aps_vault_retry(world.queue->vault, aps_clock_mono_ms());
	for (int i = 0; i < 5 && count_queue_events("\"what\":\"headers\"", NULL) == 0; i++) let_time_pass(5000);
	give_headers();
	assert_has(body_of(under_way()), "\"n\":1");
	assert_int_equal(n_marked(), 1);
	answer(200, DONE);
	turn();
	assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
	finish();
}

/* There is no room for the news that it isn't being sent. */
static void be_late_on_a_full_disk(void)
{
	faulty_vfs_set("full=0");
	let_time_pass(LATE);
	faulty_vfs_set("full=off");
	aps_vault_retry(world.queue->vault, aps_clock_mono_ms());
	turn();
	assert_int_equal(n_marked(), 1);
}

static void what_is_changed_meanwhile_was_not_sent_whatever_the_store_says(void **state)
{
	(void)state;
	begin_asking();
	enqueue_n(1);
	turn();
	char id[40];
	snprintf(id, sizeof id, "%s", id_of(world.queue->outbox.items->number));
	be_late_on_a_full_disk();
	assert_string_equal(ask(APS_QUEUE_ASK_EDIT, id, "{\"n\":2}"), "true");
	assert_string_equal(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "[]");
	give_headers();
	assert_has(body_of(under_way()), "\"n\":2");
	finish();
}

static void what_is_adopted_meanwhile_was_not_sent_whatever_the_store_says(void **state)
{
	(void)state;
	begin_asking();
	open_cache(OTHER_CACHE, "guest");
	open_asking(OTHER_CACHE);
	enqueue(&(struct asked){.cache = OTHER_CACHE});
	turn();
	be_late_on_a_full_disk();
	assert_string_equal(ask(APS_QUEUE_ASK_ADOPT, "guest", NULL), "1");
	assert_string_equal(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "[]");
	give_headers();
	assert_has(body_of(under_way()), "\"n\":1");
	finish();
}

/* That it was executed isn't ruled out by asking. */
static void what_is_in_doubt_stays_marked(void **state)
{
	(void)state;
	begin();
	enqueue(&(struct asked){.is_idempotent = true});
	turn();
	assert_non_null(under_way());
	restart_without_a_queue();
	struct aps_queue_settings settings;
	make_queue_settings(&settings);
	settings.asks_headers = true;
	open_queue_with(CACHE, &settings);
	world.queue = aps_queueing_find(world.core, world.client, CACHE);
	turn();
	assert_int_equal(count_queue_events("\"what\":\"headers\"", NULL), 1);
	let_time_pass(LATE);
	assert_int_equal(n_marked(), 1);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(headers_that_come_soon_cost_no_commit),
	        cmocka_unit_test(a_mutation_that_waits_for_headers_is_not_marked_as_being_sent_until_they_come),
	        cmocka_unit_test(where_it_cannot_be_marked_it_is_not_sent),
	        cmocka_unit_test(what_is_changed_meanwhile_was_not_sent_whatever_the_store_says),
	        cmocka_unit_test(what_is_adopted_meanwhile_was_not_sent_whatever_the_store_says),
	        cmocka_unit_test(what_is_in_doubt_stays_marked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
