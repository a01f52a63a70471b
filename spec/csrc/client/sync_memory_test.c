/* A delta sync without memory: nothing is lost, nothing is left, and it ends well once there is some again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "syncing_world.h"

#define MAX_ROUNDS 40
#define STEP       3 /* one in three allocations fails */

/* What the service has: at first 1, 2 and 3; then 1 is other, 2 is deleted and 4 is new. */
static bool has_changed;

static const struct asked *what;
static bool was_second; /* the page that was served last */
static size_t nth;

static void serve(void)
{
	const struct aps_sync_run *run = world.run;
	for (int i = 0; i < 8 && run != NULL && is_asked(); i++) {
		bool is_second = run->machine.fetch.token.n != 0;
		was_second = is_second;
		if (run->fetching.query == APS_SYNC_DELTA_QUERY)
			answer_delta(has_changed ? both(both(post("1", 11, 2), deleted("2", 2)), post("4", 4, 1)) : "",
			             NULL);
		else if (is_second)
			answer_base(has_changed ? both(post("3", 3, 1), post("4", 4, 1)) : post("3", 3, 1), NULL);
		else
			answer_base(has_changed ? post("1", 11, 2) : both(post("1", 1, 1), post("2", 2, 1)), "a");
	}
}

/* The number of the next question of this kind, which is taken; 0: there is none. */
static uint64_t take_question(const char *kind)
{
	const struct aps_result_event *event = told(kind);
	struct aps_mail **at = &world.all.events;
	if (event == NULL) return 0;
	while (*at != &event->head.mail) at = &(*at)->next;
	struct aps_mail *mail = *at;
	*at = mail->next;
	mail->next = NULL;
	mail->kind->free_mail(mail);
	return world.last_question;
}

/* The functions of the application have nothing to say; the next page is by its number. */
static void answer_questions(void)
{
	uint64_t question;
	while ((question = take_question("update")) != 0) {
		struct aps_sync_answer_command *command = aps_settle_sync_command_new(7, SYNC);
		while (command == NULL) command = aps_settle_sync_command_new(7, SYNC); /* there may be none, once */
		command->cache = CACHE;
		command->question = question;
		bool has_next = what->has_page && world.run->fetching.query == APS_SYNC_BASE_QUERY && !was_second;
		while (has_next && command->more.n == 0) {
			aps_buf_clear(&command->more);
			aps_buf_init(&command->more, APS_BUF_ANY_SIZE);
			aps_buf_add_text(&command->more, "{\"page\":2}");
		}
		run_command(&command->head);
		turn();
	}
}

static void tell_if_joined(const char *state)
{
	if (world.run != NULL && world.run->hearing.is_joined) tell(state);
}

static void hear_if_joined(const char *record)
{
	if (world.run == NULL || !world.run->hearing.is_joined) return;
	if (!offer(event_of(record))) world.run->hearing.has_missed = true; /* so does the feed */
	turn();
	answer_questions();
}

static void give_headers(void)
{
	uint64_t question;
	while ((question = take_question("headers")) != 0) {
		struct aps_sync_answer_command *command = aps_sync_headers_command_new(7, SYNC);
		while (command == NULL) command = aps_sync_headers_command_new(7, SYNC);
		command->question = question;
		command->are_given = true;
		while (aps_header_list_add(&command->headers, APS_STR("x-a"), APS_STR("1"), NULL) != APS_OK) {
			aps_arena_clear(&command->arena);
			aps_header_list_init(&command->headers, &command->arena);
		}
		run_command(&command->head);
		turn();
		serve();
	}
}

static void answer_all(void)
{
	size_t n = 0;
	do {
		serve();
		give_headers();
		answer_questions();
	} while (++n < 8 && world.run != NULL && (is_asked() || told("headers") != NULL));
}

static void run_all(void)
{
	if (!try_open(what)) return;
	tell_if_joined("subscribed");
	answer_all();
	has_changed = true;
	hear_if_joined(post("1", 11, 2));
	hear_if_joined(deleted("2", 2));
	tell_if_joined("reconnecting");
	tell_if_joined("subscribed");
	answer_all();
	hear_if_joined(post("4", 4, 1));
}

/* Nobody wakes the core but its timers. */
static void rest(int64_t ms)
{
	world.ms += ms;
	stand();
	if (aps_timers_left_ms(&world.core->timers, aps_clock_mono_ms()) != 0) return;
	aps_timers_run(&world.core->timers, world.core, aps_clock_mono_ms());
	turn();
}

static bool is_at_rest(void)
{
	return world.run != NULL && phase() == APS_SYNC_LIVE && !world.run->keeping.is_busy && !is_asked() &&
	       world.run->hearing.first == NULL;
}

static void recover(void)
{
	if (world.run == NULL) open_sync(what);
	for (int i = 0; i < MAX_ROUNDS && !(is_at_rest() && i > 3); i++) {
		if (phase() == APS_SYNC_STOPPED)
			fail_msg("allocation %zu: it has stopped: %s", nth, world.run->reason.msg);
		if (world.run->hearing.is_joined && world.run->hearing.standing != APS_SYNC_STANDS) tell("subscribed");
		answer_all();
		rest(31000);
	}
	if (!is_at_rest()) fail_msg("allocation %zu: %s, %s", nth, aps_sync_phase_name(phase()), world.run->err.msg);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void assert_is_whole(void)
{
	char text[256], *words[16];
	size_t n = 0;
	snprintf(text, sizeof text, "%s", list());
	for (char *word = strtok(text, " "); word != NULL && n < 16; word = strtok(NULL, " ")) words[n++] = word;
	qsort(words, n, sizeof words[0], by_text);
	bool is_whole = n == 3 && strcmp(words[0], "1:11") == 0 && strcmp(words[1], "3:3") == 0 &&
	                strcmp(words[2], "4:4") == 0 && n_of("2") == -1;
	if (!is_whole) fail_msg("allocation %zu: %s", nth, list());
}

/* Whether none of those that were made so far has failed: one of the next ones would. */
static bool is_still_to_fail(void)
{
	bool has_failed = false;
	for (int i = 0; i < STEP && !has_failed; i++) {
		void *block = aps_malloc(1);
		has_failed = block == NULL;
		aps_free(block);
	}
	return has_failed;
}

/* What `asked` says, again and again, where one allocation fails each time. */
static void let_each_fail(const struct asked *asked, size_t first)
{
	bool is_over = false;
	what = asked;
	for (nth = first; !is_over; nth += STEP) {
		has_changed = false;
		begin();
		aps_mem_fail_at(nth);
		run_all();
		is_over = is_still_to_fail();
		aps_mem_fail_at(0);
		has_changed = true;
		recover();
		assert_is_whole();
		finish();
	}
	assert_true(nth > 300);
}

static void a_sync_is_whole_whichever_allocation_fails(void **state)
{
	(void)state;
	let_each_fail(&(struct asked){0}, 1);
}

static void so_is_one_whose_functions_are_asked(void **state)
{
	(void)state;
	let_each_fail(&(struct asked){.has_update = true, .asks_headers = true}, 2);
}

static void so_is_one_whose_pages_the_application_finds(void **state)
{
	(void)state;
	let_each_fail(&(struct asked){.has_page = true}, 3);
}

/* Nobody waits for ever: it is made with the command. */
static void the_end_of_what_can_not_begin_is_told_without_memory(void **state)
{
	(void)state;
	const struct asked asked = {.base = "{ a { id } b { id } }"};
	begin();
	for (nth = 1; nth < 60; nth++) {
		struct aps_open_sync_command *command = aps_open_sync_command_new(7, SYNC);
		assert_non_null(command);
		command->cache = CACHE;
		assert_true(fill_settings(command->settings, &asked));
		aps_mem_fail_at(nth);
		run_command(&command->head);
		turn();
		aps_mem_fail_at(0);
		if (told("end") == NULL) fail_msg("allocation %zu: its end wasn't told", nth);
		assert_true(told("end")->response.err.code != APS_OK);
		drop_events();
	}
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_sync_is_whole_whichever_allocation_fails),
	        cmocka_unit_test(so_is_one_whose_functions_are_asked),
	        cmocka_unit_test(so_is_one_whose_pages_the_application_finds),
	        cmocka_unit_test(the_end_of_what_can_not_begin_is_told_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
