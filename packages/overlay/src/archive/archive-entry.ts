import type { Header } from 'tar-stream'
import { byteString, byteStringOf, type ByteString } from '../files/byte-string.js'
import { refused } from './entry-name.js'
import { extendedAttributes, type ExtendedAttribute } from './extended-attributes.js'
import type { HeadersBetween } from './headers-between.js'
import { parsePaxTime } from './pax.js'

/** The kinds of files a layer can hold. */
export type EntryKind =
  'file' | 'directory' | 'symlink' | 'hardlink' | 'character-device' | 'block-device' | 'fifo'

/** Owner, permissions, time and extended attributes of a file. */
export interface Metadata {
  readonly uid: number
  readonly gid: number
  /** Permissions with setuid, setgid and sticky bits: `0o0000` to `0o7777`. */
  readonly mode: number
  /** Time of the last change of the content, in nanoseconds since 1970. */
  readonly mtimeNs: bigint
  readonly attributes: readonly ExtendedAttribute[]
}

/** One entry of a layer's archive, checked as far as it can be without a file system. */
export interface ArchiveEntry extends Metadata {
  readonly kind: EntryKind
  /** As the archive has it. */
  readonly path: ByteString
  /** What a symbolic or hard link points to; `''` for everything else. */
  readonly target: ByteString
  /** Bytes of content; 0 for everything but files. */
  readonly size: number
  readonly major: number
  readonly minor: number
}

const kinds: Readonly<Record<string, EntryKind>> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'directory',
  symlink: 'symlink',
  link: 'hardlink',
  'character-device': 'character-device',
  'block-device': 'block-device',
  fifo: 'fifo',
}

const largestId = 0xffff_fffe // -1 would mean "leave as it is" to chown(2)

/**
 * Makes an entry out of what tar-stream read and what the PAX records say besides.
 *
 * @throws {@link OverlayError} `ERR_OVERLAY_ARCHIVE` for unknown kinds, sparse files, owners and device
 *   numbers out of range, and extended attributes that no archive may set.
 */
export function archiveEntry(header: Header, { records }: HeadersBetween): ArchiveEntry {
  const path = recordOr(records, 'path', header, header.name)
  const kind = kinds[header.type]
  if (kind === undefined || hasSparseMap(records)) throw refused(path, 'files of its kind are not supported')
  const isLink = kind === 'symlink' || kind === 'hardlink'
  const target = isLink ? recordOr(records, 'linkpath', header, plainTarget(header)) : ''
  const isDevice = kind === 'character-device' || kind === 'block-device'
  return {
    kind,
    path,
    target,
    size: kind === 'file' ? header.size : 0,
    mode: inRange(path, 'mode', header.mode & 0o7777, 0o7777),
    uid: inRange(path, 'owner', numberOr(records, 'uid', header.uid), largestId),
    gid: inRange(path, 'group', numberOr(records, 'gid', header.gid), largestId),
    mtimeNs: timeOf(records, header),
    attributes: records.size === 0 ? [] : extendedAttributes(path, records),
    major: isDevice ? inRange(path, 'major device number', header.devmajor, 0xfff) : 0,
    minor: isDevice ? inRange(path, 'minor device number', header.devminor, 0xfffff) : 0,
  }
}

/** Names come as bytes from the records; tar-stream was told to read those of plain headers as Latin-1. */
function recordOr(
  records: HeadersBetween['records'],
  key: 'path' | 'linkpath',
  header: Header,
  plain: string,
): ByteString {
  const own = records.get(key)
  if (own !== undefined) return byteString(own)
  const all = (header.pax as Readonly<Record<string, string>> | null | undefined)?.[key]
  return all === undefined ? plain : byteStringOf(all)
}

/** tar-stream gives null where there is none, which its types do not say. */
function plainTarget({ linkname }: { readonly linkname: string | null }): string {
  return linkname ?? ''
}

function hasSparseMap(records: HeadersBetween['records']): boolean {
  for (const key of records.keys()) if (key.startsWith('GNU.sparse.')) return true
  return false
}

function numberOr(records: HeadersBetween['records'], key: string, plain: number): number {
  const record = records.get(key)
  return record === undefined ? plain : Number(byteString(record) || NaN)
}

function timeOf(records: HeadersBetween['records'], header: Header): bigint {
  const record = records.get('mtime')
  const precise = record === undefined ? undefined : parsePaxTime(byteString(record))
  if (precise !== undefined) return precise
  const milliseconds = header.mtime.getTime()
  if (!Number.isSafeInteger(milliseconds)) return 0n
  // negative ones come only in GNU's base-256 form, which tar-stream reads one too high
  return BigInt(milliseconds < 0 ? milliseconds - 1000 : milliseconds) * 1_000_000n
}

function inRange(path: ByteString, what: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value
  throw refused(path, `its ${what} is ${String(value)}, it must be an integer from 0 to ${most}`)
}
