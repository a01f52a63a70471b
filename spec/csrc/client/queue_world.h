/* A core without a thread, a client with a store in a file, and its outbox. Nothing is sent: nobody runs the core's
 * sockets, and answers are given to the requests by the test. Include after cmocka.h. */
#ifndef APS_SPEC_QUEUE_WORLD_H
#define APS_SPEC_QUEUE_WORLD_H

#include "../../support/faulty_vfs.h"
#include "base/clock.h"
#include "client/call.h"
#include "client/queue_commands.h"
#include "client/queue_run.h"
#include "client/queueing.h"
#include "client/reach.h"
#include "client/sending.h"
#include "core_world.h"
#include "net/answer.h"
#include "proto/gqlhttp.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADD    "mutation Add($n: Int) { addTodo(n: $n) { id n } }"
#define UPDATE "mutation Up($input: UpdateTodoInput!) { updateTodo(input: $input) { id n _version } }"
#define CREATE "mutation Make($input: CreateTodoInput!) { createTodo(input: $input) { id n } }"
#define DONE   "{\"data\":{\"addTodo\":{\"__typename\":\"Todo\",\"id\":\"1\",\"n\":1}}}"

enum { CACHE = 3, KEY = 4, OTHER_CACHE = 5 };

struct queue_world {
	struct core_world all;
	struct aps_core *core;
	struct aps_client *client;
	struct aps_queue *queue; /* of CACHE */
	char folder[64], path[96];
	uint64_t last_call;
};

static struct queue_world world;

/* What is different from an enqueue of ADD. */
struct asked {
	const char *document, *variables, *response, *own_headers;
	enum aps_entry_mode mode; /* NONE: API_KEY */
	uint64_t cache;           /* 0: CACHE */
	bool is_idempotent, has_update;
	struct aps_edits *edits; /* given away; NULL: no layer */
	int64_t timeout_ms;
};

static inline void make_queue_settings(struct aps_queue_settings *settings)
{
	*settings = (struct aps_queue_settings){.max_tries = 3, .order = APS_OUTBOX_SERIAL, .request_lifetime_ms = -1};
	aps_arena_init(&settings->arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&settings->headers, &settings->arena);
	settings->credentials[APS_ENTRY_API_KEY] = KEY;
}

static inline void open_cache(uint64_t id, const char *identity)
{
	struct aps_channel *channel = aps_channel_new(5);
	struct aps_cached *cached = aps_cached_new(id, identity, channel);
	assert_non_null(cached);
	aps_caching_open(world.core, world.client, cached);
	aps_channel_unref(channel);
}

static inline void open_queue_with(uint64_t cache, struct aps_queue_settings *settings)
{
	struct aps_err err;
	if (aps_queueing_open(world.core, world.client, cache, settings, &err) != APS_OK) fail_msg("%s", err.msg);
	aps_queue_settings_clear(settings);
}

static inline void open_queue(uint64_t cache)
{
	struct aps_queue_settings settings;
	make_queue_settings(&settings);
	open_queue_with(cache, &settings);
}

/* The client that the world has, which has just begun. */
static inline void settle_client(void)
{
	struct aps_cache_settings *settings = aps_cache_settings_new();
	assert_non_null(settings);
	settings->path = aps_strndup(world.path, strlen(world.path));
	settings->key_prefix = aps_strndup("p", 1);
	world.client->settings.cache = settings;
	world.client->settings.endpoint = aps_strndup("http://127.0.0.1:9/", 19);
	core_world_add_key(&world.all, KEY);
	open_cache(CACHE, "");
}

static inline size_t turn(void)
{
	return core_world_turn(&world.all);
}

static inline void begin_without_a_queue(void)
{
	faulty_vfs_install();
	world = (struct queue_world){.folder = "/tmp/appsync-queue-XXXXXX"};
	assert_non_null(mkdtemp(world.folder));
	snprintf(world.path, sizeof world.path, "%s/store.db", world.folder);
	stand_still();
	core_world_begin(&world.all);
	world.core = world.all.core;
	world.client = world.all.client;
	settle_client();
}

static inline void begin(void)
{
	begin_without_a_queue();
	open_queue(CACHE);
	world.queue = aps_queueing_find(world.core, world.client, CACHE);
	turn();
}

static inline void drop_events(void)
{
	aps_mail_free_chain(world.all.events);
	world.all.events = NULL;
}

static inline void remove_folder(void)
{
	DIR *entries = opendir(world.folder);
	for (struct dirent *entry; (entry = readdir(entries)) != NULL;) unlinkat(dirfd(entries), entry->d_name, 0);
	closedir(entries);
	rmdir(world.folder);
}

static inline void finish(void)
{
	faulty_vfs_set("full=off readonly=off error=off");
	core_world_finish(&world.all);
	aps_clock_go_on();
	remove_folder();
}

/* Another client takes the place of the one that is closed: without a queue still. */
static inline void replace_client(void)
{
	struct aps_err err;
	aps_core_close_client(world.core, world.client);
	turn();
	struct aps_client *client = aps_calloc(1, sizeof *client);
	assert_non_null(client);
	client->id = 7;
	client->stats = aps_stats_new();
	aps_settings_init(&client->settings);
	assert_int_equal(aps_core_open_client(world.core, client, &err), APS_OK);
	world.client = world.all.client = client;
	settle_client();
}

/* The process has ended, and another one begins. What was under way is in doubt. */
static inline void restart_without_a_queue(void)
{
	replace_client();
	drop_events();
}

static inline void restart(void)
{
	restart_without_a_queue();
	open_queue(CACHE);
	world.queue = aps_queueing_find(world.core, world.client, CACHE);
	turn();
}

/* What an optimistic response (JSON) of the document writes: a layer. */
static inline struct aps_edits *make_edits(const char *query, const char *variables, const char *json)
{
	struct aps_gql_document *doc;
	struct aps_edits *edits = aps_edits_new();
	assert_non_null(edits);
	assert_int_equal(aps_gql_document_new(aps_str_of(query), &doc, NULL, NULL), APS_OK);
	const struct aps_edit_what what = {.kind = APS_EDIT_WRITE,
	                                   .key = APS_STR(""),
	                                   .document = doc,
	                                   .definition = aps_gql_document_operation(doc, 0),
	                                   .variables = aps_str_of(variables),
	                                   .json = aps_str_of(json)};
	assert_true(aps_edits_add(edits, &what));
	aps_gql_document_unref(doc);
	return edits;
}

static inline void run_command(struct aps_command *head)
{
	head->run(world.core, head);
}

static inline void add_json(struct aps_buf *buf, const char *json)
{
	if (json != NULL) aps_buf_add_text(buf, json);
}

/* The number of the call; 0: no memory for it. The turn isn't over. */
static inline uint64_t enqueue(const struct asked *asked)
{
	struct aps_gql_document *doc;
	struct aps_enqueue_command *command = aps_enqueue_command_new(7, ++world.last_call);
	if (command == NULL) {
		aps_edits_unref(asked->edits);
		return 0;
	}
	const char *text = asked->document != NULL ? asked->document : ADD;
	struct aps_str variables = aps_str_of(asked->variables != NULL ? asked->variables : "{\"n\":1}");
	bool is_made = aps_gql_document_new(aps_str_of(text), &doc, NULL, NULL) == APS_OK;
	if (is_made) {
		enum aps_rc rc = aps_operation_init(&command->operation, doc, aps_gql_document_operation(doc, 0), true,
		                                    variables, NULL);
		aps_gql_document_unref(doc);
		if (rc != APS_OK) command->operation.document = NULL;
	}
	command->cache = asked->cache != 0 ? asked->cache : CACHE;
	command->mode = asked->mode != APS_ENTRY_NONE ? asked->mode : APS_ENTRY_API_KEY;
	command->is_idempotent = asked->is_idempotent;
	command->has_update = asked->has_update;
	command->timeout_ms = asked->timeout_ms;
	add_json(&command->own_headers, asked->own_headers);
	add_json(&command->response, asked->response);
	command->edits.edits = asked->edits;
	command->has_layer = asked->edits != NULL;
	if (command->operation.document == NULL || command->own_headers.rc != APS_OK ||
	    command->response.rc != APS_OK) {
		aps_command_free(&command->head);
		return 0;
	}
	run_command(&command->head);
	return world.last_call;
}

static inline uint64_t enqueue_n(int n)
{
	char variables[32];
	snprintf(variables, sizeof variables, "{\"n\":%d}", n);
	return enqueue(&(struct asked){.variables = variables});
}

/* The RESULT of a call, which is the caller's; NULL: it hasn't come. */
static inline struct aps_result_event *take_result(uint64_t call)
{
	struct aps_mail **at = &world.all.events;
	while (*at != NULL) {
		struct aps_event *event = (struct aps_event *)*at;
		if (event->kind == APS_EVENT_RESULT && event->target == call) {
			*at = event->mail.next;
			event->mail.next = NULL;
			return (struct aps_result_event *)event;
		}
		at = &(*at)->next;
	}
	return NULL;
}

static inline struct aps_result_event *result_of(uint64_t call)
{
	struct aps_result_event *event = take_result(call);
	if (event == NULL) fail_msg("call %d wasn't told anything", (int)call);
	assert_null(take_result(call));
	return event;
}

static inline void free_result(struct aps_result_event *event)
{
	aps_result_event_unref(event);
}

/* The call ended like that: an error's kind and whether the mutation is queued. */
static inline void assert_ends(uint64_t call, enum aps_rc code, bool is_queued)
{
	struct aps_result_event *event = result_of(call);
	if (event->response.err.code != code)
		fail_msg("%s: %s", aps_rc_kind(event->response.err.code), event->response.err.msg);
	assert_int_equal(event->queued.is_queued, is_queued);
	free_result(event);
}

/* How many QUEUE events have this text; *data: the last one's, until it is freed. */
static inline size_t count_queue_events(const char *text, struct aps_str *data)
{
	size_t n = 0;
	for (struct aps_mail *mail = world.all.events; mail != NULL; mail = mail->next) {
		const struct aps_result_event *event = (struct aps_result_event *)mail;
		if (event->head.kind != APS_EVENT_QUEUE) continue;
		if (aps_str_find(event->response.data, text) == NULL) continue;
		if (data != NULL) *data = event->response.data;
		n++;
	}
	return n;
}

static inline size_t count_logs(const char *text)
{
	size_t n = 0;
	for (struct aps_mail *mail = world.all.events; mail != NULL; mail = mail->next) {
		const struct aps_note_event *event = (struct aps_note_event *)mail;
		n += event->head.kind == APS_EVENT_LOG && event->text != NULL && strstr(event->text, text) != NULL;
	}
	return n;
}

/* The first one that is under way, of any queue of the client. */
static inline struct aps_sending *under_way_in(const struct aps_queue *queue)
{
	struct aps_sending *best = NULL;
	for (struct aps_sending *sending = queue->sendings; sending != NULL; sending = sending->next) {
		bool is_asked = sending->is_requested && sending->request.exchange != 0;
		if (is_asked && (best == NULL || sending->number < best->number)) best = sending;
	}
	return best;
}

static inline struct aps_sending *under_way(void)
{
	return under_way_in(world.queue);
}

static inline void end_exchange(struct aps_sending *sending, struct aps_http_answer *answer)
{
	assert_non_null(sending);
	aps_http_cancel(world.core->http, sending->request.exchange);
	sending->request.sink.answered(world.core, &sending->request.sink, answer);
	aps_http_answer_clear(answer);
}

static inline void answer_to(struct aps_sending *sending, long status, const char *headers, const char *body)
{
	struct aps_http_answer answer = {.status = status, .n_body = strlen(body)};
	while (answer.body == NULL) answer.body = aps_strndup(body, answer.n_body); /* there may be no memory, once */
	while (!aps_answer_take_headers(&answer, aps_str_of(headers), headers[0] != '\0' ? 1 : 0)) {
	}
	end_exchange(sending, &answer);
}

static inline void answer(long status, const char *body)
{
	answer_to(under_way(), status, "", body);
}

static inline void fail_exchange(enum aps_rc code, bool is_sent)
{
	struct aps_http_answer answer = {.status = 0};
	aps_fail(&answer.err, code, "connection lost");
	answer.err.sent = is_sent;
	end_exchange(under_way(), &answer);
}

/* What is sent, until the next one. */
static inline const char *body_of(const struct aps_sending *sending)
{
	static char text[2048];
	struct aps_err err;
	struct aps_buf body;
	assert_non_null(sending);
	const struct aps_operation *operation = sending->is_look ? &sending->question : &sending->operation;
	aps_buf_init(&body, APS_BUF_ANY_SIZE);
	while (aps_gqlhttp_body(&body, operation, &err) != APS_OK) aps_buf_clear(&body);
	snprintf(text, sizeof text, "%.*s", (int)body.n, body.p);
	aps_buf_clear(&body);
	return text;
}

static inline size_t n_requests(void)
{
	return (size_t)atomic_load(&world.client->stats->requests);
}

/* As long as it takes, but for what is due after more than an hour. */
static inline void let_time_pass(int64_t ms)
{
	aps_timers_run(&world.core->timers, world.core, aps_clock_mono_ms() + ms);
	turn();
}

/* What is asked about the queue: the answer's data, the caller's; NULL: it hasn't come. */
static inline struct aps_result_event *ask_in(uint64_t cache, enum aps_queue_ask what, const char *text,
                                              const char *json)
{
	struct aps_ask_queue_command *command = aps_ask_queue_command_new(7, ++world.last_call);
	if (command == NULL) return NULL;
	command->cache = cache;
	command->what = what;
	add_json(&command->text, text);
	add_json(&command->json, json);
	if (command->text.rc != APS_OK || command->json.rc != APS_OK) {
		aps_command_free(&command->head);
		return NULL;
	}
	run_command(&command->head);
	turn();
	return take_result(world.last_call);
}

static inline const char *ask(enum aps_queue_ask what, const char *text, const char *json)
{
	static char data[8192];
	struct aps_result_event *event = ask_in(CACHE, what, text, json);
	assert_non_null(event);
	if (event->response.err.code != APS_OK)
		snprintf(data, sizeof data, "%s", event->response.err.msg);
	else
		snprintf(data, sizeof data, "%.*s", (int)event->response.data.n, event->response.data.p);
	free_result(event);
	return data;
}

static inline void tell_told(uint64_t outcome)
{
	struct aps_queue_answer_command *command = aps_told_command_new(7, CACHE);
	assert_non_null(command);
	command->entry = outcome;
	run_command(&command->head);
	turn();
}

static inline void resolve(uint64_t entry, const char *variables)
{
	struct aps_queue_answer_command *command = aps_resolve_command_new(7, CACHE);
	assert_non_null(command);
	command->entry = entry;
	command->is_given = variables != NULL;
	add_json(&command->variables, variables);
	run_command(&command->head);
	turn();
}

static inline void assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL) fail_msg("\"%s\" isn't in %s", part, text);
}

static inline const char *id_of(uint64_t number)
{
	static char id[APS_ENTRY_TEXT_CHARS + 1];
	aps_queue_id_text(world.queue, number, id);
	return id;
}

static inline void be_online(bool is_online)
{
	aps_reach_set_online(world.core, world.client, is_online);
	turn();
}

#endif
