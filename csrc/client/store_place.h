/* Where the entries of a store are, in one number that a reader loads at once: two bits say of what kind the place is,
 * the others tell one place from any other and name the memory. 0: the file, as it was found. */
#ifndef APS_CLIENT_STORE_PLACE_H
#define APS_CLIENT_STORE_PLACE_H

#include "base/macros.h"

#include <stdint.h>
#include <stdio.h>

enum aps_place_kind {
	APS_PLACE_FILE,
	APS_PLACE_MEMORY, /* the file can't be used */
	APS_PLACE_OVER    /* memory has what has changed, the file, which isn't written, all else */
};

#define APS_PLACE_NAME_BYTES 32

static inline enum aps_place_kind aps_place_kind(uint64_t place)
{
	return (enum aps_place_kind)(place & 3);
}

/* `random`: any number that wasn't given before. */
static inline uint64_t aps_place_make(enum aps_place_kind kind, uint64_t random)
{
	return (random << 2) | (uint64_t)kind;
}

/* Of its memory, for aps_db_open(). */
static inline void aps_place_name(uint64_t place, char name[APS_PLACE_NAME_BYTES])
{
	snprintf(name, APS_PLACE_NAME_BYTES, "/appsync-%016llx", (unsigned long long)place);
}

#endif
