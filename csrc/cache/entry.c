#include "cache/entry.h"

#include "base/mem.h"

#define FIRST_SLOTS 64

void aps_entries_init(struct aps_entries *entries, uint64_t seed, struct aps_entry_backing *backing)
{
	*entries = (struct aps_entries){.seed = seed, .backing = backing};
	entries->last_number = &entries->own_last_number;
}

static void free_layered(struct aps_layered *layered)
{
	if (layered == NULL) return;
	aps_free(layered->base);
	aps_free(layered->stored);
	aps_free(layered);
}

static void free_entry(struct aps_entry *entry)
{
	free_layered(entry->layered);
	aps_free(entry->content);
	aps_free(entry);
}

void aps_entries_clear(struct aps_entries *entries)
{
	while (entries->oldest != NULL) aps_entries_forget(entries, entries->oldest);
	aps_free(entries->by_number);
	aps_free(entries->by_hash);
	aps_free(entries->by_owner);
	entries->by_number = entries->by_hash = entries->by_owner = NULL;
	entries->n_slots = entries->n_owner_slots = 0;
}

static uint64_t mix(uint64_t number)
{
	number *= UINT64_C(0x9e3779b97f4a7c15);
	return number ^ number >> 32;
}

uint64_t aps_key_hash(struct aps_str key, uint64_t seed)
{
	return aps_str_hash(key, seed) | 1;
}

uint64_t aps_entries_hash(const struct aps_entries *entries, struct aps_str key)
{
	return aps_key_hash(key, entries->seed);
}

static struct aps_entry **number_slot(const struct aps_entries *entries, uint64_t number)
{
	return &entries->by_number[mix(number) & (entries->n_slots - 1)];
}

static struct aps_entry **hash_slot(const struct aps_entries *entries, uint64_t hash)
{
	return &entries->by_hash[(hash ^ hash >> 32) & (entries->n_slots - 1)];
}

static size_t entry_bytes(const struct aps_entry *entry)
{
	size_t n_stored_bytes = entry->layered != NULL ? entry->layered->n_stored_bytes : 0;
	return sizeof *entry + entry->n_key_bytes + entry->n_content_bytes + n_stored_bytes + 2 * sizeof(void *);
}

static void link_use(struct aps_entries *entries, struct aps_entry *entry)
{
	entry->newer = NULL;
	entry->older = entries->newest;
	if (entries->newest != NULL)
		entries->newest->newer = entry;
	else
		entries->oldest = entry;
	entries->newest = entry;
}

static void unlink_use(struct aps_entries *entries, struct aps_entry *entry)
{
	if (entry->newer != NULL)
		entry->newer->older = entry->older;
	else
		entries->newest = entry->older;
	if (entry->older != NULL)
		entry->older->newer = entry->newer;
	else
		entries->oldest = entry->newer;
}

static void link_slots(struct aps_entries *entries, struct aps_entry *entry)
{
	struct aps_entry **slot = number_slot(entries, entry->number);
	if (entry->number != 0) {
		entry->next_number = *slot;
		*slot = entry;
	}
	if (entry->hash == 0) return;
	slot = hash_slot(entries, entry->hash);
	entry->next_hash = *slot;
	*slot = entry;
}

static bool grow(struct aps_entries *entries)
{
	if (entries->n_entries < entries->n_slots) return true;
	size_t n_slots = entries->n_slots == 0 ? FIRST_SLOTS : entries->n_slots * 2;
	struct aps_entry **by_number = aps_calloc(n_slots, sizeof(struct aps_entry *));
	struct aps_entry **by_hash = aps_calloc(n_slots, sizeof(struct aps_entry *));
	if (by_number == NULL || by_hash == NULL) {
		aps_free(by_number);
		aps_free(by_hash);
		return entries->n_slots != 0; /* longer chains, then */
	}
	aps_free(entries->by_number);
	aps_free(entries->by_hash);
	entries->by_number = by_number;
	entries->by_hash = by_hash;
	entries->n_slots = n_slots;
	for (struct aps_entry *entry = entries->newest; entry != NULL; entry = entry->older) link_slots(entries, entry);
	return true;
}

uint64_t aps_key_owner(struct aps_str key)
{
	uint64_t owner = 0;
	if (key.n == 0 || key.p[0] != 'F') return 0;
	for (size_t i = 1; i < key.n && key.p[i] >= '0' && key.p[i] <= '9'; i++)
		owner = owner * 10 + (uint64_t)(key.p[i] - '0');
	return memchr(key.p, '.', key.n) != NULL ? owner : 0;
}

/* The record in whose list of fields it is; 0: in none. */
static uint64_t owner_of(const struct aps_entry *entry)
{
	return entry->number != 0 ? aps_key_owner(aps_entry_key(entry)) : 0;
}

static struct aps_entry **owner_slot(const struct aps_entries *entries, uint64_t owner)
{
	return &entries->by_owner[mix(owner) & (entries->n_owner_slots - 1)];
}

static void link_owner(struct aps_entries *entries, struct aps_entry *entry, uint64_t owner)
{
	struct aps_entry **slot = owner_slot(entries, owner);
	entry->next_owned = *slot;
	entry->owned_at = slot;
	if (*slot != NULL) (*slot)->owned_at = &entry->next_owned;
	*slot = entry;
}

/* The query root alone may have 100,000 fields. */
static void unlink_owner(struct aps_entries *entries, const struct aps_entry *entry)
{
	if (entry->owned_at == NULL) return;
	*entry->owned_at = entry->next_owned;
	if (entry->next_owned != NULL) entry->next_owned->owned_at = entry->owned_at;
	entries->n_owned--;
}

/* Room for one field more. */
static bool grow_owners(struct aps_entries *entries)
{
	if (entries->n_owned < entries->n_owner_slots) return true;
	size_t n_slots = entries->n_owner_slots == 0 ? FIRST_SLOTS : entries->n_owner_slots * 2;
	struct aps_entry **by_owner = aps_calloc(n_slots, sizeof(struct aps_entry *));
	if (by_owner == NULL) return entries->n_owner_slots != 0; /* longer chains, then */
	aps_free(entries->by_owner);
	entries->by_owner = by_owner;
	entries->n_owner_slots = n_slots;
	for (struct aps_entry *entry = entries->newest; entry != NULL; entry = entry->older) {
		uint64_t owner = owner_of(entry);
		if (owner != 0) link_owner(entries, entry, owner);
	}
	return true;
}

static struct aps_entry *add(struct aps_entries *entries, uint64_t number, struct aps_str key, uint64_t hash)
{
	uint64_t owner = number != 0 ? aps_key_owner(key) : 0;
	if (key.n > UINT32_MAX / 2 || !grow(entries) || (owner != 0 && !grow_owners(entries))) return NULL;
	struct aps_entry *entry = aps_malloc(sizeof *entry + key.n);
	if (entry == NULL) return NULL;
	*entry = (struct aps_entry){.number = number, .hash = hash, .n_key_bytes = (uint32_t)key.n};
	if (key.n != 0) memcpy(entry->key, key.p, key.n);
	link_slots(entries, entry);
	link_use(entries, entry);
	if (number == 0) entry->asked_at = entries->moment;
	if (owner != 0) link_owner(entries, entry, owner);
	entries->n_owned += owner != 0;
	entries->n_entries++;
	entries->n_bytes += entry_bytes(entry);
	return entry;
}

struct aps_entry *aps_entries_peek(const struct aps_entries *entries, uint64_t number)
{
	if (entries->n_slots == 0 || number == 0) return NULL;
	struct aps_entry *entry = *number_slot(entries, number);
	while (entry != NULL && entry->number != number) entry = entry->next_number;
	return entry;
}

void aps_entries_forget_absent(struct aps_entries *entries)
{
	entries->moment++;
}

void aps_entries_forget_number(struct aps_entries *entries, uint64_t number)
{
	struct aps_entry *entry = aps_entries_peek(entries, number);
	if (entry != NULL) aps_entries_forget(entries, entry);
}

static struct aps_entry *find_key(const struct aps_entries *entries, struct aps_str key, uint64_t hash)
{
	if (entries->n_slots == 0) return NULL;
	struct aps_entry *entry = *hash_slot(entries, hash);
	while (entry != NULL && !(entry->hash == hash && aps_str_eq(aps_entry_key(entry), key)))
		entry = entry->next_hash;
	return entry;
}

struct aps_entry *aps_entries_add(struct aps_entries *entries, struct aps_str key)
{
	uint64_t hash = key.n != 0 ? aps_entries_hash(entries, key) : 0;
	struct aps_entry *absent = key.n != 0 ? find_key(entries, key, hash) : NULL;
	struct aps_entry *entry = add(entries, *entries->last_number + 1, key, hash);
	if (entry != NULL && absent != NULL) aps_entries_forget(entries, absent);
	if (entry != NULL) ++*entries->last_number;
	return entry;
}

void aps_entries_set(struct aps_entries *entries, struct aps_entry *entry, char *content, size_t n_bytes)
{
	entries->n_bytes -= entry->n_content_bytes;
	aps_free(entry->content);
	entry->content = content;
	entry->n_content_bytes = (uint32_t)n_bytes;
	entries->n_bytes += n_bytes;
}

static void unlink_slots(struct aps_entries *entries, const struct aps_entry *entry)
{
	struct aps_entry **at = number_slot(entries, entry->number);
	while (entry->number != 0 && *at != entry) at = &(*at)->next_number;
	if (entry->number != 0) *at = entry->next_number;
	if (entry->hash == 0) return;
	at = hash_slot(entries, entry->hash);
	while (*at != entry) at = &(*at)->next_hash;
	*at = entry->next_hash;
}

void aps_entries_forget(struct aps_entries *entries, struct aps_entry *entry)
{
	if (entry->layered != NULL && entries->layering != NULL) entries->layering->forget(entries->layering, entry);
	unlink_slots(entries, entry);
	unlink_owner(entries, entry);
	unlink_use(entries, entry);
	entries->n_entries--;
	entries->n_bytes -= entry_bytes(entry);
	free_entry(entry);
}

/* Layers alone keep it only where nothing would bring them back. */
static bool is_held(const struct aps_entries *entries, const struct aps_entry *entry)
{
	bool comes_again = entries->layering != NULL && entries->backing != NULL && entry->layered != NULL;
	return entry->is_in_write || entry->n_holds > (comes_again ? 1U : 0U);
}

void aps_entries_trim(struct aps_entries *entries, size_t max_bytes)
{
	/* twice around: the first time takes the chances away */
	size_t n_looks = 2 * entries->n_entries;
	while (entries->oldest != NULL && entries->n_bytes > max_bytes && n_looks-- != 0) {
		struct aps_entry *entry = entries->oldest;
		bool stays = entry->is_used || is_held(entries, entry);
		entry->is_used = false;
		if (!stays) {
			entries->is_whole = false;
			aps_entries_forget(entries, entry);
			continue;
		}
		unlink_use(entries, entry);
		link_use(entries, entry);
	}
}

/* It was looked for, and nothing was said since that would make it worth looking again. */
static bool is_known_absent(const struct aps_entries *entries, const struct aps_entry *entry)
{
	return entry->number == 0 && entry->asked_at == entries->moment;
}

/* Two rows have one key, or none was found by it that has one: what looks by keys doesn't see all. */
static enum aps_rc check_sole(struct aps_entries *entries, const struct aps_entry_row *row, uint64_t hash,
                              struct aps_err *err)
{
	struct aps_entry *other = hash != 0 ? find_key(entries, row->key, hash) : NULL;
	bool is_old = other != NULL && other->number == 0 && !is_known_absent(entries, other);
	if (is_old) aps_entries_forget(entries, other);
	if (other == NULL || is_old) return APS_OK;
	return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "a record isn't found in the store by its key");
}

/* NULL: no memory. */
static struct aps_layered *new_layered(const struct aps_entry_row *row)
{
	struct aps_layered *layered = aps_calloc(1, sizeof *layered);
	if (layered == NULL) return NULL;
	layered->base = row->base.p != NULL ? aps_strndup(row->base.p, row->base.n) : NULL;
	layered->n_base_bytes = (uint32_t)row->base.n;
	layered->stored = aps_strndup(row->patches.p, row->patches.n);
	layered->n_stored_bytes = (uint32_t)row->patches.n;
	if (layered->stored != NULL && (layered->base != NULL || row->base.p == NULL)) return layered;
	free_layered(layered);
	return NULL;
}

/* What it is without layers is there: they are laid over it, and then others may be read. */
static enum aps_rc lay_over(struct aps_entries *entries, struct aps_entry *entry, struct aps_str patches,
                            struct aps_err *err)
{
	enum aps_rc rc = entries->layering->lay(entries->layering, entry, patches, err);
	entries->backing->done(entries->backing);
	if (rc == APS_OK) rc = entries->layering->show(entries->layering, entry, err);
	if (rc != APS_OK) aps_entries_forget(entries, entry);
	return rc;
}

/* What a list has depends on records of which nothing else was told here. */
static uint32_t told_moment_of(const struct aps_entries *entries, const struct aps_entry_row *row)
{
	static const char ROOT[] = "RROOT_";
	size_t n = entries->n_told_moments;
	bool is_root = row->key.n >= sizeof ROOT - 1 && memcmp(row->key.p, ROOT, sizeof ROOT - 1) == 0;
	bool is_record = row->key.n != 0 && row->key.p[0] == 'R' && !is_root;
	if (n == 0) return 0;
	uint32_t moment = entries->told_moments[row->number % n], least = is_record ? 0 : entries->told_moments[n];
	return moment > least ? moment : least;
}

/* What the backing found becomes an entry. */
static enum aps_rc admit(struct aps_entries *entries, const struct aps_entry_row *row, struct aps_entry **out,
                         struct aps_err *err)
{
	uint64_t hash = row->key.n != 0 ? aps_entries_hash(entries, row->key) : 0;
	struct aps_entry *entry = aps_entries_peek(entries, row->number);
	*out = entry;
	if (entry != NULL && entry->layered != NULL && !row->is_covered) return APS_OK;
	if (entry == NULL && check_sole(entries, row, hash, err) != APS_OK) return err->code;
	if (entry == NULL) entry = add(entries, row->number, row->key, hash);
	if (entry != NULL && *out == NULL) entry->moment = entry->told_at = told_moment_of(entries, row);
	char *content = row->is_nowhere ? NULL : aps_strndup(row->content.p, row->content.n);
	struct aps_layered *layered = row->is_covered ? new_layered(row) : NULL;
	if (entry == NULL || (content == NULL && !row->is_nowhere) || (layered == NULL && row->is_covered)) {
		aps_free(content);
		free_layered(layered);
		if (entry != NULL) aps_entries_forget(entries, entry);
		*out = NULL;
		return aps_fail(err, APS_E_NOMEM, "no memory for a record of the cache");
	}
	aps_entries_set(entries, entry, content, content != NULL ? row->content.n : 0);
	if (row->is_covered) {
		entries->n_bytes -= entry->layered != NULL ? entry->layered->n_stored_bytes : 0;
		free_layered(entry->layered);
		entry->layered = layered;
		entries->n_bytes += layered->n_stored_bytes;
	}
	bool is_laid = row->patches.n != 0 && !row->is_covered && entries->layering != NULL;
	enum aps_rc rc = is_laid ? lay_over(entries, entry, row->patches, err) : APS_OK;
	*out = rc == APS_OK ? entry : NULL;
	return rc;
}

/* Without memory it is looked for again. */
static void note_absent(struct aps_entries *entries, struct aps_entry *absent, struct aps_str key, uint64_t hash)
{
	if (absent != NULL)
		absent->asked_at = entries->moment;
	else
		add(entries, 0, key, hash);
}

enum aps_rc aps_entries_find_below(struct aps_entries *entries, struct aps_str key, struct aps_entry **out,
                                   struct aps_err *err)
{
	uint64_t hash = aps_entries_hash(entries, key);
	struct aps_entry *here = find_key(entries, key, hash);
	if (here != NULL) here->is_used = true;
	*out = here != NULL && here->number != 0 ? here : NULL;
	if (*out != NULL || (here != NULL && is_known_absent(entries, here))) return APS_OK;
	if (entries->backing == NULL || entries->is_whole) return APS_OK;
	struct aps_entry_row row = {.number = 0};
	enum aps_rc rc = entries->backing->find(entries->backing, key, &row, err);
	if (rc == APS_OK && row.number != 0) rc = admit(entries, &row, out, err);
	if (rc == APS_OK && row.number == 0) note_absent(entries, here, key, hash);
	entries->backing->done(entries->backing);
	return rc;
}

enum aps_rc aps_entries_at_below(struct aps_entries *entries, uint64_t number, struct aps_entry **out,
                                 struct aps_err *err)
{
	*out = aps_entries_peek(entries, number);
	if (*out != NULL) {
		(*out)->is_used = true;
		return APS_OK;
	}
	if (entries->backing == NULL || entries->is_whole) return APS_OK;
	struct aps_entry_row row = {.number = 0};
	enum aps_rc rc = entries->backing->load(entries->backing, number, &row, err);
	if (rc == APS_OK && row.number != 0) rc = admit(entries, &row, out, err);
	entries->backing->done(entries->backing);
	return rc;
}

/* What has changed below or above is looked at when somebody reads it: a list under many layers changes with each of
 * them, and isn't read as often. */
static enum aps_rc refresh(struct aps_entries *entries, struct aps_entry **entry, struct aps_err *err)
{
	if (*entry == NULL || (*entry)->layered == NULL || !(*entry)->layered->is_stale) return APS_OK;
	enum aps_rc rc = entries->layering->show(entries->layering, *entry, err);
	if (rc != APS_OK) *entry = NULL;
	return rc;
}

enum aps_rc aps_entries_find(struct aps_entries *entries, struct aps_str key, struct aps_entry **out,
                             struct aps_err *err)
{
	enum aps_rc rc = aps_entries_find_below(entries, key, out, err);
	return rc == APS_OK ? refresh(entries, out, err) : rc;
}

enum aps_rc aps_entries_at(struct aps_entries *entries, uint64_t number, struct aps_entry **out, struct aps_err *err)
{
	enum aps_rc rc = aps_entries_at_below(entries, number, out, err);
	return rc == APS_OK ? refresh(entries, out, err) : rc;
}

#define ROW_BYTES 32

size_t aps_entry_disk_bytes(size_t n_key_bytes, size_t n_content_bytes)
{
	return ROW_BYTES + 2 * n_key_bytes + n_content_bytes;
}

struct aps_str aps_entry_key(const struct aps_entry *entry)
{
	return (struct aps_str){entry->key, entry->n_key_bytes};
}

struct aps_str aps_entry_content(const struct aps_entry *entry)
{
	return (struct aps_str){entry->content != NULL ? entry->content : "", entry->n_content_bytes};
}

struct aps_str aps_entry_shown(const struct aps_entry *entry)
{
	if (entry == NULL) return APS_STR("");
	return entry->content != NULL ? aps_entry_content(entry) : (struct aps_str){NULL, 0};
}

static bool begins_with(const struct aps_entry *entry, struct aps_str prefix)
{
	struct aps_str key = aps_entry_key(entry);
	return key.n >= prefix.n && memcmp(key.p, prefix.p, prefix.n) == 0;
}

/* What is in memory was found there. */
static enum aps_rc list_found(struct aps_entries *entries, struct aps_str prefix, uint64_t number,
                              struct aps_buf *numbers, struct aps_err *err)
{
	struct aps_entry *entry = aps_entries_peek(entries, number);
	bool is_known = entry != NULL;
	enum aps_rc rc = is_known ? APS_OK : aps_entries_at_below(entries, number, &entry, err);
	if (rc != APS_OK) return rc;
	if (entry == NULL || !begins_with(entry, prefix))
		return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0,
		                     "another field is found in the store by this one's key");
	if (!is_known) aps_buf_add(numbers, &number, sizeof number);
	return APS_OK;
}

static enum aps_rc list_backing(struct aps_entries *entries, struct aps_str prefix, struct aps_buf *numbers,
                                struct aps_err *err)
{
	struct aps_buf found;
	aps_buf_init(&found, APS_BUF_ANY_SIZE);
	enum aps_rc rc = entries->backing->list(entries->backing, prefix, &found, err);
	const uint64_t *list = (const uint64_t *)(const void *)found.p;
	for (size_t i = 0; rc == APS_OK && i < found.n / sizeof *list; i++)
		rc = list_found(entries, prefix, list[i], numbers, err);
	aps_buf_clear(&found);
	return rc;
}

static void list_one(const struct aps_entry *entry, struct aps_str prefix, struct aps_buf *numbers)
{
	if (entry->number == 0 || !begins_with(entry, prefix)) return;
	aps_buf_add(numbers, &entry->number, sizeof entry->number);
}

enum aps_rc aps_entries_list(struct aps_entries *entries, struct aps_str prefix, struct aps_buf *numbers,
                             struct aps_err *err)
{
	uint64_t owner = aps_key_owner(prefix);
	const struct aps_entry *entry = owner == 0 ? entries->newest : NULL;
	for (; entry != NULL; entry = entry->older) list_one(entry, prefix, numbers);
	if (owner != 0 && entries->n_owner_slots != 0) entry = *owner_slot(entries, owner);
	for (; entry != NULL; entry = entry->next_owned) list_one(entry, prefix, numbers);
	enum aps_rc rc = APS_OK;
	if (entries->backing != NULL && !entries->is_whole) rc = list_backing(entries, prefix, numbers, err);
	if (rc == APS_OK && numbers->rc != APS_OK) rc = aps_fail(err, numbers->rc, "no memory for a list of records");
	return rc;
}
