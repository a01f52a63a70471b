/* Field names as small numbers: what a record repeats a thousand times is written once. Numbers begin at 1, are never
 * given twice, and are kept with the store; whoever only reads learns them from there. Names with arguments are no
 * names here: there is no end to them (cache/entry.h). */
#ifndef APS_CACHE_NAMES_H
#define APS_CACHE_NAMES_H

#include "base/err.h"
#include "base/map.h"

#include <stdbool.h>

struct aps_names {
	struct aps_map by_text;
	struct aps_name **by_number; /* [0] isn't used */
	uint32_t n_names;            /* the highest number */
	uint32_t capacity;
	uint32_t first_lent; /* names from this number on are lent: they go again, and come as others; 0: none are */
};

APS_BEGIN_DECLS

void aps_names_init(struct aps_names *names, uint64_t seed);
/* Twice is legal. */
void aps_names_clear(struct aps_names *names);
/* 0: it has no number. */
uint32_t aps_names_find(const struct aps_names *names, struct aps_str text);
/* The next number for a new one; 0 when memory is out. */
uint32_t aps_names_intern(struct aps_names *names, struct aps_str text);
/* The same, but 0 for a name that is lent: what is kept longer must not know its number. */
uint32_t aps_names_find_lasting(const struct aps_names *names, struct aps_str text);
/* Names that are new from now on are lent, until they are taken back, all of them. */
void aps_names_lend(struct aps_names *names);
void aps_names_take_back(struct aps_names *names);
bool aps_names_has_lent(const struct aps_names *names);
/* The highest number of those that aren't lent. */
uint32_t aps_names_last_lasting(const struct aps_names *names);
/* Empty for a number that has no name. Stays where it is, unless it was lent. */
struct aps_str aps_names_text(const struct aps_names *names, uint32_t number);

APS_END_DECLS

#endif
