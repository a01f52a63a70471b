/* A cache in memory whose entries are its rows as well: what is collected, and what is left. */
#ifndef SPEC_COLLECT_WORLD_H
#define SPEC_COLLECT_WORLD_H

#include "cache/hold.h"
#include "cache_world.h"

#include <stdlib.h>

#define NOW_MINUTES 10000
#define MAX_ROWS    8192

static uint32_t used_minutes[MAX_ROWS]; /* by number; 0: now */
static bool keeps_uses;                 /* what was asked for in memory counts */
static int64_t later_minutes;           /* than NOW_MINUTES: when it is collected */

static void show_row(const struct aps_entry *entry, struct aps_entry_row *row)
{
	row->number = entry != NULL ? entry->number : 0;
	if (entry == NULL) return;
	struct aps_str base = aps_entry_base(entry);
	uint32_t used = entry->number < MAX_ROWS ? used_minutes[entry->number] : 0;
	*row = (struct aps_entry_row){
	        .number = entry->number,
	        .key = aps_entry_key(entry),
	        .content = base,
	        .used_minute = used != 0 ? used : NOW_MINUTES,
	        .is_nowhere = base.p == NULL,
	};
}

static struct aps_entry *entry_of(const char *key)
{
	struct aps_entry *entry = world.cache.entries.newest;
	while (entry != NULL && (entry->number == 0 || !aps_str_is(aps_entry_key(entry), key))) entry = entry->older;
	return entry;
}

static enum aps_rc rows_find(struct aps_entry_backing *backing, struct aps_str key, struct aps_entry_row *row,
                             struct aps_err *err)
{
	(void)backing, (void)err;
	struct aps_entry *entry = world.cache.entries.newest;
	while (entry != NULL && (entry->number == 0 || !aps_str_eq(aps_entry_key(entry), key))) entry = entry->older;
	show_row(entry, row);
	return APS_OK;
}

static enum aps_rc rows_load(struct aps_entry_backing *backing, uint64_t number, struct aps_entry_row *row,
                             struct aps_err *err)
{
	(void)backing, (void)err;
	show_row(aps_entries_peek(&world.cache.entries, number), row);
	return APS_OK;
}

static void rows_done(struct aps_entry_backing *backing)
{
	(void)backing;
}

static enum aps_rc rows_list(struct aps_entry_backing *backing, struct aps_str prefix, struct aps_buf *numbers,
                             struct aps_err *err)
{
	(void)backing, (void)err;
	for (uint64_t number = 1; number <= *world.cache.entries.last_number; number++) {
		const struct aps_entry *entry = aps_entries_peek(&world.cache.entries, number);
		if (entry == NULL || entry->n_key_bytes < prefix.n || memcmp(entry->key, prefix.p, prefix.n) != 0)
			continue;
		aps_buf_add(numbers, &number, sizeof number);
	}
	return APS_OK;
}

static struct aps_entry_backing rows = {rows_find, rows_load, rows_done, rows_list};

static void begin_collect(struct aps_collect *collect)
{
	aps_collect_init(collect, &world.cache, &rows, &world.policies, (NOW_MINUTES + later_minutes) * 60);
	for (const struct aps_entry *entry = world.cache.entries.newest; entry != NULL; entry = entry->older)
		if (entry->number != 0 && entry->n_key_bytes != 0 && entry->key[0] == 'F')
			aps_collect_see_field(collect, aps_entry_key(entry));
}

static void follow_all(struct aps_collect *collect)
{
	struct aps_err err;
	bool is_done = false;
	while (!is_done)
		if (aps_collect_step(collect, 3, &is_done, &err) != APS_OK) fail_msg("%s", err.msg);
}

/* What leaves its place and what is left of it are one step here. */
static void choose_all(struct aps_collect *collect, uint64_t n_to_go)
{
	struct aps_err err;
	struct aps_buf emptied;
	bool is_done = false;
	aps_buf_init(&emptied, APS_BUF_ANY_SIZE);
	aps_collect_plan(collect, n_to_go);
	while (!is_done)
		if (aps_collect_choose(collect, 3, &emptied, &is_done, &err) != APS_OK) fail_msg("%s", err.msg);
	const uint64_t *numbers = (const uint64_t *)(const void *)emptied.p;
	for (size_t i = 0; i < emptied.n / sizeof *numbers; i++)
		aps_entries_set(&world.cache.entries, aps_entries_peek(&world.cache.entries, numbers[i]),
		                aps_strndup("", 0), 0);
	aps_buf_clear(&emptied);
}

/* What isn't reached is deleted. */
static void delete_all(struct aps_collect *collect)
{
	for (uint64_t number = 1; number <= *world.cache.entries.last_number; number++) {
		const struct aps_entry *entry = aps_entries_peek(&world.cache.entries, number);
		follow_all(collect);
		if (entry != NULL && aps_collect_deletes(collect, number))
			aps_entries_forget_number(&world.cache.entries, number);
	}
}

/* The tests' own reads are none. */
static void forget_uses(void)
{
	struct aps_entry *entry = world.cache.entries.newest;
	for (; entry != NULL; entry = entry->older) entry->is_used = false;
}

/* The whole of it; `query`: what is held meanwhile, or NULL. */
APS_UNUSED static void collect_all(const char *query, uint64_t n_to_go)
{
	struct aps_collect collect;
	struct aps_err err;
	bool is_done = false;
	if (!keeps_uses) forget_uses();
	begin_collect(&collect);
	aps_collect_hold_memory(&collect);
	if (query != NULL) {
		struct aps_gql_document *doc = parse(query);
		struct aps_hold hold;
		if (aps_hold_init(&hold, &collect, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), &err) !=
		    APS_OK)
			fail_msg("%s", err.msg);
		while (!is_done)
			if (aps_hold_step(&hold, 2, &is_done, &err) != APS_OK) fail_msg("%s", err.msg);
		aps_hold_clear(&hold);
		aps_gql_document_unref(doc);
	}
	follow_all(&collect);
	choose_all(&collect, n_to_go);
	delete_all(&collect);
	aps_collect_clear(&collect);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys that are there, in their order; "-" before one without content, and how many entries have no key. */
APS_UNUSED static const char *what_is_left(void)
{
	static char text[4096];
	char *keys[256];
	size_t n = 0, n_lists = 0;
	for (const struct aps_entry *entry = world.cache.entries.newest; entry != NULL; entry = entry->older) {
		if (entry->number == 0) continue;
		n_lists += entry->n_key_bytes == 0;
		if (entry->n_key_bytes == 0 || n == APS_COUNTOF(keys)) continue;
		keys[n] = malloc(entry->n_key_bytes + 2u);
		snprintf(keys[n++], entry->n_key_bytes + 2u, "%s%.*s", entry->n_content_bytes == 0 ? "-" : "",
		         (int)entry->n_key_bytes, entry->key);
	}
	qsort(keys, n, sizeof(char *), compare_texts);
	int at = 0;
	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		at += snprintf(text + at, sizeof text - (size_t)at, "%s%s", i != 0 ? " " : "", keys[i]);
		free(keys[i]);
	}
	if (n_lists != 0) snprintf(text + at, sizeof text - (size_t)at, " +%zu", n_lists);
	return text;
}

/* The record, or the field with this key, was used last so many minutes ago. */
APS_UNUSED static void set_age(const char *key, uint32_t minutes)
{
	const struct aps_entry *entry = entry_of(key);
	if (entry == NULL) fail_msg("there is no %s", key);
	used_minutes[entry->number] = NOW_MINUTES - minutes;
}

static int collect_setup(void **state)
{
	memset(used_minutes, 0, sizeof used_minutes);
	keeps_uses = false;
	later_minutes = 0;
	return setup(state);
}

#endif
