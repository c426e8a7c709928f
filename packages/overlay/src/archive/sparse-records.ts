import { byteString, type ByteString } from '../files/byte-string.js'
import type { ArchiveHeader } from './archive-header.js'
import type { SparseContent } from './entry-content.js'
import { malformed } from './malformed.js'
import type { PaxRecords } from './pax.js'
import { decimal, piecesOf } from './sparse-map.js'

/** A sparse file as its headers tell it. */
export interface SparseFile {
  readonly content: SparseContent
  /** Its name, where the header has only a made-up one for programs that do not know sparse files. */
  readonly path: ByteString | undefined
}

/**
 * What the headers say of a sparse file, in any of GNU's four formats: the old one in the header itself, and 0.0,
 * 0.1 and 1.0 in PAX records. `undefined` for what is no sparse file.
 *
 * @throws {@link OverlayError} `ERR_OVERLAY_ARCHIVE`: a map that is none, or a version that is unknown.
 * @see {@link https://www.gnu.org/software/tar/manual/html_node/Sparse-Formats.html}
 */
export function sparseRecords(header: ArchiveHeader, records: PaxRecords): SparseFile | undefined {
  const { sparse, type } = header
  if (sparse !== undefined) return { content: sparse, path: undefined }
  const value = (key: string): ByteString | undefined => {
    const record = records.get(`GNU.sparse.${key}`)
    return record === undefined ? undefined : byteString(record)
  }
  const major = value('major')
  const map = value('map')
  const realSize = value('realsize') ?? value('size')
  if (major === undefined && map === undefined && realSize === undefined) return undefined
  if (type !== '0' && type !== '7') throw malformed('a sparse file that is no regular file')
  if (realSize === undefined) throw malformed('a sparse file of which the size is missing')
  const path = value('name')
  if (major === undefined || major === '0') {
    const numbers = map === undefined || map === '' ? [] : map.split(',')
    return { content: { realSize: decimal(realSize), pieces: piecesOf(numbers) }, path }
  }
  if (major !== '1' || value('minor') !== '0') {
    throw malformed(`a sparse file of the format ${major}.${value('minor') ?? ''}, which is unknown`)
  }
  return { content: { realSize: decimal(realSize), pieces: 'in-content' }, path }
}
