#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "client/cache_commands.h"
#include "client/caching.h"
#include "client/reader.h"
#include "core_world.h"

static char folder[64], path[96];
static struct core_world world;

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/appsync-caching-XXXXXX");
	if (mkdtemp(folder) == NULL) return -1;
	snprintf(path, sizeof path, "%s/store.db", folder);
	core_world_begin(&world);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	core_world_finish(&world);
	DIR *entries = opendir(folder);
	for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;)
		unlinkat(dirfd(entries), entry->d_name, 0);
	closedir(entries);
	return rmdir(folder);
}

static struct aps_cache_settings *make_settings(const char *prefix)
{
	struct aps_cache_settings *settings = aps_cache_settings_new();
	assert_non_null(settings);
	settings->path = aps_strndup(path, strlen(path));
	settings->key_prefix = aps_strndup(prefix, strlen(prefix));
	return settings;
}

static void open_cache_for(struct aps_client *client, uint64_t id, const char *identity, struct aps_channel *channel)
{
	assert_non_null(channel);
	struct aps_cached *cached = aps_cached_new(id, identity, channel);
	assert_non_null(cached);
	aps_caching_open(world.core, client, cached);
}

static void open_cache(struct aps_client *client, uint64_t id, const char *identity)
{
	struct aps_channel *channel = aps_channel_new(5);
	open_cache_for(client, id, identity, channel);
	aps_channel_unref(channel);
}

#define CACHE 3 /* the number of each client's partition */

/* A client of its own with a partition of identity ""; `settings` is given away. */
static struct aps_client *open_client(uint64_t id, struct aps_cache_settings *settings)
{
	struct aps_err err;
	struct aps_client *client = aps_calloc(1, sizeof *client);
	assert_non_null(client);
	client->id = id;
	client->stats = aps_stats_new();
	aps_settings_init(&client->settings);
	client->settings.cache = settings;
	assert_int_equal(aps_core_open_client(world.core, client, &err), APS_OK);
	open_cache(client, CACHE, "");
	return client;
}

static struct aps_operation make(const char *query)
{
	struct aps_gql_document *doc;
	struct aps_operation operation;
	assert_int_equal(aps_gql_document_new(aps_str_of(query), &doc, NULL, NULL), APS_OK);
	assert_int_equal(
	        aps_operation_init(&operation, doc, aps_gql_document_operation(doc, 0), true, APS_STR(""), NULL),
	        APS_OK);
	aps_gql_document_unref(doc);
	return operation;
}

/* What a reader of these settings sees; freed by the caller. */
static char *read_of(const struct aps_cache_settings *settings, const char *identity,
                     const struct aps_operation *operation)
{
	struct aps_err err;
	struct aps_read_result result;
	struct aps_channel *channel = aps_channel_new(5);
	struct aps_reader *reader =
	        aps_reader_new(settings->path, settings->key_prefix, identity, &settings->policies, channel, &err);
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY")};
	aps_read_result_init(&result, APS_BUF_ANY_SIZE);
	assert_non_null(reader);
	enum aps_rc rc = aps_reader_read(reader, operation, &options, &result, &err);
	char *text = rc != APS_OK ? strdup(err.msg) : result.n_missing != 0 ? strdup("missing") : strdup(result.data.p);
	aps_read_result_clear(&result);
	aps_reader_free(reader);
	aps_channel_unref(channel);
	return text;
}

static char *read_all(const struct aps_cache_settings *settings, const struct aps_operation *operation)
{
	return read_of(settings, "", operation);
}

static void assert_reads(const struct aps_cache_settings *settings, const struct aps_operation *operation,
                         const char *expected)
{
	char *text = read_all(settings, operation);
	assert_string_equal(text, expected);
	free(text);
}

static void what_a_turn_writes_is_committed_at_its_end(void **state)
{
	(void)state;
	struct aps_cache_settings *settings = make_settings("p");
	struct aps_client *client = open_client(8, aps_cache_settings_ref(settings));
	struct aps_operation operation = make("{ a }");
	core_world_turn(&world);
	core_world_keep(&world, client, CACHE, &operation, APS_STR("{\"a\":1}"));
	assert_reads(settings, &operation, "missing");
	core_world_turn(&world);
	assert_reads(settings, &operation, "{\"a\":1}");
	/* what is written in the turn in which a client closes is not lost */
	core_world_keep(&world, client, CACHE, &operation, APS_STR("{\"a\":2}"));
	aps_core_close_client(world.core, client);
	assert_reads(settings, &operation, "{\"a\":2}");
	core_world_turn(&world);
	aps_operation_clear(&operation);
	aps_cache_settings_unref(settings);
}

static size_t n_logs(const char *part)
{
	size_t n = 0;
	core_world_turn(&world);
	for (struct aps_event *event; (event = core_world_take(&world)) != NULL;) {
		const struct aps_note_event *note = (const struct aps_note_event *)event;
		if (event->kind == APS_EVENT_LOG && strstr(note->text, part) != NULL) n++;
		event->mail.kind->free_mail(&event->mail);
	}
	return n;
}

static void a_store_that_cannot_be_used_is_told_once_and_again_when_it_can(void **state)
{
	(void)state;
	struct aps_cache_settings *settings = make_settings("p");
	struct aps_operation operation = make("{ a }");
	assert_int_equal(mkdir(path, 0700), 0);
	struct aps_client *client = open_client(8, aps_cache_settings_ref(settings));
	assert_null(aps_store_state_name(atomic_load(&world.client->stats->store)));
	assert_int_equal(n_logs("can't be used (cannot open the store: unable to open database file (Is a directory)): "
	                        "what is cached is kept in memory until it can"),
	                 1);
	assert_string_equal(aps_store_state_name(atomic_load(&client->stats->store)), "unavailable");
	assert_int_equal(atomic_load(&client->stats->store_failures), 1);
	core_world_keep(&world, client, CACHE, &operation, APS_STR("{\"a\":1}"));
	assert_int_equal(n_logs(""), 0);
	/* one that comes later is told as well */
	struct aps_client *other = open_client(9, make_settings("q"));
	assert_int_equal(n_logs("can't be used"), 1);
	assert_string_equal(aps_store_state_name(atomic_load(&other->stats->store)), "unavailable");
	assert_int_equal(rmdir(path), 0);
	aps_timers_run(&world.core->timers, world.core, aps_clock_mono_ms() + 500);
	assert_int_equal(n_logs("can be used again"), 2);
	assert_string_equal(aps_store_state_name(atomic_load(&client->stats->store)), "open");
	assert_string_equal(aps_store_state_name(atomic_load(&other->stats->store)), "open");
	aps_core_close_client(world.core, client);
	aps_core_close_client(world.core, other);
	core_world_turn(&world);
	aps_operation_clear(&operation);
	aps_cache_settings_unref(settings);
}

static void damage_is_told_of_one_s_own_caches_only(void **state)
{
	(void)state;
	struct aps_client *client = open_client(8, make_settings("p"));
	assert_int_equal(n_logs(""), 0);
	assert_string_equal(aps_store_state_name(atomic_load(&client->stats->store)), "open");
	aps_caching_damaged(world.core, client, CACHE + 1, 0);
	assert_int_equal(n_logs(""), 0);
	aps_caching_damaged(world.core, client, CACHE, 0);
	assert_int_equal(n_logs("was damaged (a record can't be read): it was set aside as store.db.damaged-"), 1);
	assert_string_equal(aps_store_state_name(atomic_load(&client->stats->store)), "open");
	aps_core_close_client(world.core, client);
	core_world_turn(&world);
}

static void two_clients_of_one_file_have_different_prefixes(void **state)
{
	(void)state;
	struct aps_cache_settings *first = make_settings("p"), *second = make_settings("q");
	struct aps_client *one = open_client(8, aps_cache_settings_ref(first));
	struct aps_client *other = open_client(9, aps_cache_settings_ref(second));
	struct aps_client *same = open_client(10, make_settings("p"));
	assert_int_equal(n_logs("another client has this store"), 1);
	struct aps_operation operation = make("{ a }");
	core_world_keep(&world, one, CACHE, &operation, APS_STR("{\"a\":1}"));
	core_world_keep(&world, other, CACHE, &operation, APS_STR("{\"a\":2}"));
	core_world_keep(&world, same, CACHE, &operation, APS_STR("{\"a\":3}"));
	core_world_turn(&world);
	assert_reads(first, &operation, "{\"a\":1}");
	assert_reads(second, &operation, "{\"a\":2}");
	aps_core_close_client(world.core, one);
	aps_core_close_client(world.core, other);
	aps_core_close_client(world.core, same);
	core_world_turn(&world);
	aps_operation_clear(&operation);
	aps_cache_settings_unref(first);
	aps_cache_settings_unref(second);
}

static void a_client_has_a_partition_for_each_identity(void **state)
{
	(void)state;
	struct aps_cache_settings *settings = make_settings("p");
	struct aps_client *client = open_client(8, aps_cache_settings_ref(settings));
	struct aps_operation operation = make("{ a }");
	open_cache(client, 4, "ann");
	core_world_keep(&world, client, 4, &operation, APS_STR("{\"a\":4}"));
	core_world_keep(&world, client, 5, &operation, APS_STR("{\"a\":5}")); /* of nobody */
	core_world_turn(&world);
	assert_reads(settings, &operation, "missing");
	char *text = read_of(settings, "ann", &operation);
	assert_string_equal(text, "{\"a\":4}");
	free(text);
	/* what was written in the turn in which it is closed is not lost; others of the file go on */
	core_world_keep(&world, client, 4, &operation, APS_STR("{\"a\":5}"));
	aps_caching_close(world.core, client, 4);
	aps_caching_close(world.core, client, 4);
	core_world_keep(&world, client, 4, &operation, APS_STR("{\"a\":6}"));
	core_world_keep(&world, client, CACHE, &operation, APS_STR("{\"a\":7}"));
	core_world_turn(&world);
	assert_reads(settings, &operation, "{\"a\":7}");
	open_cache(client, 6, "ann");
	text = read_of(settings, "ann", &operation);
	assert_string_equal(text, "{\"a\":5}");
	free(text);
	assert_int_equal(n_logs(""), 0);
	aps_core_close_client(world.core, client);
	core_world_turn(&world);
	aps_operation_clear(&operation);
	aps_cache_settings_unref(settings);
}

static void data_that_cannot_be_read_is_told_once_and_changes_nothing(void **state)
{
	(void)state;
	struct aps_cache_settings *settings = make_settings("p");
	struct aps_client *client = open_client(8, aps_cache_settings_ref(settings));
	struct aps_operation operation = make("{ a b }");
	core_world_keep(&world, client, CACHE, &operation, APS_STR("{\"a\":1,\"b\":1}"));
	core_world_turn(&world);
	for (int i = 0; i < 3; i++) core_world_keep(&world, client, CACHE, &operation, APS_STR("{\"a\":2,\"b\":"));
	assert_int_equal(n_logs("can't be written"), 1);
	assert_reads(settings, &operation, "{\"a\":1,\"b\":1}");
	core_world_keep(&world, client, CACHE, &operation, APS_STR("{\"a\":3,\"b\":3}"));
	assert_int_equal(n_logs("can't be written"), 0);
	assert_reads(settings, &operation, "{\"a\":3,\"b\":3}");
	aps_core_close_client(world.core, client);
	core_world_turn(&world);
	aps_operation_clear(&operation);
	aps_cache_settings_unref(settings);
}

/* The core is told that the root's `a` is `json`, and has no memory for it if `fails`. */
static void run_edit_or_fail(uint64_t client, uint64_t cache, uint64_t number, const char *json, bool fails)
{
	const struct aps_edit_what what = {
	        .kind = APS_EDIT_SET,
	        .key = APS_STR("ROOT_QUERY"),
	        .field = APS_STR("a"),
	        .json = aps_str_of(json),
	};
	struct aps_edits *edits = aps_edits_new();
	assert_true(aps_edits_add(edits, &what));
	struct aps_command *command =
	        aps_edit_command_new(client, cache, &(struct aps_caching_edits){0, number, edits});
	aps_edits_unref(edits);
	assert_true(command->begins);
	assert_true(command->mail.n_bytes > sizeof *command + strlen(json));
	aps_mem_fail_at(fails);
	command->run(world.core, command);
	aps_mem_fail_at(0);
}

static void run_edit(uint64_t client, uint64_t cache, uint64_t number, const char *json)
{
	run_edit_or_fail(client, cache, number, json, false);
}

static void own_edits_are_committed_at_the_turns_end_and_known_then(void **state)
{
	(void)state;
	struct aps_cache_settings *settings = make_settings("p");
	struct aps_client *client = open_client(8, aps_cache_settings_ref(settings));
	struct aps_operation operation = make("{ a }");
	struct aps_channel *channel = aps_channel_new(5);
	open_cache_for(client, 4, "ann", channel);
	core_world_keep(&world, client, 4, &operation, APS_STR("{\"a\":1}"));
	run_edit(8, 4, 1, "2");
	run_edit(8, 4, 2, "3");
	run_edit(8, 77, 9, "4");
	run_edit(99, 4, 9, "4");
	assert_int_equal(aps_channel_decided(channel), 0);
	core_world_turn(&world);
	assert_int_equal(aps_channel_decided(channel), 2);
	char *text = read_of(settings, "ann", &operation);
	assert_string_equal(text, "{\"a\":3}");
	free(text);
	/* those that can't be kept are known as well, and told of once */
	for (uint64_t number = 3; number <= 5; number++) run_edit_or_fail(8, 4, number, "4", true);
	assert_int_equal(n_logs("can't be written"), 1);
	assert_int_equal(aps_channel_decided(channel), 5);
	core_world_turn(&world);
	assert_int_equal(aps_channel_decided(channel), 5);
	text = read_of(settings, "ann", &operation);
	assert_string_equal(text, "{\"a\":3}");
	free(text);
	aps_core_close_client(world.core, client);
	core_world_turn(&world);
	aps_channel_unref(channel);
	aps_operation_clear(&operation);
	aps_cache_settings_unref(settings);
}

static void own_edits_without_a_file_are_kept_in_memory(void **state)
{
	(void)state;
	struct aps_cache_settings *settings = make_settings("p");
	struct aps_channel *channel = aps_channel_new(5);
	assert_int_equal(mkdir(path, 0700), 0); /* there can be no file */
	struct aps_client *client = open_client(8, settings);
	open_cache_for(client, 4, "ann", channel);
	run_edit(8, 4, 1, "2");
	core_world_turn(&world);
	assert_int_equal(aps_channel_decided(channel), 1);
	aps_core_close_client(world.core, client);
	assert_int_equal(n_logs("can't be used"), 1);
	assert_int_equal(rmdir(path), 0);
	aps_channel_unref(channel);
}

static void without_memory_a_turn_is_whole_or_not_at_all(void **state)
{
	(void)state;
	struct aps_cache_settings *settings = make_settings("p");
	struct aps_client *client = open_client(8, aps_cache_settings_ref(settings));
	struct aps_operation operation = make("{ a { id n } b { id n } }");
	char data[256];
	for (size_t nth = 1; nth < 400; nth++) {
		snprintf(data, sizeof data,
		         "{\"a\":{\"id\":\"1\",\"n\":%zu,\"__typename\":\"T\"},\"b\":{\"id\":\"2\",\"n\":%zu,\"__"
		         "typename\":\"T\"}}",
		         nth, nth);
		aps_mem_fail_at(nth);
		core_world_keep(&world, client, CACHE, &operation, aps_str_of(data));
		core_world_turn(&world);
		aps_mem_fail_at(0);
		char *text = read_all(settings, &operation);
		size_t a, b;
		if (strcmp(text, "missing") != 0) {
			assert_int_equal(sscanf(text,
			                        "{\"a\":{\"id\":\"1\",\"n\":%zu,\"__typename\":\"T\"},\"b\":{\"id\":"
			                        "\"2\",\"n\":%zu,",
			                        &a, &b),
			                 2);
			assert_int_equal(a, b);
		}
		free(text);
	}
	aps_core_close_client(world.core, client);
	n_logs("");
	aps_operation_clear(&operation);
	aps_cache_settings_unref(settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(what_a_turn_writes_is_committed_at_its_end, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_store_that_cannot_be_used_is_told_once_and_again_when_it_can, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(damage_is_told_of_one_s_own_caches_only, setup, teardown),
	        cmocka_unit_test_setup_teardown(two_clients_of_one_file_have_different_prefixes, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_client_has_a_partition_for_each_identity, setup, teardown),
	        cmocka_unit_test_setup_teardown(data_that_cannot_be_read_is_told_once_and_changes_nothing, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(own_edits_are_committed_at_the_turns_end_and_known_then, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(own_edits_without_a_file_are_kept_in_memory, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_a_turn_is_whole_or_not_at_all, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
