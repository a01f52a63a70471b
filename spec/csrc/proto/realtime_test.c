/* The realtime machine with an owner and a service around it: seeded schedules, failing allocations, what was recorded
 * on the wire. The traces in golden/ show single behaviours. */
#include "proto/realtime.h"

#include "base/buf.h"
#include "base/mem.h"
#include "proto/gqlhttp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAX_SUBS 12

enum told { TOLD_NOTHING, TOLD_STARTED, TOLD_INTERRUPTED };

struct one_sub {
	bool is_added;
	bool is_asked;   /* DO_START came and was not answered */
	bool is_refused; /* AUTH_REFUSED likewise */
	bool is_known;   /* the service has it */
	enum told told;
	char id[APS_UUID_CHARS + 1];
	int n_data, n_ended;
};

/* An owner, and a service that behaves. */
struct world {
	struct aps_rt_options options;
	struct aps_rand rand;
	struct aps_rt *rt;
	int64_t now_ms;
	bool wants_open, is_open, is_acked, wants_auth;
	struct one_sub subs[MAX_SUBS + 1];
	char replies[256][128]; /* of the service, not yet delivered */
	size_t n_replies;
	int n_connects, n_closes, n_states, n_notices;
	struct aps_err last_err;
};

static void world_init(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof *w);
	aps_rt_options_init(&w->options);
	aps_rand_init(&w->rand, seed);
}

static void service_loses_all(struct world *w)
{
	w->is_open = w->is_acked = w->wants_open = false;
	w->n_replies = 0;
	for (int i = 1; i <= MAX_SUBS; i++) w->subs[i].is_known = w->subs[i].is_asked = false;
}

static struct one_sub *sub_of_id(struct world *w, const char *id)
{
	for (int i = 1; i <= MAX_SUBS; i++)
		if (w->subs[i].id[0] != '\0' && memcmp(w->subs[i].id, id, APS_UUID_CHARS) == 0) return &w->subs[i];
	return NULL;
}

static void reply(struct world *w, const char *type, const char *id)
{
	if (w->n_replies == APS_COUNTOF(w->replies)) return;
	if (id != NULL)
		snprintf(w->replies[w->n_replies++], 128, "{\"type\":\"%s\",\"id\":\"%.36s\"}", type, id);
	else
		snprintf(w->replies[w->n_replies++], 128, "{\"type\":\"%s\"}", type);
}

static void service_receives(struct world *w, struct aps_str text)
{
	if (!w->is_open) return;
	const char *id = aps_str_find(text, "\"id\":\"");
	if (aps_str_find(text, "\"connection_init\"") != NULL) {
		reply(w, "connection_ack", NULL);
		w->is_acked = true;
	} else if (aps_str_find(text, "\"type\":\"start\"") != NULL) {
		assert_true(w->is_acked);
		struct one_sub *sub = sub_of_id(w, id + 6);
		assert_non_null(sub);
		assert_false(sub->is_known);
		sub->is_known = true;
		reply(w, "start_ack", id + 6);
	} else if (aps_str_find(text, "\"type\":\"stop\"") != NULL) {
		struct one_sub *sub = sub_of_id(w, id + 6);
		if (sub != NULL) sub->is_known = false;
		reply(w, "complete", id + 6);
	}
}

static void learn_id(struct world *w, uint64_t number, struct aps_str text)
{
	const char *id = aps_str_find(text, "\"id\":\"");
	if (id == NULL || number == 0) return;
	if (w->subs[number].id[0] == '\0') memcpy(w->subs[number].id, id + 6, APS_UUID_CHARS);
	/* The same id on every connection. */
	assert_memory_equal(w->subs[number].id, id + 6, APS_UUID_CHARS);
}

static void act_on_sub(struct world *w, const struct aps_rt_action *a)
{
	assert_in_range(a->sub, 1, MAX_SUBS);
	struct one_sub *sub = &w->subs[a->sub];
	assert_true(sub->is_added);
	switch (a->kind) {
	case APS_RT_DO_START: sub->is_asked = true; break;
	case APS_RT_SUB_STARTED:
		assert_int_equal(a->is_again, sub->told != TOLD_NOTHING);
		sub->told = TOLD_STARTED;
		break;
	case APS_RT_SUB_DATA:
		assert_int_equal(sub->told, TOLD_STARTED);
		sub->n_data++;
		break;
	case APS_RT_SUB_RECONNECTING:
		assert_int_equal(sub->told, TOLD_STARTED);
		sub->told = TOLD_INTERRUPTED;
		break;
	case APS_RT_SUB_ENDED:
		sub->is_added = sub->is_asked = sub->is_refused = false;
		sub->n_ended++;
		if (a->err != NULL) w->last_err = *a->err;
		break;
	default: sub->is_refused = true; break;
	}
}

static void act(struct world *w, uint64_t starting, const struct aps_rt_action *a)
{
	switch (a->kind) {
	case APS_RT_DO_CONNECT:
		service_loses_all(w);
		w->wants_open = true;
		w->n_connects++;
		break;
	case APS_RT_DO_SEND:
		learn_id(w, starting, a->text);
		service_receives(w, a->text);
		break;
	case APS_RT_DO_CLOSE:
		service_loses_all(w);
		w->n_closes++;
		break;
	case APS_RT_STATE:
		assert_int_not_equal(a->state, APS_CONN_STATE_COUNT);
		w->n_states++;
		break;
	case APS_RT_NOTICE:
		assert_true(a->text.n > 0);
		w->n_notices++;
		break;
	case APS_RT_AUTH_REFUSED:
		if (a->sub == 0) {
			w->wants_auth = true;
			break;
		}
		act_on_sub(w, a);
		break;
	default: act_on_sub(w, a); break;
	}
}

static void drain(struct world *w, uint64_t starting)
{
	struct aps_rt_action action;
	while (aps_rt_next(w->rt, &action)) act(w, starting, &action);
}

static void say(struct world *w, const char *frame)
{
	aps_rt_text(w->rt, aps_str_of(frame), w->now_ms);
	drain(w, 0);
}

static bool add(struct world *w, uint64_t number)
{
	struct one_sub *sub = &w->subs[number];
	if (sub->is_added) return true;
	*sub = (struct one_sub){.is_added = true};
	enum aps_rc rc = aps_rt_add(w->rt, number, w->now_ms);
	if (rc != APS_OK) {
		assert_int_equal(rc, APS_E_NOMEM);
		sub->is_added = false;
	}
	drain(w, 0);
	return sub->is_added;
}

static void remove_sub(struct world *w, uint64_t number)
{
	w->subs[number].is_added = w->subs[number].is_asked = w->subs[number].is_refused = false;
	aps_rt_remove(w->rt, number, w->now_ms);
	drain(w, 0);
}

static void start(struct world *w, uint64_t number)
{
	w->subs[number].is_asked = false;
	aps_rt_start(w->rt, number, APS_STR("{\"data\":\"{}\"}"), w->now_ms);
	drain(w, number);
}

static void lose(struct world *w)
{
	struct aps_err err;
	aps_fail_word(&err, APS_E_NETWORK, NULL, 1006, "lost");
	service_loses_all(w);
	aps_rt_closed(w->rt, &err, w->now_ms);
	drain(w, 0);
}

static void deliver(struct world *w)
{
	char frame[128];
	memcpy(frame, w->replies[0], sizeof frame);
	memmove(w->replies[0], w->replies[1], --w->n_replies * sizeof w->replies[0]);
	say(w, frame);
}

/* One step of a world in which everything answers; false: nothing is left to do but to wait. */
static bool step(struct world *w)
{
	if (w->wants_open) {
		w->wants_open = false;
		w->is_open = true;
		aps_rt_opened(w->rt, (struct aps_str){NULL, 0}, w->now_ms);
		drain(w, 0);
		return true;
	}
	if (w->n_replies > 0) {
		deliver(w);
		return true;
	}
	if (w->wants_auth) {
		w->wants_auth = false;
		aps_rt_retry_auth(w->rt, 0, w->now_ms);
		drain(w, 0);
		return true;
	}
	for (uint64_t i = 1; i <= MAX_SUBS; i++) {
		if (!w->subs[i].is_asked && !w->subs[i].is_refused) continue;
		if (w->subs[i].is_refused) {
			w->subs[i].is_refused = false;
			aps_rt_retry_auth(w->rt, i, w->now_ms);
			drain(w, 0);
		} else {
			start(w, i);
		}
		return true;
	}
	return false;
}

static void settle(struct world *w, int64_t for_ms)
{
	int64_t until_ms = w->now_ms + for_ms;
	for (int i = 0; i < 5000; i++) {
		if (step(w)) continue;
		int64_t at_ms = aps_rt_deadline_ms(w->rt);
		if (at_ms == -1 || at_ms > until_ms) return;
		if (at_ms > w->now_ms) w->now_ms = at_ms;
		aps_rt_tick(w->rt, w->now_ms);
		drain(w, 0);
	}
	fail_msg("the machine does not come to rest");
}

static void assert_all_are_live(struct world *w)
{
	size_t n = 0;
	for (int i = 1; i <= MAX_SUBS; i++) {
		if (!w->subs[i].is_added) continue;
		n++;
		assert_int_equal(w->subs[i].told, TOLD_STARTED);
		assert_true(w->subs[i].is_known);
	}
	assert_int_equal(aps_rt_n_subscriptions(w->rt), n);
	assert_int_equal(aps_rt_state(w->rt), n > 0 ? APS_CONN_CONNECTED : APS_CONN_DISCONNECTED);
}

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
	switch (aps_rand_below(&w->rand, 12)) {
	case 0: add(w, number); break;
	case 1: remove_sub(w, number); break;
	case 2: lose(w); break;
	case 3:
		aps_rt_set_online(w->rt, aps_rand_below(&w->rand, 2) == 0, w->now_ms);
		drain(w, 0);
		break;
	case 4:
		aps_rt_paused(w->rt, aps_rand_below(&w->rand, 2) == 0, w->now_ms);
		drain(w, 0);
		break;
	case 5:
		w->now_ms += (int64_t)aps_rand_below(&w->rand, 100000);
		aps_rt_tick(w->rt, w->now_ms);
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
		world_init(&w, seed);
		w.rt = aps_rt_new(&w.options, &w.rand);
		print_message("seed %llu\n", (unsigned long long)seed);
		for (int i = 0; i < 400; i++) throw_something_at_it(&w);
		aps_rt_set_online(w.rt, true, w.now_ms);
		drain(&w, 0);
		aps_rt_paused(w.rt, false, w.now_ms);
		drain(&w, 0);
		settle(&w, 64000 * 4);
		/* A start whose refusal crossed it may be left over on the service's side; a fresh connection shows the
		 * rest. */
		lose(&w);
		settle(&w, 60000);
		assert_all_are_live(&w);
		aps_rt_free(w.rt);
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
		w.rt = aps_rt_new(&w.options, &w.rand);
		if (w.rt != NULL) {
			a_day(&w);
			aps_mem_fail_at(0);
			settle(&w, 60000);
			assert_all_are_live(&w);
			aps_rt_free(w.rt);
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
	world_init(&w, 5);
	w.rt = aps_rt_new(&w.options, &w.rand);
	add(&w, 1);
	settle(&w, 2000);
	assert_all_are_live(&w);
	char frame[200];
	snprintf(frame, sizeof frame, "{\"type\":\"data\",\"id\":\"%s\",\"payload\":{\"data\":{}}}", w.subs[1].id);
	for (int i = 0; i < 32; i++) aps_rt_text(w.rt, aps_str_of(frame), w.now_ms);
	aps_mem_fail_at(1);
	aps_rt_text(w.rt, aps_str_of(frame), w.now_ms);
	aps_mem_fail_at(0);
	drain(&w, 0);
	assert_int_equal(w.subs[1].n_data, 32);
	assert_int_equal(w.subs[1].told, TOLD_INTERRUPTED);
	assert_int_equal(w.n_closes, 1);
	settle(&w, 2000);
	assert_all_are_live(&w);
	aps_rt_free(w.rt);
	assert_int_equal(aps_mem_live(), 0);
}

static void a_data_message_costs_no_allocation(void **state)
{
	(void)state;
	struct world w;
	world_init(&w, 5);
	w.rt = aps_rt_new(&w.options, &w.rand);
	for (uint64_t i = 1; i <= MAX_SUBS; i++) add(&w, i);
	settle(&w, 2000);
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
	aps_rt_free(w.rt);
}

static void an_id_may_be_written_with_escapes(void **state)
{
	(void)state;
	struct world w;
	world_init(&w, 5);
	w.rt = aps_rt_new(&w.options, &w.rand);
	add(&w, 1);
	settle(&w, 2000);
	char frame[200];
	snprintf(frame, sizeof frame, "{\"\\u0069d\":\"\\u00%02x%s\",\"type\":\"\\u0064ata\",\"payload\":{}}",
	         (unsigned)w.subs[1].id[0], w.subs[1].id + 1);
	say(&w, frame);
	assert_int_equal(w.subs[1].n_data, 1);
	/* Where memory is out for it, the message is not dropped silently: the connection starts over. */
	lose(&w);
	aps_rt_free(w.rt);
	world_init(&w, 5);
	w.rt = aps_rt_new(&w.options, &w.rand);
	add(&w, 1);
	settle(&w, 2000);
	aps_mem_fail_at(1);
	say(&w, frame);
	aps_mem_fail_at(0);
	assert_int_equal(w.subs[1].told, TOLD_INTERRUPTED);
	settle(&w, 2000);
	assert_all_are_live(&w);
	aps_rt_free(w.rt);
	assert_int_equal(aps_mem_live(), 0);
}

/* What an error message means must not depend on whether there was memory for it. */
static void a_refusal_that_finds_no_memory_does_not_end_a_subscription(void **state)
{
	(void)state;
	struct world w;
	world_init(&w, 5);
	w.rt = aps_rt_new(&w.options, &w.rand);
	add(&w, 1);
	settle(&w, 2000);
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
	aps_rt_free(w.rt);
}

static void numbers_that_cannot_be_added_are_refused(void **state)
{
	(void)state;
	struct world w;
	world_init(&w, 5);
	w.rt = aps_rt_new(&w.options, &w.rand);
	assert_int_equal(aps_rt_add(w.rt, 0, 0), APS_E_USAGE);
	assert_true(add(&w, 1));
	assert_int_equal(aps_rt_add(w.rt, 1, 0), APS_E_USAGE);
	assert_int_equal(aps_rt_n_subscriptions(w.rt), 1);
	aps_rt_free(w.rt);
	aps_rt_free(NULL);
}

static void what_was_queued_for_a_removed_one_is_taken_back(void **state)
{
	(void)state;
	struct world w;
	world_init(&w, 5);
	w.rt = aps_rt_new(&w.options, &w.rand);
	add(&w, 1);
	add(&w, 2);
	settle(&w, 2000);
	char frame[200];
	snprintf(frame, sizeof frame, "{\"type\":\"data\",\"id\":\"%s\",\"payload\":{\"data\":{}}}", w.subs[1].id);
	aps_rt_text(w.rt, aps_str_of(frame), w.now_ms);
	remove_sub(&w, 1); /* the world fails on an action for a number that isn't added */
	assert_int_equal(w.subs[1].n_data, 0);
	assert_false(w.subs[1].is_known);
	aps_rt_free(w.rt);
}

static void a_service_that_drops_each_connection_is_not_hammered(void **state)
{
	(void)state;
	struct world w;
	world_init(&w, 77);
	w.rt = aps_rt_new(&w.options, &w.rand);
	add(&w, 1);
	for (int i = 0; i < 300; i++) {
		while (w.subs[1].told != TOLD_STARTED) {
			if (step(&w)) continue;
			int64_t at_ms = aps_rt_deadline_ms(w.rt);
			assert_true(at_ms - w.now_ms < 3200);
			w.now_ms = at_ms;
			aps_rt_tick(w.rt, w.now_ms);
			drain(&w, 0);
		}
		lose(&w);
	}
	/* 300 losses with a mean delay near 1.6 s. */
	assert_in_range(w.now_ms, 300 * 1200, 300 * 2000);
	aps_rt_free(w.rt);
}

static void a_clock_that_steps_back_stands_still(void **state)
{
	(void)state;
	struct world w;
	world_init(&w, 5);
	w.rt = aps_rt_new(&w.options, &w.rand);
	w.now_ms = 100000;
	add(&w, 1);
	settle(&w, 1000);
	int64_t at_ms = aps_rt_deadline_ms(w.rt);
	aps_rt_text(w.rt, APS_STR("{\"type\":\"ka\"}"), 5);
	drain(&w, 0);
	assert_true(aps_rt_deadline_ms(w.rt) >= at_ms);
	aps_rt_free(w.rt);
}

/* As Amplify's simulator said it to aws-amplify 6 and to aws-appsync 4: see the members in their order. */
static void what_was_recorded_on_the_wire_is_understood(void **state)
{
	(void)state;
	struct world w;
	world_init(&w, 5);
	w.rt = aps_rt_new(&w.options, &w.rand);
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
	aps_rt_free(w.rt);
}

static void data_before_the_acknowledgement_of_the_connection_is_noticed(void **state)
{
	(void)state;
	struct world w;
	world_init(&w, 5);
	w.rt = aps_rt_new(&w.options, &w.rand);
	add(&w, 1);
	w.is_open = true;
	aps_rt_opened(w.rt, APS_STR(""), 0);
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
	aps_rt_free(w.rt);
}

static void the_error_of_an_action_can_be_handed_back(void **state)
{
	(void)state;
	struct aps_rt_action action;
	struct world w;
	world_init(&w, 5);
	w.rt = aps_rt_new(&w.options, &w.rand);
	add(&w, 1);
	w.wants_open = false;
	struct aps_err refused;
	aps_fail_word(&refused, APS_E_AUTH, "token_expired", 401, "told by the upgrade");
	aps_rt_closed(w.rt, &refused, 0);
	bool is_failed = false;
	while (aps_rt_next(w.rt, &action)) {
		if (action.kind == APS_RT_AUTH_REFUSED) {
			aps_rt_fail(w.rt, action.err, 0);
			is_failed = true;
		} else {
			act(&w, 0, &action);
		}
	}
	assert_true(is_failed);
	assert_int_equal(w.subs[1].n_ended, 1);
	assert_string_equal(w.last_err.msg, "told by the upgrade");
	assert_string_equal(w.last_err.word, "token_expired");
	aps_rt_free(w.rt);
}

static void the_defaults_are_those_of_the_documents(void **state)
{
	(void)state;
	struct aps_rt_options o;
	aps_rt_options_init(&o);
	assert_int_equal(o.protocol, APS_RT_APPSYNC);
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
	        cmocka_unit_test(a_clock_that_steps_back_stands_still),
	        cmocka_unit_test(what_was_recorded_on_the_wire_is_understood),
	        cmocka_unit_test(data_before_the_acknowledgement_of_the_connection_is_noticed),
	        cmocka_unit_test(the_error_of_an_action_can_be_handed_back),
	        cmocka_unit_test(the_defaults_are_those_of_the_documents),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
