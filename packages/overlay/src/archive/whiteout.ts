import { refused, type EntryPlace } from './entry-name.js'
import type { ByteString } from '../files/byte-string.js'

/** What the name of an entry asks for, in the terms of the OCI image specification's layer format. */
export type NameMeaning =
  | { readonly kind: 'plain' }
  /** `.wh.NAME`: what lower layers have at NAME is gone. */
  | { readonly kind: 'whiteout'; readonly hidden: ByteString }
  /** `.wh..wh..opq`: what lower layers have in this folder is gone. */
  | { readonly kind: 'opaque' }
  /** Any other `.wh..wh.*`: book-keeping of AUFS, nothing to unpack. */
  | { readonly kind: 'ignored' }

const prefix = '.wh.'
const metaPrefix = '.wh..wh.'
const opaque = '.wh..wh..opq'

/**
 * Reads the whiteout conventions of a name.
 *
 * @throws {@link OverlayError} `ERR_OVERLAY_ARCHIVE` for a whiteout of nothing, `.` or `..`, and for a folder
 *   whose name is a whiteout.
 * @see {@link https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts}
 */
export function nameMeaning({ parent, name }: EntryPlace): NameMeaning {
  if (parent.includes(prefix)) {
    for (const part of parent.split('/')) {
      if (part.startsWith(metaPrefix)) return { kind: 'ignored' }
      if (part.startsWith(prefix)) throw refused(`${parent}/${name}`, 'a whiteout cannot be a folder')
    }
  }
  if (!name.startsWith(prefix)) return { kind: 'plain' }
  if (name === opaque) return { kind: 'opaque' }
  if (name.startsWith(metaPrefix)) return { kind: 'ignored' }
  const hidden = name.slice(prefix.length)
  if (hidden === '' || hidden === '.' || hidden === '..') {
    throw refused(parent === '' ? name : `${parent}/${name}`, 'a whiteout must name a file of its folder')
  }
  return { kind: 'whiteout', hidden }
}
