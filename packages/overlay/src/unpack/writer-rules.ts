import { closeSync, fstatSync } from 'node:fs'
import { OverlayError } from '../errors.js'
import { readable, type ByteString } from '../files/byte-string.js'
import { openName } from '../files/open-in.js'

/** How entries go into a folder. */
export interface WriterRules {
  /** `'plain'`: names that are whiteouts in a layer are names like any other. */
  readonly whiteouts: 'overlay' | 'plain'
  /** The folder is empty and nobody else's: it hands down nothing, and what it is itself comes from the archive. */
  readonly isOwn: boolean
  /** A folder never makes room for a file, nor a file for a folder. */
  readonly keepsKinds: boolean
  /** Time of folders that only a name implied; root's, and readable by all. */
  readonly impliedMtimeNs: bigint
}

/** Those of a layer. */
export const layerRules: WriterRules = {
  whiteouts: 'overlay',
  isOwn: true,
  keepsKinds: false,
  impliedMtimeNs: 0n,
}

/** The error for a name that is something else already, as Docker says it. */
export function otherKind(found: string, wanted: string): OverlayError {
  return new OverlayError('ERR_OVERLAY_INVALID_ARG', `cannot overwrite ${found} with ${wanted}`)
}

/** @throws {@link OverlayError} `ERR_OVERLAY_INVALID_ARG`: the name is a folder. */
export function refuseFolder(folder: number, name: ByteString): void {
  const fd = openName(folder, name)
  try {
    if (fstatSync(fd).isDirectory()) throw otherKind(`directory ${readable(name)}`, 'non-directory')
  } finally {
    closeSync(fd)
  }
}
