#include "gql/lexer.h"

#include <stdarg.h>
#include <stdio.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool aps_gql_is_name(struct aps_str text)
{
	if (text.n == 0 || !is_name_start(text.p[0])) return false;
	for (size_t i = 1; i < text.n; i++)
		if (!is_name_start(text.p[i]) && !is_digit(text.p[i])) return false;
	return true;
}

/* Line terminators are LF, CR and CR LF. `to` never stands between CR and LF. */
static void advance_place(struct aps_gql_place *place, const char *from, const char *to)
{
	for (const char *p = from; p < to; p++) {
		if (*p == '\n' || *p == '\r') {
			if (*p == '\r' && p + 1 < to && p[1] == '\n') p++;
			place->line++;
			place->column = 1;
		} else if (((unsigned char)*p & 0xc0) != 0x80) {
			place->column++;
		}
	}
}

struct aps_gql_place aps_gql_place_of(struct aps_str text, size_t offset)
{
	struct aps_gql_place place = {1, 1};
	if (text.n != 0) advance_place(&place, text.p, text.p + (offset < text.n ? offset : text.n));
	return place;
}

void aps_gql_lexer_init(struct aps_gql_lexer *lexer, struct aps_str text)
{
	static const char NOTHING[1];
	const char *start = text.p != NULL ? text.p : NOTHING;
	*lexer = (struct aps_gql_lexer){
	        .start = start, .at = start, .end = start + text.n, .mark = start, .place = {1, 1}};
}

enum aps_rc aps_gql_lexer_fail(struct aps_gql_lexer *lexer, struct aps_gql_place place, const char *format, ...)
{
	char message[160];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	lexer->err_place = place;
	return aps_fail(&lexer->err, APS_E_SYNTAX, "Syntax error: %s (line %u, column %u)", message, place.line,
	                place.column);
}

static enum aps_rc fail_at(struct aps_gql_lexer *lexer, const char *at, const char *message)
{
	struct aps_str text = {lexer->start, (size_t)(lexer->end - lexer->start)};
	return aps_gql_lexer_fail(lexer, aps_gql_place_of(text, (size_t)(at - lexer->start)), "%s", message);
}

/* `what` stands before the character: printable ones are quoted, the others are given by number. */
static enum aps_rc fail_character(struct aps_gql_lexer *lexer, const char *at, const char *what)
{
	if (at >= lexer->end) {
		char message[128];
		snprintf(message, sizeof message, "%s end of text", what);
		return fail_at(lexer, at, message);
	}
	unsigned char first = (unsigned char)*at;
	size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	char message[128];
	if (first < 0x20 || first == 0x7f)
		snprintf(message, sizeof message, "%s character U+%04X", what, first);
	else
		snprintf(message, sizeof message, "%s character \"%.*s\"", what, (int)n, at);
	return fail_at(lexer, at, message);
}

static bool is_at(const struct aps_gql_lexer *lexer, const char *at, const char *literal, size_t n)
{
	return (size_t)(lexer->end - at) >= n && memcmp(at, literal, n) == 0;
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

/* Section 2.1.7: BOM, white space, line terminators, comments, commas. */
static void skip_ignored(struct aps_gql_lexer *lexer)
{
	const char *p = lexer->at;
	while (p < lexer->end) {
		if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r' || *p == ',') {
			p++;
		} else if (*p == '#') {
			while (p < lexer->end && *p != '\n' && *p != '\r' && !is_control(*p)) p++;
		} else if (is_at(lexer, p, "\xef\xbb\xbf", 3)) {
			p += 3;
		} else {
			break;
		}
	}
	lexer->at = p;
	advance_place(&lexer->place, lexer->mark, p);
	lexer->mark = p;
}

static const char *skip_digits(const struct aps_gql_lexer *lexer, const char *p)
{
	while (p < lexer->end && is_digit(*p)) p++;
	return p;
}

/* Sections 2.9.1 and 2.9.2, with their look-ahead restrictions: no digit, '.' or name start may follow. */
static enum aps_rc read_number(struct aps_gql_lexer *lexer, struct aps_gql_token *token)
{
	const char *start = lexer->at, *p = start;
	token->kind = APS_GQL_TOKEN_INT;
	if (*p == '-') p++;
	if (p >= lexer->end || !is_digit(*p))
		return fail_character(lexer, p, "invalid number, expected a digit, found");
	if (*p == '0') {
		p++;
		if (p < lexer->end && is_digit(*p))
			return fail_character(lexer, p, "invalid number, expected no digit after 0, found");
	} else {
		p = skip_digits(lexer, p);
	}
	if (p < lexer->end && *p == '.') {
		token->kind = APS_GQL_TOKEN_FLOAT;
		const char *digits = ++p;
		p = skip_digits(lexer, p);
		if (p == digits) return fail_character(lexer, p, "invalid number, expected a digit, found");
	}
	if (p < lexer->end && (*p == 'e' || *p == 'E')) {
		token->kind = APS_GQL_TOKEN_FLOAT;
		p++;
		if (p < lexer->end && (*p == '+' || *p == '-')) p++;
		const char *digits = p;
		p = skip_digits(lexer, p);
		if (p == digits) return fail_character(lexer, p, "invalid number, expected a digit, found");
	}
	if (p < lexer->end && (*p == '.' || is_name_start(*p)))
		return fail_character(lexer, p, "invalid number, expected its end, found");
	token->text = (struct aps_str){start, (size_t)(p - start)};
	lexer->at = p;
	return APS_OK;
}

/* The UTF-16 unit of the four hexadecimal digits at p, or -1. */
static long read_unit(const struct aps_gql_lexer *lexer, const char *p)
{
	if (lexer->end - p < 4) return -1;
	long unit = 0;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int digit = is_digit(c)              ? c - '0'
		            : (c >= 'a' && c <= 'f') ? c - 'a' + 10
		            : (c >= 'A' && c <= 'F') ? c - 'A' + 10
		                                     : -1;
		if (digit < 0) return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/* *p stands on a backslash; moves behind the escape. A surrogate must be half of a pair of escapes. */
static enum aps_rc check_escape(struct aps_gql_lexer *lexer, const char **p)
{
	const char *at = *p;
	if (at + 1 >= lexer->end)
		return fail_at(lexer, lexer->end, "unterminated string, expected '\"', found end of text");
	if (at[1] != 'u') {
		if (at[1] == '\0' || strchr("\"\\/bfnrt", at[1]) == NULL)
			return fail_character(lexer, at + 1, "invalid escape, expected one of \"\\/bfnrtu, found");
		*p = at + 2;
		return APS_OK;
	}
	long unit = read_unit(lexer, at + 2);
	if (unit < 0) return fail_at(lexer, at, "invalid escape, expected four hexadecimal digits after \\u");
	if (unit >= 0xdc00 && unit <= 0xdfff) return fail_at(lexer, at, "invalid escape, a low surrogate stands alone");
	*p = at + 6;
	if (unit < 0xd800 || unit > 0xdbff) return APS_OK;
	long low = is_at(lexer, at + 6, "\\u", 2) ? read_unit(lexer, at + 8) : -1;
	if (low < 0xdc00 || low > 0xdfff) return fail_at(lexer, at, "invalid escape, a high surrogate stands alone");
	*p = at + 12;
	return APS_OK;
}

static enum aps_rc read_string(struct aps_gql_lexer *lexer, struct aps_gql_token *token)
{
	const char *start = lexer->at + 1, *p = start;
	token->kind = APS_GQL_TOKEN_STRING;
	while (p < lexer->end && *p != '"') {
		if (*p == '\n' || *p == '\r')
			return fail_at(lexer, p, "unterminated string, expected '\"', found end of line");
		if (is_control(*p)) return fail_character(lexer, p, "invalid string, found");
		if (*p != '\\') {
			p++;
			continue;
		}
		enum aps_rc rc = check_escape(lexer, &p);
		if (rc != APS_OK) return rc;
	}
	if (p >= lexer->end) return fail_at(lexer, p, "unterminated string, expected '\"', found end of text");
	token->text = (struct aps_str){start, (size_t)(p - start)};
	lexer->at = p + 1;
	return APS_OK;
}

static enum aps_rc read_block_string(struct aps_gql_lexer *lexer, struct aps_gql_token *token)
{
	const char *start = lexer->at + 3, *p = start;
	token->kind = APS_GQL_TOKEN_BLOCK_STRING;
	for (; p < lexer->end; p++) {
		if (is_at(lexer, p, "\"\"\"", 3)) {
			token->text = (struct aps_str){start, (size_t)(p - start)};
			lexer->at = p + 3;
			return APS_OK;
		}
		if (is_control(*p)) return fail_character(lexer, p, "invalid block string, found");
		if (is_at(lexer, p, "\\\"\"\"", 4)) p += 3;
	}
	return fail_at(lexer, lexer->end, "unterminated block string, expected '\"\"\"', found end of text");
}

static enum aps_rc read_punctuator(struct aps_gql_lexer *lexer, struct aps_gql_token *token)
{
	const char *p = lexer->at;
	size_t n = *p == '.' ? 3 : 1;
	token->kind = APS_GQL_TOKEN_PUNCTUATOR;
	if (*p == '\0' || strchr("!$&().:=@[]{}|", *p) == NULL) return fail_character(lexer, p, "unexpected");
	if (n == 3 && !is_at(lexer, p, "...", 3)) return fail_at(lexer, p, "expected \"...\", found \".\"");
	token->text = (struct aps_str){p, n};
	lexer->at = p + n;
	return APS_OK;
}

enum aps_rc aps_gql_lexer_next(struct aps_gql_lexer *lexer, struct aps_gql_token *token)
{
	skip_ignored(lexer);
	*token = (struct aps_gql_token){.kind = APS_GQL_TOKEN_END, .text = {lexer->at, 0}, .place = lexer->place};
	const char *p = lexer->at;
	if (p >= lexer->end) return APS_OK;
	if (++lexer->n_tokens > APS_GQL_MAX_TOKENS) {
		lexer->err_place = lexer->place;
		return aps_fail(&lexer->err, APS_E_TOO_BIG, "The document has more than %zu tokens",
		                APS_GQL_MAX_TOKENS);
	}
	if (*p == '"') {
		return is_at(lexer, p, "\"\"\"", 3) ? read_block_string(lexer, token) : read_string(lexer, token);
	}
	if (is_digit(*p) || *p == '-') return read_number(lexer, token);
	if (!is_name_start(*p)) return read_punctuator(lexer, token);
	while (p < lexer->end && (is_name_start(*p) || is_digit(*p))) p++;
	token->kind = APS_GQL_TOKEN_NAME;
	token->text = (struct aps_str){lexer->at, (size_t)(p - lexer->at)};
	lexer->at = p;
	return APS_OK;
}
