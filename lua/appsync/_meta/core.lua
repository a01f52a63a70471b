---@meta appsync.core
-- The C module. Private: applications use `appsync`. C never calls Lua; it hands out events, Lua resumes coroutines.
-- What fails returns nil and an error as a table; kind "usage" is the caller's doing, which `errors.of_core` throws at the
-- user's line. Only arguments of a wrong type, which are our own modules' doing, and memory that is out throw here.

---@class appsync.core.Err
---@field kind appsync.ErrorKind
---@field message string one line
---@field code string?
---@field retryable boolean
---@field sent boolean
---@field status integer?

---@class appsync.core
---@field version string
---@field null lightuserdata JSON null; the same value as lua-cjson's `cjson.null`
---@field array_mt table metatable that marks lists
---@field is_nginx boolean this is a process of nginx
---@field is_light boolean? this is the light build, csrc/light
---@field main thread? the main thread; nil where the module was loaded in a coroutine of Lua 5.1
---@field claims table<string, appsync.client.Claim> by what they claim; weak, and the same table when the modules are loaded anew
---@field event table<string, integer> numbers of the event kinds
---@field simulation appsync.core.Simulation
---@field event_forms table<string, {target: string}> what each kind is about and carries, as in core_runtime.lua: [1] to [3] are a to c
local core = {}

---@param value any
---@param name? string what the path to what JSON can't hold begins with, default "value"
---@return string? json
---@return appsync.core.Err? err of kind "usage" with that path: "value.input.tags[3]: a function can't be JSON"
function core.encode(value, name) end

---`big_integers` says what becomes of numbers that a Lua number can't hold. "rounded": the nearest number. "string": the
---digits of integers. "safe": the text of each number that would otherwise equal another one of the text, fractions of
---more than 15 digits and those that a double holds as zero or as an infinity included. `strictness` says what becomes of
---lone surrogates and of bytes in strings that aren't UTF-8: "strict" refuses them, "lenient" gives U+FFFD.
---@param text string
---@param big_integers? "rounded"|"string"|"safe" default "rounded"
---@param strictness? "strict"|"lenient" default "strict"
---@return any value
---@return appsync.core.Err? err of kind "protocol", with the byte offset: text that isn't JSON, or that costs too much ("too_big")
function core.decode(text, big_integers, strictness) end

---Decodes in steps, for a frame's budget; the value, or the error, is that of `core.decode`. The builder has a copy of the
---text until it is over or collected; what is half-built is in `held`, a table of the caller's, empty before the first step,
---left alone between the steps, and empty again after the last. A coroutine may go on with what another one began.
---
---    local builder, held = core.builder(text), {}
---    local is_done, value = builder:step(100, held)
---    while is_done == false do
---      give_way()
---      is_done, value = builder:step(100, held)
---    end
---    if is_done == nil then return nil, errors.adopt(value) end
---@param text string
---@param big_integers? "rounded"|"string"|"safe" as of `core.decode`
---@param strictness? "strict"|"lenient" as of `core.decode`
---@return appsync.core.Builder? builder, appsync.core.Err? err of kind "system": no memory for the text
function core.builder(text, big_integers, strictness) end

---@class appsync.core.Builder
local builder = {}

---Makes at most so many values, a table when it is complete. Throws for another table than before, for a builder that is
---over, and where it threw before.
---@param max_values number at least 1
---@param held table
---@return boolean? is_done nil: it failed; either way it is over
---@return any value the error where it failed
function builder:step(max_values, held) end
---From the start, with another table; also where `step` threw. Throws for a builder that is over.
function builder:again() end
---It is over: its text is let go of. Twice is legal.
function builder:drop() end

---A file's whole content. Pipes, devices and sockets, which may wait or never end, are refused; the null device is empty.
---@param path string
---@param max_bytes? number default 64 MB
---@return string? text
---@return appsync.core.Err? err the message begins with the path; code "missing": there is nothing
function core.read_file(path, max_bytes) end

---The path from the root of what a path names, links followed, or of what it would name where nothing is there yet.
---@param path string
---@return string? path
---@return appsync.core.Err? err of kind "system": no memory
function core.resolve(path) end

---What is in a store's file, whoever has it open (csrc/store/inspect.h).
---@param path string
---@return string? json
---@return appsync.core.Err? err of kind "storage": no store, or a damaged one (code "corrupt"), of a newer version ("newer")
function core.inspect(path) end

---Retries a dead letter, with those that depended on it, or discards a mutation, in a store that no process has open
---(csrc/client/store_repair.h).
---@param path string
---@param what "retry"|"discard"
---@param id string
---@return string? json {"retried":[{"id":…,"new_id":…,"optimistic":"hidden"?}]}, hidden: nothing is shown of the response that it
---has; or {"discarded":…}
---@return appsync.core.Err? err of kind "storage": code "locked", "missing", "corrupt", "newer" or none
function core.repair(path, what, id) end

---@return string uuid version 4, lower case
function core.uuid() end
---@param text string
---@return boolean is_own `uuid` has made it in this Lua state, not 50,000 others ago or more, and it is asked for the first time
function core.take_uuid(text) end
---@param text string
---@return boolean is_own the same, and `take_uuid` can still be asked
function core.has_uuid(text) end
---@param value any
---@return boolean has_own `has_uuid` is true of a text in it, at any depth, or it is too large to be looked through
---@return boolean has_others another text in it is as long as a UUID, or likewise
function core.look_for_uuids(value) end

---@return number seconds of a clock that never goes back
function core.now() end

---@return number seconds since 1970, with a fraction
function core.wall() end

---@class appsync.core.Document

---@class appsync.core.Operation
---@field kind "query"|"mutation"|"subscription"
---@field name string "" for an anonymous one
---@field variables string[] declared names, without `$`
---@field lists table<string, integer> of those that are lists: 1, of lists of lists: 2, …
---@field required table<string, boolean> those that must have a value
---@field root_fields string[] response keys of the root selection set
---@field root_names string[] the names of these fields

---@class appsync.core.SyntaxErr: appsync.core.Err
---@field line integer
---@field column integer

---Parses an executable document.
---@param text string
---@return appsync.core.Document? document, appsync.core.SyntaxErr? err
function core.document(text) end

---@return appsync.core.Operation[]
function core.Document:operations() end
---Of a document without operations: the fragments that no other one includes.
---@return string[] names
function core.Document:fragments() end
---@param with_typenames? boolean
---@return string canonical print
function core.Document:text(with_typenames) end
---@return string sha256 of the canonical print, hexadecimal
function core.Document:hash() end
---@return integer n what it holds of memory, beyond Lua's
function core.Document:bytes() end

---The syntax tree of executable text or SDL as plain tables; for the local server and the code generator.
---@param text string
---@return table? ast, appsync.core.SyntaxErr? err
function core.parse(text) end

---Prints a tree of `core.parse` canonically.
---@param ast table
---@return string? text
---@return appsync.core.Err? err of kind "usage" with the path: "ast.definitions[1].name: expected a name, got nil"
function core.print(ast) end

---SigV4; see `appsync.sign`.
---@param request {method: string?, url: string, headers: table?, body: string?}
---@param options table
---@return table? signed
---@return appsync.core.Err? err of kind "usage", but for code "crypto", is the program's doing; code "bad_credentials": the keys'
function core.sign(request, options) end

---The claims of a JWT, unverified.
---@param token string
---@return table? claims, appsync.core.Err? err
function core.jwt(token) end

---@param form? "url"
---@return string
function core.base64(bytes, form) end
---@return string? bytes, appsync.core.Err? err
function core.unbase64(text, form) end
---@return string hexadecimal
function core.sha256(bytes) end
---@return string raw bytes
function core.hmac_sha256(key, bytes) end

---Blocks the thread for so long, a second at most: for waits without a runtime.
---@param seconds number
function core.pause(seconds) end

---The coroutine that a function of `coroutine.wrap` resumes; nil for any other function.
---@param fn function
---@return thread?
function core.wrapped_by(fn) end

---How many Lua states of this process have asked this, and are there.
---@param subsystem "http"|"stream" of nginx; the first call counts
---@return integer n_states, boolean is_older whether this one was the first one, or is of the process before the fork
function core.n_states(subsystem) end

---Whether the running coroutine could be suspended here; true where the VM can't tell.
---@return boolean
function core.is_yieldable() end

---@param co thread
---@return integer? address of nginx's request that it is of, or was of last
function core.request_of(co) end

---Whether only Lua functions that were called by a name, or as a tail, stand between here and the start of the coroutine:
---PUC 5.1 can suspend there.
---@return boolean
function core.is_plain_stack() end

---The runtime of this Lua state: opened on first use, one core thread for all its clients.
---@return appsync.core.Runtime? runtime, appsync.core.Err? err of kind "system": no descriptor, no memory; of kind "closed": the
---Lua state is closing, and what a finalizer began now nobody would end
function core.runtime() end

---What begins something fails with kind "usage" after a fork, all else is ignored there, as it is once the client is closed.
---Any method may fail with kind "usage" when too many commands wait, and with "system" when the thread can't be started.
---@class appsync.core.Client
local client = {}

---@return integer id target of its CONNECTION, REACH, LOG and CLOSED events
function client:id() end

---Answers an ASK event. Late ones are ignored, as those of the following.
---@param objects appsync.core.Objects with what was told of them
---@return true? ok, appsync.core.Err? err
function client:answer(objects) end
---@param merges appsync.core.Merges
---@return true? ok, appsync.core.Err? err
function client:answer_merge(merges) end
---Nothing is told.
---@param number integer of the question
---@return true? ok, appsync.core.Err? err
function client:answer_lost(number) end
---As that of a cache.
---@param object table
---@return string? key nil: it has none
function client:identify(object) end
---@param auth {mode: string, dynamic: boolean?, region: string?, service: string?, secret: string?, access_key_id: string?, secret_access_key: string?, session_token: string?, expires_at: number?}
---@return integer? auth, appsync.core.Err? err of kind "auth": the material is unusable
function client:add_auth(auth) end
---Answers an AUTH event.
---@param auth integer
---@param material {secret: string?, access_key_id: string?, secret_access_key: string?, session_token: string?, expires_at: number?}
---@return true? ok, appsync.core.Err? err of kind "auth": the material is unusable (the slot was failed with it)
function client:set_auth(auth, material) end
---@param auth integer
---@param message string
---@param code? string
---@return true? ok, appsync.core.Err? err
function client:fail_auth(auth, message, code) end
---@param auth integer
---@return true? ok, appsync.core.Err? err
function client:drop_auth(auth) end

---A query or mutation.
---@param call {document: appsync.core.Document, operation_name: string?, variables: table?, auth: integer, headers: table?, timeout: number?, idempotent: boolean?, typenames: boolean?, cached: integer?, ids: integer?, text: boolean?} cached: id of the cache that its data is written into before the RESULT comes; ids: of the cache whose ids the service has made take the place of temporary ones in the variables; text: its data comes as JSON text
---@return integer? op
---@return appsync.core.Err? err of kind "usage": variables that JSON can't hold, with the path to it, headers that none can be
function client:execute(call) end

---What a client with `cache` settings keeps for an identity: a partition of its own, which no other one sees. It is open
---until the last of the objects for this identity is collected, or the client closes.
---@param options {identity: string?, follows: boolean?} default ""; follows: another client had it until now: the first read waits for that one's writes
---@return appsync.core.Cache? cache
---@return appsync.core.Err? err of kind "system": no memory; after a fork of kind "usage"
function client:cache(options) end

---The operation's RESULT comes at once, with kind "cancelled". Unknown ids are ignored.
---@param op integer
---@return true? ok, appsync.core.Err? err
function client:cancel(op) end

---@param call {document: appsync.core.Document, operation_name: string?, variables: table?, auth: integer, headers: table?, dynamic_headers: boolean?, typenames: boolean?, cached: integer?, ids: integer?, buffer: integer?, buffer_bytes: integer?, overflow: string?, share: boolean?}
---@return integer? sub, appsync.core.Err? err as of `execute`
function client:subscribe(call) end
---No event of this subscription comes after it. Unknown ids are ignored.
---@param sub integer
---@return true? ok, appsync.core.Err? err
function client:unsubscribe(sub) end
---The consumer has taken n more SUB_DATA events out of its hands: makes room in the window.
---@param sub integer
---@param n integer
---@return true? ok, appsync.core.Err? err
function client:consumed(sub, n) end
---Answers a HEADERS event.
---@param sub integer
---@param headers table?
---@param message string? the function failed: the subscription ends with this
---@return true? ok, appsync.core.Err? err
function client:set_headers(sub, headers, message) end

---A subscription that catches up: a delta sync without a cache, that hands over what it brings. SYNC events come with its number,
---until "end":
---
---    what        more                                                            answered by
---    "state"     as of a delta sync (ERR: why it isn't served, or of the last    (nothing)
---                try)
---    "event"     data? (ERR: of the payload's `errors`)                          caught_up
---    "page"      number, records; with has_update data (ERR: of the answer's)    caught_up
---    "headers"   number, part                                                    give_catch_up_headers
---    "end"       (ERR says why; nil: it was completed)                           stop_catch_up
---
---Of events 256 come, or 1 MB, before they are answered; of pages one. Others wait, as many as the buffer takes: what there is no
---room for is fetched.
---@param call {subscription: appsync.core.SyncPart, delta: appsync.core.SyncPart, cached: integer?, ids: integer?, buffer: integer?, buffer_bytes: integer?, poll: number, page_size: integer, last_sync_unit: "s"|"ms"|nil, auth: integer, headers: table?, asks_headers: boolean?} delta.has_update: a function makes events of each page
---@return integer? sub, appsync.core.Err? err as of `execute`
function client:catch_up(call) end
---No event of it comes after it. Unknown ids are ignored.
---@param sub integer
---@return true? ok, appsync.core.Err? err
function client:stop_catch_up(sub) end
---What came was handled.
---@param sub integer
---@param page integer its number; 0: none was
---@param n_events integer
---@return true? ok, appsync.core.Err? err
function client:caught_up(sub, page, n_events) end
---Answers "headers".
---@param sub integer
---@param number integer
---@param headers table? nil: they can't be had now
---@param message string?
---@return true? ok, appsync.core.Err? err
function client:give_catch_up_headers(sub, number, headers, message) end

---@param is_online boolean
---@return true? ok, appsync.core.Err? err
function client:set_online(is_online) end
---@return table counters, and `store`, where there is one: "open", "memory" or "unavailable", and `store_code`: why it is that
function client:stats() end
---It will close once its calls have ended: subscriptions end with kind "closed" now. Gives nothing back where `close`
---doesn't.
---@return true? ok, appsync.core.Err? err
function client:leave() end
---Everything outstanding is answered with kind "closed", then CLOSED comes. Not where it was closed before, nor in a child
---process of the one that used it: then nothing is given back.
---@return true? ok, appsync.core.Err? err
function client:close() end

return core
