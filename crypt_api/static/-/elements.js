// The page's elements by their ids.

/** @type {{ [id: string]: any }} */
export const elements = new Proxy({}, { get: (_, id) => document.getElementById(String(id)) });
