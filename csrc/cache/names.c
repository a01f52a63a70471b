#include "cache/names.h"

#include "base/mem.h"

struct aps_name {
	uint32_t number;
	uint32_t n_bytes;
	char text[];
};

void aps_names_init(struct aps_names *names, uint64_t seed)
{
	*names = (struct aps_names){.n_names = 0};
	aps_map_init(&names->by_text, seed);
}

void aps_names_clear(struct aps_names *names)
{
	for (uint32_t number = 1; number <= names->n_names; number++) aps_free(names->by_number[number]);
	aps_free(names->by_number);
	aps_map_clear(&names->by_text);
	names->by_number = NULL;
	names->n_names = names->capacity = names->first_lent = 0;
}

uint32_t aps_names_find(const struct aps_names *names, struct aps_str text)
{
	const struct aps_name *name = aps_map_get(&names->by_text, text);
	return name != NULL ? name->number : 0;
}

static bool grow(struct aps_names *names)
{
	if (names->n_names + 1 < names->capacity) return true;
	uint32_t capacity = names->capacity == 0 ? 64 : names->capacity * 2;
	if (capacity > UINT32_MAX / 16) return false;
	struct aps_name **by_number = aps_realloc(names->by_number, capacity * sizeof *by_number);
	if (by_number == NULL) return false;
	names->by_number = by_number;
	names->capacity = capacity;
	return true;
}

uint32_t aps_names_intern(struct aps_names *names, struct aps_str text)
{
	uint32_t number = aps_names_find(names, text);
	if (number != 0) return number;
	if (text.n > UINT32_MAX / 2 || !grow(names)) return 0;
	struct aps_name *name = aps_malloc(sizeof *name + text.n + 1);
	if (name == NULL) return 0;
	name->number = names->n_names + 1;
	name->n_bytes = (uint32_t)text.n;
	memcpy(name->text, text.p, text.n);
	name->text[text.n] = '\0';
	if (!aps_map_set(&names->by_text, text, name)) {
		aps_free(name);
		return 0;
	}
	names->by_number[++names->n_names] = name;
	return name->number;
}

bool aps_names_has_lent(const struct aps_names *names)
{
	return names->first_lent != 0 && names->n_names >= names->first_lent;
}

uint32_t aps_names_last_lasting(const struct aps_names *names)
{
	return aps_names_has_lent(names) ? names->first_lent - 1 : names->n_names;
}

uint32_t aps_names_find_lasting(const struct aps_names *names, struct aps_str text)
{
	uint32_t number = aps_names_find(names, text);
	return names->first_lent != 0 && number >= names->first_lent ? 0 : number;
}

void aps_names_lend(struct aps_names *names)
{
	if (names->first_lent == 0) names->first_lent = names->n_names + 1;
}

void aps_names_take_back(struct aps_names *names)
{
	while (aps_names_has_lent(names)) {
		struct aps_name *name = names->by_number[names->n_names--];
		aps_map_take(&names->by_text, (struct aps_str){name->text, name->n_bytes});
		aps_free(name);
	}
	names->first_lent = 0;
}

struct aps_str aps_names_text(const struct aps_names *names, uint32_t number)
{
	if (number == 0 || number > names->n_names) return APS_STR("");
	const struct aps_name *name = names->by_number[number];
	return (struct aps_str){name->text, name->n_bytes};
}
