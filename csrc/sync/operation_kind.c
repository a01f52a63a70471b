#include "sync/operation_kind.h"

static const char *const NAMES[APS_OPERATION_KIND_COUNT] = {
#define APS_OPERATION_KIND_NAME(name, text) text,
        APS_OPERATION_KIND_MAP(APS_OPERATION_KIND_NAME)
#undef APS_OPERATION_KIND_NAME
};

#define MAX_VERBS 9

/* Later rows override earlier ones. */
static const struct {
	enum aps_operation_kind kind;
	const char *verbs[MAX_VERBS];
} ROWS[] = {
        {APS_OPERATION_ADD, {"create", "created", "put", "set", "add", "added", "new", "insert", "inserted"}},
        {APS_OPERATION_REMOVE,
         {"delete", "deleted", "discard", "discarded", "erase", "erased", "remove", "removed", NULL}},
        {APS_OPERATION_UPDATE,
         {"update", "updated", "upsert", "upserted", "edit", "edited", "modify", "modified", NULL}},
};

const char *aps_operation_kind_name(enum aps_operation_kind kind)
{
	return kind < APS_OPERATION_KIND_COUNT ? NAMES[kind] : "";
}

static bool starts_nocase(struct aps_str text, struct aps_str prefix)
{
	return text.n >= prefix.n && aps_str_eq_nocase((struct aps_str){text.p, prefix.n}, prefix);
}

/* The bytes of the verb at the start of the name; 0: it isn't there. */
static size_t match(struct aps_str field, const char *verb)
{
	struct aps_str word = aps_str_of(verb);
	if (starts_nocase(field, word)) return word.n;
	if (!starts_nocase(field, APS_STR("on"))) return 0;
	return starts_nocase((struct aps_str){field.p + 2, field.n - 2}, word) ? 2 + word.n : 0;
}

static bool is_word_start(struct aps_str field, size_t at)
{
	return at == field.n || field.p[at] < 'a' || field.p[at] > 'z';
}

enum aps_operation_kind aps_operation_kind_of(struct aps_str field, size_t *n_prefix)
{
	enum aps_operation_kind kind = APS_OPERATION_AUTO;
	size_t n_best = 0;
	for (size_t row = 0; row < APS_COUNTOF(ROWS); row++) {
		for (size_t i = 0; i < MAX_VERBS && ROWS[row].verbs[i] != NULL; i++) {
			size_t n = match(field, ROWS[row].verbs[i]);
			if (n == 0) continue;
			bool is_first = kind != ROWS[row].kind;
			kind = ROWS[row].kind;
			if (is_first || is_word_start(field, n) || (n > n_best && !is_word_start(field, n_best)))
				n_best = n;
		}
	}
	if (n_prefix != NULL) *n_prefix = n_best;
	return kind;
}
