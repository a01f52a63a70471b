-- examples/offline: what a process that was killed has queued is sent by the next one.
local process = require "spec.support.process"

describe("examples/offline", function()
  it("is a demo that is killed while it is offline, and sends its notes when it is started again", function()
    local log = process.temporary ".log"
    local ok = os.execute("examples/offline/demo >" .. log .. " 2>&1")
    local output = process.read(log)
    assert.is_true(ok == true or ok == 0, output)
    assert.truthy(output:find("queued: buy milk\nqueued: call Ann\nwaiting: buy milk\nwaiting: call Ann\n.*sent: buy milk\nsent: call Ann\n"), output)
    assert.truthy(output:find("demo: 2 notes, queued by a process that was killed, are sent", 1, true))
  end)
end)
