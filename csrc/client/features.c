#include "client/features.h"

#include "client/caching.h"
#include "client/call.h"
#include "client/connections.h"
#include "client/credential.h"
#include "client/flight.h"
#include "client/queueing.h"
#include "client/reach.h"
#include "client/subscriber.h"
#include "client/syncing.h"
#include "client/watching.h"

const struct aps_feature *const aps_features[] = {
        &aps_call_feature,
        &aps_flight_feature,
        &aps_realtime_feature,
        &aps_subscriber_feature,
        &aps_queueing_feature,
        &aps_syncing_feature,
        &aps_reach_feature,
        &aps_credential_feature,
        &aps_watching_feature,
        &aps_caching_feature,
        NULL,
};
