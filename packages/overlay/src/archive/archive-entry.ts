import { byteString, type ByteString } from '../files/byte-string.js'
import type { ArchiveHeader } from './archive-header.js'
import type { SparseContent } from './entry-content.js'
import { refused } from './entry-name.js'
import { extendedAttributes, type ExtendedAttribute } from './extended-attributes.js'
import { parsePaxTime, type PaxRecords } from './pax.js'
import { checkSparseMap } from './sparse-map.js'
import { sparseRecords } from './sparse-records.js'

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
  /** Bytes of content, holes of a sparse file among them; 0 for everything but files. */
  readonly size: number
  /** Of a sparse file. */
  readonly sparse: SparseContent | undefined
  readonly major: number
  readonly minor: number
}

/** What stands before the header of an entry and belongs to it. */
export interface Extensions {
  /** PAX records, those for all entries among them. */
  readonly records: PaxRecords
  /** Names of GNU's long name entries. */
  readonly longPath: ByteString | undefined
  readonly longTarget: ByteString | undefined
}

const kinds: Readonly<Record<string, EntryKind>> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file', // contiguous, once
  S: 'file', // sparse, of GNU's old format
}

const largestId = 0xffff_fffe // -1 would mean "leave as it is" to chown(2)
const largestSecond = 2 ** 40

/**
 * Makes an entry out of a header and what stood before it.
 *
 * @throws {@link OverlayError} `ERR_OVERLAY_ARCHIVE` for unknown kinds, owners and device numbers out of range,
 *   sparse maps that do not fit, and extended attributes that no archive may set.
 */
export function archiveEntry(header: ArchiveHeader, extensions: Extensions): ArchiveEntry {
  const { records, longPath, longTarget } = extensions
  const sparse =
    records.size === 0 && header.sparse === undefined ? undefined : sparseRecords(header, records)
  const path = sparse?.path ?? nameOr(records, 'path', longPath ?? header.path)
  const told = kinds[header.type]
  if (sparse !== undefined && sparse.content.pieces !== 'in-content')
    checkSparseMap(sparse.content.pieces, sparse.content.realSize, header.size)
  if (told === undefined)
    throw refused(path, `files of its kind (${JSON.stringify(header.type)}) are not supported`)
  // the oldest programs have no kind for folders
  const kind = told === 'file' && path.endsWith('/') && sparse === undefined ? 'directory' : told
  const isLink = kind === 'symlink' || kind === 'hardlink'
  return {
    kind,
    path,
    target: isLink ? nameOr(records, 'linkpath', longTarget ?? header.target) : '',
    size: kind === 'file' ? (sparse?.content.realSize ?? header.size) : 0,
    sparse: sparse?.content,
    mode: header.mode & 0o7777,
    uid: inRange(path, 'owner', numberOr(records, 'uid', header.uid), largestId),
    gid: inRange(path, 'group', numberOr(records, 'gid', header.gid), largestId),
    mtimeNs: timeOf(records, header),
    attributes: records.size === 0 ? [] : extendedAttributes(path, records),
    major: inRange(path, 'major device number', header.major, 0xfff),
    minor: inRange(path, 'minor device number', header.minor, 0xfffff),
  }
}

/** An empty record means that there is none. */
function nameOr(records: PaxRecords, key: 'path' | 'linkpath', plain: ByteString): ByteString {
  const record = records.get(key)
  return record === undefined || record.length === 0 ? plain : byteString(record)
}

function numberOr(records: PaxRecords, key: 'uid' | 'gid', plain: number): number {
  const record = records.get(key)
  if (record === undefined || record.length === 0) return plain
  const digits = byteString(record)
  return /^\d+$/.test(digits) ? Number(digits) : NaN
}

function timeOf(records: PaxRecords, { mtime }: ArchiveHeader): bigint {
  const record = records.get('mtime')
  const precise = record === undefined ? undefined : parsePaxTime(byteString(record))
  return precise ?? (Math.abs(mtime) > largestSecond ? 0n : BigInt(mtime) * 1_000_000_000n)
}

function inRange(path: ByteString, what: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value
  throw refused(path, `its ${what} is ${String(value)}, it must be an integer from 0 to ${most}`)
}
