/* A request in a core without a thread, and who owns it. Nothing is sent: nobody runs the core's sockets, and answers
 * are given to the sink by the test. Include after cmocka.h. */
#ifndef APS_SPEC_REQUEST_WORLD_H
#define APS_SPEC_REQUEST_WORLD_H

#include "base/clock.h"
#include "client/request.h"
#include "core_world.h"
#include "net/answer.h"

#include <stdio.h>

#define GOOD    "{\"data\":{\"a\":1}}"
#define REFUSED "{\"errors\":[{\"errorType\":\"UnauthorizedException\",\"message\":\"You are not authorized\"}]}"
#define TOKEN   "token-0123456789"

enum { CREDENTIAL = 3 };

struct world {
	struct core_world all;
	struct aps_core *core;
	struct aps_client *client;
};

/* Who owns a request: nobody waits for it, unless a test says so. */
struct owner {
	struct aps_request request;
	struct aps_outcome_sink sink;
	struct aps_operation operation;
	struct aps_arena arena;
	struct aps_header_list headers;
	struct aps_request_options options;
	unsigned n_outcomes;
	struct aps_outcome outcome;
};

static inline void ended(struct aps_core *core, struct aps_outcome_sink *sink, struct aps_outcome *outcome)
{
	struct owner *owner = APS_CONTAINER_OF(sink, struct owner, sink);
	owner->n_outcomes++;
	aps_outcome_move(&owner->outcome, outcome);
	aps_request_clear(core, &owner->request);
}

static inline void begin_at(struct world *world, int port)
{
	char url[64];
	core_world_begin(&world->all);
	world->core = world->all.core;
	world->client = world->all.client;
	snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
	world->client->settings.endpoint = aps_strndup(url, strlen(url));
}

static inline void begin(struct world *world)
{
	begin_at(world, 9);
}

static inline void finish(struct world *world)
{
	assert_int_equal(aps_http_n_running(world->core->http), 0);
	assert_int_equal(world->core->timers.n_items, 0);
	core_world_finish(&world->all);
}

static inline struct aps_credential *add_credential(struct world *world, enum aps_auth_mode mode)
{
	struct aps_credential *credential = aps_calloc(1, sizeof *credential);
	assert_non_null(credential);
	credential->id = CREDENTIAL;
	credential->client = world->client;
	aps_auth_slot_init(&credential->slot, mode, true);
	credential->region = aps_strndup("us-east-1", 9);
	credential->service = aps_strndup("appsync", 7);
	assert_true(aps_credential_add(world->core, credential));
	return credential;
}

static inline void give_token(struct world *world, const char *token)
{
	struct aps_auth_material material;
	struct aps_credential *credential = aps_credential_find(world->core, CREDENTIAL);
	assert_int_equal(aps_auth_material_init(&material, APS_AUTH_OIDC, aps_str_of(token), NULL, NULL), APS_OK);
	aps_credential_set(world->core, credential, &material);
}

static inline void fail_token(struct world *world)
{
	struct aps_err err;
	aps_fail(&err, APS_E_AUTH, "not signed in");
	aps_credential_fail(world->core, aps_credential_find(world->core, CREDENTIAL), &err);
}

static inline void prepare(struct world *world, struct owner *owner)
{
	struct aps_gql_document *doc;
	*owner = (struct owner){.sink.ended = ended};
	assert_int_equal(aps_gql_document_new(APS_STR("{ a }"), &doc, NULL, NULL), APS_OK);
	assert_int_equal(aps_operation_init(&owner->operation, doc, aps_gql_document_operation(doc, 0), false,
	                                    APS_STR("{}"), NULL),
	                 APS_OK);
	aps_gql_document_unref(doc);
	aps_arena_init(&owner->arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&owner->headers, &owner->arena);
	aps_outcome_init(&owner->outcome);
	owner->options = (struct aps_request_options){
	        .client = world->client,
	        .operation = &owner->operation,
	        .headers = &owner->headers,
	        .retry = {.base_ms = 100, .cap_ms = 300000}, /* as often as it takes */
	        .is_safe = true,
	        .end_ms = APS_ATTEMPT_FOREVER,
	};
}

static inline void start(struct world *world, struct owner *owner)
{
	aps_request_init(world->core, &owner->request, &owner->options, &owner->sink);
	aps_request_start(world->core, &owner->request);
}

/* With a minute's time. */
static inline void start_in_time(struct world *world, struct owner *owner)
{
	owner->options.timeout_ms = 60000;
	owner->options.end_ms = aps_clock_mono_ms() + 60000;
	start(world, owner);
}

static inline void start_with_credential(struct world *world, struct owner *owner)
{
	owner->options.credential = CREDENTIAL;
	start(world, owner);
}

static inline void leave_alone(struct world *world, struct owner *owner)
{
	aps_request_clear(world->core, &owner->request);
	aps_request_clear(world->core, &owner->request);
	aps_outcome_clear(&owner->outcome);
	aps_arena_clear(&owner->arena);
	aps_operation_clear(&owner->operation);
}

static inline void done(struct world *world, struct owner *owner)
{
	leave_alone(world, owner);
	finish(world);
}

/* The exchange under way ends: as the loop has it, which stops it and then tells. */
static inline void end_exchange(struct world *world, struct owner *owner, struct aps_http_answer *answer)
{
	assert_int_not_equal(owner->request.exchange, 0);
	aps_http_cancel(world->core->http, owner->request.exchange);
	owner->request.sink.answered(world->core, &owner->request.sink, answer);
	aps_http_answer_clear(answer);
}

static inline void answer_with(struct world *world, struct owner *owner, long status, const char *headers,
                               const char *body)
{
	struct aps_http_answer answer = {.status = status, .n_body = strlen(body)};
	answer.body = aps_strndup(body, answer.n_body);
	assert_true(aps_answer_take_headers(&answer, aps_str_of(headers), headers[0] != '\0' ? 1 : 0));
	end_exchange(world, owner, &answer);
}

static inline void answer(struct world *world, struct owner *owner, long status, const char *body)
{
	answer_with(world, owner, status, "", body);
}

static inline void lose_connection(struct world *world, struct owner *owner)
{
	struct aps_http_answer answer = {.status = 0};
	aps_fail(&answer.err, APS_E_NETWORK, "connection lost");
	answer.err.sent = true;
	end_exchange(world, owner, &answer);
}

/* As long as it takes. */
static inline void let_time_pass(struct world *world)
{
	aps_timers_run(&world->core->timers, world->core, INT64_MAX);
}

static inline bool is_good(const struct aps_outcome *outcome)
{
	return outcome->response.err.code == APS_OK && outcome->answer.status == 200 &&
	       aps_str_is(outcome->response.data, "{\"a\":1}");
}

static inline bool quotes(const struct aps_outcome *outcome, const char *text)
{
	return aps_str_find((struct aps_str){outcome->answer.body, outcome->answer.n_body}, text) != NULL;
}

#endif
