#include "sync/page_circle.h"

/* What is around the records isn't looked at: a connection's startedAt is another one in each page. */
static uint64_t print_of(const struct aps_page *page, struct aps_str token)
{
	uint64_t print = aps_str_hash(token, aps_page_count(page));
	for (size_t i = 0; i < aps_page_count(page); i++) print = aps_str_hash(aps_page_at(page, i)->text, print);
	return print;
}

bool aps_page_circle_closes(struct aps_page_circle *circle, const struct aps_page *page, struct aps_str token)
{
	if (token.n == 0) return false;
	uint64_t print = print_of(page, token);
	if (circle->n_most != 0 && print == circle->mark) return true;
	if (circle->n_since++ < circle->n_most) return false;
	circle->mark = print;
	circle->n_since = 0;
	circle->n_most = circle->n_most * 2 + 1;
	return false;
}
