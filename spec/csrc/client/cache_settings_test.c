#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/cache_commands.h"
#include "client/cache_settings.h"
#include "client/caching.h"
#include "client/reader.h"
#include "core_world.h"

#define CACHE 3
#define CALL  11

static char folder[64];
static struct core_world world;
static struct aps_cache_settings *settings;

/* A client whose store is in memory: the one of the world, which has no partition yet. */
static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/appsync-settings-XXXXXX");
	if (mkdtemp(folder) == NULL) return -1;
	setenv("TMPDIR", folder, 1);
	core_world_begin(&world);
	settings = aps_cache_settings_new();
	assert_non_null(settings);
	settings->is_in_memory = true;
	settings->key_prefix = aps_strndup("", 0);
	world.client->settings.cache = aps_cache_settings_ref(settings);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aps_cache_settings_unref(settings);
	core_world_finish(&world);
	unsetenv("TMPDIR");
	return rmdir(folder); /* nothing is left in it */
}

static bool is_there(const char *path)
{
	struct stat found;
	return stat(path, &found) == 0;
}

static void place(void)
{
	struct aps_err err = {0};
	assert_int_equal(aps_cache_settings_place(settings, &err), APS_OK);
}

static void run(struct aps_command *command)
{
	assert_non_null(command);
	command->run(world.core, command);
}

static void open_cache(void)
{
	struct aps_channel *channel = aps_channel_new(5);
	run(aps_cache_open_command_new(7, CACHE, "", channel));
	aps_channel_unref(channel);
}

static const char *state_name(void)
{
	return aps_store_state_name(atomic_load(&world.client->stats->store));
}

/* The RESULT of a look, which the caller frees; logs before it are dropped. */
static struct aps_result_event *look(uint64_t client, uint64_t cache)
{
	run(aps_cache_look_command_new(client, cache, CALL));
	core_world_turn(&world);
	for (;;) {
		struct aps_event *event = core_world_take(&world);
		assert_non_null(event);
		if (event->kind != APS_EVENT_RESULT) {
			event->mail.kind->free_mail(&event->mail);
			continue;
		}
		assert_int_equal(event->target, CALL);
		return (struct aps_result_event *)event;
	}
}

static void drop(struct aps_result_event *result)
{
	result->head.mail.kind->free_mail(&result->head.mail);
}

static void a_store_in_memory_has_a_file_until_its_client_closes(void **state)
{
	(void)state;
	char path[128];
	assert_null(settings->path);
	assert_null(state_name());
	place();
	snprintf(path, sizeof path, "%s", settings->path);
	assert_int_equal(strncmp(path, folder, strlen(folder)), 0);
	place(); /* once */
	assert_string_equal(settings->path, path);
	assert_false(is_there(path));
	open_cache();
	assert_true(is_there(path));
	assert_string_equal(state_name(), "memory");
	run(aps_cache_close_command_new(7, CACHE));
	assert_true(is_there(path)); /* for the next one */
	open_cache();
	aps_caching_feature.client_closing(world.core, world.client, NULL);
	assert_false(is_there(path));
	/* as the world closes it once more */
	void *part = NULL;
	struct aps_err err;
	core_world_turn(&world);
	assert_int_equal(aps_caching_feature.client_opened(world.core, world.client, &part, &err), APS_OK);
	for (size_t i = 0; world.core->features[i] != NULL; i++)
		if (world.core->features[i] == &aps_caching_feature) world.client->parts[i] = part;
}

static void a_store_whose_client_never_opened_it_goes_with_its_settings(void **state)
{
	(void)state;
	place();
}

static void where_no_folder_can_be_made_the_client_does_without_a_file(void **state)
{
	(void)state;
	setenv("TMPDIR", "/nowhere/at/all", 1);
	place();
	assert_string_equal(settings->path, "");
	open_cache();
	assert_string_equal(state_name(), "memory");
	struct aps_result_event *result = look(7, CACHE);
	assert_int_equal(result->response.err.code, APS_OK);
	drop(result);
}

static void an_empty_tmpdir_is_none(void **state)
{
	(void)state;
	setenv("TMPDIR", "", 1);
	place();
	assert_int_equal(strncmp(settings->path, "/tmp/lua-appsync-", 17), 0);
}

static void whether_a_store_is_open_is_answered(void **state)
{
	(void)state;
	place();
	open_cache();
	struct aps_result_event *result = look(7, CACHE);
	assert_int_equal(result->response.err.code, APS_OK);
	assert_true(aps_str_is(result->response.data, "true"));
	assert_int_equal(result->source, APS_RESULT_FROM_CACHE);
	drop(result);
	result = look(7, CACHE + 1);
	assert_int_equal(result->response.err.code, APS_E_CLOSED);
	drop(result);
	result = look(8, CACHE);
	assert_int_equal(result->response.err.code, APS_E_CLOSED);
	drop(result);
}

static void a_seed_that_cannot_be_used_is_told(void **state)
{
	(void)state;
	place();
	settings->seed = aps_strndup("/nowhere/at/all.db", 18);
	open_cache();
	assert_string_equal(state_name(), "unavailable");
	assert_false(is_there(settings->path));
	struct aps_result_event *result = look(7, CACHE);
	assert_string_equal(result->response.err.word, "seed");
	drop(result);
}

static struct aps_operation make(const char *document)
{
	struct aps_gql_document *doc;
	struct aps_operation operation;
	assert_int_equal(aps_gql_document_new(aps_str_of(document), &doc, NULL, NULL), APS_OK);
	assert_int_equal(
	        aps_operation_init(&operation, doc, aps_gql_document_operation(doc, 0), true, APS_STR(""), NULL),
	        APS_OK);
	aps_gql_document_unref(doc);
	return operation;
}

/* What is read of "{ a { id n } }" after a subscription brought a null for n. */
static void expect_after_null(bool writes_nulls, const char *expected)
{
	struct aps_operation query = make("{ a { id n } }"), subscription = make("subscription { a { id n } }");
	struct aps_read_result result;
	struct aps_err err;
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY")};
	settings->writes_nulls = writes_nulls;
	place();
	open_cache();
	core_world_keep(&world, world.client, CACHE, &query,
	                APS_STR("{\"a\":{\"id\":\"1\",\"n\":5,\"__typename\":\"T\"}}"));
	core_world_keep(&world, world.client, CACHE, &subscription,
	                APS_STR("{\"a\":{\"id\":\"1\",\"n\":null,\"__typename\":\"T\"}}"));
	core_world_turn(&world);
	struct aps_channel *channel = aps_channel_new(5);
	struct aps_reader *reader = aps_reader_new(settings->path, "", "", &settings->policies, channel, &err);
	aps_read_result_init(&result, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_reader_read(reader, &query, &options, &result, &err), APS_OK);
	assert_string_equal(result.data.p, expected);
	aps_read_result_clear(&result);
	aps_reader_free(reader);
	aps_channel_unref(channel);
	aps_operation_clear(&query);
	aps_operation_clear(&subscription);
}

static void a_null_of_a_subscription_says_nothing(void **state)
{
	(void)state;
	expect_after_null(false, "{\"a\":{\"id\":\"1\",\"n\":5,\"__typename\":\"T\"}}");
}

static void unless_the_application_says_so(void **state)
{
	(void)state;
	expect_after_null(true, "{\"a\":{\"id\":\"1\",\"n\":null,\"__typename\":\"T\"}}");
}

static void without_memory_there_is_no_place_yet(void **state)
{
	(void)state;
	size_t nth = 0;
	enum aps_rc rc;
	do {
		struct aps_err err = {0};
		aps_mem_fail_at(++nth);
		rc = aps_cache_settings_place(settings, &err);
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
		assert_int_equal(err.code, APS_E_NOMEM);
		assert_null(settings->path);
	} while (nth < 20);
	assert_in_range(nth, 5, 7);
	for (nth = 1; nth <= 2; nth++) {
		aps_mem_fail_at(nth);
		assert_null(aps_cache_look_command_new(7, CACHE, CALL));
		aps_mem_fail_at(0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_store_in_memory_has_a_file_until_its_client_closes, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_store_whose_client_never_opened_it_goes_with_its_settings, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(where_no_folder_can_be_made_the_client_does_without_a_file, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(an_empty_tmpdir_is_none, setup, teardown),
	        cmocka_unit_test_setup_teardown(whether_a_store_is_open_is_answered, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_seed_that_cannot_be_used_is_told, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_null_of_a_subscription_says_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(unless_the_application_says_so, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_there_is_no_place_yet, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
