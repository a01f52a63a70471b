/* A core with a client whose functions are asked about responses. Include after cmocka.h. */
#ifndef APS_SPEC_PARKING_WORLD_H
#define APS_SPEC_PARKING_WORLD_H

#include "base/clock.h"
#include "cache/field_text.h"
#include "client/caching.h"
#include "client/connections.h"
#include "client/partition.h"
#include "client/question.h"
#include "core_world.h"

#include <stdio.h>

enum { CACHE = 3, OTHER = 4, CREDENTIAL = 5 };

#define QUERY "{ a { id n } }"

static struct core_world world;
static struct aps_operation query;

static struct aps_operation make(const char *text)
{
	struct aps_gql_document *doc;
	struct aps_operation operation;
	assert_int_equal(aps_gql_document_new(aps_str_of(text), &doc, NULL, NULL), APS_OK);
	assert_int_equal(
	        aps_operation_init(&operation, doc, aps_gql_document_operation(doc, 0), true, APS_STR(""), NULL),
	        APS_OK);
	aps_gql_document_unref(doc);
	return operation;
}

static void open_cache(uint64_t id, const char *identity)
{
	struct aps_channel *channel = aps_channel_new(5);
	struct aps_cached *cached = aps_cached_new(id, identity, channel);
	assert_non_null(cached);
	aps_caching_open(world.core, world.client, cached);
	aps_channel_unref(channel);
}

static int setup(void **state)
{
	(void)state;
	struct aps_err err;
	core_world_begin(&world);
	struct aps_settings *settings = &world.client->settings;
	settings->endpoint = aps_strndup("http://127.0.0.1:9/", 19);
	settings->realtime_endpoint = aps_strndup("ws://127.0.0.1:9/", 17);
	settings->request_timeout_ms = 60000;
	settings->cache = aps_cache_settings_new();
	settings->cache->is_in_memory = true;
	settings->cache->key_prefix = aps_strndup("p", 1);
	settings->cache->policies.asks_all = true;
	assert_int_equal(aps_cache_settings_place(settings->cache, &err), APS_OK);
	aps_connections_set_online(world.core, world.client, false);
	open_cache(CACHE, "");
	open_cache(OTHER, "ann");
	query = make(QUERY);
	core_world_turn(&world);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aps_operation_clear(&query);
	core_world_finish(&world);
	return 0;
}

/* The next event, after a turn; NULL: none. */
static struct aps_event *take(void)
{
	core_world_turn(&world);
	return core_world_take(&world);
}

static void drop(struct aps_event *event)
{
	event->mail.kind->free_mail(&event->mail);
}

APS_UNUSED static void expect_nothing(void)
{
	assert_null(take());
}

/* The question that is asked next: its command is the caller's. */
APS_UNUSED static struct aps_answer_command *expect_question(const char *data)
{
	struct aps_question_event *event = (struct aps_question_event *)take();
	assert_non_null(event);
	assert_int_equal(event->head.kind, APS_EVENT_ASK);
	assert_int_equal(event->head.target, 7);
	assert_true(aps_str_is((struct aps_str){event->data->p, event->data->n}, data));
	struct aps_answer_command *answer = event->answer;
	event->answer = NULL;
	assert_int_equal(answer->head.id, event->number);
	assert_false(answer->head.begins);
	drop(&event->head);
	return answer;
}

/* All of its objects are the record of this key; NULL: nothing is told. */
APS_UNUSED static void answer_with(struct aps_answer_command *answer, const char *key)
{
	for (size_t i = 0; key != NULL && i < aps_asked_count(answer->asked); i++)
		assert_true(aps_asked_tell(answer->asked, i, aps_str_of(key)));
	answer->head.run(world.core, &answer->head);
}

/* The field n of the record; -1: it isn't there. */
APS_UNUSED static int64_t read_n(uint64_t cache, const char *key)
{
	struct aps_partition *partition = aps_caching_partition(world.core, world.client, cache);
	struct aps_entry *entry = NULL;
	struct aps_cell value;
	assert_int_equal(aps_entries_find(&partition->cache.entries, aps_str_of(key), &entry, NULL), APS_OK);
	uint32_t name = aps_names_find(&partition->cache.names, APS_STR("n"));
	bool is_there = entry != NULL && name != 0 && aps_cell_find_field(aps_entry_content(entry), name, &value);
	return is_there ? value.as.integer : -1;
}

APS_UNUSED static const char *object_of(char data[96], int n)
{
	snprintf(data, 96, "{\"a\":{\"id\":\"1\",\"n\":%d,\"__typename\":\"T\"}}", n);
	return data;
}

/* The client has closed: there is another one for the world's end. */
APS_UNUSED static void renew_client(void)
{
	struct aps_err err;
	world.client = aps_calloc(1, sizeof *world.client);
	assert_non_null(world.client);
	world.client->id = 8;
	world.client->stats = aps_stats_new();
	aps_settings_init(&world.client->settings);
	assert_int_equal(aps_core_open_client(world.core, world.client, &err), APS_OK);
}

#endif
