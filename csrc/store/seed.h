/* A store that an application ships: what a new store begins with. */
#ifndef APS_STORE_SEED_H
#define APS_STORE_SEED_H

#include "base/err.h"

APS_BEGIN_DECLS

/* Where there is no file `path` yet, it becomes a copy of the store `seed`, brought up to date, without its mutations,
 * mode 0600: whole, or not at all. E_STORAGE with the word "seed" for a file that can't be read or is no store; what
 * the store says where the copy can't be made. */
enum aps_rc aps_seed_plant(const char *seed, const char *path, struct aps_err *err);

APS_END_DECLS

#endif
