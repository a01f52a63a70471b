#include "cache/write.h"

#include "base/mem.h"

struct aps_former {
	struct aps_entry *entry;
	char *content;
	uint32_t n_bytes;
};

void aps_write_begin(struct aps_cache_write *write, struct aps_cache *cache)
{
	write->cache = cache;
	write->is_open = true;
	write->last_number = cache->entries.last_number;
	write->n_formers = 0;
	aps_buf_init(&write->changes, APS_BUF_ANY_SIZE);
	aps_err_clear(&write->err);
}

static void end(struct aps_cache_write *write)
{
	write->is_open = false;
	write->n_formers = 0;
	aps_buf_clear(&write->changes);
}

void aps_write_commit(struct aps_cache_write *write)
{
	for (size_t i = 0; i < write->n_formers; i++) {
		write->formers[i].entry->is_in_write = false;
		aps_free(write->formers[i].content);
	}
	end(write);
}

/* Backwards: an entry that is gone again was touched after it was made. */
void aps_write_abort(struct aps_cache_write *write)
{
	struct aps_entries *entries = &write->cache->entries;
	for (size_t i = write->n_formers; i-- > 0;) {
		struct aps_former *former = &write->formers[i];
		former->entry->is_in_write = false;
		aps_entries_set(entries, former->entry, former->content, former->n_bytes);
		if (former->entry->number > write->last_number) aps_entries_forget(entries, former->entry);
	}
	entries->last_number = write->last_number;
	end(write);
}

void aps_write_clear(struct aps_cache_write *write)
{
	if (write->is_open) aps_write_abort(write);
	aps_free(write->formers);
	*write = (struct aps_cache_write){.cache = NULL};
}

void aps_write_fail(struct aps_cache_write *write)
{
	if (write->err.code == APS_OK) aps_fail(&write->err, APS_E_NOMEM, "no memory for the cache");
}

/* Keeps what it has until the end; once for each entry. */
static bool touch(struct aps_cache_write *write, struct aps_entry *entry)
{
	if (entry->is_in_write) return true;
	if (write->n_formers == write->capacity) {
		size_t capacity = write->capacity == 0 ? 64 : write->capacity * 2;
		struct aps_former *formers = aps_realloc(write->formers, capacity * sizeof *formers);
		if (formers == NULL) return false;
		write->formers = formers;
		write->capacity = capacity;
	}
	write->formers[write->n_formers++] = (struct aps_former){entry, entry->content, entry->n_content_bytes};
	write->cache->entries.n_bytes -= entry->n_content_bytes;
	entry->content = NULL;
	entry->n_content_bytes = 0;
	entry->is_in_write = true;
	return true;
}

static struct aps_entry *made(struct aps_cache_write *write, struct aps_entry *entry)
{
	if (entry != NULL && touch(write, entry)) return entry;
	if (entry != NULL) aps_entries_forget(&write->cache->entries, entry);
	aps_write_fail(write);
	return NULL;
}

struct aps_entry *aps_write_entry(struct aps_cache_write *write, struct aps_str key)
{
	struct aps_entry *entry = NULL;
	if (write->err.code != APS_OK) return NULL;
	if (aps_entries_find(&write->cache->entries, key, &entry, &write->err) != APS_OK) return NULL;
	return entry != NULL ? entry : made(write, aps_entries_add(&write->cache->entries, key));
}

struct aps_entry *aps_write_at(struct aps_cache_write *write, uint64_t number)
{
	struct aps_entry *entry = NULL;
	if (write->err.code != APS_OK) return NULL;
	aps_entries_at(&write->cache->entries, number, &entry, &write->err);
	return entry;
}

struct aps_entry *aps_write_add(struct aps_cache_write *write)
{
	if (write->err.code != APS_OK) return NULL;
	return made(write, aps_entries_add(&write->cache->entries, APS_STR("")));
}

void aps_write_set(struct aps_cache_write *write, struct aps_entry *entry, struct aps_str content)
{
	if (write->err.code != APS_OK) return;
	char *copy = content.p != NULL ? aps_strndup(content.p, content.n) : NULL;
	if ((content.p != NULL && copy == NULL) || content.n > UINT32_MAX || !touch(write, entry)) {
		aps_free(copy);
		aps_write_fail(write);
		return;
	}
	aps_entries_set(&write->cache->entries, entry, copy, content.n);
}

void aps_write_report(struct aps_cache_write *write, const struct aps_entry *entry, uint32_t name)
{
	const struct aps_change change = {entry->number, name};
	if (write->err.code != APS_OK) return;
	aps_buf_add(&write->changes, &change, sizeof change);
	if (write->changes.rc != APS_OK) aps_write_fail(write);
}

size_t aps_write_n_changes(const struct aps_cache_write *write)
{
	return write->changes.n / sizeof(struct aps_change);
}

const struct aps_change *aps_write_changes(const struct aps_cache_write *write)
{
	return (const struct aps_change *)(const void *)write->changes.p;
}

size_t aps_write_n_entries(const struct aps_cache_write *write)
{
	return write->n_formers;
}

const struct aps_entry *aps_write_entry_at(const struct aps_cache_write *write, size_t index)
{
	return write->formers[index].entry;
}
