/* A borrowed view of bytes: pointer and length, no terminating zero promised. */
#ifndef APS_BASE_STR_H
#define APS_BASE_STR_H

#include "base/macros.h"

#include <stdbool.h>
#include <string.h>

struct aps_str {
	const char *p;
	size_t n;
};

/* Of a name in what people read; more would be no name: printf("%.*s", aps_str_shown(name), name.p). */
#define APS_STR_MAX_SHOWN 60

#define APS_STR(literal) ((struct aps_str){"" literal, sizeof(literal) - 1})

APS_BEGIN_DECLS

struct aps_str aps_str_of(const char *zero_terminated);
bool aps_str_eq(struct aps_str a, struct aps_str b);
bool aps_str_is(struct aps_str a, const char *zero_terminated);
/* ASCII case is ignored. */
bool aps_str_eq_nocase(struct aps_str a, struct aps_str b);
bool aps_str_starts(struct aps_str text, const char *prefix);
bool aps_str_ends(struct aps_str text, const char *suffix);
/* The first place of `needle` in `text`, or NULL. */
const char *aps_str_find(struct aps_str text, const char *needle);
/* ASCII case is ignored. */
bool aps_str_contains_nocase(struct aps_str text, struct aps_str needle);
/* The first byte of C0 (tab too) or DEL; text.n: there is none. */
size_t aps_str_control(struct aps_str text);
/* How many of its bytes to show. */
int aps_str_shown(struct aps_str name);
/* By bytes; a shorter string sorts before its extension. */
int aps_str_cmp(struct aps_str a, struct aps_str b);
/* Without white space (space, tab, CR, LF) at both ends. */
struct aps_str aps_str_trim(struct aps_str text);
/* FNV-1a, 64 bits. */
uint64_t aps_str_hash(struct aps_str text, uint64_t seed);

APS_END_DECLS

#endif
