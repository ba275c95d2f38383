"""The store `valkey`: messages in Valkey or Redis, for many servers behind a balancer.

- `store.py`: the store; `update.py`: one command on one key, from its first look to a certain outcome.
- `stored_value.py`: the value of a key: a record, and the tokens of the writes that it rests on.
- `compare_and_set.py` and its `.lua`: the one way in which a key changes.
- `group_commit.py`: waiting commands are sent as one pipeline; `fence.py`: the fence that makes them safe.
- `primary.py`: the two connections to a primary, opened anew when they fail; `connection.py`: one of them.
- `topology.py`: where the primary of a key is, also by Sentinel; `cluster.py`: by Cluster; `url.py`: the settings.
- `shared_limits.py`, `admit.lua`, `give_back_miss.lua`: the limits over all servers.
- `engine.py`: the engine's kind, the promises that its settings keep, and its clock; `memory_watch.py`: its memory.
- `take_back.py`: an update without an outcome is taken back; `lease_sweep.py`, `lease_ends.py`: ends that servers see.
"""
