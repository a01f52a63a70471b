/* The features of this library, in the order in which they are opened and in which a client leaves them. */
#ifndef APS_CLIENT_FEATURES_H
#define APS_CLIENT_FEATURES_H

#include "client/feature.h"

APS_BEGIN_DECLS

/* Ends with NULL. */
extern const struct aps_feature *const aps_features[];

APS_END_DECLS

#endif
