-- Are the simulations of spec/csrc/sync any good? Each fault below is planted into a copy of one file, one line changed, and has
-- to be found within N schedules. A line that isn't there any more, once, fails too: the list is to follow the code.
-- usage: make -s build/simulation/outbox_soak && N=10000 SEED=1 ONLY_FIRST=3 BUILD=build lua spec/soak/planted.lua
local N = tonumber(os.getenv "N") or 10000
local SEED = tonumber(os.getenv "SEED") or 1
local ONLY_FIRST = tonumber(os.getenv "ONLY_FIRST") or math.huge
local BUILD = os.getenv "BUILD" or "build"
local CC = os.getenv "CC" or "cc"
local OUT = BUILD .. "/simulation"

local DELIVERY, OUTBOX, ORDER = "csrc/sync/delivery.c", "csrc/sync/outbox.c", "csrc/sync/entity_order.c"
local VERDICT, IN_DOUBT, SAFETY = "csrc/proto/verdict.c", "csrc/sync/in_doubt.c", "csrc/sync/safety.c"

-- The file, what stands there, what is planted.
local FAULTS = {
  { DELIVERY, "[APS_RESEND_NEVER] = GIVE_UP", "[APS_RESEND_NEVER] = SEND_AGAIN" },
  { OUTBOX, "if (!item->is_new) continue;", "continue;" },
  { ORDER, "if (is_barrier) break;", "" },
  { DELIVERY, "[APS_RESEND_VERSIONED] = LOOK_FIRST", "[APS_RESEND_VERSIONED] = SEND_AGAIN" },
  { DELIVERY, "[APS_RESEND_IDENTIFIED] = LOOK_FIRST", "[APS_RESEND_IDENTIFIED] = SEND_AGAIN" },
  { DELIVERY, "[APS_RESEND_AT_ONCE] = APS_DELIVERY_ENDED_UNKNOWN", "[APS_RESEND_AT_ONCE] = APS_DELIVERY_ENDED_REFUSED" },
  { DELIVERY, "\tdelivery->is_in_doubt = true;\n", "" },
  { DELIVERY, "delivery->is_marked = delivery->is_in_doubt;", "delivery->is_marked = false;" },
  { DELIVERY, "return delivery->is_in_doubt ? APS_DELIVERY_ENDED_UNKNOWN : outcome;", "return outcome;" },
  { DELIVERY, "if (kind == APS_DELIVERY_ON_SEEN_APPLIED) return end(delivery, APS_DELIVERY_ENDED_DONE);",
    "if (kind == APS_DELIVERY_ON_SEEN_APPLIED) return end(delivery, APS_DELIVERY_ENDED_REFUSED);" },
  { DELIVERY, "kind == APS_DELIVERY_ON_SEEN_EARLY)\n\t\treturn end(delivery, APS_DELIVERY_ENDED_UNKNOWN);",
    "kind == APS_DELIVERY_ON_SEEN_EARLY)\n\t\treturn end(delivery, APS_DELIVERY_ENDED_REFUSED);" },
  { DELIVERY, "if (kind == APS_DELIVERY_ON_SEEN_SEND && !is_refused) return send", "if ((kind == APS_DELIVERY_ON_SEEN_SEND || kind == APS_DELIVERY_ON_SEEN_EARLY) && !is_refused) return send" },
  { DELIVERY, "is_ending ? APS_DELIVERY_HELD : APS_DELIVERY_QUEUED", "APS_DELIVERY_QUEUED" },
  { DELIVERY, "if (delivery->is_marked && !looks_first(delivery))\n\t\treturn move_to", "return move_to" },
  { DELIVERY, "delivery->n_counted >= options->max_tries", "delivery->n_counted > 1000000" },
  { DELIVERY, "return end(delivery, delivery->outcome);", "return end(delivery, APS_DELIVERY_ENDED_DONE);" },
  { DELIVERY, "delivery->is_marked = delivery->is_in_doubt = true;", "delivery->is_marked = true;" },
  { DELIVERY, "if (DOUBT_PLANS[resend] == GIVE_UP) return end", "if (0) return end" },
  { DELIVERY, "case APS_DELIVERY_NO_AUTH: return false;", "case APS_DELIVERY_SENDING: return false;" },
  { DELIVERY, "case APS_DELIVERY_STORE_MARK:\n", "" },
  { DELIVERY, "case APS_DELIVERY_STORE_REWRITE:\n", "" },
  { DELIVERY, "case APS_DELIVERY_STORE_FINISH:\n", "" },
  { DELIVERY, "case APS_DELIVERY_STORE_BURY: return true;", "return true;" },
  { DELIVERY, "if (looks_first(delivery)) return look_for(delivery, event->kind);", "" },
  { DELIVERY, "if (delivery->is_in_doubt) return end(delivery, OUTCOMES_IN_DOUBT[delivery->resend]);", "" },
  { DELIVERY, "is_done ? APS_DELIVERY_STORE_FINISH : APS_DELIVERY_STORE_BURY", "APS_DELIVERY_STORE_FINISH" },
  { DELIVERY, "delivery->n_rounds++;", "" },
  { DELIVERY, "[APS_DELIVERY_ON_DUE] = IN(WAITING) | IN(NO_AUTH)", "[APS_DELIVERY_ON_DUE] = IN(NO_AUTH)" },
  { DELIVERY, "{LOOK_FOR_RECORD, ASK_RESOLVER},", "{ASK_RESOLVER, ASK_RESOLVER}," },
  { OUTBOX, "item->waits_for = info->waits_for;", "" },
  { OUTBOX, "item->waits_for = 0;", "" },
  { OUTBOX, "if (outcome != APS_DELIVERY_ENDED_DONE) item->blocked_by = number;", "" },
  { OUTBOX, "if (!has_room || item->waits_for != 0 ||", "if (!has_room ||" },
  { OUTBOX, "item->is_new = !info->is_marked;", "" },
  { OUTBOX, "store_held(outbox);\n\t\tdo", "do" },
  { OUTBOX, "if (item->mode == mode && !has_ended(item)) is_wanted = false;", ";" },
  { OUTBOX, "return outbox->is_drained[info->mode] && item_of_mode(outbox, info->mode) == NULL;", "return outbox->is_drained[info->mode];" },
  { OUTBOX, "return outbox->is_drained[info->mode] && item", "return item" },
  { OUTBOX, "outbox->scanned = 0;\n\toutbox->is_scanned", "outbox->is_scanned" },
  { OUTBOX, "memset(outbox->is_drained, 0, sizeof outbox->is_drained);", "" },
  { OUTBOX, "aps_entity_order_end(&outbox->entities, item->number);\n\trelease", "release" },
  { OUTBOX, "return aps_entity_order_add_started(", "return aps_entity_order_add(" },
  { OUTBOX, "release_dependents(outbox, number, APS_DELIVERY_ENDED_NONE);", "" },
  { OUTBOX, "|| info->waits_for != 0 || info->blocked_by != 0)\n\t\treturn false;", ")\n\t\treturn false;" },
  { OUTBOX, "is_serial(outbox) || n_at_service < APS_OUTBOX_AT_ONCE", "true" },
  { OUTBOX, "outbox->is_drained[info->mode] = false;\n\treturn rc;", "return rc;" },
  { OUTBOX, "*may_start = number == info->number;", "*may_start = number != 0;" },
  { ORDER, "is_barrier ? i == 0 && order->n_started == 0 :", "is_barrier ? true :" },
  { ORDER, "\t\tpass(order, passed, i);\n", "" },
  { ORDER, "if (all[i].n == 0) return false;", "" },
  { OUTBOX, "return is_ending && item->is_stored;", "return is_ending;" },
  { OUTBOX, "\t\ttake_back(outbox, item->number);\n", "" },
  { OUTBOX, "item->is_stored = true;\n\treturn true;", "return true;" },
  { OUTBOX, "item->is_new = item->is_stored = true;", "item->is_stored = true;" },
  { OUTBOX, "item->is_new = item->is_stored = true;", "item->is_new = true;" },
  { OUTBOX, "if (!scan_hand(outbox)) return false;\n", "" },
  { OUTBOX, "if (item->is_new && item->delivery.state == APS_DELIVERY_QUEUED) drop_item(outbox, item);", "" },
  { ORDER, "\t\t\tis_free = false;\n", "" },
  { ORDER, "entry->is_started = false;", "" },
  { ORDER, "if (entry->holds || entry->n == 0 ||", "if (entry->n == 0 ||" },
  { ORDER, "if (entry->holds || entry->n == 0 || n_behind == 0 || all[0].n == 0 || entry == all) order->is_settled = false;", "" },
  { ORDER, "all[holder - 1].holds = true;", "" },
  { VERDICT, "if (q->sent) return APS_VERDICT_DOUBT;", "" },
  { VERDICT, "default: return status >= 500 ? APS_VERDICT_DOUBT : APS_VERDICT_LATER;", "default: return APS_VERDICT_LATER;" },
  { VERDICT, "case APS_FAMILY_UNCLEAR: return APS_VERDICT_DOUBT;", "case APS_FAMILY_UNCLEAR: return APS_VERDICT_REFUSED;" },
  { VERDICT, "if (tally.n_errors == 0) return APS_VERDICT_DOUBT;", "if (tally.n_errors == 0) return APS_VERDICT_REFUSED;" },
  { VERDICT, 'if (aps_str_is(source, "Lambda") || aps_str_is(source, "Http")) return APS_VERDICT_DOUBT;', "" },
  { VERDICT, "if (!fault->is_object) return APS_VERDICT_DOUBT;", "" },
  { VERDICT, "if (q->code == APS_E_AUTH) return APS_VERDICT_AUTH;", "if (q->code == APS_E_AUTH) return APS_VERDICT_DONE;" },
  { VERDICT, "if (q->status == 401 && !is_forbidden) return APS_VERDICT_AUTH;", "if (q->status == 401 && !is_forbidden) return APS_VERDICT_DONE;" },
  { VERDICT, "if (tally.is_below) return APS_VERDICT_DONE;", "return APS_VERDICT_DONE;" },
  { VERDICT, "if (q->status == 429) return APS_VERDICT_LATER;", "if (q->status == 429) return APS_VERDICT_DONE;" },
  { VERDICT, "case 422: return APS_VERDICT_REFUSED;", "case 422: return APS_VERDICT_DONE;" },
  { IN_DOUBT, "if (version == q->safety->version) return APS_IN_DOUBT_SEND;", "if (version == q->safety->version) return APS_IN_DOUBT_APPLIED;" },
  { IN_DOUBT, "if (version != q->safety->version + 1) return APS_IN_DOUBT_UNKNOWN;", "if (version > q->safety->version + 1) return APS_IN_DOUBT_APPLIED;" },
  { IN_DOUBT, "return c.is_same && c.n_shown != 0 ? APS_IN_DOUBT_APPLIED : APS_IN_DOUBT_UNKNOWN;", "return APS_IN_DOUBT_APPLIED;" },
  { IN_DOUBT, "return q.is_delete ? APS_IN_DOUBT_APPLIED : APS_IN_DOUBT_SEND;", "return APS_IN_DOUBT_APPLIED;" },
  { SAFETY, "struct aps_safety safety = {.class = APS_SAFETY_NOT_SAFE};", "struct aps_safety safety = {.class = APS_SAFETY_IDEMPOTENT};" },
  { SAFETY, "return q->n_made != 0;", "return true;" },
}

local function sh(command)
  local ok, _, code = os.execute(command)
  return ok == true or ok == 0, code
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function planted(text, find, with)
  local first, last = text:find(find, 1, true)
  if not first or text:find(find, last + 1, true) then return nil end
  return text:sub(1, first - 1) .. with .. text:sub(last + 1)
end

local function build(path, text)
  local file = assert(io.open(OUT .. "/planted.c", "wb"))
  file:write(text)
  file:close()
  local compile = ("%s -std=c11 -O1 -w -DAPS_TESTING -D_GNU_SOURCE -Icsrc -c %s/planted.c -o %s/planted.o"):format(CC, OUT, OUT)
  local object = OUT .. "/obj/" .. path:gsub("%.c$", ".o")
  local link = ("%s $(find %s/obj -name '*.o' | grep -v -F %s) %s/planted.o -lm -o %s/planted"):format(CC, OUT, object, OUT, OUT)
  return sh(compile .. " && " .. link)
end

-- nil, or what is wrong.
local function try(fault)
  local path, find, with = fault[1], fault[2], fault[3]
  local text = planted(read(path), find, with)
  if not text then return "isn't there once" end
  if not build(path, text) then return "doesn't build" end
  local log = OUT .. "/planted.log"
  if sh(("N=%d SEED=%d timeout 120 %s/planted > %s 2>&1"):format(N, SEED, OUT, log)) then return "isn't found" end
  local found = read(log):match "%(schedule (%d+)%)"
  fault.found = found and tonumber(found) or "it crashes"
  return nil
end

local n_failed, n = 0, math.min(#FAULTS, ONLY_FIRST)
for i = 1, n do
  local fault = FAULTS[i]
  local wrong = try(fault)
  if wrong then
    n_failed = n_failed + 1
    print(("%s: %q: %s"):format(fault[1], fault[2], wrong))
  elseif ONLY_FIRST == math.huge then
    print(("%s: %q: schedule %s"):format(fault[1], fault[2]:match "[^\n]*", fault.found))
  end
end
print(("planted: %d faults, %d not found in %d schedules from SEED=%d"):format(n, n_failed, N, SEED))
os.exit(n_failed == 0 and 0 or 1)
