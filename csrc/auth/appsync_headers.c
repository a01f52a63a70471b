#include "auth/appsync_headers.h"

#include "auth/sigv4_canonical.h"
#include "codec/json_writer.h"

#define DEFAULT_SERVICE "appsync"
#define CONNECT_PATH    "/connect"

/* --- what both forms share --- */

static bool brings_own_authorization(const struct aps_header_list *headers)
{
	return aps_header_list_find(headers, "authorization") != NULL ||
	       aps_header_list_find(headers, "x-api-key") != NULL;
}

static enum aps_rc check(const struct aps_auth_material *material, struct aps_err *err)
{
	bool is_complete = material->mode == APS_AUTH_NONE ||
	                   (material->mode == APS_AUTH_IAM ? material->credentials.access_key_id != NULL &&
	                                                             material->credentials.secret_access_key != NULL
	                                                   : material->secret != NULL);
	if (is_complete) return APS_OK;
	return aps_fail_word(err, APS_E_AUTH, "no_token", 0, "there are no credentials for %s",
	                     aps_auth_mode_name(material->mode));
}

static void fill_options(struct aps_sigv4_options *options, const struct aps_auth_material *material,
                         const struct aps_appsync_signing *signing)
{
	aps_sigv4_options_init(options, signing->service.n != 0 ? signing->service : APS_STR(DEFAULT_SERVICE));
	options->region = signing->region;
	options->access_key_id = aps_str_of(material->credentials.access_key_id);
	options->secret_access_key = aps_str_of(material->credentials.secret_access_key);
	options->session_token = aps_str_of(material->credentials.session_token);
	options->now_s = signing->now_s;
}

/* --- HTTP --- */

static enum aps_rc sign_http(const struct aps_auth_material *material, const struct aps_appsync_signing *signing,
                             struct aps_str body, struct aps_header_list *headers, struct aps_err *err)
{
	struct aps_sigv4_options options;
	struct aps_sigv4 signed_;
	fill_options(&options, material, signing);
	aps_sigv4_init(&signed_);
	struct aps_sigv4_request request = {APS_STR("POST"), signing->endpoint, headers->items, headers->n_items, body};
	enum aps_rc rc = aps_sigv4_sign(&request, &options, signing->cache, &signed_, err);
	for (size_t i = 0; rc == APS_OK && i < signed_.n_added; i++) {
		const struct aps_header *added = &signed_.added[i];
		/* The HTTP client makes `host` from the same URL; a date that the caller gave is there already. */
		if (aps_str_is(added->name, "host")) continue;
		if (aps_str_is(added->name, "x-amz-date") && aps_header_list_find(headers, "x-amz-date") != NULL)
			continue;
		rc = aps_header_list_add(headers, added->name, added->value, err);
	}
	aps_sigv4_clear(&signed_);
	return rc;
}

enum aps_rc aps_appsync_http_headers(const struct aps_auth_material *material,
                                     const struct aps_appsync_signing *signing, struct aps_str body,
                                     struct aps_header_list *headers, struct aps_err *err)
{
	if (brings_own_authorization(headers)) return APS_OK;
	enum aps_rc rc = check(material, err);
	if (rc != APS_OK || material->mode == APS_AUTH_NONE) return rc;
	if (material->mode == APS_AUTH_IAM) return sign_http(material, signing, body, headers, err);
	const char *name = material->mode == APS_AUTH_API_KEY ? "x-api-key" : "authorization";
	return aps_header_list_add(headers, aps_str_of(name), aps_str_of(material->secret), err);
}

/* --- realtime --- */

/* What official clients sign in front of the host; the service checks the signature over exactly what the object lists.
 */
static const struct {
	const char *name;
	const char *value;
} REALTIME_HEADERS[] = {{"accept", "application/json, text/javascript"},
                        {"content-encoding", "amz-1.0"},
                        {"content-type", "application/json; charset=UTF-8"}};

/* The API's host where the caller's headers name it: it isn't the address's behind a CDN or an interface endpoint. */
static struct aps_str told_host(const struct aps_header_list *extra)
{
	const struct aps_header *header = aps_header_list_find(extra, "host");
	return header != NULL ? aps_str_trim(header->value) : (struct aps_str){"", 0};
}

static enum aps_rc sign_realtime(const struct aps_auth_material *material, const struct aps_appsync_signing *signing,
                                 enum aps_appsync_realtime_step step, struct aps_str data,
                                 struct aps_header_list *members, struct aps_err *err)
{
	struct aps_sigv4_options options;
	struct aps_sigv4 signed_;
	struct aps_buf url;
	enum aps_rc rc = APS_OK;
	fill_options(&options, material, signing);
	aps_sigv4_init(&signed_);
	aps_buf_init(&url, APS_BUF_ANY_SIZE);
	for (size_t i = 0; rc == APS_OK && i < APS_COUNTOF(REALTIME_HEADERS); i++)
		rc = aps_header_list_add(members, aps_str_of(REALTIME_HEADERS[i].name),
		                         aps_str_of(REALTIME_HEADERS[i].value), err);
	struct aps_str host = told_host(signing->extra);
	if (rc == APS_OK && host.n != 0) rc = aps_header_list_add(members, APS_STR("host"), host, err);
	if (rc != APS_OK) goto done;
	struct aps_str endpoint = signing->endpoint;
	const char *query = endpoint.n != 0 ? memchr(endpoint.p, '?', endpoint.n) : NULL;
	size_t n_path = query != NULL ? (size_t)(query - endpoint.p) : endpoint.n;
	aps_buf_add(&url, endpoint.p, n_path);
	if (step == APS_APPSYNC_CONNECT) aps_buf_add_text(&url, CONNECT_PATH);
	if (query != NULL) aps_buf_add(&url, query, endpoint.n - n_path);
	if (url.rc != APS_OK) {
		rc = aps_fail(err, url.rc, "no memory for the address to sign");
		goto done;
	}
	struct aps_sigv4_request request = {APS_STR("POST"), aps_buf_str(&url), members->items, members->n_items, data};
	rc = aps_sigv4_sign(&request, &options, signing->cache, &signed_, err);
	for (size_t i = 0; rc == APS_OK && i < signed_.n_added; i++) {
		struct aps_str name = signed_.added[i].name;
		if (aps_str_is(name, "authorization"))
			name = APS_STR("Authorization"); /* as the Developer Guide spells it */
		rc = aps_header_list_add(members, name, signed_.added[i].value, err);
	}
done:
	aps_buf_clear(&url);
	aps_sigv4_clear(&signed_);
	return rc;
}

static enum aps_rc build_members(const struct aps_auth_material *material, const struct aps_appsync_signing *signing,
                                 bool has_own, struct aps_header_list *members, struct aps_err *err)
{
	struct aps_sigv4_url url;
	enum aps_rc rc = aps_sigv4_url_split(signing->endpoint, &url, err);
	if (rc == APS_OK && url.host.n == 0) rc = aps_fail(err, APS_E_USAGE, "endpoint: has no host");
	/* The host of the HTTP API, never the realtime one. */
	char room[APS_SIGV4_HOST_CHARS];
	struct aps_str host = told_host(signing->extra);
	if (rc == APS_OK && host.n == 0) host = aps_sigv4_host_header(url.host, room);
	if (rc == APS_OK) rc = aps_header_list_add(members, APS_STR("host"), host, err);
	if (rc != APS_OK || has_own || material->mode == APS_AUTH_NONE) return rc;
	rc = check(material, err);
	if (rc != APS_OK) return rc;
	const char *name = material->mode == APS_AUTH_API_KEY ? "x-api-key" : "Authorization";
	return aps_header_list_add(members, aps_str_of(name), aps_str_of(material->secret), err);
}

static void write_members(const struct aps_header_list *members, const struct aps_header_list *extra,
                          struct aps_json_writer *w)
{
	aps_json_write_object(w);
	for (size_t i = 0; i < members->n_items; i++) {
		aps_json_write_key(w, members->items[i].name);
		aps_json_write_string(w, members->items[i].value);
	}
	for (size_t i = 0; extra != NULL && i < extra->n_items; i++) {
		struct aps_str name = extra->items[i].name;
		bool is_taken = false; /* by what was signed, or by a later one of the same name */
		for (size_t k = 0; !is_taken && k < members->n_items; k++)
			is_taken = aps_str_eq_nocase(name, members->items[k].name);
		for (size_t k = i + 1; !is_taken && k < extra->n_items; k++)
			is_taken = aps_str_eq_nocase(name, extra->items[k].name);
		if (is_taken) continue;
		aps_json_write_key(w, name);
		aps_json_write_string(w, extra->items[i].value);
	}
	aps_json_write_object_end(w);
}

enum aps_rc aps_appsync_realtime_object(const struct aps_auth_material *material,
                                        const struct aps_appsync_signing *signing, enum aps_appsync_realtime_step step,
                                        struct aps_str data, struct aps_buf *out, struct aps_err *err)
{
	const struct aps_header_list *extra = signing->extra;
	struct aps_arena arena;
	struct aps_header_list members;
	struct aps_json_writer w;
	bool has_own = brings_own_authorization(extra);
	aps_arena_init(&arena, APS_BUF_ANY_SIZE); /* `out` has the ceiling */
	aps_header_list_init(&members, &arena);
	enum aps_rc rc;
	if (material->mode == APS_AUTH_IAM && !has_own) {
		rc = check(material, err);
		if (rc == APS_OK) rc = sign_realtime(material, signing, step, data, &members, err);
	} else {
		rc = build_members(material, signing, has_own, &members, err);
	}
	if (rc == APS_OK) {
		aps_json_writer_init(&w, out);
		write_members(&members, extra, &w);
		rc = aps_json_writer_finish(&w);
		if (rc != APS_OK && err != NULL) *err = w.err;
		if (rc != APS_OK && w.err.code == APS_OK)
			rc = aps_fail(err, rc,
			              rc == APS_E_TOO_BIG ? "the authorization object is too long"
			                                  : "no memory for the authorization object");
	}
	aps_arena_clear(&arena);
	return rc;
}
