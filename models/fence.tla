------------------------------- MODULE fence -------------------------------
(* One plain message in the store `valkey`: a primary and a replica that may *)
(* be behind, failovers, and readers with idempotency keys who ask again.    *)
(*                                                                           *)
(* A read is a compare-and-set on the primary, which reaches the replica     *)
(* later. Nobody is answered before the fence: the replica has the write.    *)
EXTENDS FiniteSets, Naturals

CONSTANTS
  Readers,        \* each has an idempotency key of its own
  MaxFailovers,
  RepeatIsFenced  \* FALSE: who holds the lease already is answered at once. Must fail.

VARIABLES
  primary,   \* whose lease the primary has: "nobody" (unread), or a reader
  replica,   \* the same, as the replica has it
  written,   \* whether the primary has written since the replica was level
  waiting,   \* the readers whose request waits for its fence
  shown,     \* the readers who were answered with the message
  failovers

vars == <<primary, replica, written, waiting, shown, failovers>>

Init ==
  /\ primary = "nobody"
  /\ replica = "nobody"
  /\ written = FALSE
  /\ waiting = {}
  /\ shown = {}
  /\ failovers = 0

Read(r) ==
  \/ /\ primary = "nobody"
     /\ primary' = r
     /\ written' = TRUE
     /\ waiting' = waiting \union {r}
     /\ UNCHANGED <<replica, shown, failovers>>
  \/ /\ primary = r
     /\ IF RepeatIsFenced
        THEN /\ written' = TRUE \* the row is written again, so that the fence covers it
             /\ waiting' = waiting \union {r}
             /\ UNCHANGED shown
        ELSE /\ shown' = shown \union {r}
             /\ UNCHANGED <<written, waiting>>
     /\ UNCHANGED <<primary, replica, failovers>>

Replicate ==
  /\ replica' = primary
  /\ written' = FALSE
  /\ UNCHANGED <<primary, waiting, shown, failovers>>

Answer(r) == \* the fence holds
  /\ r \in waiting
  /\ ~written
  /\ replica = r
  /\ shown' = shown \union {r}
  /\ waiting' = waiting \ {r}
  /\ UNCHANGED <<primary, replica, written, failovers>>

Failover == \* the replica is promoted, and every request that waits fails
  /\ failovers < MaxFailovers
  /\ failovers' = failovers + 1
  /\ primary' = replica
  /\ written' = FALSE
  /\ waiting' = {}
  /\ UNCHANGED <<replica, shown>>

Next == Replicate \/ Failover \/ \E r \in Readers : Read(r) \/ Answer(r)

Spec == Init /\ [][Next]_vars

OneReader == Cardinality(shown) <= 1

(* Whoever was answered holds the lease wherever a failover may lead. *)
TakenBeforeShown == \A r \in shown : primary = r /\ replica = r
=============================================================================
