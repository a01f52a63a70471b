function love.conf(t)
  t.identity = os.getenv "ARENA_IDENTITY" or "love-arena" -- the save folder: two players of one machine need two
  t.window.title = "Arena"
  t.window.width, t.window.height = 640, 480
  t.modules.audio, t.modules.physics = false, false
end
