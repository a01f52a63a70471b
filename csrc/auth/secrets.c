#include "auth/secrets.h"

#include "codec/base64.h"
#include "codec/json_reader.h"
#include "codec/percent.h"

/* One record: this, then the value. */
struct head {
	size_t n;
	bool is_composite;
};

void aps_secrets_init(struct aps_secrets *secrets)
{
	aps_buf_init(&secrets->records, APS_BUF_ANY_SIZE);
	aps_map_init(&secrets->known, 0);
	secrets->least = APS_SECRET_MIN_BYTES;
}

void aps_secrets_clear(struct aps_secrets *secrets)
{
	aps_buf_clear(&secrets->records);
	aps_map_clear(&secrets->known);
}

bool aps_secrets_next(const struct aps_secrets *secrets, size_t *cursor, struct aps_secret *out)
{
	struct head head;
	if (*cursor >= secrets->records.n) return false;
	memcpy(&head, secrets->records.p + *cursor, sizeof head);
	out->value = (struct aps_str){secrets->records.p + *cursor + sizeof head, head.n};
	out->is_composite = head.is_composite;
	*cursor += sizeof head + head.n;
	return true;
}

/* A hash that two values share only keeps one of them twice. */
static bool is_kept(struct aps_secrets *secrets, struct aps_str value)
{
	uint64_t hash = aps_str_hash(value, 0);
	const struct aps_str key = {(const char *)&hash, sizeof hash};
	const char *place = aps_map_get(&secrets->known, key);
	size_t cursor = place != NULL ? (size_t)(uintptr_t)place - 1 : 0;
	struct aps_secret known;
	if (place != NULL && aps_secrets_next(secrets, &cursor, &known)) return aps_str_eq(known.value, value);
	if (!aps_map_set(&secrets->known, key, (void *)(uintptr_t)(secrets->records.n + 1)))
		secrets->records.rc = APS_E_NOMEM;
	return false;
}

static void add(struct aps_secrets *secrets, struct aps_str value, bool is_composite)
{
	value = aps_str_trim(value);
	if (value.n < secrets->least || is_kept(secrets, value)) return;
	struct head head;
	memset(&head, 0, sizeof head);
	head.n = value.n;
	head.is_composite = is_composite;
	if (aps_buf_reserve(&secrets->records, sizeof head + value.n) == NULL) return;
	aps_buf_add(&secrets->records, &head, sizeof head);
	aps_buf_add_str(&secrets->records, value);
}

static struct aps_str after(struct aps_str text, const char *at)
{
	return (struct aps_str){at + 1, (size_t)(text.p + text.n - at) - 1};
}

static void add_user(struct aps_secrets *secrets, struct aps_str user)
{
	const char *colon = user.n != 0 ? memchr(user.p, ':', user.n) : NULL;
	add(secrets, user, true);
	if (colon != NULL) add(secrets, after(user, colon), false);
}

/* RFC 7617: what Basic credentials decode to. */
static void add_basic(struct aps_secrets *secrets, struct aps_str encoded)
{
	struct aps_buf user;
	aps_buf_init(&user, encoded.n);
	if (aps_base64_decode(&user, encoded, APS_BASE64, NULL) == APS_OK) add_user(secrets, aps_buf_str(&user));
	aps_buf_clear(&user);
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void add_signature(struct aps_secrets *secrets, struct aps_str value)
{
	static const char NAME[] = "Signature=";
	const char *at = aps_str_find(value, NAME);
	if (at == NULL) return;
	struct aps_str signature = {at + sizeof NAME - 1, 0};
	while (signature.p + signature.n < value.p + value.n && is_hex(signature.p[signature.n])) signature.n++;
	add(secrets, signature, false);
}

/* As it stands, without quotes, and as percent-encoding has it. */
static void add_value(struct aps_secrets *secrets, struct aps_str value)
{
	value = aps_str_trim(value);
	if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
		value = (struct aps_str){value.p + 1, value.n - 2};
	add(secrets, value, false);
	if (value.n == 0 || memchr(value.p, '%', value.n) == NULL) return;
	struct aps_buf decoded;
	aps_buf_init(&decoded, value.n);
	aps_percent_decode(&decoded, value);
	add(secrets, aps_buf_str(&decoded), false);
	if (decoded.rc != APS_OK) secrets->records.rc = decoded.rc;
	aps_buf_clear(&decoded);
}

/* RFC 7616 section 3.4: what the password has gone into. */
static void add_digest(struct aps_secrets *secrets, struct aps_str rest)
{
	static const char NAME[] = "response=";
	const char *at = aps_str_find(rest, NAME);
	if (at == NULL) return;
	struct aps_str value = {at + sizeof NAME - 1, 0};
	while (value.p + value.n < rest.p + rest.n && value.p[value.n] != ',') value.n++;
	add_value(secrets, value);
}

/* "Scheme credentials" (RFC 9110 section 11.4), or the credentials alone. */
static void add_credentials(struct aps_secrets *secrets, struct aps_str value)
{
	value = aps_str_trim(value);
	const char *space = value.n != 0 ? memchr(value.p, ' ', value.n) : NULL;
	add(secrets, value, space != NULL);
	if (space == NULL) return;
	struct aps_str scheme = {value.p, (size_t)(space - value.p)};
	struct aps_str rest = aps_str_trim(after(value, space));
	add(secrets, rest, aps_str_find(rest, "=") != NULL && aps_str_find(rest, " ") != NULL);
	if (aps_str_eq_nocase(scheme, APS_STR("basic"))) add_basic(secrets, rest);
	if (aps_str_eq_nocase(scheme, APS_STR("digest"))) add_digest(secrets, rest);
	add_signature(secrets, rest);
}

/* RFC 6265 section 4.2.1: pairs of name and value. */
static void add_cookies(struct aps_secrets *secrets, struct aps_str value)
{
	add(secrets, value, true);
	while (value.n != 0) {
		const char *end = memchr(value.p, ';', value.n);
		struct aps_str pair = {value.p, end != NULL ? (size_t)(end - value.p) : value.n};
		const char *equals = memchr(pair.p, '=', pair.n);
		add_value(secrets, equals != NULL ? after(pair, equals) : pair);
		value = end != NULL ? after(value, end) : (struct aps_str){value.p, 0};
	}
}

static bool is_secret_name(struct aps_str name)
{
	static const char *const WORDS[] = {"auth", "token",   "secret",     "key", "pass",  "pwd",
	                                    "sign", "session", "credential", "jwt", "bearer"};
	for (size_t i = 0; i < APS_COUNTOF(WORDS); i++)
		if (aps_str_contains_nocase(name, aps_str_of(WORDS[i]))) return true;
	return false;
}

/* The name alone says that the value authenticates. */
static bool is_credential_name(struct aps_str name)
{
	static const char *const NAMES[] = {"authorization", "proxy-authorization", "cookie", "x-api-key",
	                                    "x-amz-security-token"};
	for (size_t i = 0; i < APS_COUNTOF(NAMES); i++)
		if (aps_str_eq_nocase(name, aps_str_of(NAMES[i]))) return true;
	return false;
}

void aps_secrets_add_header(struct aps_secrets *secrets, struct aps_str name, struct aps_str value)
{
	secrets->least = is_credential_name(name) ? APS_SECRET_SHORT_BYTES : APS_SECRET_MIN_BYTES;
	if (aps_str_contains_nocase(name, APS_STR("cookie")))
		add_cookies(secrets, value);
	else if (is_secret_name(name))
		add_credentials(secrets, value);
}

void aps_secrets_add_headers(struct aps_secrets *secrets, const struct aps_header *headers, size_t n_headers)
{
	for (size_t i = 0; i < n_headers; i++) aps_secrets_add_header(secrets, headers[i].name, headers[i].value);
}

void aps_secrets_add_material(struct aps_secrets *secrets, const struct aps_auth_material *material)
{
	secrets->least = APS_SECRET_SHORT_BYTES;
	if (material->secret != NULL) add_credentials(secrets, aps_str_of(material->secret));
	add(secrets, aps_str_of(material->credentials.secret_access_key), false);
	add(secrets, aps_str_of(material->credentials.session_token), false);
}

void aps_secrets_add_object(struct aps_secrets *secrets, struct aps_str json)
{
	struct aps_json_reader r;
	struct aps_arena decoded;
	aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
	aps_json_reader_init(&r, json, 0);
	if (aps_json_next(&r) != APS_JSON_OBJECT) return;
	while (aps_json_next(&r) == APS_JSON_KEY) {
		struct aps_str name = aps_json_unescape(&r, &decoded);
		enum aps_json_token token = aps_json_next(&r);
		if (token == APS_JSON_OBJECT || token == APS_JSON_ARRAY) aps_json_skip_rest(&r);
		struct aps_str value = {NULL, 0};
		if (token == APS_JSON_STRING) value = aps_json_unescape(&r, &decoded);
		bool is_short = name.p == NULL || (token == APS_JSON_STRING && value.p == NULL);
		if (is_short) secrets->records.rc = APS_E_NOMEM;
		if (!is_short && token == APS_JSON_STRING) aps_secrets_add_header(secrets, name, value);
	}
	aps_arena_clear(&decoded);
}

/* RFC 3986 section 3.1; a proxy may come without one. */
static const char *after_scheme(struct aps_str url)
{
	static const char CHARACTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-.";
	const char *end = url.p + strspn(url.p, CHARACTERS);
	return strncmp(end, "://", 3) == 0 ? end + 3 : url.p;
}

/* Parameters whose names say that they are secrets. */
static void add_query(struct aps_secrets *secrets, const char *url)
{
	const char *p = strchr(url, '?');
	while (p != NULL && *p != '\0' && *p != '#') {
		p++;
		size_t n = strcspn(p, "&#"), n_name = strcspn(p, "=&#");
		if (n_name < n && is_secret_name((struct aps_str){p, n_name}))
			add_value(secrets, (struct aps_str){p + n_name + 1, n - n_name - 1});
		p += n;
	}
}

void aps_secrets_add_url(struct aps_secrets *secrets, const char *url)
{
	struct aps_str text = aps_str_of(url);
	secrets->least = APS_SECRET_MIN_BYTES;
	if (text.n == 0) return;
	const char *start = after_scheme(text);
	const char *at = NULL;
	for (const char *p = start; *p != '\0' && *p != '/' && *p != '?' && *p != '#'; p++)
		if (*p == '@') at = p;
	add_query(secrets, start);
	if (at == NULL) return;
	struct aps_str user = {start, (size_t)(at - start)};
	struct aps_buf decoded;
	aps_buf_init(&decoded, user.n);
	aps_percent_decode(&decoded, user);
	add_user(secrets, user);
	add_user(secrets, aps_buf_str(&decoded));
	if (decoded.rc != APS_OK) secrets->records.rc = decoded.rc;
	aps_buf_clear(&decoded);
}

void aps_secrets_add_all(struct aps_secrets *secrets, const struct aps_secrets *others)
{
	struct aps_secret other;
	secrets->least = APS_SECRET_SHORT_BYTES;
	for (size_t cursor = 0; aps_secrets_next(others, &cursor, &other);)
		add(secrets, other.value, other.is_composite);
	if (others->records.rc != APS_OK) secrets->records.rc = others->records.rc;
}
