/* A partition as the core has it, without a core, and its reader: both are driven by the test. */
#ifndef APS_SPEC_READER_WORLD_H
#define APS_SPEC_READER_WORLD_H

#include "base/mem.h"
#include "cache/packed_text.h"
#include "client/partition.h"
#include "client/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
	char folder[64], path[96];
	struct aps_vaults vaults;
	struct aps_vault *vault;
	struct aps_partition *partition;
	struct aps_policies policies;
	struct aps_channel *channel;
	struct aps_reader *reader;
	struct aps_read_result result;
	struct aps_kept_read kept[4]; /* of the operations that were read last */
};

static struct world world;

APS_UNUSED static void open_core(void)
{
	struct aps_err err;
	world.vault = aps_vault_open(&world.vaults, &(struct aps_store_options){.path = world.path}, &err);
	if (world.vault == NULL) fail_msg("%s", err.msg);
	world.partition = aps_partition_open(world.vault, "p", "", &world.policies, world.channel, &err);
	if (world.partition == NULL) fail_msg("%s", err.msg);
	assert_int_equal(aps_vault_commit(world.vault, &err), APS_OK);
}

APS_UNUSED static void close_core(void)
{
	aps_partition_close(world.partition);
	aps_vault_close(&world.vaults, world.vault);
}

static int setup(void **state)
{
	(void)state;
	struct aps_err err;
	world = (struct world){.folder = "/tmp/appsync-reader-XXXXXX"};
	if (mkdtemp(world.folder) == NULL) return -1;
	snprintf(world.path, sizeof world.path, "%s/store.db", world.folder);
	aps_policies_init(&world.policies, 1);
	world.channel = aps_channel_new(5);
	aps_read_result_init(&world.result, APS_BUF_ANY_SIZE);
	world.reader = aps_reader_new(world.path, "p", "", &world.policies, world.channel, &err);
	return world.reader != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	static const char *const ENDINGS[] = {"", "-wal", "-shm", "-leader"};
	char path[128];
	aps_reader_free(world.reader);
	for (size_t i = 0; i < APS_COUNTOF(world.kept); i++) aps_kept_read_clear(&world.kept[i]);
	aps_read_result_clear(&world.result);
	aps_channel_unref(world.channel);
	aps_policies_clear(&world.policies);
	for (size_t i = 0; i < APS_COUNTOF(ENDINGS); i++) {
		snprintf(path, sizeof path, "%s%s", world.path, ENDINGS[i]);
		unlink(path);
	}
	rmdir(world.folder);
	return aps_mem_live() == 0 ? 0 : -1;
}

APS_UNUSED static struct aps_operation make(const char *query, const char *variables)
{
	struct aps_gql_document *doc;
	struct aps_operation operation;
	assert_int_equal(aps_gql_document_new(aps_str_of(query), &doc, NULL, NULL), APS_OK);
	assert_int_equal(aps_operation_init(&operation, doc, aps_gql_document_operation(doc, 0), true,
	                                    aps_str_of(variables), NULL),
	                 APS_OK);
	aps_gql_document_unref(doc);
	return operation;
}

APS_UNUSED static void write_one(const struct aps_operation *operation, const char *data)
{
	struct aps_err err;
	const struct aps_partition_data what = {
	        .operation = operation, .data = aps_str_of(data), .errors = APS_STR("")};
	if (aps_partition_write(world.partition, &what, &err) != APS_OK) fail_msg("%s", err.msg);
}

APS_UNUSED static void commit(void)
{
	struct aps_err err;
	if (aps_vault_commit(world.vault, &err) != APS_OK) fail_msg("%s", err.msg);
}

static struct aps_kept_read *kept_of(const struct aps_operation *operation)
{
	struct aps_kept_read *free_one = NULL;
	for (size_t i = 0; i < APS_COUNTOF(world.kept); i++) {
		if (world.kept[i].document == operation->document) return &world.kept[i];
		if (world.kept[i].document == NULL) free_one = &world.kept[i];
	}
	if (free_one == NULL) {
		free_one = &world.kept[0];
		aps_kept_read_clear(free_one);
	}
	aps_kept_read_init(free_one, operation->document, operation->definition);
	return free_one;
}

/* One that is kept from read to read finds the same. */
static void assert_kept_finds(const struct aps_operation *operation, const struct aps_read_result *result)
{
	struct aps_err err;
	struct aps_buf text;
	struct aps_kept_read *kept = kept_of(operation);
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_packed = true};
	if (aps_reader_read_again(world.reader, kept, aps_operation_variables(operation), &options, &err) != APS_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(kept->result.n_missing, result->n_missing);
	if (result->n_missing != 0) return;
	const struct aps_packed packed = {aps_buf_str(&kept->result.data), kept->binding.labels,
	                                  kept->binding.n_labels};
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	assert_true(packed_text(&packed, &text));
	assert_string_equal(text.p, result->data.p);
	aps_buf_clear(&text);
}

/* The JSON, or "missing …". */
APS_UNUSED static const char *read_alone(const struct aps_operation *operation)
{
	struct aps_err err;
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY")};
	if (aps_reader_read(world.reader, operation, &options, &world.result, &err) != APS_OK) return strdup(err.msg);
	return world.result.n_missing != 0 ? "missing" : world.result.data.p;
}

/* The same, where nobody writes meanwhile. */
APS_UNUSED static const char *read_one(const struct aps_operation *operation)
{
	const char *text = read_alone(operation);
	if (text == world.result.data.p || strcmp(text, "missing") == 0) assert_kept_finds(operation, &world.result);
	return text;
}

#endif
