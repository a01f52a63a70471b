/* A client with one partition in a file of its own, and the reader of it. Include after cmocka.h. */
#ifndef APS_SPEC_COLLECTING_WORLD_H
#define APS_SPEC_COLLECTING_WORLD_H

#include "client/caching.h"
#include "client/collect_commands.h"
#include "client/reader.h"
#include "core_world.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE 3

struct collecting_world {
	struct core_world core;
	struct aps_client *client;
	struct aps_cache_settings *settings;
	struct aps_channel *channel;
	struct aps_reader *reader;
	struct aps_read_result result;
	char folder[64], path[96];
	int64_t now_s; /* of reads */
};

static struct collecting_world world;

static void open_cache_as(uint64_t id, const char *identity, struct aps_channel *channel)
{
	struct aps_cached *cached = aps_cached_new(id, identity, channel);
	assert_non_null(cached);
	aps_caching_open(world.core.core, world.client, cached);
}

/* Its settings are those of the world, which may be changed before. */
static void open_client(void)
{
	struct aps_err err;
	world.client = aps_calloc(1, sizeof *world.client);
	assert_non_null(world.client);
	world.client->id = 8;
	world.client->stats = aps_stats_new();
	aps_settings_init(&world.client->settings);
	world.client->settings.cache = aps_cache_settings_ref(world.settings);
	assert_int_equal(aps_core_open_client(world.core.core, world.client, &err), APS_OK);
	world.channel = aps_channel_new(5);
	open_cache_as(CACHE, "ann", world.channel);
	world.reader = aps_reader_new(world.path, "p", "ann", &world.settings->policies, world.channel, &err);
	assert_non_null(world.reader);
}

static void close_client(void)
{
	if (world.client == NULL) return;
	aps_core_close_client(world.core.core, world.client);
	core_world_turn(&world.core);
	aps_reader_free(world.reader);
	aps_channel_unref(world.channel);
	world.client = NULL;
}

static int collecting_setup(void **state)
{
	(void)state;
	world = (struct collecting_world){.client = NULL};
	strcpy(world.folder, "/tmp/appsync-collecting-XXXXXX");
	if (mkdtemp(world.folder) == NULL) return -1;
	snprintf(world.path, sizeof world.path, "%s/store.db", world.folder);
	core_world_begin(&world.core);
	world.settings = aps_cache_settings_new();
	world.settings->path = aps_strndup(world.path, strlen(world.path));
	world.settings->key_prefix = aps_strndup("p", 1);
	aps_read_result_init(&world.result, APS_BUF_ANY_SIZE);
	open_client();
	return 0;
}

static int collecting_teardown(void **state)
{
	(void)state;
	static const char *const ENDINGS[] = {"", "-wal", "-shm", "-leader"};
	char name[128];
	close_client();
	aps_read_result_clear(&world.result);
	aps_cache_settings_unref(world.settings);
	core_world_finish(&world.core);
	for (size_t i = 0; i < APS_COUNTOF(ENDINGS); i++) {
		snprintf(name, sizeof name, "%s%s", world.path, ENDINGS[i]);
		unlink(name);
	}
	return rmdir(world.folder);
}

static struct aps_operation make(const char *query, const char *variables)
{
	struct aps_gql_document *doc;
	struct aps_operation operation;
	struct aps_err err;
	if (aps_gql_document_new(aps_str_of(query), &doc, NULL, &err) != APS_OK) fail_msg("%s", err.msg);
	assert_int_equal(aps_operation_init(&operation, doc, aps_gql_document_operation(doc, 0), true,
	                                    aps_str_of(variables), NULL),
	                 APS_OK);
	aps_gql_document_unref(doc);
	return operation;
}

/* In the turn that runs. */
static void write_to(uint64_t cache, const char *query, const char *data)
{
	struct aps_operation operation = make(query, "{}");
	core_world_keep(&world.core, world.client, cache, &operation, aps_str_of(data));
	aps_operation_clear(&operation);
}

APS_UNUSED static void write_now(const char *query, const char *data)
{
	write_to(CACHE, query, data);
	core_world_turn(&world.core);
}

/* The JSON, without the types; "missing a.b"; or "error …". */
APS_UNUSED static const char *read_now(const char *query)
{
	static char text[1 << 20];
	struct aps_err err;
	struct aps_operation operation = make(query, "{}");
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .now_s = world.now_s};
	enum aps_rc rc = aps_reader_read(world.reader, &operation, &options, &world.result, &err);
	aps_operation_clear(&operation);
	if (rc != APS_OK) snprintf(text, sizeof text, "error %s", err.msg);
	if (rc == APS_OK && world.result.n_missing != 0)
		snprintf(text, sizeof text, "missing %s", world.result.missing.p);
	if (rc != APS_OK || world.result.n_missing != 0) return text;
	size_t n = 0;
	for (const char *json = world.result.data.p; *json != '\0';) {
		if (strncmp(json, ",\"__typename\":\"", 15) == 0)
			json = strchr(json + 15, '"') + 1;
		else
			text[n++] = *json++;
	}
	text[n] = '\0';
	return text;
}

static void run_command(struct aps_command *command)
{
	assert_non_null(command);
	command->run(world.core.core, command);
}

/* A turn at whose time each timer is due that is set. */
static void turn_later(void)
{
	struct aps_timers *timers = &world.core.core->timers;
	for (size_t i = 0; i < timers->n_items; i++) timers->heap[i]->at_ms = 0;
	core_world_turn(&world.core);
}

/* Turns until nothing is to be done any more. */
APS_UNUSED static void settle(void)
{
	while (world.core.core->timers.n_items != 0) turn_later();
}

/* Runs turns until the call is answered: its number, or -1 and the message in *message. */
static int64_t wait_for(uint64_t call, const char **message)
{
	static char text[256];
	for (;;) {
		for (struct aps_event *event; (event = core_world_take(&world.core)) != NULL;) {
			int64_t number = -1;
			bool is_it = event->kind == APS_EVENT_RESULT && event->target == call;
			const struct aps_result_event *result = (const struct aps_result_event *)event;
			if (is_it && result->response.err.code == APS_OK)
				number = strtoll(result->response.data.p, NULL, 10);
			if (is_it && message != NULL) snprintf(text, sizeof text, "%s", result->response.err.msg);
			if (message != NULL) *message = text;
			event->mail.kind->free_mail(&event->mail);
			if (is_it) return number;
		}
		turn_later();
	}
}

APS_UNUSED static int64_t collect_now(void)
{
	static uint64_t call = 100;
	run_command(aps_collect_command_new(world.client->id, CACHE, ++call));
	return wait_for(call, NULL);
}

APS_UNUSED static void retain_now(uint64_t retention, const char *query)
{
	struct aps_retain_command *command = aps_retain_command_new(world.client->id, CACHE, retention);
	assert_non_null(command);
	command->operation = make(query, "{}");
	run_command(&command->head);
}

/* What another connection finds in the file. */
static int64_t in_file(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_open_v2(world.path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	int64_t number = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return number;
}

APS_UNUSED static int64_t n_records(void)
{
	return in_file("SELECT count(*) FROM entry WHERE key >= X'52' AND key < X'53' AND length(content) > 0");
}

/* The keys of all that is there, but for the root. */
APS_UNUSED static int64_t n_rows(void)
{
	return in_file("SELECT count(*) FROM entry") - 1;
}

/* The bytes occur in the file or in its log. */
APS_UNUSED static bool is_in_file(const char *text)
{
	static const char *const ENDINGS[] = {"", "-wal"};
	bool is_there = false;
	for (size_t i = 0; i < APS_COUNTOF(ENDINGS); i++) {
		char name[128];
		snprintf(name, sizeof name, "%s%s", world.path, ENDINGS[i]);
		FILE *file = fopen(name, "rb");
		struct stat found;
		if (file == NULL) continue;
		fstat(fileno(file), &found);
		char *bytes = malloc((size_t)found.st_size + 1);
		size_t n = fread(bytes, 1, (size_t)found.st_size, file);
		is_there = is_there || memmem(bytes, n, text, strlen(text)) != NULL;
		free(bytes);
		fclose(file);
	}
	return is_there;
}

#endif
