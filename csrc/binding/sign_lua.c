/* Tables are read raw: no metamethod runs, so nothing here calls Lua. */
#include "binding/sign_lua.h"

#include "auth/jwt.h"
#include "auth/sigv4.h"
#include "base/mem.h"
#include "binding/err_lua.h"
#include "binding/value.h"
#include "codec/base64.h"

#define SIGNER_METATABLE "appsync.core.signer"
#define MAX_BYTES        ((size_t)1 << 30)

/* The field names, kept as upvalues so that their strings are made once. X(name, text) */
#define KEY_MAP(X)                                                                                                     \
	X(METHOD, "method")                                                                                            \
	X(URL, "url")                                                                                                  \
	X(HEADERS, "headers")                                                                                          \
	X(BODY, "body")                                                                                                \
	X(SERVICE, "service")                                                                                          \
	X(REGION, "region")                                                                                            \
	X(NOW, "now")                                                                                                  \
	X(CREDENTIALS, "credentials")                                                                                  \
	X(ACCESS_KEY_ID, "access_key_id")                                                                              \
	X(SECRET_ACCESS_KEY, "secret_access_key")                                                                      \
	X(SESSION_TOKEN, "session_token")                                                                              \
	X(QUERY, "query")                                                                                              \
	X(EXPIRES, "expires")                                                                                          \
	X(UNSIGNED_PAYLOAD, "unsigned_payload")                                                                        \
	X(NORMALIZE_PATH, "normalize_path")                                                                            \
	X(SIGN_BODY, "sign_body")                                                                                      \
	X(SIGN_SECURITY_TOKEN, "sign_security_token")                                                                  \
	X(SIGNATURE, "signature")                                                                                      \
	X(CANONICAL_REQUEST, "canonical_request")                                                                      \
	X(STRING_TO_SIGN, "string_to_sign")

enum key {
	KEY_SIGNER, /* upvalue 1 is no name: the signer */
#define KEY_ENUM(name, text) KEY_##name,
	KEY_MAP(KEY_ENUM)
#undef KEY_ENUM
	        KEY_COUNT
};

/* One per Lua state; its buffers are used again, so signing allocates nothing in C once it is warm. */
struct signer {
	struct aps_sigv4 out;
	struct aps_sigv4_cache cache;
	struct aps_header *headers;
	size_t n_headers;
	size_t capacity;
	struct aps_err err;
	bool is_list; /* the headers were given as a list of {name, value} */
};

/* The userdata holds a pointer only: the saved HMAC states need an alignment that the blocks of PUC 5.1 and 5.3 don't
 * have. */
static int Apl_signer_gc(lua_State *L)
{
	struct signer **place = lua_touserdata(L, 1);
	struct signer *signer = *place;
	if (signer == NULL) return 0;
	*place = NULL;
	aps_sigv4_clear(&signer->out);
	aps_free(signer->headers);
	explicit_bzero(signer, sizeof *signer);
	aps_free(signer);
	return 0;
}

static void push_field(lua_State *L, int table, enum key key)
{
	lua_pushvalue(L, lua_upvalueindex((int)key + 1));
	lua_rawget(L, table);
}

static void set_field(lua_State *L, int table, enum key key, struct aps_str text)
{
	lua_pushvalue(L, lua_upvalueindex((int)key + 1));
	lua_pushlstring(L, text.p != NULL ? text.p : "", text.n);
	lua_rawset(L, table);
}

static const char *key_text(enum key key)
{
	static const char *const TEXTS[KEY_COUNT] = {NULL,
#define KEY_TEXT(name, text) text,
	                                             KEY_MAP(KEY_TEXT)
#undef KEY_TEXT
	};
	return TEXTS[key];
}

/* The table keeps the string alive. */
static bool read_string(lua_State *L, int table, enum key key, struct aps_str *out, struct aps_err *err)
{
	push_field(L, table, key);
	int type = lua_type(L, -1);
	if (type == LUA_TSTRING)
		out->p = lua_tolstring(L, -1, &out->n);
	else if (type != LUA_TNIL)
		aps_fail(err, APS_E_USAGE, "%s: must be a string", key_text(key));
	lua_pop(L, 1);
	return type == LUA_TSTRING || type == LUA_TNIL;
}

static bool read_integer(lua_State *L, int table, enum key key, int64_t *out, struct aps_err *err)
{
	push_field(L, table, key);
	int type = lua_type(L, -1);
	double number = type == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
	lua_pop(L, 1);
	if (type == LUA_TNIL) return true;
	if (type != LUA_TNUMBER || !(number > -1e15 && number < 1e15)) {
		aps_fail(err, APS_E_USAGE, "%s: must be a number of seconds", key_text(key));
		return false;
	}
	int64_t whole = (int64_t)number;
	*out = number < (double)whole ? whole - 1 : whole;
	return true;
}

static void read_flag(lua_State *L, int table, enum key key, bool *out)
{
	push_field(L, table, key);
	if (!lua_isnil(L, -1)) *out = lua_toboolean(L, -1) != 0;
	lua_pop(L, 1);
}

/* --- headers in --- */

static bool add_header(struct signer *signer, struct aps_header header)
{
	if (signer->n_headers == signer->capacity) {
		size_t capacity = signer->capacity == 0 ? 16 : signer->capacity * 2;
		struct aps_header *grown = aps_realloc(signer->headers, capacity * sizeof *grown);
		if (grown == NULL) {
			aps_fail(&signer->err, APS_E_NOMEM, "no memory for the headers to sign");
			return false;
		}
		signer->headers = grown;
		signer->capacity = capacity;
	}
	signer->headers[signer->n_headers++] = header;
	return true;
}

static bool refuse_header(struct signer *signer)
{
	aps_fail(&signer->err, APS_E_USAGE,
	         "headers: must be a table of strings by name, or a list of {name, value} pairs of strings");
	return false;
}

/* Name and value are at the top; the table that they were read from keeps them alive. */
static bool take_pair(lua_State *L, struct signer *signer)
{
	struct aps_header header;
	if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING) return refuse_header(signer);
	header.name.p = lua_tolstring(L, -2, &header.name.n);
	header.value.p = lua_tolstring(L, -1, &header.value.n);
	return add_header(signer, header);
}

static bool read_list(lua_State *L, int table, struct signer *signer)
{
	size_t n = lua_rawlen(L, table);
	for (size_t i = 1; i <= n; i++) {
		lua_rawgeti(L, table, (int)i);
		if (!lua_istable(L, -1)) return refuse_header(signer);
		lua_rawgeti(L, -1, 1);
		lua_rawgeti(L, -2, 2);
		if (!take_pair(L, signer)) return false;
		lua_pop(L, 3);
	}
	return true;
}

static bool read_map(lua_State *L, int table, struct signer *signer)
{
	lua_pushnil(L);
	while (lua_next(L, table) != 0) {
		if (!take_pair(L, signer)) return false;
		lua_pop(L, 1);
	}
	return true;
}

static bool read_headers(lua_State *L, int request, struct signer *signer)
{
	signer->n_headers = 0;
	signer->is_list = false;
	push_field(L, request, KEY_HEADERS);
	if (lua_isnil(L, -1)) return true;
	if (!lua_istable(L, -1)) return refuse_header(signer);
	int table = lua_gettop(L);
	lua_rawgeti(L, table, 1);
	signer->is_list = !lua_isnil(L, -1);
	lua_pop(L, 1);
	return signer->is_list ? read_list(L, table, signer) : read_map(L, table, signer);
}

/* --- options in --- */

static bool read_credentials(lua_State *L, int options, struct aps_sigv4_options *out, struct aps_err *err)
{
	push_field(L, options, KEY_CREDENTIALS);
	if (!lua_istable(L, -1)) {
		aps_fail(err, APS_E_USAGE,
		         "credentials: must be a table of access_key_id, secret_access_key and session_token");
		return false;
	}
	int table = lua_gettop(L);
	bool is_read = read_string(L, table, KEY_ACCESS_KEY_ID, &out->access_key_id, err) &&
	               read_string(L, table, KEY_SECRET_ACCESS_KEY, &out->secret_access_key, err) &&
	               read_string(L, table, KEY_SESSION_TOKEN, &out->session_token, err);
	if (!is_read) err->word = APS_SIGV4_BAD_CREDENTIALS;
	lua_pop(L, 1); /* the options keep it */
	return is_read;
}

static bool read_options(lua_State *L, int options, struct aps_sigv4_options *out, struct aps_err *err)
{
	struct aps_str service = {"", 0};
	bool signs_token = true;
	if (!read_string(L, options, KEY_SERVICE, &service, err)) return false;
	aps_sigv4_options_init(out, service);
	push_field(L, options, KEY_NOW);
	bool has_now = !lua_isnil(L, -1);
	lua_pop(L, 1);
	if (!has_now) {
		aps_fail(err, APS_E_USAGE, "now: must be a number of seconds");
		return false;
	}
	if (!read_string(L, options, KEY_REGION, &out->region, err) ||
	    !read_integer(L, options, KEY_NOW, &out->now_s, err) ||
	    !read_integer(L, options, KEY_EXPIRES, &out->expires_s, err) || !read_credentials(L, options, out, err))
		return false;
	read_flag(L, options, KEY_QUERY, &out->in_query);
	read_flag(L, options, KEY_UNSIGNED_PAYLOAD, &out->unsigned_payload);
	read_flag(L, options, KEY_NORMALIZE_PATH, &out->normalize_path);
	read_flag(L, options, KEY_SIGN_BODY, &out->sign_body);
	read_flag(L, options, KEY_SIGN_SECURITY_TOKEN, &signs_token);
	out->token_after_signing = !signs_token;
	return true;
}

/* --- the result --- */

/* What signing writes anew. A given Authorization is replaced unless the signature goes into the URL. */
static bool is_replaced(const struct signer *signer, struct aps_str name)
{
	for (size_t i = 0; i < signer->out.n_added; i++)
		if (aps_str_eq_nocase(signer->out.added[i].name, name)) return true;
	return false;
}

static void put_header(lua_State *L, bool is_list, int *n, struct aps_header header)
{
	if (!is_list) {
		lua_pushlstring(L, header.name.p, header.name.n);
		lua_pushlstring(L, header.value.p, header.value.n);
		lua_rawset(L, -3);
		return;
	}
	lua_createtable(L, 2, 0);
	lua_pushlstring(L, header.name.p, header.name.n);
	lua_rawseti(L, -2, 1);
	lua_pushlstring(L, header.value.p, header.value.n);
	lua_rawseti(L, -2, 2);
	lua_rawseti(L, -2, ++*n);
}

static void push_headers(lua_State *L, const struct signer *signer)
{
	int n_room = (int)(signer->n_headers + signer->out.n_added);
	int n = 0;
	lua_createtable(L, signer->is_list ? n_room : 0, signer->is_list ? 0 : n_room);
	for (size_t i = 0; i < signer->n_headers; i++)
		if (!is_replaced(signer, signer->headers[i].name))
			put_header(L, signer->is_list, &n, signer->headers[i]);
	for (size_t i = 0; i < signer->out.n_added; i++) put_header(L, signer->is_list, &n, signer->out.added[i]);
}

static int push_result(lua_State *L, const struct signer *signer)
{
	lua_createtable(L, 0, 5);
	int result = lua_gettop(L);
	lua_pushvalue(L, lua_upvalueindex(KEY_HEADERS + 1));
	push_headers(L, signer);
	lua_rawset(L, result);
	set_field(L, result, KEY_URL, aps_buf_str(&signer->out.url));
	set_field(L, result, KEY_SIGNATURE, aps_str_of(signer->out.signature));
	set_field(L, result, KEY_CANONICAL_REQUEST, aps_buf_str(&signer->out.canonical_request));
	set_field(L, result, KEY_STRING_TO_SIGN, aps_buf_str(&signer->out.string_to_sign));
	return 1;
}

static int Apl_sign(lua_State *L)
{
	struct signer *signer = *(struct signer **)lua_touserdata(L, lua_upvalueindex(KEY_SIGNER + 1));
	struct aps_sigv4_request request = {.method = {"GET", 3}, .url = {"", 0}, .body = {"", 0}};
	struct aps_sigv4_options options;
	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_checktype(L, 2, LUA_TTABLE);
	if (signer == NULL) return luaL_error(L, "the Lua state is closing");
	lua_settop(L, 2);
	bool is_read = read_string(L, 1, KEY_METHOD, &request.method, &signer->err) &&
	               read_string(L, 1, KEY_URL, &request.url, &signer->err) &&
	               read_string(L, 1, KEY_BODY, &request.body, &signer->err) && read_headers(L, 1, signer) &&
	               read_options(L, 2, &options, &signer->err);
	if (!is_read) return apl_fail(L, &signer->err);
	request.headers = signer->headers;
	request.n_headers = signer->n_headers;
	if (aps_sigv4_sign(&request, &options, &signer->cache, &signer->out, &signer->err) != APS_OK)
		return apl_fail(L, &signer->err);
	return push_result(L, signer);
}

/* --- tokens and digests --- */

static struct aps_str check_bytes(lua_State *L, int index)
{
	struct aps_str bytes;
	luaL_checktype(L, index, LUA_TSTRING);
	bytes.p = lua_tolstring(L, index, &bytes.n);
	return bytes;
}

static int Apl_jwt(lua_State *L)
{
	struct aps_err err;
	struct aps_str token = check_bytes(L, 1);
	struct aps_buf *json = apl_push_buffer(L, MAX_BYTES);
	enum aps_rc rc = aps_jwt_claims(token, json, &err);
	if (rc == APS_OK) rc = apl_value_push(L, aps_buf_str(json), APL_BIG_ROUNDED, APS_JSON_LENIENT, &err);
	return rc == APS_OK ? 1 : apl_fail(L, &err);
}

static enum aps_base64_form check_form(lua_State *L, int index)
{
	if (lua_isnoneornil(L, index)) return APS_BASE64;
	if (!aps_str_is(check_bytes(L, index), "url")) luaL_argerror(L, index, "\"url\" or nil expected");
	return APS_BASE64_URL;
}

static int push_bytes(lua_State *L, const struct aps_buf *bytes)
{
	if (bytes->rc != APS_OK) return luaL_error(L, "not enough memory");
	lua_pushlstring(L, bytes->n != 0 ? bytes->p : "", bytes->n);
	return 1;
}

static int Apl_base64(lua_State *L)
{
	struct aps_str bytes = check_bytes(L, 1);
	enum aps_base64_form form = check_form(L, 2);
	struct aps_buf *text = apl_push_buffer(L, MAX_BYTES);
	aps_base64_encode(text, bytes, form);
	return push_bytes(L, text);
}

static int Apl_unbase64(lua_State *L)
{
	struct aps_err err;
	struct aps_str text = check_bytes(L, 1);
	enum aps_base64_form form = check_form(L, 2);
	struct aps_buf *bytes = apl_push_buffer(L, MAX_BYTES);
	if (aps_base64_decode(bytes, text, form, &err) != APS_OK) return apl_fail(L, &err);
	return push_bytes(L, bytes);
}

static int Apl_sha256(lua_State *L)
{
	unsigned char digest[APS_SHA256_BYTES];
	char hex[2 * APS_SHA256_BYTES + 1];
	if (!aps_sha256(check_bytes(L, 1), digest)) return luaL_error(L, "SHA-256 failed");
	aps_hex(digest, sizeof digest, hex);
	lua_pushlstring(L, hex, 2 * sizeof digest);
	return 1;
}

static int Apl_hmac_sha256(lua_State *L)
{
	unsigned char mac[APS_SHA256_BYTES];
	if (!aps_hmac_sha256(check_bytes(L, 1), check_bytes(L, 2), mac)) return luaL_error(L, "HMAC-SHA256 failed");
	lua_pushlstring(L, (const char *)mac, sizeof mac);
	return 1;
}

static void push_signer(lua_State *L)
{
	struct signer **place = apl_newuserdata(L, sizeof(struct signer *));
	*place = NULL;
	if (luaL_newmetatable(L, SIGNER_METATABLE)) {
		lua_pushcfunction(L, Apl_signer_gc);
		lua_setfield(L, -2, "__gc");
	}
	lua_setmetatable(L, -2);
	*place = aps_calloc(1, sizeof **place);
	if (*place == NULL) luaL_error(L, "not enough memory");
	aps_sigv4_init(&(*place)->out);
}

void apl_sign_register(lua_State *L)
{
	static const luaL_Reg FUNCTIONS[] = {
	        {"jwt", Apl_jwt},       {"base64", Apl_base64},           {"unbase64", Apl_unbase64},
	        {"sha256", Apl_sha256}, {"hmac_sha256", Apl_hmac_sha256}, {NULL, NULL}};
	apl_register(L, FUNCTIONS);
	luaL_checkstack(L, KEY_COUNT + 4, NULL);
	push_signer(L);
	for (int key = KEY_SIGNER + 1; key < KEY_COUNT; key++) lua_pushstring(L, key_text((enum key)key));
	lua_pushcclosure(L, Apl_sign, KEY_COUNT);
	lua_setfield(L, -2, "sign");
}
