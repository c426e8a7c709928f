import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { RuntimeError } from '../errors.js'

/** Where a container finds it. */
export const INIT_PATH = '/sbin/docker-init'

/** Small inits that stand alone: an image need not have their libraries. */
const names = ['docker-init', 'tini-static', 'catatonit']

/**
 * The init of containers that ask for one, a file of the host.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_UNSUPPORTED`: there is none.
 */
export function findInit(): string {
  const folders = (process.env['PATH'] ?? '/usr/bin')
    .split(delimiter)
    .filter((folder) => folder.startsWith('/'))
  const found = folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable)
  if (found !== undefined) return found
  throw new RuntimeError(
    'ERR_RUNTIME_UNSUPPORTED',
    `cannot give the container an init: none of ${names.join(', ')} is in PATH; install tini or catatonit`,
  )
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
