---@meta
-- What the C module gives of a cache (`core.lua` has the rest): what is read, written, watched, and what functions of the
-- application are asked.

---What a cache reads again and again. Throws once the client is closed.
---@class appsync.core.Reading
local reading = {}

---As `read` of the cache.
---@param variables table?
---@param partial boolean?
---@param key string?
---@param max_bytes number?
---@param exact boolean?
---@param known integer? a number that was returned before
---@return any data nil where the answer is the known one
---@return string[]? missing, appsync.core.Err? err, boolean? has_expired, boolean? is_large
---@return integer? number of the answer, equal to that of an earlier read where nothing has changed; nil: it isn't known whether it has
function reading:read(variables, partial, key, max_bytes, exact, known) end
---Lets go of the memory that it keeps, of which the garbage collector knows nothing; the next `read` takes it anew.
function reading:rest() end

---The reader of one partition. Throws once the client is closed.
---@class appsync.core.Cache
local cache = {}

---@return integer id for `cached` of `execute` and `subscribe`
function cache:id() end

---Asks whether its store could be opened: a RESULT with this number says `true`, or why not.
---@return integer? op
---@return appsync.core.Err? err after a fork of kind "usage"
function cache:look() end

---Reads what is kept, without waiting. Without `partial` there is no data where something of it is missing. What was
---written by the methods below is read at once.
---@param call {document: appsync.core.Document, operation_name: string?, fragment: string?, key: string?, variables: table?, partial: boolean?, max_bytes: number?, exact: boolean?} exact: by temporary ids, where they were given; otherwise the service's are looked for first; key: of a fragment's record, "Todo:1"
---@return any data
---@return string[]? missing paths, such as "listPosts.items.3.title"; nil: nothing is
---@return appsync.core.Err? err the store can't be read; after a fork of kind "usage"
---@return boolean? has_expired some record of it is older than its type's ttl
---@return boolean? is_large it has more than `max_bytes`, or too many of its records aren't in memory: there is nothing else then
function cache:read(call) end
---What is read again and again: a reading, which keeps what the operation or the fragment selects prepared.
---@param call {document: appsync.core.Document, operation_name: string?, fragment: string?}
---@return appsync.core.Reading
function cache:prepare(call) end

---Whether `made_id` may know any.
---@return boolean? has_any, appsync.core.Err? err
function cache:has_ids() end
---Whether this and the following needn't open the store, which may take longer than a frame.
---@return boolean? are_at_hand, appsync.core.Err? err
function cache:ids_are_at_hand() end
---The id that the service has given in the place of one that the application made.
---@param temporary string
---@return string? id nil: there is none, or the same one, appsync.core.Err? err
function cache:made_id(temporary) end
---The key of a record by the service's ids.
---@param key string such as "Todo:1"
---@return string? key nil: there is none, or the same one, appsync.core.Err? err
function cache:made_key(key) end

---What a read of a query finds and what it lacks.
---@param call {document: appsync.core.Document, operation_name: string?, variables: table?}
---@return appsync.Explanation? explanation, appsync.core.Err? err as of `read`
function cache:explain(call) end

---Which fields that a query selects of an object lead to other objects, and by what name the cache has them: two texts for
---each in the order of the response, its response key and the field with its arguments, as of `cache:field`.
---@param call {document: appsync.core.Document, operation_name: string?, variables: table?}
---@param keys string[] response keys that lead from the root to the object
---@param types string[] of each key the __typename of the object that it leads to; "": unknown
---@return string[]? fields none where the keys lead to no object, appsync.core.Err? err
function cache:object_fields(call, keys, types) end

---Everything is nowhere from now on; the core does it in its turn. Throws between `begin` and its end.
---@return true? ok, appsync.core.Err? err
function cache:clear() end
---The same; a RESULT comes when nothing of it is left in the file.
---@return integer? op, appsync.core.Err? err
function cache:wipe() end
---What can't be reached leaves. The RESULT has the number of records that have.
---@return integer? op, appsync.core.Err? err
function cache:collect() end
---What a query reaches stays, by the service's ids, until it is released or the cache closes.
---@param call {document: appsync.core.Document, operation_name: string?, variables: table?}
---@return integer? retention, appsync.core.Err? err as of `execute`
function cache:retain(call) end
---Unknown ones are ignored, and all of them once the client is closed. Never throws.
---@param retention integer
function cache:release(retention) end

---Writes data of an operation, or of the fragment of this name, whose record is at `key`. Like all that writes: it is read
---here at once, and committed by the core; what can't be committed is logged, and then read no more.
---@param call {document: appsync.core.Document, operation_name: string?, fragment: string?, key: string?, variables: table?, data: any, objects: appsync.core.Objects?, merges: appsync.core.Merges?}
---@return true? ok
---@return appsync.core.Err? err of kind "usage": the data hasn't the shape of the document, with the path
function cache:write(call) end
---Empty, for `write`, which fails with code "asked" as long as some of them are open.
---@return appsync.core.Merges
function cache:merges() end
---Those of data that is to be written whose identity the application tells: `write` takes them, and what was told, instead of
---the data.
---@param call table of `write`
---@return appsync.core.Objects? objects nil: there are none
---@return appsync.core.Err? err as of `write`
function cache:objects(call) end
---All fields of a record that have this name, or the one with these arguments: three items for each, the field with its
---arguments, whether it is an entry of its own, and its value, with `__ref`, `__list`, `__json` and `__fields` as in
---csrc/cache/edit_value.h.
---@param key string
---@param field string
---@return any[]? fields, appsync.core.Err? err
function cache:field(key, field) end
---Gives one of them another value, in the same form; `__edits` and `__fields` too.
---@param key string
---@param field string
---@param is_apart boolean
---@param value any nil takes the field away
---@return true? ok, appsync.core.Err? err
function cache:set(key, field, is_apart, value) end

---Edits a list of records without reading it; where none is, nothing happens. `edits`: {__edits = {…}} (csrc/cache/edit_value.h),
---for a list in embedded objects in {__fields = {name = …}}.
---@param key string
---@param field string with its arguments
---@param is_apart boolean
---@param edits table
---@return true? ok, table? err
function cache:edit_list(key, field, is_apart, edits) end
---@param key string
---@param field string? nil: the record
---@return true? ok, appsync.core.Err? err
function cache:evict(key, field) end
---@param object table
---@return string? key nil: it has none
function cache:identify(object) end


---What is written from now on belongs together, until as many `commit`s, or one `drop`, `add_layer` or `settle_layer`.
---@param is_hoped boolean? of the first one: it is an optimistic layer, and is read with all others; else it is for good, and
---what is read in between is what is there without optimistic layers
---@return integer? depth how many are open now, appsync.core.Err? err
function cache:begin(is_hoped) end
---@return true? ok, appsync.core.Err? err then nothing of it was written
function cache:commit() end
---Takes back what was written since the first `begin`, and ends it.
function cache:drop() end

---What was written since `begin` is an optimistic layer above all others, also one that says nothing.
---@return integer? layer, appsync.core.Err? err then there is none
function cache:add_layer() end
---The layer leaves, and what was written since `begin`, if that was called, is kept, in one.
---@param layer integer? nil: there was none
---@return true? ok nil: there is nothing to do for it, appsync.core.Err? err
function cache:settle_layer(layer) end

---@return integer n changes that own writes have made to what is read here
function cache:mark() end
---@param n integer of `mark`
---@return string[] changes "Post:1.title", or the entry of a field with arguments
function cache:changes_since(n) end

---The fields of a response, or of data, that functions of the application merge.
---@class appsync.core.Merges
local merges = {}

---@return integer n
function merges:count() end
---@param i integer from 1
---@return string? field "Query.listPosts"; nil: it was asked for already
function merges:open(i) end
---@param i integer
---@return number n bytes of text that it is about
function merges:size(i) end
---Makes a part of one in steps, as `core.builder` does: a value as of `cache:field`, or the arguments.
---@param i integer
---@param part "existing"|"incoming"|"args"
---@param max_values number at least 1
---@param held table
---@return boolean? is_done nil: it failed
---@return any value nil where nothing exists; the error where it failed
function merges:step(i, part, max_values, held) end
---@param i integer
---@param value any what the field gets, as of `cache:set`; nil: nothing came of it
---@return true? ok
---@return appsync.core.Err? err of kind "usage": it can't be JSON
function merges:tell(i, value) end

---The objects of a response, or of data, whose identity the application tells.
---@class appsync.core.Objects
local objects = {}

---@return integer n
function objects:count() end
---Makes one of them in steps, as `core.builder` does.
---@param i integer from 1
---@param max_values number at least 1
---@param held table
---@return boolean? is_done nil: it failed
---@return any object the error where it failed
function objects:step(i, max_values, held) end
---@param i integer
---@param key string? nil: it has no identity
---@return boolean is_told false: the key isn't UTF-8
function objects:tell(i, key) end

---Has what an operation gives shown, now and whenever it has changed: VIEW events, each after the one before it was taken.
---@param call {document: appsync.core.Document, operation_name: string?, variables: table?, typenames: boolean?}
---@return integer? watch, appsync.core.Err? err as of `execute`
function cache:watch(call) end
---No VIEW comes after it. Unknown ids are ignored.
---@param watch integer
---@return true? ok, appsync.core.Err? err
function cache:unwatch(watch) end
---The last VIEW was taken: the next may come.
---@param watch integer
---@return true? ok, appsync.core.Err? err
function cache:view_taken(watch) end

---A VIEW comes in any case, with what was there when this was called, and says that it was asked for.
---@param watch integer
---@return true? ok, appsync.core.Err? err
function cache:show(watch) end

---What a watch shows.
---@class appsync.core.View
local view = {}

---@return boolean is_whole nothing is missing
---@return boolean is_optimistic something in it is what optimistic layers say
---@return integer n_bytes of its text
function view:state() end
---@return string[] paths of what is missing: the first 100
function view:missing() end
---Makes its value in steps, as `core.builder` does. `memo` is a table of the watch's own, the same for all of its views, each of
---which is made whole: tables of the value before are in the new one wherever nothing in them has changed.
---@param max_values number at least 1
---@param held table
---@param memo table
---@return boolean? is_done nil: it failed; either way the view is over
---@return any value the error where it failed
function view:step(max_values, held, memo) end


---The outbox of this identity, of a client with a store. From the first call on, the core sends what is queued, and QUEUE events
---come for the cache's id:
---
---    what        more                                                                    answered by
---    "state"     state, size, dead, head?, stuck_for, reason?                            (nothing)
---    "headers"   entry, id, call?, document, operation?, mutation, variables, mode       give_headers
---    "conflict"  entry, id, document, operation?, mutation, variables, data?, retries,   resolve
---                in_doubt
---    "answer"    as "outcome"                                                            settle_entry
---    "outcome"   number, entry, id, document?, operation?, mutation, variables, data?,   told
---                err?, rules?, has_layer, is_old
---
---"state": at most once a turn, when it has changed. "headers": of the request that is due; `call` waits for its outcome. "answer":
---no call waits for it, and its optimistic layer waits for settle_entry, as that of a RESULT with `has_layer` does: the application
---puts answers into the cache one after the other, in the order in which they came, and the next "answer" or RESULT comes then.
---"outcome": one that no waiting call got, when its answer is settled, one after the other; `is_old`: of an earlier run.
---@param options {auths: table<string, integer>, headers: table?, asks_headers: boolean?, order: "serial"|"entity", max_tries: integer, resolves_doubt: boolean?, has_resolver: boolean?, has_updates: boolean?} auths: by mode, what is queued in another one waits; headers: of each request; asks_headers: a function gives them, see "headers"; has_updates: the application has functions by root field: layers of what an earlier run has queued stay for them when it is answered, else only those with rules do
---@return true? ok, appsync.core.Err? err
function cache:open_queue(options) end
---The same options again, changed.
---@param options table
---@return true? ok, appsync.core.Err? err
function cache:change_queue(options) end

---Queues a mutation. What was begun with `begin(true)` becomes its optimistic layer, in the same transaction. Its RESULT comes with
---the outcome, or without a network as soon as it is stored: INFO {source, id, entry, queued, status, outcome, has_layer, dead,
---blocked_by}. `cancel` ends the wait; an ERR with `queued` says that the mutation stays in the outbox.
---@param call {document: appsync.core.Document, operation_name: string?, variables: table?, mode: string, headers: table?, own_headers: table?, timeout: number?, idempotent: boolean?, response: table?, rules: table?, own_ids: string?, is_uncached: boolean?, has_update: boolean?, has_layer: boolean?} headers: of its first request, nil: those of the queue, or they are asked for; own_headers: the call's, kept with it; response: the optimistic one; rules: cache_updates as data; own_ids: UUIDs in it that this process has made, one behind the other; has_update: this run has a function for its answer; has_layer: also where nothing was begun
---@return integer? call, appsync.core.Err? err
function cache:enqueue(call) end

---Asks for something in a RESULT:
---
---    what            argument           DATA
---    "list"                             {id, entry, mutation, operation, document, variables, created, attempts, mode, identity,
---                                       state, cause?}, …
---    "dead_letters"                     the same with died and, in cause, outcome and blocked_by
---    "results"       number             {number, id, mutation, variables, data?, err?, notified, finished}, … above that number
---    "status"                           {state, size, dead, head?, stuck_for, reason?}
---    "find"          id                 one of "list" or "dead_letters" with optimistic?, rules?, has_layer
---    "discard"       id                 true; false: there is none
---    "edit"          {id, variables}    likewise
---    "retry"         id                 likewise; what was begun with `begin(true)` becomes its layer
---    "blocked"       id                 ids of the dead letters that wait for this one
---    "bury_all"                         how many became dead letters
---    "wipe"                             how many are gone
---    "adopt"         identity           how many were moved
---@param what string
---@param argument any
---@return integer? call, appsync.core.Err? err
function cache:ask_queue(what, argument) end

---The answer of an entry is in the cache: what was begun is kept, and its layer leaves, in one. Late ones are ignored.
---@param entry integer
---@return true? ok, appsync.core.Err? err
function cache:settle_entry(entry) end
---Somebody was told of an outcome.
---@param outcome integer
---@return true? ok, appsync.core.Err? err
function cache:told(outcome) end
---Answers "conflict".
---@param entry integer
---@param variables table? nil: it is given up
---@return true? ok, appsync.core.Err? err
function cache:resolve(entry, variables) end
---Answers "headers".
---@param entry integer
---@param headers table? nil: they can't be had now
---@param message string?
---@return true? ok, appsync.core.Err? err
function cache:give_headers(entry, headers, message) end

---A query of a delta sync, or its subscription.
---@class appsync.core.SyncPart
---@field document appsync.core.Document
---@field operation_name string?
---@field variables table?
---@field has_update boolean? a function gets each page, or event: "update"
---@field has_page boolean? a function gives the next page's variables: "update" too
---@field limit_variable string? takes the page's size
---@field token_variable string? takes what `nextToken` was

---Begins a delta sync into this cache. SYNC events come with its number, until "end":
---
---    what        more                                                                      answered by
---    "state"     phase, records, pages, bytes, total, estimate?, last_sync?, next_base?,   (nothing)
---                attempts, truncated, ordered, delta_window, network_time, local_time,
---                is_whole, quarantined (ERR: of the last try)
---    "update"    number, part, data, variables?                                            settle_sync, fail_sync
---    "records"   number, records = {{data, deleted}, …}                                    settle_sync, fail_sync
---    "headers"   number, part                                                              give_sync_headers
---    "end"       (ERR says why; nil: it was stopped)                                       (nothing)
---
---"state": at most once a turn, when it has changed. total: records that this run has kept; last_sync, next_base: Unix seconds;
---is_whole: a pass was complete, in this run or an earlier one; quarantined: how many records couldn't be taken. "update": of a
---part with has_update or has_page; part: "base", "delta" or "subscription"; data: of the response; variables: those that the page
---was asked for with, where has_page. "records": those of a page, or an event, that are newer than what was known; with
---has_cache_updates, unless the part has has_update or has_page; or, as of deletions, those that a base pass lacked: where nothing was
---begun for these, they are asked about again. "headers": of the request, or the subscription, that is due; with
---asks_headers.
---
---Where the DATA of an event is large it is what makes it, as of every event.
---@param call {base: appsync.core.SyncPart?, delta: appsync.core.SyncPart?, subscription: appsync.core.SyncPart?, typename: string?, id_fields: string[]?, version_field: string?, ordered: boolean?, interval: number, delta_window: number, last_sync_unit: "s"|"ms"|nil, poll: number, page_size: integer, max_records: integer?, has_cache_updates: boolean?, auth: integer, headers: table?, asks_headers: boolean?} its variables are sent with the service's ids; typename: of the records, where they don't say it; interval, delta_window, poll: seconds
---@return integer? sync, appsync.core.Err? err of kind "usage" with a message for people: an operation has several root fields, …
function cache:sync(call) end
---No event of this sync comes after it. Never throws; unknown ones are ignored.
---@param sync integer
function cache:stop_sync(sync) end
---Takes so many records more than `max_records` has let through.
---@param sync integer
---@param n integer
---@return true? ok, appsync.core.Err? err
function cache:sync_more(sync, n) end
---Answers "update" or "records": what was begun with `begin(false)`, if it was, is kept with the page, in one. Late ones are
---ignored.
---@param sync integer
---@param number integer
---@param more table? the next page's variables, where has_page; nil: there is none
---@return true? ok
---@return appsync.core.Err? err then nothing of what was begun was kept, and the answer is still to come
function cache:settle_sync(sync, number, more) end
---The same where the function raised: what the page itself brings is kept all the same.
---@param sync integer
---@param number integer
---@param message string
---@return true? ok, appsync.core.Err? err
function cache:fail_sync(sync, number, message) end
---Answers "headers".
---@param sync integer
---@param number integer
---@param headers table? nil: they can't be had now
---@param message string?
---@return true? ok, appsync.core.Err? err
function cache:give_sync_headers(sync, number, headers, message) end
---Asks for something of a sync in a RESULT: "quarantined", whose DATA is {{key, reason, seen}, …} in the order of their keys; seen:
---Unix seconds.
---@param sync integer
---@param what "quarantined"
---@return integer? call, appsync.core.Err? err
function cache:ask_sync(sync, what) end
