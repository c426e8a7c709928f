import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Volume } from '@ctr/runtime'
import { usageError } from '../errors.js'

/** Of no effect here: labels of SELinux, and hints for virtual machines. */
const ignored = new Set(['z', 'Z', 'cached', 'consistent', 'delegated', 'rprivate'])

/**
 * Reads `-v`: `/HOST:/CONTAINER[:ro|:rw][,idmap]`, `VOLUME:/CONTAINER[:ro|:rw][,nocopy]`, or `/CONTAINER` for an anonymous volume.
 * A path on the host may begin with `./` or `../`.
 *
 * @param cwd - What relative paths start from.
 */
export function parseVolume(text: string, cwd = process.cwd()): Volume {
  const parts = text.split(':')
  const [source, target = '', options = '', ...rest] = parts.length === 1 ? [undefined, ...parts] : parts
  if (rest.length > 0)
    throw wrong(text, 'at most a volume or path on the host, a path in the container and options')
  if (!target.startsWith('/')) throw wrong(text, 'the path in the container must be absolute')
  const words = options.split(',').filter((word) => word !== '' && !ignored.has(word))
  const isOfHost = source !== undefined && /^(\/|\.\.?(\/|$))/.test(source)
  const copy = isOfHost || !words.includes('nocopy')
  const own = isOfHost ? 'idmap' : 'nocopy'
  const modes = words.filter((word) => word !== own)
  const unknown = modes.find((word) => word !== 'ro' && word !== 'rw')
  if (unknown !== undefined || new Set(modes).size > 1)
    throw wrong(text, `the options are ro or rw, and ${own}, not ${words.join(',')}`)
  const readOnly = modes.includes('ro')
  if (isOfHost) return { source: resolve(cwd, source), target, readOnly, idmap: words.includes(own) }
  if (source !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_.-]{1,127}$/.test(source)) {
    throw wrong(
      text,
      'a volume has 2 to 128 letters, digits, "_", "." and "-", the first a letter or digit; a path begins with "/" or "./"',
    )
  }
  return { volume: source, target, readOnly, copy }
}

/** As Docker: what is missing on the host becomes a folder. */
export function makeSources(volumes: readonly Volume[]): void {
  for (const { source } of volumes) {
    if (source === undefined) continue
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
