#include "client/window.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Only what a window uses of the core: its events. */
struct world {
	struct aps_core core;
	struct aps_bytes *bytes;
	struct aps_err err;
	size_t n_live;
};

static void begin(struct world *world)
{
	*world = (struct world){.n_live = aps_mem_live()};
	world->core.events_tail = &world->core.events_head;
	world->bytes = aps_bytes_new(100);
	assert_non_null(world->bytes);
}

static void finish(struct world *world, struct aps_window *window)
{
	aps_window_clear(window);
	aps_mail_free_chain(world->core.events_head);
	aps_bytes_unref(world->bytes);
	assert_int_equal(aps_mem_live(), world->n_live);
}

static struct aps_window *make(struct aps_window *window, enum aps_overflow overflow, size_t max_items,
                               size_t max_bytes)
{
	struct aps_window_limits limits = {overflow, max_items, max_bytes, false};
	aps_window_init(window, 1, &limits);
	return window;
}

/* The nth event is told apart by where its payload begins. */
static enum aps_consumer_verdict offer(struct world *world, struct aps_window *window, size_t nth, size_t n_bytes)
{
	struct aps_str payload = {world->bytes->p + nth, n_bytes};
	return aps_window_offer(&world->core, window, world->bytes, payload, &world->err);
}

/* Takes one event that was handed over; its number, or -1 when there is none. */
static int take(struct world *world, uint64_t *n_dropped)
{
	struct aps_mail *mail = world->core.events_head;
	if (mail == NULL) return -1;
	world->core.events_head = mail->next;
	if (mail->next == NULL) world->core.events_tail = &world->core.events_head;
	mail->next = NULL;
	struct aps_data_event *event = (struct aps_data_event *)mail;
	int nth = (int)(event->payload.p - world->bytes->p);
	if (n_dropped != NULL) *n_dropped = event->n_dropped;
	mail->kind->free_mail(mail);
	return nth;
}

static void pause_hands_a_buffer_over_and_keeps_back_what_comes_on_top(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct aps_window own, *window = make(&own, APS_OVERFLOW_PAUSE, 4, 1000);
	for (size_t i = 0; i < 4; i++) {
		assert_false(aps_window_is_lagging(window));
		assert_int_equal(offer(&world, window, i, 1), APS_CONSUMER_OK);
	}
	assert_true(aps_window_is_lagging(window));
	for (size_t i = 4; i < 9; i++) assert_int_equal(offer(&world, window, i, 1), APS_CONSUMER_OK);
	for (int i = 0; i < 4; i++) assert_int_equal(take(&world, NULL), i);
	assert_int_equal(take(&world, NULL), -1);
	aps_window_consumed(&world.core, window, 3);
	for (int i = 4; i < 7; i++) assert_int_equal(take(&world, NULL), i);
	assert_int_equal(take(&world, NULL), -1);
	assert_true(aps_window_is_lagging(window));
	aps_window_consumed(&world.core, window, 4);
	for (int i = 7; i < 9; i++) assert_int_equal(take(&world, NULL), i);
	assert_false(aps_window_is_lagging(window));
	assert_int_equal(window->n_dropped, 0);
	finish(&world, window);
}

static void pause_asks_to_stop_reading_when_so_many_events_are_kept_back(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct aps_window own, *window = make(&own, APS_OVERFLOW_PAUSE, 1, 1000);
	size_t n = 0;
	while (offer(&world, window, 0, 1) == APS_CONSUMER_OK) n++;
	assert_int_equal(n, 8192);
	/* What was read before the socket stopped is not lost. */
	assert_int_equal(offer(&world, window, 0, 1), APS_CONSUMER_FULL);
	assert_int_equal(window->n_kept, 8193);
	for (size_t i = 0; i < 4096; i++) aps_window_consumed(&world.core, window, 1);
	assert_false(aps_window_has_room(window));
	aps_window_consumed(&world.core, window, 1);
	assert_true(aps_window_has_room(window)); /* at half of that */
	finish(&world, window);
}

static void pause_asks_to_stop_reading_when_so_many_bytes_are_kept_back(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct aps_bytes *large = aps_bytes_new(1024 * 1024);
	assert_non_null(large);
	struct aps_window own, *window = make(&own, APS_OVERFLOW_PAUSE, 1, 1000);
	struct aps_str payload = {large->p, large->n};
	for (int i = 0; i < 2; i++)
		assert_int_equal(aps_window_offer(&world.core, window, large, payload, &world.err), APS_CONSUMER_OK);
	assert_int_equal(aps_window_offer(&world.core, window, large, payload, &world.err), APS_CONSUMER_FULL);
	aps_bytes_unref(large);
	finish(&world, window);
}

static void states_wait_behind_the_events_that_are_kept_back(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct aps_window own, *window = make(&own, APS_OVERFLOW_PAUSE, 2, 1000);
	for (size_t i = 0; i < 3; i++) offer(&world, window, i, 1);
	window->n_dropped = 5;
	struct aps_note_event *note = aps_note_event_new(APS_EVENT_SUB_STATE, 1, "reconnecting", NULL);
	assert_non_null(note);
	aps_window_note(&world.core, window, note);
	assert_int_equal(note->number, 5);
	assert_int_equal(take(&world, NULL), 0);
	assert_int_equal(take(&world, NULL), 1);
	assert_null(world.core.events_head);
	aps_window_consumed(&world.core, window, 2);
	assert_int_equal(take(&world, NULL), 2);
	assert_ptr_equal(world.core.events_head, &note->head.mail);
	/* With nothing before it, it goes at once; so it does where nothing may hold it up. */
	note = aps_note_event_new(APS_EVENT_SUB_STATE, 1, "subscribed", NULL);
	aps_window_note(&world.core, window, note);
	assert_ptr_equal(world.core.events_tail, &note->head.mail.next);
	finish(&world, window);
}

static void what_is_kept_back_holds_no_large_block(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct aps_bytes *block = aps_bytes_new(100000);
	assert_non_null(block);
	memset(block->p, 'x', 100000);
	size_t n_live = aps_mem_live();
	struct aps_window own, *window = make(&own, APS_OVERFLOW_PAUSE, 1, 1000);
	struct aps_str payload = {block->p + 50, 10};
	for (int i = 0; i < 2; i++) aps_window_offer(&world.core, window, block, payload, &world.err);
	assert_ptr_equal(((struct aps_data_event *)world.core.events_head)->bytes, block);
	const struct aps_data_event *kept = (const struct aps_data_event *)window->kept_head;
	assert_ptr_not_equal(kept->bytes, block);
	assert_memory_equal(kept->payload.p, "xxxxxxxxxx", 10);
	aps_mem_fail_at(2); /* the event, then its own bytes */
	assert_int_equal(aps_window_offer(&world.core, window, block, payload, &world.err), APS_CONSUMER_OK);
	aps_mem_fail_at(0);
	assert_true(aps_mem_live() > n_live);
	aps_bytes_unref(block);
	finish(&world, window);
}

static void a_full_one_has_room_again_at_half_its_buffer(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct aps_window own, *window = make(&own, APS_OVERFLOW_PAUSE, 4, 1000);
	for (size_t i = 0; i < 4; i++) offer(&world, window, i, 1);
	assert_false(aps_window_has_room(window));
	aps_window_consumed(&world.core, window, 1);
	assert_false(aps_window_has_room(window));
	aps_window_consumed(&world.core, window, 1);
	assert_true(aps_window_has_room(window));
	finish(&world, window);
}

static void bytes_count_as_well_as_events(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct aps_window own, *window = make(&own, APS_OVERFLOW_PAUSE, 100, 10);
	assert_int_equal(offer(&world, window, 0, 6), APS_CONSUMER_OK);
	assert_false(aps_window_is_lagging(window));
	assert_int_equal(offer(&world, window, 1, 4), APS_CONSUMER_OK);
	assert_true(aps_window_is_lagging(window));
	assert_false(aps_window_has_room(window));
	aps_window_consumed(&world.core, window, 1);
	assert_true(aps_window_has_room(window));
	finish(&world, window);
}

static void more_consumed_than_was_handed_over_is_no_more_than_all(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct aps_window own, *window = make(&own, APS_OVERFLOW_PAUSE, 4, 1000);
	offer(&world, window, 0, 5);
	aps_window_consumed(&world.core, window, SIZE_MAX);
	assert_int_equal(window->n_out, 0);
	assert_int_equal(window->out_bytes, 0);
	finish(&world, window);
}

static void sizes_stay_right_while_their_ring_wraps_and_grows(void **state)
{
	(void)state;
	struct world world;
	size_t expected = 0;
	begin(&world);
	struct aps_window own, *window = make(&own, APS_OVERFLOW_PAUSE, 1000, SIZE_MAX);
	for (size_t i = 0; i < 60; i++) offer(&world, window, 0, 1);
	aps_window_consumed(&world.core, window, 50);
	for (size_t i = 0; i < 90; i++) offer(&world, window, 0, i);
	for (size_t i = 0; i < 90; i++) expected += i;
	assert_int_equal(window->out_bytes, 10 + expected);
	aps_window_consumed(&world.core, window, 10);
	for (size_t i = 0; i < 90; i++) {
		assert_int_equal(window->out_bytes, expected);
		aps_window_consumed(&world.core, window, 1);
		expected -= i;
	}
	assert_int_equal(window->out_bytes, 0);
	finish(&world, window);
}

static void error_ends_with_overflow_once_the_buffer_is_full(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct aps_window own, *window = make(&own, APS_OVERFLOW_ERROR, 2, 1000);
	assert_int_equal(offer(&world, window, 0, 1), APS_CONSUMER_OK);
	assert_int_equal(offer(&world, window, 1, 1), APS_CONSUMER_OK);
	assert_int_equal(offer(&world, window, 2, 1), APS_CONSUMER_FAILED);
	assert_string_equal(aps_err_word(&world.err), "overflow");
	assert_int_equal(take(&world, NULL), 0);
	assert_int_equal(take(&world, NULL), 1);
	assert_int_equal(take(&world, NULL), -1);
	finish(&world, window);
}

static void drop_oldest_keeps_the_newest_and_counts_what_it_dropped(void **state)
{
	(void)state;
	struct world world;
	uint64_t n_dropped = 99;
	begin(&world);
	struct aps_window own, *window = make(&own, APS_OVERFLOW_DROP_OLDEST, 4, 1000);
	/* Two are handed over at once, two are kept; later ones push the older of these out. */
	for (size_t i = 0; i < 10; i++) assert_int_equal(offer(&world, window, i, 1), APS_CONSUMER_OK);
	assert_int_equal(take(&world, &n_dropped), 0);
	assert_int_equal(n_dropped, 0);
	assert_int_equal(take(&world, NULL), 1);
	assert_int_equal(take(&world, NULL), -1);
	assert_int_equal(window->n_dropped, 6);
	aps_window_consumed(&world.core, window, 2);
	assert_int_equal(take(&world, &n_dropped), 8);
	assert_int_equal(n_dropped, 6);
	assert_int_equal(take(&world, NULL), 9);
	assert_int_equal(take(&world, NULL), -1);
	finish(&world, window);
}

static void drop_oldest_with_a_buffer_of_one_ends_with_the_newest(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct aps_window own, *window = make(&own, APS_OVERFLOW_DROP_OLDEST, 1, 1000);
	for (size_t i = 0; i < 5; i++) assert_int_equal(offer(&world, window, i, 1), APS_CONSUMER_OK);
	assert_int_equal(take(&world, NULL), 0);
	aps_window_consumed(&world.core, window, 1);
	assert_int_equal(take(&world, NULL), 4);
	assert_int_equal(window->n_dropped, 3);
	finish(&world, window);
}

static void what_was_kept_goes_out_before_the_end(void **state)
{
	(void)state;
	struct world world;
	uint64_t n_dropped;
	begin(&world);
	struct aps_window own, *window = make(&own, APS_OVERFLOW_DROP_OLDEST, 2, 1000);
	for (size_t i = 0; i < 4; i++) offer(&world, window, i, 1);
	aps_window_flush(&world.core, window);
	assert_int_equal(take(&world, NULL), 0);
	assert_int_equal(take(&world, &n_dropped), 3);
	assert_int_equal(n_dropped, 2);
	assert_int_equal(take(&world, NULL), -1);
	finish(&world, window);
}

static void big_integers_are_told_with_each_event(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct aps_window own, *window = make(&own, APS_OVERFLOW_PAUSE, 4, 1000);
	window->limits.big_integers_as_text = true;
	offer(&world, window, 0, 1);
	assert_true(((struct aps_data_event *)world.core.events_head)->big_integers_as_text);
	finish(&world, window);
}

static void each_lack_of_memory_ends_it_and_loses_nothing_silently(void **state)
{
	(void)state;
	for (size_t nth = 1; nth <= 2; nth++) {
		struct world world;
		begin(&world);
		struct aps_window own, *window = make(&own, APS_OVERFLOW_PAUSE, 4, 1000);
		aps_mem_fail_at(nth); /* the event, then the ring of sizes */
		assert_int_equal(offer(&world, window, 0, 1), APS_CONSUMER_FAILED);
		assert_int_equal(world.err.code, APS_E_NOMEM);
		assert_int_equal(take(&world, NULL), -1);
		aps_mem_fail_at(0);
		finish(&world, window);
	}
}

static void what_memory_held_up_goes_out_with_the_next_event(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	struct aps_window own, *window = make(&own, APS_OVERFLOW_DROP_OLDEST, 400, 1000000);
	for (size_t i = 0; i < 64; i++) offer(&world, window, 0, 1);
	/* As if the ring had not grown: the 65th stays behind although the window has room. */
	struct aps_str payload = {world.bytes->p + 1, 1};
	struct aps_data_event *event = aps_data_event_new(1, world.bytes, payload);
	*window->kept_tail = &event->head.mail;
	window->kept_tail = &event->head.mail.next;
	window->n_kept = window->kept_bytes = 1;
	aps_mem_fail_at(1);
	aps_window_consumed(&world.core, window, 0);
	assert_int_equal(window->n_kept, 1);
	aps_mem_fail_at(0);
	offer(&world, window, 2, 1);
	assert_int_equal(window->n_kept, 0);
	for (size_t i = 0; i < 64; i++) assert_int_equal(take(&world, NULL), 0);
	assert_int_equal(take(&world, NULL), 1);
	assert_int_equal(take(&world, NULL), 2);
	finish(&world, window);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(pause_hands_a_buffer_over_and_keeps_back_what_comes_on_top),
	        cmocka_unit_test(pause_asks_to_stop_reading_when_so_many_events_are_kept_back),
	        cmocka_unit_test(pause_asks_to_stop_reading_when_so_many_bytes_are_kept_back),
	        cmocka_unit_test(states_wait_behind_the_events_that_are_kept_back),
	        cmocka_unit_test(what_is_kept_back_holds_no_large_block),
	        cmocka_unit_test(a_full_one_has_room_again_at_half_its_buffer),
	        cmocka_unit_test(bytes_count_as_well_as_events),
	        cmocka_unit_test(more_consumed_than_was_handed_over_is_no_more_than_all),
	        cmocka_unit_test(sizes_stay_right_while_their_ring_wraps_and_grows),
	        cmocka_unit_test(error_ends_with_overflow_once_the_buffer_is_full),
	        cmocka_unit_test(drop_oldest_keeps_the_newest_and_counts_what_it_dropped),
	        cmocka_unit_test(drop_oldest_with_a_buffer_of_one_ends_with_the_newest),
	        cmocka_unit_test(what_was_kept_goes_out_before_the_end),
	        cmocka_unit_test(big_integers_are_told_with_each_event),
	        cmocka_unit_test(each_lack_of_memory_ends_it_and_loses_nothing_silently),
	        cmocka_unit_test(what_memory_held_up_goes_out_with_the_next_event),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
