"""What the service's user has to be allowed in Redis, and what it had better not be.

Law: nothing here changes anything, so that the doctor may try it.  Redis checks a user's rights when a command is
put into a transaction, and the transaction is then thrown away.
"""

from jobindex.store import keys
from jobindex.store.keys import key

_NONE = "jobindex-doctor"
_NODES, _FINISHED = key(keys.NODES), key(keys.FINISHED)
_STATE, _TOKEN, _CHANGES = key(keys.STATE, _NONE), key(keys.TOKEN, _NONE), key(keys.CHANGES)

NEEDED: dict[str, tuple[str, ...]] = {
    "acl|whoami": (),
    "del": (_TOKEN,),
    "evalsha": ("0" * 40, "0"),
    "exists": (_TOKEN,),
    "get": (_TOKEN,),
    "hdel": (_NODES, _NONE),
    "hget": (_NODES, _NONE),
    "hgetall": (_NODES,),
    "hlen": (_NODES,),
    "hmget": (_NODES, _NONE),
    "hscan": (_NODES, "0"),
    "hset": (_NODES, _NONE, ""),
    "hsetnx": (_NODES, _NONE, ""),
    "incr": (_TOKEN,),
    "info": ("server",),
    "mget": (_TOKEN,),
    "pexpire": (_TOKEN, "1"),
    "ping": (),
    "pttl": (_TOKEN,),
    "sadd": (_STATE, _NONE),
    "scan": ("0", "MATCH", _TOKEN, "COUNT", "1"),
    "script|load": ("return 1",),
    "set": (_TOKEN, "", "PX", "1"),
    "smembers": (_STATE,),
    "srem": (_STATE, _NONE),
    "sscan": (_STATE, "0"),
    "time": (),
    "type": (_TOKEN,),
    "unlink": (_TOKEN,),
    "xadd": (_CHANGES, "NOMKSTREAM", "*", "kind", _NONE),
    "xlen": (_CHANGES,),
    "xrange": (_CHANGES, "-", "+", "COUNT", "1"),
    "xread": ("COUNT", "1", "STREAMS", _CHANGES, "0"),
    "xrevrange": (_CHANGES, "+", "-", "COUNT", "1"),
    "zadd": (_FINISHED, "0", _NONE),
    "zcard": (_FINISHED,),
    "zrange": (_FINISHED, "0", "0"),
    "zrem": (_FINISHED, _NONE),
    "zremrangebyscore": (_FINISHED, "-1", "-1"),
    "zscan": (_FINISHED, "0"),
    "zscore": (_FINISHED, _NONE),
}
"""By command: arguments of the kind that the service gives it."""

CONNECTING = frozenset({"auth", "discard", "exec", "hello", "multi", "select"})
"""What a connection itself needs; whoever lacks these can't even be asked."""

BEYOND: dict[str, tuple[str, ...]] = {
    "config|get": ("maxmemory",),
    "keys": (_TOKEN,),
    "acl|users": (),
    "client|list": (),
    "exists of a key that is not the index's": (_NONE,),
}
"""What no index needs: each would show this user what is another's, and stands for its like that change things."""


def words(command: str) -> list[str]:
    """The command as it is sent: `acl|whoami` is two words, and what follows a space is for the reader."""
    return command.split(" ")[0].split("|")
