// Service workers of this origin. This service registers none. One that is there was registered by somebody else's page
// or by stolen access; it gets every request of this page, and can answer with scripts of its own.

/** Whether there are any. */
export async function hasServiceWorkers() {
  return (await registrations()).length > 0;
}

/** Remove all of them, and load the page again without them. */
export async function removeServiceWorkers() {
  for (const registration of await registrations()) await registration.unregister();
  location.reload();
}

async function registrations() {
  try {
    return await navigator.serviceWorker.getRegistrations();
  } catch {
    return []; // the browser has none, or forbids them here
  }
}
