import { RuntimeError } from '../../errors.js'

/** Greatest length of a file name on Linux (`NAME_MAX`): the id is the name of a folder. */
const MAX_LENGTH = 255

/** True for what can be the id of a container: ASCII letters, digits and `_+-.`, with no dot in front. */
export function isContainerId(id: string): boolean {
  return /^[A-Za-z0-9_+-][A-Za-z0-9_+.-]*$/.test(id) && id.length <= MAX_LENGTH
}

/**
 * Refuses what cannot be the id of a container, and with it every path that leads out of the state folder.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`.
 */
export function checkContainerId(id: string): void {
  if (isContainerId(id)) return
  throw new RuntimeError(
    'ERR_RUNTIME_INVALID_ARG',
    `invalid container ID format: ${JSON.stringify(id.slice(0, 64))}: ${whatIsWrong(id)}: 1 to ${MAX_LENGTH} letters, digits and "_+-." are allowed, and no dot in front`,
  )
}

function whatIsWrong(id: string): string {
  const character = /[^A-Za-z0-9_+.-]/u.exec(id)?.[0] ?? (id.startsWith('.') ? '.' : undefined)
  if (character !== undefined) return `invalid character ${JSON.stringify(character)} in container ID`
  return id === '' ? 'it is empty' : 'it is too long'
}
