// Files that are sent or saved.

/** A file's name without characters that could mislead the eye or lead to another folder. @param {string} name */
export function safeFileName(name) {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}/\\:]/gu, "").replace(/^\.+/, "") || "file";
}

/**
 * Let the browser save bytes as a file. Their media type keeps the browser from showing them as a page of this site.
 *
 * @param {import("./envelope.js").Bytes} data
 * @param {string} name
 */
export function saveFile(data, name) {
  const url = URL.createObjectURL(new Blob([data], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
