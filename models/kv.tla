-------------------------------- MODULE kv --------------------------------
(* One plain message in the Worker's store `kv`: its payload in KV, its      *)
(* record in a shard, and readers who may die at any step.                   *)
(*                                                                           *)
(* A step of the shard is one action here: the platform commits it at once.  *)
(* A replica of KV that lags shows no payload, as often as it likes.         *)
EXTENDS FiniteSets, Naturals

CONSTANTS
  Readers,
  GrantFirst \* TRUE: the read is granted before the payload is fetched. Must fail.

VARIABLES
  payload, \* what KV has: "none", "there", "deleted"
  record,  \* what the shard has: "none", "unread", "gone"
  sender,  \* "idle", "stored", "told", "dead"
  reader,  \* of each reader: what it knows, or how it ended
  taken    \* the readers whom the shard has granted the read

vars == <<payload, record, sender, reader, taken>>

Ended == {"shown", "refused", "unavailable", "dead"}

Init ==
  /\ payload = "none"
  /\ record = "none"
  /\ sender = "idle"
  /\ reader = [r \in Readers |-> "idle"]
  /\ taken = {}

(* The sender: first the payload, then the id. *)

StorePayload ==
  /\ sender = "idle"
  /\ payload' = "there"
  /\ sender' = "stored"
  /\ UNCHANGED <<record, reader, taken>>

TakeId ==
  /\ sender = "stored"
  /\ record' = "unread"
  /\ sender' = "told"
  /\ UNCHANGED <<payload, reader, taken>>

SenderDies ==
  /\ sender \in {"idle", "stored"}
  /\ sender' = "dead"
  /\ UNCHANGED <<payload, record, reader, taken>>

(* A reader: ask for the key, fetch the payload, claim the read. *)

Grant(r) ==
  /\ record' = "gone"
  /\ taken' = taken \union {r}

Ask(r) ==
  /\ reader[r] = "idle"
  /\ IF record /= "unread"
     THEN reader' = [reader EXCEPT ![r] = "refused"] /\ UNCHANGED <<record, taken>>
     ELSE /\ reader' = [reader EXCEPT ![r] = "has key"]
          /\ IF GrantFirst THEN Grant(r) ELSE UNCHANGED <<record, taken>>
  /\ UNCHANGED <<payload, sender>>

Fetch(r) ==
  /\ reader[r] = "has key"
  /\ \/ payload = "there" /\ reader' = [reader EXCEPT ![r] = "has payload"]
     \/ reader' = [reader EXCEPT ![r] = "unavailable"] \* the replica lags
  /\ UNCHANGED <<payload, record, sender, taken>>

Claim(r) ==
  /\ reader[r] = "has payload"
  /\ IF r \in taken \/ record = "unread"
     THEN Grant(r) /\ reader' = [reader EXCEPT ![r] = "granted"]
     ELSE reader' = [reader EXCEPT ![r] = "refused"] /\ UNCHANGED <<record, taken>>
  /\ UNCHANGED <<payload, sender>>

Show(r) ==
  /\ reader[r] = "granted"
  /\ reader' = [reader EXCEPT ![r] = "shown"]
  /\ UNCHANGED <<payload, record, sender, taken>>

AskAgain(r) == \* after a 503
  /\ reader[r] = "unavailable"
  /\ reader' = [reader EXCEPT ![r] = "idle"]
  /\ UNCHANGED <<payload, record, sender, taken>>

Die(r) ==
  /\ reader[r] \notin Ended
  /\ reader' = [reader EXCEPT ![r] = "dead"]
  /\ UNCHANGED <<payload, record, sender, taken>>

DeletePayload == \* after the answer
  /\ record = "gone"
  /\ \E r \in taken : reader[r] \in Ended \union {"granted"}
  /\ payload' = "deleted"
  /\ UNCHANGED <<record, sender, reader, taken>>

Next ==
  \/ StorePayload \/ TakeId \/ SenderDies \/ DeletePayload
  \/ \E r \in Readers : Ask(r) \/ Fetch(r) \/ Claim(r) \/ Show(r) \/ AskAgain(r) \/ Die(r)

Spec == Init /\ [][Next]_vars

OneReader == Cardinality({r \in Readers : reader[r] = "shown"}) <= 1

TakenBeforeShown == (\E r \in Readers : reader[r] = "shown") => record = "gone"

(* What was acknowledged is there for a reader, or a reader has it, or the reader who had it is dead. *)
NothingLost ==
  sender = "told" =>
    \/ record = "unread" /\ payload = "there"
    \/ \E r \in taken : reader[r] \in {"has key", "has payload", "granted", "shown", "dead"}
=============================================================================
