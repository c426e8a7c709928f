import { OverlayError } from '../errors.js'

/** The error for an archive that breaks the rules of its format. */
export function malformed(what: string): OverlayError {
  return new OverlayError('ERR_OVERLAY_ARCHIVE', `cannot read the archive: ${what}`)
}
