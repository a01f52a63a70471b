#include "codec/header.h"

static bool is_token_char(unsigned char c)
{
	if (c > 0x7e) return false;
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
	return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool aps_header_is_token(struct aps_str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!is_token_char((unsigned char)text.p[i])) return false;
	return text.n != 0;
}

bool aps_header_is_value(struct aps_str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (((unsigned char)text.p[i] < 0x20 && text.p[i] != '\t') || text.p[i] == 0x7f) return false;
	return true;
}

void aps_header_list_init(struct aps_header_list *list, struct aps_arena *arena)
{
	*list = (struct aps_header_list){.arena = arena};
}

static bool make_room(struct aps_header_list *list)
{
	if (list->n_items < list->capacity) return true;
	size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
	struct aps_header *items = aps_arena_get(list->arena, capacity * sizeof *items);
	if (items == NULL) return false;
	if (list->n_items != 0) memcpy(items, list->items, list->n_items * sizeof *items);
	list->items = items;
	list->capacity = capacity;
	return true;
}

enum aps_rc aps_header_list_add(struct aps_header_list *list, struct aps_str name, struct aps_str value,
                                struct aps_err *err)
{
	if (!aps_header_is_token(name)) return aps_fail(err, APS_E_USAGE, "headers: a name isn't an HTTP token");
	if (!aps_header_is_value(value))
		return aps_fail(err, APS_E_USAGE,
		                "headers: the value of %.*s contains a line break or another control character",
		                (int)(name.n < 100 ? name.n : 100), name.p);
	struct aps_header item = {{NULL, 0}, {NULL, 0}};
	if (make_room(list))
		item = (struct aps_header){aps_arena_dup(list->arena, name), aps_arena_dup(list->arena, value)};
	if (item.name.p == NULL || item.value.p == NULL) return aps_arena_fail(list->arena, "the headers", err);
	list->items[list->n_items++] = item;
	return APS_OK;
}

const struct aps_header *aps_header_list_find(const struct aps_header_list *list, const char *name)
{
	if (list == NULL) return NULL;
	struct aps_str wanted = aps_str_of(name);
	for (size_t i = 0; i < list->n_items; i++)
		if (aps_str_eq_nocase(list->items[i].name, wanted)) return &list->items[i];
	return NULL;
}
