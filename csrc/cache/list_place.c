#include "cache/list_place.h"

#include <string.h>

#define ROOT "RROOT_QUERY"

/* A name on the way to the value. */
struct step {
	uint32_t name; /* number; 0: */
	struct aps_str text;
};

/* From the entry's content to the value. */
struct way {
	struct step steps[1 + APS_LIST_PLACE_MAX_PATH];
	size_t n_steps;
	struct aps_str value; /* that is put there */
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Arguments, which may have anything in them, end with a bracket. */
bool aps_list_place_is_own(struct aps_str field)
{
	while (field.n != 0 && is_letter(field.p[field.n - 1])) field.n--;
	return field.n != 0 && field.p[field.n - 1] == '~';
}

static bool has_arguments(struct aps_str name)
{
	return memchr(name.p, '(', name.n) != NULL || memchr(name.p, '@', name.n) != NULL;
}

/* False: no object has a field of this name, or memory is out (`makes`). */
static bool add_step(struct aps_cache_write *write, struct way *way, struct aps_str text, bool makes)
{
	struct aps_names *names = &write->cache->names;
	struct step step = {.text = text};
	if (!has_arguments(text)) step.name = makes ? aps_names_intern(names, text) : aps_names_find(names, text);
	if (way->n_steps == APS_COUNTOF(way->steps)) return false;
	way->steps[way->n_steps++] = step;
	return step.name != 0 || has_arguments(text);
}

static bool find_way(struct aps_cache_write *write, const struct aps_list_place *place, struct way *way, bool makes)
{
	bool is_known = place->is_apart || add_step(write, way, place->field, makes);
	for (size_t i = 0; is_known && i < place->n_path; i++) is_known = add_step(write, way, place->path[i], makes);
	return is_known;
}

/* Only to be looked at: the write leaves it alone. */
static struct aps_entry *find_entry(struct aps_cache_write *write, struct aps_str key)
{
	struct aps_entry *entry = NULL;
	if (write->err.code != APS_OK) return NULL;
	if (aps_entries_find_below(&write->cache->entries, key, &entry, &write->err) != APS_OK) return NULL;
	return entry;
}

/* "F", the number of the root, ".", the field. False: no memory. */
static bool put_key(struct aps_cache_write *write, struct aps_buf *key, const struct aps_entry *root,
                    struct aps_str field)
{
	aps_buf_init(key, APS_BUF_ANY_SIZE);
	aps_buf_addf(key, "F%llu.", (unsigned long long)root->number);
	aps_buf_add_str(key, field);
	if (key->rc == APS_OK) return true;
	aps_write_fail(write);
	return false;
}

static struct aps_str content_below(const struct aps_entry *entry)
{
	if (entry == NULL) return APS_STR("");
	if (entry->layered == NULL || entry->is_in_write) return aps_entry_content(entry);
	struct aps_str base = aps_entry_base(entry);
	return base.p != NULL ? base : APS_STR("");
}

static bool find_field(struct aps_str fields, const struct step *step, struct aps_cell *value)
{
	return step->name != 0 ? aps_cell_find_field(fields, step->name, value)
	                       : aps_cell_find_text_field(fields, step->text, value);
}

static bool follow(const struct way *way, size_t from, struct aps_cell *value)
{
	for (size_t i = from; i < way->n_steps; i++) {
		struct aps_str fields = value->text;
		if (value->tag != APS_CELL_OBJECT || !find_field(fields, &way->steps[i], value)) return false;
	}
	return true;
}

bool aps_list_place_find(struct aps_cache_write *write, const struct aps_list_place *place, struct aps_cell *value)
{
	struct way way = {.n_steps = 0};
	struct aps_buf key;
	struct aps_entry *root = find_entry(write, APS_STR(ROOT));
	if (root == NULL || !find_way(write, place, &way, false)) return false;
	if (!place->is_apart) {
		struct aps_str fields = content_below(root);
		return find_field(fields, &way.steps[0], value) && follow(&way, 1, value);
	}
	struct aps_entry *field =
	        put_key(write, &key, root, place->field) ? find_entry(write, aps_buf_str(&key)) : NULL;
	aps_buf_clear(&key);
	struct aps_str content = content_below(field);
	return aps_cell_take(&content, value) && follow(&way, 0, value);
}

static void put_fields(const struct way *way, struct aps_buf *out, struct aps_str fields, size_t at);

/* The value at the end of the steps from `from` on; `old`: what stands there, or NULL. */
static void put_value(const struct way *way, struct aps_buf *out, const struct aps_cell *old, size_t from)
{
	size_t at = out->n;
	if (from == way->n_steps) {
		aps_buf_add_str(out, way->value);
		return;
	}
	put_fields(way, out, old != NULL && old->tag == APS_CELL_OBJECT ? old->text : APS_STR(""), from);
	aps_cell_close_object(out, at);
}

static void put_step(const struct way *way, struct aps_buf *out, const struct aps_cell *old, size_t at)
{
	const struct step *step = &way->steps[at];
	if (way->value.n == 0 && at + 1 == way->n_steps) return;
	aps_cell_put_name(out, step->name, step->name != 0 ? APS_STR("") : step->text);
	put_value(way, out, old, at + 1);
}

/* These fields, with the step `at` among them. */
static void put_fields(const struct way *way, struct aps_buf *out, struct aps_str fields, size_t at)
{
	const struct step *step = &way->steps[at];
	struct aps_cell_field field;
	bool is_put = false;
	while (aps_cell_take_field(&fields, &field)) {
		int order = aps_cell_compare_names(field.name, field.text, step->name,
		                                   step->name != 0 ? APS_STR("") : step->text);
		if (order >= 0 && !is_put) {
			put_step(way, out, order == 0 ? &field.value : NULL, at);
			is_put = true;
		}
		if (order != 0) aps_buf_add_str(out, field.whole);
	}
	if (!is_put) put_step(way, out, NULL, at);
}

static void set_content(struct aps_cache_write *write, const struct aps_list_place *place, struct aps_entry *entry,
                        const struct way *way)
{
	struct aps_str content = aps_entry_content(entry);
	struct aps_buf now;
	struct aps_cell old;
	aps_buf_init(&now, UINT32_MAX);
	if (!place->is_apart)
		put_fields(way, &now, content, 0);
	else if (way->value.n != 0)
		put_value(way, &now, aps_cell_take(&content, &old) ? &old : NULL, 0);
	if (now.rc != APS_OK)
		aps_write_fail(write);
	else if (place->is_apart && now.n == 0)
		aps_write_set(write, entry, (struct aps_str){NULL, 0});
	else
		aps_write_set(write, entry, now.n != 0 ? aps_buf_str(&now) : APS_STR(""));
	aps_write_report(write, entry, place->is_apart ? 0 : way->steps[0].name);
	aps_buf_clear(&now);
}

void aps_list_place_set(struct aps_cache_write *write, const struct aps_list_place *place, struct aps_str value)
{
	struct way way = {.value = value};
	struct aps_buf key;
	struct aps_entry *entry = aps_write_entry(write, APS_STR(ROOT));
	if (entry == NULL) return;
	if (entry->content == NULL)
		aps_write_set(write, entry, APS_STR("")); /* of a record that is nowhere nothing is read */
	if (!find_way(write, place, &way, true)) {
		aps_write_fail(write);
		return;
	}
	if (place->is_apart) {
		bool has_key = put_key(write, &key, entry, place->field);
		entry = has_key ? aps_write_entry(write, aps_buf_str(&key)) : NULL;
		aps_buf_clear(&key);
	}
	if (entry != NULL) set_content(write, place, entry, &way);
}
