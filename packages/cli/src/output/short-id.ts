/** The first 12 digits of an id or digest. */
export function shortId(id: string): string {
  return id.replace(/^sha\d+:/, '').slice(0, 12)
}
