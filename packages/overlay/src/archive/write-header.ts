import { bytesOf, type ByteString } from '../files/byte-string.js'
import type { ArchiveEntry, EntryKind } from './archive-entry.js'
import { blockSize, paddingOf } from './block-size.js'

/** An entry that is to be written. */
export type WrittenEntry = Omit<ArchiveEntry, 'sparse'>

const types: Readonly<Record<EntryKind, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
}

const nameBytes = 100
const billion = 1_000_000_000n

/**
 * The header blocks of an entry: ustar, and before it a PAX header for what does not fit there, such as extended
 * attributes (`SCHILY.xattr.*`, as GNU tar and Go have it), nanoseconds and long names. The same entry gives the same
 * bytes.
 */
export function writeHeader(entry: WrittenEntry): Buffer {
  const records = paxRecords(entry)
  const seconds = entry.mtimeNs < 0n ? 0n : entry.mtimeNs / billion
  const header = headerBlock(types[entry.kind], entry, fit(Number(seconds), 11))
  if (records.length === 0) return header
  const size = records.reduce((total, { length }) => total + length, 0)
  const about = {
    ...entry,
    path: 'PaxHeader',
    target: '',
    size,
    mode: 0o644,
    uid: 0,
    gid: 0,
    major: 0,
    minor: 0,
  }
  return Buffer.concat([headerBlock('x', about, 0), ...records, Buffer.alloc(paddingOf(size)), header])
}

/** What the header has no room for, in an order that does not change. */
function paxRecords(entry: WrittenEntry): Buffer[] {
  const { path, target, size, uid, gid, mtimeNs, attributes } = entry
  const records: Buffer[] = []
  const add = (key: string, value: Uint8Array | string): number => records.push(paxRecord(key, value))
  if (path.length > nameBytes) add('path', bytesOf(path))
  if (target.length > nameBytes) add('linkpath', bytesOf(target))
  if (fit(size, 11) !== size) add('size', String(size))
  if (fit(uid, 7) !== uid) add('uid', String(uid))
  if (fit(gid, 7) !== gid) add('gid', String(gid))
  if (mtimeNs < 0n || mtimeNs % billion !== 0n || fit(Number(mtimeNs / billion), 11) === 0) {
    if (mtimeNs !== 0n) add('mtime', timeText(mtimeNs))
  }
  const sorted = [...attributes].sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const { name, value } of sorted) add(`SCHILY.xattr.${name}`, value)
  return records
}

/** A record, whose length counts its own digits. */
function paxRecord(key: ByteString, value: Uint8Array | string): Buffer {
  const rest = Buffer.concat([bytesOf(` ${key}=`), Buffer.from(value), Buffer.from('\n')])
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length += 1
  return Buffer.concat([Buffer.from(String(length)), rest])
}

function timeText(nanoseconds: bigint): string {
  const absolute = nanoseconds < 0n ? -nanoseconds : nanoseconds
  const fraction = String(absolute % billion)
    .padStart(9, '0')
    .replace(/0+$/, '')
  const sign = nanoseconds < 0n ? '-' : ''
  return `${sign}${absolute / billion}${fraction === '' ? '' : `.${fraction}`}`
}

function headerBlock(
  type: string,
  entry: Omit<WrittenEntry, 'kind' | 'attributes' | 'mtimeNs'>,
  mtime: number,
): Buffer {
  const block = Buffer.alloc(blockSize)
  block.write(entry.path, 0, nameBytes, 'latin1')
  octal(block, 100, 7, entry.mode)
  octal(block, 108, 7, fit(entry.uid, 7))
  octal(block, 116, 7, fit(entry.gid, 7))
  octal(block, 124, 11, fit(entry.size, 11))
  octal(block, 136, 11, mtime)
  block.fill(0x20, 148, 156)
  block.write(type, 156, 'latin1')
  block.write(entry.target, 157, nameBytes, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  octal(block, 329, 7, entry.major)
  octal(block, 337, 7, entry.minor)
  let sum = 0
  for (const byte of block) sum += byte
  octal(block, 148, 6, sum)
  block[154] = 0
  return block
}

/** The number, or 0 where it has too many digits and a PAX record says it. */
function fit(value: number, digits: number): number {
  return value < 8 ** digits ? value : 0
}

function octal(block: Buffer, at: number, digits: number, value: number): void {
  block.write(value.toString(8).padStart(digits, '0'), at, digits, 'latin1')
}
