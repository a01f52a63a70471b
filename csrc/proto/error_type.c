#include "proto/error_type.h"

struct row {
	const char *name;
	enum aps_error_family family;
};

/* The bare name starts with `name`; the first row wins. Sources: AppSync Developer Guide ("Monitoring and logging",
 * "Conflict detection and resolution"), DynamoDB Developer Guide ("Error handling"), AWS "Common errors", amplify-js
 * packages/core/src/clients/middleware/retry. */
static const struct row ROWS[] = {
        {"MaxSubscriptionsReached", APS_FAMILY_SUBSCRIPTION_LIMIT},
        {"InvalidSignature", APS_FAMILY_CLOCK_SKEW},
        {"SignatureDoesNotMatch", APS_FAMILY_CLOCK_SKEW},
        {"RequestExpired", APS_FAMILY_CLOCK_SKEW},
        {"RequestTimeTooSkewed", APS_FAMILY_CLOCK_SKEW},
        {"RequestInTheFuture", APS_FAMILY_CLOCK_SKEW},
        {"AccessDenied", APS_FAMILY_AUTH},
        {"AuthFailure", APS_FAMILY_AUTH},
        {"ExpiredToken", APS_FAMILY_AUTH},
        {"IncompleteSignature", APS_FAMILY_AUTH},
        {"InvalidClientTokenId", APS_FAMILY_AUTH},
        {"MissingAuthenticationToken", APS_FAMILY_AUTH},
        {"UnrecognizedClient", APS_FAMILY_AUTH},
        {"ConditionalCheckFailed", APS_FAMILY_CONDITION},
        {"Conflict", APS_FAMILY_CONFLICT},
        {"MaxConflicts", APS_FAMILY_CONFLICT},
        {"BandwidthLimitExceeded", APS_FAMILY_THROTTLED},
        {"EC2Throttled", APS_FAMILY_THROTTLED},
        {"LimitExceeded", APS_FAMILY_THROTTLED},
        {"PriorRequestNotComplete", APS_FAMILY_THROTTLED},
        {"ProvisionedThroughputExceeded", APS_FAMILY_THROTTLED},
        {"RequestLimitExceeded", APS_FAMILY_THROTTLED},
        {"RequestThrottled", APS_FAMILY_THROTTLED},
        {"SlowDown", APS_FAMILY_THROTTLED},
        {"Throttled", APS_FAMILY_THROTTLED},
        {"Throttling", APS_FAMILY_THROTTLED},
        {"TooManyRequests", APS_FAMILY_THROTTLED},
        {"ServiceUnavailable", APS_FAMILY_UNAVAILABLE},
        {"TransactionConflict", APS_FAMILY_UNAVAILABLE}, /* DynamoDB: another transaction was under way */
        {"GraphQLSchema", APS_FAMILY_UNAVAILABLE},       /* the API has no schema yet */
        {"ExecutionTimeout", APS_FAMILY_UNCLEAR},
        {"InternalFailure", APS_FAMILY_UNCLEAR},
        {"InternalServerError", APS_FAMILY_UNCLEAR},
        {"InternalError", APS_FAMILY_UNCLEAR},
        {"InternalServiceError", APS_FAMILY_UNCLEAR},
        {"DeltaSyncWriteError", APS_FAMILY_UNCLEAR}, /* comes when the base table was written already */
        {"MappingTemplate", APS_FAMILY_UNCLEAR},     /* of a request or of a response (aws-appsync-community #100) */
        {"TimeoutError", APS_FAMILY_TIMED_OUT},
        {"RequestTimeout", APS_FAMILY_TIMED_OUT},
        {"BadRequest", APS_FAMILY_BAD_REQUEST},
        {"HttpNotFound", APS_FAMILY_NOT_FOUND},
        {"NotFound", APS_FAMILY_NOT_FOUND},
        {"ResourceNotFound", APS_FAMILY_NOT_FOUND},
};

/* Found anywhere in the name: amplify-js matches these as substrings too. */
static const struct row PARTS[] = {
        {"Forbidden", APS_FAMILY_FORBIDDEN},
        {"Unauthorized", APS_FAMILY_AUTH},
        {"NotAuthorized", APS_FAMILY_AUTH},
};

#define MAX_NAME_BYTES ((size_t)512)

static struct aps_str bare_name(struct aps_str type)
{
	const char *comma = aps_str_find(type, ",");
	if (comma != NULL) type.n = (size_t)(comma - type.p);
	const char *link = aps_str_find(type, ":http");
	if (link != NULL) type.n = (size_t)(link - type.p);
	for (size_t i = type.n; i > 0; i--)
		if (type.p[i - 1] == '#' || type.p[i - 1] == ':') return (struct aps_str){type.p + i, type.n - i};
	return type;
}

struct aps_str aps_error_source_of(struct aps_str error_type)
{
	struct aps_str type = aps_str_trim(error_type);
	if (type.n > MAX_NAME_BYTES) type.n = MAX_NAME_BYTES;
	const char *colon = aps_str_find(type, ":");
	bool is_suffix =
	        colon != NULL && aps_str_starts((struct aps_str){colon, (size_t)(type.p + type.n - colon)}, ":http");
	if (colon == NULL || is_suffix) return (struct aps_str){NULL, 0};
	return (struct aps_str){type.p, (size_t)(colon - type.p)};
}

enum aps_error_family aps_error_family_of(struct aps_str error_type)
{
	/* No service's names are longer; a server's megabytes are not searched through. */
	if (error_type.n > MAX_NAME_BYTES) error_type.n = MAX_NAME_BYTES;
	struct aps_str name = bare_name(aps_str_trim(error_type));
	if (name.n == 0) return APS_FAMILY_OTHER;
	for (size_t i = 0; i < APS_COUNTOF(PARTS); i++)
		if (aps_str_find(name, PARTS[i].name) != NULL) return PARTS[i].family;
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++)
		if (aps_str_starts(name, ROWS[i].name)) return ROWS[i].family;
	return APS_FAMILY_OTHER;
}

/* The words that only the service's own text can tell. */
static const char *auth_word(struct aps_str type, struct aps_str message)
{
	bool is_expired = aps_str_contains_nocase(message, APS_STR("expired"));
	if (is_expired && (aps_str_contains_nocase(message, APS_STR("api key")) ||
	                   aps_str_contains_nocase(message, APS_STR("apikey"))))
		return "api_key_expired";
	if (aps_str_contains_nocase(type, APS_STR("ExpiredToken")) ||
	    (is_expired && aps_str_contains_nocase(message, APS_STR("token"))))
		return "token_expired";
	return NULL;
}

enum aps_rc aps_error_classify(struct aps_str error_type, struct aps_str message, const char **word)
{
	*word = NULL;
	switch (aps_error_family_of(error_type)) {
	case APS_FAMILY_AUTH: *word = auth_word(error_type, message); return APS_E_AUTH;
	case APS_FAMILY_FORBIDDEN: *word = "forbidden"; return APS_E_AUTH;
	case APS_FAMILY_CLOCK_SKEW: *word = "clock_skew"; return APS_E_AUTH;
	case APS_FAMILY_CONFLICT:
	case APS_FAMILY_CONDITION: return APS_E_CONFLICT;
	case APS_FAMILY_SUBSCRIPTION_LIMIT: *word = "subscription_limit"; return APS_E_GRAPHQL;
	case APS_FAMILY_THROTTLED: *word = "rate_limited"; return APS_E_GRAPHQL;
	case APS_FAMILY_UNAVAILABLE:
	case APS_FAMILY_TIMED_OUT:
	case APS_FAMILY_UNCLEAR:
	case APS_FAMILY_BAD_REQUEST:
	case APS_FAMILY_NOT_FOUND:
	case APS_FAMILY_OTHER: break;
	}
	/* amplify-js, AWSWebSocketProvider: an error frame without a type whose message says so. */
	if (error_type.n == 0 && (aps_str_contains_nocase(message, APS_STR("token expired")) ||
	                          aps_str_contains_nocase(message, APS_STR("token has expired")))) {
		*word = "token_expired";
		return APS_E_AUTH;
	}
	return APS_E_GRAPHQL;
}
