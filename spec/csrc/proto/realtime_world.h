/* An owner and a service that behaves, around a realtime machine: for the tests of this folder. */
#ifndef SPEC_PROTO_REALTIME_WORLD_H
#define SPEC_PROTO_REALTIME_WORLD_H

#include "base/buf.h"
#include "base/mem.h"
#include "proto/realtime.h"

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
	int n_data, n_ended, n_ids, n_delays;
};

/* An owner, and a service that behaves. */
struct world {
	struct aps_realtime_options options;
	struct aps_rand rand;
	struct aps_realtime *rt;
	int64_t now_ms;
	bool wants_open, is_open, is_acked, wants_auth;
	struct one_sub subs[MAX_SUBS + 1];
	char replies[256][128]; /* of the service, not yet delivered */
	size_t n_replies;
	int n_connects, n_closes, n_states, n_notices;
	struct aps_err last_err;
};

static APS_UNUSED void world_init(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof *w);
	aps_realtime_options_init(&w->options);
	aps_rand_init(&w->rand, seed);
}

static APS_UNUSED void world_start(struct world *w, uint64_t seed)
{
	world_init(w, seed);
	w->rt = aps_realtime_new(&w->options, &w->rand);
	assert_non_null(w->rt);
}

/* Nothing that the test has allocated may be left. */
static APS_UNUSED void world_end(struct world *w)
{
	aps_realtime_free(w->rt);
	assert_int_equal(aps_mem_live(), 0);
}

static APS_UNUSED void service_loses_all(struct world *w)
{
	w->is_open = w->is_acked = w->wants_open = false;
	w->n_replies = 0;
	for (int i = 1; i <= MAX_SUBS; i++) w->subs[i].is_known = w->subs[i].is_asked = false;
}

static APS_UNUSED struct one_sub *sub_of_id(struct world *w, const char *id)
{
	for (int i = 1; i <= MAX_SUBS; i++)
		if (w->subs[i].id[0] != '\0' && memcmp(w->subs[i].id, id, APS_UUID_CHARS) == 0) return &w->subs[i];
	return NULL;
}

static APS_UNUSED void reply(struct world *w, const char *type, const char *id)
{
	if (w->n_replies == APS_COUNTOF(w->replies)) return;
	if (id != NULL)
		snprintf(w->replies[w->n_replies++], 128, "{\"type\":\"%s\",\"id\":\"%.36s\"}", type, id);
	else
		snprintf(w->replies[w->n_replies++], 128, "{\"type\":\"%s\"}", type);
}

static APS_UNUSED void service_receives(struct world *w, struct aps_str text)
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

static APS_UNUSED void learn_id(struct world *w, uint64_t number, struct aps_str text)
{
	const char *id = aps_str_find(text, "\"id\":\"");
	if (id == NULL || number == 0) return;
	struct one_sub *sub = &w->subs[number];
	/* The same id on every connection, but after a start that nothing answered, which was stopped before. */
	bool is_other = memcmp(sub->id, id + 6, APS_UUID_CHARS) != 0;
	if (is_other && sub->id[0] != '\0') {
		assert_false(sub->is_known);
		sub->n_ids++;
	}
	memcpy(sub->id, id + 6, APS_UUID_CHARS);
}

static APS_UNUSED void act_on_sub(struct world *w, const struct aps_realtime_action *a)
{
	assert_in_range(a->sub, 1, MAX_SUBS);
	struct one_sub *sub = &w->subs[a->sub];
	assert_true(sub->is_added);
	switch (a->kind) {
	case APS_REALTIME_DO_START: sub->is_asked = true; break;
	case APS_REALTIME_SUB_STARTED:
		assert_int_equal(a->is_again, sub->told != TOLD_NOTHING);
		sub->told = TOLD_STARTED;
		break;
	case APS_REALTIME_SUB_DATA:
		assert_int_equal(sub->told, TOLD_STARTED);
		sub->n_data++;
		break;
	case APS_REALTIME_SUB_RECONNECTING:
		assert_int_equal(sub->told, TOLD_STARTED);
		sub->told = TOLD_INTERRUPTED;
		break;
	case APS_REALTIME_SUB_DELAYED:
		assert_int_not_equal(sub->told, TOLD_STARTED);
		assert_non_null(a->err);
		sub->n_delays++;
		break;
	case APS_REALTIME_SUB_ENDED:
		sub->is_added = sub->is_asked = sub->is_refused = false;
		sub->n_ended++;
		if (a->err != NULL) w->last_err = *a->err;
		break;
	default: sub->is_refused = true; break;
	}
}

static APS_UNUSED void act(struct world *w, uint64_t starting, const struct aps_realtime_action *a)
{
	switch (a->kind) {
	case APS_REALTIME_DO_CONNECT:
		service_loses_all(w);
		w->wants_open = true;
		w->n_connects++;
		break;
	case APS_REALTIME_DO_SEND:
		learn_id(w, starting, a->text);
		service_receives(w, a->text);
		break;
	case APS_REALTIME_DO_CLOSE:
		service_loses_all(w);
		w->n_closes++;
		break;
	case APS_REALTIME_STATE:
		assert_int_not_equal(a->state, APS_CONN_STATE_COUNT);
		w->n_states++;
		break;
	case APS_REALTIME_NOTICE:
		assert_true(a->text.n > 0);
		w->n_notices++;
		break;
	case APS_REALTIME_AUTH_REFUSED:
		if (a->sub == 0) {
			w->wants_auth = true;
			break;
		}
		act_on_sub(w, a);
		break;
	default: act_on_sub(w, a); break;
	}
}

static APS_UNUSED void drain(struct world *w, uint64_t starting)
{
	struct aps_realtime_action action;
	while (aps_realtime_next(w->rt, &action)) act(w, starting, &action);
}

static APS_UNUSED void say(struct world *w, const char *frame)
{
	aps_realtime_text(w->rt, aps_str_of(frame), w->now_ms);
	drain(w, 0);
}

static APS_UNUSED bool add(struct world *w, uint64_t number)
{
	struct one_sub *sub = &w->subs[number];
	if (sub->is_added) return true;
	*sub = (struct one_sub){.is_added = true};
	enum aps_rc rc = aps_realtime_add(w->rt, number, w->now_ms);
	if (rc != APS_OK) {
		assert_int_equal(rc, APS_E_NOMEM);
		sub->is_added = false;
	}
	drain(w, 0);
	return sub->is_added;
}

static APS_UNUSED void remove_sub(struct world *w, uint64_t number)
{
	w->subs[number].is_added = w->subs[number].is_asked = w->subs[number].is_refused = false;
	aps_realtime_remove(w->rt, number, w->now_ms);
	drain(w, 0);
}

static APS_UNUSED void start(struct world *w, uint64_t number)
{
	w->subs[number].is_asked = false;
	aps_realtime_start(w->rt, number, APS_STR("{\"data\":\"{}\"}"), w->now_ms);
	drain(w, number);
}

static APS_UNUSED void lose(struct world *w)
{
	struct aps_err err;
	aps_fail_word(&err, APS_E_NETWORK, NULL, 1006, "lost");
	service_loses_all(w);
	aps_realtime_closed(w->rt, &err, w->now_ms);
	drain(w, 0);
}

static APS_UNUSED void deliver(struct world *w)
{
	char frame[128];
	memcpy(frame, w->replies[0], sizeof frame);
	memmove(w->replies[0], w->replies[1], --w->n_replies * sizeof w->replies[0]);
	say(w, frame);
}

/* One step of a world in which everything answers; false: nothing is left to do but to wait. */
static APS_UNUSED bool step(struct world *w)
{
	if (w->wants_open) {
		w->wants_open = false;
		w->is_open = true;
		aps_realtime_opened(w->rt, (struct aps_str){NULL, 0}, w->now_ms);
		drain(w, 0);
		return true;
	}
	if (w->n_replies > 0) {
		deliver(w);
		return true;
	}
	if (w->wants_auth) {
		w->wants_auth = false;
		aps_realtime_retry_auth(w->rt, 0, true, w->now_ms);
		drain(w, 0);
		return true;
	}
	for (uint64_t i = 1; i <= MAX_SUBS; i++) {
		if (!w->subs[i].is_asked && !w->subs[i].is_refused) continue;
		if (w->subs[i].is_refused) {
			w->subs[i].is_refused = false;
			aps_realtime_retry_auth(w->rt, i, true, w->now_ms);
			drain(w, 0);
		} else {
			start(w, i);
		}
		return true;
	}
	return false;
}

static APS_UNUSED void settle(struct world *w, int64_t for_ms)
{
	int64_t until_ms = w->now_ms + for_ms;
	for (int i = 0; i < 5000; i++) {
		if (step(w)) continue;
		int64_t at_ms = aps_realtime_deadline_ms(w->rt);
		if (at_ms == -1 || at_ms > until_ms) return;
		if (at_ms > w->now_ms) w->now_ms = at_ms;
		aps_realtime_tick(w->rt, w->now_ms);
		drain(w, 0);
	}
	fail_msg("the machine does not come to rest");
}

/* A world with `n` subscriptions that are served. */
static APS_UNUSED void world_live(struct world *w, uint64_t n)
{
	world_start(w, 5);
	for (uint64_t number = 1; number <= n; number++) add(w, number);
	settle(w, 2000);
}

static APS_UNUSED void assert_all_are_live(struct world *w)
{
	size_t n = 0;
	for (int i = 1; i <= MAX_SUBS; i++) {
		if (!w->subs[i].is_added) continue;
		n++;
		assert_int_equal(w->subs[i].told, TOLD_STARTED);
		assert_true(w->subs[i].is_known);
	}
	assert_int_equal(aps_realtime_n_subscriptions(w->rt), n);
	assert_int_equal(aps_realtime_state(w->rt), n > 0 ? APS_CONN_CONNECTED : APS_CONN_DISCONNECTED);
}

#endif
