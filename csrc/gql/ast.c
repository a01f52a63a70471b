#include "gql/ast.h"

static const char *const NAMES[APS_GQL_KIND_COUNT] = {
#define APS_GQL_KIND_NAME(name, text) text,
        APS_GQL_KIND_MAP(APS_GQL_KIND_NAME)
#undef APS_GQL_KIND_NAME
};

const char *aps_gql_kind_name(enum aps_gql_kind kind)
{
	return kind < APS_GQL_KIND_COUNT ? NAMES[kind] : "";
}

bool aps_gql_kind_find(struct aps_str name, enum aps_gql_kind *kind)
{
	for (unsigned i = 0; i < APS_GQL_KIND_COUNT; i++) {
		if (!aps_str_is(name, NAMES[i])) continue;
		*kind = (enum aps_gql_kind)i;
		return true;
	}
	return false;
}

struct aps_str aps_gql_response_key(const struct aps_gql_node *field)
{
	return field->text.n != 0 ? field->text : field->name;
}

int aps_gql_compare_names(const void *a, const void *b)
{
	const struct aps_gql_node *const *left = a, *const *right = b;
	int order = aps_str_cmp((*left)->name, (*right)->name);
	if (order != 0) return order;
	struct aps_gql_place l = (*left)->place, r = (*right)->place;
	if (l.line != r.line) return l.line < r.line ? -1 : 1;
	return l.column < r.column ? -1 : l.column > r.column;
}
