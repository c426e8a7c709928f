import { accessSync, constants } from 'node:fs'
import { NamespacesError } from '../errors.js'
import type { IdMapping } from './id-map.js'

/** Where distributions have them, beside what `PATH` names. */
const usual = ['/usr/bin', '/bin', '/usr/local/bin']

/**
 * Path of `newuidmap` or `newgidmap`: the set-uid programs that write an ordinary user's maps, of more than its own
 * id.
 *
 * @returns undefined where it is not installed.
 */
export function findMapHelper(kind: 'uid' | 'gid', path = process.env['PATH'] ?? ''): string | undefined {
  const folders = [...path.split(':').filter((folder) => folder.startsWith('/')), ...usual]
  return folders.map((folder) => `${folder}/new${kind}map`).find(executable)
}

/**
 * Lets it write a map.
 *
 * @throws {@link NamespacesError} `ERR_NAMESPACES_ID_MAP`, with what it says.
 */
export function runMapHelper(helper: string, pid: number, map: readonly IdMapping[]): Promise<void> {
  const numbers = map.flatMap(({ inside, outside, size }) => [inside, outside, size])
  // loaded with the first map: it takes a millisecond, and root does not need it
  const { execFile } = process.getBuiltinModule('node:child_process')
  return new Promise((resolve, reject) => {
    execFile(
      helper,
      [pid, ...numbers].map(String),
      { env: {}, timeout: 30_000 },
      (error, _stdout, stderr) => {
        if (error === null) resolve()
        else reject(refusal(helper, map, stderr.trim(), error))
      },
    )
  })
}

function refusal(helper: string, map: readonly IdMapping[], said: string, cause: Error): NamespacesError {
  const ranges = map.map(({ inside, outside, size }) => `${inside}:${outside}:${size}`).join(', ')
  const name = helper.slice(helper.lastIndexOf('/') + 1)
  const file = name === 'newuidmap' ? '/etc/subuid' : '/etc/subgid'
  return new NamespacesError(
    'ERR_NAMESPACES_ID_MAP',
    `cannot map ${ranges}: ${said === '' ? `${name} failed` : said}; ${file} must give all of these ids to the caller, and ${name} must be set-uid root or have CAP_SET${name.slice(3, 6).toUpperCase()}`,
    { cause },
  )
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
