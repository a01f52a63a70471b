/* Whose turn it is: an answer waits for an earlier one that names the same id, and looks for that among so many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/queue_turn.h"
#include "queue_world.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#define NAMED(id) "{\"variables\":{\"input\":{\"id\":\"" id "\"}}}"

static void add_outcomes(int n)
{
	struct aps_err err;
	assert_int_equal(aps_queue_begin(world.queue, true, &err), APS_OK);
	for (int i = 0; i < n; i++) {
		struct aps_kept_outcome outcome = {.owner = world.queue->owner, .content = APS_STR(NAMED("other"))};
		assert_int_equal(aps_outcomes_add(aps_queue_db(world.queue), &outcome, &err), APS_OK);
	}
	turn();
}

/* One that is answered, and that the application doesn't put into the cache; behind so many others that nobody was told
 * of. */
static void stand_behind(int n)
{
	static const char VARIABLES[] = "{\"input\":{\"id\":\"t1\",\"n\":1}}";
	static const char DATA[] = "{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":1}}";
	begin();
	uint64_t call = enqueue_n(1);
	turn();
	answer(200, DONE);
	turn();
	free_result(result_of(call));
	world.queue->vault->has_others = true;
	add_outcomes(n);
	call = enqueue(&(struct asked){.document = CREATE,
	                               .variables = VARIABLES,
	                               .has_update = true,
	                               .edits = make_edits(CREATE, VARIABLES, DATA)});
	turn();
	answer(200, "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":1}}}");
	turn();
	free_result(result_of(call));
}

static bool must_wait(const char *content)
{
	const struct aps_kept_outcome outcome = {.number = INT64_MAX, .content = aps_str_of(content)};
	return aps_queue_turn_is_others(world.queue, &outcome);
}

static void it_is_that_of_an_earlier_one_that_names_the_same_id(void **state)
{
	(void)state;
	stand_behind(3);
	assert_true(aps_vault_is_shared(world.queue->vault));
	assert_true(must_wait(NAMED("t1")));
	assert_false(must_wait(NAMED("t2")));
	assert_false(must_wait(NAMED("other"))); /* those have nothing to put into the cache */
	world.queue->vault->has_others = false;
	assert_false(must_wait(NAMED("t1")));
	finish();
}

/* Until this process has looked at what the dead have left, that isn't its own. */
static void it_is_that_of_one_whose_process_has_just_died(void **state)
{
	(void)state;
	stand_behind(3);
	world.queue->vault->has_others = false;
	world.queue->leads = false;
	assert_true(must_wait(NAMED("t1")));
	assert_false(must_wait(NAMED("t2")));
	world.queue->leads = true;
	world.queue->has_foreign = true;
	assert_true(must_wait(NAMED("t1")));
	world.queue->has_foreign = false;
	assert_false(must_wait(NAMED("t1")));
	finish();
}

static void and_not_for_longer_than_two_seconds(void **state)
{
	(void)state;
	stand_behind(3);
	int64_t now_ms = aps_clock_mono_ms();
	assert_true(must_wait(NAMED("t1")));
	aps_clock_stand(now_ms + APS_QUEUE_TURN_MS - 1, 0);
	assert_true(must_wait(NAMED("t1")));
	aps_clock_stand(now_ms + APS_QUEUE_TURN_MS, 0);
	assert_false(must_wait(NAMED("t1")));
	assert_false(must_wait(NAMED("t1")));
	finish();
}

static void of_very_many_the_first_thousand_are_looked_at(void **state)
{
	(void)state;
	stand_behind(998); /* and the one that made the outbox known */
	assert_true(must_wait(NAMED("t1")));
	finish();
	stand_behind(999);
	assert_false(must_wait(NAMED("t1")));
	finish();
}

#define LIVING 700 /* slots of processes */
#define DEAD   701

/* Another process has that slot (client/claim.h) until it is killed. */
static pid_t hold_living_slot(void)
{
	char path[128], word = '?';
	int ends[2];
	snprintf(path, sizeof path, "%s-leader", world.path);
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 64 + LIVING, .l_len = 1};
		int fd = open(path, O_RDWR);
		bool is_held = fcntl(fd, F_SETLK, &lock) == 0;
		(void)!write(ends[1], is_held ? "h" : "f", 1);
		for (;;) pause();
	}
	assert_int_equal(read(ends[0], &word, 1), 1);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(word, 'h');
	return child;
}

/* As if it were of the process with that slot: what is answered of a record, and not in the cache yet. */
static int64_t leave_answer(int by, int n)
{
	char variables[64], json[96], content[96];
	struct aps_err err;
	snprintf(variables, sizeof variables, "{\"input\":{\"id\":\"t1\",\"n\":%d}}", n);
	snprintf(json, sizeof json, "{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":%d}}", n);
	uint64_t call = enqueue(&(struct asked){.document = CREATE,
	                                        .variables = variables,
	                                        .has_update = true,
	                                        .edits = make_edits(CREATE, variables, json)});
	turn();
	snprintf(json, sizeof json, "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":%d}}}", n);
	answer(200, json);
	turn();
	struct aps_result_event *event = result_of(call);
	snprintf(content, sizeof content, "{\"by\":%d,\"variables\":%s}", by, variables);
	struct aps_kept_outcome outcome = {
	        .owner = world.queue->owner, .entry = (int64_t)event->queued.entry, .content = aps_str_of(content)};
	tell_told(event->queued.outcome); /* of its own outcome nothing is left to be done */
	turn();
	free_result(event);
	assert_int_equal(aps_queue_begin(world.queue, true, &err), APS_OK);
	assert_int_equal(aps_outcomes_add(aps_queue_db(world.queue), &outcome, &err), APS_OK);
	turn();
	return outcome.number;
}

/* It was passed by while its process lived; it is told by the one that sends, in its turn. */
static void one_that_has_died_is_told_after_an_earlier_one_that_lives(void **state)
{
	(void)state;
	begin();
	int64_t first = leave_answer(LIVING, 1), second = leave_answer(DEAD, 2);
	drop_events();
	world.queue->vault->has_others = true;
	pid_t living = hold_living_slot();
	world.queue->settled = second;
	world.queue->has_unsettled = false;
	world.queue->asked_outcome = 0;
	world.queue->has_untold = true;
	turn();
	assert_int_equal(count_queue_events("\"what\":\"outcome\"", NULL), 0);
	kill(living, SIGKILL);
	waitpid(living, NULL, 0);
	turn();
	struct aps_str data;
	char number[32];
	assert_int_equal(count_queue_events("\"what\":\"outcome\"", &data), 1);
	snprintf(number, sizeof number, "\"number\":%d,", (int)first);
	assert_non_null(aps_str_find(data, number));
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_is_that_of_an_earlier_one_that_names_the_same_id),
	        cmocka_unit_test(it_is_that_of_one_whose_process_has_just_died),
	        cmocka_unit_test(and_not_for_longer_than_two_seconds),
	        cmocka_unit_test(one_that_has_died_is_told_after_an_earlier_one_that_lives),
	        cmocka_unit_test(of_very_many_the_first_thousand_are_looked_at),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
