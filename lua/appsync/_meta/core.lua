---@meta appsync.core
-- The C module. Private: applications use `appsync`. C never calls Lua; it hands out events, Lua resumes coroutines.

---@class appsync.core
---@field version string
---@field null lightuserdata JSON null; the same value as lua-cjson's `cjson.null`
---@field array_mt table metatable that marks lists
---@field is_nginx boolean this is a process of nginx
---@field event table<string, integer> numbers of the event kinds: RESULT, SUB_STATE, SUB_DATA, SUB_END, AUTH, HEADERS, CONNECTION, LOG, CLOSED
local core = {}

---@param value any
---@return string json
---Throws for what JSON can't hold, with the path to it.
function core.encode(value) end

---`big_integers` says what becomes of numbers that a Lua number can't hold. "rounded": the nearest number. "string": the
---digits of integers. "safe": the text of each number that would otherwise equal another one of the text, fractions of
---more than 15 digits and those that a double holds as zero or as an infinity included.
---@param text string
---@param big_integers? "rounded"|"string"|"safe" default "rounded"
---@return any value nil for text that isn't JSON
---@return string? message with the byte offset
---@return string? code "syntax", "invalid_utf8", "too_deep", "too_big" or "out_of_memory"
function core.decode(text, big_integers) end

---A file's whole content. Pipes, devices and sockets, which may wait or never end, are refused; the null device is empty.
---@param path string
---@param max_bytes? number default 64 MB
---@return string? text
---@return string? message with the path
---@return boolean? is_missing there is nothing at that path
---@return string? code "out_of_memory" or "descriptors": it isn't the file's fault
function core.read_file(path, max_bytes) end

---@return string uuid version 4, lower case
function core.uuid() end

---@return number seconds of a clock that never goes back
function core.now() end

---@return number seconds since 1970, with a fraction
function core.wall() end

---@class appsync.core.Document

---@class appsync.core.Operation
---@field kind "query"|"mutation"|"subscription"
---@field name string "" for an anonymous one
---@field variables string[] declared names, without `$`
---@field root_fields string[] response keys of the root selection set

---Parses an executable document.
---@param text string
---@return appsync.core.Document? document, {message: string, line: integer, column: integer}? err
function core.document(text) end

---@return appsync.core.Operation[]
function core.Document:operations() end
---@param with_typenames? boolean
---@return string canonical print
function core.Document:text(with_typenames) end
---@return string sha256 of the canonical print, hexadecimal
function core.Document:hash() end

---The syntax tree of executable text or SDL as plain tables; for the local server and the code generator.
---@param text string
---@return table? ast, {message: string, line: integer, column: integer}? err
function core.parse(text) end

---Prints a tree of `core.parse` canonically.
---@param ast table
---@return string text
function core.print(ast) end

---SigV4; see `appsync.sign`.
---@param request {method: string?, url: string, headers: table?, body: string?}
---@param options table
---@return table? signed, string? message
---@return string? kind "usage": an argument is to blame
---@return string? code
function core.sign(request, options) end

---The claims of a JWT, unverified.
---@param token string
---@return table? claims, string? message
function core.jwt(token) end

---@param form? "url"
---@return string
function core.base64(bytes, form) end
---@return string? bytes, string? message
function core.unbase64(text, form) end
---@return string hexadecimal
function core.sha256(bytes) end
---@return string raw bytes
function core.hmac_sha256(key, bytes) end

---Blocks the thread for so long, a second at most: for waits without a runtime.
---@param seconds number
function core.pause(seconds) end

---The runtime of this Lua state: opened on first use, one core thread for all its clients.
---@return appsync.core.Runtime? runtime, table? err of kind "system": no descriptor, no memory
function core.runtime() end

---@class appsync.core.Runtime
local runtime = {}

---Takes at most `max` events off the inbox and writes five values for each into `events` from index 1:
---kind, target, a, b, c (nil values are written as nil). Never blocks.
---RESULT      op       data|nil        err|nil     info {status, extensions, attempts} (of `request`: {status, headers, body})
---SUB_STATE   sub      "subscribed"|"reconnecting"  nil  nil
---SUB_DATA    sub      data|nil        err|nil     events dropped so far
---SUB_END     sub      err|nil         nil         events dropped so far
---AUTH        auth     "first"|"expired"|"refused"  client
---HEADERS     sub      nil
---CONNECTION  client   state           err|nil
---LOG         client   level           message     fields
---CLOSED      client
---`err` is a plain table {kind, message, code, retryable, sent, status, errors, error_type, data, response}.
---@param events table
---@param max integer
---@return integer n_events, boolean has_more
function runtime:poll(events, max) end

---Blocks until events are there or the time is over.
---@param seconds number? nil: for ever
---@return boolean has_events
function runtime:wait(seconds) end

---@return integer descriptor readable while events wait
function runtime:fd() end

---Makes the descriptor readable at that time too (for timers that live in Lua). nil: no more.
---@param seconds number? from now
---@return true? ok, table? err of kind "system": the core thread can't be started
function runtime:arm(seconds) end

---@param settings table
---@return appsync.core.Client? client, table? err of kind "system": the core thread can't be started
function runtime:client(settings) end

---Stops and joins the threads. Everything outstanding was answered before. Idempotent; the next use opens a new one.
---@param seconds number bound of the join
---@return boolean joined
function runtime:close(seconds) end

---@class appsync.core.Client
local client = {}

---@return integer id target of its CONNECTION, LOG and CLOSED events
function client:id() end

---@param auth {mode: string, dynamic: boolean?, region: string?, service: string?, secret: string?, access_key_id: string?, secret_access_key: string?, session_token: string?, expires_at: number?}
---@return integer? auth, string? message, string? code, string? kind
function client:add_auth(auth) end
---Answers an AUTH event.
---@param auth integer
---@param material {secret: string?, access_key_id: string?, secret_access_key: string?, session_token: string?, expires_at: number?}
---@return boolean? ok, string? message the material is unusable (the slot was failed with it)
function client:set_auth(auth, material) end
---@param auth integer
---@param message string
---@param code? string
function client:fail_auth(auth, message, code) end
---@param auth integer
function client:drop_auth(auth) end

---A query or mutation. Throws for variables that JSON can't hold.
---@param call {document: appsync.core.Document, operation_name: string?, variables: table?, auth: integer, headers: table?, timeout: number?, idempotent: boolean?, typenames: boolean?}
---@return integer op
function client:execute(call) end

---A plain HTTP exchange (no retries unless `retry`).
---@param call {method: string, url: string, headers: table?, body: string?, timeout: number?, auth: integer?, retry: boolean?}
---@return integer op
function client:request(call) end

---The operation's RESULT comes at once, with kind "cancelled". Unknown ids are ignored.
---@param op integer
function client:cancel(op) end

---@param call {document: appsync.core.Document, operation_name: string?, variables: table?, auth: integer, headers: table?, dynamic_headers: boolean?, buffer: integer?, buffer_bytes: integer?, overflow: string?, share: boolean?}
---@return integer sub
function client:subscribe(call) end
---No event of this subscription comes after it. Unknown ids are ignored.
---@param sub integer
function client:unsubscribe(sub) end
---The consumer has taken n more SUB_DATA events out of its hands: makes room in the window.
---@param sub integer
---@param n integer
function client:consumed(sub, n) end
---Answers a HEADERS event.
---@param sub integer
---@param headers table?
---@param message string? the function failed: the subscription ends with this
function client:set_headers(sub, headers, message) end

---@param is_online boolean
function client:set_online(is_online) end
---@return table counters
function client:stats() end
---Everything outstanding is answered with kind "closed", then CLOSED comes.
function client:close() end

return core
