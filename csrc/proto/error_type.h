/* What an `errorType` of AppSync, or an error code of an AWS service, means: one table of names. */
#ifndef APS_PROTO_ERROR_TYPE_H
#define APS_PROTO_ERROR_TYPE_H

#include "base/err.h"
#include "base/str.h"

enum aps_error_family {
	APS_FAMILY_OTHER,
	APS_FAMILY_AUTH,        /* who asks is not known, or may not */
	APS_FAMILY_FORBIDDEN,   /* refused by a rule (WAF): other credentials don't help */
	APS_FAMILY_CLOCK_SKEW,  /* the signature's time or value was refused */
	APS_FAMILY_CONFLICT,    /* a version did not match */
	APS_FAMILY_CONDITION,   /* a condition did not match: the caller's, or that of a version */
	APS_FAMILY_THROTTLED,   /* refused before it was executed; later it may pass */
	APS_FAMILY_UNAVAILABLE, /* likewise, of a service that isn't ready */
	APS_FAMILY_TIMED_OUT,
	APS_FAMILY_UNCLEAR, /* it broke off at the service: what it was to do may have been done, in part or whole */
	APS_FAMILY_SUBSCRIPTION_LIMIT, /* this connection is full */
	APS_FAMILY_BAD_REQUEST,
	APS_FAMILY_NOT_FOUND /* of the API itself */
};

APS_BEGIN_DECLS

/* Understands the plain name, the data source's prefix ("DynamoDB:Name"), the shape's prefix ("com.example#Name") and
 * the header's suffix ("Name:http://…"). */
enum aps_error_family aps_error_family_of(struct aps_str error_type);

/* The data source that an errorType begins with: "DynamoDB" of "DynamoDB:Name". Empty: none. */
struct aps_str aps_error_source_of(struct aps_str error_type);

/* Which error an AppSync `errorType` and message are: E_AUTH (Unauthorized…, …with word "api_key_expired",
 * "token_expired" where told), E_CONFLICT (ConditionalCheckFailed…, Conflict…, MaxConflicts), else E_GRAPHQL. */
enum aps_rc aps_error_classify(struct aps_str error_type, struct aps_str message, const char **word);

APS_END_DECLS

#endif
