// The reader's lease: for a minute after a read, the service hands out the message again to the same idempotency key.
// For that minute, this tab keeps what a reload needs: the link's secret and the idempotency key.

import { getItem, setItem } from "./storage.js";

const STORAGE_KEY = "lease";
const LEASE_MILLISECONDS = 60_000; // as long as the service's own lease

/**
 * A lease, which ends at a Unix time in milliseconds; `isForMore`: others can read the message, too.
 *
 * @typedef {{ secret: string, idempotencyKey: string, isForMore: boolean, expiresAt: number }} Lease
 */

/**
 * Start the lease, before the message is asked for. Asking again with the same idempotency key does not prolong it.
 *
 * @param {Omit<Lease, "expiresAt">} read with the link's secret, in base64url
 */
export function startLease(read) {
  const lease = { ...read, expiresAt: Date.now() + LEASE_MILLISECONDS };
  if (leaseOf(read.secret)?.idempotencyKey !== read.idempotencyKey)
    setItem("sessionStorage", STORAGE_KEY, JSON.stringify(lease));
  setTimeout(currentLease, leaseMillisecondsLeft()); // which removes the lease when it has expired
}

export function endLease() {
  setItem("sessionStorage", STORAGE_KEY, null);
}

/** The current lease; null if it is not of this secret. @param {string} secret */
export function leaseOf(secret) {
  const lease = currentLease();
  return lease?.secret === secret ? lease : null;
}

/** The secret of the current lease; null without a lease. */
export function leasedSecret() {
  return currentLease()?.secret ?? null;
}

export function leaseMillisecondsLeft() {
  return Math.max(0, (currentLease()?.expiresAt ?? 0) - Date.now());
}

/** @returns {Lease | null} */
function currentLease() {
  const lease = JSON.parse(getItem("sessionStorage", STORAGE_KEY) ?? "null");
  if (lease && lease.expiresAt > Date.now()) return lease;
  endLease();
  return null;
}
