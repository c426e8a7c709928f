import { OverlayError } from '../errors.js'
import { readable, type ByteString } from '../files/byte-string.js'
import type { LayerLimits } from './limits.js'

/** Where an entry goes: a folder below the layer's root (`''` is the root itself) and a name in it. */
export interface EntryPlace {
  readonly parent: ByteString
  /** `''` only for the root itself. */
  readonly name: ByteString
}

const nameMax = 255

/**
 * Splits the name of an archive entry. Leading slashes and `.` components mean nothing, as in every tar
 * program; a `..` component is refused, since no packer has a reason to write one.
 *
 * @throws {@link OverlayError} `ERR_OVERLAY_ARCHIVE` for `..`, NUL and too long components,
 *   `ERR_OVERLAY_LIMIT` for a path that is too long or too deep.
 */
export function splitEntryName(path: ByteString, limits: LayerLimits): EntryPlace {
  if (path.length > limits.pathBytes) {
    throw new OverlayError(
      'ERR_OVERLAY_LIMIT',
      `cannot unpack ${readable(path)}: the path has ${path.length} bytes, the limit is ${limits.pathBytes}`,
      { path: readable(path) },
    )
  }
  if (path.includes('\0')) throw refused(path, 'a name cannot hold NUL')
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  for (const part of parts) {
    if (part === '..') throw refused(path, 'a name cannot hold the component ..')
    // a whiteout is longer than the name that it is about
    if (part.length > nameMax + (part.startsWith('.wh.') ? 4 : 0))
      throw refused(path, `a component has ${part.length} bytes, ${nameMax} is the most`)
  }
  if (parts.length > limits.depth) {
    throw new OverlayError(
      'ERR_OVERLAY_LIMIT',
      `cannot unpack ${readable(path)}: it lies ${parts.length} levels deep, the limit is ${limits.depth}`,
      { path: readable(path) },
    )
  }
  const name = parts.pop() ?? ''
  return { parent: parts.join('/'), name }
}

/** The error for an archive entry that no layer may hold. */
export function refused(path: ByteString, reason: string): OverlayError {
  const shown = readable(path)
  return new OverlayError('ERR_OVERLAY_ARCHIVE', `cannot unpack ${shown}: ${reason}`, { path: shown })
}
