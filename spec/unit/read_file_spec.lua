-- Everything that the user names as a file is read by one function, which never waits and never reads without end.
local config = require "appsync.config"
local core = require "appsync.core"
local folder = require "spec.support.folder"
local program = require "spec.support.program"
local shared_file = require "appsync.auth.shared_file"

describe("a file that the user names", function()
  local made

  before_each(function()
    made = folder.make { ["a.txt"] = "one\r\n\0two", empty = "" }
    assert(os.execute("mkfifo " .. made.path .. "/pipe"))
    assert(os.execute("ln -s " .. made.path .. "/pipe " .. made.path .. "/link"))
    assert(os.execute("ln -s loop " .. made.path .. "/loop"))
    assert(os.execute("truncate -s 300G " .. made.path .. "/sparse 2>/dev/null || truncate -s 8G " .. made.path .. "/sparse"))
  end)

  after_each(function() made.remove() end)

  it("is its bytes as they are", function()
    assert.equal("one\r\n\0two", core.read_file(made.path .. "/a.txt"))
    assert.equal("", core.read_file(made.path .. "/empty"))
    assert.equal("one\r\n\0two", core.read_file(made.path .. "/a.txt", 9))
  end)

  it("may tell no size, as the kernel's do", function()
    assert.matches("Name:", core.read_file("/proc/self/status"))
  end)

  it("may be the null device, as an empty one", function()
    assert.equal("", core.read_file("/dev/null"))
  end)

  it("isn't read when it waits or has no end", function()
    for name, why in pairs { ["/dev/zero"] = "it is a device, not a file", ["/dev/urandom"] = "it is a device, not a file",
      [made.path .. "/pipe"] = "it is a pipe, not a file", [made.path .. "/link"] = "it is a pipe, not a file",
      [made.path] = "Is a directory", [made.path .. "/sparse"] = "it is larger than 64 MB",
      [made.path .. "/loop"] = "Too many levels of symbolic links" } do
      local text, err = core.read_file(name)
      assert.is_nil(text)
      assert.equal(name .. ": " .. why, err.message)
      assert.not_equal("missing", err.code)
    end
  end)

  it("isn't read without a descriptor, which isn't its fault", function()
    local output = program(([[
      local core, config, held = require "appsync.core", require "appsync.config", {}
      repeat held[#held + 1] = io.open("/dev/null") until #held > 100 or not io.open("/dev/null")
      local path = "%s/a.txt"
      local text, failure = core.read_file(path)
      print(text, failure.kind, failure.code, failure.message)
      local _, err = config.load(path)
      print(err.kind, err.code, err.message)
    ]]):format(made.path), "ulimit -n 64;")
    local said = made.path .. "/a.txt: Too many open files"
    assert.equal(("nil\tsystem\tdescriptors\t%s\nsystem\tdescriptors\t%s\n"):format(said, said), output)
  end)

  it("isn't read above its bound", function()
    local text, err = core.read_file(made.path .. "/a.txt", 8)
    assert.is_nil(text)
    assert.same({ made.path .. "/a.txt: it is larger than 8 bytes", "too_big" }, { err.message, err.code })
    assert.matches("it is larger than 10 bytes", select(2, core.read_file("/proc/self/status", 10)).message)
  end)

  it("is told apart when nothing is there", function()
    for _, path in ipairs { made.path .. "/b", made.path .. "/a.txt/b" } do
      local text, err = core.read_file(path)
      assert.is_nil(text)
      assert.equal(path .. ": ", err.message:sub(1, #path + 2))
      assert.equal("missing", err.code)
    end
  end)

  it("is named in full, however long its name is", function()
    local path = made.path .. ("/a%s"):rep(100)
    assert.equal(path .. ": No such file or directory", select(2, core.read_file(path)).message)
  end)

  it("has a name without a zero byte, and a bound that is a size", function()
    assert.is_false(pcall(core.read_file, "a\0b"))
    assert.is_false(pcall(core.read_file, "a", -1))
    assert.is_false(pcall(core.read_file, "a", 1e300))
    assert.is_false(pcall(core.read_file))
  end)

  it("may be a client's configuration, which is refused as any other", function()
    for name, why in pairs { pipe = "it is a pipe", link = "it is a pipe", sparse = "it is larger than 16 MB", empty = "the file is empty" } do
      local settings, err = config.load(made.path .. "/" .. name)
      assert.is_nil(settings)
      assert.same({ "usage", "config" }, { err.kind, err.code })
      assert.matches(why, err.message, 1, true)
    end
    assert.matches("it is a device", select(2, config.load("/dev/zero")).message, 1, true)
    assert.matches("control character", select(2, config.load("a\0b")).message, 1, true)
  end)

  it("may be one of the AWS tools', which are told when they can't be read", function()
    local function get(path)
      return shared_file { getenv = function(name)
        return ({ AWS_SHARED_CREDENTIALS_FILE = path, AWS_CONFIG_FILE = "/dev/null" })[name]
      end }:get()
    end
    local credentials, err = get(made.path .. "/pipe")
    assert.is_nil(credentials)
    assert.equal(('profile "default" can\'t be read; %s/pipe: it is a pipe, not a file'):format(made.path), err.message)
    assert.matches("larger than 1 MB", select(2, get(made.path .. "/sparse")).message, 1, true)
    assert.matches("is in none of the files", select(2, get(made.path .. "/none")).message, 1, true)
    assert.matches("is in none of the files", select(2, get("/dev/null")).message, 1, true)
  end)
end)
