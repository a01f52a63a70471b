#include "codec/status.h"

bool aps_status_is_passing(long status)
{
	return status >= 500 || status == 408 || status == 425 || status == 429;
}
