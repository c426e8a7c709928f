/** Makes small ELF files for tests. */
export interface ElfParts {
  readonly machine?: number | undefined
  readonly interpreter?: string | undefined
  readonly needed?: readonly string[] | undefined
  readonly rpath?: string | undefined
  readonly runpath?: string | undefined
}

const base = 0x400000

/** A 64-bit little-endian ELF file that has these headers and nothing to execute. */
export function buildElf({ machine = 62, interpreter, needed = [], rpath, runpath }: ElfParts): Buffer {
  const strings = stringTable()
  const entries: [tag: number, value: number][] = needed.map((name) => [1, strings.add(name)])
  if (rpath !== undefined) entries.push([15, strings.add(rpath)])
  if (runpath !== undefined) entries.push([29, strings.add(runpath)])
  const interpreterText = interpreter === undefined ? Buffer.alloc(0) : Buffer.from(`${interpreter}\0`)
  const segmentCount = interpreter === undefined ? 2 : 3
  const interpreterAt = 64 + segmentCount * 56
  const dynamicAt = interpreterAt + interpreterText.length
  const stringsAt = dynamicAt + (entries.length + 2) * 16
  entries.push([5, base + stringsAt], [0, 0])
  const dynamic = Buffer.concat(entries.map(([tag, value]) => words(tag, value)))
  const total = stringsAt + strings.bytes().length
  const segments = [segment(1, 0, total), segment(2, dynamicAt, dynamic.length)]
  if (interpreter !== undefined) segments.push(segment(3, interpreterAt, interpreterText.length))
  return Buffer.concat([
    header(machine, segmentCount),
    ...segments,
    interpreterText,
    dynamic,
    strings.bytes(),
  ])
}

function header(machine: number, segments: number): Buffer {
  const bytes = Buffer.alloc(64)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  bytes.writeUInt16LE(2, 16) // ET_EXEC
  bytes.writeUInt16LE(machine, 18)
  bytes.writeBigUInt64LE(64n, 32) // e_phoff
  bytes.writeUInt16LE(56, 54)
  bytes.writeUInt16LE(segments, 56)
  return bytes
}

function segment(type: number, offset: number, size: number): Buffer {
  const bytes = Buffer.alloc(56)
  bytes.writeUInt32LE(type, 0)
  bytes.writeBigUInt64LE(BigInt(offset), 8)
  bytes.writeBigUInt64LE(BigInt(base + offset), 16)
  bytes.writeBigUInt64LE(BigInt(size), 32)
  return bytes
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8)
  values.forEach((value, index) => bytes.writeBigUInt64LE(BigInt(value), index * 8))
  return bytes
}

function stringTable(): { add(text: string): number; bytes(): Buffer } {
  const parts = [Buffer.from('\0')]
  return {
    add(text) {
      const at = Buffer.concat(parts).length
      parts.push(Buffer.from(`${text}\0`))
      return at
    },
    bytes: () => Buffer.concat(parts),
  }
}
