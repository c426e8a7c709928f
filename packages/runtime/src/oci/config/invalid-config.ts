import { RuntimeError } from '../../errors.js'

/** Error of every config that is not used. */
export function invalidConfig(what: string, options?: ErrorOptions): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_CONFIG', `cannot use the config: ${what}`, options)
}

const SHOWN = 100

/** Text of a config as errors show it: quoted, and not more than its beginning. */
export function shown(text: string): string {
  return JSON.stringify(text.slice(0, SHOWN)) + (text.length > SHOWN ? '…' : '')
}
