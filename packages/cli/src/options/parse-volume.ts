import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { usageError } from '../errors.js'

/** A folder or file of the host in a container. */
export interface ParsedVolume {
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
  /** Show it with the ids of the container's user namespace. */
  readonly idmap: boolean
}

/** Of no effect here: labels of SELinux, and hints for virtual machines. */
const ignored = new Set(['z', 'Z', 'cached', 'consistent', 'delegated', 'rprivate'])

/**
 * Reads `-v`: `/HOST:/CONTAINER[:ro|:rw][,idmap]`. A path on the host may begin with `./` or `../`.
 *
 * @param cwd - What relative paths start from.
 */
export function parseVolume(text: string, cwd = process.cwd()): ParsedVolume {
  const [source = '', target, options = '', ...rest] = text.split(':')
  if (target === undefined)
    throw wrong(text, 'anonymous volumes are not there yet: name a path of the host before ":"')
  if (rest.length > 0) throw wrong(text, 'at most a path on the host, a path in the container and options')
  if (!/^(\/|\.\.?(\/|$))/.test(source))
    throw wrong(text, 'named volumes are not there yet: a path of the host begins with "/" or "./"')
  if (!target.startsWith('/')) throw wrong(text, 'the path in the container must be absolute')
  const given = options.split(',').filter((word) => word !== '' && !ignored.has(word))
  const words = given.filter((word) => word !== 'idmap')
  const unknown = words.find((word) => word !== 'ro' && word !== 'rw')
  if (unknown !== undefined || new Set(words).size > 1)
    throw wrong(text, `the options are ro or rw, and idmap, not ${given.join(',')}`)
  return {
    source: resolve(cwd, source),
    target,
    readOnly: words.includes('ro'),
    idmap: given.includes('idmap'),
  }
}

/** As Docker: what is missing on the host becomes a folder. */
export function makeSources(volumes: readonly ParsedVolume[]): void {
  for (const { source } of volumes) {
    try {
      mkdirSync(source, { recursive: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // a file is there
    }
  }
}

function wrong(text: string, why: string): Error {
  return usageError(`invalid argument "${text}" for -v, --volume: ${why}`)
}
