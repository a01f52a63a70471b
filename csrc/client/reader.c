/* A read takes what it can from memory. The first thing that isn't there opens a view of the store: a read transaction.
 * Where that shows a newer generation than the read began with, the read starts again, wholly inside the view:
 *
 *   memory --miss--> view opened --same generation--> goes on
 *                        |
 *                        +--newer--> what has changed is forgotten, the read starts again in the same view
 *
 * What changes is announced before it is committed, so that the announcements up to a generation that can be seen are
 * all there. */
#include "client/reader.h"

#include "base/mem.h"

#include "store/migrations.h"
#include <string.h>

#define MAX_BYTES ((size_t)32 * 1024 * 1024)

struct aps_reader {
	char *path, *prefix, *identity;
	const struct aps_policies *policies;
	struct aps_channel *channel;
	struct aps_db *db; /* NULL: not yet */
	struct aps_cache cache;
	struct aps_cache_store store;
	struct aps_entry_backing backing; /* of the entries: the store's, seen through a view */
	struct aps_read_source source;
	uint64_t seen; /* the generation of what is in memory */
	bool is_viewing;
	uint64_t viewed; /* the generation of the view */
	bool must_restart;
};

static void forget_all(struct aps_reader *reader)
{
	aps_entries_clear(&reader->cache.entries);
	aps_entries_init(&reader->cache.entries, aps_channel_seed(reader->channel), &reader->backing);
}

/* Memory becomes that of this generation. */
static void advance(struct aps_reader *reader, uint64_t generation)
{
	struct aps_buf changed;
	if (generation <= reader->seen) return;
	aps_buf_init(&changed, APS_BUF_ANY_SIZE);
	if (aps_channel_fetch(reader->channel, generation, &changed)) {
		const struct aps_channel_change *changes = (const struct aps_channel_change *)(const void *)changed.p;
		for (size_t i = 0; i < changed.n / sizeof *changes; i++) {
			aps_entries_forget_number(&reader->cache.entries, changes[i].entry);
			aps_entries_forget_absent(&reader->cache.entries, changes[i].hash);
		}
	} else {
		forget_all(reader);
	}
	aps_buf_clear(&changed);
	reader->seen = generation;
}

/* Who makes a file, or repairs one, has it alone for a moment. */
static enum aps_rc unless_locked(enum aps_rc rc, struct aps_err *err)
{
	if (rc != APS_E_STORAGE || err->word == NULL || strcmp(err->word, "locked") != 0) return rc;
	*err = (struct aps_err){0};
	return APS_OK;
}

/* False in *is_there: the core hasn't made it yet, or is bringing an older one up to date. */
static enum aps_rc open_db(struct aps_reader *reader, bool *is_there, struct aps_err *err)
{
	const struct aps_db_options options = {.read_only = true, .busy_ms = 0};
	*is_there = reader->db != NULL;
	if (reader->db != NULL || !aps_db_is_there(reader->path)) return APS_OK;
	struct aps_db *db;
	enum aps_rc rc = aps_db_open(reader->path, &options, &db, err);
	if (rc != APS_OK) return unless_locked(rc, err);
	rc = aps_migrations_are_done(db, is_there, err);
	if (rc == APS_OK && *is_there)
		rc = aps_cache_store_open_reader(&reader->store, db, aps_str_of(reader->prefix),
		                                 aps_str_of(reader->identity), &reader->cache, err);
	if (rc == APS_OK && *is_there)
		reader->db = db;
	else
		aps_db_close(db);
	*is_there = reader->db != NULL;
	return unless_locked(rc, err);
}

/* E_CANCELLED: the read has to start again. */
static enum aps_rc view(struct aps_reader *reader, bool *is_there, struct aps_err *err)
{
	*is_there = reader->is_viewing;
	if (reader->is_viewing) return APS_OK;
	enum aps_rc rc = open_db(reader, is_there, err);
	if (rc != APS_OK || !*is_there) return rc;
	rc = aps_db_begin(reader->db, err);
	if (rc != APS_OK) return rc;
	reader->is_viewing = true;
	uint32_t n_names = reader->cache.names.n_names;
	rc = aps_cache_store_follow(&reader->store, &reader->cache, &reader->viewed, err);
	bool is_same = reader->viewed <= reader->seen && reader->cache.names.n_names == n_names;
	if (rc != APS_OK || is_same) return rc;
	reader->must_restart = true;
	return aps_fail(err, APS_E_CANCELLED, "the store has moved on");
}

static void end_view(struct aps_reader *reader)
{
	if (reader->is_viewing) aps_db_rollback(reader->db);
	reader->is_viewing = false;
}

static struct aps_reader *of(struct aps_entry_backing *backing)
{
	return APS_CONTAINER_OF(backing, struct aps_reader, backing);
}

static enum aps_rc find(struct aps_entry_backing *backing, struct aps_str key, struct aps_entry_row *row,
                        struct aps_err *err)
{
	struct aps_reader *reader = of(backing);
	bool is_there;
	enum aps_rc rc = view(reader, &is_there, err);
	if (rc != APS_OK || !is_there) return rc;
	return reader->store.backing.find(&reader->store.backing, key, row, err);
}

static enum aps_rc load(struct aps_entry_backing *backing, uint64_t number, struct aps_entry_row *row,
                        struct aps_err *err)
{
	struct aps_reader *reader = of(backing);
	bool is_there;
	enum aps_rc rc = view(reader, &is_there, err);
	if (rc != APS_OK || !is_there) return rc;
	return reader->store.backing.load(&reader->store.backing, number, row, err);
}

static void done(struct aps_entry_backing *backing)
{
	struct aps_reader *reader = of(backing);
	if (reader->is_viewing) reader->store.backing.done(&reader->store.backing);
}

static enum aps_rc list(struct aps_entry_backing *backing, struct aps_str prefix, uint64_t after, uint64_t *numbers,
                        size_t *n, struct aps_err *err)
{
	struct aps_reader *reader = of(backing);
	bool is_there;
	enum aps_rc rc = view(reader, &is_there, err);
	if (rc == APS_OK && is_there)
		return reader->store.backing.list(&reader->store.backing, prefix, after, numbers, n, err);
	*n = 0;
	return rc;
}

static void show(const struct aps_entry *entry, struct aps_str *content)
{
	*content = entry != NULL && entry->content != NULL ? aps_entry_content(entry) : (struct aps_str){NULL, 0};
}

static enum aps_rc source_at(struct aps_read_source *source, uint64_t number, struct aps_str *content,
                             struct aps_err *err)
{
	struct aps_reader *reader = APS_CONTAINER_OF(source, struct aps_reader, source);
	struct aps_entry *entry;
	enum aps_rc rc = aps_entries_at(&reader->cache.entries, number, &entry, err);
	show(entry, content);
	return rc;
}

static enum aps_rc source_find(struct aps_read_source *source, struct aps_str key, uint64_t *number,
                               struct aps_str *content, struct aps_err *err)
{
	struct aps_reader *reader = APS_CONTAINER_OF(source, struct aps_reader, source);
	struct aps_entry *entry;
	enum aps_rc rc = aps_entries_find(&reader->cache.entries, key, &entry, err);
	*number = entry != NULL ? entry->number : 0;
	show(entry, content);
	return rc;
}

struct aps_reader *aps_reader_new(const char *path, const char *prefix, const char *identity,
                                  const struct aps_policies *policies, struct aps_channel *channel, struct aps_err *err)
{
	struct aps_reader *reader = aps_calloc(1, sizeof *reader);
	if (reader == NULL) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return NULL;
	}
	reader->path = aps_strndup(path, strlen(path));
	reader->prefix = aps_strndup(prefix, strlen(prefix));
	reader->identity = aps_strndup(identity, strlen(identity));
	reader->policies = policies;
	reader->channel = aps_channel_ref(channel);
	reader->backing = (struct aps_entry_backing){find, load, done, list};
	reader->source = (struct aps_read_source){source_at, source_find, false};
	aps_entries_init(&reader->cache.entries, aps_channel_seed(channel), &reader->backing);
	aps_names_init(&reader->cache.names, 0);
	if (reader->path != NULL && reader->prefix != NULL && reader->identity != NULL) return reader;
	aps_reader_free(reader);
	aps_fail(err, APS_E_NOMEM, "out of memory");
	return NULL;
}

void aps_reader_free(struct aps_reader *reader)
{
	if (reader == NULL) return;
	end_view(reader);
	aps_cache_store_clear(&reader->store);
	aps_db_close(reader->db);
	aps_entries_clear(&reader->cache.entries);
	aps_names_clear(&reader->cache.names);
	aps_channel_unref(reader->channel);
	aps_free(reader->path);
	aps_free(reader->prefix);
	aps_free(reader->identity);
	aps_free(reader);
}

static enum aps_rc read_once(struct aps_reader *reader, struct aps_binding *binding,
                             const struct aps_read_options *options, struct aps_read_result *result,
                             struct aps_err *err)
{
	aps_read_result_reset(result);
	return aps_denormalize(&reader->source, binding, options, result, err);
}

enum aps_rc aps_reader_read(struct aps_reader *reader, const struct aps_operation *operation,
                            const struct aps_read_options *options, struct aps_read_result *result, struct aps_err *err)
{
	struct aps_binding binding = {.policies = reader->policies, .names = &reader->cache.names};
	enum aps_rc rc = aps_binding_init(&binding, operation->document, operation->definition,
	                                  aps_operation_variables(operation), err);
	if (rc != APS_OK) return rc;
	advance(reader, aps_channel_generation(reader->channel));
	rc = read_once(reader, &binding, options, result, err);
	if (rc == APS_E_CANCELLED && reader->must_restart) {
		reader->must_restart = false;
		advance(reader, reader->viewed);
		rc = read_once(reader, &binding, options, result, err);
	}
	end_view(reader);
	aps_binding_clear(&binding);
	aps_entries_trim(&reader->cache.entries, MAX_BYTES);
	return rc;
}

uint64_t aps_reader_generation(const struct aps_reader *reader)
{
	return reader->seen;
}
