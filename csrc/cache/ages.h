/* How many bytes were used last at which age, in minutes: exact for an hour, then by steps of 3 % of the age. Tells how
 * old the oldest may be for the rest to fit. */
#ifndef APS_CACHE_AGES_H
#define APS_CACHE_AGES_H

#include "base/macros.h"

#define APS_N_AGES 736

struct aps_ages {
	uint64_t bytes[APS_N_AGES];
};

APS_BEGIN_DECLS

/* Below APS_N_AGES; older ones have higher ones. */
unsigned aps_age_class(uint64_t minutes);
/* The class that what is left from has to be of, at least, for so many bytes to go; the oldest go first. APS_N_AGES:
 * none needs to go. */
unsigned aps_ages_cut(const struct aps_ages *ages, uint64_t n_bytes);

APS_END_DECLS

#endif
