#include "cache/number_set.h"

#include "base/mem.h"

#include <string.h>

#define WORDS     64
#define PAGE_BITS ((uint64_t)WORDS * 64)

struct aps_number_page {
	size_t n_members;
	uint64_t words[WORDS];
};

void aps_number_set_clear(struct aps_number_set *set)
{
	for (size_t i = 0; i < set->n_pages; i++) aps_free(set->pages[i]);
	aps_free(set->pages);
	*set = (struct aps_number_set){.pages = NULL};
}

static struct aps_number_page *page_of(const struct aps_number_set *set, uint64_t number)
{
	return number / PAGE_BITS < set->n_pages ? set->pages[number / PAGE_BITS] : NULL;
}

static uint64_t *word_of(struct aps_number_page *page, uint64_t number)
{
	return &page->words[number % PAGE_BITS / 64];
}

static uint64_t bit_of(uint64_t number)
{
	return (uint64_t)1 << (number % 64);
}

bool aps_number_set_has(const struct aps_number_set *set, uint64_t number)
{
	struct aps_number_page *page = page_of(set, number);
	return page != NULL && (*word_of(page, number) & bit_of(number)) != 0;
}

static bool make_room(struct aps_number_set *set, size_t index)
{
	if (index < set->n_pages) return true;
	size_t n = index + 1 + index / 4;
	struct aps_number_page **pages = aps_realloc(set->pages, n * sizeof(struct aps_number_page *));
	if (pages == NULL) return false;
	memset(pages + set->n_pages, 0, (n - set->n_pages) * sizeof(struct aps_number_page *));
	set->pages = pages;
	set->n_pages = n;
	return true;
}

bool aps_number_set_add(struct aps_number_set *set, uint64_t number, bool *is_new)
{
	if (number > APS_NUMBER_SET_MAX || !make_room(set, (size_t)(number / PAGE_BITS))) return false;
	struct aps_number_page **page = &set->pages[number / PAGE_BITS];
	if (*page == NULL) *page = aps_calloc(1, sizeof **page);
	if (*page == NULL) return false;
	bool is_here = (*word_of(*page, number) & bit_of(number)) != 0;
	*word_of(*page, number) |= bit_of(number);
	(*page)->n_members += !is_here;
	set->n_members += !is_here;
	if (is_new != NULL) *is_new = !is_here;
	return true;
}

void aps_number_set_remove(struct aps_number_set *set, uint64_t number)
{
	if (!aps_number_set_has(set, number)) return;
	struct aps_number_page *page = page_of(set, number);
	*word_of(page, number) &= ~bit_of(number);
	page->n_members--;
	set->n_members--;
}

/* The place of the lowest bit. */
static unsigned lowest(uint64_t word)
{
	return (unsigned)__builtin_ctzll(word);
}

uint64_t aps_number_set_next(const struct aps_number_set *set, uint64_t after)
{
	uint64_t number = after + 1;
	while (number / PAGE_BITS < set->n_pages) {
		struct aps_number_page *page = page_of(set, number);
		if (page == NULL || page->n_members == 0) {
			number = (number / PAGE_BITS + 1) * PAGE_BITS;
			continue;
		}
		uint64_t rest = *word_of(page, number) >> (number % 64);
		if (rest != 0) return number + lowest(rest);
		number = (number / 64 + 1) * 64;
	}
	return 0;
}
