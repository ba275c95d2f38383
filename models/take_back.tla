----------------------------- MODULE take_back -----------------------------
(* One message in the store `valkey`, while fences fail: updates of several  *)
(* servers, which are taken back after a 503.                                *)
(*                                                                           *)
(* A value is the stack of the claims of its writes: those of changes, and   *)
(* of looks, which write the record again as it is. What the replica has is  *)
(* what the primary had at some time. An update's caller is told when the    *)
(* replica has its claim. After a 503 the server removes its claim, but only *)
(* from the top of the stack; that is over when the replica has it no more.  *)
EXTENDS Naturals, Sequences

CONSTANTS
  Changes,          \* updates that change the record
  Looks,            \* updates that rest on it as it is
  MaxFailovers,
  LooksAreTakenBack \* FALSE: a look with a 503 leaves its claim. Must fail.

VARIABLES
  primary,  \* the claims of the value, the first one at the bottom
  replica,  \* the same, as the replica has them
  state,    \* of each update: "new", "waiting", "told", "undoing", "refused"
  failovers

vars == <<primary, replica, state, failovers>>

Updates == Changes \union Looks

In(update, stack) == \E place \in 1..Len(stack) : stack[place] = update

Above(update, stack) ==
  {stack[place] : place \in {p \in 1..Len(stack) : \E below \in 1..(p - 1) : stack[below] = update}}

Init ==
  /\ primary = <<>>
  /\ replica = <<>>
  /\ state = [update \in Updates |-> "new"]
  /\ failovers = 0

Write(u) == \* also again, if a failover has lost its claim
  /\ state[u] \in {"new", "waiting"}
  /\ ~In(u, primary)
  /\ primary' = Append(primary, u)
  /\ state' = [state EXCEPT ![u] = "waiting"]
  /\ UNCHANGED <<replica, failovers>>

Replicate ==
  /\ replica' = primary
  /\ UNCHANGED <<primary, state, failovers>>

Tell(u) == \* the fence holds
  /\ state[u] = "waiting"
  /\ In(u, primary)
  /\ In(u, replica)
  /\ state' = [state EXCEPT ![u] = "told"]
  /\ UNCHANGED <<primary, replica, failovers>>

Refuse(u) == \* the deadline is over
  /\ state[u] = "waiting"
  /\ state' = [state EXCEPT ![u] = IF u \in Looks /\ ~LooksAreTakenBack THEN "refused" ELSE "undoing"]
  /\ UNCHANGED <<primary, replica, failovers>>

Undo(u) == \* at once, without a fence
  /\ state[u] = "undoing"
  /\ primary # <<>>
  /\ primary[Len(primary)] = u
  /\ primary' = SubSeq(primary, 1, Len(primary) - 1)
  /\ UNCHANGED <<replica, state, failovers>>

Undone(u) == \* the fence holds
  /\ state[u] = "undoing"
  /\ ~In(u, primary)
  /\ ~In(u, replica)
  /\ state' = [state EXCEPT ![u] = "refused"]
  /\ UNCHANGED <<primary, replica, failovers>>

GiveUp(u) == \* nobody above will go: those that could have done so have ended
  /\ state[u] = "undoing"
  /\ In(u, primary)
  /\ Above(u, primary) # {}
  /\ \A other \in Above(u, primary) : state[other] \notin {"waiting", "undoing"}
  /\ state' = [state EXCEPT ![u] = "refused"]
  /\ UNCHANGED <<primary, replica, failovers>>

Failover ==
  /\ failovers < MaxFailovers
  /\ failovers' = failovers + 1
  /\ primary' = replica
  /\ UNCHANGED <<replica, state>>

Next ==
  \/ Replicate
  \/ Failover
  \/ \E u \in Updates : Write(u) \/ Tell(u) \/ Refuse(u) \/ Undo(u) \/ Undone(u) \/ GiveUp(u)

Spec == Init /\ [][Next]_vars

(* What somebody was told rests on claims that stay, wherever a failover may lead. *)
ToldStays == \A u \in Updates : state[u] = "told" => In(u, primary) /\ In(u, replica)

(* A 503 is true, unless somebody was told of what it says has not happened. *)
RefusedIsUndone ==
  \A u \in Changes :
    state[u] = "refused" /\ In(u, primary) => \E other \in Above(u, primary) : state[other] = "told"
=============================================================================
