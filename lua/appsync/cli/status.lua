---Exit statuses.
return { success = 0, failure = 1, usage = 2 }
