/* A feature that exists here only, added to the list of all others: it sends a request, parks the response, asks the
 * application about it, outlives a missing answer, and commits what it has at the end of the turn. It is also what
 * docs/adding-a-feature.md follows. */
#include "client/features.h"
#include "client/reach.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/call.h"
#include "client/connections.h"
#include "client/core.h"
#include "client/credential.h"
#include "client/lifecycle.h"
#include "client/runtime.h"
#include "client/subscriber.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka needs the four above */
#include <cmocka.h>

#include "../net/net_peer.h"

#define WAIT_MS  20000
#define ASK      ((enum aps_event_kind)APS_EVENT_COUNT) /* a kind of its own, behind the others */
#define LATE     "late"                                 /* tells that it still waits */
#define RESPONSE "{\"data\":{\"title\":\"parked\"}}"

/* What it keeps in the core. */
struct shelf {
	struct parked *first;
	size_t n_commits;
	bool is_dirty; /* something was answered in this turn */
};

/* One request and its response. */
struct parked {
	struct parked *next;
	struct aps_answer_sink sink;
	struct aps_timer late;
	uint64_t id;
	uint64_t client;
	uint64_t exchange; /* 0: it has its response */
	char *body;
	bool is_answered; /* by the application */
	struct aps_result_event *result;
	struct aps_reap reap;
};

struct park_command {
	struct aps_command head;
	char url[64];
	struct aps_result_event *result; /* made in advance: it can't be lost for want of memory */
};

extern const struct aps_feature parking_feature;

static struct shelf *shelf_of(const struct aps_core *core)
{
	return aps_core_part(core, &parking_feature);
}

static void free_parked(struct aps_core *core, struct aps_reap *reap)
{
	(void)core;
	struct parked *parked = APS_CONTAINER_OF(reap, struct parked, reap);
	aps_free(parked->body);
	aps_free(parked);
}

/* Its outcome goes out, and it goes at the end of the turn. */
static void finish(struct aps_core *core, struct parked *parked)
{
	struct parked **at = &shelf_of(core)->first;
	while (*at != parked) at = &(*at)->next;
	*at = parked->next;
	if (parked->exchange != 0) aps_http_cancel(core->http, parked->exchange);
	aps_timer_stop(&core->timers, &parked->late);
	aps_core_emit(core, &parked->result->head);
	aps_core_reap(core, &parked->reap, free_parked);
}

static void fail_it(struct aps_core *core, struct parked *parked, const struct aps_err *err)
{
	parked->result->response.err = *err;
	finish(core, parked);
}

/* No answer is never an answer: it is told that it waits, and goes on waiting. */
static void late(struct aps_timer *timer, void *context, int64_t now_ms)
{
	(void)now_ms;
	aps_core_note(context, ASK, APS_CONTAINER_OF(timer, struct parked, late)->id, LATE, NULL);
}

static void answered(struct aps_core *core, struct aps_answer_sink *sink, struct aps_http_answer *answer)
{
	struct parked *parked = APS_CONTAINER_OF(sink, struct parked, sink);
	parked->exchange = 0;
	if (answer->err.code != APS_OK) {
		fail_it(core, parked, &answer->err);
		return;
	}
	parked->body = answer->body;
	answer->body = NULL;
	aps_core_note(core, ASK, parked->id, "merge", NULL);
	aps_timer_set(&core->timers, &parked->late, aps_clock_mono_ms()); /* at once */
}

static enum aps_rc send_it(struct aps_core *core, struct parked *parked, struct aps_client *client, const char *url,
                           struct aps_err *err)
{
	struct aps_http_request request = {
	        .method = "GET",
	        .url = url,
	        .options = &client->settings.net,
	        .connect_timeout_ms = WAIT_MS,
	        .timeout_ms = WAIT_MS,
	        .max_response_bytes = 4096,
	        .tag = &parked->sink,
	};
	return aps_http_start(core->http, &request, &parked->exchange, err);
}

static void run_park(struct aps_core *core, struct aps_command *head)
{
	struct park_command *command = (struct park_command *)head;
	struct aps_client *client = aps_core_client(core, head->client);
	struct parked *parked = aps_calloc(1, sizeof *parked);
	struct aps_err err;
	assert_non_null(parked);
	parked->id = head->id;
	parked->client = head->client;
	parked->sink.answered = answered;
	parked->late.due = late;
	parked->result = command->result;
	command->result = NULL;
	parked->next = shelf_of(core)->first;
	shelf_of(core)->first = parked;
	if (client == NULL) {
		aps_fail(&err, APS_E_CLOSED, "the client is closed");
		fail_it(core, parked, &err);
	} else if (send_it(core, parked, client, command->url, &err) != APS_OK) {
		fail_it(core, parked, &err);
	}
	aps_command_free(head);
}

/* The application's answer to ASK. */
static void run_answer(struct aps_core *core, struct aps_command *head)
{
	for (struct parked *parked = shelf_of(core)->first; parked != NULL; parked = parked->next) {
		if (parked->id != head->id || parked->body == NULL) continue;
		parked->is_answered = shelf_of(core)->is_dirty = true;
	}
	aps_command_free(head);
}

static enum aps_rc open_shelf(struct aps_core *core, void **part, struct aps_err *err)
{
	(void)core;
	*part = aps_calloc(1, sizeof(struct shelf));
	return *part != NULL ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
}

/* One commit for all that was answered in this turn. */
static void commit(struct aps_core *core)
{
	struct shelf *shelf = shelf_of(core);
	if (!shelf->is_dirty) return;
	shelf->is_dirty = false;
	shelf->n_commits++;
	struct parked *parked = shelf->first;
	while (parked != NULL) {
		struct parked *next = parked->next;
		if (parked->is_answered) {
			parked->result->n_attempts = (unsigned)shelf->n_commits;
			finish(core, parked);
		}
		parked = next;
	}
}

static void client_closing(struct aps_core *core, struct aps_client *client, const struct aps_err *err)
{
	struct parked *parked = shelf_of(core)->first;
	while (parked != NULL) {
		struct parked *next = parked->next;
		if (parked->client == client->id) fail_it(core, parked, err);
		parked = next;
	}
}

static void close_shelf(struct aps_core *core, void *part)
{
	(void)core;
	aps_free(part);
}

const struct aps_feature parking_feature = {
        .name = "parking",
        .open = open_shelf,
        .client_closing = client_closing,
        .turn_end = commit,
        .close = close_shelf,
};

/* All that a feature adds to what is there. */
static const struct aps_feature *const FEATURES[] = {
        &aps_call_feature,
        &parking_feature,
        &aps_realtime_feature,
        &aps_subscriber_feature,
        &aps_reach_feature,
        &aps_credential_feature,
        NULL,
};

/* The application: a runtime with its thread, and a server on a thread of its own. */
struct world {
	struct aps_runtime *runtime;
	struct peer *peer;
	uint64_t client;
	size_t n_live;
};

enum { N_RESPONSES = 3 };

static void serve(struct peer *peer)
{
	char head[128];
	int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
	                 sizeof RESPONSE - 1, RESPONSE);
	for (int i = 0; i < N_RESPONSES; i++) {
		peer_accept(peer);
		if (peer->fd < 0 || !peer_read_request(peer) || !peer_write(peer, head, (size_t)n)) return;
	}
}

static void post(struct world *world, struct aps_command *command)
{
	struct aps_err err;
	assert_non_null(command);
	assert_int_equal(aps_runtime_post(world->runtime, command, &err), APS_OK);
}

static void begin(struct world *world)
{
	struct aps_err err;
	*world = (struct world){.n_live = aps_mem_live()};
	world->peer = peer_start(serve);
	world->runtime = aps_runtime_new(FEATURES, &err);
	assert_non_null(world->runtime);
	world->client = aps_runtime_next_id(world->runtime);
	struct aps_open_command *command = aps_open_command_new(world->client);
	assert_non_null(command);
	command->stats = aps_stats_new();
	post(world, &command->head);
}

static void free_park(struct aps_mail *mail)
{
	struct park_command *command = (struct park_command *)mail;
	if (command->result != NULL) command->result->head.mail.kind->free_mail(&command->result->head.mail);
	aps_free(command);
}

static const struct aps_mail_kind PARK_KIND = {"park", free_park};

static uint64_t park(struct world *world)
{
	uint64_t id = aps_runtime_next_id(world->runtime);
	struct park_command *command = aps_calloc(1, sizeof *command);
	assert_non_null(command);
	command->head = (struct aps_command){{NULL, &PARK_KIND, sizeof *command}, run_park, world->client, id, false};
	command->result = aps_result_event_new(id);
	snprintf(command->url, sizeof command->url, "http://127.0.0.1:%d/", world->peer->port);
	post(world, &command->head);
	return id;
}

/* The next event of this kind about `id`; those that come before are freed. */
static struct aps_event *await(struct world *world, enum aps_event_kind kind, uint64_t id)
{
	for (;;) {
		struct aps_event *event = aps_runtime_take(world->runtime);
		if (event == NULL) {
			assert_true(aps_runtime_wait(world->runtime, WAIT_MS));
			continue;
		}
		if (event->kind == kind && event->target == id) return event;
		event->mail.kind->free_mail(&event->mail);
	}
}

static void await_word(struct world *world, uint64_t id, const char *word)
{
	struct aps_event *event = await(world, ASK, id);
	assert_string_equal(((struct aps_note_event *)event)->word, word);
	event->mail.kind->free_mail(&event->mail);
}

/* The number of its commit; 0 and *code where it failed. */
static unsigned await_result(struct world *world, uint64_t id, enum aps_rc *code)
{
	struct aps_result_event *result = (struct aps_result_event *)await(world, APS_EVENT_RESULT, id);
	unsigned nth = result->n_attempts;
	*code = result->response.err.code;
	result->head.mail.kind->free_mail(&result->head.mail);
	return nth;
}

static void finish_world(struct world *world)
{
	assert_true(aps_runtime_free(world->runtime, WAIT_MS));
	peer_stop(world->peer);
	assert_int_equal(aps_mem_live(), world->n_live);
}

static void answer(struct world *world, uint64_t id)
{
	post(world, aps_command_new(run_answer, world->client, id));
}

static void a_parked_response_waits_for_the_application_while_others_are_served(void **state)
{
	(void)state;
	struct world world;
	enum aps_rc code;
	begin(&world);
	uint64_t first = park(&world);
	await_word(&world, first, "merge");
	await_word(&world, first, LATE); /* its time is over, and it still waits */
	uint64_t second = park(&world);
	await_word(&world, second, "merge");
	answer(&world, second);
	assert_int_equal(await_result(&world, second, &code), 1);
	assert_int_equal(code, APS_OK);
	answer(&world, first);
	assert_int_equal(await_result(&world, first, &code), 2);
	assert_int_equal(code, APS_OK);
	uint64_t third = park(&world);
	await_word(&world, third, "merge");
	post(&world, aps_close_command_new(world.client));
	await_result(&world, third, &code);
	assert_int_equal(code, APS_E_CLOSED);
	finish_world(&world);
}

static void what_no_answer_came_for_is_told_when_the_core_stops(void **state)
{
	(void)state;
	struct world world;
	begin(&world);
	for (int i = 0; i < N_RESPONSES; i++) await_word(&world, park(&world), "merge");
	finish_world(&world); /* nothing is leaked, nobody is waited for */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_parked_response_waits_for_the_application_while_others_are_served),
	        cmocka_unit_test(what_no_answer_came_for_is_told_when_the_core_stops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
