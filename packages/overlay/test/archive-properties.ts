import { expect } from '@jest/globals'
import type { ArchiveEntry } from '../src/archive/archive-entry.js'
import { ArchiveReader } from '../src/archive/archive-reader.js'
import type { ContentSink } from '../src/archive/entry-content.js'
import { splitEntryName } from '../src/archive/entry-name.js'
import { isKeptAttribute } from '../src/archive/extended-attributes.js'
import { defaultLayerLimits } from '../src/archive/limits.js'
import { nameMeaning } from '../src/archive/whiteout.js'
import { isOverlayError } from '../src/errors.js'

/**
 * What must hold for any bytes that are read as an archive: it is taken or refused with an error of ours, its entries
 * can be handed to the kernel as they are, and it does not matter in which chunks the bytes come. The first byte
 * chooses the size of these.
 */
export function checkArchive(input: Uint8Array): void {
  const archive = summed(Buffer.from(input.subarray(1)))
  const whole = read(archive, archive.length)
  expect(read(archive, 1 + (input[0] ?? 0) * 7)).toEqual(whole)
}

/** Entries, and how the archive ended. */
function read(archive: Buffer, chunkSize: number): readonly string[] {
  const seen: string[] = []
  const reader = new ArchiveReader((entry) => {
    checkEntry(entry)
    seen.push(
      `${entry.kind} ${entry.path} ${entry.target} ${entry.size} ${entry.mtimeNs} ${entry.attributes.length}`,
    )
    return entry.kind === 'file' ? checkedSink(entry, seen) : undefined
  })
  try {
    for (let at = 0; at < archive.length; at += chunkSize) reader.write(archive.subarray(at, at + chunkSize))
    reader.end()
    seen.push('ended')
  } catch (error) {
    if (!isOverlayError(error)) throw error
    seen.push(error.message)
  } finally {
    reader.destroy()
  }
  return seen
}

function checkEntry(entry: ArchiveEntry): void {
  const { uid, gid, mode, mtimeNs, size, major, minor, attributes } = entry
  for (const number of [uid, gid]) expect(number >= 0 && number < 2 ** 32 - 1).toBe(true)
  expect(mode & ~0o7777).toBe(0)
  expect(mtimeNs > -(2n ** 72n) && mtimeNs < 2n ** 72n).toBe(true)
  for (const number of [size, major, minor]) expect(Number.isSafeInteger(number) && number >= 0).toBe(true)
  for (const { name } of attributes) expect(isKeptAttribute(name)).toBe(true)
  const place = splitEntryName(entry.path, defaultLayerLimits)
  const parts = place.parent === '' ? [place.name] : [...place.parent.split('/'), place.name]
  if (place.name === '') expect(place.parent).toBe('')
  else
    for (const part of parts)
      expect(part === '' || part === '.' || part === '..' || /[/\0]/.test(part)).toBe(false)
  const meaning = nameMeaning(place)
  if (meaning.kind === 'whiteout') expect(/^\.{0,2}$|[/\0]/.test(meaning.hidden)).toBe(false)
}

/** Takes exactly as many bytes as the entry has said, holes among them. */
function checkedSink(entry: ArchiveEntry, seen: string[]): ContentSink {
  let bytes = 0
  let sum = 0
  return {
    write: (piece) => {
      bytes += piece.length
      for (const byte of piece) sum = (sum * 31 + byte) | 0
      expect(bytes <= entry.size).toBe(true)
    },
    skip: (hole) => {
      expect(hole > 0).toBe(true)
      bytes += hole
      expect(bytes <= entry.size).toBe(true)
    },
    end: () => {
      expect(bytes).toBe(entry.size)
      seen.push(`whole ${sum}`)
    },
    abort: () => undefined,
  }
}

/** Makes the checksums of what looks like headers right, which no mutation would hit. */
function summed(archive: Buffer): Buffer {
  for (let at = 0; at + 512 <= archive.length; at += 512) {
    if (archive.toString('latin1', at + 257, at + 262) !== 'ustar') continue
    archive.fill(' ', at + 148, at + 156)
    const sum = archive.subarray(at, at + 512).reduce((total, byte) => total + byte, 0)
    archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1')
  }
  return archive
}
