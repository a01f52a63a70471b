---What waits and what runs beside it: coroutines of the library's own, and under nginx the light threads of its requests.
return require "appsync.nginx".is_here and require "appsync.task.light_threads" or require "appsync.task.routines"
