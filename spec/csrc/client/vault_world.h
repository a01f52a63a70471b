/* A store in a folder of its own, with one partition and its reader, and without a core: what is due is done by the
 * test. Include after cmocka.h. */
#ifndef APS_SPEC_VAULT_WORLD_H
#define APS_SPEC_VAULT_WORLD_H

#include "base/mem.h"
#include "client/partition.h"
#include "client/reader.h"
#include "client/store_place.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct vault_world {
	char folder[64], path[128];
	struct aps_timers timers;
	struct aps_vaults vaults;
	struct aps_vault *vault;
	struct aps_partition *partition;
	struct aps_policies policies;
	struct aps_channel *channel;
	struct aps_reader *reader;
	struct aps_read_result result;
};

static inline void vault_world_begin(struct vault_world *world)
{
	struct aps_err err;
	*world = (struct vault_world){.folder = "/tmp/appsync-vault-XXXXXX"};
	assert_non_null(mkdtemp(world->folder));
	snprintf(world->path, sizeof world->path, "%s/store.db", world->folder);
	aps_timers_init(&world->timers);
	world->vaults.timers = &world->timers;
	aps_policies_init(&world->policies, 1);
	world->channel = aps_channel_new(5);
	aps_read_result_init(&world->result, APS_BUF_ANY_SIZE);
	world->reader = aps_reader_new(world->path, "p", "", &world->policies, world->channel, &err);
	assert_non_null(world->reader);
}

static inline void vault_world_commit(struct vault_world *world)
{
	struct aps_err err;
	if (aps_vault_commit(world->vault, &err) != APS_OK) fail_msg("%s", err.msg);
}

static inline void vault_world_open(struct vault_world *world)
{
	struct aps_err err;
	world->vault = aps_vault_open(&world->vaults, &(struct aps_store_options){.path = world->path}, &err);
	if (world->vault == NULL) fail_msg("%s", err.msg);
	world->partition = aps_partition_open(world->vault, "p", "", &world->policies, world->channel, &err);
	if (world->partition == NULL) fail_msg("%s", err.msg);
	vault_world_commit(world);
}

static inline void vault_world_close(struct vault_world *world)
{
	if (world->vault == NULL) return;
	if (world->partition != NULL) aps_partition_close(world->partition);
	aps_vault_close(&world->vaults, world->vault);
	world->partition = NULL;
	world->vault = NULL;
}

/* Folders of one level are all that there are. */
static inline void vault_world_remove(const char *folder)
{
	DIR *entries = opendir(folder);
	if (entries == NULL) return;
	for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
		char name[512];
		snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
		if (unlink(name) != 0) vault_world_remove(name);
	}
	closedir(entries);
	rmdir(folder);
}

static inline void vault_world_end(struct vault_world *world)
{
	vault_world_close(world);
	aps_reader_free(world->reader);
	aps_read_result_clear(&world->result);
	aps_channel_unref(world->channel);
	aps_policies_clear(&world->policies);
	aps_timers_clear(&world->timers);
	vault_world_remove(world->folder);
}

static inline struct aps_operation vault_world_operation(const char *query)
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

static inline enum aps_rc vault_world_try_write(struct vault_world *world, const struct aps_operation *operation,
                                                const char *data, struct aps_err *err)
{
	const struct aps_partition_data what = {
	        .operation = operation, .data = aps_str_of(data), .errors = APS_STR("")};
	return aps_partition_write(world->partition, &what, err);
}

static inline void vault_world_write(struct vault_world *world, const char *query, const char *data)
{
	struct aps_err err;
	struct aps_operation operation = vault_world_operation(query);
	if (vault_world_try_write(world, &operation, data, &err) != APS_OK) fail_msg("%s", err.msg);
	aps_operation_clear(&operation);
}

/* The JSON, "missing" or an error's text. */
static inline const char *vault_world_read(struct vault_world *world, const char *query)
{
	static char text[256];
	struct aps_err err;
	struct aps_operation operation = vault_world_operation(query);
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY")};
	enum aps_rc rc = aps_reader_read(world->reader, &operation, &options, &world->result, &err);
	aps_operation_clear(&operation);
	snprintf(text, sizeof text, "%s", rc != APS_OK ? err.msg : "missing");
	return rc == APS_OK && world->result.n_missing == 0 ? world->result.data.p : text;
}

/* The lines that wait to be told, each ended by a line feed; they are taken. */
static inline const char *vault_world_news(struct vault_world *world)
{
	static char text[2048];
	const struct aps_buf *news = &world->vault->file.news;
	size_t n = 0;
	for (size_t at = 0; at < news->n;) {
		const char *line = news->p + at + strlen(news->p + at) + 1;
		n += (size_t)snprintf(text + n, sizeof text - n, "%s\n", line);
		at += strlen(news->p + at) + strlen(line) + 2;
	}
	text[n] = '\0';
	aps_buf_clear(&world->vault->file.news);
	return text;
}

/* How many files of the folder have this in their names; *name: the last one of them. */
static inline size_t vault_world_files(const struct vault_world *world, const char *part, char name[512])
{
	size_t n = 0;
	DIR *entries = opendir(world->folder);
	assert_non_null(entries);
	for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
		if (strstr(entry->d_name, part) == NULL) continue;
		if (name != NULL) snprintf(name, 512, "%s/%s", world->folder, entry->d_name);
		n++;
	}
	closedir(entries);
	return n;
}

/* Another process does it: a file that SQLite has open must not be opened and closed beside it. False: it failed. */
static inline bool vault_world_in_child(bool (*act)(const void *context), const void *context)
{
	int status = 0;
	pid_t child = fork();
	if (child == 0) _exit(act(context) ? 0 : 1);
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status == 0;
}

/* What was done to the file behind the vault's back is no other process's doing: what is known of it holds. */
static inline void vault_world_is_alone(const struct vault_world *world)
{
	world->vault->version = aps_db_version(world->vault->db);
}

/* Bytes of the file, written by a child: closing it here would drop the locks of this process. */
struct vault_world_damage {
	const char *path;
	off_t at;
	size_t n;
};

static inline bool vault_world_overwrite(const void *context)
{
	const struct vault_world_damage *damage = context;
	int fd = open(damage->path, O_WRONLY);
	for (size_t i = 0; i < damage->n; i++)
		if (pwrite(fd, "\x5a", 1, damage->at + (off_t)i) != 1) return false;
	return fd >= 0;
}

static inline void vault_world_damage(const struct vault_world *world, off_t at, size_t n)
{
	const struct vault_world_damage damage = {world->path, at, n};
	assert_true(vault_world_in_child(vault_world_overwrite, &damage));
}

/* So much that not all of it stays in memory. */
static inline void vault_world_write_much(struct vault_world *world)
{
	char query[64], data[4096];
	for (int i = 0; i < 64; i++) {
		snprintf(query, sizeof query, "{ r%d { id t } }", i);
		int n = snprintf(data, sizeof data, "{\"r%d\":{\"id\":\"%d\",\"__typename\":\"T\",\"t\":\"", i, i);
		memset(data + n, 'x', 3000);
		snprintf(data + n + 3000, sizeof data - (size_t)n - 3000, "\"}}");
		vault_world_write(world, query, data);
	}
	vault_world_commit(world);
}

#endif
