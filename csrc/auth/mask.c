#include "auth/mask.h"

#include "base/mem.h"
#include "base/utf8_sequence.h"
#include "codec/base64.h"
#include "codec/json_reader.h"
#include "codec/utf8.h"

#define N_ALIGNMENTS 3
#define MAX_RUN      16                 /* backslashes before one character: a string of JSON in four others */
#define N_FORMS      (1 + N_ALIGNMENTS) /* of a secret */

/* One way in which a secret may stand in a text. */
struct form {
	const unsigned char *p;
	size_t n;
	size_t least; /* bytes that give it away */
	bool is_composite;
	bool is_base64;
	bool has_tail;    /* of base64: the secret decides a part of one character more, and padding may follow */
	bool has_escapes; /* or what looks so */
	bool is_literal;  /* its '%' and '&' stand for themselves */
	bool is_word;     /* too short to be looked for within words */
	const struct form *next; /* with the same first byte */
};

struct forms {
	struct form *items;
	size_t n_items;
	struct aps_buf base64;         /* their text */
	const struct form *first[256]; /* by their first byte, in lower case */
};

struct text {
	char *p;
	size_t n;
	struct aps_str kept;
	bool is_json;
};

/* --- how a secret's bytes may be written --- */

static unsigned char lower(unsigned char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool is_same(unsigned char c, unsigned char want, bool is_base64)
{
	if (lower(c) == lower(want)) return true;
	if (!is_base64) return false;
	return (want == '+' && c == '-') || (want == '/' && c == '_');
}

static int digit_of(unsigned char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads n digits; -1: there are fewer. */
static int32_t read_hex(const unsigned char *p, size_t left, size_t n)
{
	int32_t value = 0;
	if (left < n) return -1;
	for (size_t i = 0; i < n; i++) {
		int digit = digit_of(p[i]);
		if (digit < 0) return -1;
		value = value * 16 + digit;
	}
	return value;
}

/* A code point as the secret's next bytes, in UTF-8 or Latin-1. How many of them; 0: it isn't. */
static size_t bytes_of(int32_t code_point, const struct form *form, size_t at)
{
	char utf8[4];
	if (code_point < 0) return 0;
	if (code_point < 256 && is_same((unsigned char)code_point, form->p[at], form->is_base64)) return 1;
	size_t n = aps_utf8_encode((uint32_t)code_point, utf8);
	return n > 1 && form->n - at >= n && memcmp(utf8, form->p + at, n) == 0 ? n : 0;
}

/* "uXXXX", and the low half that follows a high one (RFC 8259 section 7); -1: none. */
static int32_t read_code_point(const unsigned char *p, size_t left, size_t *n)
{
	int32_t high = read_hex(p + 1, left - 1, 4);
	size_t i = 5;
	*n = i;
	if (high < 0xd800 || high > 0xdbff) return high;
	while (i < left && i < 5 + MAX_RUN && p[i] == '\\') i++;
	if (i == 5 || i == left || p[i] != 'u') return high;
	int32_t low = read_hex(p + i + 1, left - i - 1, 4);
	if (low < 0xdc00 || low > 0xdfff) return high;
	*n = i + 5;
	return 0x10000 + (high - 0xd800) * 1024 + (low - 0xdc00);
}

/* What stands behind the backslashes of an escape. */
static size_t match_escaped(const unsigned char *p, size_t left, const struct form *form, size_t at, size_t *n_secret)
{
	static const char SHORT[] = "b\bf\fn\nr\rt\t";
	size_t n = 0;
	/* First: the secret may have a 'u' itself. */
	*n_secret = p[0] == 'u' ? bytes_of(read_code_point(p, left, &n), form, at) : 0;
	if (*n_secret != 0) return n;
	*n_secret = 1;
	if (is_same(p[0], form->p[at], form->is_base64)) return 1;
	for (size_t i = 0; i < sizeof SHORT - 1; i += 2)
		if (p[0] == (unsigned char)SHORT[i] && form->p[at] == (unsigned char)SHORT[i + 1]) return 1;
	return 0;
}

/* RFC 8259 section 7, and once more for JSON in a string of JSON: any number of backslashes counts as one. */
static size_t match_backslashes(const unsigned char *p, size_t left, const struct form *form, size_t at,
                                size_t *n_secret)
{
	size_t n_run = 0, n_wanted = 0, n;
	while (n_run < left && n_run < MAX_RUN && p[n_run] == '\\') n_run++;
	while (at + n_wanted < form->n && form->p[at + n_wanted] == '\\') n_wanted++;
	if (n_wanted == 0) {
		n = n_run < left ? match_escaped(p + n_run, left - n_run, form, at, n_secret) : 0;
		return n != 0 ? n_run + n : 0;
	}
	*n_secret = n_run < n_wanted ? n_run : n_wanted;
	size_t next = at + n_wanted;
	if (n_run <= n_wanted || n_run == left || next == form->n) return n_run;
	/* The last one may belong to an escape that follows. */
	bool is_escaped = !is_same(p[n_run], form->p[next], form->is_base64) &&
	                  match_escaped(p + n_run, left - n_run, form, next, &n) != 0;
	return is_escaped ? n_run - 1 : n_run;
}

/* RFC 3986 section 2.1; "%25" stands for the '%' of one that was encoded twice. */
static size_t match_percent(const unsigned char *p, size_t left, const struct form *form, size_t at)
{
	size_t i = 1;
	if (form->p[at] == '%') {
		bool is_own = form->n - at > 2 && memcmp(form->p + at + 1, "25", 2) == 0;
		while (!is_own && i < MAX_RUN && left - i >= 4 && memcmp(p + i, "2525", 4) == 0) i += 2;
	} else {
		while (i < MAX_RUN && left - i >= 2 && p[i] == '2' && p[i + 1] == '5') i += 2;
	}
	int32_t byte = read_hex(p + i, left - i, 2);
	return byte >= 0 && is_same((unsigned char)byte, form->p[at], form->is_base64) ? i + 2 : 0;
}

/* HTML's character references. */
static size_t match_reference(const unsigned char *p, size_t left, const struct form *form, size_t at, size_t *n_secret)
{
	static const struct {
		const char *name;
		unsigned char c;
	} NAMES[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
	for (size_t i = 0; i < APS_COUNTOF(NAMES); i++) {
		size_t n = strlen(NAMES[i].name);
		if (left > n && form->p[at] == NAMES[i].c && memcmp(p + 1, NAMES[i].name, n) == 0) return n + 1;
	}
	if (left < 4 || p[1] != '#') return 0;
	bool is_hex = lower(p[2]) == 'x';
	size_t i = is_hex ? 3 : 2;
	int32_t code_point = 0;
	for (; i < left && i < 10 && p[i] != ';'; i++) {
		int digit = digit_of(p[i]);
		if (digit < 0 || (!is_hex && digit > 9)) return 0;
		code_point = code_point * (is_hex ? 16 : 10) + digit;
	}
	if (i == left || p[i] != ';') return 0;
	*n_secret = bytes_of(code_point, form, at);
	return *n_secret != 0 ? i + 1 : 0;
}

/* How many bytes of the text spell the secret's bytes from `at`; 0: they don't. */
static size_t match_unit(const unsigned char *p, size_t left, const struct form *form, size_t at, size_t *n_secret)
{
	*n_secret = 1;
	if (p[0] == '\\') return match_backslashes(p, left, form, at, n_secret);
	if (is_same(p[0], form->p[at], form->is_base64)) {
		size_t n = 0;
		if (form->is_literal) return 1;
		if (p[0] == '&') n = match_reference(p, left, form, at, n_secret);
		if (p[0] == '%') n = match_percent(p, left, form, at);
		if (n == 0) *n_secret = 1;
		return n != 0 ? n : 1;
	}
	if (p[0] == '%') return match_percent(p, left, form, at);
	if (p[0] == '&') return match_reference(p, left, form, at, n_secret);
	return p[0] == '+' && form->p[at] == ' '; /* application/x-www-form-urlencoded */
}

/* Where the text is cut off within an escape nothing more can be said. */
static bool is_cut(const unsigned char *p, size_t left)
{
	return left == 0 || (left < 6 && (*p == '\\' || *p == '%' || *p == '&'));
}

static bool is_base64(unsigned char c)
{
	c = lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '-' || c == '_';
}

/* The rest of the last group of base64: a character that tells some of the secret's bits, and what pads. */
static size_t match_tail(const unsigned char *p, size_t left)
{
	static const unsigned char LAST[] = "+/=";
	size_t i = 0, n_secret;
	for (size_t n_done = 0; i < left && n_done < 3; n_done++) {
		size_t n = n_done == 0 && is_base64(p[i]) ? 1 : 0;
		for (size_t k = n_done == 0 ? 0 : 2; k < 3 && n == 0; k++) {
			const struct form one = {.p = LAST + k, .n = 1, .is_base64 = true};
			n = match_unit(p + i, left - i, &one, 0, &n_secret);
		}
		if (n == 0) break;
		i += n;
	}
	return i;
}

/* The length in the text of what begins there of the secret; 0: nothing that gives it away. */
static size_t match_form(const unsigned char *p, size_t left, const struct form *form, bool may_be_cut)
{
	size_t i = 0, at = 0;
	while (at < form->n && i < left) {
		size_t n_secret;
		size_t n = match_unit(p + i, left - i, form, at, &n_secret);
		if (n == 0) break;
		i += n;
		at += n_secret;
	}
	if (at == form->n) return form->has_tail ? i + match_tail(p + i, left - i) : i;
	bool counts = !form->is_composite || (may_be_cut && is_cut(p + i, left - i));
	return counts && at >= form->least ? i : 0;
}

/* A secret with "%25" or "&amp;" in it, in a text that doesn't escape these. */
static size_t match_literal(const unsigned char *p, size_t left, const struct form *form, bool may_be_cut)
{
	struct form literal = *form;
	literal.is_literal = true;
	return match_form(p, left, &literal, may_be_cut);
}

/* --- the pass over the text --- */

static bool is_escape(unsigned char c)
{
	return c == '\\' || c == '%' || c == '&';
}

struct place {
	const unsigned char *p;
	size_t n_before; /* bytes of the text that stand before it */
	size_t left;
	bool may_be_cut; /* the text ends there */
};

static bool is_word_byte(unsigned char c)
{
	return is_base64(c) && c != '+' && c != '/' && c != '-';
}

/* What stands before it belongs to an escape: "\n", "%20", "\u0020", "&lt;" ends with no letter. */
static bool is_behind_escape(const struct place *place)
{
	const unsigned char *p = place->p;
	return (place->n_before >= 2 && p[-2] == '\\') || (place->n_before >= 3 && p[-3] == '%') ||
	       (place->n_before >= 6 && p[-6] == '\\' && p[-5] == 'u');
}

/* The name of a member gives nothing away, and says what the rest means. */
static bool is_member_name(const struct place *place, size_t n)
{
	size_t i = n + 1;
	if (place->n_before == 0 || place->p[-1] != '"' || n >= place->left || place->p[n] != '"') return false;
	while (i < place->left &&
	       (place->p[i] == ' ' || place->p[i] == '\n' || place->p[i] == '\t' || place->p[i] == '\r'))
		i++;
	return i < place->left && place->p[i] == ':';
}

static bool is_whole_word(const struct place *place, size_t n)
{
	bool begins = place->n_before == 0 || !is_word_byte(place->p[-1]) || is_behind_escape(place);
	bool ends = n >= place->left || !is_word_byte(place->p[n]);
	return begins && ends && !is_member_name(place, n);
}

/* Most places are done with here. */
static bool goes_on(const struct form *form, const struct place *place)
{
	unsigned char second = place->left > 1 ? place->p[1] : '\\';
	return is_escape(place->p[0]) || is_escape(second) || second == '+' ||
	       is_same(second, form->p[1], form->is_base64);
}

static void try_forms(const struct form *form, const struct place *place, size_t *longest)
{
	for (; form != NULL; form = form->next) {
		if (!goes_on(form, place)) continue;
		size_t n = match_form(place->p, place->left, form, place->may_be_cut);
		size_t n_literal =
		        form->has_escapes ? match_literal(place->p, place->left, form, place->may_be_cut) : 0;
		if (n_literal > n) n = n_literal;
		if (n > *longest && (!form->is_word || is_whole_word(place, n))) *longest = n;
	}
}

/* Forms that may begin with this byte. */
static void try_first(const struct forms *forms, unsigned char c, const struct place *place, size_t *longest)
{
	c = lower(c);
	try_forms(forms->first[c], place, longest);
	if (c == '-') try_forms(forms->first['+'], place, longest);
	if (c == '_') try_forms(forms->first['/'], place, longest);
	if (c == '+') try_forms(forms->first[' '], place, longest);
}

static size_t longest_match(const struct forms *forms, const struct place *place)
{
	size_t longest = 0, n_run = 0;
	while (n_run < place->left && n_run < MAX_RUN && place->p[n_run] == '\\') n_run++;
	unsigned char c = n_run < place->left ? place->p[n_run] : '\\';
	bool is_any = place->p[0] == '%' || place->p[0] == '&' || (n_run != 0 && c == 'u');
	if (is_any) {
		for (size_t i = 0; i < APS_COUNTOF(forms->first); i++) try_forms(forms->first[i], place, &longest);
		return longest;
	}
	try_first(forms, c, place, &longest);
	if (n_run != 0) try_forms(forms->first['\\'], place, &longest);
	return longest;
}

/* An escape of a JSON string that begins there: both halves of a pair are one. */
static size_t escape_bytes(const struct text *text, size_t at)
{
	const unsigned char *p = (const unsigned char *)text->p + at;
	size_t n;
	if (text->n - at < 2 || p[1] != 'u') return 2;
	int32_t code_point = read_code_point(p + 1, text->n - at - 1, &n);
	return code_point > 0xffff ? 1 + n : 6;
}

/* One byte, or in a string of JSON one character or escape: no match begins or ends within it. */
static size_t unit_bytes(const struct text *text, size_t at, bool in_string)
{
	unsigned char c = (unsigned char)text->p[at];
	size_t n = 1;
	if (!text->is_json || !in_string) return 1;
	if (c == '\\')
		n = escape_bytes(text, at);
	else if (c >= 0x80)
		n = aps_utf8_sequence((const unsigned char *)text->p + at, text->n - at);
	if (n == 0) n = aps_utf8_broken(text->p + at, text->p + text->n);
	return n < text->n - at ? n : text->n - at;
}

/* Where it ends: with the last byte's character or escape. */
static size_t overwrite(const struct text *text, size_t at, size_t n, bool *in_string)
{
	size_t end = at + n;
	while (at < end) {
		size_t n_unit = unit_bytes(text, at, *in_string);
		char *c = &text->p[at];
		if (text->is_json && *c == '"')
			*in_string = !*in_string;
		else if (!text->is_json || *in_string)
			memset(c, '*', n_unit);
		else if (*c >= '0' && *c <= '9')
			*c = '9';
		at += n_unit;
	}
	return at;
}

static size_t step_over(const struct text *text, size_t at, bool *in_string)
{
	size_t n = unit_bytes(text, at, *in_string);
	if (text->p[at] == '"') *in_string = !*in_string;
	return n;
}

static bool run(const struct forms *forms, const struct text *text)
{
	bool in_string = false, is_masked = false;
	size_t kept_at = text->kept.n != 0 ? (size_t)(text->kept.p - text->p) : text->n;
	for (size_t i = 0; i < text->n;) {
		if (i == kept_at) {
			i += text->kept.n;
			continue;
		}
		size_t end = i < kept_at ? kept_at : text->n;
		const struct place place = {(const unsigned char *)text->p + i, i, end - i, end == text->n};
		size_t n = longest_match(forms, &place);
		if (n != 0) {
			i = overwrite(text, i, n, &in_string);
			is_masked = true;
		} else {
			i += step_over(text, i, &in_string);
		}
	}
	return is_masked;
}

/* --- what is looked for --- */

static void add_form(struct forms *forms, struct form form)
{
	struct form *added = &forms->items[forms->n_items++];
	const struct form **list = &forms->first[lower(form.p[0])];
	*added = form;
	added->next = *list;
	*list = added;
}

/* The characters of base64 that the secret alone decides, where `shift` bytes of its group stand before it. */
static bool add_base64(struct forms *forms, const struct aps_secret *secret, size_t shift)
{
	struct aps_buf padded, encoded;
	aps_buf_init(&padded, APS_BUF_ANY_SIZE);
	aps_buf_init(&encoded, APS_BUF_ANY_SIZE);
	aps_buf_add(&padded, "\0\0", shift);
	aps_buf_add_str(&padded, secret->value);
	aps_base64_encode(&encoded, aps_buf_str(&padded), APS_BASE64);
	size_t from = (shift * 4 + 2) / 3, to = padded.n * 4 / 3;
	bool has_memory = padded.rc == APS_OK && encoded.rc == APS_OK;
	if (has_memory) {
		const unsigned char *p = (const unsigned char *)forms->base64.p + forms->base64.n;
		aps_buf_add(&forms->base64, encoded.p + from, to - from); /* there is room: it doesn't move */
		add_form(forms, (struct form){.p = p,
		                              .n = to - from,
		                              .least = APS_SECRET_MIN_BYTES * 4 / 3,
		                              .is_composite = secret->is_composite,
		                              .is_base64 = true,
		                              .has_tail = padded.n % 3 != 0});
	}
	aps_buf_clear(&padded);
	aps_buf_clear(&encoded);
	return has_memory;
}

/* False: memory is out. */
static bool make_forms(struct forms *forms, const struct aps_secrets *secrets)
{
	struct aps_secret secret;
	size_t n_secrets = 0, n_bytes = 0;
	for (size_t cursor = 0; aps_secrets_next(secrets, &cursor, &secret); n_secrets++)
		n_bytes += N_ALIGNMENTS * (secret.value.n * 4 / 3 + 8);
	memset(forms, 0, sizeof *forms);
	aps_buf_init(&forms->base64, APS_BUF_ANY_SIZE);
	forms->items = aps_calloc(n_secrets * N_FORMS, sizeof *forms->items);
	if (forms->items == NULL || aps_buf_reserve(&forms->base64, n_bytes) == NULL) return false;
	for (size_t cursor = 0; aps_secrets_next(secrets, &cursor, &secret);) {
		bool is_word = secret.value.n < APS_SECRET_MIN_BYTES;
		add_form(forms, (struct form){.p = (const unsigned char *)secret.value.p,
		                              .is_word = is_word,
		                              .n = secret.value.n,
		                              .least = APS_SECRET_MIN_BYTES,
		                              .is_composite = secret.is_composite,
		                              .has_escapes = memchr(secret.value.p, '%', secret.value.n) != NULL ||
		                                             memchr(secret.value.p, '&', secret.value.n) != NULL});
		for (size_t shift = 0; shift < N_ALIGNMENTS && !is_word; shift++)
			if (!add_base64(forms, &secret, shift)) return false;
	}
	return true;
}

static bool is_json(struct aps_str text)
{
	struct aps_json_reader r;
	struct aps_str whole;
	aps_json_reader_init(&r, text, 0);
	return aps_json_skip_value(&r, &whole) == APS_OK && aps_json_next(&r) == APS_JSON_END;
}

bool aps_mask(const struct aps_secrets *secrets, char *p, size_t n, struct aps_str kept)
{
	if (n == 0 || (secrets->records.n == 0 && secrets->records.rc == APS_OK)) return false;
	struct text text = {p, n, kept, is_json((struct aps_str){p, n})};
	struct forms forms;
	bool has_memory = make_forms(&forms, secrets) && secrets->records.rc == APS_OK;
	bool is_masked = !has_memory;
	if (has_memory)
		is_masked = run(&forms, &text);
	else
		memset(p, '*', n);
	aps_buf_clear(&forms.base64);
	aps_free(forms.items);
	return is_masked;
}
