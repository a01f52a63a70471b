-- Everything that nobody holds is gone after this, finalizers included.
return function()
  if jit then jit.flush() end -- a compiled trace holds the closures that it was compiled for
  for _ = 1, 4 do collectgarbage() end
end
