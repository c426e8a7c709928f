/** Slashes of a name are part of the path. */
export function imagePath(name: string): string {
  return `/images/${name.split('/').map(encodeURIComponent).join('/')}`
}

/** The tag of a name stands behind a colon after the last slash. */
export function splitName(name: string): { readonly repository: string; readonly tag: string | undefined } {
  const at = name.indexOf(':', name.lastIndexOf('/') + 1)
  return at < 0
    ? { repository: name, tag: undefined }
    : { repository: name.slice(0, at), tag: name.slice(at + 1) }
}
