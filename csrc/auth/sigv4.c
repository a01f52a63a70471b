/* Rules: AWS General Reference, "Create a signed AWS API request"; presigned URLs: Amazon S3 API Reference,
 * "Authenticating Requests: Using Query Parameters". */
#include "auth/sigv4.h"

#include "auth/sigv4_canonical.h"
#include "base/mem.h"
#include "codec/percent.h"
#include "codec/timefmt.h"

#define ALGORITHM        "AWS4-HMAC-SHA256"
#define TERMINATOR       "aws4_request"
#define UNSIGNED         "UNSIGNED-PAYLOAD"
#define SHORT_DATE_CHARS 8
#define MAX_EXPIRES_S    604800
#define STACK_HEADERS    32
#define MAX_YEAR_9999_S  INT64_C(253402300799)
#define MIN_YEAR_0000_S  (-INT64_C(62167219200))

/* What one call works with. */
struct job {
	const struct aps_sigv4_request *request;
	const struct aps_sigv4_options *options;
	struct aps_sigv4 *out;
	struct aps_err *err;
	struct aps_sigv4_url url;
	struct aps_sigv4_headers headers; /* those that are signed */
	bool has_host;
	bool has_token;
	bool has_hash;
	int64_t now_s;
	char date[APS_TIME_AMZ_CHARS + 1];
	char body_hex[2 * APS_SHA256_BYTES + 1];
	struct aps_str payload; /* what the canonical request ends with */
	size_t names_at;        /* the signed names in the canonical request */
	size_t n_names;
	size_t scope_at; /* the credential scope in the string to sign */
	size_t n_scope;
};

void aps_sigv4_options_init(struct aps_sigv4_options *options, struct aps_str service)
{
	bool is_s3 = aps_str_is(service, "s3");
	*options = (struct aps_sigv4_options){.service = service,
	                                      .expires_s = 900,
	                                      .normalize_path = !is_s3,
	                                      .double_encode = !is_s3,
	                                      .sign_body = is_s3};
}

static struct aps_buf *const *buffers(struct aps_sigv4 *out, struct aps_buf *all[5])
{
	all[0] = &out->canonical_request;
	all[1] = &out->string_to_sign;
	all[2] = &out->authorization;
	all[3] = &out->url;
	all[4] = &out->scratch;
	return all;
}

void aps_sigv4_init(struct aps_sigv4 *out)
{
	struct aps_buf *all[5];
	memset(out, 0, sizeof *out);
	buffers(out, all);
	for (size_t i = 0; i < APS_COUNTOF(all); i++) aps_buf_init(all[i], APS_BUF_ANY_SIZE);
}

void aps_sigv4_clear(struct aps_sigv4 *out)
{
	struct aps_buf *all[5];
	buffers(out, all);
	for (size_t i = 0; i < APS_COUNTOF(all); i++) {
		if (all[i]->p != NULL) explicit_bzero(all[i]->p, all[i]->capacity); /* session tokens */
		aps_buf_clear(all[i]);
	}
	memset(out->signature, 0, sizeof out->signature);
	memset(out->added, 0, sizeof out->added);
	out->n_added = 0;
}

static void reset(struct aps_sigv4 *out)
{
	struct aps_buf *all[5];
	buffers(out, all);
	for (size_t i = 0; i < APS_COUNTOF(all); i++) aps_buf_reset(all[i]);
	out->signature[0] = '\0';
	out->n_added = 0;
}

/* --- what was given --- */

/* Parts of the credential scope and the Authorization header: nothing that would end them early. */
static enum aps_rc check_word(struct aps_str text, const char *name, struct aps_err *err)
{
	if (text.n == 0) return aps_fail(err, APS_E_USAGE, "%s: is missing", name);
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c <= ' ' || c >= 0x7f || c == '/' || c == ',')
			return aps_fail(err, APS_E_USAGE, "%s: contains a character that is not allowed", name);
	}
	return APS_OK;
}

static enum aps_rc check_secret(struct aps_str text, const char *name, struct aps_err *err)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] <= ' ' || (unsigned char)text.p[i] >= 0x7f)
			return aps_fail(err, APS_E_USAGE,
			                "%s: contains a space, a control character or one beyond ASCII", name);
	return APS_OK;
}

static enum aps_rc check_credentials(const struct aps_sigv4_options *options, struct aps_err *err)
{
	enum aps_rc rc = check_word(options->access_key_id, "access_key_id", err);
	if (rc == APS_OK && options->secret_access_key.n == 0)
		rc = aps_fail(err, APS_E_USAGE, "secret_access_key: is missing");
	if (rc == APS_OK) rc = check_secret(options->secret_access_key, "secret_access_key", err);
	if (rc == APS_OK) rc = check_secret(options->session_token, "session_token", err);
	if (rc != APS_OK && err != NULL) err->word = APS_SIGV4_BAD_CREDENTIALS;
	return rc;
}

static enum aps_rc check(struct job *job)
{
	const struct aps_sigv4_options *options = job->options;
	if (!aps_header_is_token(job->request->method))
		return aps_fail(job->err, APS_E_USAGE, "method: is missing or isn't an HTTP method");
	enum aps_rc rc = check_word(options->region, "region", job->err);
	if (rc == APS_OK) rc = check_word(options->service, "service", job->err);
	if (rc == APS_OK) rc = check_credentials(options, job->err);
	if (rc != APS_OK) return rc;
	if (options->in_query && (options->expires_s < 1 || options->expires_s > MAX_EXPIRES_S))
		return aps_fail(job->err, APS_E_USAGE, "expires: must be within 1 and %d seconds", MAX_EXPIRES_S);
	if (job->now_s < MIN_YEAR_0000_S || job->now_s > MAX_YEAR_9999_S)
		return aps_fail(job->err, APS_E_USAGE, "now: must be within the years 0000 and 9999");
	return APS_OK;
}

/* --- headers --- */

static enum aps_rc add_signed(struct job *job, struct aps_str name, struct aps_str value)
{
	if (aps_sigv4_headers_add(&job->headers, name, value)) return APS_OK;
	return aps_fail(job->err, APS_E_NOMEM, "no memory for the headers to sign");
}

/* RFC 9112 section 5.2: a line break belongs to a value only where white space follows it. */
static bool is_field_value(struct aps_str value)
{
	const char *end = value.p + value.n;
	for (const char *p = value.p; p < end; p++) {
		if (*p == '\r' && p + 1 < end && p[1] == '\n') p++;
		if (*p == '\n' && p + 1 < end && (p[1] == ' ' || p[1] == '\t')) continue;
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f) return false;
	}
	return true;
}

/* One header of the request. Those that signing would add are taken over when they are given: the date is the time of
 * signing then, the hash stands for the body. */
static enum aps_rc take_header(struct job *job, const struct aps_header *header)
{
	struct aps_str name = header->name;
	if (!aps_header_is_token(name)) return aps_fail(job->err, APS_E_USAGE, "headers: a name isn't an HTTP token");
	if (!is_field_value(header->value))
		return aps_fail(job->err, APS_E_USAGE,
		                "headers: the value of %.*s contains a line break that folds no line, or another "
		                "control character",
		                (int)(name.n < 100 ? name.n : 100), name.p);
	if (name.n == 4 && aps_str_eq_nocase(name, APS_STR("host"))) {
		job->has_host = true;
	} else if (name.n == 10 && aps_str_eq_nocase(name, APS_STR("x-amz-date"))) {
		if (!aps_time_parse_amz(aps_str_trim(header->value), &job->now_s))
			return aps_fail(job->err, APS_E_USAGE,
			                "headers: x-amz-date is not of the form 20150830T123600Z");
		return APS_OK; /* written anew, in the one place for both cases */
	} else if (name.n == 20 && aps_str_eq_nocase(name, APS_STR("x-amz-security-token"))) {
		job->has_token = true;
	} else if (name.n == 20 && aps_str_eq_nocase(name, APS_STR("x-amz-content-sha256"))) {
		job->has_hash = true;
		job->payload = aps_str_trim(header->value);
	} else if (aps_sigv4_is_unsigned(name)) {
		return APS_OK;
	}
	return add_signed(job, name, header->value);
}

static enum aps_rc hash_payload(struct job *job)
{
	const struct aps_sigv4_options *options = job->options;
	if (job->has_hash) return APS_OK;
	/* A presigned S3 URL is made before its body is known. */
	if (options->unsigned_payload || (options->in_query && aps_str_is(options->service, "s3"))) {
		job->payload = APS_STR(UNSIGNED);
		return APS_OK;
	}
	unsigned char digest[APS_SHA256_BYTES];
	if (!aps_sha256(job->request->body, digest)) return aps_fail(job->err, APS_E_CRYPTO, "SHA-256 failed");
	aps_hex(digest, sizeof digest, job->body_hex);
	job->payload = (struct aps_str){job->body_hex, 2 * APS_SHA256_BYTES};
	return APS_OK;
}

/* Copies into the scratch buffer, which has room for all of it and therefore doesn't move. */
static struct aps_header *add_header(struct aps_sigv4 *out, struct aps_str name, struct aps_str value)
{
	struct aps_str copy = {out->scratch.p + out->scratch.n, value.n};
	aps_buf_add_str(&out->scratch, value);
	struct aps_header *added = &out->added[out->n_added++];
	*added = (struct aps_header){name, copy};
	return added;
}

static enum aps_rc add_and_sign(struct job *job, struct aps_str name, struct aps_str value)
{
	const struct aps_header *added = add_header(job->out, name, value);
	return add_signed(job, added->name, added->value);
}

static enum aps_rc add_headers(struct job *job)
{
	const struct aps_sigv4_options *options = job->options;
	struct aps_sigv4 *out = job->out;
	size_t room = job->url.host.n + sizeof job->date + job->payload.n + options->session_token.n;
	if (aps_buf_reserve(&out->scratch, room) == NULL)
		return aps_fail(job->err, APS_E_NOMEM, "no memory for headers");
	enum aps_rc rc = APS_OK;
	if (!job->has_host) {
		if (job->url.host.n == 0)
			return aps_fail(job->err, APS_E_USAGE, "url: has no host, and there is no host header");
		char text[APS_SIGV4_HOST_CHARS];
		rc = add_and_sign(job, APS_STR("host"), aps_sigv4_host_header(job->url.host, text));
	}
	if (options->in_query || rc != APS_OK) return rc;
	rc = add_and_sign(job, APS_STR("x-amz-date"), (struct aps_str){job->date, APS_TIME_AMZ_CHARS});
	if (rc == APS_OK && options->session_token.n != 0 && !job->has_token) {
		struct aps_str name = APS_STR("x-amz-security-token");
		if (options->token_after_signing)
			add_header(out, name, options->session_token);
		else
			rc = add_and_sign(job, name, options->session_token);
	}
	if (rc == APS_OK && options->sign_body && !job->has_hash)
		rc = add_and_sign(job, APS_STR("x-amz-content-sha256"), job->payload);
	return rc;
}

/* --- the stages --- */

static void add_scope(struct aps_buf *out, const struct job *job)
{
	aps_buf_add(out, job->date, SHORT_DATE_CHARS);
	aps_buf_add_byte(out, '/');
	aps_buf_add_str(out, job->options->region);
	aps_buf_add_byte(out, '/');
	aps_buf_add_str(out, job->options->service);
	aps_buf_add(out, "/" TERMINATOR, sizeof TERMINATOR);
}

static void add_parameter(struct aps_buf *url, const char *name, struct aps_str value)
{
	char last = url->n != 0 ? url->p[url->n - 1] : '\0';
	if (last != '?' && last != '&') aps_buf_add_byte(url, '&');
	aps_buf_add_text(url, name);
	aps_buf_add_byte(url, '=');
	aps_percent_encode(url, value, APS_PERCENT_ALL);
}

/* The URL gets all that the signature covers; the signature itself comes last. */
static void build_query(struct job *job)
{
	const struct aps_sigv4_options *options = job->options;
	struct aps_buf *url = &job->out->url;
	struct aps_buf *value = &job->out->string_to_sign; /* not in use yet */
	if (memchr(job->url.whole.p, '?', job->url.whole.n) == NULL) {
		if (job->url.path.n == 0) aps_buf_add_byte(url, '/');
		aps_buf_add_byte(url, '?');
	}
	add_parameter(url, "X-Amz-Algorithm", APS_STR(ALGORITHM));
	aps_buf_add_str(value, options->access_key_id);
	aps_buf_add_byte(value, '/');
	add_scope(value, job);
	add_parameter(url, "X-Amz-Credential", aps_buf_str(value));
	add_parameter(url, "X-Amz-Date", (struct aps_str){job->date, APS_TIME_AMZ_CHARS});
	aps_buf_addf(url, "&X-Amz-Expires=%lld", (long long)options->expires_s);
	aps_buf_reset(value);
	aps_sigv4_add_signed_names(value, &job->headers);
	add_parameter(url, "X-Amz-SignedHeaders", aps_buf_str(value));
	if (options->session_token.n != 0 && !options->token_after_signing)
		add_parameter(url, "X-Amz-Security-Token", options->session_token);
}

static void add_upper(struct aps_buf *out, struct aps_str method)
{
	char *to = aps_buf_reserve(out, method.n);
	if (to == NULL) return;
	for (size_t i = 0; i < method.n; i++)
		to[i] = (char)(method.p[i] >= 'a' && method.p[i] <= 'z' ? method.p[i] - 'a' + 'A' : method.p[i]);
	out->n += method.n;
}

static enum aps_rc build_canonical_request(struct job *job)
{
	struct aps_sigv4 *out = job->out;
	struct aps_buf *to = &out->canonical_request;
	aps_sigv4_headers_sort(&job->headers);
	struct aps_str query = job->url.query;
	aps_buf_add_str(&out->url, job->url.whole);
	if (job->options->in_query) {
		build_query(job);
		struct aps_str whole = aps_buf_str(&out->url);
		const char *mark = whole.n != 0 ? memchr(whole.p, '?', whole.n) : NULL;
		if (mark != NULL) query = (struct aps_str){mark + 1, whole.n - (size_t)(mark + 1 - whole.p)};
	}
	add_upper(to, job->request->method);
	aps_buf_add_byte(to, '\n');
	aps_sigv4_add_path(to, job->url.path, job->options, &out->authorization);
	aps_buf_add_byte(to, '\n');
	/* The buffers of later stages serve as room for the query's. */
	enum aps_rc rc = aps_sigv4_add_query(to, query, &out->string_to_sign, &out->authorization, job->err);
	if (rc != APS_OK) return rc;
	aps_buf_add_byte(to, '\n');
	aps_sigv4_add_headers(to, &job->headers);
	aps_buf_add_byte(to, '\n');
	job->names_at = to->n;
	aps_sigv4_add_signed_names(to, &job->headers);
	job->n_names = to->n - job->names_at;
	aps_buf_add_byte(to, '\n');
	aps_buf_add_str(to, job->payload);
	return APS_OK;
}

static enum aps_rc build_string_to_sign(struct job *job)
{
	struct aps_buf *to = &job->out->string_to_sign;
	unsigned char digest[APS_SHA256_BYTES];
	char hex[2 * APS_SHA256_BYTES + 1];
	if (job->out->canonical_request.rc != APS_OK) return APS_OK; /* told at the end, for all buffers */
	if (!aps_sha256(aps_buf_str(&job->out->canonical_request), digest))
		return aps_fail(job->err, APS_E_CRYPTO, "SHA-256 failed");
	aps_hex(digest, sizeof digest, hex);
	aps_buf_reset(to);
	aps_buf_add(to, ALGORITHM "\n", sizeof ALGORITHM);
	aps_buf_add(to, job->date, APS_TIME_AMZ_CHARS);
	aps_buf_add_byte(to, '\n');
	job->scope_at = to->n;
	add_scope(to, job);
	job->n_scope = to->n - job->scope_at;
	aps_buf_add_byte(to, '\n');
	aps_buf_add(to, hex, 2 * APS_SHA256_BYTES);
	return APS_OK;
}

/* --- the signing key --- */

static bool chain(unsigned char key[APS_SHA256_BYTES], struct aps_str message)
{
	unsigned char next[APS_SHA256_BYTES];
	bool ok = aps_hmac_sha256((struct aps_str){(const char *)key, APS_SHA256_BYTES}, message, next);
	memcpy(key, next, sizeof next);
	explicit_bzero(next, sizeof next);
	return ok;
}

static enum aps_rc derive_key(const struct job *job, struct aps_buf *secret, struct aps_hmac_key *out)
{
	unsigned char key[APS_SHA256_BYTES];
	aps_buf_reset(secret);
	aps_buf_add(secret, "AWS4", 4);
	aps_buf_add_str(secret, job->options->secret_access_key);
	if (secret->rc != APS_OK) return aps_fail(job->err, secret->rc, "no memory for the signing key");
	bool ok = aps_hmac_sha256(aps_buf_str(secret), (struct aps_str){job->date, SHORT_DATE_CHARS}, key) &&
	          chain(key, job->options->region) && chain(key, job->options->service) &&
	          chain(key, APS_STR(TERMINATOR)) &&
	          aps_hmac_key_init(out, (struct aps_str){(const char *)key, sizeof key});
	explicit_bzero(key, sizeof key);
	return ok ? APS_OK : aps_fail(job->err, APS_E_CRYPTO, "HMAC-SHA256 failed");
}

/* The lengths keep "ab"+"c" and "a"+"bc" apart. */
static bool fingerprint(const struct job *job, struct aps_buf *text, unsigned char out[APS_SHA256_BYTES])
{
	const struct aps_sigv4_options *options = job->options;
	size_t lengths[2] = {options->region.n, options->service.n};
	aps_buf_reset(text);
	aps_buf_add(text, lengths, sizeof lengths);
	aps_buf_add(text, job->date, SHORT_DATE_CHARS);
	aps_buf_add_str(text, options->region);
	aps_buf_add_str(text, options->service);
	aps_buf_add_str(text, options->secret_access_key);
	return text->rc == APS_OK && aps_sha256(aps_buf_str(text), out);
}

static enum aps_rc cached_key(const struct job *job, struct aps_buf *text, struct aps_sigv4_cache *cache)
{
	unsigned char print[APS_SHA256_BYTES];
	if (!fingerprint(job, text, print))
		return aps_fail(job->err, text->rc != APS_OK ? text->rc : APS_E_CRYPTO,
		                "the signing key can't be looked up");
	if (cache->is_set && memcmp(cache->fingerprint, print, sizeof print) == 0) return APS_OK;
	enum aps_rc rc = derive_key(job, text, &cache->key);
	cache->is_set = rc == APS_OK;
	memcpy(cache->fingerprint, print, sizeof print);
	return rc;
}

static enum aps_rc sign_string(struct job *job, struct aps_sigv4_cache *cache)
{
	struct aps_sigv4_cache own;
	struct aps_buf *text = &job->out->authorization; /* not in use yet */
	unsigned char mac[APS_SHA256_BYTES];
	own.is_set = false;
	if (cache == NULL) cache = &own;
	enum aps_rc rc = cached_key(job, text, cache);
	if (text->p != NULL) explicit_bzero(text->p, text->capacity);
	aps_buf_reset(text);
	if (rc == APS_OK && !aps_hmac_key_sign(&cache->key, aps_buf_str(&job->out->string_to_sign), mac))
		rc = aps_fail(job->err, APS_E_CRYPTO, "HMAC-SHA256 failed");
	if (rc == APS_OK) aps_hex(mac, sizeof mac, job->out->signature);
	if (cache == &own) explicit_bzero(&own, sizeof own);
	return rc;
}

/* --- the result --- */

static void write_result(struct job *job)
{
	struct aps_sigv4 *out = job->out;
	struct aps_buf *to = &out->authorization;
	struct aps_str signature = {out->signature, 2 * APS_SHA256_BYTES};
	if (job->options->in_query) {
		add_parameter(&out->url, "X-Amz-Signature", signature);
		if (job->options->session_token.n != 0 && job->options->token_after_signing)
			add_parameter(&out->url, "X-Amz-Security-Token", job->options->session_token);
		return;
	}
	aps_buf_add(to, ALGORITHM " Credential=", sizeof ALGORITHM " Credential=" - 1);
	aps_buf_add_str(to, job->options->access_key_id);
	aps_buf_add_byte(to, '/');
	aps_buf_add(to, out->string_to_sign.p + job->scope_at, job->n_scope);
	aps_buf_add_str(to, APS_STR(", SignedHeaders="));
	aps_buf_add(to, out->canonical_request.p + job->names_at, job->n_names);
	aps_buf_add_str(to, APS_STR(", Signature="));
	aps_buf_add_str(to, signature);
	out->added[out->n_added++] = (struct aps_header){APS_STR("authorization"), aps_buf_str(to)};
}

static enum aps_rc check_buffers(struct job *job)
{
	struct aps_buf *all[5];
	buffers(job->out, all);
	for (size_t i = 0; i < APS_COUNTOF(all); i++)
		if (all[i]->rc != APS_OK) return aps_fail(job->err, all[i]->rc, "no memory to sign a request");
	return APS_OK;
}

static enum aps_rc run(struct job *job, struct aps_sigv4_cache *cache)
{
	const struct aps_sigv4_request *request = job->request;
	enum aps_rc rc = aps_sigv4_url_split(request->url, &job->url, job->err);
	if (rc == APS_OK && aps_str_control(request->url) != request->url.n)
		rc = aps_fail(job->err, APS_E_USAGE, "url: contains a control character");
	for (size_t i = 0; rc == APS_OK && i < request->n_headers; i++) rc = take_header(job, &request->headers[i]);
	if (rc == APS_OK) rc = check(job);
	if (rc != APS_OK) return rc;
	aps_time_format_amz(job->now_s, job->date);
	rc = hash_payload(job);
	if (rc == APS_OK) rc = add_headers(job);
	if (rc == APS_OK) rc = build_canonical_request(job);
	if (rc == APS_OK) rc = build_string_to_sign(job);
	if (rc == APS_OK) rc = check_buffers(job);
	if (rc == APS_OK) rc = sign_string(job, cache);
	if (rc != APS_OK) return rc;
	write_result(job);
	return check_buffers(job);
}

enum aps_rc aps_sigv4_sign(const struct aps_sigv4_request *request, const struct aps_sigv4_options *options,
                           struct aps_sigv4_cache *cache, struct aps_sigv4 *out, struct aps_err *err)
{
	struct aps_header stack[STACK_HEADERS];
	struct job job = {.request = request, .options = options, .out = out, .err = err, .now_s = options->now_s};
	reset(out);
	aps_sigv4_headers_init(&job.headers, stack, STACK_HEADERS);
	enum aps_rc rc = run(&job, cache);
	aps_sigv4_headers_clear(&job.headers);
	if (rc != APS_OK) reset(out);
	return rc;
}
