import { types } from 'node:util'

/** Text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return types.isNativeError(error) ? error.message : String(error)
}
