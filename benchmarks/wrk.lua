-- Prints what `load.py` reads: microseconds, bytes and counts of one run of wrk.
-- Where PAUSE_MS is set, each connection waits about so long before it asks again.
local pause = tonumber(os.getenv("PAUSE_MS") or "")
if pause then
  delay = function()
    return math.random(pause / 2, pause * 3 / 2)
  end
end

done = function(summary, latency, requests)
  local failed = 0
  for _, count in pairs(summary.errors) do failed = failed + count end
  io.write(string.format("\nread: %d %d %d %d %d %d %d %d\n", summary.requests, summary.bytes, summary.duration, failed,
    latency:percentile(50), latency:percentile(95), latency:percentile(99), latency.max))
end

-- Where UNLIKE is set, each request is told from all others, as no poll is.
if os.getenv("UNLIKE") then
  local number = 0
  request = function()
    number = number + 1
    wrk.headers["X-Number"] = tostring(number)
    return wrk.format()
  end
end
