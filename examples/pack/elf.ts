import { closeSync, openSync, readSync } from 'node:fs'

/** What the dynamic loader reads from a program or library; see elf(5). */
export interface ElfFile {
  /** `e_machine`: 62 is x86-64, 183 is arm64. Libraries must have that of their program. */
  readonly machine: number
  /** The dynamic loader that starts the program (`PT_INTERP`); undefined for libraries and static programs. */
  readonly interpreter: string | undefined
  /** Libraries that it needs (`DT_NEEDED`), in order. */
  readonly needed: readonly string[]
  /** Folders to search first (`DT_RPATH`), also for libraries that its libraries need. */
  readonly rpath: readonly string[]
  /** Folders to search for its own libraries (`DT_RUNPATH`); takes the place of `DT_RPATH`. */
  readonly runpath: readonly string[]
}

/** Reads `length` bytes at `offset`; fewer at the end of the file. */
export type ReadAt = (offset: number, length: number) => Buffer

const PT_LOAD = 1
const PT_DYNAMIC = 2
const PT_INTERP = 3
const DT_NULL = 0
const DT_NEEDED = 1
const DT_STRTAB = 5
const DT_RPATH = 15
const DT_RUNPATH = 29
const longestString = 4096
const largestTable = 2 ** 20

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly size: number
}

/** Reads the headers of a file; undefined when it is no 64-bit little-endian ELF file. */
export function readElf(path: string): ElfFile | undefined {
  const fd = openSync(path, 'r')
  try {
    return parseElf((offset, length) => {
      const bytes = Buffer.alloc(length)
      return bytes.subarray(0, readSync(fd, bytes, 0, length, offset))
    })
  } finally {
    closeSync(fd)
  }
}

/** Reads the headers of an ELF file through `read`: some hundred bytes, however large the file is. */
export function parseElf(read: ReadAt): ElfFile | undefined {
  const header = read(0, 64)
  const isElf = header.length === 64 && header.readUInt32BE(0) === 0x7f454c46
  if (!isElf || header[4] !== 2 || header[5] !== 1) return undefined
  const segments = readSegments(read, header)
  const interpreter = segments.find(({ type }) => type === PT_INTERP)
  return {
    machine: header.readUInt16LE(18),
    interpreter: interpreter === undefined ? undefined : stringAt(read, interpreter.offset),
    ...readDynamic(read, segments),
  }
}

function readSegments(read: ReadAt, header: Buffer): Segment[] {
  const [size, count] = [header.readUInt16LE(54), header.readUInt16LE(56)]
  const table = read(Number(header.readBigUInt64LE(32)), size * count)
  if (size < 56 || table.length < size * count) return []
  return Array.from({ length: count }, (_, index) => {
    const entry = table.subarray(index * size)
    return {
      type: entry.readUInt32LE(0),
      offset: Number(entry.readBigUInt64LE(8)),
      address: Number(entry.readBigUInt64LE(16)),
      size: Number(entry.readBigUInt64LE(32)),
    }
  })
}

function readDynamic(
  read: ReadAt,
  segments: readonly Segment[],
): Pick<ElfFile, 'needed' | 'rpath' | 'runpath'> {
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC)
  if (dynamic === undefined) return { needed: [], rpath: [], runpath: [] }
  const entries: { readonly tag: number; readonly value: number }[] = []
  const table = read(dynamic.offset, Math.min(dynamic.size, largestTable))
  for (let at = 0; at + 16 <= table.length; at += 16) {
    const tag = Number(table.readBigInt64LE(at))
    if (tag === DT_NULL) break
    entries.push({ tag, value: Number(table.readBigUInt64LE(at + 8)) })
  }
  const address = entries.find(({ tag }) => tag === DT_STRTAB)?.value
  const base = address === undefined ? undefined : fileOffset(segments, address)
  const strings = (wanted: number): string[] =>
    base === undefined
      ? []
      : entries.filter(({ tag }) => tag === wanted).map(({ value }) => stringAt(read, base + value))
  const folders = (tag: number): string[] => strings(tag).flatMap((list) => list.split(':').filter(Boolean))
  return { needed: strings(DT_NEEDED), rpath: folders(DT_RPATH), runpath: folders(DT_RUNPATH) }
}

/** Dynamic entries name memory; where that comes from in the file is what the loaded segments say. */
function fileOffset(segments: readonly Segment[], address: number): number | undefined {
  const segment = segments.find(
    ({ type, address: start, size }) => type === PT_LOAD && address >= start && address < start + size,
  )
  return segment === undefined ? undefined : address - segment.address + segment.offset
}

function stringAt(read: ReadAt, offset: number): string {
  const bytes = read(offset, longestString)
  const end = bytes.indexOf(0)
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end)
}
