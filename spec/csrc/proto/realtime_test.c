/* The realtime machine with an owner and a service around it: seeded schedules, failing allocations, what was recorded
 * on the wire. The traces in golden/ show single behaviours. */
#include "proto/realtime_world.h"

static void throw_something_at_it(struct world *w)
{
	uint64_t number = 1 + aps_rand_below(&w->rand, MAX_SUBS);
	const char *id = w->subs[number].id;
	char frame[300];
	static const char *const BODIES[] = {
	        "{\"type\":\"data\",\"id\":\"%s\",\"payload\":{\"data\":{}}}",
	        "{\"type\":\"error\",\"id\":\"%s\",\"payload\":{\"errors\":[{\"errorType\":\"Unauthorized\"}]}}",
	        "{\"type\":\"error\",\"id\":\"%s\",\"payload\":{\"errors\":{\"errorType\":\"LimitExceededError\"}}}",
	        "{\"type\":\"start_ack\",\"id\":\"%s\"}",
	        "{\"type\":\"ka\"}",
	        "{\"type\":\"connection_error\",\"payload\":{\"errors\":[{\"errorCode\":401}]}}",
	        "{\"type\":\"connection_error\",\"id\":\"%s\"}",
	        "{\"broken\":\"%s",
	};
	switch (aps_rand_below(&w->rand, 13)) {
	case 0: add(w, number); break;
	case 1: remove_sub(w, number); break;
	case 2: lose(w); break;
	case 3:
		aps_realtime_set_online(w->rt, aps_rand_below(&w->rand, 2) == 0, w->now_ms);
		drain(w, 0);
		break;
	case 4:
		aps_realtime_paused(w->rt, aps_rand_below(&w->rand, 2) == 0, w->now_ms);
		drain(w, 0);
		break;
	case 5:
		w->now_ms += (int64_t)aps_rand_below(&w->rand, 100000);
		aps_realtime_tick(w->rt, w->now_ms);
		drain(w, 0);
		break;
	case 12:
		aps_realtime_hint(w->rt, w->now_ms);
		drain(w, 0);
		break;
	case 6:
	case 7: {
		size_t which = aps_rand_below(&w->rand, APS_COUNTOF(BODIES));
		/* What an error ends is unknown to the service, too. */
		if ((which == 1 || which == 2) && id[0] != '\0') w->subs[number].is_known = false;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
		snprintf(frame, sizeof frame, BODIES[which], id);
#pragma GCC diagnostic pop
		if (w->is_open && (which < 4 ? w->is_acked && w->n_replies == 0 : true)) say(w, frame);
		break;
	}
	default: step(w); break;
	}
	w->now_ms += (int64_t)aps_rand_below(&w->rand, 300);
}

static void whatever_happens_all_are_served_again_in_the_end(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 150; seed++) {
		struct world w;
		world_start(&w, seed);
		print_message("seed %llu\n", (unsigned long long)seed);
		for (int i = 0; i < 400; i++) throw_something_at_it(&w);
		aps_realtime_set_online(w.rt, true, w.now_ms);
		drain(&w, 0);
		aps_realtime_paused(w.rt, false, w.now_ms);
		drain(&w, 0);
		settle(&w, 64000 * 4);
		/* A start whose refusal crossed it may be left over on the service's side; a fresh connection shows the
		 * rest. */
		lose(&w);
		settle(&w, 60000);
		assert_all_are_live(&w);
		aps_realtime_free(w.rt);
	}
	assert_int_equal(aps_mem_live(), 0);
}

static void a_day(struct world *w)
{
	add(w, 1);
	for (uint64_t i = 2; i <= MAX_SUBS; i++) add(w, i);
	settle(w, 2000);
	lose(w);
	settle(w, 2000);
	say(w, "{\"type\":\"surprise\"}");
	say(w,
	    "{\"type\":\"connection_error\",\"payload\":{\"errors\":[{\"errorCode\":401,\"message\":\"\\u0061\"}]}}");
	settle(w, 2000);
	remove_sub(w, 3);
	char frame[200];
	snprintf(frame, sizeof frame,
	         "{\"type\":\"error\",\"id\":\"%s\",\"payload\":{\"errors\":{\"message\":\"\\u0061\"}}}",
	         w->subs[4].id);
	say(w, frame);
	settle(w, 2000);
}

static void no_failing_allocation_loses_a_subscription(void **state)
{
	(void)state;
	size_t n_failed = 0;
	for (size_t nth = 1; nth < 400; nth++) {
		struct world w;
		world_init(&w, 5);
		aps_mem_fail_at(nth);
		w.rt = aps_realtime_new(&w.options, &w.rand);
		if (w.rt != NULL) {
			a_day(&w);
			aps_mem_fail_at(0);
			settle(&w, 60000);
			assert_all_are_live(&w);
			aps_realtime_free(w.rt);
		} else {
			n_failed++;
		}
		aps_mem_fail_at(0);
		assert_int_equal(aps_mem_live(), 0);
	}
	assert_int_equal(n_failed, 1);
}

/* The owner takes nothing, so that the queue itself has to grow, and can't. */
static void a_lost_action_makes_it_start_over(void **state)
{
	(void)state;
	struct world w;
	world_live(&w, 1);
	assert_all_are_live(&w);
	char frame[200];
	snprintf(frame, sizeof frame, "{\"type\":\"data\",\"id\":\"%s\",\"payload\":{\"data\":{}}}", w.subs[1].id);
	for (int i = 0; i < 32; i++) aps_realtime_text(w.rt, aps_str_of(frame), w.now_ms);
	aps_mem_fail_at(1);
	aps_realtime_text(w.rt, aps_str_of(frame), w.now_ms);
	aps_mem_fail_at(0);
	drain(&w, 0);
	assert_int_equal(w.subs[1].n_data, 32);
	assert_int_equal(w.subs[1].told, TOLD_INTERRUPTED);
	assert_int_equal(w.n_closes, 1);
	settle(&w, 2000);
	assert_all_are_live(&w);
	world_end(&w);
}

static void a_data_message_costs_no_allocation(void **state)
{
	(void)state;
	struct world w;
	world_live(&w, MAX_SUBS);
	char frame[200];
	snprintf(frame, sizeof frame, "{\"id\":\"%s\",\"type\":\"data\",\"payload\":{\"data\":{\"a\":\"\\u00e4\"}}}",
	         w.subs[2].id);
	for (int i = 0; i < 1000; i++) {
		aps_mem_fail_at(1);
		say(&w, frame);
	}
	/* The failure is still waiting for an allocation. */
	void *block = aps_malloc(1);
	assert_null(block);
	assert_int_equal(w.subs[2].n_data, 1000);
	assert_int_equal(w.n_closes, 0);
	world_end(&w);
}

static void an_id_may_be_written_with_escapes(void **state)
{
	(void)state;
	struct world w;
	world_live(&w, 1);
	char frame[200];
	snprintf(frame, sizeof frame, "{\"\\u0069d\":\"\\u00%02x%.35s\",\"type\":\"\\u0064ata\",\"payload\":{}}",
	         (unsigned)w.subs[1].id[0], w.subs[1].id + 1);
	say(&w, frame);
	assert_int_equal(w.subs[1].n_data, 1);
	/* Where memory is out for it, the message is not dropped silently: the connection starts over. */
	lose(&w);
	aps_realtime_free(w.rt);
	world_live(&w, 1);
	aps_mem_fail_at(1);
	say(&w, frame);
	aps_mem_fail_at(0);
	assert_int_equal(w.subs[1].told, TOLD_INTERRUPTED);
	settle(&w, 2000);
	assert_all_are_live(&w);
	world_end(&w);
}

/* What an error message means must not depend on whether there was memory for it. */
static void a_refusal_that_finds_no_memory_does_not_end_a_subscription(void **state)
{
	(void)state;
	struct world w;
	world_live(&w, 1);
	char frame[200];
	snprintf(frame, sizeof frame,
	         "{\"type\":\"error\",\"id\":\"%s\",\"payload\":{\"errors\":[{\"errorType\":\"Unauth\\u006frized\"}]}}",
	         w.subs[1].id);
	aps_mem_fail_at(1);
	say(&w, frame);
	aps_mem_fail_at(0);
	assert_int_equal(w.subs[1].n_ended, 0);
	assert_false(w.subs[1].is_refused);
	settle(&w, 2000);
	assert_all_are_live(&w);
	world_end(&w);
}

static void numbers_that_cannot_be_added_are_refused(void **state)
{
	(void)state;
	struct world w;
	world_start(&w, 5);
	assert_int_equal(aps_realtime_add(w.rt, 0, 0), APS_E_USAGE);
	assert_true(add(&w, 1));
	assert_int_equal(aps_realtime_add(w.rt, 1, 0), APS_E_USAGE);
	assert_int_equal(aps_realtime_n_subscriptions(w.rt), 1);
	aps_realtime_free(w.rt);
	aps_realtime_free(NULL);
}

static void what_was_queued_for_a_removed_one_is_taken_back(void **state)
{
	(void)state;
	struct world w;
	world_start(&w, 5);
	add(&w, 1);
	add(&w, 2);
	settle(&w, 2000);
	char frame[200];
	snprintf(frame, sizeof frame, "{\"type\":\"data\",\"id\":\"%s\",\"payload\":{\"data\":{}}}", w.subs[1].id);
	aps_realtime_text(w.rt, aps_str_of(frame), w.now_ms);
	remove_sub(&w, 1); /* the world fails on an action for a number that isn't added */
	assert_int_equal(w.subs[1].n_data, 0);
	assert_false(w.subs[1].is_known);
	world_end(&w);
}

static void a_service_that_drops_each_connection_is_not_hammered(void **state)
{
	(void)state;
	struct world w;
	world_start(&w, 77);
	add(&w, 1);
	for (int i = 0; i < 300; i++) {
		while (w.subs[1].told != TOLD_STARTED) {
			if (step(&w)) continue;
			int64_t at_ms = aps_realtime_deadline_ms(w.rt);
			assert_true(at_ms - w.now_ms < 3200);
			w.now_ms = at_ms;
			aps_realtime_tick(w.rt, w.now_ms);
			drain(&w, 0);
		}
		lose(&w);
	}
	/* 300 losses with a mean delay near 1.6 s. */
	assert_in_range(w.now_ms, 300 * 1200, 300 * 2000);
	world_end(&w);
}

static void a_service_that_starts_and_then_talks_nonsense_is_left_alone_for_longer(void **state)
{
	(void)state;
	struct world w;
	world_start(&w, 78);
	add(&w, 1);
	int64_t longest_ms = 0;
	for (int i = 0; i < 40; i++) {
		while (w.subs[1].told != TOLD_STARTED) {
			if (step(&w)) continue;
			int64_t at_ms = aps_realtime_deadline_ms(w.rt);
			if (at_ms - w.now_ms > longest_ms) longest_ms = at_ms - w.now_ms;
			w.now_ms = at_ms;
			aps_realtime_tick(w.rt, w.now_ms);
			drain(&w, 0);
		}
		say(&w, "nonsense");
	}
	assert_in_range(longest_ms, 30000, 60000);
	world_end(&w);
}

static void the_network_that_comes_back_makes_the_delay_short_again(void **state)
{
	(void)state;
	struct world w;
	world_start(&w, 79);
	add(&w, 1);
	for (int i = 0; i < 12; i++) {
		lose(&w);
		w.now_ms = aps_realtime_deadline_ms(w.rt);
		aps_realtime_tick(w.rt, w.now_ms);
		drain(&w, 0);
	}
	lose(&w);
	assert_true(aps_realtime_deadline_ms(w.rt) - w.now_ms > 100);
	aps_realtime_set_online(w.rt, false, w.now_ms);
	aps_realtime_set_online(w.rt, true, w.now_ms);
	drain(&w, 0);
	assert_true(w.wants_open);
	lose(&w);
	assert_true(aps_realtime_deadline_ms(w.rt) - w.now_ms < 100);
	world_end(&w);
}

/* The service has lost the start of 1, or its acknowledgement. */
static void go_unanswered(struct world *w)
{
	w->subs[1].is_known = false;
	w->n_replies = 0;
	say(w, "{\"type\":\"ka\"}");
	w->now_ms = aps_realtime_deadline_ms(w->rt);
	aps_realtime_tick(w->rt, w->now_ms);
	drain(w, 0);
}

static void a_start_that_nothing_answers_survives_each_failing_allocation(void **state)
{
	(void)state;
	for (size_t nth = 1; nth < 12; nth++) {
		struct world w;
		world_live(&w, 3);
		remove_sub(&w, 1);
		settle(&w, 100);
		add(&w, 1);
		start(&w, 1);
		w.now_ms++;
		aps_mem_fail_at(nth);
		go_unanswered(&w);
		aps_mem_fail_at(0);
		assert_int_equal(w.subs[1].n_ended, 0);
		assert_int_equal(w.subs[2].n_ended, 0);
		settle(&w, 60000);
		assert_all_are_live(&w);
		world_end(&w);
	}
}

static void an_answered_start_makes_the_unanswered_ones_forgotten(void **state)
{
	(void)state;
	struct world w;
	world_live(&w, 2);
	for (int round = 0; round < 3; round++) {
		remove_sub(&w, 1);
		settle(&w, 100);
		add(&w, 1);
		start(&w, 1);
		for (int i = 0; i < 4; i++) {
			w.now_ms++;
			go_unanswered(&w);
			assert_int_equal(w.subs[1].n_delays, i + 1);
			assert_int_equal(w.subs[1].n_ids, i);
			w.now_ms = aps_realtime_deadline_ms(w.rt);
			aps_realtime_tick(w.rt, w.now_ms);
			drain(&w, 0);
			start(&w, 1);
		}
		settle(&w, 100);
		assert_all_are_live(&w);
	}
	assert_int_equal(w.n_connects, 1);
	world_end(&w);
}

static void limit(struct world *w, int n_times)
{
	char frame[200];
	for (int i = 0; i < n_times; i++) {
		snprintf(frame, sizeof frame,
		         "{\"type\":\"error\",\"id\":\"%.36s\",\"payload\":{\"errors\":{\"errorType\":"
		         "\"LimitExceededError\"}}}",
		         w->subs[1].id);
		w->subs[1].is_known = false;
		say(w, frame);
		if (w->subs[1].n_ended != 0) return;
		w->now_ms = aps_realtime_deadline_ms(w->rt);
		aps_realtime_tick(w->rt, w->now_ms);
		drain(w, 0);
		start(w, 1);
		w->n_replies = 0;
	}
}

static void the_tries_against_the_rate_limit_begin_anew_when_it_has_lived(void **state)
{
	(void)state;
	struct world w;
	world_start(&w, 80);
	add(&w, 1);
	settle(&w, 1000);
	limit(&w, 7);
	assert_int_equal(w.subs[1].n_ended, 0);
	reply(&w, "start_ack", w.subs[1].id);
	deliver(&w);
	assert_int_equal(w.subs[1].told, TOLD_STARTED);
	w.now_ms += 10000;
	limit(&w, 7);
	assert_int_equal(w.subs[1].n_ended, 0);
	limit(&w, 1);
	assert_int_equal(w.subs[1].n_ended, 1);
	assert_string_equal(w.last_err.word, "rate_limited");
	assert_true(w.last_err.retryable);
	world_end(&w);
}

/* So that memory that is out later can't lose an end. */
static void room_for_all_endings_is_reserved_when_subscriptions_are_added(void **state)
{
	(void)state;
	struct aps_realtime_action action;
	struct world w;
	world_start(&w, 81);
	for (uint64_t i = 1; i <= 200; i++) assert_int_equal(aps_realtime_add(w.rt, i, 0), APS_OK);
	while (aps_realtime_next(w.rt, &action)) continue;
	struct aps_err err;
	aps_fail(&err, APS_E_NETWORK, "lost");
	aps_realtime_closed(w.rt, &err, 0);
	while (aps_realtime_next(w.rt, &action)) continue;
	aps_mem_fail_at(1);
	aps_realtime_fail(w.rt, &err, 0);
	/* The failure is still waiting for an allocation. */
	void *block = aps_malloc(1);
	assert_null(block);
	size_t n_ended = 0;
	while (aps_realtime_next(w.rt, &action)) {
		if (action.kind != APS_REALTIME_SUB_ENDED) continue;
		n_ended++;
		assert_string_equal(action.err->msg, "lost");
	}
	assert_int_equal(n_ended, 200);
	world_end(&w);
}

static void a_clock_that_steps_back_stands_still(void **state)
{
	(void)state;
	struct world w;
	world_start(&w, 5);
	w.now_ms = 100000;
	add(&w, 1);
	settle(&w, 1000);
	int64_t at_ms = aps_realtime_deadline_ms(w.rt);
	aps_realtime_text(w.rt, APS_STR("{\"type\":\"ka\"}"), 5);
	drain(&w, 0);
	assert_true(aps_realtime_deadline_ms(w.rt) >= at_ms);
	world_end(&w);
}

/* As Amplify's simulator said it to aws-amplify 6 and to aws-appsync 4: see the members in their order. */
static void what_was_recorded_on_the_wire_is_understood(void **state)
{
	(void)state;
	struct world w;
	world_start(&w, 5);
	add(&w, 1);
	step(&w);
	w.n_replies = 0;
	say(&w, "{\"type\":\"connection_ack\",\"payload\":{\"connectionTimeout\":300000}}");
	start(&w, 1);
	w.n_replies = 0;
	char frame[600];
	snprintf(frame, sizeof frame, "{\"type\":\"start_ack\",\"id\":\"%s\",\"payload\":{}}", w.subs[1].id);
	say(&w, frame);
	snprintf(frame, sizeof frame,
	         "{\"type\":\"data\",\"id\":\"%s\",\"payload\":{\"data\":{\"onCreateTodo\":{\"id\":\"f7f9ff5e-c2a9-"
	         "449e-9e26-"
	         "d555c1b9f597\",\"name\":\"live\",\"description\":null,\"done\":null,\"priority\":null,\"createdAt\":"
	         "\"2026-11-"
	         "20T07:02:59.528Z\",\"updatedAt\":\"2026-11-20T07:02:59.528Z\"}}}}",
	         w.subs[1].id);
	say(&w, frame);
	assert_int_equal(w.subs[1].n_data, 1);
	snprintf(frame, sizeof frame, "{\"type\":\"complete\",\"id\":\"%s\",\"payload\":{}}", w.subs[1].id);
	say(&w, frame);
	assert_int_equal(w.subs[1].n_ended, 1);
	assert_int_equal(w.n_notices, 0);
	world_end(&w);
}

static void data_before_the_acknowledgement_of_the_connection_is_noticed(void **state)
{
	(void)state;
	struct world w;
	world_start(&w, 5);
	add(&w, 1);
	w.is_open = true;
	aps_realtime_opened(w.rt, APS_STR(""), 0);
	drain(&w, 0);
	w.n_replies = 0;
	say(&w, "{\"type\":\"data\",\"id\":\"x\",\"payload\":{}}");
	say(&w, "{\"type\":\"start_ack\",\"id\":\"x\"}");
	say(&w, "{\"type\":\"complete\",\"id\":\"x\"}");
	say(&w, "{\"type\":\"error\",\"payload\":{\"errors\":[{\"message\":\"m\"}]}}");
	say(&w, "{\"type\":\"what\"}");
	assert_int_equal(w.n_notices, 5);
	say(&w, "{\"type\":\"ka\"}");
	assert_int_equal(w.n_notices, 5);
	assert_int_equal(w.n_closes, 0);
	say(&w, "{\"type\":\"error\",\"payload\":{\"errors\":[{\"errorType\":\"UnauthorizedException\"}]}}");
	assert_true(w.wants_auth);
	assert_int_equal(w.n_closes, 1);
	world_end(&w);
}

static void bytes_that_are_no_utf8_end_the_connection_as_websockets_have_it(void **state)
{
	(void)state;
	struct world w;
	struct aps_realtime_action action;
	world_start(&w, 6);
	add(&w, 1);
	w.is_open = true;
	aps_realtime_opened(w.rt, APS_STR(""), 0);
	drain(&w, 0);
	aps_realtime_text(w.rt, APS_STR("{\"type\":\"ka\",\"a\":\"\xff\"}"), 0);
	bool is_closed = false, is_told = false;
	while (aps_realtime_next(w.rt, &action)) {
		if (action.kind == APS_REALTIME_DO_CLOSE) is_closed = action.code == 1007;
		if (action.kind == APS_REALTIME_NOTICE)
			is_told = aps_str_is(action.text, "the service sent a message that is not UTF-8, at byte 18");
	}
	assert_true(is_closed);
	assert_true(is_told);
	world_end(&w);
}

static void what_it_gives_up_with_is_whole_characters(void **state)
{
	(void)state;
	static const char END[] = "; gave up after 1 attempt";
	for (size_t n_before = 0; n_before < 4; n_before++) {
		struct world w;
		struct aps_err lost;
		world_init(&w, 7);
		w.options.reconnect.n_attempts = 1;
		w.rt = aps_realtime_new(&w.options, &w.rand);
		add(&w, 1);
		w.wants_open = false;
		aps_fail(&lost, APS_E_NETWORK, "xxxx");
		for (size_t i = n_before; i + 4 < sizeof lost.msg; i += 4) memcpy(lost.msg + i, "\xf0\x9f\x8c\x8d", 5);
		aps_realtime_closed(w.rt, &lost, 0);
		drain(&w, 0);
		size_t n = strlen(w.last_err.msg);
		assert_int_equal(w.subs[1].n_ended, 1);
		assert_int_equal((n - (sizeof END - 1) - n_before) % 4, 0);
		assert_string_equal(w.last_err.msg + n - (sizeof END - 1), END);
		world_end(&w);
	}
}

static void material_that_is_missing_for_a_while_is_no_refusal(void **state)
{
	(void)state;
	struct world w;
	struct aps_realtime_action action;
	struct aps_err missing;
	world_start(&w, 8);
	add(&w, 1);
	w.wants_open = false;
	aps_fail_word(&missing, APS_E_AUTH, "token_failed", 0, "the token function raised: no network");
	missing.retryable = true;
	aps_realtime_closed(w.rt, &missing, 0);
	bool is_told = false;
	while (aps_realtime_next(w.rt, &action)) {
		assert_int_not_equal(action.kind, APS_REALTIME_AUTH_REFUSED);
		if (action.kind != APS_REALTIME_SUB_DELAYED) continue;
		is_told = true;
		assert_int_equal(action.err->code, APS_E_AUTH);
		assert_string_equal(action.err->word, "token_failed");
	}
	assert_true(is_told);
	assert_true(aps_realtime_deadline_ms(w.rt) >= 0);
	world_end(&w);
}

static void the_error_of_an_action_can_be_handed_back(void **state)
{
	(void)state;
	struct aps_realtime_action action;
	struct world w;
	world_start(&w, 5);
	add(&w, 1);
	w.wants_open = false;
	struct aps_err refused;
	aps_fail_word(&refused, APS_E_AUTH, "token_expired", 401, "told by the upgrade");
	aps_realtime_closed(w.rt, &refused, 0);
	bool is_failed = false;
	while (aps_realtime_next(w.rt, &action)) {
		if (action.kind == APS_REALTIME_AUTH_REFUSED) {
			aps_realtime_fail(w.rt, action.err, 0);
			is_failed = true;
		} else {
			act(&w, 0, &action);
		}
	}
	assert_true(is_failed);
	assert_int_equal(w.subs[1].n_ended, 1);
	assert_string_equal(w.last_err.msg, "told by the upgrade");
	assert_string_equal(w.last_err.word, "token_expired");
	world_end(&w);
}

/* Says a frame; the payload of the action of this kind that follows from it, empty where there is none. */
static struct aps_str payload_after(struct world *w, const char *frame, enum aps_realtime_action_kind kind)
{
	struct aps_str found = APS_STR("");
	struct aps_realtime_action action;
	aps_realtime_text(w->rt, aps_str_of(frame), w->now_ms);
	while (aps_realtime_next(w->rt, &action)) {
		if (action.kind == kind) found = action.payload;
		act(w, 0, &action);
	}
	return found;
}

static void the_services_errors_come_with_an_end_and_a_refusal_that_they_caused(void **state)
{
	(void)state;
	struct world w;
	char frame[300];
	world_live(&w, 3);
	snprintf(frame, sizeof frame,
	         "{\"type\":\"error\",\"id\":\"%.36s\",\"payload\":{\"errors\":{\"message\":\"m\"}}}", w.subs[1].id);
	assert_true(aps_str_is(payload_after(&w, frame, APS_REALTIME_SUB_ENDED), "{\"message\":\"m\"}"));
	snprintf(frame, sizeof frame,
	         "{\"type\":\"error\",\"id\":\"%.36s\",\"payload\":{\"errors\":[{\"errorType\":\"Unauthorized\"}]}}",
	         w.subs[2].id);
	assert_true(
	        aps_str_is(payload_after(&w, frame, APS_REALTIME_AUTH_REFUSED), "[{\"errorType\":\"Unauthorized\"}]"));
	snprintf(frame, sizeof frame, "{\"type\":\"complete\",\"id\":\"%.36s\"}", w.subs[3].id);
	assert_int_equal(payload_after(&w, frame, APS_REALTIME_SUB_ENDED).n, 0);
	assert_true(aps_str_is(
	        payload_after(&w, "{\"type\":\"connection_error\",\"payload\":{\"errors\":[{\"errorCode\":401}]}}",
	                      APS_REALTIME_AUTH_REFUSED),
	        "[{\"errorCode\":401}]"));
	world_end(&w);
}

static void the_defaults_are_those_of_the_documents(void **state)
{
	(void)state;
	struct aps_realtime_options o;
	aps_realtime_options_init(&o);
	assert_int_equal(o.protocol, APS_REALTIME_APPSYNC);
	assert_int_equal(o.connect_timeout_ms, 10000);
	assert_int_equal(o.ack_timeout_ms, 15000);
	assert_int_equal(o.keep_alive_ms, 300000);
	assert_int_equal(o.keep_alive_alert_ms, 65000);
	assert_int_equal(o.idle_close_ms, 1000);
	assert_int_equal(o.reconnect.base_ms, 100);
	assert_int_equal(o.reconnect.cap_ms, 60000);
	assert_int_equal(o.reconnect.n_attempts, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(whatever_happens_all_are_served_again_in_the_end),
	        cmocka_unit_test(no_failing_allocation_loses_a_subscription),
	        cmocka_unit_test(a_lost_action_makes_it_start_over),
	        cmocka_unit_test(a_data_message_costs_no_allocation),
	        cmocka_unit_test(an_id_may_be_written_with_escapes),
	        cmocka_unit_test(a_refusal_that_finds_no_memory_does_not_end_a_subscription),
	        cmocka_unit_test(numbers_that_cannot_be_added_are_refused),
	        cmocka_unit_test(what_was_queued_for_a_removed_one_is_taken_back),
	        cmocka_unit_test(a_service_that_drops_each_connection_is_not_hammered),
	        cmocka_unit_test(a_service_that_starts_and_then_talks_nonsense_is_left_alone_for_longer),
	        cmocka_unit_test(the_network_that_comes_back_makes_the_delay_short_again),
	        cmocka_unit_test(a_start_that_nothing_answers_survives_each_failing_allocation),
	        cmocka_unit_test(an_answered_start_makes_the_unanswered_ones_forgotten),
	        cmocka_unit_test(the_tries_against_the_rate_limit_begin_anew_when_it_has_lived),
	        cmocka_unit_test(room_for_all_endings_is_reserved_when_subscriptions_are_added),
	        cmocka_unit_test(a_clock_that_steps_back_stands_still),
	        cmocka_unit_test(what_was_recorded_on_the_wire_is_understood),
	        cmocka_unit_test(data_before_the_acknowledgement_of_the_connection_is_noticed),
	        cmocka_unit_test(bytes_that_are_no_utf8_end_the_connection_as_websockets_have_it),
	        cmocka_unit_test(what_it_gives_up_with_is_whole_characters),
	        cmocka_unit_test(material_that_is_missing_for_a_while_is_no_refusal),
	        cmocka_unit_test(the_error_of_an_action_can_be_handed_back),
	        cmocka_unit_test(the_services_errors_come_with_an_end_and_a_refusal_that_they_caused),
	        cmocka_unit_test(the_defaults_are_those_of_the_documents),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
