/* The features of the light build: calls over HTTP. */
#include "client/call.h"
#include "client/credential.h"
#include "client/features.h"
#include "client/flight.h"
#include "client/reach.h"

const struct aps_feature *const aps_features[] = {
        &aps_call_feature, &aps_flight_feature, &aps_reach_feature, &aps_credential_feature, NULL,
};
