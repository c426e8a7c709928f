import type { Volume } from '@ctr/runtime'
import { usageError } from '../errors.js'
import { parseSize } from './parse-size.js'

/** A `--mount`, as it was typed, with the short names of its members written out. */
export interface Mount {
  readonly type: 'bind' | 'volume' | 'tmpfs'
  readonly source: string | undefined
  readonly target: string
  readonly readOnly: boolean
  /** Of a bind. */
  readonly propagation: string | undefined
  /** Of a volume: it is not filled with what the image has in its place. */
  readonly noCopy: boolean
  /** Of a tmpfs, in bytes. */
  readonly size: number | undefined
  /** Of a tmpfs, its permissions. */
  readonly mode: number | undefined
}

const names: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
}

const ofType: Readonly<Record<Mount['type'], readonly string[]>> = {
  bind: ['bind-propagation'],
  volume: ['volume-nocopy'],
  tmpfs: ['tmpfs-size', 'tmpfs-mode'],
}

/**
 * Reads `--mount`: `type=bind|volume|tmpfs` (default volume), `source`, `target`, `readonly`, and what only one type has:
 * `bind-propagation`, `volume-nocopy`, `tmpfs-size`, `tmpfs-mode`. A member with a comma stands in double quotes.
 */
export function parseMount(text: string): Mount {
  const members: Record<string, string> = {}
  for (const field of fieldsOf(text)) {
    const at = field.indexOf('=')
    const typed = (at < 0 ? field : field.slice(0, at)).toLowerCase()
    members[names[typed] ?? typed] = at < 0 ? 'true' : field.slice(at + 1)
  }
  const { type = 'volume', source, target, readonly, ...own } = members
  if (!isType(type)) throw wrong(text, `the type must be bind, volume or tmpfs, not ${type}`)
  const unknown = Object.keys(own).find((name) => !ofType[type].includes(name))
  if (unknown !== undefined) throw wrong(text, `a ${type} has no ${unknown}`)
  if (target?.startsWith('/') !== true) throw wrong(text, 'target must be an absolute path in the container')
  if (type === 'bind' && source?.startsWith('/') !== true)
    throw wrong(text, 'source must be an absolute path on the host')
  if (type === 'tmpfs' && source !== undefined) throw wrong(text, 'a tmpfs has no source')
  const mode = own['tmpfs-mode']
  if (mode !== undefined && !/^[0-7]{1,4}$/.test(mode)) throw wrong(text, 'tmpfs-mode must be octal, as 1777')
  return {
    type,
    source,
    target,
    readOnly: isTrue(readonly, text),
    propagation: own['bind-propagation'],
    noCopy: isTrue(own['volume-nocopy'], text),
    size: own['tmpfs-size'] === undefined ? undefined : parseSize(own['tmpfs-size'], '--mount tmpfs-size'),
    mode: mode === undefined ? undefined : Number.parseInt(mode, 8),
  }
}

/** The mounts of a container, as the runtime takes them. Unlike `-v`, nothing is made on the host. */
export function parseMounts(texts: readonly string[]): {
  readonly volumes: readonly Volume[]
  readonly tmpfs: Readonly<Record<string, string>>
} {
  const volumes: Volume[] = []
  const tmpfs: Record<string, string> = {}
  for (const text of texts) {
    const { type, source, target, readOnly, noCopy, size, mode } = parseMount(text)
    if (type === 'tmpfs') {
      const words = [
        ...(readOnly ? ['ro'] : []),
        ...(size === undefined ? [] : [`size=${size}`]),
        ...(mode === undefined ? [] : [`mode=${mode.toString(8)}`]),
      ]
      tmpfs[target] = words.join(',')
      continue
    }
    volumes.push(
      type === 'bind'
        ? { source: source!, target, readOnly }
        : { volume: source, target, readOnly, copy: !noCopy },
    )
  }
  return { volumes, tmpfs }
}

/** Refuses what the runtime of this machine has not. */
export function refuseMounts(texts: readonly string[]): void {
  for (const text of texts) {
    const { propagation = 'rprivate' } = parseMount(text)
    if (propagation !== 'rprivate' && propagation !== 'private')
      throw wrong(text, `bind-propagation is rprivate here, ${propagation} is not there`)
  }
}

/** Fields between commas; in double quotes a comma is part of one, as in CSV. */
function fieldsOf(text: string): readonly string[] {
  const fields = text.match(/"(?:[^"]|"")*"|[^,]+/g) ?? []
  return fields.map((field) => (field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field))
}

function isType(type: string): type is Mount['type'] {
  return Object.hasOwn(ofType, type)
}

function isTrue(value: string | undefined, text: string): boolean {
  if (value === undefined || value === 'false' || value === '0') return false
  if (value === 'true' || value === '1') return true
  throw wrong(text, `${value} is neither true nor false`)
}

function wrong(text: string, why: string): Error {
  return usageError(`invalid argument "${text}" for --mount: ${why}`)
}
