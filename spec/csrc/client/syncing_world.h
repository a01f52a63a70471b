/* A core without a thread, a client with a store in a file, and a delta sync. Nothing is sent: nobody runs the core's
 * sockets. Answers are given to its request, and events to its consumer, by the test, which also tells the time.
 * Include after cmocka.h. */
#ifndef APS_SPEC_SYNCING_WORLD_H
#define APS_SPEC_SYNCING_WORLD_H

#include "../../support/faulty_vfs.h"
#include "base/clock.h"
#include "client/cache_commands.h"
#include "client/connections.h"
#include "client/feed.h"
#include "client/partition.h"
#include "client/reach.h"
#include "client/sync_commands.h"
#include "client/sync_judge.h"
#include "client/syncing.h"
#include "core_world.h"
#include "net/answer.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define FIELDS "id n _version _deleted _lastChangedAt"
#define BASE                                                                                                           \
	"query B($limit: Int, $nextToken: String) { listPosts(limit: $limit, nextToken: $nextToken) { items { " FIELDS \
	" } nextToken startedAt } }"
#define DELTA                                                                                                          \
	"query D($lastSync: AWSTimestamp, $nextToken: String) { syncPosts(lastSync: $lastSync, nextToken: "            \
	"$nextToken) { "                                                                                               \
	"items { " FIELDS " } nextToken startedAt } }"
#define LIVE "subscription S { onPost { " FIELDS " } }"

#define DAY_MS   INT64_C(86400000)
#define BEGIN_MS INT64_C(1700000000000) /* the wall's clock, and the service's */

enum { CACHE = 3, KEY = 4, SYNC = 20 };

struct syncing_world {
	struct core_world all;
	struct aps_core *core;
	struct aps_client *client;
	struct aps_channel *channel; /* of CACHE; borrowed from it */
	struct aps_sync_run *run;    /* NULL: it has ended */
	char folder[64], path[96];
	int64_t ms;             /* that have passed */
	uint64_t last_question; /* that was told */
};

static struct syncing_world world;

/* What is asked for; what isn't said is BASE, DELTA and LIVE. "": no such part. */
struct asked {
	const char *base, *delta, *live;
	const char *version_field;
	bool is_by_hand; /* the application keeps its lists itself */
	bool has_update, has_page, has_cache_updates, asks_headers;
	uint64_t max_records;
	int64_t interval_ms;
};

static inline void stand(void)
{
	aps_clock_stand(1000000 + world.ms, BEGIN_MS + world.ms);
}

static inline size_t turn(void)
{
	return core_world_turn(&world.all);
}

static inline void let_time_pass(int64_t ms)
{
	world.ms += ms;
	stand();
	aps_timers_run(&world.core->timers, world.core, aps_clock_mono_ms());
	turn();
}

/* What lists had, and nothing refers to any more, leaves the store. */
static inline void collect(void)
{
	for (int i = 0; i < 3; i++) let_time_pass(5);
}

/* The same behind a collection that has just ended, or failed. */
static inline void collect_later(void)
{
	let_time_pass(10000);
	collect();
}

static inline struct aps_partition *partition(void)
{
	return aps_caching_partition(world.core, world.client, CACHE);
}

static inline void open_cache(void)
{
	struct aps_channel *channel = aps_channel_new(5);
	struct aps_cached *cached = aps_cached_new(CACHE, "", channel);
	assert_non_null(cached);
	aps_caching_open(world.core, world.client, cached);
	aps_channel_unref(channel);
	world.channel = channel;
}

static inline void settle_client(void)
{
	struct aps_cache_settings *settings = aps_cache_settings_new();
	assert_non_null(settings);
	settings->path = aps_strndup(world.path, strlen(world.path));
	settings->key_prefix = aps_strndup("p", 1);
	world.client->settings.cache = settings;
	world.client->settings.endpoint = aps_strndup("http://127.0.0.1:9/", 19);
	world.client->settings.realtime_endpoint = aps_strndup("ws://127.0.0.1:9/", 17);
	world.client->settings.request_timeout_ms = 60000;
	core_world_add_key(&world.all, KEY);
	aps_connections_set_online(world.core, world.client, false); /* no socket */
	open_cache();
}

static inline void begin(void)
{
	faulty_vfs_install();
	world = (struct syncing_world){.folder = "/tmp/appsync-syncing-XXXXXX"};
	assert_non_null(mkdtemp(world.folder));
	snprintf(world.path, sizeof world.path, "%s/store.db", world.folder);
	stand();
	core_world_begin(&world.all);
	world.core = world.all.core;
	world.client = world.all.client;
	settle_client();
	turn();
}

static inline void drop_events(void)
{
	aps_mail_free_chain(world.all.events);
	world.all.events = NULL;
}

static inline void finish(void)
{
	faulty_vfs_set("full=off readonly=off error=off");
	core_world_finish(&world.all);
	aps_clock_go_on();
	DIR *entries = opendir(world.folder);
	for (struct dirent *entry; (entry = readdir(entries)) != NULL;) unlinkat(dirfd(entries), entry->d_name, 0);
	closedir(entries);
	rmdir(world.folder);
}

APS_UNUSED static int setup(void **state)
{
	(void)state;
	begin();
	return 0;
}

APS_UNUSED static int teardown(void **state)
{
	(void)state;
	finish();
	return 0;
}

/* The process has ended, and another one begins, without a sync still. */
static inline void restart(void)
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
	world.run = NULL;
	settle_client();
	turn();
	drop_events();
}

static inline bool make_operation(struct aps_operation *operation, const char *text, const char *variables)
{
	struct aps_gql_document *doc;
	struct aps_err err;
	if (aps_gql_document_new(aps_str_of(text), &doc, NULL, &err) != APS_OK) {
		if (err.code != APS_E_NOMEM) fail_msg("%s", err.msg);
		return false;
	}
	enum aps_rc rc = aps_operation_init(operation, doc, aps_gql_document_operation(doc, 0), true,
	                                    aps_str_of(variables), NULL);
	aps_gql_document_unref(doc);
	if (rc != APS_OK) operation->document = NULL;
	return rc == APS_OK;
}

/* False: no memory. */
static inline bool fill_settings(struct aps_sync_settings *settings, const struct asked *asked)
{
	const char *const texts[] = {asked->base != NULL ? asked->base : BASE,
	                             asked->delta != NULL ? asked->delta : DELTA,
	                             asked->live != NULL ? asked->live : LIVE};
	for (int i = 0; i < APS_SYNC_PARTS; i++) {
		struct aps_sync_part *part = &settings->parts[i];
		if (texts[i][0] == '\0') continue;
		if (!make_operation(&part->operation, texts[i], "{}")) return false;
		part->has_update = asked->has_update;
		bool is_paged = strstr(texts[i], "$nextToken") != NULL && !asked->has_page;
		part->has_page = asked->has_page && i != APS_SYNC_PART_SUBSCRIPTION;
		if (is_paged && (part->token_variable = aps_strndup("nextToken", 9)) == NULL) return false;
		bool is_limited = strstr(texts[i], "$limit") != NULL && !asked->has_page;
		if (is_limited && (part->limit_variable = aps_strndup("limit", 5)) == NULL) return false;
	}
	const char *version = asked->version_field;
	if (version != NULL && (settings->version_field = aps_strndup(version, strlen(version))) == NULL) return false;
	settings->keeps_list = !asked->is_by_hand;
	settings->has_cache_updates = asked->has_cache_updates;
	settings->asks_headers = asked->asks_headers;
	settings->credential = KEY;
	settings->options.interval_ms = asked->interval_ms != 0 ? asked->interval_ms : DAY_MS;
	settings->options.window_ms = DAY_MS;
	settings->options.poll_ms = 10000;
	settings->options.max_records = asked->max_records;
	settings->options.page_size = 100;
	settings->options.min_page_size = 10;
	return true;
}

/* False: no memory for it. */
static inline bool try_open_as(uint64_t id, const struct asked *asked)
{
	struct aps_open_sync_command *command = aps_open_sync_command_new(7, id);
	if (command == NULL) return false;
	command->cache = CACHE;
	if (!fill_settings(command->settings, asked)) {
		aps_command_free(&command->head);
		return false;
	}
	command->head.run(world.core, &command->head);
	world.run = aps_syncing_find(world.core, world.client, id);
	turn();
	return world.run != NULL;
}

static inline bool try_open(const struct asked *asked)
{
	return try_open_as(SYNC, asked);
}

static inline void open_sync(const struct asked *asked)
{
	assert_true(try_open(asked));
}

static inline void run_command(struct aps_command *head)
{
	assert_non_null(head);
	head->run(world.core, head);
}

static inline void stop(void)
{
	run_command(aps_stop_sync_command_new(7, SYNC));
	world.run = NULL;
	turn();
}

/* A page is under way. */
static inline bool is_asked(void)
{
	return world.run->fetching.is_requested && world.run->fetching.request.exchange != 0;
}

static inline void end_exchange(struct aps_http_answer *answer)
{
	struct aps_request *request = &world.run->fetching.request;
	aps_http_cancel(world.core->http, request->exchange);
	request->sink.answered(world.core, &request->sink, answer);
	aps_http_answer_clear(answer);
	turn();
}

/* False: no memory. */
static inline bool make_answer(struct aps_http_answer *answer, long status, const char *date, const char *body)
{
	*answer = (struct aps_http_answer){.status = status, .n_body = strlen(body)};
	answer->body = aps_strndup(body, answer->n_body);
	if (answer->body != NULL && aps_answer_take_headers(answer, aps_str_of(date), 1)) return true;
	aps_http_answer_clear(answer);
	return false;
}

static inline void answer_status(long status, const char *body)
{
	struct aps_http_answer answer;
	char date[64];
	const time_t now_s = (time_t)((BEGIN_MS + world.ms) / 1000);
	struct tm now;
	assert_true(strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&now_s, &now)) != 0);
	if (!is_asked()) fail_msg("no page is asked for: %s", aps_sync_phase_name(world.run->machine.phase));
	while (!make_answer(&answer, status, date, body)) { /* there may be no memory, once */
	}
	end_exchange(&answer);
}

/* 'items' as they stand in a list; `token` NULL: the last page. startedAt is the time. */
static inline const char *page_of(const char *root, const char *items, const char *token)
{
	static char body[1 << 16];
	snprintf(body, sizeof body,
	         "{\"data\":{\"%s\":{\"items\":[%s],\"nextToken\":%s%s%s,\"startedAt\":%" PRId64
	         ",\"__typename\":\"Page\"}}}",
	         root, items, token != NULL ? "\"" : "", token != NULL ? token : "null", token != NULL ? "\"" : "",
	         BEGIN_MS + world.ms);
	return body;
}

static inline void answer_base(const char *items, const char *token)
{
	assert_int_equal(world.run->fetching.query, APS_SYNC_BASE_QUERY);
	answer_status(200, page_of("listPosts", items, token));
}

static inline void answer_delta(const char *items, const char *token)
{
	assert_int_equal(world.run->fetching.query, APS_SYNC_DELTA_QUERY);
	answer_status(200, page_of("syncPosts", items, token));
}

static inline void fail_exchange(enum aps_rc code)
{
	struct aps_http_answer answer = {.status = 0};
	aps_fail(&answer.err, code, "it failed");
	end_exchange(&answer);
}

/* A record: "{"id":"1","n":7,"_version":2}" with a type; up to 8 of them may be in use. */
static inline const char *post(const char *id, int n, int version)
{
	static char texts[8][160];
	static size_t next;
	char *text = texts[next++ % 8];
	snprintf(text, sizeof texts[0],
	         "{\"__typename\":\"Post\",\"id\":\"%s\",\"n\":%d,\"_version\":%d,\"_deleted\":null,\"_lastChangedAt\":"
	         "%d}",
	         id, n, version, 1000 + version);
	return text;
}

static inline const char *deleted(const char *id, int version)
{
	static char texts[8][160];
	static size_t next;
	char *text = texts[next++ % 8];
	snprintf(text, sizeof texts[0],
	         "{\"__typename\":\"Post\",\"id\":\"%s\",\"n\":null,\"_version\":%d,\"_deleted\":true,\"_"
	         "lastChangedAt\":%d}",
	         id, version, 1000 + version);
	return text;
}

static inline const char *both(const char *a, const char *b)
{
	static char texts[4][2048];
	static size_t next;
	char *text = texts[next++ % 4];
	snprintf(text, sizeof texts[0], "%s,%s", a, b);
	return text;
}

/* What the subscription's feed tells the consumer. */
static inline void tell(const char *state)
{
	struct aps_consumer *consumer = &world.run->hearing.consumer;
	consumer->kind->tell(world.core, consumer, state, NULL);
	turn();
}

/* Without a turn. False: no memory for the frame. */
static inline bool offer(const char *payload)
{
	struct aps_consumer *consumer = &world.run->hearing.consumer;
	struct aps_bytes *bytes = aps_bytes_new(strlen(payload));
	struct aps_err err;
	if (bytes == NULL) return false;
	memcpy(bytes->p, payload, bytes->n);
	assert_int_equal(consumer->kind->offer(world.core, consumer, bytes, (struct aps_str){bytes->p, bytes->n}, &err),
	                 APS_CONSUMER_OK);
	aps_bytes_unref(bytes);
	return true;
}

static inline const char *event_of(const char *record)
{
	static char text[8192];
	snprintf(text, sizeof text, "{\"data\":{\"onPost\":%s}}", record);
	return text;
}

static inline void hear(const char *record)
{
	assert_true(offer(event_of(record)));
	turn();
}

static inline enum aps_sync_phase phase(void)
{
	return world.run->machine.phase;
}

static inline void assert_phase(enum aps_sync_phase expected)
{
	assert_string_equal(aps_sync_phase_name(phase()), aps_sync_phase_name(expected));
}

/* From the start to LIVE, with these records of the base query's one page. */
static inline void go_live(const struct asked *asked, const char *items)
{
	open_sync(asked);
	if (asked->live == NULL || asked->live[0] != '\0') tell("subscribed");
	answer_base(items, NULL);
	assert_phase(APS_SYNC_LIVE);
	drop_events();
}

/* What the query shows in the core's cache: JSON, "missing …" or an error's text. Layers count. */
static inline const char *read_query(const char *query)
{
	static char text[1 << 15];
	struct aps_partition *of = partition();
	struct aps_operation operation;
	struct aps_read_result result;
	struct aps_err err;
	struct aps_binding binding = {.policies = of->policies, .names = &of->cache.names};
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY")};
	assert_true(make_operation(&operation, query, "{}"));
	aps_read_result_init(&result, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_binding_init(&binding, operation.document, operation.definition,
	                                  aps_operation_variables(&operation), &err),
	                 APS_OK);
	enum aps_rc rc = aps_denormalize(aps_partition_source(of), &binding, &options, &result, &err);
	snprintf(text, sizeof text, "%s", rc != APS_OK ? err.msg : result.data.p);
	if (rc == APS_OK && result.n_missing != 0) snprintf(text, sizeof text, "missing %s", result.missing.p);
	aps_read_result_clear(&result);
	aps_binding_clear(&binding);
	aps_operation_clear(&operation);
	return text;
}

/* "1:7 2:8": ids and n of what the list shows. */
static inline const char *list_of(const char *query)
{
	static char text[1 << 15];
	const char *json = read_query(query);
	size_t n = 0;
	text[0] = '\0';
	if (strncmp(json, "{", 1) != 0) return json;
	while ((json = strstr(json, "\"id\":\"")) != NULL) {
		json += 6;
		const char *number = strstr(json, "\"n\":");
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s:%d", n != 0 ? " " : "",
		                      (int)strcspn(json, "\""), json, number != NULL ? atoi(number + 4) : -1);
	}
	return text;
}

#define LIST                                                                                                           \
	"query L($limit: Int, $nextToken: String) { listPosts(limit: $limit, nextToken: $nextToken) { items { id n } " \
	"} }"

static inline const char *list(void)
{
	return list_of(LIST);
}

/* n of a record as the service has said it; -1: it isn't there, or has none. */
static inline int64_t n_of(const char *id)
{
	char key[32];
	struct aps_entry *entry = NULL;
	struct aps_cell value;
	struct aps_partition *of = partition();
	snprintf(key, sizeof key, "RPost:%s", id);
	assert_int_equal(aps_entries_find(&of->cache.entries, aps_str_of(key), &entry, NULL), APS_OK);
	uint32_t name = aps_names_find(&of->cache.names, APS_STR("n"));
	bool is_there = entry != NULL && name != 0 && aps_cell_find_field(aps_entry_base(entry), name, &value);
	return is_there && value.tag == APS_CELL_INT ? value.as.integer : -1;
}

static inline struct aps_sync_name sync_name(void)
{
	struct aps_sync_name name;
	struct aps_err err;
	assert_int_equal(aps_sync_run_name(world.run, &name, &err), APS_OK);
	return name;
}

/* Whether the record's deletion is remembered. */
static inline bool is_dead(const char *id)
{
	char key[32];
	struct aps_tombstone_found found = {.is_there = false};
	struct aps_err err;
	snprintf(key, sizeof key, "RPost:%s", id);
	aps_buf_init(&found.version, APS_BUF_ANY_SIZE);
	aps_buf_init(&found.changed_at, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_tombstone_find(world.run->vault->db, sync_name(), aps_str_of(key), &found, &err), APS_OK);
	aps_buf_clear(&found.version);
	aps_buf_clear(&found.changed_at);
	return found.is_there;
}

/* What a mutation's answer or an edit of others brings: JSON of the operation's data. */
static inline void keep(const char *query, const char *data)
{
	struct aps_operation operation;
	assert_true(make_operation(&operation, query, "{}"));
	core_world_keep(&world.all, world.client, CACHE, &operation, aps_str_of(data));
	turn();
	aps_operation_clear(&operation);
}

/* What an optimistic response of the document says. */
static inline struct aps_edits *make_edits(const char *query, const char *json)
{
	struct aps_gql_document *doc;
	struct aps_edits *edits = aps_edits_new();
	assert_non_null(edits);
	assert_int_equal(aps_gql_document_new(aps_str_of(query), &doc, NULL, NULL), APS_OK);
	const struct aps_edit_what what = {.kind = APS_EDIT_WRITE,
	                                   .key = APS_STR(""),
	                                   .document = doc,
	                                   .definition = aps_gql_document_operation(doc, 0),
	                                   .variables = APS_STR("{}"),
	                                   .json = aps_str_of(json)};
	assert_true(aps_edits_add(edits, &what));
	aps_gql_document_unref(doc);
	return edits;
}

APS_UNUSED static void let_turns_pass(void)
{
	for (int i = 0; i < 5; i++) turn();
}

/* Executed, given up, refused or cancelled, in doubt: in one transaction of the vault. */
APS_UNUSED static void end_layer(uint64_t id, int how)
{
	struct aps_err err;
	struct aps_partition *of = partition();
	assert_int_equal(aps_vault_begin(of->vault, &err), APS_OK);
	switch (how) {
	case 0: assert_int_equal(aps_partition_settle_layer(of, id, NULL, &err), APS_OK); break;
	case 1: assert_int_equal(aps_partition_fold_layer(of, id, &err), APS_OK); break;
	case 2: assert_int_equal(aps_partition_drop_layer(of, id, false, &err), APS_OK); break;
	default: assert_int_equal(aps_partition_drop_layer(of, id, true, &err), APS_OK); break;
	}
	assert_int_equal(aps_vault_commit(of->vault, &err), APS_OK);
	let_turns_pass();
}

/* A mutation of the post is queued, and hopes for this. */
APS_UNUSED static uint64_t queue_layer(const char *id, int n)
{
	struct aps_err err;
	char json[96];
	uint64_t layer;
	snprintf(json, sizeof json, "{\"up\":{\"__typename\":\"Post\",\"id\":\"%s\",\"n\":%d}}", id, n);
	const struct aps_caching_edits what = {.edits = make_edits("mutation M { up { id n } }", json)};
	assert_int_equal(aps_caching_queue_layer(world.core, world.client, CACHE, &what, &layer, &err), APS_OK);
	aps_edits_unref(what.edits);
	turn();
	return layer;
}

#define NO_SUCH_FIELD "[{\"errorType\":\"ValidationException\",\"message\":\"no such field\"}]"

/* How the service ends a subscription: what it says, and the error that the connection has made of that. */
APS_UNUSED static void end_subscription(enum aps_rc code, const char *errors)
{
	struct aps_consumer *consumer = &world.run->hearing.consumer;
	struct aps_err err;
	aps_fail(&err, code, "no subscription");
	aps_feed_leave(world.core, consumer);
	consumer->kind->end(world.core, consumer, &err, errors);
	turn();
}

/* Until the next base pass is due and its first page asked for. */
static inline void begin_next_pass(void)
{
	let_time_pass(DAY_MS + DAY_MS / 5);
	assert_int_equal(world.run->fetching.query, APS_SYNC_BASE_QUERY);
	assert_true(is_asked());
}

/* The last SYNC event of this kind ("update", "headers", "state", …); NULL: there is none. Its number, if it has one,
 * is in world.last_question. */
static inline const struct aps_result_event *told(const char *what)
{
	char head[48];
	const struct aps_result_event *last = NULL;
	snprintf(head, sizeof head, "{\"what\":\"%s\"", what);
	for (struct aps_mail *mail = world.all.events; mail != NULL; mail = mail->next) {
		const struct aps_result_event *event = (struct aps_result_event *)mail;
		if (event->head.kind != APS_EVENT_SYNC) continue;
		if (strncmp(event->response.data.p, head, strlen(head)) == 0) last = event;
	}
	const char *number = last != NULL ? aps_str_find(last->response.data, "\"number\":") : NULL;
	if (number != NULL) world.last_question = strtoull(number + 9, NULL, 10);
	return last;
}

static inline void assert_told(const char *what, const char *part)
{
	const struct aps_result_event *event = told(what);
	if (event == NULL) fail_msg("%s wasn't told", what);
	if (aps_str_find(event->response.data, part) == NULL)
		fail_msg("\"%s\" isn't in %.*s", part, (int)event->response.data.n, event->response.data.p);
}

/* Whether a line with this text was logged. */
static inline bool is_logged(const char *text)
{
	for (struct aps_mail *mail = world.all.events; mail != NULL; mail = mail->next) {
		const struct aps_note_event *event = (struct aps_note_event *)mail;
		if (event->head.kind == APS_EVENT_LOG && event->text != NULL && strstr(event->text, text) != NULL)
			return true;
	}
	return false;
}

/* The application's functions have said nothing; or `edits`, which are given away, with a number; or `more`. */
static inline void settle_with(uint64_t question, uint64_t number, struct aps_edits *edits, const char *more)
{
	struct aps_sync_answer_command *command = aps_settle_sync_command_new(7, SYNC);
	assert_non_null(command);
	command->cache = CACHE;
	command->question = question;
	command->edits.number = number;
	command->edits.edits = edits;
	if (more != NULL) aps_buf_add_text(&command->more, more);
	run_command(&command->head);
	turn();
}

static inline void settle(void)
{
	settle_with(world.last_question, 0, NULL, NULL);
}

/* The variables of the page that is asked for. */
static inline const char *variables(void)
{
	static char text[2048];
	struct aps_str asked = aps_operation_variables(&world.run->fetching.operation);
	snprintf(text, sizeof text, "%.*s", (int)asked.n, asked.p);
	return text;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
