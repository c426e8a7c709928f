/** An entry of passwd(5), as far as it matters to a process. */
export interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

/** An entry of group(5). */
export interface GroupEntry {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

// An image may hold anything under these names: text beyond the bounds is not looked at.
const MAX_TEXT = 16 * 1024 ** 2
const MAX_LINE = 1024 ** 2

/** Greatest uid and gid that a container may have. */
export const MAX_ID = 0x7fff_ffff

/**
 * Reads the entries of a passwd(5) file, one after the other.
 *
 * Lines that are comments, longer than 1 MiB, or without a decimal uid and gid of 0 to 2147483647 are skipped, so
 * that a broken line never stands for root. Only the first 16 Mi characters are read.
 */
export function* passwdEntries(text: string): Generator<PasswdEntry, void, undefined> {
  for (const [name = '', , uidText = '', gidText = '', , home = ''] of records(text)) {
    const uid = parseId(uidText)
    const gid = parseId(gidText)
    if (typeof uid === 'number' && typeof gid === 'number') yield { name, uid, gid, home }
  }
}

/** Reads the entries of a group(5) file, under the bounds of {@link passwdEntries}. */
export function* groupEntries(text: string): Generator<GroupEntry, void, undefined> {
  for (const [name = '', , gidText = '', list = ''] of records(text)) {
    const gid = parseId(gidText)
    if (typeof gid === 'number') yield { name, gid, members: list === '' ? [] : list.split(',') }
  }
}

/** The number that a text writes, `'out of range'` above {@link MAX_ID}, undefined when it is no decimal number. */
export function parseId(text: string): number | 'out of range' | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const id = Number(text)
  return id >= 0 && id <= MAX_ID ? id : 'out of range'
}

function* records(text: string): Generator<readonly string[], void, undefined> {
  const end = Math.min(text.length, MAX_TEXT)
  for (let start = 0; start < end;) {
    const newline = text.indexOf('\n', start)
    const stop = newline === -1 || newline > end ? end : newline
    const line = stop - start > MAX_LINE ? '' : text.slice(start, stop).trim()
    if (line !== '' && !line.startsWith('#')) yield line.split(':')
    start = stop + 1
  }
}
