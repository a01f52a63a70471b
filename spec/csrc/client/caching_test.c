#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

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
	static const char *const ENDINGS[] = {"", "-wal", "-shm"};
	char name[128];
	core_world_finish(&world);
	for (size_t i = 0; i < APS_COUNTOF(ENDINGS); i++) {
		snprintf(name, sizeof name, "%s%s", path, ENDINGS[i]);
		unlink(name);
	}
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

static void open_cache(struct aps_client *client, uint64_t id, const char *identity)
{
	struct aps_channel *channel = aps_channel_new(5);
	assert_non_null(channel);
	struct aps_cached *cached = aps_cached_new(id, identity, channel);
	assert_non_null(cached);
	aps_caching_open(world.core, client, cached);
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
	char *text = rc != APS_OK ? strdup(err.msg) : result.n_missing != 0 ? strdup("missing") : strdup(result.json.p);
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
	aps_caching_write(world.core, client, CACHE, &operation, APS_STR("{\"a\":1}"), APS_STR(""));
	assert_reads(settings, &operation, "missing");
	core_world_turn(&world);
	assert_reads(settings, &operation, "{\"a\":1}");
	/* what is written in the turn in which a client closes is not lost */
	aps_caching_write(world.core, client, CACHE, &operation, APS_STR("{\"a\":2}"), APS_STR(""));
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

static void a_store_that_cannot_be_opened_is_told_and_the_client_works_without(void **state)
{
	(void)state;
	struct aps_cache_settings *settings = make_settings("p");
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 4096; i++) fputs("no database ", file);
	fclose(file);
	struct aps_client *client = open_client(8, aps_cache_settings_ref(settings));
	assert_int_equal(n_logs("can't be used"), 1);
	assert_int_equal(atomic_load(&client->stats->store_failures), 1);
	struct aps_operation operation = make("{ a }");
	aps_caching_write(world.core, client, CACHE, &operation, APS_STR("{\"a\":1}"), APS_STR(""));
	core_world_turn(&world);
	aps_core_close_client(world.core, client);
	core_world_turn(&world);
	aps_operation_clear(&operation);
	aps_cache_settings_unref(settings);
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
	aps_caching_write(world.core, one, CACHE, &operation, APS_STR("{\"a\":1}"), APS_STR(""));
	aps_caching_write(world.core, other, CACHE, &operation, APS_STR("{\"a\":2}"), APS_STR(""));
	aps_caching_write(world.core, same, CACHE, &operation, APS_STR("{\"a\":3}"), APS_STR(""));
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
	aps_caching_write(world.core, client, 4, &operation, APS_STR("{\"a\":4}"), APS_STR(""));
	aps_caching_write(world.core, client, 5, &operation, APS_STR("{\"a\":5}"), APS_STR("")); /* of nobody */
	core_world_turn(&world);
	assert_reads(settings, &operation, "missing");
	char *text = read_of(settings, "ann", &operation);
	assert_string_equal(text, "{\"a\":4}");
	free(text);
	/* what was written in the turn in which it is closed is not lost; others of the file go on */
	aps_caching_write(world.core, client, 4, &operation, APS_STR("{\"a\":5}"), APS_STR(""));
	aps_caching_close(world.core, client, 4);
	aps_caching_close(world.core, client, 4);
	aps_caching_write(world.core, client, 4, &operation, APS_STR("{\"a\":6}"), APS_STR(""));
	aps_caching_write(world.core, client, CACHE, &operation, APS_STR("{\"a\":7}"), APS_STR(""));
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
	aps_caching_write(world.core, client, CACHE, &operation, APS_STR("{\"a\":1,\"b\":1}"), APS_STR(""));
	core_world_turn(&world);
	for (int i = 0; i < 3; i++)
		aps_caching_write(world.core, client, CACHE, &operation, APS_STR("{\"a\":2,\"b\":"), APS_STR(""));
	assert_int_equal(n_logs("can't be written"), 1);
	assert_reads(settings, &operation, "{\"a\":1,\"b\":1}");
	aps_caching_write(world.core, client, CACHE, &operation, APS_STR("{\"a\":3,\"b\":3}"), APS_STR(""));
	assert_int_equal(n_logs("can't be written"), 0);
	assert_reads(settings, &operation, "{\"a\":3,\"b\":3}");
	aps_core_close_client(world.core, client);
	core_world_turn(&world);
	aps_operation_clear(&operation);
	aps_cache_settings_unref(settings);
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
		aps_caching_write(world.core, client, CACHE, &operation, aps_str_of(data), APS_STR(""));
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
	        cmocka_unit_test_setup_teardown(a_store_that_cannot_be_opened_is_told_and_the_client_works_without,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(two_clients_of_one_file_have_different_prefixes, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_client_has_a_partition_for_each_identity, setup, teardown),
	        cmocka_unit_test_setup_teardown(data_that_cannot_be_read_is_told_once_and_changes_nothing, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(without_memory_a_turn_is_whole_or_not_at_all, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
