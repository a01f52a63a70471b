#include "store/entry_id.h"

#include <stdio.h>

#define OWNER_SHIFT 44
#define MODE_SHIFT  40
#define MODE_MASK   0xf
#define OWNED_MASK  ((INT64_C(1) << OWNER_SHIFT) - 1)

int64_t aps_entry_id(int64_t owner, enum aps_entry_mode mode, int64_t number)
{
	return owner << OWNER_SHIFT | (int64_t)mode << MODE_SHIFT | number;
}

int64_t aps_entry_owner(int64_t id)
{
	return id >> OWNER_SHIFT;
}

enum aps_entry_mode aps_entry_mode(int64_t id)
{
	return (enum aps_entry_mode)(id >> MODE_SHIFT & MODE_MASK);
}

int64_t aps_entry_number(int64_t id)
{
	return id & APS_ENTRY_MAX_NUMBER;
}

int64_t aps_entry_id_of(int64_t id, int64_t owner)
{
	return owner << OWNER_SHIFT | (id & OWNED_MASK);
}

struct aps_entry_range aps_entry_lane(int64_t owner, enum aps_entry_mode mode)
{
	int64_t first = aps_entry_id(owner, mode, 0);
	return (struct aps_entry_range){first, first | APS_ENTRY_MAX_NUMBER};
}

struct aps_entry_range aps_entry_owned(int64_t owner)
{
	int64_t first = owner << OWNER_SHIFT;
	return (struct aps_entry_range){first, first | OWNED_MASK};
}

struct aps_entry_range aps_entry_all(void)
{
	return (struct aps_entry_range){1, INT64_MAX};
}

static const char *const NAMES[] = {
#define MODE_NAME(name, number) [number] = #name,
        APS_ENTRY_MODE_MAP(MODE_NAME)
#undef MODE_NAME
};

const char *aps_entry_mode_name(enum aps_entry_mode mode)
{
	return (size_t)mode < APS_COUNTOF(NAMES) ? NAMES[mode] : NULL;
}

bool aps_entry_mode_find(struct aps_str name, enum aps_entry_mode *mode)
{
	for (size_t i = 0; i < APS_COUNTOF(NAMES); i++) {
		if (!aps_str_is(name, NAMES[i])) continue;
		*mode = (enum aps_entry_mode)i;
		return true;
	}
	return false;
}

void aps_entry_text(uint32_t nonce, int64_t number, char text[APS_ENTRY_TEXT_CHARS + 1])
{
	snprintf(text, APS_ENTRY_TEXT_CHARS + 1, "%08x-%lld", (unsigned)nonce,
	         (long long)(number & APS_ENTRY_MAX_NUMBER));
}

bool aps_entry_text_read(struct aps_str text, uint32_t nonce, int64_t *number)
{
	char same[APS_ENTRY_TEXT_CHARS + 1];
	size_t at = 9; /* behind "<nonce>-" */
	int64_t read = 0;
	*number = 0;
	if (text.n <= at || text.n > APS_ENTRY_TEXT_CHARS) return false;
	for (; at < text.n && text.p[at] >= '0' && text.p[at] <= '9'; at++) read = read * 10 + text.p[at] - '0';
	if (at != text.n || read < 1 || read > APS_ENTRY_MAX_NUMBER) return false;
	aps_entry_text(nonce, read, same); /* so there is one text for each, without zeros before it */
	if (!aps_str_is(text, same)) return false;
	*number = read;
	return true;
}
