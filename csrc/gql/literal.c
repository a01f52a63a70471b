#include "gql/literal.h"

#include "codec/utf8.h"

static uint32_t unit_of(const char *digits)
{
	uint32_t unit = 0;
	for (int i = 0; i < 4; i++) {
		char c = digits[i];
		unit = unit * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return unit;
}

/* Decodes the \u escape (or the pair of them) at p; returns how many bytes of the text it took. */
static size_t resolve_unicode(const char *p, char **to)
{
	uint32_t code_point = unit_of(p + 2);
	size_t n_taken = 6;
	if (code_point >= 0xd800 && code_point <= 0xdbff) {
		code_point = 0x10000 + ((code_point - 0xd800) << 10) + (unit_of(p + 8) - 0xdc00);
		n_taken = 12;
	}
	*to += aps_utf8_encode(code_point, *to);
	return n_taken;
}

static char resolve_short(char c)
{
	switch (c) {
	case 'b': return '\b';
	case 'f': return '\f';
	case 'n': return '\n';
	case 'r': return '\r';
	case 't': return '\t';
	default: return c;
	}
}

bool aps_gql_literal_value(struct aps_arena *arena, struct aps_str raw, struct aps_str *value)
{
	*value = raw;
	if (raw.n == 0 || memchr(raw.p, '\\', raw.n) == NULL) return true;
	char *start = aps_arena_get(arena, raw.n); /* no escape is shorter than what it stands for */
	if (start == NULL) return false;
	char *to = start;
	for (size_t i = 0; i < raw.n;) {
		if (raw.p[i] != '\\') {
			*to++ = raw.p[i++];
		} else if (raw.p[i + 1] == 'u') {
			i += resolve_unicode(raw.p + i, &to);
		} else {
			*to++ = resolve_short(raw.p[i + 1]);
			i += 2;
		}
	}
	*value = (struct aps_str){start, (size_t)(to - start)};
	return true;
}

/* Takes one line off the front of *rest; false at the end. The last line has no line end behind it. */
static bool take_line(struct aps_str *rest, struct aps_str *line)
{
	if (rest->p == NULL) return false;
	size_t n = 0;
	while (n < rest->n && rest->p[n] != '\n' && rest->p[n] != '\r') n++;
	*line = (struct aps_str){rest->p, n};
	if (n == rest->n) {
		*rest = (struct aps_str){NULL, 0};
		return true;
	}
	size_t n_end = rest->p[n] == '\r' && n + 1 < rest->n && rest->p[n + 1] == '\n' ? 2 : 1;
	*rest = (struct aps_str){rest->p + n + n_end, rest->n - n - n_end};
	return true;
}

static size_t leading_white(struct aps_str line)
{
	size_t n = 0;
	while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t')) n++;
	return n;
}

/* The smallest indentation of the lines that aren't blank; with `skips_first`, the first one doesn't count. */
static size_t common_indent(struct aps_str text, bool skips_first)
{
	struct aps_str line;
	size_t common = SIZE_MAX;
	for (bool is_first = true; take_line(&text, &line); is_first = false) {
		size_t white = leading_white(line);
		if ((is_first && skips_first) || white == line.n) continue;
		if (white < common) common = white;
	}
	return common == SIZE_MAX ? 0 : common;
}

static char *append_unescaped(char *to, struct aps_str line)
{
	for (size_t i = 0; i < line.n; i++) {
		if (line.n - i >= 4 && memcmp(line.p + i, "\\\"\"\"", 4) == 0) continue;
		*to++ = line.p[i];
	}
	return to;
}

bool aps_gql_literal_block_value(struct aps_arena *arena, struct aps_str raw, struct aps_str *value)
{
	*value = (struct aps_str){raw.p, 0};
	if (raw.n == 0) return true;
	char *start = aps_arena_get(arena, raw.n);
	if (start == NULL) return false;
	size_t common = common_indent(raw, true);
	struct aps_str rest = raw, line;
	char *to = start, *end = start; /* `end`: behind the last line that isn't blank */
	bool is_first = true, has_content = false;
	for (; take_line(&rest, &line); is_first = false) {
		bool is_blank = leading_white(line) == line.n;
		if (is_blank && !has_content) continue;
		if (!is_first) {
			size_t n_cut = common < line.n ? common : line.n;
			line = (struct aps_str){line.p + n_cut, line.n - n_cut};
		}
		if (has_content) *to++ = '\n';
		has_content = true;
		to = append_unescaped(to, line);
		if (!is_blank) end = to;
	}
	*value = (struct aps_str){start, (size_t)(end - start)};
	return true;
}

bool aps_gql_literal_fits_block(struct aps_str value)
{
	if (value.n == 0) return true;
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if (c < 0x20 && c != '\n' && c != '\t') return false;
	}
	struct aps_str rest = value, line, first, last;
	if (!take_line(&rest, &first)) return false;
	last = first;
	bool is_single = rest.p == NULL;
	while (take_line(&rest, &line)) last = line;
	if (leading_white(first) == first.n || leading_white(last) == last.n) return false;
	return is_single || common_indent(value, false) == 0;
}

void aps_gql_literal_print(struct aps_buf *out, struct aps_str value)
{
	static const char SHORT[] = "\bb\tt\nn\ff\rr\"\"\\\\";
	aps_buf_add_byte(out, '"');
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		const char *found = NULL;
		for (size_t k = 0; k + 1 < sizeof SHORT; k += 2)
			if ((unsigned char)SHORT[k] == c) found = &SHORT[k + 1];
		if (found != NULL) {
			aps_buf_add_byte(out, '\\');
			aps_buf_add_byte(out, *found);
		} else if (c < 0x20 || c == 0x7f) {
			aps_buf_addf(out, "\\u%04X", c);
		} else if (c == 0xc2 && i + 1 < value.n && (unsigned char)value.p[i + 1] < 0xa0) {
			aps_buf_addf(out, "\\u%04X", (unsigned char)value.p[++i]); /* U+0080 to U+009F */
		} else {
			aps_buf_add_byte(out, (char)c);
		}
	}
	aps_buf_add_byte(out, '"');
}

size_t aps_gql_literal_units(struct aps_str text)
{
	size_t n_units = 0;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if ((c & 0xc0) != 0x80) n_units += c >= 0xf0 ? 2 : 1;
	}
	return n_units;
}

static void add_line_end(struct aps_buf *out, size_t indent)
{
	aps_buf_add_byte(out, '\n');
	for (size_t i = 0; i < indent; i++) aps_buf_add_byte(out, ' ');
}

void aps_gql_literal_print_block(struct aps_buf *out, struct aps_str value, size_t indent)
{
	bool is_single = value.n == 0 || memchr(value.p, '\n', value.n) == NULL;
	bool ends_badly = aps_str_ends(value, "\"") || aps_str_ends(value, "\\");
	bool is_tall = !is_single || aps_gql_literal_units(value) > 70 || ends_badly;
	bool keeps_first =
	        is_single && leading_white(value) != 0; /* on a line of its own it would lose its indentation */
	aps_buf_add_text(out, "\"\"\"");
	if (is_tall && !keeps_first) add_line_end(out, indent);
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\n') {
			add_line_end(out, indent);
		} else if (value.n - i >= 3 && memcmp(value.p + i, "\"\"\"", 3) == 0) {
			aps_buf_add_text(out, "\\\"\"\"");
			i += 2;
		} else {
			aps_buf_add_byte(out, value.p[i]);
		}
	}
	if (is_tall) add_line_end(out, indent);
	aps_buf_add_text(out, "\"\"\"");
}
