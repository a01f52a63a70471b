local folder = require("spec.support.folder")
local native = require("appsync.server.native")

describe("the file system as the local server asks it:", function()
  local made

  before_each(function()
    made = folder.make({ ["a.txt"] = "one", ["inner/b.txt"] = "two" })
  end)

  after_each(function() made.remove() end)

  it("a stamp stays as long as the file does, and tells what it is", function()
    local stamp, kind = native.file_stamp(made.path .. "/a.txt")
    assert.equal("file", kind)
    assert.equal(stamp, (native.file_stamp(made.path .. "/a.txt")))
    assert.equal("folder", select(2, native.file_stamp(made.path)))
    assert.equal("other", select(2, native.file_stamp("/dev/null")))
  end)

  it("a stamp changes with the size, with another file in its place, and a folder's with its names", function()
    local path = made.path .. "/a.txt"
    local before, of_folder = native.file_stamp(path), native.file_stamp(made.path)
    made.write("a.txt", "longer")
    local after = native.file_stamp(path)
    assert.not_equal(before, after)
    made.write("c.txt", "longer")
    assert.not_equal(of_folder, (native.file_stamp(made.path)))
    assert(os.rename(made.path .. "/c.txt", path))
    assert.not_equal(after, (native.file_stamp(path)))
  end)

  it("a name with a zero byte is no name, rather than that of another file", function()
    assert.has_error(function() native.file_stamp(made.path .. "\0/a.txt") end)
    assert.has_error(function() native.list_folder(made.path .. "\0") end)
    assert.has_error(function() native.sqlite_open(made.path .. "/a.db\0") end)
  end)

  it("a folder's names are listed", function()
    local names = native.list_folder(made.path)
    table.sort(names)
    assert.same({ "a.txt", "inner" }, names)
  end)

  it("what isn't there has a message with its name", function()
    assert.same({ n = 2, [2] = "/nowhere: No such file or directory" }, { n = select("#", native.file_stamp("/nowhere")),
      native.file_stamp("/nowhere") })
    assert.equal("/nowhere: No such file or directory", select(2, native.list_folder("/nowhere")))
    assert.equal(made.path .. "/a.txt: Not a directory", select(2, native.list_folder(made.path .. "/a.txt")))
  end)

  it("a file is no terminal", function()
    assert.is_false(native.is_terminal(99))
  end)

  it("misuse throws", function()
    assert.is_false(pcall(native.file_stamp))
    assert.is_false(pcall(native.list_folder, {}))
    assert.is_false(pcall(native.is_terminal, "x"))
  end)
end)
